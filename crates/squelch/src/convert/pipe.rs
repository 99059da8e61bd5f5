//! From one rate to another, as a stream whose length and place in time are kept.

use squelch_media::audio::resample::{ResampleError, Resampler};

/// Brings samples to another rate; the same rate passes as it is.
pub(crate) struct Pipe {
    resampler: Option<Resampler>,
    /// Samples that are no whole packet yet.
    pending: Vec<i16>,
    packet: Vec<i16>,
    taken: u64,
    given: u64,
    /// The filter's delay: so many of the first samples are left out.
    skip: usize,
    rates: (u32, u32),
}

impl Pipe {
    pub(crate) fn new(from_hz: u32, to_hz: u32) -> Result<Pipe, ResampleError> {
        let resampler = match from_hz == to_hz {
            true => None,
            false => Some(Resampler::new(from_hz, to_hz, PACKET_MS)?),
        };
        Ok(Pipe {
            packet: vec![0; resampler.as_ref().map_or(0, Resampler::output_samples)],
            skip: resampler.as_ref().map_or(0, Resampler::delay_samples),
            resampler,
            pending: Vec::new(),
            taken: 0,
            given: 0,
            rates: (from_hz, to_hz),
        })
    }

    /// Appends to `out` what `samples` come to.
    pub(crate) fn push(
        &mut self,
        samples: &[i16],
        out: &mut Vec<i16>,
    ) -> Result<(), ResampleError> {
        self.taken += samples.len() as u64;
        let Some(resampler) = &mut self.resampler else {
            out.extend_from_slice(samples);
            return Ok(());
        };
        self.pending.extend_from_slice(samples);
        let size = resampler.input_samples();
        let whole = self.pending.len() / size * size;
        for packet in self.pending.chunks_exact(size) {
            resampler.process(packet, &mut self.packet)?;
            let skipped = self.skip.min(self.packet.len());
            self.skip -= skipped;
            let new = self.packet.get(skipped..).unwrap_or_default();
            self.given += new.len() as u64;
            out.extend_from_slice(new);
        }
        self.pending.drain(..whole);
        Ok(())
    }

    /// Appends the rest: as many samples come out in all as lasted in.
    pub(crate) fn finish(mut self, out: &mut Vec<i16>) -> Result<(), ResampleError> {
        let Some(size) = self.resampler.as_ref().map(Resampler::input_samples) else {
            return Ok(());
        };
        let (from, to) = (u64::from(self.rates.0), u64::from(self.rates.1));
        let wanted = (self.taken * to).div_ceil(from);
        let silence = vec![0; size];
        while self.given < wanted {
            let before = self.given;
            self.push(&silence, out)?;
            if let Some(over) = self.given.checked_sub(wanted) {
                out.truncate(out.len().saturating_sub(over as usize));
            }
            debug_assert!(self.given > before || self.skip > 0);
        }
        Ok(())
    }
}

const PACKET_MS: u16 = 20;
