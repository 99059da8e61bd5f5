//! Refer-To (RFC 3515 section 2.1).

use super::number::Number;
use ipnet::IpNet;
use squelch_sip::{Headers, NameAddr, Uri};
use std::net::IpAddr;

/// Whom a REFER asks to be called: a number, and for a SIP URI the carrier's own address that was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) number: Number,
    at: Option<IpAddr>,
}

/// Why a Refer-To is not one that is relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// None, several, or one that can't be read.
    Malformed,
    /// It carries headers for the new call: a Replaces, most often.
    Headers,
    /// Neither `tel:` nor `sip:` with a telephone number.
    NoNumber,
    /// A SIP URI at a host that is no address of the trunk's.
    Host,
}

impl Unfit {
    /// RFC 3515 section 2.4.2; what is only not wanted is declined.
    pub(crate) fn status(self) -> u16 {
        match self {
            Unfit::Malformed => 400,
            Unfit::Headers | Unfit::NoNumber | Unfit::Host => 603,
        }
    }

    /// For the record.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Unfit::Malformed => "there is not exactly one Refer-To that can be read",
            Unfit::Headers => "the Refer-To carries headers",
            Unfit::NoNumber => "the Refer-To names no telephone number",
            Unfit::Host => "the Refer-To names a host that is not the trunk's",
        }
    }
}

impl Target {
    /// Reads the one Refer-To. `own` are the networks of the trunk that would dial it.
    pub(crate) fn read(headers: &Headers, own: &[IpNet]) -> Result<Target, Unfit> {
        let mut all = headers.all("Refer-To");
        let (Some(text), None) = (all.next(), all.next()) else {
            return Err(Unfit::Malformed);
        };
        let mut list = NameAddr::parse_list(text).ok_or(Unfit::Malformed)?;
        let (Some(named), true) = (list.pop(), list.is_empty()) else {
            return Err(Unfit::Malformed);
        };
        let uri = &named.uri;
        if uri.headers().is_some() {
            return Err(Unfit::Headers);
        }
        if uri.is_sip() {
            let user = uri.user().filter(|_| uri.scheme() == "sip");
            let number = user.and_then(Number::parse).ok_or(Unfit::NoNumber)?;
            let ip = uri.ip().map(|ip| ip.to_canonical()).ok_or(Unfit::Host)?;
            if !own.iter().any(|net| net.contains(&ip)) {
                return Err(Unfit::Host);
            }
            return Ok(Target {
                number,
                at: Some(ip),
            });
        }
        // Parameters change what a number means (RFC 3966 section 5): `;phone-context`, `;ext`.
        let text = uri.to_string();
        let (scheme, rest) = text.split_once(':').ok_or(Unfit::Malformed)?;
        if !scheme.eq_ignore_ascii_case("tel") {
            return Err(Unfit::NoNumber);
        }
        let number = Number::parse(rest).ok_or(Unfit::NoNumber)?;
        Ok(Target { number, at: None })
    }

    /// The Refer-To for the carrier. The port, parameters and names of the one that was read are left behind.
    pub(crate) fn refer_to(&self) -> String {
        let number = self.number.as_str();
        match self.at {
            Some(ip) => {
                let host = match ip {
                    IpAddr::V4(ip) => ip.to_string(),
                    IpAddr::V6(ip) => format!("[{ip}]"),
                };
                NameAddr::new(Uri::sip(Some(number), &host, None)).to_string()
            }
            None => format!("<tel:{number}>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<String, Unfit> {
        let mut headers = Headers::default();
        for value in values {
            headers.push("Refer-To", value).unwrap();
        }
        let own = ["192.0.2.0/24", "2001:db8::/32"].map(|net| net.parse().unwrap());
        Target::read(&headers, &own).map(|target| target.refer_to())
    }

    #[test]
    fn a_number_is_written_anew() {
        for (refer_to, written) in [
            ("<tel:+14155550100>", "<tel:+14155550100>"),
            ("tel:+1-415-555-0100", "<tel:+14155550100>"),
            ("TEL:100", "<tel:100>"),
            (
                "\"X, \\\"y\\\"\" <tel:+1(415)555.0100>;p=q",
                "<tel:+14155550100>",
            ),
            (
                "<sip:+14155550100@192.0.2.1>",
                "<sip:+14155550100@192.0.2.1>",
            ),
            (
                "<sip:+14155550100:secret@192.0.2.1:25;transport=tcp;maddr=127.0.0.1;user=phone>",
                "<sip:+14155550100@192.0.2.1>",
            ),
            ("<sip:+1@[2001:db8::7]:5060>", "<sip:+1@[2001:db8::7]>"),
            ("<sip:+1@[::ffff:192.0.2.9]>", "<sip:+1@192.0.2.9>"),
        ] {
            assert_eq!(read(&[refer_to]).as_deref(), Ok(written), "{refer_to}");
        }
    }

    #[test]
    fn all_else_is_refused() {
        let long = format!("<tel:+{}>", "1".repeat(8_000));
        for (refer_to, unfit) in [
            ("<tel:+1;phone-context=evil.example>", Unfit::NoNumber),
            ("<tel:+1;ext=9>", Unfit::NoNumber),
            ("<tel:>", Unfit::Malformed),
            (&long, Unfit::NoNumber),
            ("<sips:+1@192.0.2.1>", Unfit::NoNumber),
            ("<http://127.0.0.1:9090/metrics>", Unfit::NoNumber),
            ("<sip:192.0.2.1>", Unfit::NoNumber),
            ("<sip:+1%0d%0aVia@192.0.2.1>", Unfit::NoNumber),
            ("<sip:+1;x=y@192.0.2.1>", Unfit::NoNumber),
            ("<sip:+1@127.0.0.1>", Unfit::Host),
            ("<sip:+1@[::1]>", Unfit::Host),
            ("<sip:+1@[::ffff:127.0.0.1]>", Unfit::Host),
            ("<sip:+1@169.254.169.254>", Unfit::Host),
            ("<sip:+1@carrier.example>", Unfit::Host),
            ("<sip:+1@192.0.2.1?Replaces=a%3Bto-tag%3Db>", Unfit::Headers),
            ("<sip:+1@192.0.2.1?Via=x%0D%0AY:z>", Unfit::Headers),
            ("<sip:+1@192.0.2.1?>", Unfit::Headers),
            ("<tel:+1>, <tel:+2>", Unfit::Malformed),
            ("<tel:+1", Unfit::Malformed),
            ("", Unfit::Malformed),
        ] {
            assert_eq!(read(&[refer_to]), Err(unfit), "{refer_to:.60}");
        }
        assert_eq!(read(&[]), Err(Unfit::Malformed));
        assert_eq!(read(&["<tel:+1>", "<tel:+1>"]), Err(Unfit::Malformed));
    }
}
