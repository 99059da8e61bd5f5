//! Building whole packets: the one door to webrtc-rtp. Tools, tests and the simulator use it; the hot loop
//! restamps in place instead.

use super::{PayloadType, RtpTime, Ssrc};
use bytes::Bytes;
use rtc_shared::marshal::Marshal;
use webrtc_rtp::{Header, Packet};

/// A packet that could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError(String);

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot build the RTP packet: {}", self.0)
    }
}

impl std::error::Error for BuildError {}

/// Builds one packet without CSRCs, extension or padding.
///
/// **Cost**: allocates the packet.
pub fn build(
    payload_type: PayloadType,
    marker: bool,
    sequence: u16,
    timestamp: RtpTime,
    ssrc: Ssrc,
    payload: &[u8],
) -> Result<Bytes, BuildError> {
    let packet = Packet {
        header: Header {
            version: 2,
            marker,
            payload_type: payload_type.number(),
            sequence_number: sequence,
            timestamp: timestamp.0,
            ssrc: ssrc.0,
            ..Header::default()
        },
        payload: Bytes::copy_from_slice(payload),
    };
    packet
        .marshal()
        .map(|bytes| bytes.freeze())
        .map_err(|error| BuildError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::View;

    #[test]
    fn what_is_built_is_what_the_view_reads() {
        let packet = build(PayloadType::PCMA, true, 7, RtpTime(9), Ssrc(11), &[1, 2]).unwrap();
        let view = View::parse(&packet).unwrap();
        assert_eq!(
            (view.payload_type(), view.marker(), view.sequence()),
            (PayloadType::PCMA, true, 7)
        );
        assert_eq!(
            (view.timestamp(), view.ssrc(), view.payload()),
            (RtpTime(9), Ssrc(11), &[1, 2][..])
        );
    }
}
