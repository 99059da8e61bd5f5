//! Repair of `pcm16_as_g711` where the bytes arrive at real-time rate: each packet holds its whole packet time
//! of PCM16, so it is read as that, resampled to 8 kHz and companded. What arrives at less than real time (the
//! bytes cut into packets of the usual size) can't be heard in time and is muted.

use crate::audio::resample::Resampler;
use crate::detect::{ByteOrder, Fault, Finding, Pace};
use squelch_g711::Law;

/// Samples in the longest payload that is read: 60 ms at 24 kHz.
const MAX_SAMPLES: usize = 1_440;

/// The rates that OpenAI and its SDKs use for PCM16. **Units**: Hz.
const RATES_HZ: [u32; 3] = [8_000, 16_000, 24_000];

/// The repair of one direction, with a resampler for each rate made beforehand.
pub(crate) struct Repair {
    order: ByteOrder,
    from_16k: Resampler,
    from_24k: Resampler,
    ptime_ms: u16,
    samples: Box<[i16; MAX_SAMPLES]>,
}

impl Repair {
    /// A repair for packets of `ptime_ms`; `None` where a resampler can't work in such packets.
    pub(crate) fn new(ptime_ms: u16) -> Option<Repair> {
        Some(Repair {
            order: ByteOrder::Little,
            from_16k: Resampler::new(16_000, 8_000, ptime_ms).ok()?,
            from_24k: Resampler::new(24_000, 8_000, ptime_ms).ok()?,
            ptime_ms,
            samples: Box::new([0; MAX_SAMPLES]),
        })
    }

    /// Whether the finding is one that can be repaired in time; readies the repair if so.
    pub(crate) fn start(&mut self, finding: &Finding) -> bool {
        let (Fault::Pcm16AsG711, Pace::RealTime, Some(order)) =
            (finding.fault, finding.variant.pace, finding.variant.order)
        else {
            return false;
        };
        self.order = order;
        self.from_16k.reset();
        self.from_24k.reset();
        true
    }

    /// Repairs one payload in place; gives its new length, or `None` when it holds no whole packet time.
    pub(crate) fn apply(&mut self, payload: &mut [u8], law: Law, pcm: &mut [i16]) -> Option<usize> {
        let count = payload.len() / 2;
        let rate = RATES_HZ.into_iter().find(|rate| {
            payload.len() == 2 * (*rate as usize) * usize::from(self.ptime_ms) / 1_000
        })?;
        let samples = self.samples.get_mut(..count)?;
        for (sample, bytes) in samples.iter_mut().zip(payload.chunks_exact(2)) {
            let &[first, second] = bytes else { continue };
            *sample = match self.order {
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

impl std::fmt::Debug for Repair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repair({} ms, {:?})", self.ptime_ms, self.order)
    }
}
