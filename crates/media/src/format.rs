//! Formats that a leg may speak.

use crate::audio::format::SampleRate;
use crate::rtp::{PayloadType, Ptime};
use squelch_g711::Law;
use std::time::Duration;

/// A format: encoding and sample rate of payload bytes. One channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// G.711 mu-law at 8 kHz.
    Pcmu,
    /// G.711 A-law at 8 kHz.
    Pcma,
    /// Linear samples of 16 bits, the high byte first (RFC 3551 section 4.5.11), at 8, 16 or 24 kHz.
    L16(SampleRate),
    /// Opus (RFC 6716, RFC 7587). Cargo feature `opus`.
    Opus,
}

impl Format {
    /// All that a leg may speak, as configuration names them; Opus where it is built in or not.
    pub const ALL: [Format; 6] = [
        Format::Pcmu,
        Format::Pcma,
        Format::L16(SampleRate::Hz8000),
        Format::L16(SampleRate::Hz16000),
        Format::L16(SampleRate::Hz24000),
        Format::Opus,
    ];

    /// The companding law; of what is not G.711, the one that it is judged in ([`detect`](crate::detect)).
    pub const fn law(self) -> Law {
        match self {
            Format::Pcma => Law::A,
            Format::Pcmu | Format::L16(_) | Format::Opus => Law::Mu,
        }
    }

    /// Whether it is G.711, one byte a sample at 8 kHz.
    pub const fn is_g711(self) -> bool {
        matches!(self, Format::Pcmu | Format::Pcma)
    }

    /// Whether this build speaks it.
    pub const fn is_built_in(self) -> bool {
        !matches!(self, Format::Opus) || cfg!(feature = "opus")
    }

    /// The RTP clock rate; Opus' is 48 kHz whatever it holds (RFC 7587 section 4.1). **Units**: Hz.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Format::Pcmu | Format::Pcma => 8_000,
            Format::L16(rate) => rate.hz(),
            Format::Opus => 48_000,
        }
    }

    /// The name in configuration and JSON: `pcmu`, `pcma`, `l16/8000`, `l16/16000`, `l16/24000`, `opus`.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Pcmu => "pcmu",
            Format::Pcma => "pcma",
            Format::L16(SampleRate::Hz8000) => "l16/8000",
            Format::L16(SampleRate::Hz16000) => "l16/16000",
            Format::L16(SampleRate::Hz24000) => "l16/24000",
            Format::L16(SampleRate::Hz48000) => "l16/48000",
            Format::Opus => "opus",
        }
    }

    /// The payload type that squelch offers it at: the static one of G.711 (RFC 3551 table 4), else one of the
    /// dynamic range (section 3), the same in every offer.
    pub const fn offered_payload_type(self) -> PayloadType {
        match self {
            Format::Pcmu => PayloadType::PCMU,
            Format::Pcma => PayloadType::PCMA,
            Format::Opus => PayloadType::dynamic::<111>(),
            Format::L16(SampleRate::Hz8000) => PayloadType::dynamic::<118>(),
            Format::L16(SampleRate::Hz16000) => PayloadType::dynamic::<119>(),
            Format::L16(SampleRate::Hz24000) => PayloadType::dynamic::<120>(),
            Format::L16(SampleRate::Hz48000) => PayloadType::dynamic::<121>(),
        }
    }

    /// How long a payload lasts, in ticks of the RTP clock; `None` where it is no payload of this format.
    pub fn ticks(self, payload: &[u8]) -> Option<u32> {
        match self {
            Format::Pcmu | Format::Pcma => Some(payload.len() as u32),
            Format::L16(_) => payload
                .len()
                .is_multiple_of(2)
                .then_some(payload.len() as u32 / 2),
            Format::Opus => {
                let lasts = crate::audio::opus_packet::duration(payload)?;
                Some((lasts.as_micros() * 48 / 1_000) as u32)
            }
        }
    }

    /// So many ticks of the RTP clock as a duration.
    pub fn span(self, ticks: u32) -> Duration {
        Duration::from_micros(u64::from(ticks) * 1_000_000 / u64::from(self.clock_rate()))
    }

    /// The packet time nearest below `wanted` that this format can have: Opus has no frames but of 10, 20, 40 and
    /// 60 ms (RFC 6716 section 2.1.4), and an L16 packet must fit an Ethernet packet with header and SRTP's tag.
    pub const fn ptime(self, wanted: Ptime) -> Ptime {
        let ms = wanted.as_ms();
        let ms = match self {
            Format::Pcmu | Format::Pcma | Format::L16(SampleRate::Hz8000) => ms,
            Format::L16(SampleRate::Hz16000) => min(ms, 40),
            Format::L16(SampleRate::Hz24000) => min(ms, 20),
            Format::L16(SampleRate::Hz48000) => min(ms, 10),
            Format::Opus => match ms {
                0..20 => 10,
                20..40 => 20,
                40..60 => 40,
                _ => 60,
            },
        };
        match Ptime::from_ms(ms) {
            Some(ptime) => ptime,
            None => Ptime::DEFAULT,
        }
    }
}

const fn min(a: u16, b: u16) -> u16 {
    if a < b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_time_of_every_format_fits_an_ethernet_packet() {
        // IPv6 and UDP, the RTP header, AES-GCM's tag.
        let room = 1_500 - 40 - 8 - 12 - 16;
        for format in Format::ALL {
            for ms in 10..=60 {
                let ptime = format.ptime(Ptime::from_ms(ms).unwrap());
                assert!(ptime.as_ms() <= ms, "{format:?} {ms}");
                if let Format::L16(rate) = format {
                    assert!(2 * ptime.samples(rate.hz()) <= room, "{format:?} {ms}");
                }
            }
        }
    }

    #[test]
    fn names_and_payload_types_are_each_formats_own() {
        for (at, one) in Format::ALL.iter().enumerate() {
            for other in &Format::ALL[at + 1..] {
                assert_ne!(one.name(), other.name());
                assert_ne!(one.offered_payload_type(), other.offered_payload_type());
            }
        }
    }
}
