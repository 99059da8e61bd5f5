use super::*;
use proptest::prelude::*;

const OFFER: &str = "v=0\r\no=carrier 2890844526 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 31\r\n\
    m=audio 30200 RTP/AVP 8 0 101 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\na=ptime:20.5\r\na=sendonly\r\n";

fn audio(text: &str) -> AudioMedia {
    SessionDescription::parse(text.as_bytes())
        .unwrap()
        .audio()
        .unwrap()
        .clone()
}

#[test]
fn an_offer_is_read_with_static_types_and_without_unmapped_ones() {
    let audio = audio(OFFER);
    let names: Vec<_> = audio
        .encodings
        .iter()
        .map(|e| (e.payload_type, e.name.as_str()))
        .collect();
    assert_eq!(names, [(8, "PCMA"), (0, "PCMU"), (101, "telephone-event")]);
    assert_eq!(
        (audio.address.to_string().as_str(), audio.port),
        ("192.0.2.1", 30_200)
    );
    assert_eq!(
        (audio.ptime, audio.direction),
        (Some(20), Direction::SendOnly)
    );
    assert_eq!(
        audio.telephone_event(8_000).unwrap().parameters.as_deref(),
        Some("0-16")
    );
}

#[test]
fn rfc3264_6_an_answer_mirrors_the_offer_and_refuses_the_rest() {
    let offer = SessionDescription::parse(OFFER.as_bytes()).unwrap();
    let ours = AudioMedia {
        address: "198.51.100.7".parse().unwrap(),
        port: 4_000,
        encodings: vec![Encoding::pcma()],
        direction: Direction::SendOnly.mirrored(),
        crypto: Vec::new(),
        ..audio(OFFER)
    };
    let answer = offer.answered("7", ours.address, ours.clone());
    let text = String::from_utf8(answer.write().to_vec()).unwrap();
    let again = SessionDescription::parse(text.as_bytes()).unwrap();
    assert_eq!(again.media.len(), 2);
    assert_eq!(again.audio(), Some(&ours));
    assert!(
        text.contains("m=video 0 RTP/AVP 31\r\n") || text.contains("m=video 0"),
        "{text}"
    );
    assert!(text.contains("a=recvonly\r\n"), "{text}");
}

#[test]
fn what_is_broken_is_named() {
    let broken = |from: &str, to: &str| {
        SessionDescription::parse(OFFER.replace(from, to).as_bytes()).unwrap_err()
    };
    assert!(matches!(
        broken("c=IN IP4 192.0.2.1", "c=IN IP4 example.com"),
        SdpError::NoAddress(_)
    ));
    assert!(matches!(broken("m=audio", "m=image"), SdpError::NoAudio));
    assert!(matches!(
        broken("a=ptime:20.5", "a=ptime:4294967295"),
        SdpError::Attribute {
            attribute: "ptime",
            ..
        }
    ));
    assert!(matches!(
        broken("PCMA/8000", "PCMA"),
        SdpError::Attribute {
            attribute: "rtpmap",
            ..
        }
    ));
    assert!(matches!(broken("30200", "99999"), SdpError::Syntax(_)));
    assert!(matches!(broken(" 96", " 4294967296"), SdpError::Syntax(_)));
    let long = format!("{OFFER}{}", "a=x\r\n".repeat(100));
    assert!(matches!(
        SessionDescription::parse(long.as_bytes()),
        Err(SdpError::TooMany { .. })
    ));
    assert!(matches!(
        SessionDescription::parse(&vec![b'a'; 20_000]),
        Err(SdpError::TooLong { .. })
    ));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = SessionDescription::parse(&bytes);
    }

    #[test]
    fn a_damaged_offer_never_panics_and_reads_the_same_once_written(at in 0..300_usize, byte: u8) {
        let mut bytes = OFFER.as_bytes().to_vec();
        if let Some(place) = bytes.get_mut(at) { *place = byte; }
        if let Ok(description) = SessionDescription::parse(&bytes) {
            let again = SessionDescription::parse(&description.write()).unwrap();
            prop_assert_eq!(again.audio(), description.audio());
        }
    }
}

#[test]
fn keys_are_read_in_their_order_without_those_that_cannot_be_used_and_written_again() {
    let lines = "a=crypto:1 AEAD_AES_256_GCM inline:AAAA|1:4\r\n\
        a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^31\r\n\
        a=crypto:rubbish\r\n\
        a=crypto:9 F8_128_HMAC_SHA1_80 inline:AAAA\r\n";
    let offer = OFFER.replace("30200 RTP/AVP", "30200 RTP/SAVP");
    let secured = audio(&format!("{offer}{lines}"));
    assert_eq!(secured.profile, Profile::Savp);
    let names: Vec<_> = secured
        .crypto
        .iter()
        .map(|crypto| (crypto.tag, &crypto.suite[..]))
        .collect();
    assert_eq!(
        names,
        [(2, "AES_CM_128_HMAC_SHA1_80"), (9, "F8_128_HMAC_SHA1_80")]
    );
    let description = SessionDescription::parse(format!("{offer}{lines}").as_bytes()).unwrap();
    let written = String::from_utf8(description.write().to_vec()).unwrap();
    assert_eq!(audio(&written), secured);
}
