//! A capture's sounds: what came from each leg and what went to it, on one clock.

use squelch_media::rtp::{PayloadType, View};
use squelch_media::{Format, Side, Way};
use std::time::Duration;

use crate::wav::Sound;

/// Which payload type is which format, on the carrier's leg and on OpenAI's.
pub(super) type Spoken = [(PayloadType, Format); 2];

/// One stream's audio, laid out by RTP timestamp; silence where nothing came.
#[derive(Debug, Default)]
struct Track {
    samples: Vec<i16>,
    /// Of its first packet; what comes at another rate is left out.
    rate_hz: u32,
    /// A timestamp, and the sample it belongs to.
    anchor: Option<(u32, i64)>,
}

/// The four streams of a call.
#[derive(Debug)]
pub(super) struct Tracks {
    spoken: Spoken,
    tracks: [Track; 4],
}

impl Tracks {
    pub(super) fn new(spoken: Spoken) -> Tracks {
        Tracks {
            spoken,
            tracks: Default::default(),
        }
    }

    /// Takes a packet at `since` the capture's beginning. Opus has no sound here, nor has what is no audio.
    pub(super) fn push(&mut self, since: Duration, leg: Side, way: Way, packet: &[u8]) {
        let Ok(view) = View::parse(packet) else {
            return;
        };
        let [carrier, openai] = self.spoken;
        let agreed = if leg == Side::Carrier {
            carrier
        } else {
            openai
        };
        let format = match view.payload_type() {
            PayloadType::PCMU => Format::Pcmu,
            PayloadType::PCMA => Format::Pcma,
            other if other == agreed.0 => agreed.1,
            _ => return,
        };
        if let Some(track) = self.tracks.get_mut(place(leg, way)) {
            track.push(since, view.timestamp().0, format, view.payload());
        }
    }

    /// Each stream's ending of a file's name, and its sound; streams without audio have none.
    pub(super) fn sounds(self) -> impl Iterator<Item = (&'static str, Sound)> {
        let heard = |(ending, track): (&'static str, Track)| {
            let sound = Sound {
                rate_hz: track.rate_hz,
                samples: track.samples,
            };
            (!sound.samples.is_empty()).then_some((ending, sound))
        };
        NAMES.into_iter().zip(self.tracks).filter_map(heard)
    }
}

impl Track {
    fn push(&mut self, since: Duration, timestamp: u32, format: Format, payload: &[u8]) {
        let rate_hz = format.clock_rate();
        if self.rate_hz != rate_hz {
            if self.rate_hz != 0 {
                return;
            }
            self.rate_hz = rate_hz;
        }
        let samples = match format {
            Format::Pcmu | Format::Pcma => payload.len(),
            Format::L16(_) => payload.len() / 2,
            Format::Opus => return,
        };
        let rate = i64::from(rate_hz);
        let came = (since.as_micros() as i64).saturating_mul(rate) / 1_000_000;
        let by_clock = |(at, sample): (u32, i64)| {
            let ticks = timestamp.wrapping_sub(at) as i32;
            sample + i64::from(ticks)
        };
        // A timestamp that is far from when the packet came is of another numbering: a new source, or a jump.
        let far = rate / FAR_PART;
        let first = match self.anchor.map(by_clock) {
            Some(first) if (first - came).abs() <= far => first,
            _ => came,
        };
        self.anchor = Some((timestamp, first));
        let Ok(first) = usize::try_from(first) else {
            return;
        };
        let end = first + samples;
        if end as u64 > MOST_SECONDS * u64::from(rate_hz) {
            return;
        }
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        let Some(room) = self.samples.get_mut(first..end) else {
            return;
        };
        if format.is_g711() {
            format.law().decode(payload, room);
        } else {
            for (sample, bytes) in room.iter_mut().zip(payload.as_chunks().0) {
                *sample = i16::from_be_bytes(*bytes);
            }
        }
    }
}

const fn place(leg: Side, way: Way) -> usize {
    match (way, leg) {
        (Way::Received, Side::Carrier) => 0,
        (Way::Sent, Side::Carrier) => 1,
        (Way::Received, Side::Openai) => 2,
        (Way::Sent, Side::Openai) => 3,
    }
}

/// In the order of [`place`].
const NAMES: [&str; 4] = [
    ".from-carrier.wav",
    ".to-carrier.wav",
    ".from-openai.wav",
    ".to-openai.wav",
];
/// Half a second: more than jitter, less than a pause.
const FAR_PART: i64 = 2;
/// Twice the longest ring.
const MOST_SECONDS: u64 = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use squelch_media::audio::format::SampleRate;
    use squelch_media::rtp::{RtpTime, Ssrc, build};

    const L16: Format = Format::L16(SampleRate::Hz16000);

    fn tracks() -> Tracks {
        Tracks::new([
            (PayloadType::PCMU, Format::Pcmu),
            (L16.offered_payload_type(), L16),
        ])
    }

    fn packet(payload_type: u8, timestamp: u32, code: u8) -> Vec<u8> {
        let payload_type = PayloadType::new(payload_type).expect("a type");
        build(
            payload_type,
            false,
            1,
            RtpTime(timestamp),
            Ssrc(1),
            &[code; 160],
        )
        .expect("a packet")
        .to_vec()
    }

    fn sounds(tracks: Tracks) -> Vec<(&'static str, Vec<i16>)> {
        let samples = |(name, sound): (_, Sound)| (name, sound.samples);
        tracks.sounds().map(samples).collect()
    }

    #[test]
    fn both_sides_of_the_guard_stand_on_one_clock_and_loss_is_silent() {
        let mut tracks = tracks();
        let ms = Duration::from_millis;
        // Timestamps wrap; the second packet is lost, the third late by 7 ms.
        let came = u32::MAX - 100;
        tracks.push(ms(10), Side::Openai, Way::Received, &packet(0, came, 0x00));
        let late = came.wrapping_add(320);
        tracks.push(ms(57), Side::Openai, Way::Received, &packet(0, late, 0x00));
        tracks.push(
            ms(57),
            Side::Openai,
            Way::Received,
            &packet(101, late, 0x00),
        );
        tracks.push(ms(10), Side::Carrier, Way::Sent, &packet(8, 7, 0x2A));
        let sounds = sounds(tracks);
        let [(to, went), (from, came)] = &sounds[..] else {
            panic!("{sounds:?}");
        };
        assert_eq!((*to, *from), (".to-carrier.wav", ".from-openai.wav"));
        assert_eq!((went.len(), came.len()), (80 + 160, 80 + 3 * 160));
        assert_eq!((came[79], came[80], came[80 + 160]), (0, -32_124, 0));
        assert_eq!(came[80 + 320], -32_124);
        assert_eq!(went[80], -32_256);
    }

    #[test]
    fn a_new_numbering_goes_on_where_its_packets_came() {
        let mut tracks = tracks();
        let ms = Duration::from_millis;
        tracks.push(ms(0), Side::Carrier, Way::Received, &packet(0, 0, 0x00));
        tracks.push(
            ms(20),
            Side::Carrier,
            Way::Received,
            &packet(0, 1 << 31, 0x00),
        );
        tracks.push(
            ms(40),
            Side::Carrier,
            Way::Received,
            &packet(0, 160 + (1 << 31), 0x00),
        );
        let sounds = sounds(tracks);
        assert_eq!(sounds[0].1.len(), 3 * 160);
        assert!(sounds[0].1.iter().all(|sample| *sample == -32_124));
    }

    #[test]
    fn linear_samples_are_the_high_byte_first_and_at_their_own_rate() {
        let mut tracks = tracks();
        let packet = packet(L16.offered_payload_type().number(), 0, 0x21);
        let ms = Duration::from_millis;
        tracks.push(ms(10), Side::Openai, Way::Received, &packet);
        // Of the other leg nobody agreed on it.
        tracks.push(ms(10), Side::Carrier, Way::Received, &packet);
        let sounds: Vec<(&str, Sound)> = tracks.sounds().collect();
        let [(name, sound)] = &sounds[..] else {
            panic!("{} sounds", sounds.len());
        };
        assert_eq!((*name, sound.rate_hz), (".from-openai.wav", 16_000));
        assert_eq!(sound.samples.len(), 160 + 80);
        assert_eq!((sound.samples[159], sound.samples[160]), (0, 0x2121));
    }
}
