//! The two packets before the sound (RFC 7845 section 5).

use super::super::wrong::Wrong;

/// What the first packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Samples to leave out at the start. **Units**: 48 kHz.
    pub(super) pre_skip: u16,
    /// To be applied to what is decoded. **Units**: dB / 256.
    pub(super) gain: i16,
}

impl Head {
    /// Reads `OpusHead`, which lies at byte `at`.
    pub(super) fn parse(packet: &[u8], at: u64) -> Result<Head, Wrong> {
        let Some(
            [
                version,
                channels,
                skip0,
                skip1,
                _,
                _,
                _,
                _,
                gain0,
                gain1,
                family,
            ],
        ) = packet
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.first_chunk().copied())
        else {
            return Err(Wrong::at(
                at,
                "no Opus in this Ogg file: it does not begin with OpusHead",
            ));
        };
        // The upper half changes when readers of the old can't read the new.
        if version & 0xF0 != 0 {
            return Err(Wrong::at(
                at,
                format!("OpusHead of version {version}: only 1 is known"),
            ));
        }
        if family != 0 || !(1..=2).contains(&channels) {
            let text = format!(
                "{channels} channels in mapping family {family}: one can be converted, or two"
            );
            return Err(Wrong::at(at, text));
        }
        Ok(Head {
            pre_skip: u16::from_le_bytes([skip0, skip1]),
            gain: i16::from_le_bytes([gain0, gain1]),
        })
    }

    /// `OpusHead` for one channel that was recorded at `rate_hz`.
    pub(super) fn write(pre_skip: u16, rate_hz: u32) -> Vec<u8> {
        let mut packet = MAGIC.to_vec();
        packet.extend([1, 1]);
        packet.extend(pre_skip.to_le_bytes());
        packet.extend(rate_hz.to_le_bytes());
        // No gain, mapping family 0.
        packet.extend([0, 0, 0]);
        packet
    }
}

/// Whether a packet is `OpusTags`; what it says is nothing for a converter.
pub(super) fn is_tags(packet: &[u8]) -> bool {
    packet.starts_with(TAGS)
}

/// `OpusTags` with no tag but who wrote it.
pub(super) fn tags() -> Vec<u8> {
    let vendor = concat!("squelch ", env!("CARGO_PKG_VERSION"));
    let mut packet = TAGS.to_vec();
    packet.extend((vendor.len() as u32).to_le_bytes());
    packet.extend(vendor.as_bytes());
    packet.extend(0_u32.to_le_bytes());
    packet
}

const MAGIC: &[u8] = b"OpusHead";
const TAGS: &[u8] = b"OpusTags";
