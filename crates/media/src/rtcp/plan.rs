//! RTCP's part of a leg's plan.

use super::WallClock;
use std::fmt;
use std::net::SocketAddr;

/// A canonical name (RFC 3550 section 6.5.1): 96 random bits in base64, new for each leg, which tell nothing of the
/// host or of the other leg (RFC 7022 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cname([u8; Cname::BYTES]);

impl Cname {
    /// **Units**: characters.
    pub const BYTES: usize = 16;

    /// The name of these random bits.
    pub fn new(random: [u8; 12]) -> Cname {
        /// RFC 4648 table 1.
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut name = [b'A'; Cname::BYTES];
        for (four, three) in name.chunks_exact_mut(4).zip(random.chunks_exact(3)) {
            let bits = three
                .iter()
                .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            for (place, shift) in four.iter_mut().zip([18, 12, 6, 0]) {
                *place = *ALPHABET
                    .get((bits >> shift & 0x3F) as usize)
                    .unwrap_or(&b'A');
            }
        }
        Cname(name)
    }

    /// Its characters.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cname({})", String::from_utf8_lossy(&self.0))
    }
}

/// How a leg speaks RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcpPlan {
    /// On RTP's port (RFC 5761).
    pub mux: bool,
    /// Where the peer's SDP says its RTCP is received, where it is not on RTP's port.
    pub remote: SocketAddr,
    /// The peer asked for VoIP metrics (RFC 3611 section 5.1).
    pub voip_metrics: bool,
    /// Who squelch is to this peer.
    pub cname: Cname,
    /// Where the intervals' randomness comes from.
    pub seed: u64,
    /// The date.
    pub clock: WallClock,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cname_is_base64() {
        assert_eq!(Cname::new([0; 12]).as_bytes(), b"AAAAAAAAAAAAAAAA");
        assert_eq!(Cname::new(*b"squelch 1234").as_bytes(), b"c3F1ZWxjaCAxMjM0");
    }
}
