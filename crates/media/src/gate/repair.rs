//! What can be repaired in the path, a packet at a time.
//!
//! `law_mismatch`: the codes are given back ([`Undo`]), all of them where the stream is only labelled wrongly.
//!
//! `pcm16_as_g711` where the bytes arrive at real-time rate: each packet holds its whole packet time of PCM16, so it
//! is read as that, resampled to 8 kHz and companded. What arrives at less than real time (the bytes cut into
//! packets of the usual size) can't be heard in time and is muted.

use crate::audio::resample::Resampler;
use crate::audio::undo::Undo;
use crate::detect::{ByteOrder, Fault, Finding, Pace};
use squelch_g711::{Law, convert_in_place};

/// Samples in the longest payload that is read: 60 ms at 24 kHz.
const MAX_SAMPLES: usize = 1_440;

/// The rates that OpenAI and its SDKs use for PCM16. **Units**: Hz.
const RATES_HZ: [u32; 3] = [8_000, 16_000, 24_000];

/// The repair of one direction.
#[derive(Debug)]
pub(crate) struct Repair {
    way: Option<Way>,
    labelled: Law,
    pcm16: Pcm16,
}

/// How the present fault is repaired.
#[derive(Clone, Copy, Debug)]
enum Way {
    Undo(Undo),
    Pcm16(ByteOrder),
}

impl Repair {
    /// A repair for a stream labelled `labelled` that goes on in packets of `ptime_ms`.
    pub(crate) fn new(labelled: Law, ptime_ms: u16) -> Repair {
        Repair {
            way: None,
            labelled,
            pcm16: Pcm16::new(ptime_ms),
        }
    }

    /// Whether [`Repair::prepare`] is to be called before the fault can be repaired at all rates.
    pub(crate) fn wants_preparing(&self) -> bool {
        matches!(self.way, Some(Way::Pcm16(_))) && matches!(self.pcm16.resamplers, Resamplers::None)
    }

    /// Makes what the present fault's repair needs. Allocates: never called while a packet waits.
    pub(crate) fn prepare(&mut self) {
        if self.wants_preparing() {
            self.pcm16.prepare();
        }
    }

    /// Whether the finding is one that can be repaired in time; readies the repair if so, or asks to be prepared.
    pub(crate) fn start(&mut self, finding: &Finding) -> bool {
        let variant = &finding.variant;
        self.way = match (finding.fault, variant.pace, variant.order) {
            (Fault::LawMismatch, _, _) => Undo::new(self.labelled, variant.what).map(Way::Undo),
            (Fault::Pcm16AsG711, Pace::RealTime, Some(order)) => {
                self.pcm16.reset();
                Some(Way::Pcm16(order))
            }
            _ => None,
        };
        self.way.is_some()
    }

    /// Repairs one payload in place; gives its new length, or `None` when it holds no whole packet time or
    /// nothing is prepared yet.
    pub(crate) fn apply(&mut self, payload: &mut [u8], law: Law, pcm: &mut [i16]) -> Option<usize> {
        match self.way.as_mut()? {
            Way::Undo(undo) => {
                undo.apply(payload);
                convert_in_place(undo.law(), law, payload);
                Some(payload.len())
            }
            Way::Pcm16(order) => self.pcm16.apply(*order, payload, law, pcm),
        }
    }
}

/// PCM16 at real-time rate.
struct Pcm16 {
    resamplers: Resamplers,
    ptime_ms: u16,
    samples: Box<[i16; MAX_SAMPLES]>,
}

/// What 16 and 24 kHz need. To make them allocates and takes some ten packets' time, and few calls ever want them.
enum Resamplers {
    /// Until the first fault that may.
    None,
    Ready(Box<Pair>),
    /// They can't work in packets of this length.
    Impossible,
}

struct Pair {
    from_16k: Resampler,
    from_24k: Resampler,
}

impl Pair {
    fn new(ptime_ms: u16) -> Option<Pair> {
        Some(Pair {
            from_16k: Resampler::new(16_000, 8_000, ptime_ms).ok()?,
            from_24k: Resampler::new(24_000, 8_000, ptime_ms).ok()?,
        })
    }
}

impl Pcm16 {
    fn new(ptime_ms: u16) -> Pcm16 {
        Pcm16 {
            resamplers: Resamplers::None,
            ptime_ms,
            samples: Box::new([0; MAX_SAMPLES]),
        }
    }

    fn prepare(&mut self) {
        self.resamplers = match Pair::new(self.ptime_ms) {
            Some(pair) => Resamplers::Ready(Box::new(pair)),
            None => Resamplers::Impossible,
        };
    }

    fn reset(&mut self) {
        if let Resamplers::Ready(pair) = &mut self.resamplers {
            pair.from_16k.reset();
            pair.from_24k.reset();
        }
    }

    fn apply(
        &mut self,
        order: ByteOrder,
        payload: &mut [u8],
        law: Law,
        pcm: &mut [i16],
    ) -> Option<usize> {
        let count = payload.len() / 2;
        let rate = RATES_HZ.into_iter().find(|rate| {
            payload.len() == 2 * (*rate as usize) * usize::from(self.ptime_ms) / 1_000
        })?;
        let samples = self.samples.get_mut(..count)?;
        for (sample, bytes) in samples.iter_mut().zip(payload.chunks_exact(2)) {
            let &[first, second] = bytes else { continue };
            *sample = match order {
                ByteOrder::Little => i16::from_le_bytes([first, second]),
                ByteOrder::Big => i16::from_be_bytes([first, second]),
            };
        }
        let length = usize::from(self.ptime_ms) * 8;
        let pcm = pcm.get_mut(..length)?;
        match (rate, &mut self.resamplers) {
            (8_000, _) => pcm.copy_from_slice(samples),
            (16_000, Resamplers::Ready(pair)) => pair.from_16k.process(samples, pcm).ok()?,
            (_, Resamplers::Ready(pair)) => pair.from_24k.process(samples, pcm).ok()?,
            (_, Resamplers::None | Resamplers::Impossible) => return None,
        }
        law.encode(pcm, payload.get_mut(..length)?);
        Some(length)
    }
}

impl std::fmt::Debug for Pcm16 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pcm16({} ms)", self.ptime_ms)
    }
}
