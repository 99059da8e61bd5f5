//! The offers and answers of a peer that speaks G.711 and telephone-events (RFC 8866, RFC 3264).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::srtp::Line;
use crate::sound::Law;

/// What a peer reads from the other's SDP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudioDescription {
    /// Where media goes.
    pub(crate) address: SocketAddr,
    /// The G.711 formats with their payload types, the most wanted first.
    pub(crate) formats: Vec<(Law, u8)>,
    /// The payload type of L16 at 8 kHz (RFC 3551 section 4.5.11), if offered; wanted before G.711.
    pub(crate) linear: Option<u8>,
    /// The payload type of telephone-events (RFC 4733), if offered.
    pub(crate) telephone_event: Option<u8>,
    /// Whether it is RTP/SAVP.
    pub(crate) secured: bool,
    /// The keys, the most wanted first.
    pub(crate) crypto: Vec<Line>,
}

impl AudioDescription {
    /// Reads the first audio section that is not refused.
    pub(crate) fn parse(body: &[u8]) -> Option<AudioDescription> {
        let text = std::str::from_utf8(body).ok()?;
        let mut session_address = None;
        let mut found: Option<Section> = None;
        for line in text.lines().map(str::trim_end) {
            match line.split_once('=')? {
                ("m", media) if found.is_none() => found = Section::parse(media),
                ("m", _) => break,
                ("c", connection) => {
                    let address = connection
                        .split(' ')
                        .nth(2)?
                        .split('/')
                        .next()?
                        .parse()
                        .ok();
                    match &mut found {
                        Some(section) => section.address = address,
                        None => session_address = address,
                    }
                }
                ("a", attribute) => {
                    if let Some(section) = &mut found {
                        section.attribute(attribute);
                    }
                }
                _ => {}
            }
        }
        let section = found?;
        Some(AudioDescription {
            address: SocketAddr::new(section.address.or(session_address)?, section.port),
            formats: section.formats(),
            linear: section.named("l16"),
            telephone_event: section.named("telephone-event"),
            secured: section.secured,
            crypto: section.crypto,
        })
    }

    /// Writes an offer or answer of `formats` at `address`.
    pub(crate) fn write(&self, session: u64, version: u64) -> String {
        let host = self.address.ip();
        let family = match host {
            IpAddr::V4(_) => "IP4",
            IpAddr::V6(_) => "IP6",
        };
        let mut types: Vec<String> = self.linear.iter().map(u8::to_string).collect();
        types.extend(self.formats.iter().map(|(_, pt)| pt.to_string()));
        types.extend(self.telephone_event.map(|pt| pt.to_string()));
        let mut text = format!(
            "v=0\r\no=- {session} {version} IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n\
             m=audio {} RTP/{} {}\r\n",
            self.address.port(),
            if self.secured { "SAVP" } else { "AVP" },
            types.join(" "),
        );
        if let Some(pt) = self.linear {
            let _ = write!(text, "a=rtpmap:{pt} L16/8000\r\n");
        }
        for (law, pt) in &self.formats {
            let _ = write!(text, "a=rtpmap:{pt} {}/8000\r\n", law.encoding_name());
        }
        if let Some(pt) = self.telephone_event {
            let _ = write!(
                text,
                "a=rtpmap:{pt} telephone-event/8000\r\na=fmtp:{pt} 0-15\r\n"
            );
        }
        for line in &self.crypto {
            let _ = write!(text, "a=crypto:{}\r\n", line.write());
        }
        text.push_str("a=ptime:20\r\na=sendrecv\r\n");
        text
    }
}

/// One `m=audio` section while it is read.
struct Section {
    address: Option<IpAddr>,
    port: u16,
    secured: bool,
    crypto: Vec<Line>,
    payload_types: Vec<u8>,
    /// Payload type, encoding name.
    maps: Vec<(u8, String)>,
}

impl Section {
    fn parse(media: &str) -> Option<Section> {
        let mut words = media.split(' ');
        let audio = words.next() == Some("audio");
        let port = words.next()?.split('/').next()?.parse().ok()?;
        let profile = words.next();
        let secured = profile == Some("RTP/SAVP");
        let spoken = secured || profile == Some("RTP/AVP");
        (audio && spoken && port != 0).then(|| Section {
            secured,
            crypto: Vec::new(),
            address: None,
            port,
            payload_types: words.filter_map(|pt| pt.parse().ok()).collect(),
            maps: Vec::new(),
        })
    }

    fn attribute(&mut self, attribute: &str) {
        let map = attribute
            .strip_prefix("rtpmap:")
            .and_then(|map| map.split_once(' '));
        if let Some((pt, encoding)) = map
            && let Ok(pt) = pt.parse()
        {
            let name = encoding.split('/').next().unwrap_or_default();
            self.maps.push((pt, name.to_ascii_lowercase()));
        }
        let line = attribute.strip_prefix("crypto:").and_then(Line::parse);
        self.crypto.extend(line);
    }

    fn named(&self, name: &str) -> Option<u8> {
        let map = self.maps.iter().find(|(_, known)| known == name)?;
        Some(map.0)
    }

    /// Static payload types need no rtpmap (RFC 3551 section 6).
    fn formats(&self) -> Vec<(Law, u8)> {
        let law = |pt: u8| match self.maps.iter().find(|map| map.0 == pt) {
            Some((_, name)) => match name.as_str() {
                "pcmu" => Some(Law::Mu),
                "pcma" => Some(Law::A),
                _ => None,
            },
            None => [Law::Mu, Law::A]
                .into_iter()
                .find(|law| law.payload_type() == pt),
        };
        let types = self.payload_types.iter();
        types.filter_map(|&pt| Some((law(pt)?, pt))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let description = AudioDescription {
            address: "[2001:db8::1]:4000".parse().unwrap(),
            formats: vec![(Law::A, 8), (Law::Mu, 0)],
            linear: None,
            telephone_event: Some(101),
            secured: true,
            crypto: Line::parse("7 AEAD_AES_128_GCM inline:AAAA")
                .into_iter()
                .collect(),
        };
        assert_eq!(description.crypto.len(), 1);
        let text = description.write(7, 1);
        assert_eq!(AudioDescription::parse(text.as_bytes()), Some(description));
    }

    #[test]
    fn a_section_may_have_its_own_address_and_no_rtpmap() {
        let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
                    m=audio 4000 RTP/AVP 18 8 0\r\nc=IN IP4 192.0.2.1\r\n";
        let read = AudioDescription::parse(text.as_bytes()).unwrap();
        assert_eq!(read.address, "192.0.2.1:4000".parse().unwrap());
        assert_eq!(read.formats, [(Law::A, 8), (Law::Mu, 0)]);
        assert_eq!(read.telephone_event, None);
    }

    #[test]
    fn nonsense_is_no_description() {
        assert_eq!(AudioDescription::parse(b"m=audio"), None);
        assert_eq!(AudioDescription::parse(b"\xFF"), None);
        assert_eq!(
            AudioDescription::parse(b"m=audio 0 RTP/AVP 0\r\nc=IN IP4 1.2.3.4\r\n"),
            None
        );
    }
}
