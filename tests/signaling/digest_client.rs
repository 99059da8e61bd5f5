//! Challenges to our own requests: answered once, to the peer that was called and in its realm only.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use squelch_sip::message::Request;
use squelch_sip::{
    Credentials, DialogId, DialogMethod, EndCause, Event, Failure, OutgoingRequest, Protocol,
};

use crate::cancel::raw_target;
use crate::raw::{PEER, US, alone, raw_call, response};
use crate::world::{Node, World};

const SHA: &str = "WWW-Authenticate: Digest realm=\"peer.example\", nonce=\"n1\", opaque=\"o\", \
     algorithm=SHA-256, qop=\"auth,auth-int\"\r\n";
const MD5: &str = "WWW-Authenticate: Digest realm=\"peer.example\", nonce=\"n2\", algorithm=MD5, qop=\"auth\"\r\n";

/// A world whose endpoint has called the raw peer with credentials.
fn calling() -> (World, Node, DialogId) {
    let (mut world, node) = alone();
    let mut call = raw_target(&world);
    call.credentials = Some(Credentials::new("alice", "peer.example", "secret").unwrap());
    let dialog = world.tell(node, |endpoint, now| endpoint.invite(now, call));
    world.settle();
    (world, node, dialog)
}

/// The peer answers the last request of this method; what is sent upon it.
fn answer(world: &mut World, method: &str, status: u16, more: &str) -> Vec<Request> {
    let asked = world.last(method).request();
    let before = world.seen.len();
    world.send_raw(
        PEER,
        US,
        response(&asked, status, "peertag", more).as_bytes(),
    );
    world.settle();
    let sent = world.seen[before..]
        .iter()
        .filter(|seen| seen.from.to_string() == US);
    sent.map(|seen| seen.request()).collect()
}

fn fields(value: &str) -> HashMap<String, String> {
    let fields = value.strip_prefix("Digest ").unwrap().split(", ");
    fields
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('"').to_owned())
        })
        .collect()
}

fn sha256(text: String) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a server computes from the fields it is given (RFC 7616 section 3.4.1).
fn expected(fields: &HashMap<String, String>, method: &str) -> String {
    let field = |name: &str| fields[name].as_str();
    let secret = sha256("alice:peer.example:secret".into());
    let asked = sha256(format!("{method}:{}", field("uri")));
    sha256(format!(
        "{secret}:{}:{}:{}:auth:{asked}",
        field("nonce"),
        field("nc"),
        field("cnonce")
    ))
}

#[test]
fn a_challenged_invite_goes_out_again_with_the_strongest_answer() {
    let (mut world, _, _) = calling();
    let first = world.last("INVITE").request();
    assert_eq!(first.headers.get("Authorization"), None);
    let sent = answer(&mut world, "INVITE", 401, &format!("{MD5}{SHA}"));
    let [ack, second] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(ack.method.to_string(), "ACK");
    let same = |name| first.headers.get(name) == second.headers.get(name);
    assert!(same("Call-ID") && same("From") && same("To") && same("Contact") && same("X-Test"));
    assert_eq!(first.body, second.body);
    let number = |request: &Request| {
        let cseq = request.headers.get("CSeq").unwrap().split(' ').next();
        cseq.unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(number(second), number(&first) + 1);
    assert!(!same("Via"), "the branch is new");
    let given = fields(second.headers.get("Authorization").unwrap());
    assert_eq!(given["algorithm"], "SHA-256");
    assert_eq!(
        (given["username"].as_str(), given["realm"].as_str()),
        ("alice", "peer.example")
    );
    assert_eq!(
        (given["opaque"].as_str(), given["qop"].as_str()),
        ("o", "auth")
    );
    assert_eq!(given["uri"], second.uri.to_string());
    assert_eq!(given["nc"], "00000001");
    assert_eq!(given["response"], expected(&given, "INVITE"));
}

#[test]
fn the_rest_of_the_call_carries_credentials_before_it_is_asked() {
    let (mut world, node, dialog) = calling();
    answer(&mut world, "INVITE", 401, SHA);
    let invite = world.last("INVITE").request();
    answer(
        &mut world,
        "INVITE",
        200,
        "Contact: <sip:peer@192.0.2.9>\r\n",
    );
    world.events(node);
    world.tell(node, |endpoint, now| {
        endpoint.acknowledge(now, dialog, None)
    });
    world.settle();
    let ack = world.last("ACK").request();
    assert_eq!(
        ack.headers.get("Authorization"),
        invite.headers.get("Authorization"),
        "an ACK repeats its INVITE's"
    );
    world.tell(node, |endpoint, now| endpoint.bye(now, dialog, None));
    world.settle();
    let given = fields(
        world
            .last("BYE")
            .request()
            .headers
            .get("Authorization")
            .unwrap(),
    );
    assert_eq!(given["nc"], "00000002");
    assert_eq!(given["response"], expected(&given, "BYE"));
    answer(&mut world, "BYE", 200, "");
    assert!(matches!(
        world.event(node),
        Event::Ended {
            cause: EndCause::ByeAnswered,
            ..
        }
    ));
    world.assert_idle();
}

#[test]
fn a_proxy_is_answered_in_its_own_header_beside_the_server() {
    let (mut world, _, _) = calling();
    let proxy = SHA.replace("WWW", "Proxy").replace("n1", "p1");
    answer(&mut world, "INVITE", 407, &proxy);
    let sent = answer(&mut world, "INVITE", 401, SHA);
    let headers = &sent.last().unwrap().headers;
    assert_eq!(
        fields(headers.get("Proxy-Authorization").unwrap())["nonce"],
        "p1"
    );
    assert_eq!(fields(headers.get("Authorization").unwrap())["nonce"], "n1");
}

#[test]
fn md5_is_spoken_where_the_peer_knows_nothing_better() {
    for more in [
        MD5.to_owned(),
        // RFC 2069: neither algorithm nor qop.
        "WWW-Authenticate: Digest realm=\"peer.example\", nonce=\"n\"\r\n".into(),
        format!("{}{MD5}", SHA.replace("SHA-256", "SHA-1")),
        format!("{}{MD5}", SHA.replace("auth,auth-int", "auth-int")),
    ] {
        let (mut world, _, _) = calling();
        let sent = answer(&mut world, "INVITE", 401, &more);
        let value = sent.last().unwrap().headers.get("Authorization");
        let response = &fields(value.unwrap())["response"];
        assert_eq!(response.len(), 32, "{more}");
    }
}

/// What the call came to, and how many INVITEs there were.
fn refused(challenges: impl Fn(usize) -> String) -> (u16, usize) {
    let (mut world, node, _) = calling();
    for round in 1..100 {
        let sent = answer(&mut world, "INVITE", 401, &challenges(round));
        if sent.len() == 1 {
            let Event::Rejected {
                failure: Failure::Status { status, .. },
                ..
            } = world.event(node)
            else {
                panic!()
            };
            world.assert_idle();
            return (status, round);
        }
    }
    panic!("it never ends");
}

#[test]
fn a_new_nonce_each_time_does_not_keep_us_asking() {
    let carousel = |round: usize| SHA.replace("n1", &round.to_string());
    assert_eq!(refused(carousel), (401, 2));
}

#[test]
fn a_stale_nonce_is_answered_once_more() {
    let stale = |round: usize| SHA.replace("n1", &format!("{round}\", stale=\"TRUE"));
    assert_eq!(refused(stale), (401, 3));
}

#[test]
fn another_realm_is_told_nothing() {
    for more in [
        SHA.replace("peer.example", "elsewhere.example"),
        SHA.replace("peer.example", "Peer.example"),
        SHA.replace("Digest", "Basic"),
        SHA.replace("WWW-", "Proxy-"),
        SHA.replace("SHA-256", "SHA-1"),
        SHA.replace("nonce", "nonsense"),
        String::new(),
    ] {
        assert_eq!(refused(|_| more.clone()), (401, 1), "{more}");
    }
}

#[test]
fn who_calls_us_is_told_nothing() {
    let (mut world, node) = alone();
    let (dialog, _) = raw_call(&mut world, node);
    world.tell(node, |endpoint, now| endpoint.bye(now, dialog, None));
    world.settle();
    let sent = answer(&mut world, "BYE", 407, &SHA.replace("WWW", "Proxy"));
    assert!(sent.is_empty(), "{sent:?}");
    assert!(matches!(world.event(node), Event::Ended { .. }));
    world.assert_idle();
}

/// A call up without any challenge so far.
fn established() -> (World, Node, DialogId) {
    let (mut world, node, dialog) = calling();
    answer(
        &mut world,
        "INVITE",
        200,
        "Contact: <sip:peer@192.0.2.9>\r\n",
    );
    world.tell(node, |endpoint, now| {
        endpoint.acknowledge(now, dialog, None)
    });
    world.settle();
    world.events(node);
    (world, node, dialog)
}

#[test]
fn a_challenged_bye_ends_the_call_all_the_same() {
    let (mut world, node, dialog) = established();
    world.tell(node, |endpoint, now| endpoint.bye(now, dialog, None));
    world.settle();
    let sent = answer(&mut world, "BYE", 401, SHA);
    let given = fields(sent[0].headers.get("Authorization").unwrap());
    assert_eq!(given["response"], expected(&given, "BYE"));
    assert!(world.events(node).is_empty());
    answer(&mut world, "BYE", 200, "");
    assert!(matches!(
        world.event(node),
        Event::Ended {
            cause: EndCause::ByeAnswered,
            ..
        }
    ));
    world.assert_idle();
}

#[test]
fn a_challenged_request_keeps_the_number_the_user_knows() {
    let (mut world, node, dialog) = established();
    let update = OutgoingRequest {
        method: DialogMethod::Update,
        headers: Vec::new(),
        body: None,
    };
    let asked = world.tell(node, |endpoint, now| endpoint.request(now, dialog, update));
    world.settle();
    answer(&mut world, "UPDATE", 401, SHA);
    answer(&mut world, "UPDATE", 200, "");
    let Event::Response {
        request,
        status: 200,
        ..
    } = world.event(node)
    else {
        panic!()
    };
    assert_eq!(Some(request), asked);
}

#[test]
fn a_call_given_up_meanwhile_is_not_tried_again() {
    let (mut world, node, dialog) = calling();
    world.tell(node, |endpoint, now| endpoint.cancel(now, dialog, None));
    let sent = answer(&mut world, "INVITE", 401, SHA);
    assert_eq!(sent.len(), 1, "only the ACK: {sent:?}");
    assert!(matches!(world.event(node), Event::Rejected { .. }));
    world.assert_idle();
}

#[test]
fn a_cancel_waits_for_a_sign_of_the_repeated_invite() {
    let (mut world, node, dialog) = calling();
    answer(&mut world, "INVITE", 100, "");
    answer(&mut world, "INVITE", 401, SHA);
    world.tell(node, |endpoint, now| endpoint.cancel(now, dialog, None));
    world.settle();
    assert!(world.all("CANCEL").is_empty());
    world.run_for(std::time::Duration::from_millis(600));
    answer(&mut world, "INVITE", 180, "");
    let cancel = world.last("CANCEL").request();
    assert_eq!(cancel.headers.get("Authorization"), None);
}

#[test]
fn over_tcp_the_repeat_goes_over_the_same_connection() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let mut call = world.call_to(b, Protocol::Tcp);
    call.credentials = Some(Credentials::new("alice", "peer.example", "secret").unwrap());
    world.tell(a, |endpoint, now| endpoint.invite(now, call));
    world.settle();
    let Event::Invite { dialog, .. } = world.event(b) else {
        panic!()
    };
    let rejection = squelch_sip::Rejection {
        headers: vec![(
            "WWW-Authenticate".into(),
            "Digest realm=\"peer.example\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"".into(),
        )],
        ..squelch_sip::Rejection::status(401)
    };
    world.tell(b, |endpoint, now| endpoint.reject(now, dialog, rejection));
    world.settle();
    let Event::Invite { invite, .. } = world.event(b) else {
        panic!()
    };
    assert!(invite.headers.get("Authorization").is_some());
    let ways: std::collections::HashSet<_> = world
        .all("INVITE")
        .iter()
        .map(|seen| (seen.from, seen.to))
        .collect();
    assert_eq!(ways.len(), 1);
}

#[test]
fn a_user_cannot_write_credentials_by_hand() {
    let (mut world, node) = alone();
    let mut call = raw_target(&world);
    call.headers = vec![("Authorization".into(), "Digest username=\"x\"".into())];
    world.tell(node, |endpoint, now| endpoint.invite(now, call));
    world.settle();
    assert_eq!(
        world.last("INVITE").request().headers.get("Authorization"),
        None
    );
    assert_eq!(world.endpoint(node).counters().refused_headers, 1);
}
