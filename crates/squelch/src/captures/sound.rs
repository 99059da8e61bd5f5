//! A capture's sounds: what came from each leg and what went to it, on one clock.

use squelch_media::rtp::View;
use squelch_media::{Format, Side, Way};
use std::time::Duration;

use crate::wav::Sound;

/// One stream's audio, laid out by RTP timestamp; silence where nothing came.
#[derive(Debug, Default)]
struct Track {
    samples: Vec<i16>,
    /// A timestamp, and the sample it belongs to.
    anchor: Option<(u32, i64)>,
}

/// The four streams of a call.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    tracks: [Track; 4],
}

impl Tracks {
    /// Takes a packet at `since` the capture's beginning. What is no G.711 has no sound here.
    pub(super) fn push(&mut self, since: Duration, leg: Side, way: Way, packet: &[u8]) {
        let Ok(view) = View::parse(packet) else {
            return;
        };
        let mut formats = [Format::Pcmu, Format::Pcma].into_iter();
        let fits = |format: &Format| format.static_payload_type() == view.payload_type();
        let Some(format) = formats.find(fits) else {
            return;
        };
        if let Some(track) = self.tracks.get_mut(place(leg, way)) {
            track.push(since, view.timestamp().0, format, view.payload());
        }
    }

    /// Each stream's ending of a file's name, and its sound; streams without audio have none.
    pub(super) fn sounds(self) -> impl Iterator<Item = (&'static str, Sound)> {
        let heard = |(ending, track): (&'static str, Track)| {
            let sound = Sound {
                rate_hz: RATE_HZ,
                samples: track.samples,
            };
            (!sound.samples.is_empty()).then_some((ending, sound))
        };
        NAMES.into_iter().zip(self.tracks).filter_map(heard)
    }
}

impl Track {
    fn push(&mut self, since: Duration, timestamp: u32, format: Format, codes: &[u8]) {
        let came = (since.as_micros() / MICROS_A_SAMPLE) as i64;
        let by_clock = |(at, sample): (u32, i64)| {
            let ticks = timestamp.wrapping_sub(at) as i32;
            sample + i64::from(ticks)
        };
        // A timestamp that is far from when the packet came is of another numbering: a new source, or a jump.
        let first = match self.anchor.map(by_clock) {
            Some(first) if (first - came).abs() <= FAR => first,
            _ => came,
        };
        self.anchor = Some((timestamp, first));
        let Ok(first) = usize::try_from(first) else {
            return;
        };
        let end = first + codes.len();
        if end > MOST_SAMPLES {
            return;
        }
        if self.samples.len() < end {
            self.samples.resize(end, 0);
        }
        if let Some(room) = self.samples.get_mut(first..end) {
            format.law().decode(codes, room);
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
/// G.711's.
const RATE_HZ: u32 = 8_000;
const MICROS_A_SAMPLE: u128 = 125;
/// Half a second: more than jitter, less than a pause.
const FAR: i64 = 4_000;
/// Two minutes: twice the longest ring.
const MOST_SAMPLES: usize = 960_000;

#[cfg(test)]
mod tests {
    use super::*;
    use squelch_media::rtp::{PayloadType, RtpTime, Ssrc, build};

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
        let mut tracks = Tracks::default();
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
        let mut tracks = Tracks::default();
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
}
