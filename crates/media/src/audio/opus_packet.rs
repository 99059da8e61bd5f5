//! What an Opus packet says of itself, without decoding it (RFC 6716 section 3).

use std::time::Duration;

/// How long a packet lasts; `None` where it is no Opus packet.
///
/// **Source**: RFC 6716 section 3.1 (table 2: the configurations' frame sizes) and 3.2 (the count of frames).
pub fn duration(packet: &[u8]) -> Option<Duration> {
    let toc = *packet.first()?;
    let config = usize::from(toc >> 3);
    let frame_us: u64 = match config {
        // SILK: 10, 20, 40, 60 ms; hybrid: 10, 20 ms; CELT: 2.5, 5, 10, 20 ms.
        0..12 => *[10_000, 20_000, 40_000, 60_000].get(config % 4)?,
        12..16 => *[10_000, 20_000].get(config % 2)?,
        _ => *[2_500, 5_000, 10_000, 20_000].get(config % 4)?,
    };
    let frames = match toc & 0x03 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1)? & 0x3F),
    };
    let total = Duration::from_micros(frames * frame_us);
    (frames > 0 && total <= LONGEST).then_some(total)
}

/// **Source**: RFC 6716 section 3.2.5, R5.
pub const LONGEST: Duration = Duration::from_millis(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6716_3_the_first_bytes_tell_the_duration() {
        let cases = [
            (&[][..], None),
            // SILK narrow-band 20 ms, one frame; two frames; three by count.
            (&[1 << 3], Some(20_000)),
            (&[1 << 3 | 1], Some(40_000)),
            (&[1 << 3 | 3, 3], Some(60_000)),
            (&[1 << 3 | 3], None),
            (&[1 << 3 | 3, 0], None),
            // 60 ms frames: two are as long as a packet may be, three are too long.
            (&[3 << 3 | 2], Some(120_000)),
            (&[3 << 3 | 3, 3], None),
            // Hybrid 10 ms, CELT 2.5 ms.
            (&[12 << 3], Some(10_000)),
            (&[16 << 3], Some(2_500)),
            (&[31 << 3], Some(20_000)),
        ];
        for (packet, micros) in cases {
            assert_eq!(
                duration(packet),
                micros.map(Duration::from_micros),
                "{packet:?}"
            );
        }
    }
}
