//! What a message says, in words that three parsers can be compared by.

/// What routing, matching and dialogs rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) start: Start,
    pub(super) from: Party,
    pub(super) to: Party,
    pub(super) call_id: String,
    pub(super) cseq: (u32, String),
    pub(super) via: Via,
    pub(super) body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    Request { method: String, uri: Place },
    Response(u16),
}

/// From or To. The display name is compared only where no quoted-pair stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) at: Place,
    pub(super) tag: Option<String>,
}

/// The topmost one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Via {
    pub(super) transport: String,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) branch: Option<String>,
}

/// A SIP URI: the user with its escapes resolved, the host in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Place {
    pub(super) fn new(user: Option<&str>, host: &str, port: Option<u16>) -> Place {
        Place {
            user: user.map(resolved),
            host: plain_host(host),
            port,
        }
    }
}

/// IPv6 addresses are written in many ways, names in any case.
pub(super) fn plain_host(host: &str) -> String {
    let inner = host.trim_start_matches('[').trim_end_matches(']');
    match inner.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.to_string(),
        Err(_) => host.to_ascii_lowercase(),
    }
}

fn resolved(user: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = user.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = (first == b'%')
            .then(|| behind.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(digits.unwrap_or(first));
        rest = &behind[if digits.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
