//! Header fields by name over `rsip::Headers`.

use rsip::Header;
use rsip::headers::untyped::{self, UntypedHeader};

use super::text::is_token;

/// The header fields of a message in order. A name is a token and a value holds no line end, so
/// no header can smuggle another one in.
///
/// Content-Length is not among them: the writer computes it, the reader has obeyed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(rsip::Headers);

/// A header that would not be one on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// The name is no token.
    #[error("the header's name is no token")]
    Name,
    /// The value holds a control character.
    #[error("the header's value holds a control character")]
    Value,
    /// The endpoint writes this header itself.
    #[error("the header belongs to the endpoint")]
    Reserved,
}

impl Headers {
    /// The value of the first header of this name, without regard to case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The values of all headers of this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All names (in their long form) and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(parts)
    }

    /// Appends a header for sending.
    ///
    /// **Errors**: a name that is no token, a value with control characters.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), InvalidHeader> {
        if !is_token(name) {
            return Err(InvalidHeader::Name);
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(InvalidHeader::Value);
        }
        self.0.push(build(name, value));
        Ok(())
    }

    /// Appends a header of our own making: control characters become spaces, nothing can fail.
    pub(crate) fn set(&mut self, name: &'static str, value: impl AsRef<str>) {
        self.0
            .push(build(name, &super::text::without_controls(value.as_ref())));
    }

    /// Appends a header as it was received: its value has no line end.
    pub(crate) fn push_received(&mut self, name: &str, value: &str) {
        self.0.push(build(name, value));
    }

    /// Puts another value into the first header of this name, as received but for our additions.
    pub(crate) fn replace_first(&mut self, name: &str, value: &str) {
        let first = self
            .0
            .iter_mut()
            .find(|header| parts(header).0.eq_ignore_ascii_case(name));
        if let Some(header) = first {
            *header = build(name, value);
        }
    }

    /// Takes all headers of this name away.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0
            .retain(|header| !parts(header).0.eq_ignore_ascii_case(name));
    }

    /// The headers as rsip writes them, one by one.
    pub(crate) fn rsip(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }
}

/// One table for name -> variant, variant -> name and variant -> value.
macro_rules! known_headers {
    ($($variant:ident => $name:literal),* $(,)?) => {
        fn build(name: &str, value: &str) -> Header {
            $(if name.eq_ignore_ascii_case($name) {
                return Header::$variant(untyped::$variant::new(value));
            })*
            Header::Other(name.to_owned(), value.to_owned())
        }

        fn parts(header: &Header) -> (&str, &str) {
            match header {
                $(Header::$variant(inner) => ($name, inner.value()),)*
                Header::Other(name, value) => (name, value),
            }
        }
    };
}

known_headers! {
    Via => "Via",
    From => "From",
    To => "To",
    CallId => "Call-ID",
    CSeq => "CSeq",
    Contact => "Contact",
    MaxForwards => "Max-Forwards",
    ContentType => "Content-Type",
    Route => "Route",
    RecordRoute => "Record-Route",
    UserAgent => "User-Agent",
    Allow => "Allow",
    Supported => "Supported",
    Accept => "Accept",
    AcceptEncoding => "Accept-Encoding",
    AcceptLanguage => "Accept-Language",
    AlertInfo => "Alert-Info",
    AuthenticationInfo => "Authentication-Info",
    Authorization => "Authorization",
    CallInfo => "Call-Info",
    ContentDisposition => "Content-Disposition",
    ContentEncoding => "Content-Encoding",
    ContentLanguage => "Content-Language",
    ContentLength => "Content-Length",
    Date => "Date",
    ErrorInfo => "Error-Info",
    Event => "Event",
    Expires => "Expires",
    InReplyTo => "In-Reply-To",
    MimeVersion => "Mime-Version",
    MinExpires => "Min-Expires",
    Organization => "Organization",
    Priority => "Priority",
    ProxyAuthenticate => "Proxy-Authenticate",
    ProxyAuthorization => "Proxy-Authorization",
    ProxyRequire => "Proxy-Require",
    ReplyTo => "Reply-To",
    Require => "Require",
    RetryAfter => "Retry-After",
    Server => "Server",
    Subject => "Subject",
    SubscriptionState => "Subscription-State",
    Timestamp => "Timestamp",
    Unsupported => "Unsupported",
    Warning => "Warning",
    WwwAuthenticate => "WWW-Authenticate",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_written_as_the_table_says() {
        for name in [
            "Via",
            "Call-ID",
            "CSeq",
            "WWW-Authenticate",
            "Max-Forwards",
            "X-Own",
        ] {
            let header = build(name, "v");
            assert_eq!(header.to_string(), format!("{name}: v"));
            assert_eq!(parts(&header), (name, "v"));
        }
    }

    #[test]
    fn no_header_can_carry_another() {
        let mut headers = Headers::default();
        assert_eq!(headers.push("X-A\r\nVia", "1"), Err(InvalidHeader::Name));
        assert_eq!(
            headers.push("X-A", "1\r\nVia: x"),
            Err(InvalidHeader::Value)
        );
        assert_eq!(headers.push("X-A", "1\0"), Err(InvalidHeader::Value));
        headers.set("X-B", "1\r\nVia: x");
        assert_eq!(headers.get("x-b"), Some("1  Via: x"));
    }
}
