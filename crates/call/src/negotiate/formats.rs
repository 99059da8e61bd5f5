//! Names on the wire and formats of media: what each encoding stands for, and how squelch writes it.

use squelch_media::Format;
#[cfg(test)]
use squelch_media::SampleRate;
use squelch_media::rtp::{PayloadType, Ptime};
use squelch_sip::sdp::{AudioMedia, Encoding};

/// The format an encoding's name stands for, if squelch speaks it.
pub(crate) fn format_of(encoding: &Encoding) -> Option<Format> {
    Format::ALL
        .into_iter()
        .filter(|format| format.is_built_in())
        .find(|format| {
            let ours = encoding_of(*format);
            encoding.name.eq_ignore_ascii_case(&ours.name)
                && encoding.clock_rate == ours.clock_rate
                && encoding.channels == ours.channels
        })
}

/// How squelch offers a format.
pub(crate) fn encoding_of(format: Format) -> Encoding {
    let (name, channels, parameters) = match format {
        Format::Pcmu => ("PCMU", 1, None),
        Format::Pcma => ("PCMA", 1, None),
        Format::L16(_) => ("L16", 1, None),
        // Always two channels in the rtpmap (RFC 7587 section 7); one is what is sent and asked for. What squelch
        // decodes makes use of forward error correction.
        Format::Opus => ("opus", 2, Some("useinbandfec=1;stereo=0")),
    };
    Encoding {
        payload_type: format.offered_payload_type().number(),
        name: name.into(),
        clock_rate: format.clock_rate(),
        channels,
        parameters: parameters.map(str::to_owned),
    }
}

/// The first of `formats` that the peer takes, at the peer's payload type.
pub(crate) fn offered_format(
    formats: &[Format],
    audio: &AudioMedia,
) -> Option<(Format, PayloadType)> {
    formats.iter().find_map(|wanted| {
        let taken = |encoding: &&Encoding| format_of(encoding) == Some(*wanted);
        let offered = audio.encodings.iter().find(taken)?;
        Some((*wanted, PayloadType::new(offered.payload_type)?))
    })
}

/// What OpenAI is offered, in order: the carrier's format first where it is among `formats`, so that no transcoding
/// is the rule.
pub(crate) fn formats_for_openai(carrier: Format, formats: &[Format]) -> Vec<Format> {
    let mut formats = formats.to_vec();
    // Among what is no G.711 as well: the other law is nearest to a law.
    formats.sort_by_key(|format| (*format != carrier, carrier.is_g711() && !format.is_g711()));
    formats
}

/// The encodings of an offer of ours: `formats` in their order, telephone-event at the clock rate of each (RFC 4733
/// section 2.1: events share the timestamps of the audio), and comfort noise where it is wanted.
pub(crate) fn offered_encodings(formats: &[Format], comfort_noise: bool) -> Vec<Encoding> {
    let mut clocks: Vec<u32> = Vec::new();
    for format in formats {
        if !clocks.contains(&format.clock_rate()) {
            clocks.push(format.clock_rate());
        }
    }
    let audio = formats.iter().map(|format| encoding_of(*format));
    let noise = (comfort_noise && clocks.contains(&8_000)).then(comfort_noise_encoding);
    audio
        .chain(clocks.iter().map(|clock| event_encoding(*clock)))
        .chain(noise)
        .collect()
}

/// telephone-event at `clock_rate`, under the payload type that squelch offers it at where the peer has not chosen
/// one.
pub(crate) fn event_encoding(clock_rate: u32) -> Encoding {
    let payload_type = match clock_rate {
        48_000 => 110,
        24_000 => 114,
        16_000 => 113,
        _ => 101,
    };
    Encoding {
        clock_rate,
        ..Encoding::telephone_event(payload_type)
    }
}

/// What a peer says of telephone-event at the clock rate of `format`.
pub(crate) fn events_of(audio: &AudioMedia, format: Format) -> Option<&Encoding> {
    audio.telephone_event(format.clock_rate())
}

/// What a peer says of comfort noise (RFC 3389) at the clock rate of `format`.
pub(crate) fn noise_of(audio: &AudioMedia, format: Format) -> Option<&Encoding> {
    let mut encodings = audio.encodings.iter();
    encodings.find(|encoding| encoding.is("CN", format.clock_rate()))
}

fn comfort_noise_encoding() -> Encoding {
    Encoding {
        payload_type: PayloadType::COMFORT_NOISE.number(),
        name: "CN".into(),
        ..Encoding::pcmu()
    }
}

/// The packet time a peer asks for, within what squelch speaks and the format can have.
pub(crate) fn ptime_of(audio: &AudioMedia, format: Format) -> Ptime {
    let asked = audio.ptime.unwrap_or(Ptime::DEFAULT.as_ms());
    let most = audio.maxptime.unwrap_or(Ptime::MAX.as_ms());
    let ms = asked
        .min(most)
        .clamp(Ptime::MIN.as_ms(), Ptime::MAX.as_ms());
    format.ptime(Ptime::from_ms(ms).unwrap_or(Ptime::DEFAULT))
}

/// Whether a peer that takes Opus makes use of forward error correction (RFC 7587 section 6.1, `useinbandfec`).
pub(crate) fn wants_fec(audio: &AudioMedia, payload_type: PayloadType) -> bool {
    let mut encodings = audio.encodings.iter();
    let encoding = encodings.find(|encoding| encoding.payload_type == payload_type.number());
    let parameters = encoding.and_then(|encoding| encoding.parameters.as_deref());
    parameters.unwrap_or_default().split(';').any(|parameter| {
        let mut halves = parameter.splitn(2, '=').map(str::trim);
        halves.next() == Some("useinbandfec") && halves.next() == Some("1")
    })
}

/// A payload type that `encodings` leave free: `wanted`, else the first of the dynamic range (RFC 3551 section 3).
pub(crate) fn free_payload_type(encodings: &[Encoding], wanted: u8) -> Option<u8> {
    let is_free = |number: &u8| encodings.iter().all(|other| other.payload_type != *number);
    std::iter::once(wanted).chain(96..=127).find(is_free)
}

/// L16 at a rate, for the tests of the modules beside.
#[cfg(test)]
pub(crate) const L16_24K: Format = Format::L16(SampleRate::Hz24000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_squelch_offers_is_what_it_reads() {
        for format in Format::ALL {
            let read = format_of(&encoding_of(format));
            assert_eq!(read, format.is_built_in().then_some(format));
        }
    }

    #[test]
    fn stereo_l16_and_mono_opus_are_other_encodings() {
        let stereo = Encoding {
            channels: 2,
            ..encoding_of(L16_24K)
        };
        assert_eq!(format_of(&stereo), None);
        let mono = Encoding {
            channels: 1,
            ..encoding_of(Format::Opus)
        };
        assert_eq!(format_of(&mono), None);
    }

    #[test]
    fn openai_is_offered_the_carriers_format_first_and_events_at_each_clock() {
        let both = [Format::Pcmu, Format::Pcma];
        assert_eq!(
            formats_for_openai(Format::Pcma, &both),
            [Format::Pcma, Format::Pcmu]
        );
        assert_eq!(formats_for_openai(Format::Opus, &both), both);
        let encodings = offered_encodings(&[L16_24K, Format::Pcmu], true);
        let said: Vec<_> = encodings
            .iter()
            .map(|encoding| {
                (
                    encoding.payload_type,
                    &encoding.name[..],
                    encoding.clock_rate,
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                (120, "L16", 24_000),
                (0, "PCMU", 8_000),
                (114, "telephone-event", 24_000),
                (101, "telephone-event", 8_000),
                (13, "CN", 8_000),
            ]
        );
    }
}
