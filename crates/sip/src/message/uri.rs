//! URIs (RFC 3261 section 19.1): `sip` and `sips` over `rsip::Uri`, all other schemes as text.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rsip::{Host, Param, Scheme};

use super::host;
use super::text::{is_token, is_uri_byte};

/// A URI that reads and writes byte for byte the same. It never holds a control character, a
/// space, a quote or an angle bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// rsip drops the headers part, so it is kept beside.
    Sip {
        uri: rsip::Uri,
        headers: Option<String>,
    },
    Other {
        scheme: String,
        rest: String,
    },
}

/// The text is no URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUri {
    /// No scheme before a colon.
    #[error("the URI has no scheme")]
    Scheme,
    /// A space, control character, quote, angle bracket or non-ASCII character.
    #[error("the URI holds a character that must be escaped")]
    Character,
    /// Host or port.
    #[error("the URI's host or port is malformed")]
    Host,
    /// A parameter without name.
    #[error("the URI has a malformed parameter")]
    Parameter,
}

impl Uri {
    /// Reads a URI of any scheme.
    pub fn parse(text: &str) -> Result<Uri, InvalidUri> {
        let (scheme, rest) = text.split_once(':').ok_or(InvalidUri::Scheme)?;
        let mut bytes = scheme.bytes();
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        if !bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) || !bytes.all(fits) {
            return Err(InvalidUri::Scheme);
        }
        if !rest.bytes().all(is_uri_byte) {
            return Err(InvalidUri::Character);
        }
        if scheme.eq_ignore_ascii_case("sip") {
            parse_sip(Scheme::Sip, rest).map(Uri)
        } else if scheme.eq_ignore_ascii_case("sips") {
            parse_sip(Scheme::Sips, rest).map(Uri)
        } else if rest.is_empty() {
            Err(InvalidUri::Host)
        } else {
            Ok(Uri(Form::Other {
                scheme: scheme.to_owned(),
                rest: rest.to_owned(),
            }))
        }
    }

    /// `sip:[user@]host[:port]`. Characters of `user` that may not stand there are escaped; a host
    /// that is none becomes `anonymous.invalid`.
    pub fn sip(user: Option<&str>, host: &str, port: Option<u16>) -> Uri {
        let auth = user.filter(|user| !user.is_empty()).map(|user| rsip::Auth {
            user: escape_user(user),
            password: None,
        });
        Uri(Form::Sip {
            uri: rsip::Uri {
                scheme: Some(Scheme::Sip),
                auth,
                host_with_port: rsip::HostWithPort {
                    host: host::own(host),
                    port: port.map(Into::into),
                },
                params: Vec::new(),
                headers: Vec::new(),
            },
            headers: None,
        })
    }

    /// The same URI with a parameter set; no change where name or value may not stand in a URI, or
    /// the scheme has no SIP parameters.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Uri {
        let fits = |b: u8| is_uri_byte(b) && !matches!(b, b';' | b'?' | b'=' | b'@' | b'&' | b',');
        let valid = is_token(name) && value.is_none_or(|v| !v.is_empty() && v.bytes().all(fits));
        if let Form::Sip { uri, .. } = &mut self.0
            && valid
        {
            uri.params.retain(|param| {
                !matches!(param, Param::Other(known, _) if known.value().eq_ignore_ascii_case(name))
            });
            uri.params.push(Param::Other(
                name.to_owned().into(),
                value.map(|v| v.to_owned().into()),
            ));
        }
        self
    }

    /// The scheme as written.
    pub fn scheme(&self) -> &str {
        match &self.0 {
            Form::Sip { uri, .. } => match uri.scheme {
                Some(Scheme::Sips) => "sips",
                _ => "sip",
            },
            Form::Other { scheme, .. } => scheme,
        }
    }

    /// Whether the scheme is `sip` or `sips`.
    pub fn is_sip(&self) -> bool {
        matches!(self.0, Form::Sip { .. })
    }

    /// The user part of a SIP URI (escapes unresolved), or the number of a `tel` URI.
    pub fn user(&self) -> Option<&str> {
        match &self.0 {
            Form::Sip { uri, .. } => uri.user(),
            Form::Other { scheme, rest } if scheme.eq_ignore_ascii_case("tel") => {
                rest.split(';').next()
            }
            Form::Other { .. } => None,
        }
    }

    /// The host of a SIP URI: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> Option<String> {
        self.sip_host().map(Host::to_string)
    }

    /// The host of a SIP URI, where it is an address.
    pub fn ip(&self) -> Option<IpAddr> {
        self.sip_host().and_then(host::ip_of)
    }

    /// The port of a SIP URI, where it names one.
    pub fn port(&self) -> Option<u16> {
        match &self.0 {
            Form::Sip { uri, .. } => uri.port().map(|port| *port.value()),
            Form::Other { .. } => None,
        }
    }

    /// A parameter of a SIP URI: `None` if absent, `Some("")` if it has no value.
    pub fn param(&self, name: &str) -> Option<&str> {
        let Form::Sip { uri, .. } = &self.0 else {
            return None;
        };
        uri.params.iter().find_map(|param| match param {
            Param::Other(known, value) if known.value().eq_ignore_ascii_case(name) => {
                Some(value.as_ref().map_or("", |value| value.value()))
            }
            _ => None,
        })
    }

    /// The headers part after `?`, unresolved (RFC 3261 section 19.1.1).
    pub fn headers(&self) -> Option<&str> {
        match &self.0 {
            Form::Sip { headers, .. } => headers.as_deref(),
            Form::Other { .. } => None,
        }
    }

    /// The same URI without headers part: a Request-URI must not carry one.
    #[must_use]
    pub fn without_headers(mut self) -> Uri {
        if let Form::Sip { headers, .. } = &mut self.0 {
            *headers = None;
        }
        self
    }

    fn sip_host(&self) -> Option<&Host> {
        match &self.0 {
            Form::Sip { uri, .. } => Some(uri.host()),
            Form::Other { .. } => None,
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Sip { uri, headers } => {
                write!(f, "{uri}")?;
                headers
                    .as_ref()
                    .map_or(Ok(()), |headers| write!(f, "?{headers}"))
            }
            Form::Other { scheme, rest } => write!(f, "{scheme}:{rest}"),
        }
    }
}

impl FromStr for Uri {
    type Err = InvalidUri;

    fn from_str(text: &str) -> Result<Uri, InvalidUri> {
        Uri::parse(text)
    }
}

/// `[userinfo "@"] hostport *(";" param) ["?" headers]`.
fn parse_sip(scheme: Scheme, rest: &str) -> Result<Form, InvalidUri> {
    // `@` may stand nowhere else unescaped, while `;` and `?` may stand in a user part.
    let (auth, rest) = match rest.split_once('@') {
        Some((userinfo, rest)) => (Some(parse_userinfo(userinfo)?), rest),
        None => (None, rest),
    };
    let (rest, headers) = match rest.split_once('?') {
        Some((rest, headers)) => (rest, Some(headers.to_owned())),
        None => (rest, None),
    };
    let mut parts = rest.split(';');
    let host_with_port = parts.next().and_then(host::parse).ok_or(InvalidUri::Host)?;
    let mut params = Vec::new();
    // A semicolon with nothing behind it says nothing and is forgiven.
    for part in parts.filter(|part| !part.is_empty()) {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned().into())),
            None => (part, None),
        };
        if name.is_empty() {
            return Err(InvalidUri::Parameter);
        }
        // Always `Other`: rsip's own variants change case (`transport=TLS`) or lose the value.
        params.push(Param::Other(name.to_owned().into(), value));
    }
    Ok(Form::Sip {
        uri: rsip::Uri {
            scheme: Some(scheme),
            auth,
            host_with_port,
            params,
            headers: Vec::new(),
        },
        headers,
    })
}

fn parse_userinfo(userinfo: &str) -> Result<rsip::Auth, InvalidUri> {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password.to_owned())),
        None => (userinfo, None),
    };
    if user.is_empty() {
        return Err(InvalidUri::Character);
    }
    Ok(rsip::Auth {
        user: user.to_owned(),
        password,
    })
}

/// Escapes what is neither unreserved nor user-unreserved (RFC 3261 section 25.1). What is an escape
/// already stays one: a user part that was read and is written again is the same user.
fn escape_user(user: &str) -> String {
    let mut escaped = String::with_capacity(user.len());
    for (at, byte) in user.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')'
            )
            || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
            || byte == b'%' && user.as_bytes().get(at..).is_some_and(is_escape);
        if plain {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Whether the text begins with `%` and two hexadecimal digits.
fn is_escape(text: &[u8]) -> bool {
    matches!(text, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
