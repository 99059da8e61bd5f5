//! Lines and header lines of a message's head, before any meaning.

use std::borrow::Cow;

/// The header lines of a message and what follows them.
pub(crate) struct Head<'a> {
    /// The first line, without its end.
    pub(crate) start: &'a [u8],
    /// Everything between the first line and the blank line.
    fields: &'a [u8],
    /// What stands behind the blank line; `None` where there is no blank line.
    pub(crate) body: Option<&'a [u8]>,
}

/// One header line, unfolded.
pub(crate) struct Field<'a> {
    /// The name as written, without the white space before the colon.
    pub(crate) name: &'a [u8],
    /// The value, trimmed; every fold is one space.
    pub(crate) value: Cow<'a, [u8]>,
}

impl<'a> Head<'a> {
    /// Splits a message; leading line ends are skipped (RFC 3261 section 7.5). Lines end with CRLF
    /// or LF.
    pub(crate) fn split(bytes: &'a [u8]) -> Head<'a> {
        let (start, rest) = take_line(skip_line_ends(bytes));
        let mut left = rest;
        loop {
            if left.is_empty() {
                return Head {
                    start,
                    fields: rest,
                    body: None,
                };
            }
            let (line, after) = take_line(left);
            if line.is_empty() {
                let fields = rest.get(..rest.len() - left.len()).unwrap_or(rest);
                return Head {
                    start,
                    fields,
                    body: Some(after),
                };
            }
            left = after;
        }
    }

    /// The header lines in order. Lines without a colon are `None`.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Option<Field<'a>>> {
        let mut left = self.fields;
        std::iter::from_fn(move || {
            if left.is_empty() {
                return None;
            }
            let (line, mut after) = take_line(left);
            let mut whole = Cow::Borrowed(line);
            while let Some(b' ' | b'\t') = after.first() {
                let (continued, rest) = take_line(after);
                let whole = whole.to_mut();
                whole.push(b' ');
                whole.extend_from_slice(continued.trim_ascii());
                after = rest;
            }
            left = after;
            Some(field(whole, line))
        })
    }
}

/// `line` is the part of `whole` before the first fold.
fn field<'a>(whole: Cow<'a, [u8]>, line: &'a [u8]) -> Option<Field<'a>> {
    let (name, value) = match whole {
        Cow::Borrowed(whole) => {
            let colon = whole.iter().position(|b| *b == b':')?;
            let (name, value) = whole.split_at_checked(colon)?;
            (name, Cow::Borrowed(value.get(1..)?.trim_ascii()))
        }
        Cow::Owned(whole) => {
            // A colon behind the first fold belongs to no name.
            let colon = line.iter().position(|b| *b == b':')?;
            let name = line.get(..colon)?;
            (
                name,
                Cow::Owned(whole.get(colon + 1..)?.trim_ascii().to_vec()),
            )
        }
    };
    Some(Field {
        name: name.trim_ascii_end(),
        value,
    })
}

/// Skips CR and LF before a start line.
pub(crate) fn skip_line_ends(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n'));
    bytes.get(end.unwrap_or(bytes.len())..).unwrap_or_default()
}

/// The first line without its LF or CRLF, and the rest.
fn take_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => (
            bytes.get(..at).unwrap_or_default(),
            bytes.get(at + 1..).unwrap_or_default(),
        ),
        None => (bytes, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// The long form of a header name (RFC 3261 section 7.3.3 and the IANA registry).
pub(crate) fn long_name(name: &str) -> &str {
    let [letter] = name.as_bytes() else {
        return name;
    };
    match letter.to_ascii_lowercase() {
        b'a' => "Accept-Contact",
        b'b' => "Referred-By",
        b'c' => "Content-Type",
        b'd' => "Request-Disposition",
        b'e' => "Content-Encoding",
        b'f' => "From",
        b'i' => "Call-ID",
        b'j' => "Reject-Contact",
        b'k' => "Supported",
        b'l' => "Content-Length",
        b'm' => "Contact",
        b'n' => "Identity-Info",
        b'o' => "Event",
        b'r' => "Refer-To",
        b's' => "Subject",
        b't' => "To",
        b'u' => "Allow-Events",
        b'v' => "Via",
        b'x' => "Session-Expires",
        b'y' => "Identity",
        _ => name,
    }
}

/// The agreed Content-Length of a head: `Ok(None)` where none is given, `Err` where one is no
/// number or two differ. Numbers are read as `u64`, so that none can wrap.
pub(crate) fn content_length(head: &Head<'_>) -> Result<Option<u64>, ()> {
    let mut agreed = None;
    for field in head.fields().flatten() {
        if !field.name.eq_ignore_ascii_case(b"Content-Length")
            && !field.name.eq_ignore_ascii_case(b"l")
        {
            continue;
        }
        let digits = std::str::from_utf8(&field.value).map_err(|_| ())?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(());
        }
        let length: u64 = digits.parse().map_err(|_| ())?;
        if agreed.is_some_and(|agreed| agreed != length) {
            return Err(());
        }
        agreed = Some(length);
    }
    Ok(agreed)
}
