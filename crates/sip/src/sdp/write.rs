//! Writing a description.

use super::{AudioMedia, Media, SessionDescription, rtcp};
use bytes::Bytes;
use sdp_types::{Attribute, Connection, MediaType, Origin, Session, Time, TransportProto};
use std::net::{IpAddr, Ipv4Addr};

impl SessionDescription {
    /// Writes the description.
    pub fn write(&self) -> Bytes {
        let address: IpAddr = self
            .address
            .parse()
            .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let origin = Origin::with_ip_addr(&self.session_id, self.version, address);
        let mut session = Session::new(origin, "-");
        session.times.push(Time::new(0, 0));
        session.medias = self.media.iter().map(write_media).collect();
        let mut bytes = Vec::with_capacity(512);
        // Writing into memory can't fail.
        let _ = session.write(&mut bytes);
        bytes.into()
    }
}

fn write_media(media: &Media) -> sdp_types::Media {
    match media {
        Media::Audio(audio) => write_audio(audio),
        Media::Other(other) => {
            let mut line = sdp_types::Media::new(
                MediaType::Audio,
                other.port,
                TransportProto::RtpAvp,
                &other.formats,
            );
            line.media = other.kind.clone();
            line.proto = other.protocol.clone();
            line
        }
    }
}

fn write_audio(audio: &AudioMedia) -> sdp_types::Media {
    let formats: Vec<String> = audio
        .encodings
        .iter()
        .map(|encoding| encoding.payload_type.to_string())
        .collect();
    let mut line = sdp_types::Media::new(
        MediaType::Audio,
        audio.port,
        TransportProto::RtpAvp,
        formats.join(" "),
    );
    line.proto = audio.profile.name().into();
    line.connections
        .push(Connection::from_ip_addr(audio.address));
    for encoding in &audio.encodings {
        let number = encoding.payload_type;
        let channels = if encoding.channels == 1 {
            String::new()
        } else {
            format!("/{}", encoding.channels)
        };
        let map = format!(
            "{number} {}/{}{channels}",
            encoding.name, encoding.clock_rate
        );
        line.attributes.push(Attribute::with_value("rtpmap", map));
        if let Some(parameters) = &encoding.parameters {
            line.attributes.push(Attribute::with_value(
                "fmtp",
                format!("{number} {parameters}"),
            ));
        }
    }
    for (name, value) in [("ptime", audio.ptime), ("maxptime", audio.maxptime)] {
        if let Some(ms) = value {
            line.attributes.push(Attribute::with_value(name, ms));
        }
    }
    for crypto in &audio.crypto {
        let value = crypto.write();
        line.attributes
            .push(Attribute::with_value("crypto", value.as_str()));
    }
    line.attributes.extend(rtcp::attributes(&audio.rtcp));
    line.attributes.push(Attribute::new(audio.direction.name()));
    line
}
