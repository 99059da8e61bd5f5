//! `name-addr` and `addr-spec` (RFC 3261 section 25.1): From, To, Contact, Route, Record-Route.

use std::fmt;

use super::params::Params;
use super::text::{
    find_outside_quotes, is_token_byte, quote, split_around, split_outside_quotes, trim, unquote,
};
use super::uri::Uri;

/// A display name, a URI and the parameters behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// The name, quotes and escapes resolved. It is always written quoted.
    pub display: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// The header's parameters, `tag` among them.
    pub params: Params,
}

impl NameAddr {
    /// A bare URI.
    pub fn new(uri: Uri) -> NameAddr {
        NameAddr {
            display: None,
            uri,
            params: Params::default(),
        }
    }

    /// The same with a display name.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> NameAddr {
        self.display = Some(display.to_owned());
        self
    }

    /// Reads one value. `None` where it is malformed.
    pub fn parse(text: &str) -> Option<NameAddr> {
        let text = trim(text);
        match find_outside_quotes(text, '<') {
            Some(at) => {
                let (display, rest) = split_around(text, at, '<');
                let (uri, params) = rest.split_once('>')?;
                Some(NameAddr {
                    display: parse_display(trim(display))?,
                    uri: Uri::parse(uri).ok()?,
                    params: parse_params(params)?,
                })
            }
            None => {
                // Without brackets the parameters are the header's and a `?` or comma is an error
                // (RFC 3261 section 20).
                let (uri, params) = match text.find(';') {
                    Some(at) => text.split_at_checked(at)?,
                    None => (text, ""),
                };
                let uri = trim(uri);
                if uri.contains(['?', ',']) {
                    return None;
                }
                Some(NameAddr {
                    display: None,
                    uri: Uri::parse(uri).ok()?,
                    params: parse_params(params)?,
                })
            }
        }
    }

    /// Reads a comma-separated list. `None` where one of the values is malformed.
    pub fn parse_list(text: &str) -> Option<Vec<NameAddr>> {
        split_outside_quotes(text, ',')
            .map(NameAddr::parse)
            .collect()
    }

    /// The tag, if any.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// The same with this tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> NameAddr {
        self.params.set("tag", Some(tag));
        self
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", quote(display))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// A quoted string, or tokens with white space between them, or nothing.
fn parse_display(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    if text.starts_with('"') {
        let (plain, after) = unquote(text)?;
        return trim(after).is_empty().then_some(Some(plain));
    }
    // Unquoted names outside ASCII are common and harmless: they are written quoted.
    let fits = |c: char| {
        matches!(c, ' ' | '\t') || !c.is_ascii() || u8::try_from(c).is_ok_and(is_token_byte)
    };
    text.chars().all(fits).then(|| Some(text.to_owned()))
}

fn parse_params(text: &str) -> Option<Params> {
    match trim(text) {
        "" => Some(Params::default()),
        text => Params::parse(text.strip_prefix(';')?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hide_brackets_and_separators() {
        let value = NameAddr::parse(r#""A, \"<B>\"; x" <sip:a@h;lr>;tag=1;p="x;y""#).unwrap();
        assert_eq!(value.display.as_deref(), Some(r#"A, "<B>"; x"#));
        assert_eq!(value.uri.param("lr"), Some(""));
        assert_eq!(value.tag(), Some("1"));
        assert_eq!(value.params.get("p"), Some("\"x;y\""));
        assert_eq!(NameAddr::parse(&value.to_string()), Some(value));
    }

    #[test]
    fn without_brackets_the_parameters_are_the_headers() {
        let value = NameAddr::parse("sip:a@h;tag=1").unwrap();
        assert_eq!(value.uri.param("tag"), None);
        assert_eq!(value.tag(), Some("1"));
        assert_eq!(NameAddr::parse("sip:a@h?Route=x"), None);
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in [
            "",
            "Bell, Alexander <sip:a@h>",
            "\"open <sip:a@h>",
            "<sip:a@h",
            "< sip:a@h >",
            "<sip:a@h>;;",
            "<sip:a@h> x",
            "\"a\" b <sip:a@h>",
            "<sip:a@h>;tag=a b",
        ] {
            assert_eq!(NameAddr::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_display_name_cannot_break_out() {
        let value = NameAddr::new(Uri::sip(None, "h", None)).with_display("a\"\r\nVia: x <y>\\");
        assert_eq!(value.to_string(), "\"a\\\"  Via: x <y>\\\\\" <sip:h>");
    }
}
