//! Any format to any other, a frame at a time.
//!
//! ```text
//! push(timestamp, payload) -> timing -> Reader -> Rates -> Writer -> Queue -> pop(out) -> Frame
//! ```

mod coder;
#[cfg(feature = "opus")]
mod conceal;
mod error;
mod paced;
mod queue;
mod rates;
mod silence;
mod timing;

pub use error::TranscodeError;
pub(crate) use paced::Paced;
pub use silence::Silence;
pub use timing::MAX_FILL_MS;

use super::format::AudioFormat;
#[cfg(feature = "opus")]
use super::{format::SampleRate, opus, opus_packet};
use crate::rtp::{Ptime, RtpTime};
use coder::{MAX_PAYLOAD_MS, Reader, Writer};
use queue::Queue;
use rates::Rates;
use squelch_g711::Law;
use std::time::Duration;
use timing::{Place, Timing};

/// What waits at most. **Units**: milliseconds; a gap and a payload, the end of the stretch before them (less than
/// a frame of 60 ms, two chunks of 20 ms, and silence up to a whole frame), and a chunk begun.
const QUEUE_MS: u32 = MAX_FILL_MS + MAX_PAYLOAD_MS + 60 + 40 + 60 + 20;

/// One frame that came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its RTP timestamp on the outgoing format's clock.
    pub timestamp: RtpTime,
    /// Its length in the caller's buffer.
    pub len: usize,
}

/// How samples get from one format to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The bytes as they are.
    Copy,
    /// From one law to the other, by table.
    Law(Law, Law),
    /// As samples.
    Samples,
}

/// Packets of one format and length in, frames of another out.
///
/// The first frame has the first packet's timestamp; the caller adds what its stream begins with. A payload may be
/// of any length up to 120 ms, whatever was announced: frames that come out are always of `ptime_out`. A gap of up to
/// 120 ms is filled, by Opus' concealment or with silence; after a longer one, or a jump back of more than a second,
/// what waits is let out with silence up to a whole frame, and time goes on where the packet says (after a jump back:
/// 120 ms on). Packets whose time is past are refused: order is the jitter buffer's matter, as marker and sequence
/// number are the sender's.
///
/// **Cost**: fixed memory; nothing is allocated after [`Transcoder::new`].
#[derive(Debug)]
pub struct Transcoder {
    way: Way,
    timing: Timing,
    reader: Reader,
    /// Rate of the samples that are read.
    read_hz: u32,
    pcm: Box<[i16]>,
    rates: Option<Rates>,
    writer: Writer,
    queue: Queue,
    /// Bytes in the queue that make a frame.
    frame_bytes: usize,
    frame_ticks: u32,
    /// The next frame's timestamp.
    next: RtpTime,
    /// After so many bytes of the queue, the next frame's timestamp is another.
    jump: Option<(usize, RtpTime)>,
    #[cfg(feature = "opus")]
    opus: Option<(opus::Encoder, Box<[i16]>)>,
}

impl Transcoder {
    /// A transcoder for packets of about `ptime_in`. Allocates, and is the last to.
    ///
    /// **Errors**: Opus is not built in, or has no frame of `ptime_out`.
    pub fn new(
        from: AudioFormat,
        to: AudioFormat,
        ptime_in: Ptime,
        ptime_out: Ptime,
    ) -> Result<Transcoder, TranscodeError> {
        if to == AudioFormat::Opus {
            #[cfg(not(feature = "opus"))]
            return Err(TranscodeError::NoOpus);
            #[cfg(feature = "opus")]
            check_opus_ptime(ptime_out)?;
        }
        // libopus works at any of the rates: no resampler is needed on either side of it.
        let read = if from == AudioFormat::Opus {
            to.sample_rate()
        } else {
            from.sample_rate()
        };
        let write = if to == AudioFormat::Opus {
            read
        } else {
            to.sample_rate()
        };
        let writer = Writer::new(to);
        let frame_samples = ptime_out.samples(write.hz());
        let samples = |ms: u32| (write.hz() / 1_000 * ms) as usize;
        Ok(Transcoder {
            way: way(from, to),
            timing: Timing::new(from.clock_rate(), to.clock_rate()),
            reader: Reader::new(from, read)?,
            read_hz: read.hz(),
            pcm: vec![0; (read.hz() / 1_000 * MAX_PAYLOAD_MS) as usize].into(),
            rates: Rates::new(read, write, ptime_in)?,
            writer,
            queue: Queue::new(samples(QUEUE_MS) * writer.sample_bytes()),
            frame_bytes: frame_samples * writer.sample_bytes(),
            frame_ticks: ptime_out.samples(to.clock_rate()) as u32,
            next: RtpTime(0),
            jump: None,
            #[cfg(feature = "opus")]
            opus: opus_encoder(to, write, frame_samples)?,
        })
    }

    /// How much later sound lies in the frames than in the packets, by their timestamps: the resampler's delay, 10 ms
    /// where `ptime_in` is a whole number of 20 ms, else 5 ms; none where the rates are the same. Constant. Opus adds
    /// its own look-ahead to it (6.5 ms in the encoder, RFC 6716 section 2).
    pub fn delay(&self) -> Duration {
        self.rates.as_ref().map_or(Duration::ZERO, Rates::delay)
    }

    /// Takes a packet's payload. Pop every frame before the next.
    ///
    /// **Errors**: the payload is malformed, its time is past, or a frame waits; the state is as before, but for a
    /// gap before a malformed packet of Opus, which is filled.
    pub fn push(&mut self, timestamp: RtpTime, payload: &[u8]) -> Result<(), TranscodeError> {
        if self.queue.len() >= self.frame_bytes {
            return Err(TranscodeError::Waiting);
        }
        let ticks = self.reader.ticks(payload)?;
        let place = self.timing.place(timestamp);
        match place {
            Place::Late => return Err(TranscodeError::Late),
            Place::After(missing) if missing > 0 => self.fill(missing)?,
            Place::After(_) | Place::First | Place::Restart(_) => {}
        }
        let count = match self.way {
            Way::Samples => self.reader.read(payload, &mut self.pcm)?,
            Way::Copy | Way::Law(..) => 0,
        };
        match place {
            Place::First => {
                self.timing.begin(timestamp);
                self.next = timestamp;
            }
            Place::Restart(skipped) => self.restart(timestamp, skipped)?,
            Place::After(_) | Place::Late => {}
        }
        match self.way {
            Way::Samples => self.write(count)?,
            Way::Copy => self.room(payload.len())?.copy_from_slice(payload),
            Way::Law(from, to) => {
                let codes = self.room(payload.len())?;
                codes.copy_from_slice(payload);
                squelch_g711::convert_in_place(from, to, codes);
            }
        }
        self.timing.advance(ticks);
        Ok(())
    }

    /// The next frame, written into `out`, if one is whole.
    ///
    /// **Shape**: [`AudioFormat::frame_bytes`] hold any frame.
    ///
    /// **Errors**: there is no room, and the frame waits; or libopus failed, and the frame is left out.
    pub fn pop(&mut self, out: &mut [u8]) -> Result<Option<Frame>, TranscodeError> {
        if self.queue.len() < self.frame_bytes {
            return Ok(None);
        }
        #[cfg(feature = "opus")]
        let room = if self.opus.is_some() {
            1
        } else {
            self.frame_bytes
        };
        #[cfg(not(feature = "opus"))]
        let room = self.frame_bytes;
        if out.len() < room {
            return Err(TranscodeError::Room(room));
        }
        let timestamp = self.stamp();
        let Some(bytes) = self.queue.take(self.frame_bytes) else {
            return Ok(None);
        };
        #[cfg(feature = "opus")]
        if let Some((encoder, pcm)) = &mut self.opus {
            let (pairs, _) = bytes.as_chunks::<2>();
            for (sample, pair) in pcm.iter_mut().zip(pairs) {
                *sample = i16::from_le_bytes(*pair);
            }
            let len = encoder.encode(pcm, out).map_err(|_| TranscodeError::Opus)?;
            return Ok(Some(Frame { timestamp, len }));
        }
        let len = bytes.len();
        if let Some(to) = out.get_mut(..len) {
            to.copy_from_slice(bytes);
        }
        Ok(Some(Frame { timestamp, len }))
    }

    /// The timestamp of the frame that is taken now; the next one's after it.
    fn stamp(&mut self) -> RtpTime {
        if let Some((before, timestamp)) = self.jump {
            match before.checked_sub(self.frame_bytes) {
                Some(left) => self.jump = Some((left, timestamp)),
                None => {
                    self.next = timestamp;
                    self.jump = None;
                }
            }
        }
        let timestamp = self.next;
        self.next = timestamp.plus(self.frame_ticks);
        timestamp
    }

    /// Fills a gap.
    fn fill(&mut self, ticks: u32) -> Result<(), TranscodeError> {
        let count = self.timing.samples(ticks, self.read_hz);
        if self.way == Way::Samples {
            let missing = self.pcm.get_mut(..count).ok_or(TranscodeError::TooLong)?;
            self.reader.conceal(missing);
            self.write(count)?;
        } else {
            let (writer, bytes) = (self.writer, count * self.writer.sample_bytes());
            writer.silence(self.room(bytes)?);
        }
        self.timing.advance(ticks);
        Ok(())
    }

    /// Ends the stretch before and begins another.
    fn restart(&mut self, timestamp: RtpTime, skipped: u32) -> Result<(), TranscodeError> {
        if let Some(rates) = &mut self.rates {
            rates.finish(self.writer, &mut self.queue)?;
        }
        let writer = self.writer;
        let over = self.queue.len() % self.frame_bytes.max(1);
        if over > 0 {
            writer.silence(self.room(self.frame_bytes - over)?);
        }
        self.timing.restart(timestamp, skipped);
        self.jump = Some((self.queue.len(), self.timing.outgoing()));
        Ok(())
    }

    /// Sends the first `count` samples of `pcm` on.
    fn write(&mut self, count: usize) -> Result<(), TranscodeError> {
        let pcm = self.pcm.get(..count).ok_or(TranscodeError::TooLong)?;
        match &mut self.rates {
            Some(rates) => rates.push(pcm, self.writer, &mut self.queue),
            None => rates::write(pcm, self.writer, &mut self.queue),
        }
    }

    fn room(&mut self, bytes: usize) -> Result<&mut [u8], TranscodeError> {
        self.queue.grow(bytes).ok_or(TranscodeError::Waiting)
    }
}

fn way(from: AudioFormat, to: AudioFormat) -> Way {
    match (from, to) {
        (AudioFormat::Pcmu, AudioFormat::Pcma) => Way::Law(Law::Mu, Law::A),
        (AudioFormat::Pcma, AudioFormat::Pcmu) => Way::Law(Law::A, Law::Mu),
        // Opus has its frames' length within: it is made anew.
        (from, to) if from == to && from != AudioFormat::Opus => Way::Copy,
        _ => Way::Samples,
    }
}

#[cfg(feature = "opus")]
/// Opus frames last 2.5, 5, 10, 20, 40 or 60 ms (RFC 6716 section 2.1.4).
fn check_opus_ptime(ptime: Ptime) -> Result<(), TranscodeError> {
    match ptime.as_ms() {
        10 | 20 | 40 | 60 => Ok(()),
        other => Err(TranscodeError::OpusPtime(other)),
    }
}

#[cfg(feature = "opus")]
type OpusEncoder = Option<(opus::Encoder, Box<[i16]>)>;

#[cfg(feature = "opus")]
fn opus_encoder(
    to: AudioFormat,
    rate: SampleRate,
    samples: usize,
) -> Result<OpusEncoder, TranscodeError> {
    if to != AudioFormat::Opus {
        return Ok(None);
    }
    let encoder = opus::Encoder::new(rate).map_err(|_| TranscodeError::Opus)?;
    Ok(Some((encoder, vec![0; samples].into())))
}
