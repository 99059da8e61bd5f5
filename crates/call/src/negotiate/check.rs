//! What is odd about a description that is taken all the same: each thing named, and narrowed on our side.
//!
//! What can't be narrowed is refused where the description is read: no format of ours, an address that media may not go
//! to, keys that were not offered.

use super::formats::{events_of, format_of, ptime_of};
use squelch_media::Format;
use squelch_sip::sdp::{AudioMedia, Encoding, SessionDescription};

/// Payload types whose packets look like RTCP where the marker is set (RFC 5761 section 4).
const LIKE_RTCP: std::ops::RangeInclusive<u8> = 64..=95;

/// What is odd about a carrier's offer of which `format` was taken.
pub(crate) fn odd_in_offer(audio: &AudioMedia, format: Format) -> Vec<String> {
    let mut odd = Vec::new();
    events(audio, format, &mut odd);
    packet_time(audio, format, &mut odd);
    payload_types(audio, &mut odd);
    odd
}

/// What is odd about an answer to `said`, of which `format` was taken. Nothing is said of one that can't be read.
pub(crate) fn odd_in_answer(
    said: &SessionDescription,
    answer: &[u8],
    format: Format,
) -> Vec<String> {
    let mut odd = Vec::new();
    let description = SessionDescription::parse(answer);
    let Some((audio, offered)) = description
        .as_ref()
        .ok()
        .and_then(SessionDescription::audio)
        .zip(said.audio())
    else {
        return odd;
    };
    let formats: Vec<&Encoding> = audio
        .encodings
        .iter()
        .filter(|encoding| format_of(encoding).is_some())
        .collect();
    if formats.len() > 1 {
        let names: Vec<&str> = formats.iter().map(|one| one.name.as_str()).collect();
        odd.push(format!(
            "several formats at once ({}): only {} is taken",
            names.join(", "),
            format.name()
        ));
    }
    for encoding in &audio.encodings {
        let number = encoding.payload_type;
        let mut ours = offered.encodings.iter();
        match ours.find(|ours| ours.payload_type == number) {
            None => odd.push(format!(
                "{} at payload type {number}, which was not offered: its packets are dropped",
                named(encoding)
            )),
            Some(ours) if !ours.name.eq_ignore_ascii_case(&encoding.name) => odd.push(format!(
                "payload type {number} is {} where {} was offered",
                named(encoding),
                named(ours)
            )),
            Some(_) => {}
        }
    }
    events(audio, format, &mut odd);
    packet_time(audio, format, &mut odd);
    payload_types(audio, &mut odd);
    odd
}

/// telephone-event at another clock than the audio's: its times would mean nothing (RFC 4733 section 2.1).
fn events(audio: &AudioMedia, format: Format, odd: &mut Vec<String>) {
    let is_event = |one: &&Encoding| one.name.eq_ignore_ascii_case("telephone-event");
    if events_of(audio, format).is_none()
        && let Some(other) = audio.encodings.iter().find(is_event)
    {
        odd.push(format!(
            "telephone-event at {} Hz beside {} at {} Hz: not used",
            other.clock_rate,
            format.name(),
            format.clock_rate()
        ));
    }
}

fn packet_time(audio: &AudioMedia, format: Format, odd: &mut Vec<String>) {
    let used = ptime_of(audio, format).as_ms();
    let asked = audio.ptime.filter(|ms| *ms != used);
    let most = audio.maxptime.filter(|ms| *ms < used);
    if let Some(ms) = asked.or(most) {
        odd.push(format!("packets of {ms} ms: {used} ms are used"));
    }
}

fn payload_types(audio: &AudioMedia, odd: &mut Vec<String>) {
    let like_rtcp = |one: &&Encoding| LIKE_RTCP.contains(&one.payload_type);
    if let Some(one) = audio.encodings.iter().find(like_rtcp) {
        odd.push(format!(
            "{} at payload type {}, which collides with RTCP",
            named(one),
            one.payload_type
        ));
    }
}

fn named(encoding: &Encoding) -> String {
    format!("{}/{}", encoding.name, encoding.clock_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(lines: &str) -> SessionDescription {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\n{lines}"
        );
        SessionDescription::parse(text.as_bytes()).expect("a description")
    }

    fn odd(answer: &str) -> Vec<String> {
        let said = "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
        let answer = description(answer).write();
        odd_in_answer(&description(said), &answer, Format::Pcmu)
    }

    #[test]
    fn an_ordinary_answer_is_not_odd() {
        let nothing: Vec<String> = Vec::new();
        assert_eq!(odd("m=audio 4000 RTP/AVP 0\r\n"), nothing);
        let events =
            "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";
        assert_eq!(odd(events), nothing);
    }

    #[test]
    fn each_oddity_is_named_once() {
        for (answer, said) in [
            ("m=audio 4000 RTP/AVP 0 8\r\n", "several formats at once"),
            (
                "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/48000\r\n",
                "telephone-event at 48000 Hz",
            ),
            (
                "m=audio 4000 RTP/AVP 0\r\na=ptime:200\r\n",
                "packets of 200 ms: 60 ms",
            ),
            (
                "m=audio 4000 RTP/AVP 0\r\na=ptime:5\r\n",
                "packets of 5 ms: 10 ms",
            ),
            (
                "m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:97 iLBC/8000\r\n",
                "iLBC/8000 at payload type 97, which was not offered",
            ),
            (
                "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 iLBC/8000\r\n",
                "payload type 101 is iLBC/8000 where telephone-event/8000 was offered",
            ),
        ] {
            let odd = odd(answer);
            assert_eq!(odd.len(), 1, "{odd:?}");
            assert!(odd[0].contains(said), "{odd:?}");
        }
        let odd = odd("m=audio 4000 RTP/AVP 0 72\r\na=rtpmap:72 G729/8000\r\n");
        assert!(
            odd.iter().any(|one| one.contains("collides with RTCP")),
            "{odd:?}"
        );
    }
}
