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
    /// `None` where a resampler can't work in packets of the leg's length.
    pcm16: Option<Pcm16>,
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

    /// Whether the finding is one that can be repaired in time; readies the repair if so.
    pub(crate) fn start(&mut self, finding: &Finding) -> bool {
        let variant = &finding.variant;
        self.way = match (finding.fault, variant.pace, variant.order) {
            (Fault::LawMismatch, _, _) => Undo::new(self.labelled, variant.what).map(Way::Undo),
            (Fault::Pcm16AsG711, Pace::RealTime, Some(order)) => {
                let pcm16 = self.pcm16.as_mut();
                pcm16.map(Pcm16::reset).map(|()| Way::Pcm16(order))
            }
            _ => None,
        };
        self.way.is_some()
    }

    /// Repairs one payload in place; gives its new length, or `None` when it holds no whole packet time.
    pub(crate) fn apply(&mut self, payload: &mut [u8], law: Law, pcm: &mut [i16]) -> Option<usize> {
        match self.way.as_mut()? {
            Way::Undo(undo) => {
                undo.apply(payload);
                convert_in_place(undo.law(), law, payload);
                Some(payload.len())
            }
            Way::Pcm16(order) => self.pcm16.as_mut()?.apply(*order, payload, law, pcm),
        }
    }
}

/// PCM16 at real-time rate, with a resampler for each rate made beforehand.
struct Pcm16 {
    from_16k: Resampler,
    from_24k: Resampler,
    ptime_ms: u16,
    samples: Box<[i16; MAX_SAMPLES]>,
}

impl Pcm16 {
    fn new(ptime_ms: u16) -> Option<Pcm16> {
        Some(Pcm16 {
            from_16k: Resampler::new(16_000, 8_000, ptime_ms).ok()?,
            from_24k: Resampler::new(24_000, 8_000, ptime_ms).ok()?,
            ptime_ms,
            samples: Box::new([0; MAX_SAMPLES]),
        })
    }

    fn reset(&mut self) {
        self.from_16k.reset();
        self.from_24k.reset();
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
        match rate {
            16_000 => self.from_16k.process(samples, pcm).ok()?,
            24_000 => self.from_24k.process(samples, pcm).ok()?,
            _ => pcm.copy_from_slice(samples),
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
