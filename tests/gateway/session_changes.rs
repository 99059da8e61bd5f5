//! The session of a call changes: hold, resume, other formats and addresses, offers that come late, media that come
//! early.

use crate::pair::{ANSWER, CARRIER, GATEWAY, OFFER, Pair, config};
use squelch_media::{BridgeStats, Direction, Format, LegStats};
use squelch_sip::message::{Framing, Message};
use squelch_sip::sdp::{self, SessionDescription};
use squelch_sip::{Body, DialogId, DialogMethod, Event, OutgoingRequest};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

/// The carrier offers anew; gives squelch's answer, or the status it was refused with.
fn carrier_offers(
    pair: &mut Pair,
    dialog: DialogId,
    offer: &str,
) -> Result<SessionDescription, u16> {
    pair.carrier_events.clear();
    assert!(
        pair.carrier
            .reinvite(pair.now, dialog, Body::sdp(offer.to_owned()))
    );
    pair.run(SHORT);
    match pair.carrier_events.pop() {
        Some(Event::Reinvited { body, .. }) => Ok(described(body.as_ref())),
        Some(Event::ReinviteRefused { status, .. }) => Err(status),
        other => panic!("{other:?}"),
    }
}

/// The same by UPDATE.
fn carrier_updates(
    pair: &mut Pair,
    dialog: DialogId,
    offer: &str,
) -> Result<SessionDescription, u16> {
    pair.carrier_events.clear();
    let update = OutgoingRequest {
        method: DialogMethod::Update,
        headers: Vec::new(),
        body: Some(Body::sdp(offer.to_owned())),
    };
    pair.carrier.request(pair.now, dialog, update).unwrap();
    pair.run(SHORT);
    match pair.carrier_events.pop() {
        Some(Event::Response {
            status: 200, body, ..
        }) => Ok(described(body.as_ref())),
        Some(Event::Response { status, .. }) => Err(status),
        other => panic!("{other:?}"),
    }
}

fn described(body: Option<&Body>) -> SessionDescription {
    SessionDescription::parse(&body.expect("a description").bytes).unwrap()
}

fn direction(description: &SessionDescription) -> sdp::Direction {
    description.audio().unwrap().direction
}

/// How many messages went to OpenAI so far.
fn sent_to_openai(pair: &Pair) -> usize {
    let openai = crate::pair::OPENAI.parse().unwrap();
    pair.wire.iter().filter(|(_, to, _)| *to == openai).count()
}

/// What the record says happened.
fn events(pair: &Pair) -> Vec<&'static str> {
    pair.records[0]
        .events
        .iter()
        .map(|event| event.event)
        .collect()
}

#[test]
fn hold_and_resume_are_answered_and_openai_is_told_nothing() {
    for change in [carrier_offers, carrier_updates] {
        let (mut pair, dialog) = Pair::established(config());
        let before = sent_to_openai(&pair);
        let held = change(&mut pair, dialog, &format!("{OFFER}a=sendonly\r\n")).unwrap();
        assert_eq!(direction(&held), sdp::Direction::RecvOnly);
        let plan = pair.updates.pop().expect("the media are told");
        assert_eq!(
            plan.carrier.direction,
            Direction::Inactive,
            "its music is not for the model"
        );
        assert_eq!(
            plan.openai.direction,
            Direction::SendRecv,
            "which hears silence"
        );
        let resumed = change(&mut pair, dialog, OFFER).unwrap();
        assert_eq!(direction(&resumed), sdp::Direction::SendRecv);
        assert!(resumed.version > held.version, "each says something new");
        let plan = pair.updates.pop().unwrap();
        assert_eq!(plan.carrier.direction, Direction::SendRecv);
        assert_eq!(
            plan.carrier.ssrc, pair.plans[0].carrier.ssrc,
            "one stream for the carrier"
        );
        assert_eq!(sent_to_openai(&pair), before);
        pair.carrier.bye(pair.now, dialog, None);
        pair.assert_over("completed", "carrier_hangup");
        assert_eq!(events(&pair), ["held", "resumed"]);
    }
}

#[test]
fn the_old_hold_by_address_zero_is_one_too() {
    let (mut pair, dialog) = Pair::established(config());
    let zero = OFFER.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
    carrier_offers(&mut pair, dialog, &zero).unwrap();
    let plan = pair.updates.pop().unwrap();
    assert_eq!(plan.carrier.direction, Direction::Inactive);
    assert_eq!(
        plan.carrier.remote.to_string(),
        "192.0.2.1:30000",
        "nothing is sent to 0.0.0.0"
    );
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    assert_eq!(events(&pair), ["held"]);
}

#[test]
fn while_on_hold_silence_from_the_carrier_ends_no_call() {
    let (mut pair, dialog) = Pair::established(config());
    carrier_offers(&mut pair, dialog, &format!("{OFFER}a=inactive\r\n")).unwrap();
    let minute = Duration::from_secs(60);
    for _ in 0..5 {
        pair.run(minute);
        let stats = BridgeStats {
            openai: LegStats {
                last_packet: Some(pair.now),
                ..LegStats::default()
            },
            ..BridgeStats::default()
        };
        pair.stats(stats);
        assert!(pair.records.is_empty());
    }
    carrier_offers(&mut pair, dialog, OFFER).unwrap();
    pair.run(minute);
    pair.stats(BridgeStats::default());
    pair.assert_over("failed", "media_timeout");
}

#[test]
fn the_same_offer_again_changes_nothing() {
    let (mut pair, dialog) = Pair::established(config());
    let first = carrier_offers(&mut pair, dialog, OFFER).unwrap();
    let second = carrier_updates(&mut pair, dialog, OFFER).unwrap();
    assert_eq!(first, second, "not even the version");
    assert!(pair.updates.is_empty());
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    assert!(events(&pair).is_empty());
}

#[test]
fn another_format_is_taken_on_the_carriers_leg_alone() {
    let (mut pair, dialog) = Pair::established(config());
    let answer = carrier_offers(&mut pair, dialog, &OFFER.replace("0 8 101", "8 101")).unwrap();
    assert_eq!(answer.audio().unwrap().encodings[0].name, "PCMA");
    let plan = pair.updates.pop().unwrap();
    assert_eq!(
        (plan.carrier.format, plan.openai.format),
        (Format::Pcma, Format::Pcmu)
    );
    // A new offer of both keeps what is spoken: no format is changed without need.
    let answer = carrier_offers(&mut pair, dialog, OFFER).unwrap();
    assert_eq!(answer.audio().unwrap().encodings[0].name, "PCMA");
}

#[test]
fn what_cannot_be_taken_is_refused_and_the_call_goes_on() {
    let (mut pair, dialog) = Pair::established(config());
    let foreign = OFFER.replace("0 8 101", "18 101");
    let elsewhere = OFFER.replace("c=IN IP4 192.0.2.1", "c=IN IP4 198.51.100.1");
    let refused = OFFER.replace("m=audio 30000", "m=audio 0");
    for offer in [&foreign[..], &elsewhere, &refused, "v=0\r\nrubbish"] {
        assert_eq!(
            carrier_offers(&mut pair, dialog, offer),
            Err(488),
            "{offer}"
        );
        assert_eq!(
            carrier_updates(&mut pair, dialog, offer),
            Err(488),
            "{offer}"
        );
    }
    assert!(pair.updates.is_empty());
    carrier_offers(&mut pair, dialog, &OFFER.replace("30000", "30002")).expect("still there");
    assert_eq!(pair.updates.pop().unwrap().carrier.remote.port(), 30_002);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    let refused = events(&pair)
        .iter()
        .filter(|event| **event == "change_refused")
        .count();
    assert_eq!(refused, 8);
}

#[test]
fn openai_may_change_its_leg_and_the_carrier_is_told_nothing() {
    let (mut pair, dialog) = Pair::established(config());
    let theirs = pair.openai_dialog();
    let before = pair
        .wire
        .iter()
        .filter(|(_, to, _)| *to == CARRIER.parse().unwrap())
        .count();
    pair.openai_events.clear();
    let moved = ANSWER.replace("40000 RTP/AVP 0", "40002 RTP/AVP 8");
    assert!(pair.openai.reinvite(pair.now, theirs, Body::sdp(moved)));
    pair.run(SHORT);
    let Some(Event::Reinvited { body, .. }) = pair.openai_events.pop() else {
        panic!()
    };
    assert_eq!(
        described(body.as_ref()).audio().unwrap().encodings[0].name,
        "PCMA"
    );
    let plan = pair.updates.pop().unwrap();
    assert_eq!(plan.openai.remote.to_string(), "192.0.2.3:40002");
    assert_eq!(
        (plan.carrier.format, plan.openai.format),
        (Format::Pcmu, Format::Pcma)
    );
    let after = pair
        .wire
        .iter()
        .filter(|(_, to, _)| *to == CARRIER.parse().unwrap())
        .count();
    assert_eq!(before, after);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
}

#[test]
fn asked_for_an_offer_squelch_makes_one_and_takes_the_answer_with_the_ack() {
    let (mut pair, _) = Pair::established(config());
    // The carrier's own messages, by hand: what its INVITE and ACK of the call looked like.
    let sent = |method: &str, pair: &Pair| {
        let from = CARRIER.parse().unwrap();
        let own = pair.wire.iter().filter(|(source, ..)| *source == from);
        let texts = own.map(|(.., bytes)| String::from_utf8(bytes.to_vec()).unwrap());
        texts
            .filter(|text| text.starts_with(method))
            .last()
            .unwrap()
    };
    let ack = sent("ACK", &pair);
    let cseq = ack
        .lines()
        .find_map(|line| line.strip_prefix("CSeq: "))
        .unwrap();
    let number: u32 = cseq.split(' ').next().unwrap().parse().unwrap();
    let branch = |text: &str, new: &str| {
        let at = text.find("branch=").unwrap() + 7;
        let end = at + text[at..].find([';', '\r']).unwrap();
        format!("{}z9hG4bK{new}{}", &text[..at], &text[end..])
    };
    let next = ack.replace(cseq, &format!("{} ACK", number + 1));
    let invite = branch(&next, "re").replace("ACK", "INVITE");
    let contact = format!("Contact: <sip:{CARRIER}>\r\nContent-Length: 0\r\n\r\n");
    let invite = invite.replace("Content-Length: 0\r\n\r\n", &contact);
    pair.inject(CARRIER, GATEWAY, invite.into());
    pair.run(SHORT);
    let ok = pair.wire.iter().rev().find_map(|(.., bytes)| {
        match Message::read(bytes, Framing::Datagram) {
            Ok(Message::Response(response)) if response.status == 200 => Some(response),
            _ => None,
        }
    });
    let offer = SessionDescription::parse(&ok.unwrap().body).unwrap();
    let names: Vec<&str> = offer
        .audio()
        .unwrap()
        .encodings
        .iter()
        .map(|e| &e.name[..])
        .collect();
    assert_eq!(names, ["PCMU", "PCMA", "telephone-event"]);
    assert_eq!(direction(&offer), sdp::Direction::SendRecv);
    let answer = OFFER.replace("0 8 101", "8 101").replace("30000", "30008");
    let ack = branch(&next, "ack").replace(
        "Content-Length: 0\r\n\r\n",
        &format!(
            "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        ),
    );
    pair.inject(CARRIER, GATEWAY, ack.into());
    pair.run(SHORT);
    let plan = pair.updates.pop().expect("the answer is taken");
    assert_eq!(
        (plan.carrier.format, plan.carrier.remote.port()),
        (Format::Pcma, 30_008)
    );
}

#[test]
fn an_invite_without_offer_gets_ours_and_the_media_start_with_its_ack() {
    let mut pair = Pair::new(config());
    let dialog = pair.call(None);
    pair.run(SHORT);
    pair.openai_answers(&ANSWER.replace("RTP/AVP 0", "RTP/AVP 8"));
    let Some(Event::Answered { body, .. }) = pair.carrier_events.pop() else {
        panic!("{:?}", pair.carrier_events)
    };
    let offer = described(body.as_ref());
    let names: Vec<&str> = offer
        .audio()
        .unwrap()
        .encodings
        .iter()
        .map(|e| &e.name[..])
        .collect();
    assert_eq!(
        names,
        ["PCMA", "PCMU", "telephone-event"],
        "OpenAI's format first"
    );
    assert!(pair.plans.is_empty(), "no media before the answer");
    let answer = OFFER.replace("0 8 101", "8 101");
    pair.carrier
        .acknowledge(pair.now, dialog, Some(Body::sdp(answer)));
    pair.run(SHORT);
    let plan = pair.plans.first().expect("media");
    assert_eq!(
        (plan.carrier.format, plan.openai.format),
        (Format::Pcma, Format::Pcma)
    );
    assert_eq!(plan.carrier.remote.to_string(), "192.0.2.1:30000");
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
}

#[test]
fn without_an_answer_to_our_offer_the_call_ends() {
    let elsewhere = OFFER.replace("c=IN IP4 192.0.2.1", "c=IN IP4 198.51.100.1");
    for (answer, reason) in [(None, "no_offer"), (Some(elsewhere), "bad_sdp")] {
        let mut pair = Pair::new(config());
        let dialog = pair.call(None);
        pair.run(SHORT);
        pair.openai_answers(ANSWER);
        pair.carrier
            .acknowledge(pair.now, dialog, answer.map(Body::sdp));
        pair.run(SHORT);
        assert!(
            pair.carrier_events
                .iter()
                .any(|event| matches!(event, Event::Bye { .. }))
        );
        assert!(pair.plans.is_empty());
        let result = if reason == "no_offer" {
            "failed"
        } else {
            "rejected"
        };
        pair.assert_over(result, reason);
    }
}

#[test]
fn early_media_reach_the_carrier_and_go_on_with_the_answer() {
    let mut pair = Pair::new(config());
    let dialog = pair.call(Some(OFFER));
    pair.run(SHORT);
    let theirs = pair.openai_dialog();
    let early = Body::sdp(ANSWER.to_owned());
    pair.openai.provisional(pair.now, theirs, 183, Some(early));
    pair.run(SHORT);
    let Some(Event::Provisional {
        status: 183, body, ..
    }) = pair.carrier_events.pop()
    else {
        panic!("{:?}", pair.carrier_events)
    };
    let told = described(body.as_ref());
    assert_eq!(told.audio().unwrap().port, 16_384);
    assert_eq!(pair.plans.len(), 1, "the media run");
    pair.openai
        .answer(pair.now, theirs, Body::sdp(ANSWER.to_owned()));
    pair.run(SHORT);
    let Some(Event::Answered { body, .. }) = pair.carrier_events.pop() else {
        panic!("{:?}", pair.carrier_events)
    };
    assert_eq!(described(body.as_ref()), told, "the same again");
    pair.carrier.acknowledge(pair.now, dialog, None);
    pair.run(SHORT);
    assert_eq!((pair.plans.len(), pair.updates.len()), (1, 0), "once");
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    assert!(events(&pair).contains(&"early_media"));
}

#[test]
fn a_refusal_after_early_media_ends_the_call() {
    let mut pair = Pair::new(config());
    pair.call(Some(OFFER));
    pair.run(SHORT);
    let theirs = pair.openai_dialog();
    pair.openai
        .provisional(pair.now, theirs, 183, Some(Body::sdp(ANSWER.to_owned())));
    pair.run(SHORT);
    pair.openai
        .reject(pair.now, theirs, squelch_sip::Rejection::status(500));
    pair.run(SHORT);
    assert_eq!(pair.refused_with(), Some(503));
    pair.assert_over("failed", "openai_refused");
}

#[test]
fn a_carrier_that_no_longer_refreshes_its_session_is_hung_up_on() {
    let mut pair = Pair::new(config());
    let timer = [
        ("Supported", "timer"),
        ("Session-Expires", "90;refresher=uac"),
    ];
    let headers = timer.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let dialog = pair.call_with(Some(OFFER), headers.to_vec(), 70);
    pair.run(SHORT);
    pair.openai_answers(ANSWER);
    pair.carrier.acknowledge(pair.now, dialog, None);
    pair.run(SHORT);
    // The carrier's endpoint would refresh; it has nobody to send to.
    pair.cut_off(GATEWAY);
    pair.run(Duration::from_secs(62));
    assert_eq!(pair.records.len(), 1);
    assert_eq!(
        (pair.records[0].result, pair.records[0].reason),
        ("failed", "session_expired")
    );
}

#[test]
fn our_refresh_by_reinvite_says_the_same_again() {
    let mut config = config();
    config.trunks[0].session_expires = Some(Duration::from_secs(600));
    let (mut pair, dialog) = Pair::established(config);
    pair.carrier_events.clear();
    pair.run(Duration::from_secs(301));
    // The carrier's endpoint takes UPDATE: it is asked so, and no description is needed.
    let Some(Event::Request {
        method: DialogMethod::Update,
        body: None,
        request,
        ..
    }) = pair.carrier_events.pop()
    else {
        panic!("{:?}", pair.carrier_events)
    };
    let response = squelch_sip::Response {
        status: 405,
        ..Default::default()
    };
    pair.carrier.respond(pair.now, request, response);
    pair.run(SHORT);
    let Some(Event::Reinvite { body, request, .. }) = pair.carrier_events.pop() else {
        panic!("{:?}", pair.carrier_events)
    };
    let offer = described(body.as_ref());
    assert_eq!(offer.audio().unwrap().port, 16_384);
    let response = squelch_sip::Response {
        status: 200,
        headers: Vec::new(),
        body: Some(Body::sdp(OFFER.replace("0 8 101", "0 101"))),
    };
    pair.carrier.respond(pair.now, request, response);
    pair.run(Duration::from_secs(250));
    assert!(pair.records.is_empty());
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
}
