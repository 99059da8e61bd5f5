//! The values of the file: text, numbers, durations, addresses, each with what to write instead.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use squelch_sip::Protocol;
use toml::de::DeValue;

use super::model::{Listen, PortRange};
use super::problem::Wrong;

/// A value, or what is wrong with it.
pub(super) type Parsed<T> = Result<T, Wrong>;

/// Text that is not empty.
pub(super) fn text(value: &DeValue<'_>) -> Parsed<String> {
    match value.as_str() {
        Some("") => Err(Wrong::new("empty", "write a value or leave the key out")),
        Some(text) => Ok(text.to_owned()),
        None => Err(Wrong::new(
            format!("{} where text is due", value.type_str()),
            "put it in quotes",
        )),
    }
}

/// A whole number from `least` to `most`.
pub(super) fn number(least: u32, most: u32) -> impl Fn(&DeValue<'_>) -> Parsed<u32> {
    move |value| {
        let wrong = |message: String| Wrong::new(message, format!("write {least} to {most}"));
        let Some(digits) = value.as_integer() else {
            let found = value.type_str();
            return Err(wrong(format!("{found} where a whole number is due")));
        };
        i64::from_str_radix(digits.as_str(), digits.radix())
            .ok()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| wrong(format!("{digits} is out of range")))
    }
}

/// Yes or no.
pub(super) fn flag(value: &DeValue<'_>) -> Parsed<bool> {
    let wrong = || {
        let message = format!("{} where true or false is due", value.type_str());
        Wrong::new(message, "write true or false, without quotes")
    };
    value.as_bool().ok_or_else(wrong)
}

/// A number of bytes, at least `least`.
pub(super) fn bytes(least: u64) -> impl Fn(&DeValue<'_>) -> Parsed<u64> {
    move |value| {
        let mend = format!("write a number of bytes, {least} or more");
        let Some(digits) = value.as_integer() else {
            let message = format!("{} where a number of bytes is due", value.type_str());
            return Err(Wrong::new(message, mend));
        };
        u64::from_str_radix(digits.as_str(), digits.radix())
            .ok()
            .filter(|number| *number >= least)
            .ok_or_else(|| Wrong::new(format!("{digits} is out of range"), mend))
    }
}

/// A duration from zero up: `"250ms"`, `"15s"`, `"30m"`, `"2h"`.
pub(super) fn duration(value: &DeValue<'_>) -> Parsed<Duration> {
    let mend = "write a number with a unit: \"250ms\", \"15s\", \"30m\", \"2h\"";
    let Some(text) = value.as_str() else {
        let found = value.type_str();
        return Err(Wrong::new(format!("{found} where a duration is due"), mend));
    };
    let unit_at = text.find(|c: char| !c.is_ascii_digit());
    let (digits, unit) = text.split_at(unit_at.unwrap_or(text.len()));
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(Wrong::new(format!("{text:?} is no duration"), mend)),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit_ms))
        .filter(|ms| *ms <= LONGEST_MS)
        .map(Duration::from_millis)
        .ok_or_else(|| Wrong::new(format!("{text:?} is no duration up to a year"), mend))
}

/// A duration longer than none.
pub(super) fn time(value: &DeValue<'_>) -> Parsed<Duration> {
    match duration(value)? {
        Duration::ZERO => Err(Wrong::new("is zero", "write a time longer than that")),
        time => Ok(time),
    }
}

/// A duration, or `None` for `"never"`.
pub(super) fn duration_or_never(value: &DeValue<'_>) -> Parsed<Option<Duration>> {
    if value.as_str() == Some("never") {
        return Ok(None);
    }
    duration(value).map(Some).map_err(|mut wrong| {
        wrong.mend.push_str(", or \"never\"");
        wrong
    })
}

/// An IP address.
pub(super) fn address(value: &DeValue<'_>) -> Parsed<IpAddr> {
    let text = text(value)?;
    let mend = "write an address such as \"203.0.113.7\"";
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let wrong = || Wrong::new(format!("{text:?} is no IP address"), mend);
    let address: IpAddr = bare.parse().map_err(|_| wrong())?;
    if address.is_unspecified() || address.is_multicast() {
        let message = format!("{text:?} is no address that peers can send to");
        return Err(Wrong::new(message, mend));
    }
    Ok(address)
}

/// An IP address or a host name.
pub(super) fn host(value: &DeValue<'_>) -> Parsed<String> {
    let text = text(value)?;
    if let Ok(address) = address(value) {
        return Ok(address.to_string());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // All digits and dots is an address with a mistake in it, not a name.
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !numeric && text.len() <= 253 && text.split('.').all(label) {
        return Ok(text);
    }
    Err(Wrong::new(
        format!("{text:?} is neither an IP address nor a host name"),
        "write \"203.0.113.7\" or \"sip.example.com\"",
    ))
}

/// An address with a port; port 0 takes any free one.
pub(super) fn socket_address(value: &DeValue<'_>) -> Parsed<SocketAddr> {
    let text = text(value)?;
    text.parse().map_err(|_| {
        Wrong::new(
            format!("{text:?} is no address with a port"),
            "write such as \"127.0.0.1:8080\" or \"[::1]:8080\"",
        )
    })
}

/// A listening address: `"udp:0.0.0.0:5060"`.
pub(super) fn listen(value: &DeValue<'_>) -> Parsed<Listen> {
    let text = text(value)?;
    let wrong = || {
        Wrong::new(
            format!("{text:?} is no listening address"),
            "write such as \"udp:0.0.0.0:5060\", \"tcp:[::]:5060\" or \"tls:0.0.0.0:5061\"",
        )
    };
    let (protocol, address) = text.split_once(':').ok_or_else(wrong)?;
    let protocol = match protocol {
        "udp" => Protocol::Udp,
        "tcp" => Protocol::Tcp,
        "tls" => Protocol::Tls,
        _ => return Err(wrong()),
    };
    let address = SocketAddr::from_str(address).map_err(|_| wrong())?;
    Ok(Listen { protocol, address })
}

/// A network: `"198.51.100.0/24"`, or one address.
pub(super) fn network(value: &DeValue<'_>) -> Parsed<IpNet> {
    let text = text(value)?;
    let one = IpAddr::from_str(&text).map(IpNet::from);
    let net = one.or_else(|_| IpNet::from_str(&text)).map_err(|_| {
        Wrong::new(
            format!("{text:?} is no network"),
            "write such as \"198.51.100.0/24\" or \"2001:db8::/32\"",
        )
    })?;
    if net.addr() != net.network() {
        return Err(Wrong::new(
            format!("{text:?} has bits beyond its prefix"),
            format!("write \"{}\"", net.trunc()),
        ));
    }
    Ok(net)
}

/// A range of ports, both ends in it: `"16384-32766"`.
pub(super) fn port_range(value: &DeValue<'_>) -> Parsed<PortRange> {
    let text = text(value)?;
    let mend = "write such as \"16384-32766\"";
    let ends = text.split_once('-').and_then(|(first, last)| {
        let first: u16 = first.trim().parse().ok()?;
        let last: u16 = last.trim().parse().ok()?;
        Some((first, last))
    });
    let Some((first, last)) = ends else {
        return Err(Wrong::new(format!("{text:?} is no range of ports"), mend));
    };
    if first < LOWEST_PORT {
        let message = format!("{first} is a port of the system's");
        return Err(Wrong::new(message, "begin at 1024 or above"));
    }
    let range = PortRange { first, last };
    // A call takes two pairs: an even port with the odd one above it, for each leg.
    if range.pairs() < 2 {
        let message = format!("{text:?} has no room for one call");
        return Err(Wrong::new(message, "a call takes four ports"));
    }
    Ok(range)
}

/// One word of a closed set.
pub(super) fn word<T: Copy>(set: &[(&str, T)]) -> impl Fn(&DeValue<'_>) -> Parsed<T> {
    move |value| {
        let text = text(value)?;
        let found = set.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
            unknown_word(&text, &names)
        })
    }
}

/// What to say of a word that is in no set.
pub(super) fn unknown_word(word: &str, known: &[&str]) -> Wrong {
    let mend = match closest(word, known) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("write one of {}", known.join(", ")),
    };
    Wrong::new(format!("{word:?} is unknown"), mend)
}

/// The one of `known` that was probably meant.
pub(super) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len() / 3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two words (Levenshtein). **Cost**: the product of the lengths, so long words are
/// cut: no key is that long.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(LONGEST_WORD).collect();
    let b: Vec<char> = b.chars().take(LONGEST_WORD).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (to, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *above;
            left = replaced.min(left + 1).min(*above + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// A year: beyond it the number is a slip.
const LONGEST_MS: u64 = 366 * 24 * 3_600_000;
/// Below are the system ports (RFC 6335 section 6).
const LOWEST_PORT: u16 = 1_024;
const LONGEST_WORD: usize = 40;
