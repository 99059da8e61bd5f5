//! Comfort noise that is rendered where packets are relayed: the peer stopped sending and said how its room sounds, and
//! the other leg has no word for it.

use crate::Format;
use crate::audio::level;
use std::time::{Duration, Instant};

/// Samples of the longest packet: 60 ms at 24 kHz.
const MAX_SAMPLES: usize = 1_440;

/// The noise of one direction, a packet each packet time, from a comfort noise packet to the next of audio.
#[derive(Debug)]
pub(super) struct Rendering {
    due: Option<Instant>,
    level_dbov: f32,
    random: u32,
}

impl Rendering {
    pub(super) fn new(seed: u32) -> Rendering {
        Rendering {
            due: None,
            level_dbov: level::FLOOR_DBOV,
            random: seed | 1,
        }
    }

    /// Noise of this level from `now` on, or from when the packet before ends.
    pub(super) fn start(&mut self, now: Instant, level_dbov: f32) {
        self.level_dbov = level_dbov;
        self.due.get_or_insert(now);
    }

    pub(super) fn stop(&mut self) {
        self.due = None;
    }

    /// When the next packet is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Writes the payload that is due `now`: `samples` of noise; gives its length. `None` when none is due.
    pub(super) fn render(
        &mut self,
        now: Instant,
        format: Format,
        samples: usize,
        out: &mut [u8],
    ) -> Option<usize> {
        let due = self.due.filter(|due| *due <= now)?;
        let ptime = format.span(samples as u32);
        let late = now.saturating_duration_since(due);
        // Who was held up sends one packet, not all that it missed.
        self.due = Some(if late > 10 * ptime { now } else { due } + ptime.max(SHORTEST));
        let mut pcm = [0; MAX_SAMPLES];
        let pcm = pcm.get_mut(..samples)?;
        level::noise(&mut self.random, self.level_dbov, pcm);
        match format {
            Format::Pcmu | Format::Pcma => {
                format.law().encode(pcm, out.get_mut(..samples)?);
                Some(samples)
            }
            Format::L16(_) => {
                let bytes = out.get_mut(..2 * samples)?;
                for (pair, sample) in bytes.chunks_exact_mut(2).zip(pcm) {
                    pair.copy_from_slice(&sample.to_be_bytes());
                }
                Some(2 * samples)
            }
            // Its own silence does that (RFC 7587 section 3.1.3): no peer sends RFC 3389 beside it.
            Format::Opus => None,
        }
    }
}

const SHORTEST: Duration = Duration::from_millis(1);
