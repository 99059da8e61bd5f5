//! `Digest name=value, name="value"`: challenges and credentials on the wire (RFC 3261 section 25.1).

use crate::message::{is_token, split_outside_quotes, trim};

/// The fields of one header value of scheme Digest. Quoted values stand without their quotes and
/// with their escapes, because that is what both sides hash.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    /// `None` for another scheme, a broken field, or one that is there twice.
    pub(super) fn parse(value: &'a str) -> Option<Fields<'a>> {
        let value = trim(value);
        let (scheme, rest) = value.split_at_checked("Digest".len())?;
        if !scheme.eq_ignore_ascii_case("Digest") || !rest.starts_with([' ', '\t']) {
            return None;
        }
        let mut fields: Vec<(&str, &str)> = Vec::new();
        for part in split_outside_quotes(rest, ',') {
            // RFC 3261 section 7.3.1: an empty element of a list is nothing.
            if part.is_empty() {
                continue;
            }
            let (name, value) = part.split_once('=')?;
            let (name, value) = (trim(name), plain(trim(value))?);
            let twice = |(known, _): &(&str, &str)| known.eq_ignore_ascii_case(name);
            if !is_token(name) || fields.iter().any(twice) {
                return None;
            }
            fields.push((name, value));
        }
        Some(Fields(fields))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let mut fields = self.0.iter();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(found.1)
    }
}

/// What a value says: the inside of a quoted string, or a bare word.
fn plain(value: &str) -> Option<&str> {
    let Some(inside) = value.strip_prefix('"') else {
        return (!value.contains(['"', ' ', '\t'])).then_some(value);
    };
    let inside = inside.strip_suffix('"')?;
    // The closing quote must be a quote: neither escaped nor one of several.
    let mut escaped = false;
    for c in inside.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return None,
            _ => {}
        }
    }
    (!escaped).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_quoted_and_bare_in_any_order() {
        let fields = Fields::parse(
            r#"digest  nonce="a,b=\"c" , qop="auth,auth-int",algorithm=SHA-256 ,, stale=FALSE"#,
        )
        .unwrap();
        assert_eq!(fields.get("Nonce"), Some(r#"a,b=\"c"#));
        assert_eq!(fields.get("qop"), Some("auth,auth-int"));
        assert_eq!(fields.get("algorithm"), Some("SHA-256"));
        assert_eq!(fields.get("opaque"), None);
    }

    #[test]
    fn what_is_broken_says_nothing() {
        for value in [
            "",
            "Digest",
            "Digestrealm=\"x\"",
            "Basic realm=\"x\"",
            "Digest realm",
            "Digest realm=\"x",
            "Digest realm=\"x\\\"",
            "Digest realm=\"x\"y\"",
            "Digest realm=\"x\", realm=\"y\"",
            "Digest realm=\"x\", Digest realm=\"y\"",
            "Digest r\u{e9}alm=\"x\"",
            "Dig\u{e9}st realm=x",
        ] {
            assert!(Fields::parse(value).is_none(), "{value}");
        }
    }
}
