//! Reason headers (RFC 3326): why a leg ends, in the words of the leg that ended first.

use crate::termination::EndReason;
use squelch_media::Side;
use squelch_sip::Reason;

/// The longest text of a peer's that the other peer is told.
const LONGEST_TEXT: usize = 64;

/// What our BYE or CANCEL says: what the other leg said, where it can be understood, else our own.
pub(super) fn said(ending: EndReason, told: Option<&Reason>) -> Reason {
    told.and_then(passed).unwrap_or_else(|| Reason {
        protocol: "Q.850".into(),
        cause: ending.q850(),
        text: Some(ending.name().into()),
    })
}

/// A peer's reason, made anew of what is known of it: nothing of a leg's headers is copied.
fn passed(told: &Reason) -> Option<Reason> {
    let (protocol, causes) = KNOWN
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&told.protocol))?;
    let text = told.text.as_deref().map(|text| {
        let plain = |c: &char| c.is_ascii_graphic() || *c == ' ';
        text.chars().filter(plain).take(LONGEST_TEXT).collect()
    });
    causes.contains(&told.cause).then(|| Reason {
        protocol: protocol.into(),
        cause: told.cause,
        text,
    })
}

/// Protocols of RFC 3326 section 2 with their causes: statuses, and the seven bits of Q.850.
const KNOWN: [(&str, std::ops::RangeInclusive<u16>); 2] = [("SIP", 200..=699), ("Q.850", 1..=127)];

/// What a peer said, for the record.
pub(super) fn shown(side: Side, reason: &Reason) -> String {
    let text = reason.text.as_deref().unwrap_or_default();
    let (name, protocol, cause) = (side.name(), &reason.protocol, reason.cause);
    format!("{name} said {protocol} {cause}: {text}")
}
