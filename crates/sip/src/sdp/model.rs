//! What a description says, as types.

use std::net::{IpAddr, SocketAddr};

use super::Crypto;

/// A session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// The session's number in `o=`.
    pub session_id: String,
    /// The version in `o=`, which rises with every change.
    pub version: u64,
    /// Our or the peer's address in `o=`.
    pub address: String,
    /// The media descriptions, in their order.
    pub media: Vec<Media>,
}

impl SessionDescription {
    /// The first audio that is not refused (port 0), if any; the first audio otherwise.
    pub fn audio(&self) -> Option<&AudioMedia> {
        let audios = || {
            self.media.iter().filter_map(|media| match media {
                Media::Audio(audio) => Some(audio),
                Media::Other(_) => None,
            })
        };
        audios()
            .find(|audio| audio.port != 0)
            .or_else(|| audios().next())
    }

    /// An answer to this offer: `audio` in the place of its audio, everything else refused (RFC 3264
    /// section 6: the same media in the same order, port 0 where refused).
    pub fn answered(
        &self,
        session_id: &str,
        address: IpAddr,
        audio: AudioMedia,
    ) -> SessionDescription {
        let chosen = self.audio();
        let mut audio = Some(audio);
        let media = self
            .media
            .iter()
            .map(|offered| match offered {
                Media::Audio(this) if chosen.is_some_and(|chosen| std::ptr::eq(chosen, this)) => {
                    audio
                        .take()
                        .map_or_else(|| Media::Audio(this.refused()), Media::Audio)
                }
                Media::Audio(this) => Media::Audio(this.refused()),
                Media::Other(this) => Media::Other(OtherMedia {
                    port: 0,
                    ..this.clone()
                }),
            })
            .collect();
        SessionDescription {
            session_id: session_id.to_owned(),
            version: 1,
            address: address.to_string(),
            media,
        }
    }
}

/// One media description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// Audio over RTP.
    Audio(AudioMedia),
    /// Anything else, kept to be refused in an answer.
    Other(OtherMedia),
}

/// A media description that squelch has no use for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherMedia {
    /// `video`, `image`, `audio` over something that is no RTP, ...
    pub kind: String,
    /// The port.
    pub port: u16,
    /// The transport, e.g. `udptl`.
    pub protocol: String,
    /// The formats, as they stand.
    pub formats: String,
}

/// An RTP profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `RTP/AVP` (RFC 3551).
    Avp,
    /// `RTP/SAVP` (RFC 3711).
    Savp,
}

impl Profile {
    /// As written in an `m=` line.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Avp => "RTP/AVP",
            Profile::Savp => "RTP/SAVP",
        }
    }
}

/// Who may send, seen from the description's sender (RFC 8866 section 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `sendrecv`, the default.
    SendRecv,
    /// `sendonly`.
    SendOnly,
    /// `recvonly`.
    RecvOnly,
    /// `inactive`.
    Inactive,
}

impl Direction {
    /// As written in an attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// The same seen from the other side, which is also the widest answer to an offer.
    pub const fn mirrored(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            both => both,
        }
    }
}

/// One payload type and what it stands for (rtpmap and fmtp).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// 0 to 127.
    pub payload_type: u8,
    /// The name, e.g. `PCMU`; compare it without regard to case.
    pub name: String,
    /// **Units**: Hz.
    pub clock_rate: u32,
    /// Channels; 1 where none are said.
    pub channels: u8,
    /// The fmtp's value, if any.
    pub parameters: Option<String>,
}

impl Encoding {
    /// PCMU at its static payload type.
    pub fn pcmu() -> Encoding {
        Encoding {
            payload_type: 0,
            name: "PCMU".into(),
            clock_rate: 8_000,
            channels: 1,
            parameters: None,
        }
    }

    /// PCMA at its static payload type.
    pub fn pcma() -> Encoding {
        Encoding {
            payload_type: 8,
            name: "PCMA".into(),
            ..Encoding::pcmu()
        }
    }

    /// telephone-event at 8 kHz with the sixteen DTMF events (RFC 4733).
    pub fn telephone_event(payload_type: u8) -> Encoding {
        Encoding {
            payload_type,
            name: "telephone-event".into(),
            parameters: Some("0-15".into()),
            ..Encoding::pcmu()
        }
    }

    /// Whether it is `name` at `clock_rate` with one channel.
    pub fn is(&self, name: &str, clock_rate: u32) -> bool {
        self.name.eq_ignore_ascii_case(name) && self.clock_rate == clock_rate && self.channels == 1
    }
}

/// Audio over RTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioMedia {
    /// Where it is received.
    pub address: IpAddr,
    /// The port; 0 refuses the media.
    pub port: u16,
    /// The profile.
    pub profile: Profile,
    /// The encodings, in order of preference.
    pub encodings: Vec<Encoding>,
    /// **Units**: milliseconds.
    pub ptime: Option<u16>,
    /// **Units**: milliseconds.
    pub maxptime: Option<u16>,
    /// Who may send.
    pub direction: Direction,
    /// Keys, in order of preference; used with [`Profile::Savp`].
    pub crypto: Vec<Crypto>,
    /// How RTCP is spoken beside it.
    pub rtcp: Rtcp,
}

/// What a media description says of its RTCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rtcp {
    /// `a=rtcp-mux`: on RTP's port (RFC 5761).
    pub mux: bool,
    /// `a=rtcp`: where it is received, where that is not the port above RTP's (RFC 3605).
    pub address: Option<SocketAddr>,
    /// `b=RS:0` and `b=RR:0`: none is sent or wanted (RFC 3556).
    pub off: bool,
    /// `a=rtcp-xr` with `voip-metrics`: such blocks are wanted (RFC 3611 section 5.1).
    pub voip_metrics: bool,
}

impl AudioMedia {
    /// telephone-event at a clock rate, if offered. **Units**: Hz.
    pub fn telephone_event(&self, clock_rate: u32) -> Option<&Encoding> {
        self.encodings
            .iter()
            .find(|encoding| encoding.is("telephone-event", clock_rate))
    }

    /// Where RTCP is received that is not on RTP's port.
    pub fn rtcp_address(&self) -> SocketAddr {
        let above = SocketAddr::new(self.address, self.port.saturating_add(1));
        self.rtcp.address.unwrap_or(above)
    }

    fn refused(&self) -> AudioMedia {
        AudioMedia {
            port: 0,
            crypto: Vec::new(),
            rtcp: Rtcp::default(),
            ..self.clone()
        }
    }
}
