//! The character classes of RFC 3261 section 25.1 and the splitters that respect quotes.

/// Whether `byte` may stand in a `token` (RFC 3261 section 25.1).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        )
}

/// Whether `text` is a non-empty `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether `byte` may stand unescaped in a URI: visible ASCII except the delimiters around URIs.
pub(crate) const fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')
}

/// Trims SP, HT and what folding left of a line end.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
}

/// Splits at `separator` outside quoted strings and angle brackets (RFC 3261 section 7.3.1), each
/// part trimmed. A quote or bracket left open runs to the end.
pub(crate) fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        match find_outside_quotes(current, separator) {
            Some(at) => {
                let (part, tail) = split_around(current, at, separator);
                rest = Some(tail);
                Some(trim(part))
            }
            None => {
                rest = None;
                Some(trim(current))
            }
        }
    })
}

/// The byte offset of the first `wanted` outside quoted strings and angle brackets. Looking for
/// `<` finds the bracket itself.
pub(crate) fn find_outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    let mut bracketed = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if quoted {
            match c {
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => {}
            }
        } else if c == wanted && !bracketed {
            return Some(at);
        } else {
            match c {
                '"' if !bracketed => quoted = true,
                '<' => bracketed = true,
                '>' => bracketed = false,
                _ => {}
            }
        }
    }
    None
}

/// The text before and after the `separator` at byte offset `at`, which came from a search for it.
pub(crate) fn split_around(text: &str, at: usize, separator: char) -> (&str, &str) {
    let (before, from) = text.split_at_checked(at).unwrap_or((text, ""));
    let after = from.get(separator.len_utf8()..).unwrap_or("");
    (before, after)
}

/// `text` with every control character replaced by a space: nothing that ends a line or a string
/// gets through.
pub(crate) fn without_controls(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// `text` as a quoted-string (RFC 3261 section 25.1).
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The text inside a quoted-string, escapes resolved, and what follows it. `None` where `text`
/// does not start with one or it is not closed.
pub(crate) fn unquote(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut plain = String::new();
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        if escaped {
            escaped = false;
            plain.push(c);
        } else {
            match c {
                '\\' => escaped = true,
                '"' => return Some((plain, inside.get(at + 1..)?)),
                c => plain.push(c),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_split() {
        let parts: Vec<_> =
            split_outside_quotes(r#""a, \"b" <sip:x,y@h> , <sip:z@h>;p="1,2""#, ',').collect();
        assert_eq!(parts, [r#""a, \"b" <sip:x,y@h>"#, r#"<sip:z@h>;p="1,2""#]);
    }

    #[test]
    fn quoting_and_unquoting_are_inverse() {
        let text = r#"J "Rosenberg" \ here"#;
        assert_eq!(unquote(&quote(text)), Some((text.to_owned(), "")));
        assert_eq!(unquote("\"open"), None);
    }
}
