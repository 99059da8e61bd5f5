//! What the standards print, and what a peer, a network or an attacker may do.

use super::cipher::Cipher;
use super::derive::{Purpose, Stream, derive};
use super::*;
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(u8::is_ascii_hexdigit)
        .map(|digit| char::from(digit).to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn key(suite: Suite, seed: u8) -> MasterKey {
    let bytes: Vec<u8> = (0..suite.key_bytes() + suite.salt_bytes())
        .map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed))
        .collect();
    MasterKey::new(suite, &bytes).unwrap()
}

fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn protect(protector: &mut Protector, packet: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0; packet.len() + 40];
    buffer[..packet.len()].copy_from_slice(packet);
    let len = protector.protect_rtp(&mut buffer, packet.len()).unwrap();
    buffer.truncate(len);
    buffer
}

fn unprotect(unprotector: &mut Unprotector, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = packet.to_vec();
    let len = unprotector.unprotect_rtp(&mut buffer, packet.len())?;
    buffer.truncate(len);
    Ok(buffer)
}

#[test]
fn rfc3711_appendix_b3_session_keys() {
    let master = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let master = MasterKey::new(Suite::AesCm128HmacSha1_80, &master).unwrap();
    let derived = |purpose, length| {
        let mut out = vec![0; length];
        derive(&master, Stream::Rtp, purpose, &mut out);
        out
    };
    assert_eq!(
        derived(Purpose::Encryption, 16),
        hex("C61E7A93744F39EE10734AFE3FF7A087")
    );
    assert_eq!(
        derived(Purpose::Salt, 14),
        hex("30CBBC08863D8C85D49DB34A9AE1")
    );
    assert_eq!(
        derived(Purpose::Authentication, 20),
        hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")
    );
}

#[test]
fn rfc3711_appendix_b2_keystream() {
    // Its session key and salt are given, not derived: SSRC and index are zero there.
    let aes = <aes::Aes128 as aes::cipher::KeyInit>::new_from_slice(&hex(
        "2B7E151628AED2A6ABF7158809CF4F3C",
    ))
    .unwrap();
    let mut salt = [0; 16];
    salt[..14].copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
    let mut cipher = Cipher::new(&key(Suite::AesCm128HmacSha1_80, 1), Stream::Rtp);
    let Cipher::Counter {
        aes: of_key,
        salt: of_master,
        ..
    } = &mut cipher
    else {
        panic!()
    };
    (**of_key, *of_master) = (aes, salt);
    let mut bytes = [0; 48];
    cipher.apply_keystream(0, 0, &mut bytes);
    let expected = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(bytes.to_vec(), hex(expected));
}

#[test]
fn rfc7714_section_16_1_1() {
    let key = hex("000102030405060708090A0B0C0D0E0F");
    let key = ring::aead::UnboundKey::new(&ring::aead::AES_128_GCM, &key).unwrap();
    let cipher = Cipher::Galois {
        key: Box::new(ring::aead::LessSafeKey::new(key)),
        salt: hex("517569642070726F2071756F").try_into().unwrap(),
    };
    let header = hex("8040F17B 8041F8D3 5501A0B2");
    let mut payload = b"Gallia est omnis divisa in partes tres".to_vec();
    let position = super::cipher::rtp_position(0x5501_A0B2, 0xF17B);
    let tag = cipher.seal(position, (&header, &[]), &mut payload).unwrap();
    let expected =
        "F24DE3A3 FB34DE6C ACBA861C 9D7E4BCA BE633BD5 0D294E6F 42A5F47A 51C7D19B 36DE3ADF 8833";
    assert_eq!(payload, hex(expected));
    assert_eq!(tag.to_vec(), hex("899D7F27 BEB16A91 52CF765E E4390CCE"));
}

#[test]
fn every_suite_gives_back_what_went_in_over_three_wraps_of_the_sequence() {
    for suite in Suite::ALL {
        let (mut out, mut back) = (
            Protector::new(&key(suite, 1)),
            Unprotector::new(&key(suite, 1)),
        );
        for step in 0..200_000_u32 {
            let sequence = (65_000 + step) as u16;
            // Far from a wrap most are lost before they are sent: it is the wraps that count.
            let is_near_wrap = !(20..65_516).contains(&sequence);
            if !is_near_wrap && step % 997 != 0 {
                continue;
            }
            let packet = rtp(7, sequence, &[step as u8; 160]);
            let sent = protect(&mut out, &packet);
            assert_eq!(sent.len(), packet.len() + suite.tag_bytes());
            assert_ne!(sent[12..172], packet[12..172], "{suite:?} in the clear");
            assert_eq!(unprotect(&mut back, &sent), Ok(packet), "{suite:?} {step}");
            assert_eq!(unprotect(&mut back, &sent), Err(SrtpError::Replayed));
        }
    }
}

#[test]
fn csrcs_and_an_extension_stay_readable_and_are_authenticated() {
    for suite in Suite::ALL {
        let mut packet = rtp(7, 1, &[]);
        packet[0] = 0x80 | 0x10 | 2;
        packet.extend([1, 1, 1, 1, 2, 2, 2, 2]);
        packet.extend([0xBE, 0xDE, 0, 1, 9, 9, 9, 9]);
        packet.extend([5; 160]);
        let (mut out, mut back) = (
            Protector::new(&key(suite, 1)),
            Unprotector::new(&key(suite, 1)),
        );
        let sent = protect(&mut out, &packet);
        assert_eq!(sent[..28], packet[..28]);
        assert_ne!(sent[28..188], packet[28..188]);
        let mut altered = sent.clone();
        altered[13] ^= 1;
        assert_eq!(
            unprotect(&mut back, &altered),
            Err(SrtpError::Authentication)
        );
        assert_eq!(unprotect(&mut back, &sent), Ok(packet));
    }
}

#[test]
fn what_was_altered_anywhere_or_made_with_another_key_is_refused_and_changes_nothing() {
    for suite in Suite::ALL {
        let (mut out, mut back) = (
            Protector::new(&key(suite, 1)),
            Unprotector::new(&key(suite, 1)),
        );
        let mut other = Protector::new(&key(suite, 2));
        let packet = rtp(7, 500, &[0x55; 40]);
        let sent = protect(&mut out, &packet);
        for at in 0..sent.len() * 8 {
            let mut altered = sent.clone();
            altered[at / 8] ^= 1 << (at % 8);
            assert!(
                unprotect(&mut back, &altered).is_err(),
                "{suite:?} bit {at}"
            );
        }
        let forged = protect(&mut other, &rtp(7, 40_000, &[0x55; 40]));
        assert_eq!(
            unprotect(&mut back, &forged),
            Err(SrtpError::Authentication)
        );
        assert_eq!(unprotect(&mut back, &sent), Ok(packet), "{suite:?}");
    }
}

#[test]
fn late_and_reordered_packets_are_taken_once_across_a_wrap() {
    let suite = Suite::AesCm128HmacSha1_80;
    let (mut out, mut back) = (
        Protector::new(&key(suite, 1)),
        Unprotector::new(&key(suite, 1)),
    );
    let sent: Vec<Vec<u8>> = (65_530..65_546_u32)
        .map(|sequence| protect(&mut out, &rtp(7, sequence as u16, &[1; 20])))
        .collect();
    for at in [0, 8, 3, 15, 1, 9, 2, 14, 4, 13, 5, 12, 6, 11, 7, 10] {
        assert!(unprotect(&mut back, &sent[at]).is_ok(), "{at}");
        assert_eq!(unprotect(&mut back, &sent[at]), Err(SrtpError::Replayed));
    }
}

#[test]
fn a_stream_that_comes_back_keeps_its_rollover_and_no_more_than_four_are_kept() {
    let suite = Suite::AesCm128HmacSha1_80;
    let mut back = Unprotector::new(&key(suite, 1));
    // The peer keeps one counter a stream.
    let mut streams: Vec<Protector> = (0..5).map(|_| Protector::new(&key(suite, 1))).collect();
    let mut first = Vec::new();
    for sequence in 65_534..65_538_u32 {
        first.push(protect(&mut streams[0], &rtp(1, sequence as u16, &[1; 20])));
        assert!(unprotect(&mut back, first.last().unwrap()).is_ok());
    }
    for (ssrc, stream) in (2..=4).zip(&mut streams[1..]) {
        let sent = protect(stream, &rtp(ssrc, 9, &[1; 20]));
        assert!(unprotect(&mut back, &sent).is_ok());
    }
    let sent = protect(&mut streams[0], &rtp(1, 2, &[1; 20]));
    assert!(
        unprotect(&mut back, &sent).is_ok(),
        "back again, one rollover on"
    );
    assert_eq!(unprotect(&mut back, &first[0]), Err(SrtpError::Replayed));
}

#[test]
fn with_a_new_key_the_rollover_goes_on_or_begins_anew_as_the_peer_has_it() {
    let suite = Suite::AesCm128HmacSha1_80;
    let (old, new) = (key(suite, 1), key(suite, 2));
    for goes_on in [true, false] {
        let (mut out, mut back) = (Protector::new(&old), Unprotector::new(&old));
        for sequence in 65_534..65_540_u32 {
            let sent = protect(&mut out, &rtp(7, sequence as u16, &[1; 20]));
            assert!(unprotect(&mut back, &sent).is_ok());
        }
        let mut rekeyed = Protector::new(&new);
        if goes_on {
            // Brings it to the same rollover.
            protect(&mut rekeyed, &rtp(7, 65_535, &[]));
            protect(&mut rekeyed, &rtp(7, 3, &[]));
        }
        let mut back = back.rekeyed(&new);
        for sequence in 4..10 {
            let packet = rtp(7, sequence, &[1; 20]);
            let sent = protect(&mut rekeyed, &packet);
            assert_eq!(
                unprotect(&mut back, &sent),
                Ok(packet),
                "{goes_on} {sequence}"
            );
        }
    }
}

#[test]
fn reports_are_protected_each_with_an_index_of_its_own() {
    for suite in Suite::ALL {
        let (mut out, mut back) = (
            Protector::new(&key(suite, 1)),
            Unprotector::new(&key(suite, 1)),
        );
        let mut report = vec![0x80, 200, 0, 6];
        report.extend(7_u32.to_be_bytes());
        report.extend([0x33; 20]);
        let mut before = Vec::new();
        for _ in 0..10 {
            let mut buffer = vec![0; 100];
            buffer[..28].copy_from_slice(&report);
            let len = out.protect_rtcp(&mut buffer, 28).unwrap();
            buffer.truncate(len);
            assert_eq!(buffer[..8], report[..8]);
            assert_ne!(buffer[8..28], report[8..28]);
            assert_ne!(buffer, before, "the index differs");
            before.clone_from(&buffer);
            for at in 0..len {
                let mut altered = buffer.clone();
                altered[at] ^= 0x10;
                assert!(
                    back.unprotect_rtcp(&mut altered, len).is_err(),
                    "{suite:?} {at}"
                );
            }
            let sent = buffer.clone();
            assert_eq!(back.unprotect_rtcp(&mut buffer, len), Ok(28), "{suite:?}");
            assert_eq!(buffer[..28], report);
            let mut again = sent;
            assert_eq!(
                back.unprotect_rtcp(&mut again, len),
                Err(SrtpError::Replayed)
            );
        }
    }
}

#[test]
fn a_buffer_without_room_is_refused_untouched() {
    let mut out = Protector::new(&key(Suite::AeadAes128Gcm, 1));
    let packet = rtp(7, 1, &[1; 160]);
    let mut buffer = packet.clone();
    let len = buffer.len();
    assert_eq!(out.protect_rtp(&mut buffer, len), Err(SrtpError::Room));
    assert_eq!(buffer, packet);
}

#[test]
fn keys_are_as_long_as_their_suite_says_and_are_never_shown() {
    let suite = Suite::AesCm128HmacSha1_80;
    assert!(MasterKey::new(suite, &[7; 29]).is_none());
    assert!(MasterKey::new(suite, &[7; 31]).is_none());
    let key = MasterKey::new(suite, &[0xAB; 30]).unwrap();
    assert!(key.expose().eq([0xAB; 30]));
    assert_eq!(format!("{key:?}"), "MasterKey(AES_CM_128_HMAC_SHA1_80)");
    let shown = format!("{:?} {:?}", Protector::new(&key), Unprotector::new(&key));
    assert!(!shown.contains("171"), "{shown}");
}

proptest! {
    #[test]
    fn bytes_off_the_wire_are_refused_and_never_more(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0_usize..4,
    ) {
        let suite = Suite::ALL[at];
        let mut back = Unprotector::new(&key(suite, 1));
        let mut buffer = bytes.clone();
        prop_assert!(back.unprotect_rtp(&mut buffer, bytes.len()).is_err());
        let mut buffer = bytes.clone();
        prop_assert!(back.unprotect_rtcp(&mut buffer, bytes.len()).is_err());
        prop_assert!(back.unprotect_rtp(&mut buffer, bytes.len() + 1).is_err());
        let mut out = Protector::new(&key(suite, 1));
        let mut buffer = bytes.clone();
        let _ = out.protect_rtp(&mut buffer, bytes.len());
        let _ = out.protect_rtcp(&mut buffer, bytes.len());
    }
}
