//! SIP messages as text: the little that a peer needs, read and written a second time.
//!
//! Nothing here is shared with `squelch_sip`, so that one mistake does not pass on both sides.

use bytes::Bytes;

/// A message, looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    head: &'a str,
    body: &'a str,
}

impl<'a> Text<'a> {
    /// Splits head from body. **Errors**: `None` for what is no text with an empty line.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Text<'a>> {
        let (head, body) = std::str::from_utf8(bytes).ok()?.split_once("\r\n\r\n")?;
        Some(Text { head, body })
    }

    pub(super) fn start_line(&self) -> &'a str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(super) fn body(&self) -> &'a str {
        self.body
    }

    /// The status, where this is a response.
    pub(super) fn status(&self) -> Option<u16> {
        let rest = self.start_line().strip_prefix("SIP/2.0 ")?;
        rest.get(..3)?.parse().ok()
    }

    /// The method of a request, or of the request that a response answers.
    pub(super) fn method(&self) -> &'a str {
        self.cseq().map_or("", |(_, method)| method)
    }

    /// The Request-URI.
    pub(super) fn uri(&self) -> &'a str {
        self.start_line().split(' ').nth(1).unwrap_or_default()
    }

    pub(super) fn all(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.lines().skip(1).filter_map(move |line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn header(&self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn cseq(&self) -> Option<(u32, &'a str)> {
        let (number, method) = self.header("CSeq")?.split_once(' ')?;
        Some((number.parse().ok()?, method))
    }

    /// The branch of the top Via.
    pub(super) fn branch(&self) -> &'a str {
        self.header("Via")
            .and_then(|via| parameter(via, "branch"))
            .unwrap_or_default()
    }

    pub(super) fn call_id(&self) -> &'a str {
        self.header("Call-ID").unwrap_or_default()
    }

    pub(super) fn tag_from(&self) -> &'a str {
        self.tag("From").unwrap_or_default()
    }

    pub(super) fn tag_to(&self) -> Option<&'a str> {
        self.tag("To")
    }

    fn tag(&self, name: &'a str) -> Option<&'a str> {
        let value = self.header(name)?;
        // A parameter of the address itself stands before the bracket.
        let outside = value.rsplit_once('>').map_or(value, |(_, rest)| rest);
        parameter(outside, "tag")
    }

    /// The URI of Contact.
    pub(super) fn contact(&self) -> Option<&'a str> {
        let (_, rest) = self.header("Contact")?.split_once('<')?;
        Some(rest.split_once('>')?.0)
    }

    /// The headers that a response copies (RFC 3261 section 8.2.6.2), To apart.
    pub(super) fn echo(&self) -> String {
        let copied = ["via", "from", "call-id", "cseq", "record-route"];
        let lines = self.head.lines().skip(1).filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            copied.iter().any(|copy| name.eq_ignore_ascii_case(copy))
        });
        lines.fold(String::new(), |all, line| all + line + "\r\n")
    }

    /// What is wrong with the message as such, if anything: what every message must have.
    pub(super) fn fault(&self) -> Option<String> {
        let missing = ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length"]
            .into_iter()
            .find(|name| self.header(name).is_none());
        if let Some(name) = missing {
            return Some(format!("no {name} in {}", self.start_line()));
        }
        if !self.branch().starts_with("z9hG4bK") {
            return Some(format!("no branch in {}", self.start_line()));
        }
        let length = self.header("Content-Length").and_then(|l| l.parse().ok());
        if length != Some(self.body.len()) {
            return Some(format!("a wrong length in {}", self.start_line()));
        }
        if self.status().is_none() && !self.start_line().starts_with(self.method()) {
            return Some(format!("another CSeq than {}", self.start_line()));
        }
        None
    }
}

/// Ends a head and adds a body.
pub(super) fn finish(mut head: String, body: &str) -> Bytes {
    if !body.is_empty() && !head.contains("Content-Type:") {
        head.push_str("Content-Type: application/sdp\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    head.into()
}

/// Takes the line ends off the front of a stream's bytes, and says how many there were.
pub(super) fn take_line_ends(buffer: &mut Vec<u8>) -> usize {
    let ends = buffer.chunks(2).take_while(|two| *two == b"\r\n").count();
    buffer.drain(..2 * ends);
    ends
}

/// One whole message off the front of a stream's bytes.
pub(super) fn take_frame(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    take_line_ends(buffer);
    let text = std::str::from_utf8(buffer).ok()?;
    let head = text.find("\r\n\r\n")? + 4;
    let length: usize = Text::new(buffer)?.header("Content-Length")?.parse().ok()?;
    (buffer.len() >= head + length).then(|| buffer.drain(..head + length).collect())
}

fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    value.split(';').skip(1).find_map(|parameter| {
        let (found, value) = parameter.split_once('=')?;
        found.trim().eq_ignore_ascii_case(name).then_some(value)
    })
}
