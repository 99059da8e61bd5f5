//! A lane: what one direction needs where its packets can't go on as they come: another encoding than the other law,
//! another rate, another packet time.
//!
//! ```text
//! push -> JitterBuffer -> play, once a packet time of the outgoing leg:
//!           its turn            Paced::take
//!           lost                Paced::recover, Paced::conceal
//!           nothing was sent    Paced::rest (comfort noise, silence)
//! ```
//!
//! The stream that comes out has no gaps. How long audio waits follows the network: what is not there in time is
//! concealed and, should it still come, played later, so that the delay grows by it; what comes behind its place makes
//! it grow as well; when every packet of two seconds
//! waited longer than it had to, a period is left out, so that it shrinks again. Clocks that drift apart are the same
//! to it.

mod events;
mod jitter_buffer;

use crate::audio::transcode::{Paced, TranscodeError};
use crate::rtp::{Ptime, RtpTime, Ssrc};
use crate::{Format, LegPlan};
use events::Events;
use jitter_buffer::{JitterBuffer, Waiting};
use std::time::{Duration, Instant};

/// What audio waits at most; older packets are left out. **Source**: ITU-T G.114, which the network, the model and the
/// other buffer need the rest of.
const MOST_WAITING: Duration = Duration::from_millis(200);

/// Audio that waits longer than this without need is played sooner. **Source**: a convention: half a packet.
const SPARE: Duration = Duration::from_millis(10);

/// So many packets tell whether audio waits without need: two seconds of 20 ms.
const OBSERVED: u32 = 100;

/// A gap longer than this is a pause, not loss. **Units**: milliseconds; what concealment can hide, twice.
const LONGEST_GAP_MS: u32 = 120;

/// A timestamp that is off by more than this begins a new run. **Units**: milliseconds.
const JUMP_MS: u32 = 1_000;

/// Made up at a time. **Units**: milliseconds.
const MADE_UP_MS: u32 = 10;

/// One direction's jitter buffer and transcoder.
///
/// **Shape**: fixed memory; see docs/assumptions/rtp.md for how much. **Cost**: nothing is allocated after
/// [`Lane::new`].
#[derive(Debug)]
pub(crate) struct Lane {
    from: Format,
    buffer: JitterBuffer,
    paced: Paced,
    events: Events,
    out_ptime: Duration,
    /// When the next packet is due.
    tick: Option<Instant>,
    /// Where the next packet's audio lies on the incoming clock.
    expected: Option<Expected>,
    /// Made up since, or left silent. **Units**: ticks of the incoming clock.
    ahead: u32,
    /// The first packet of a run waits for a while, so that the next ones come in time.
    is_waiting: bool,
    /// What is put where nothing was sent.
    pause: Pause,
    /// The run that comes in.
    epoch: u32,
    source: Option<Ssrc>,
    newest: Option<RtpTime>,
    spare: Spare,
    /// Packets that came too late, or too many.
    late: u64,
}

#[derive(Clone, Copy, Debug)]
struct Expected {
    epoch: u32,
    sequence: u16,
    timestamp: RtpTime,
}

/// What is known of the time in which nothing comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pause {
    /// It is loss, for all that is known.
    No,
    /// A telephone-event is under way, or nothing has come yet: silence.
    Silence,
    /// Comfort noise of this level (RFC 3389). **Units**: dBov.
    Noise(f32),
}

/// How long the packets of late waited for their turn at least.
#[derive(Clone, Copy, Debug)]
struct Spare {
    least: Duration,
    packets: u32,
    /// To be left out.
    owed: Duration,
}

/// A packet of audio as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) now: Instant,
    pub(crate) source: Ssrc,
    pub(crate) sequence: u16,
    pub(crate) timestamp: RtpTime,
    /// The source's numbering started anew with it.
    pub(crate) restart: bool,
}

impl Lane {
    /// Whether packets of `incoming` can't go on to `outgoing` as they come.
    pub(crate) fn is_needed(incoming: &LegPlan, outgoing: &LegPlan) -> bool {
        let same = incoming.format == outgoing.format
            || (incoming.format.is_g711() && outgoing.format.is_g711());
        !same || incoming.ptime != outgoing.ptime
    }

    /// A lane between two legs. Allocates, and is the last to.
    ///
    /// **Errors**: a format is not built in.
    pub(crate) fn new(incoming: &LegPlan, outgoing: &LegPlan) -> Result<Lane, TranscodeError> {
        let (from, to) = (incoming.format, outgoing.format);
        let mut paced = Paced::new(
            from.into(),
            to.into(),
            incoming.ptime,
            outgoing.ptime,
            outgoing.ssrc.0,
        )?;
        paced.set_fec(outgoing.fec);
        Ok(Lane {
            from,
            buffer: JitterBuffer::new(payload_bytes(from)),
            paced,
            events: Events::new(from.clock_rate(), to.clock_rate()),
            out_ptime: outgoing.ptime.duration(),
            tick: None,
            expected: None,
            ahead: 0,
            is_waiting: true,
            pause: Pause::Silence,
            epoch: 0,
            source: None,
            newest: None,
            spare: Spare::new(),
            late: 0,
        })
    }

    /// Packets go out from `now` on, silence first.
    pub(crate) fn start(&mut self, now: Instant) {
        self.tick.get_or_insert(now);
    }

    /// Nothing goes out any more, until [`Lane::start`].
    pub(crate) fn stop(&mut self) {
        self.tick = None;
        self.buffer.clear();
        self.is_waiting = true;
    }

    /// When the next packet is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.tick
    }

    /// Takes a packet of audio. `false` where it, or another for it, is lost for being too much or too long.
    #[must_use]
    pub(crate) fn push(&mut self, arrived: Arrived, payload: &[u8]) -> bool {
        // The first packet of all is played a packet time after it came, by when the next ones are here.
        let start = arrived.now + self.out_ptime + SPARE;
        self.tick.get_or_insert(start);
        let jump = self.newest.is_some_and(|newest| {
            arrived.timestamp.since(newest).unsigned_abs() > self.ticks(JUMP_MS)
        });
        if self.source.is_some_and(|source| source != arrived.source) || arrived.restart || jump {
            self.epoch = self.epoch.wrapping_add(1);
            self.newest = None;
        }
        self.source = Some(arrived.source);
        if self
            .newest
            .is_none_or(|newest| arrived.timestamp.since(newest) > 0)
        {
            self.newest = Some(arrived.timestamp);
        }
        let waiting = Waiting {
            epoch: self.epoch,
            sequence: arrived.sequence,
            timestamp: arrived.timestamp,
            arrived: arrived.now,
            len: payload.len(),
        };
        self.buffer.push(waiting, payload)
    }

    /// Comfort noise goes on from here, of `level_dbov`.
    pub(crate) fn hear_noise(&mut self, level_dbov: f32) {
        self.pause = Pause::Noise(level_dbov);
    }

    /// Maps a packet of telephone-events in place; gives its timestamp towards the other leg, where audio is at `now`.
    /// While events come, no audio is missed.
    pub(crate) fn hear_event(
        &mut self,
        source: Ssrc,
        timestamp: RtpTime,
        now: RtpTime,
        payload: &mut [u8],
    ) -> RtpTime {
        if self.pause == Pause::No {
            self.pause = Pause::Silence;
        }
        self.events.map(source, timestamp, now, payload)
    }

    /// The payload of the packet that is due `now`, written into `out`; gives its length. `None` when none is due.
    pub(crate) fn play(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        let due = self.tick.filter(|due| *due <= now)?;
        // Who was held up sends one packet, not all that it missed.
        let late = now.saturating_duration_since(due);
        self.tick = Some(if late > 10 * self.out_ptime {
            now + self.out_ptime
        } else {
            due + self.out_ptime
        });
        // Each turn gives 10 ms at least, or takes a packet out: there is an end to it.
        while self.paced.is_short() {
            if self.advance(now).is_err() {
                // What libopus or a resampler refuses becomes silence; if that is refused too, there is no packet.
                self.paced.rest(self.ticks(MADE_UP_MS), None).ok()?;
            }
        }
        self.paced.pop(out)
    }

    /// How much audio waits, from the oldest packet to the newest one's end, and in the transcoder.
    pub(crate) fn waiting(&self) -> Duration {
        let packet = self.buffer.first().map_or(Duration::ZERO, |(_, payload)| {
            self.from.span(self.from.ticks(payload).unwrap_or(0))
        });
        self.from.span(self.buffer.depth()) + packet + self.paced.waiting()
    }

    /// Packets that came too late, or too many, since this was asked.
    pub(crate) fn take_late(&mut self) -> u64 {
        std::mem::take(&mut self.late)
    }

    /// One step of the stream: the next packet's audio, or something in the place of what is not there.
    fn advance(&mut self, now: Instant) -> Result<(), TranscodeError> {
        let Some((first, payload)) = self.buffer.first() else {
            return self.make_up(self.ticks(MADE_UP_MS));
        };
        let waited = now.saturating_duration_since(first.arrived);
        if self.is_waiting && waited < SPARE {
            return self.make_up(self.ticks(MADE_UP_MS));
        }
        let most = self.from.span(self.buffer.depth());
        if most > MOST_WAITING {
            self.late += 1;
            self.buffer.pop();
            self.expected = None;
            // As a loss, so that what follows is blended in.
            return self.paced.conceal(self.ticks(1));
        }
        let same = self.expected.filter(|known| known.epoch == first.epoch);
        let gap = same.map_or(0, |known| first.timestamp.since(known.timestamp));
        if gap < 0 {
            self.late += 1;
            self.buffer.pop();
            self.spare = Spare::new();
            // What came behind its place is lost; the next one that does is waited for, within reason.
            let behind = gap.unsigned_abs().min(self.ticks(LONGEST_GAP_MS / 2));
            if self.waiting() > MOST_WAITING / 2 {
                return Ok(());
            }
            return self.paced.conceal(behind);
        }
        let missing = (gap as u32).saturating_sub(self.ahead);
        if missing > 0 && missing <= self.ticks(LONGEST_GAP_MS) {
            let is_next = same.is_some_and(|known| known.sequence == first.sequence);
            self.ahead += missing;
            return match self.pause {
                // The sender left it out: its numbers have no gap.
                Pause::No if is_next => self.paced.rest(missing, None),
                Pause::No => self.paced.recover(missing, payload),
                Pause::Silence => self.paced.rest(missing, None),
                Pause::Noise(level) => self.paced.rest(missing, Some(level)),
            };
        }
        let shorten = !self.spare.owed.is_zero();
        let taken = self.paced.take(payload, shorten);
        self.buffer.pop();
        let ticks = taken.as_ref().map_or(0, |taken| taken.ticks);
        self.expected = Some(Expected {
            epoch: first.epoch,
            sequence: first.sequence.wrapping_add(1),
            timestamp: first.timestamp.plus(ticks),
        });
        self.ahead = 0;
        self.is_waiting = false;
        self.pause = Pause::No;
        let taken = taken?;
        self.spare.owed = self
            .spare
            .owed
            .saturating_sub(self.from.span(taken.shortened));
        self.spare.waited(waited);
        Ok(())
    }

    /// Nothing is there: something is put in its place.
    fn make_up(&mut self, ticks: u32) -> Result<(), TranscodeError> {
        self.ahead = self.ahead.saturating_add(ticks);
        if self.ahead > self.ticks(LONGEST_GAP_MS) {
            // Whatever comes next begins anew, and waits for a little.
            self.is_waiting = true;
            self.expected = None;
            self.spare = Spare::new();
        }
        match self.pause {
            Pause::No => self.paced.conceal(ticks),
            Pause::Silence => self.paced.rest(ticks, None),
            Pause::Noise(level) => self.paced.rest(ticks, Some(level)),
        }
    }

    /// **Units**: ticks of the incoming clock.
    fn ticks(&self, ms: u32) -> u32 {
        self.from.clock_rate() / 1_000 * ms
    }
}

impl Spare {
    fn new() -> Spare {
        Spare {
            least: Duration::MAX,
            packets: 0,
            owed: Duration::ZERO,
        }
    }

    /// Takes how long a packet waited for its turn.
    fn waited(&mut self, waited: Duration) {
        self.least = self.least.min(waited);
        self.packets += 1;
        if self.packets == OBSERVED {
            *self = Spare {
                owed: self.least.saturating_sub(SPARE),
                ..Spare::new()
            };
        }
    }
}

/// The longest payload that is kept. **Units**: bytes; 120 ms of G.711, else what an Ethernet packet holds.
fn payload_bytes(format: Format) -> usize {
    match format {
        Format::Pcmu | Format::Pcma => 2 * Ptime::MAX.samples(8_000),
        Format::L16(_) | Format::Opus => 1_440,
    }
}
