//! Reading a description: sdp-types splits the lines, this gives them their meaning.

use super::{
    AudioMedia, Direction, Encoding, Media, OtherMedia, Profile, SdpError, SessionDescription,
    crypto, rtcp,
};
use sdp_types::{Attribute, Connection, Session};
use std::net::IpAddr;

/// **Units**: bytes. No honest audio description comes near.
const MAX_BYTES: usize = 16 * 1_024;
/// Media descriptions in one SDP.
const MAX_MEDIA: usize = 8;
/// Attributes of one media description.
const MAX_ATTRIBUTES: usize = 64;

/// The static payload types that matter here (RFC 3551 table 4): they need no rtpmap.
const STATIC_ENCODINGS: [(u8, &str); 4] = [(0, "PCMU"), (3, "GSM"), (8, "PCMA"), (13, "CN")];

impl SessionDescription {
    /// Reads a description.
    ///
    /// **Errors**: when it is too long, breaks the grammar, or has no audio whose address can be told.
    pub fn parse(bytes: &[u8]) -> Result<SessionDescription, SdpError> {
        if bytes.len() > MAX_BYTES {
            return Err(SdpError::TooLong {
                bytes: bytes.len(),
                limit: MAX_BYTES,
            });
        }
        let session = Session::parse(bytes).map_err(|error| SdpError::Syntax(error.to_string()))?;
        at_most("media descriptions", session.medias.len(), MAX_MEDIA)?;
        let media = session
            .medias
            .iter()
            .map(|media| read_media(&session, media))
            .collect::<Result<Vec<_>, _>>()?;
        let description = SessionDescription {
            session_id: session.origin.sess_id.clone(),
            version: session.origin.sess_version,
            address: session.origin.unicast_address.clone(),
            media,
        };
        if description.audio().is_none() {
            return Err(SdpError::NoAudio);
        }
        Ok(description)
    }
}

fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), SdpError> {
    if count > limit {
        Err(SdpError::TooMany { what, count, limit })
    } else {
        Ok(())
    }
}

fn read_media(session: &Session, media: &sdp_types::Media) -> Result<Media, SdpError> {
    at_most(
        "attributes in a media description",
        media.attributes.len(),
        MAX_ATTRIBUTES,
    )?;
    let profile = match media.proto.as_str() {
        "RTP/AVP" => Some(Profile::Avp),
        "RTP/SAVP" => Some(Profile::Savp),
        _ => None,
    };
    let (true, Some(profile)) = (media.media.eq_ignore_ascii_case("audio"), profile) else {
        return Ok(Media::Other(OtherMedia {
            kind: media.media.clone(),
            port: media.port,
            protocol: media.proto.clone(),
            formats: media.fmt.clone(),
        }));
    };
    let connection = media.connections.first().or(session.connection.as_ref());
    let address = read_address(connection)?;
    Ok(Media::Audio(AudioMedia {
        address,
        port: media.port,
        profile,
        encodings: read_encodings(media)?,
        ptime: read_ms(&media.attributes, "ptime")?,
        maxptime: read_ms(&media.attributes, "maxptime")?,
        direction: read_direction(&media.attributes)
            .or(read_direction(&session.attributes))
            .unwrap_or(Direction::SendRecv),
        crypto: crypto::usable(values(&media.attributes, "crypto")),
        rtcp: rtcp::read(session, media, address),
    }))
}

fn read_address(connection: Option<&Connection>) -> Result<IpAddr, SdpError> {
    let text = connection.map_or("", |connection| connection.connection_address.as_str());
    text.parse().map_err(|_| {
        SdpError::NoAddress(if text.is_empty() {
            "none".into()
        } else {
            text.into()
        })
    })
}

pub(super) fn values<'a>(
    attributes: &'a [Attribute],
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    attributes
        .iter()
        .filter(move |attribute| attribute.attribute.eq_ignore_ascii_case(name))
        .filter_map(|attribute| attribute.value.as_deref())
}

fn read_ms(attributes: &[Attribute], name: &'static str) -> Result<Option<u16>, SdpError> {
    let Some(value) = values(attributes, name).next() else {
        return Ok(None);
    };
    // Some peers write "20.0" or "20.5"; RFC 8866 has whole milliseconds, so the rest is cut off.
    let whole = value.trim().split('.').next().unwrap_or_default();
    let broken = || SdpError::Attribute {
        attribute: name,
        value: value.into(),
    };
    whole.parse().map(Some).map_err(|_| broken())
}

fn read_direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|attribute| {
        [
            Direction::SendRecv,
            Direction::SendOnly,
            Direction::RecvOnly,
            Direction::Inactive,
        ]
        .into_iter()
        .find(|direction| attribute.attribute.eq_ignore_ascii_case(direction.name()))
    })
}

fn read_encodings(media: &sdp_types::Media) -> Result<Vec<Encoding>, SdpError> {
    let mut encodings: Vec<Encoding> = Vec::new();
    for format in media.fmt.split_ascii_whitespace() {
        let payload_type = format
            .parse()
            .ok()
            .filter(|number| *number < 128_u8)
            .ok_or_else(|| SdpError::Syntax(format!("payload type {format} in an m= line")))?;
        if encodings
            .iter()
            .any(|before| before.payload_type == payload_type)
        {
            continue;
        }
        // A dynamic payload type without rtpmap stands for nothing and is passed over.
        if let Some(encoding) = read_rtpmap(media, payload_type)? {
            encodings.push(encoding);
        }
    }
    Ok(encodings)
}

fn read_rtpmap(media: &sdp_types::Media, payload_type: u8) -> Result<Option<Encoding>, SdpError> {
    let of_type = |name| {
        values(&media.attributes, name).find_map(move |value| {
            let (number, rest) = value.trim().split_once(' ')?;
            (number.parse() == Ok(payload_type)).then_some(rest.trim())
        })
    };
    let parameters = of_type("fmtp").map(str::to_owned);
    let Some(map) = of_type("rtpmap") else {
        let found = STATIC_ENCODINGS
            .into_iter()
            .find(|(number, _)| *number == payload_type);
        return Ok(found.map(|(_, name)| Encoding {
            payload_type,
            name: name.into(),
            parameters,
            ..Encoding::pcmu()
        }));
    };
    let broken = || SdpError::Attribute {
        attribute: "rtpmap",
        value: format!("{payload_type} {map}"),
    };
    let mut parts = map.split('/');
    let name = parts
        .next()
        .filter(|name| !name.is_empty())
        .ok_or_else(broken)?;
    let clock_rate = parts
        .next()
        .and_then(|rate| rate.trim().parse().ok())
        .ok_or_else(broken)?;
    let channels = parts.next().map_or(Ok(1), |channels| {
        channels.trim().parse().map_err(|_| broken())
    })?;
    Ok(Some(Encoding {
        payload_type,
        name: name.into(),
        clock_rate,
        channels,
        parameters,
    }))
}
