//! Session timers (RFC 4028): a call whose peer vanished does not live for ever.

use std::time::Duration;

use squelch_sip::{Body, DialogId, EndCause, Event, Protocol};

use crate::raw::{PEER, US, alone, ask, request, response};
use crate::world::{Node, World};

const SECOND: Duration = Duration::from_secs(1);

/// A call from the raw peer that says `more` in its INVITE; our user wishes `wish`. Gives the
/// dialog, our tag, and what the 200 says: Session-Expires and Require.
fn call(
    world: &mut World,
    node: Node,
    more: &str,
    wish: Option<u64>,
) -> (DialogId, String, (Option<String>, Option<String>)) {
    world.send_raw(PEER, US, request("INVITE", "first", 1, "", more).as_bytes());
    world.settle();
    let Event::Invite { dialog, .. } = world.event(node) else {
        panic!()
    };
    world.tell(node, |endpoint, now| {
        if let Some(wish) = wish {
            endpoint.keep_alive(dialog, SECOND * wish as u32);
        }
        endpoint.answer(now, dialog, Body::sdp("answer"));
    });
    let ok = world.last("200 INVITE").response();
    let tag = crate::raw::to_tag(&ok);
    world.send_raw(PEER, US, request("ACK", "ack", 1, &tag, "").as_bytes());
    world.settle();
    world.events(node);
    world.seen.clear();
    let said = |name| ok.headers.get(name).map(str::to_owned);
    (dialog, tag, (said("Session-Expires"), said("Require")))
}

/// Seconds from now until a message of this name is sent; a minute longer than `within` is
/// "never".
fn seconds_until(world: &mut World, name: &str, within: u64) -> Option<u64> {
    world.seen.clear();
    let start = world.now;
    world.run_for(SECOND * (within as u32 + 60));
    let seen = world.all(name).into_iter().next()?;
    let before = start.duration_since(world.begun());
    Some((seen.at - before).as_secs_f64().round() as u64)
}

#[test]
fn what_is_settled_is_rfc4028_table_2() {
    // The peer's INVITE, our wish; the 200's Session-Expires and Require.
    let table = [
        ("", None, None, None),
        ("Supported: timer\r\n", None, None, None),
        (
            "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n",
            None,
            Some("1800;refresher=uac"),
            Some("timer"),
        ),
        (
            "Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\n",
            None,
            Some("1800;refresher=uas"),
            None,
        ),
        (
            "Supported: timer\r\nSession-Expires: 1800\r\n",
            Some(600),
            Some("600;refresher=uac"),
            Some("timer"),
        ),
        // Never below what the peer or a proxy between allows, nor below 90.
        (
            "k: timer\r\nx: 1800\r\nMin-SE: 1200\r\n",
            Some(600),
            Some("1200;refresher=uac"),
            Some("timer"),
        ),
        (
            "Supported: timer\r\n",
            Some(10),
            Some("90;refresher=uac"),
            Some("timer"),
        ),
        // A peer that knows no timers is not asked to refresh.
        ("", Some(600), Some("600;refresher=uas"), None),
        // A proxy put it in, the peer knows nothing of it.
        (
            "Session-Expires: 1800\r\n",
            None,
            Some("1800;refresher=uas"),
            None,
        ),
        // The interval never rises.
        (
            "Supported: timer\r\nSession-Expires: 200;refresher=uas\r\n",
            Some(600),
            Some("200;refresher=uas"),
            None,
        ),
    ];
    for (invite, wish, expires, require) in table {
        let (mut world, node) = alone();
        let (_, _, said) = call(&mut world, node, invite, wish);
        let said = (said.0.as_deref(), said.1.as_deref());
        assert_eq!(said, (expires, require), "{invite:?} {wish:?}");
    }
}

#[test]
fn a_session_too_short_is_refused_with_the_least() {
    let (mut world, node) = alone();
    let short = "Supported: timer\r\nSession-Expires: 60\r\n";
    let answers = ask(&mut world, &request("INVITE", "i", 1, "", short));
    let refusal = answers[0].response();
    assert_eq!(refusal.status, 422);
    assert_eq!(refusal.headers.get("Min-SE"), Some("90"));
    // Who does not know timers cannot ask again: it is taken.
    let unknowing = request("INVITE", "j", 2, "", "Session-Expires: 60\r\n");
    assert_eq!(crate::raw::statuses(&mut world, &unknowing), [100]);
    assert_eq!(world.events(node).len(), 1);
}

#[test]
fn a_peer_that_does_not_refresh_is_hung_up_on_in_time() {
    for (interval, end) in [(1800, 1768), (90, 60)] {
        let (mut world, node) = alone();
        let more = format!("Supported: timer\r\nSession-Expires: {interval};refresher=uac\r\n");
        let (dialog, ..) = call(&mut world, node, &more, None);
        assert_eq!(seconds_until(&mut world, "BYE", interval), Some(end));
        let bye = world.all("BYE")[0].request();
        assert_eq!(
            bye.headers.get("Reason"),
            Some("SIP;cause=408;text=\"session expired\"")
        );
        assert!(matches!(
            world.event(node),
            Event::Ended { dialog: ended, cause: EndCause::SessionExpired } if ended == dialog
        ));
        world.assert_idle();
    }
}

#[test]
fn each_refresh_of_the_peer_gives_it_the_whole_time_again() {
    let (mut world, node) = alone();
    let timer = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n";
    let (_, tag, _) = call(&mut world, node, timer, None);
    for cseq in 2..20 {
        world.run_for(SECOND * 45);
        let update = request("UPDATE", &format!("u{cseq}"), cseq, &tag, timer);
        ask(&mut world, &update);
        let Event::Request { request: id, .. } = world.event(node) else {
            panic!("the call is over")
        };
        let ok = squelch_sip::Response {
            status: 200,
            ..Default::default()
        };
        world.tell(node, |endpoint, now| endpoint.respond(now, id, ok));
        let ok = world.last("200 UPDATE").response();
        assert_eq!(ok.headers.get("Session-Expires"), Some("90;refresher=uac"));
    }
    assert_eq!(seconds_until(&mut world, "BYE", 90), Some(60));
}

#[test]
fn our_refresh_is_an_update_at_half_time_where_the_peer_takes_it() {
    let (mut world, node) = alone();
    let more = "Allow: INVITE, UPDATE\r\nSession-Expires: 600;refresher=uas\r\n";
    let (dialog, ..) = call(&mut world, node, more, None);
    assert_eq!(seconds_until_first(&mut world, "UPDATE", 300), Some(300));
    for (answer, more, next) in [
        (200, "Session-Expires: 600;refresher=uac\r\n", 300),
        // The peer knows no timers.
        (200, "", 300),
        (500, "", 10),
        (422, "Min-SE: 1000\r\n", 0),
        (200, "Session-Expires: 1000;refresher=uac\r\n", 500),
    ] {
        let update = world.last("UPDATE").request();
        assert!(update.body.is_empty());
        let said = update.headers.get("Session-Expires").unwrap().to_owned();
        assert!(said.ends_with(";refresher=uac"), "{said}");
        world.seen.clear();
        world.send_raw(
            PEER,
            US,
            response(&update, answer, "x", more)
                .replacen(";tag=x", "", 1)
                .as_bytes(),
        );
        assert_eq!(
            seconds_until_first(&mut world, "UPDATE", next),
            Some(next),
            "after {answer}"
        );
    }
    let update = world.last("UPDATE").request();
    assert_eq!(
        update.headers.get("Session-Expires"),
        Some("1000;refresher=uac")
    );
    assert_eq!(update.headers.get("Min-SE"), Some("1000"));
    world.send_raw(
        PEER,
        US,
        response(&update, 481, "x", "")
            .replacen(";tag=x", "", 1)
            .as_bytes(),
    );
    world.settle();
    assert!(matches!(
        world.event(node),
        Event::Ended { dialog: ended, cause: EndCause::SessionExpired } if ended == dialog
    ));
}

/// Seconds until one is seen since the last look, stopping there.
fn seconds_until_first(world: &mut World, name: &str, within: u64) -> Option<u64> {
    let start = world.now;
    while world.now < start + SECOND * (within as u32 + 2) {
        if !world.all(name).is_empty() {
            return Some((world.now - start).as_secs_f64().round() as u64);
        }
        world.run_for(Duration::from_millis(100));
    }
    None
}

#[test]
fn where_the_peer_takes_no_update_the_user_is_asked_for_a_reinvite() {
    let (mut world, node) = alone();
    let (dialog, ..) = call(&mut world, node, "", Some(600));
    world.run_for(SECOND * 301);
    assert!(matches!(world.event(node), Event::RefreshDue { dialog: due } if due == dialog));
    assert!(world.tell(node, |endpoint, now| endpoint.reinvite(
        now,
        dialog,
        Body::sdp("same")
    )));
    let invite = world.last("INVITE").request();
    assert_eq!(
        invite.headers.get("Session-Expires"),
        Some("600;refresher=uac")
    );
    let contact = "Contact: <sip:peer@192.0.2.9:5060>\r\n";
    let ok = response(&invite, 200, "x", contact).replacen(";tag=x", "", 1);
    world.send_raw(PEER, US, ok.as_bytes());
    world.settle();
    assert!(matches!(world.event(node), Event::Reinvited { .. }));
    assert_eq!(world.all("ACK").len(), 1);
    world.send_raw(PEER, US, ok.as_bytes());
    world.settle();
    assert_eq!(world.all("ACK").len(), 2, "the first was lost");
    // The whole time again: due after half of it, over after all of it.
    world.run_for(SECOND * 298);
    assert!(world.events(node).is_empty());
    assert_eq!(seconds_until(&mut world, "BYE", 301), Some(302));
    assert!(
        world
            .events(node)
            .iter()
            .filter(|event| matches!(event, Event::RefreshDue { .. }))
            .count()
            > 20,
        "asked again and again"
    );
}

#[test]
fn two_endpoints_keep_a_call_alive_for_hours_and_end_it_when_the_network_is_cut() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let mut invite = world.call_to(b, Protocol::Udp);
    invite.session_expires = Some(SECOND * 300);
    let ours = world.tell(a, |endpoint, now| endpoint.invite(now, invite));
    world.settle();
    let Some(Event::Invite { dialog: theirs, .. }) = world.events(b).pop() else {
        panic!()
    };
    world.tell(b, |endpoint, now| {
        endpoint.answer(now, theirs, Body::sdp("answer"))
    });
    world.settle();
    world.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
    world.settle();
    world.events(a);
    world.events(b);
    for _ in 0..7_200 {
        world.run_for(SECOND);
        for event in world.events(b) {
            let Event::Request { request, .. } = event else {
                panic!("{event:?}")
            };
            let ok = squelch_sip::Response {
                status: 200,
                ..Default::default()
            };
            world.tell(b, |endpoint, now| endpoint.respond(now, request, ok));
        }
        assert!(world.events(a).is_empty());
    }
    // Every 150 s, and the seconds that the answers took.
    let refreshes = world.all("200 UPDATE").len();
    assert!((46..=48).contains(&refreshes), "{refreshes}");
    world.lose(|_| true);
    world.run_for(SECOND * 301);
    for (node, dialog) in [(a, ours), (b, theirs)] {
        assert!(
            matches!(world.event(node), Event::Ended { dialog: ended, cause: EndCause::SessionExpired } if ended == dialog)
        );
    }
    world.assert_idle();
}

#[test]
fn offers_that_cross_are_both_refused_and_both_calls_stand() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (ours, theirs) = world.call(a, b, Protocol::Udp);
    for (node, dialog) in [(a, ours), (b, theirs)] {
        assert!(world.tell(node, |endpoint, now| {
            endpoint.reinvite(now, dialog, Body::sdp("new"))
        }));
        // No second one on top.
        assert!(!world.tell(node, |endpoint, now| {
            endpoint.reinvite(now, dialog, Body::sdp("newer"))
        }));
    }
    world.settle();
    for node in [a, b] {
        assert!(matches!(
            world.event(node),
            Event::ReinviteRefused { status: 491, .. }
        ));
    }
    // And after it, one alone is taken.
    world.tell(b, |endpoint, now| {
        endpoint.reinvite(now, theirs, Body::sdp("new"))
    });
    world.settle();
    let Event::Reinvite {
        request,
        body: Some(body),
        ..
    } = world.event(a)
    else {
        panic!()
    };
    assert_eq!(&body.bytes[..], b"new");
    let ok = squelch_sip::Response {
        status: 200,
        headers: Vec::new(),
        body: Some(Body::sdp("agreed")),
    };
    world.tell(a, |endpoint, now| endpoint.respond(now, request, ok));
    world.settle();
    assert!(
        matches!(world.event(b), Event::Reinvited { body: Some(body), .. } if &body.bytes[..] == b"agreed")
    );
    assert!(matches!(world.event(a), Event::Acknowledged { .. }));
    world.tell(a, |endpoint, now| endpoint.bye(now, ours, None));
    world.assert_idle();
}
