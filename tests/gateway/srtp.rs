//! Which legs are encrypted, and with what keys: offers, answers, refusals and changes (RFC 4568).

use crate::pair::{ANSWER, OFFER, Pair, config};
use squelch_call::{GatewayConfig, Srtp};
use squelch_media::srtp::Suite;
use squelch_sip::sdp::{AudioMedia, Crypto, Media, Profile, SessionDescription};
use squelch_sip::{Body, DialogId, Event, Rejection};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

const CM_80: &str = "AES_CM_128_HMAC_SHA1_80";
const CM_32: &str = "AES_CM_128_HMAC_SHA1_32";
const GCM_128: &str = "AEAD_AES_128_GCM";
const GCM_256: &str = "AEAD_AES_256_GCM";

/// A gateway with `srtp` for the carrier and for OpenAI.
fn terms(carrier: Srtp, openai: Srtp) -> GatewayConfig {
    let mut config = config();
    config.trunks[0].srtp = carrier;
    config.openai.srtp = openai;
    config
}

/// A line whose key is all `byte`.
fn line(tag: u32, suite: &str, byte: u8) -> String {
    let named = Suite::named(suite).expect("a suite");
    let crypto = Crypto {
        tag,
        suite: suite.into(),
        key_and_salt: vec![byte; named.key_bytes() + named.salt_bytes()],
    };
    format!("a=crypto:{}\r\n", *crypto.write())
}

/// A plain description as RTP/SAVP with these lines.
fn secured(plain: &str, lines: &[String]) -> String {
    let secured = plain.replace("RTP/AVP", "RTP/SAVP");
    format!("{secured}{}", lines.concat())
}

fn audio(body: Option<&Body>) -> AudioMedia {
    let bytes = &body.expect("a description").bytes;
    let description = SessionDescription::parse(bytes).expect("a description");
    description.audio().expect("audio").clone()
}

/// The call OpenAI was offered last.
fn offered_to_openai(pair: &Pair) -> AudioMedia {
    let invites = pair.openai_events.iter().rev();
    let mut bodies = invites.filter_map(|event| match event {
        Event::Invite { invite, .. } => Some(invite.body.as_ref()),
        _ => None,
    });
    audio(bodies.next().expect("an INVITE"))
}

/// What the carrier was answered.
fn answered(pair: &Pair) -> AudioMedia {
    let found = pair.carrier_events.iter().find_map(|event| match event {
        Event::Answered { body, .. } => Some(audio(body.as_ref())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{:?}", pair.carrier_events))
}

/// The carrier calls with `offer`; OpenAI answers in kind, if it was called.
fn call(pair: &mut Pair, offer: &str) -> DialogId {
    let dialog = pair.call(Some(offer));
    pair.run(SHORT);
    if pair.openai_events.is_empty() {
        return dialog;
    }
    let lines = match offered_to_openai(pair).profile {
        Profile::Avp => return finish(pair, dialog, ANSWER),
        Profile::Savp => [line(1, CM_80, 0xB1)],
    };
    finish(pair, dialog, &secured(ANSWER, &lines))
}

fn finish(pair: &mut Pair, dialog: DialogId, answer: &str) -> DialogId {
    pair.openai_answers(answer);
    pair.carrier.acknowledge(pair.now, dialog, None);
    pair.run(SHORT);
    dialog
}

/// The carrier changes its session; squelch's answer, or the status.
fn change(pair: &mut Pair, dialog: DialogId, offer: &str) -> Result<AudioMedia, u16> {
    pair.carrier_events.clear();
    let body = Body::sdp(offer.to_owned());
    assert!(pair.carrier.reinvite(pair.now, dialog, body));
    pair.run(SHORT);
    match pair.carrier_events.pop() {
        Some(Event::Reinvited { body, .. }) => Ok(audio(body.as_ref())),
        Some(Event::ReinviteRefused { status, .. }) => Err(status),
        other => panic!("{other:?}"),
    }
}

fn key_bytes(crypto: &Crypto) -> &[u8] {
    &crypto.key_and_salt
}

#[test]
fn plain_rtp_from_the_carrier_and_srtp_to_openai_is_the_normal_case() {
    let mut pair = Pair::over_tls(terms(Srtp::Prefer, Srtp::Prefer));
    let dialog = call(&mut pair, OFFER);
    let offered = offered_to_openai(&pair);
    assert_eq!(offered.profile, Profile::Savp);
    let suites: Vec<_> = offered.crypto.iter().map(|line| &line.suite[..]).collect();
    assert_eq!(suites, [CM_80], "and nothing else");
    assert_eq!(answered(&pair).profile, Profile::Avp, "in kind");
    let plan = &pair.plans[0];
    assert_eq!(plan.carrier.srtp, None);
    let keys = plan.openai.srtp.as_ref().expect("keys");
    assert!(
        keys.send
            .expose()
            .eq(key_bytes(&offered.crypto[0]).iter().copied())
    );
    assert!(keys.receive.expose().eq([0xB1; 30]));
    assert!(keys.confidential);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    let legs = &pair.records[0].legs;
    assert_eq!((legs.carrier.srtp, legs.openai.srtp), (false, true));
}

#[test]
fn the_first_line_that_can_be_used_is_taken_under_its_tag() {
    let unknown = "a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA\r\n".to_owned();
    let with_mki = line(2, CM_80, 1).replace("\r\n", "|2^20|1:4\r\n");
    let short = line(3, CM_80, 2).replace(CM_80, GCM_256);
    for suite in [CM_80, CM_32, GCM_128, GCM_256] {
        let mut pair = Pair::over_tls(terms(Srtp::Prefer, Srtp::Off));
        let lines = [
            unknown.clone(),
            with_mki.clone(),
            short.clone(),
            line(7, suite, 0xC7),
            line(8, CM_80, 0xC8),
        ];
        call(&mut pair, &secured(OFFER, &lines));
        let answer = answered(&pair);
        assert_eq!(answer.profile, Profile::Savp);
        let [ours] = &answer.crypto[..] else {
            panic!("{:?}", answer.crypto);
        };
        assert_eq!((ours.tag, &ours.suite[..]), (7, suite));
        let keys = pair.plans[0].carrier.srtp.as_ref().expect("keys");
        assert!(keys.send.expose().eq(ours.key_and_salt.iter().copied()));
        assert!(keys.receive.expose().all(|byte| byte == 0xC7));
        assert_eq!(pair.plans[0].openai.srtp, None);
    }
}

#[test]
fn of_the_same_audio_offered_twice_the_one_that_fits_is_taken() {
    let (session, plain) = OFFER.split_at(OFFER.find("m=audio").expect("audio"));
    let crypto = secured(plain, &[line(1, CM_80, 3)]);
    let useless = secured(plain, &[]);
    for (srtp, sections, taken) in [
        (Srtp::Off, [&crypto, plain], 1),
        (Srtp::Prefer, [plain, &crypto], 1),
        (Srtp::Prefer, [&useless, plain], 1),
        (Srtp::Require, [plain, &crypto], 1),
        (Srtp::Require, [&crypto, plain], 0),
    ] {
        let mut pair = Pair::over_tls(terms(srtp, Srtp::Off));
        call(&mut pair, &format!("{session}{}", sections.concat()));
        let body = pair.carrier_events.iter().find_map(|event| match event {
            Event::Answered { body, .. } => body.as_ref(),
            _ => None,
        });
        let bytes = &body.unwrap_or_else(|| panic!("{srtp:?}")).bytes;
        let answer = SessionDescription::parse(bytes).expect("a description");
        let ports: Vec<bool> = answer
            .media
            .iter()
            .map(|media| matches!(media, Media::Audio(audio) if audio.port != 0))
            .collect();
        assert_eq!(ports, [taken == 0, taken == 1], "{srtp:?}");
        let encrypted = pair.plans[0].carrier.srtp.is_some();
        assert_eq!(encrypted, sections[taken].contains("SAVP"), "{srtp:?}");
    }
}

#[test]
fn a_new_key_of_openais_is_taken_and_the_carrier_is_told_nothing() {
    let mut pair = Pair::over_tls(terms(Srtp::Off, Srtp::Require));
    call(&mut pair, OFFER);
    let openai = pair.openai_dialog();
    let ours = offered_to_openai(&pair).crypto[0].clone();
    for (offer, taken) in [
        (secured(ANSWER, &[line(9, CM_80, 0xB2)]), true),
        // Only what it is offered itself, and nothing in the clear.
        (secured(ANSWER, &[line(9, GCM_128, 0xB3)]), false),
        (ANSWER.to_owned(), false),
    ] {
        pair.openai_events.clear();
        pair.carrier_events.clear();
        let body = Body::sdp(offer);
        assert!(pair.openai.reinvite(pair.now, openai, body));
        pair.run(SHORT);
        match pair.openai_events.pop() {
            Some(Event::Reinvited { body, .. }) if taken => {
                let answer = audio(body.as_ref());
                assert_eq!(answer.crypto[0].tag, 9);
                assert_eq!(answer.crypto[0].key_and_salt, ours.key_and_salt);
                let plan = pair.updates.pop().expect("the media are told");
                let keys = plan.openai.srtp.as_ref().expect("keys");
                assert!(keys.receive.expose().all(|byte| byte == 0xB2));
            }
            Some(Event::ReinviteRefused { status: 488, .. }) if !taken => {
                assert!(pair.updates.is_empty());
            }
            other => panic!("{other:?}"),
        }
        assert!(pair.carrier_events.is_empty());
    }
}

#[test]
fn what_does_not_fit_the_trunk_is_refused_with_488() {
    let usable = secured(OFFER, &[line(1, CM_80, 3)]);
    let useless = secured(OFFER, &["a=crypto:1 X inline:AAAA\r\n".to_owned()]);
    let keyless = secured(OFFER, &[]);
    for (srtp, tls, offer, warning) in [
        (Srtp::Off, true, Some(&usable), "302"),
        (Srtp::Prefer, true, Some(&useless), "399"),
        (Srtp::Prefer, true, Some(&keyless), "399"),
        (Srtp::Require, true, Some(&useless), "399"),
        (Srtp::Require, true, Some(&OFFER.to_owned()), "302"),
        // Whoever reads the signalling has the keys.
        (Srtp::Require, false, Some(&usable), "399"),
        (Srtp::Require, false, None, "399"),
    ] {
        let config = terms(srtp, Srtp::Off);
        let mut pair = if tls {
            Pair::over_tls(config)
        } else {
            Pair::new(config)
        };
        pair.call(offer.map(String::as_str));
        pair.run(SHORT);
        assert_eq!(pair.refused_with(), Some(488), "{srtp:?} {offer:?}");
        let told = pair.wire.iter().any(|(.., bytes)| {
            String::from_utf8_lossy(bytes).contains(&format!("Warning: {warning} "))
        });
        assert!(told, "{srtp:?} {offer:?}");
        pair.assert_over("rejected", "srtp");
        assert!(pair.openai_events.is_empty(), "nobody else was bothered");
    }
}

#[test]
fn keys_over_udp_are_taken_where_they_are_not_required() {
    let mut pair = Pair::new(terms(Srtp::Prefer, Srtp::Prefer));
    call(&mut pair, &secured(OFFER, &[line(1, CM_80, 3)]));
    assert_eq!(answered(&pair).profile, Profile::Savp);
    assert!(
        !pair.plans[0]
            .carrier
            .srtp
            .as_ref()
            .expect("keys")
            .confidential
    );
    // Of our own accord none are sent where anyone reads them.
    assert_eq!(offered_to_openai(&pair).profile, Profile::Avp);
}

#[test]
fn both_legs_may_be_required() {
    let mut pair = Pair::over_tls(terms(Srtp::Require, Srtp::Require));
    call(&mut pair, &secured(OFFER, &[line(1, GCM_256, 3)]));
    let plan = &pair.plans[0];
    assert!(plan.carrier.srtp.is_some() && plan.openai.srtp.is_some());
}

#[test]
fn openai_that_refuses_srtp_is_asked_once_more_for_plain_rtp() {
    let mut pair = Pair::over_tls(terms(Srtp::Off, Srtp::Prefer));
    let dialog = pair.call(Some(OFFER));
    pair.run(SHORT);
    assert_eq!(offered_to_openai(&pair).profile, Profile::Savp);
    let refusal = Rejection::status(488);
    pair.openai.reject(pair.now, pair.openai_dialog(), refusal);
    pair.run(SHORT);
    assert_eq!(offered_to_openai(&pair).profile, Profile::Avp);
    finish(&mut pair, dialog, ANSWER);
    assert_eq!(pair.plans[0].openai.srtp, None);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    let noted = pair.records[0].events.iter().map(|event| event.event);
    assert_eq!(noted.collect::<Vec<_>>(), ["without_srtp"]);
}

#[test]
fn a_second_488_ends_the_call_and_so_does_the_first_where_srtp_is_required() {
    for (srtp, invites) in [(Srtp::Prefer, 2), (Srtp::Require, 1)] {
        let mut pair = Pair::over_tls(terms(Srtp::Off, srtp));
        pair.call(Some(OFFER));
        for round in 1..=invites {
            pair.run(SHORT);
            let asked = pair.openai_events.iter();
            let asked = asked.filter(|event| matches!(event, Event::Invite { .. }));
            assert_eq!(asked.count(), round);
            let refusal = Rejection::status(488);
            pair.openai.reject(pair.now, pair.openai_dialog(), refusal);
        }
        pair.assert_over("failed", "openai_not_acceptable");
    }
}

#[test]
fn a_route_without_tls_is_passed_over_where_srtp_is_required() {
    let mut config = terms(Srtp::Off, Srtp::Require);
    let plain = config.openai.routes[0].clone();
    let mut pair = Pair::over_tls(config.clone());
    call(&mut pair, OFFER);
    assert!(pair.plans[0].openai.srtp.is_some());

    config.openai.routes = vec![plain];
    let mut pair = Pair::new(config);
    pair.call(Some(OFFER));
    pair.run(SHORT);
    assert!(pair.openai_events.is_empty());
    pair.assert_over("failed", "openai_unreachable");
}

#[test]
fn an_answer_of_openais_with_what_was_not_offered_ends_the_call() {
    for answer in [
        ANSWER.to_owned(),
        secured(ANSWER, &[]),
        secured(ANSWER, &[line(2, CM_80, 5)]),
        secured(ANSWER, &[line(1, CM_32, 5)]),
        secured(ANSWER, &[line(1, GCM_128, 5)]),
        secured(ANSWER, &[line(1, CM_80, 5), line(1, CM_80, 6)]),
    ] {
        let mut pair = Pair::over_tls(terms(Srtp::Off, Srtp::Prefer));
        pair.call(Some(OFFER));
        pair.run(SHORT);
        pair.openai_answers(&answer);
        assert!(pair.plans.is_empty(), "{answer}");
        pair.assert_over("failed", "openai_bad_answer");
    }
    // Nor keys where plain RTP was offered.
    let mut pair = Pair::over_tls(terms(Srtp::Off, Srtp::Off));
    pair.call(Some(OFFER));
    pair.run(SHORT);
    pair.openai_answers(&secured(ANSWER, &[line(1, CM_80, 5)]));
    pair.assert_over("failed", "openai_bad_answer");
}

#[test]
fn a_carrier_that_leaves_the_offer_to_us_gets_all_suites_over_tls() {
    let mut pair = Pair::over_tls(terms(Srtp::Require, Srtp::Off));
    let dialog = pair.call(None);
    pair.run(SHORT);
    pair.openai_answers(ANSWER);
    let offer = answered(&pair);
    let suites: Vec<_> = offer.crypto.iter().map(|line| &line.suite[..]).collect();
    assert_eq!(suites, [GCM_256, GCM_128, CM_80, CM_32]);
    let distinct: std::collections::HashSet<_> = offer
        .crypto
        .iter()
        .map(|line| line.key_and_salt[..16].to_vec())
        .collect();
    assert_eq!(distinct.len(), 4, "a key each");
    let taken = &offer.crypto[1];
    let answer = secured(OFFER, &[line(taken.tag, GCM_128, 9)]);
    pair.carrier
        .acknowledge(pair.now, dialog, Some(Body::sdp(answer)));
    pair.run(SHORT);
    let keys = pair.plans[0].carrier.srtp.as_ref().expect("keys");
    assert!(keys.send.expose().eq(taken.key_and_salt.iter().copied()));
    assert!(keys.receive.expose().all(|byte| byte == 9));
}

#[test]
fn a_late_answer_with_what_was_not_offered_ends_the_call() {
    let mut pair = Pair::over_tls(terms(Srtp::Require, Srtp::Off));
    let dialog = pair.call(None);
    pair.run(SHORT);
    pair.openai_answers(ANSWER);
    let answer = Body::sdp(OFFER.to_owned());
    pair.carrier.acknowledge(pair.now, dialog, Some(answer));
    pair.run(SHORT);
    assert!(pair.plans.is_empty());
    pair.assert_over("rejected", "srtp");
}

#[test]
fn a_new_key_of_the_carriers_is_taken_and_ours_stays() {
    let mut pair = Pair::over_tls(terms(Srtp::Prefer, Srtp::Prefer));
    let dialog = call(&mut pair, &secured(OFFER, &[line(1, CM_80, 0x31)]));
    let first = answered(&pair).crypto[0].clone();
    let rekeyed = secured(OFFER, &[line(4, CM_80, 0x32)]);
    let answer = change(&mut pair, dialog, &rekeyed).expect("taken");
    assert_eq!(answer.crypto[0].tag, 4);
    assert_eq!(answer.crypto[0].key_and_salt, first.key_and_salt);
    let plan = pair.updates.pop().expect("the media are told");
    let keys = plan.carrier.srtp.as_ref().expect("keys");
    assert!(keys.receive.expose().all(|byte| byte == 0x32));
    assert_eq!(plan.openai.srtp, pair.plans[0].openai.srtp);

    // The same once more says nothing new.
    let again = change(&mut pair, dialog, &rekeyed).expect("taken");
    assert_eq!(again.crypto, answer.crypto);
    assert!(pair.updates.is_empty());

    // Another suite needs another key of ours.
    let other = secured(OFFER, &[line(5, GCM_128, 0x33)]);
    let answer = change(&mut pair, dialog, &other).expect("taken");
    assert_eq!(answer.crypto[0].suite, GCM_128);
    assert_ne!(answer.crypto[0].key_and_salt[..], first.key_and_salt[..28]);
    let plan = pair.updates.pop().expect("the media are told");
    let keys = plan.carrier.srtp.as_ref().expect("keys");
    assert!(
        keys.send
            .expose()
            .eq(answer.crypto[0].key_and_salt.iter().copied())
    );
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    let told = pair.records[0].events.iter().map(|event| &event.detail[..]);
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 2);
    assert!(
        told.iter().all(|text| text.ends_with("new keys")),
        "{told:?}"
    );
}

#[test]
fn a_required_leg_can_not_be_talked_out_of_its_keys() {
    let mut pair = Pair::over_tls(terms(Srtp::Require, Srtp::Off));
    let dialog = call(&mut pair, &secured(OFFER, &[line(1, CM_80, 0x31)]));
    assert_eq!(change(&mut pair, dialog, OFFER).unwrap_err(), 488);
    assert!(pair.updates.is_empty());
}

#[test]
fn no_key_is_shown_anywhere() {
    let mut pair = Pair::over_tls(terms(Srtp::Prefer, Srtp::Prefer));
    let dialog = call(&mut pair, &secured(OFFER, &[line(1, CM_80, 0x31)]));
    // Every key that was on the wire, in base64.
    let mut keys: Vec<String> = Vec::new();
    for (.., bytes) in &pair.wire {
        let text = String::from_utf8_lossy(bytes);
        let found = text.split("inline:").skip(1);
        keys.extend(found.map(|rest| rest.lines().next().unwrap_or_default().to_owned()));
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4, "two a leg");
    let mut shown = vec![
        format!("{:?}", pair.gateway),
        format!("{:?}", pair.plans),
        format!("{:?}", pair.carrier_events),
        format!("{:?}", pair.openai_events),
    ];
    shown.extend(pair.gateway.calls().map(|call| format!("{call:?}")));
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    shown.push(format!("{:?}", pair.records));
    shown.push(format!("{:?}", pair.gateway));
    let raw = format!("{:?}", [0x31_u8; 30]);
    for text in &shown {
        assert!(!keys.iter().any(|key| text.contains(key)), "{text}");
        assert!(!text.contains(raw.trim_matches(['[', ']'])), "{text}");
    }
}
