//! Samples through the resampler, where rates differ, into the queue of what waits.

use super::TranscodeError;
use super::coder::Writer;
use super::queue::Queue;
use crate::audio::format::SampleRate;
use crate::audio::resample::Resampler;
use crate::rtp::Ptime;
use std::time::Duration;

/// The change of rate, a chunk at a time.
#[derive(Debug)]
pub(super) struct Rates {
    resampler: Resampler,
    chunk: Box<[i16]>,
    filled: usize,
    resampled: Box<[i16]>,
    to_hz: u32,
}

impl Rates {
    /// `None` where there is nothing to change.
    pub(super) fn new(
        from: SampleRate,
        to: SampleRate,
        ptime: Ptime,
    ) -> Result<Option<Rates>, TranscodeError> {
        if from == to {
            return Ok(None);
        }
        // The longer the chunk, the steeper the filter: 20 ms keep the telephone's band whole. Packets that are no
        // whole number of those would come out in turns of none and two.
        let chunk_ms = if ptime.as_ms().is_multiple_of(20) {
            20
        } else {
            10
        };
        let resampler = Resampler::new(from.hz(), to.hz(), chunk_ms)?;
        Ok(Some(Rates {
            chunk: vec![0; resampler.input_samples()].into(),
            filled: 0,
            resampled: vec![0; resampler.output_samples()].into(),
            resampler,
            to_hz: to.hz(),
        }))
    }

    pub(super) fn delay(&self) -> Duration {
        let samples = self.resampler.delay_samples() as u64;
        Duration::from_micros(samples * 1_000_000 / u64::from(self.to_hz))
    }

    /// Takes any number of samples; whole chunks go on into the queue.
    pub(super) fn push(
        &mut self,
        mut pcm: &[i16],
        writer: Writer,
        queue: &mut Queue,
    ) -> Result<(), TranscodeError> {
        while !pcm.is_empty() {
            let room = self.chunk.get_mut(self.filled..).unwrap_or_default();
            let (now, later) = pcm.split_at(pcm.len().min(room.len()));
            for (to, from) in room.iter_mut().zip(now) {
                *to = *from;
            }
            self.filled += now.len();
            pcm = later;
            if self.filled == self.chunk.len() {
                self.filled = 0;
                self.resampler.process(&self.chunk, &mut self.resampled)?;
                write(&self.resampled, writer, queue)?;
            }
        }
        Ok(())
    }

    /// Lets out what is still inside, silence after it, and forgets it.
    pub(super) fn finish(
        &mut self,
        writer: Writer,
        queue: &mut Queue,
    ) -> Result<(), TranscodeError> {
        for _ in 0..2 {
            self.chunk
                .get_mut(self.filled..)
                .unwrap_or_default()
                .fill(0);
            self.filled = 0;
            self.resampler.process(&self.chunk, &mut self.resampled)?;
            write(&self.resampled, writer, queue)?;
        }
        self.resampler.reset();
        Ok(())
    }
}

/// Writes samples at the outgoing rate into the queue.
pub(super) fn write(pcm: &[i16], writer: Writer, queue: &mut Queue) -> Result<(), TranscodeError> {
    let bytes = queue
        .grow(pcm.len() * writer.sample_bytes())
        .ok_or(TranscodeError::Waiting)?;
    writer.write(pcm, bytes);
    Ok(())
}
