//! The VoIP metrics block of an extended report (RFC 3611 section 4.7).

use crate::rtp::Ssrc;

/// "Not available" for a level, an R factor or a MOS (RFC 3611 sections 4.7.4 and 4.7.5).
const UNAVAILABLE: u8 = 127;

/// How one source is heard.
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                        SSRC of source                         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   loss rate   | discard rate  | burst density |  gap density  |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |       burst duration          |         gap duration          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     round trip delay          |       end system delay        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | signal level  |  noise level  |     RERL      |     Gmin      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   R factor    | ext. R factor |    MOS-LQ     |    MOS-CQ     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   RX config   |   reserved    |          JB nominal           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          JB maximum           |          JB abs max           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// Levels, echo and jitter buffer are not told: they are said to be not available, or 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoipMetrics {
    /// The source.
    pub ssrc: Ssrc,
    /// Lost on the way. **Units**: 1/256.
    pub loss_rate: u8,
    /// Come, but too late or twice. **Units**: 1/256.
    pub discard_rate: u8,
    /// Lost within bursts. **Units**: 1/256.
    pub burst_density: u8,
    /// Lost between them. **Units**: 1/256.
    pub gap_density: u8,
    /// The mean length of a burst.
    pub burst_ms: u16,
    /// The mean length of a gap.
    pub gap_ms: u16,
    /// 0 while it is not known.
    pub round_trip_ms: u16,
    /// What this end adds.
    pub end_system_ms: u16,
    /// The rating R of this stream, 0 to 100.
    pub r_factor: Option<u8>,
    /// Listening quality. **Units**: tenths, 10 to 50.
    pub mos_lq: Option<u8>,
    /// Conversational quality. **Units**: tenths, 10 to 50.
    pub mos_cq: Option<u8>,
}

impl VoipMetrics {
    /// Its number among XR's blocks.
    pub(super) const BLOCK_TYPE: u8 = 7;
    /// Without the block's header. **Units**: bytes.
    const BYTES: usize = 32;
    /// A gap is so many packets without loss, at the least (RFC 3611 section 4.7.2).
    pub(crate) const GMIN: u8 = 16;

    /// Reads the block behind its header; `None` if it has another length.
    pub(super) fn parse(body: &[u8]) -> Option<VoipMetrics> {
        let body: &[u8; VoipMetrics::BYTES] = body.try_into().ok()?;
        let two = |at: usize| {
            let pair = body.get(at..)?.first_chunk()?;
            Some(u16::from_be_bytes(*pair))
        };
        let [
            a,
            b,
            c,
            d,
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            ..,
        ] = *body;
        let [.., r_factor, _, mos_lq, mos_cq, _, _, _, _, _, _, _, _] = *body;
        let known = |value: u8| (value != UNAVAILABLE).then_some(value);
        Some(VoipMetrics {
            ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])),
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            burst_ms: two(8)?,
            gap_ms: two(10)?,
            round_trip_ms: two(12)?,
            end_system_ms: two(14)?,
            r_factor: known(r_factor),
            mos_lq: known(mos_lq),
            mos_cq: known(mos_cq),
        })
    }

    pub(super) fn write(&self) -> [u8; VoipMetrics::BYTES] {
        let [a, b, c, d] = self.ssrc.0.to_be_bytes();
        let [e, f] = self.burst_ms.to_be_bytes();
        let [g, h] = self.gap_ms.to_be_bytes();
        let [i, j] = self.round_trip_ms.to_be_bytes();
        let [k, l] = self.end_system_ms.to_be_bytes();
        let (loss, discard) = (self.loss_rate, self.discard_rate);
        let (burst, gap) = (self.burst_density, self.gap_density);
        let told = |value: Option<u8>| value.unwrap_or(UNAVAILABLE);
        let (r, lq, cq) = (told(self.r_factor), told(self.mos_lq), told(self.mos_cq));
        let no = UNAVAILABLE;
        [
            a,
            b,
            c,
            d,
            loss,
            discard,
            burst,
            gap,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            no,
            no,
            no,
            VoipMetrics::GMIN,
            r,
            no,
            lq,
            cq,
            RX_CONFIG,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ]
    }
}

/// Concealment unspecified, jitter buffer unknown (RFC 3611 section 4.7.6): what is relayed is played elsewhere.
const RX_CONFIG: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let metrics = VoipMetrics {
            ssrc: Ssrc(0x1122_3344),
            loss_rate: 1,
            discard_rate: 2,
            burst_density: 3,
            gap_density: 4,
            burst_ms: 500,
            gap_ms: 6_000,
            round_trip_ms: 70,
            end_system_ms: 8,
            r_factor: Some(93),
            mos_lq: Some(44),
            mos_cq: None,
        };
        assert_eq!(VoipMetrics::parse(&metrics.write()), Some(metrics));
        assert_eq!(VoipMetrics::parse(&[0; 28]), None);
    }
}
