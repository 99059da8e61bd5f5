//! Reason (RFC 3326) and Warning (RFC 3261 section 20.43) values.

use crate::command::{Reason, Warning};

use super::params::Params;
use super::text::{is_token, quote, split_outside_quotes, trim, unquote};

/// The first Reason of a header value with a cause.
pub(crate) fn parse_reason(value: &str) -> Option<Reason> {
    split_outside_quotes(value, ',').find_map(|value| {
        let (protocol, params) = value.split_once(';')?;
        let params = Params::parse(params)?;
        let text = params.get("text").map(|text| match unquote(text) {
            Some((plain, _)) => plain,
            None => text.to_owned(),
        });
        Some(Reason {
            protocol: trim(protocol).to_owned(),
            cause: params.get("cause")?.parse().ok()?,
            text,
        })
    })
}

/// A Reason header value; a protocol that is no token becomes `SIP`.
pub(crate) fn write_reason(reason: &Reason) -> String {
    let protocol = if is_token(&reason.protocol) {
        &reason.protocol
    } else {
        "SIP"
    };
    let mut value = format!("{protocol};cause={}", reason.cause);
    if let Some(text) = &reason.text {
        value.push_str(";text=");
        value.push_str(&quote(text));
    }
    value
}

/// The first Warning of a header value.
pub(crate) fn parse_warning(value: &str) -> Option<Warning> {
    let value = split_outside_quotes(value, ',').next()?;
    let (code, rest) = value.split_once(' ')?;
    let (_agent, text) = trim(rest).split_once(' ')?;
    Some(Warning {
        code: code.parse().ok()?,
        text: unquote(trim(text))?.0,
    })
}

/// A Warning header value from `agent`, a host of ours.
pub(crate) fn write_warning(warning: &Warning, agent: &str) -> String {
    format!(
        "{:03} {} {}",
        warning.code,
        super::host::own(agent),
        quote(&warning.text)
    )
}
