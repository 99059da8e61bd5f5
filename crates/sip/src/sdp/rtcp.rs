//! What a description says of RTCP.

use super::model::Rtcp;
use super::parse::values;
use sdp_types::{Attribute, Bandwidth, Media, Session};
use std::net::{IpAddr, SocketAddr};

/// The format of RFC 3611 section 5.1 that asks for VoIP metrics.
const VOIP_METRICS: &str = "voip-metrics";

/// Reads what belongs to one media description. What is broken says nothing: RTCP is no reason to refuse a call.
pub(super) fn read(session: &Session, media: &Media, rtp: IpAddr) -> Rtcp {
    let has = |attribute: &Attribute| attribute.attribute.eq_ignore_ascii_case("rtcp-mux");
    let wants_metrics = |attributes| {
        let formats = values(attributes, "rtcp-xr").flat_map(str::split_ascii_whitespace);
        // A format may have parameters behind "=".
        let mut names = formats.map(|format| format.split('=').next().unwrap_or_default());
        names.any(|name| name.eq_ignore_ascii_case(VOIP_METRICS))
    };
    let none = |kind: &str| {
        let said = |list: &[Bandwidth]| {
            let found = list.iter().find(|b| b.bwtype.eq_ignore_ascii_case(kind));
            found.map(|b| b.bandwidth)
        };
        said(&media.bandwidths).or(said(&session.bandwidths)) == Some(0)
    };
    Rtcp {
        mux: media.attributes.iter().any(has),
        address: values(&media.attributes, "rtcp")
            .next()
            .and_then(|value| read_address(value, rtp)),
        off: none("RS") && none("RR"),
        voip_metrics: wants_metrics(&media.attributes) || wants_metrics(&session.attributes),
    }
}

/// `port [IN IP4|IP6 address]` (RFC 3605 section 2.1); without an address it is RTP's.
fn read_address(value: &str, rtp: IpAddr) -> Option<SocketAddr> {
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    let address = match words.nth(2) {
        Some(address) => address.parse().ok()?,
        None => rtp,
    };
    Some(SocketAddr::new(address, port))
}

/// The attributes of a description of ours, whose RTCP is on the port above RTP's, or on RTP's own.
pub(super) fn attributes(rtcp: &Rtcp) -> impl Iterator<Item = Attribute> + use<> {
    let mux = rtcp.mux.then(|| Attribute::new("rtcp-mux"));
    let metrics = rtcp
        .voip_metrics
        .then(|| Attribute::with_value("rtcp-xr", VOIP_METRICS));
    mux.into_iter().chain(metrics)
}
