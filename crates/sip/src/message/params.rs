//! `;name=value` lists of header fields (RFC 3261 section 25.1, generic-param).

use std::fmt;

use super::text::{find_outside_quotes, is_token, quote, split_outside_quotes, trim, unquote};

/// The parameters behind a header value, in order; quoted values are kept as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Reads what stands behind the first semicolon. `None` where a parameter is empty or its
    /// name is no token.
    pub(crate) fn parse(text: &str) -> Option<Params> {
        let mut params = Vec::new();
        for part in split_outside_quotes(text, ';') {
            let (name, value) = match find_outside_quotes(part, '=') {
                Some(at) => {
                    let (name, value) = super::text::split_around(part, at, '=');
                    (trim(name), Some(trim(value)))
                }
                None => (part, None),
            };
            if !is_token(name) || value.is_some_and(|value| !is_value(value)) {
                return None;
            }
            params.push((name.to_owned(), value.map(str::to_owned)));
        }
        Some(Params(params))
    }

    /// A parameter as written: `None` if absent, `Some("")` if it has no value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_deref().unwrap_or(""))
    }

    /// Sets a parameter; a value that is no token or address is quoted, a name that is no token
    /// changes nothing.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        if !is_token(name) {
            return;
        }
        let value = value.map(|value| {
            if is_plain(value) {
                value.to_owned()
            } else {
                quote(value)
            }
        });
        match self
            .0
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Takes a parameter away.
    pub fn remove(&mut self, name: &str) {
        self.0
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            match value {
                Some(value) => write!(f, ";{name}={value}")?,
                None => write!(f, ";{name}")?,
            }
        }
        Ok(())
    }
}

/// A token, or a host: IPv6 with or without brackets (RFC 5118 section 4.5).
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|b| super::text::is_token_byte(b) || matches!(b, b'[' | b']' | b':'))
}

/// What may be read as a value: a closed quoted string, or visible characters without quotes.
fn is_value(value: &str) -> bool {
    if value.starts_with('"') {
        return unquote(value).is_some_and(|(_, after)| trim(after).is_empty());
    }
    !value.is_empty()
        && !value
            .chars()
            .any(|c| c.is_control() || matches!(c, ' ' | '"' | '<' | '>'))
}
