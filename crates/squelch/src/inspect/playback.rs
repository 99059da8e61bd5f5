//! A stream's audio, from a second reading of its file.

use std::path::Path;

use squelch_call::observe::{Origin, Playback, StreamReport};

use super::capture::{self, Opened};
use super::recording::Wav;
use crate::wav::Sound;

/// Whether there is anything that can be played.
pub(super) fn can_be_heard(stream: &StreamReport) -> bool {
    matches!(stream.origin, Origin::File { .. }) || Playback::new(stream).is_some()
}

/// What a receiver would have heard, up to [`Playback::MAX`]. What went wrong was told at the first reading.
pub(super) fn sound(path: &Path, stream: &StreamReport) -> Sound {
    match (capture::open(path), stream.origin) {
        (Ok(Opened::Capture(reader)), Origin::Rtp { .. }) => {
            let Some(mut playback) = Playback::new(stream) else {
                return Sound::default();
            };
            let _ = capture::each_packet(reader, |packet| {
                playback.handle_datagram(capture::seen(packet));
            });
            Sound {
                rate_hz: playback.rate_hz(),
                samples: playback.into_samples(),
            }
        }
        (Ok(Opened::Wav(file)), Origin::File { channel }) => {
            let Ok(mut wav) = Wav::open(file) else {
                return Sound::default();
            };
            let format = wav.format;
            let mut samples = Vec::new();
            let most = Playback::MAX.as_secs() as usize * format.clock_rate() as usize;
            let _ = wav.each_packet(|packet| {
                if packet.index + 1 == usize::from(channel) && samples.len() < most {
                    let law = format.law();
                    samples.extend(packet.codes.iter().map(|&code| law.decode_sample(code)));
                }
            });
            Sound {
                rate_hz: format.clock_rate(),
                samples,
            }
        }
        // Another file by now, or none.
        _ => Sound::default(),
    }
}
