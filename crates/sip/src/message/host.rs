//! `hostport` of RFC 3261 section 25.1, IPv6 references included.

use std::net::{IpAddr, Ipv6Addr};

use rsip::{Host, HostWithPort};

/// Reads `host [":" port]`. An IPv6 reference keeps its brackets: rsip writes a
/// `Host::IpAddr(V6)` without them, so it travels as a domain.
pub(crate) fn parse(text: &str) -> Option<HostWithPort> {
    let (host, port) = if let Some(inside) = text.strip_prefix('[') {
        let (address, after) = inside.split_once(']')?;
        let port = match after.trim_start() {
            "" => None,
            after => Some(after.strip_prefix(':')?),
        };
        if !is_ipv6(address) {
            return None;
        }
        (Host::Domain(format!("[{address}]").into()), port)
    } else {
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name.trim_end(), Some(port)),
            None => (text, None),
        };
        (parse_name(name)?, port)
    };
    let port = match port {
        Some(digits) => Some(parse_port(digits.trim_start())?.into()),
        None => None,
    };
    Some(HostWithPort { host, port })
}

/// The address `host` names literally.
pub(crate) fn ip_of(host: &Host) -> Option<IpAddr> {
    match host {
        Host::IpAddr(ip) => Some(*ip),
        Host::Domain(name) => ip_literal(name.value()),
    }
}

/// An address written bare or, for IPv6, in brackets.
pub(crate) fn ip_literal(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        Some(inside) => inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

/// A host for our own headers: a name, an address, an IPv6 address with or without brackets.
/// Anything else becomes a name that cannot resolve, so that no header can be broken by it.
pub(crate) fn own(text: &str) -> Host {
    match ip_literal(text) {
        Some(IpAddr::V6(ip)) => Host::Domain(format!("[{ip}]").into()),
        Some(ip) => Host::IpAddr(ip),
        None => parse_name(text).unwrap_or_else(|| Host::Domain("anonymous.invalid".into())),
    }
}

fn parse_name(name: &str) -> Option<Host> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.is_empty() || !name.bytes().all(fits) {
        return None;
    }
    match name.parse::<std::net::Ipv4Addr>() {
        // Only the canonical form may become an address, or it would not be written back as read.
        Ok(ip) if ip.to_string() == name => Some(Host::IpAddr(IpAddr::V4(ip))),
        _ => Some(Host::Domain(name.to_owned().into())),
    }
}

fn parse_port(digits: &str) -> Option<u16> {
    let plain =
        !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Tolerates the three colons that RFC 3261's grammar produced by mistake (RFC 5118 section 4.10).
fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok() || text.replacen(":::", "::", 1).parse::<Ipv6Addr>().is_ok()
}
