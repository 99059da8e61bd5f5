//! Where responses go (RFC 3261 section 18.2, RFC 3581).

use squelch_sip::Protocol;

use crate::raw::{US, alone, request};
use crate::world::World;

/// Sends an OPTIONS nobody serves with this Via from this address; gives the answer.
fn answer(from: &str, via: &str) -> crate::world::Seen {
    let (mut world, _) = alone();
    let text = request("REGISTER", "x", 1, "", "");
    let text = text.replace("SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx", via);
    world.send_raw(from, US, text.as_bytes());
    world.settle();
    world.last("405 REGISTER")
}

#[test]
fn without_rport_the_answer_goes_to_the_port_of_the_via() {
    let seen = answer(
        "192.0.2.9:40000",
        "SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKx",
    );
    assert_eq!(seen.to.to_string(), "192.0.2.9:5070");
    let seen = answer(
        "192.0.2.9:40000",
        "SIP/2.0/UDP peer.example;branch=z9hG4bKx",
    );
    assert_eq!(seen.to.to_string(), "192.0.2.9:5060");
    let via = seen.response().headers.get("Via").unwrap().to_owned();
    assert_eq!(
        via,
        "SIP/2.0/UDP peer.example;branch=z9hG4bKx;received=192.0.2.9"
    );
}

#[test]
fn rfc3581_with_rport_it_goes_where_the_request_came_from() {
    let seen = answer(
        "203.0.113.7:40000",
        "SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bKx",
    );
    assert_eq!(seen.to.to_string(), "203.0.113.7:40000");
    assert_eq!(
        seen.response().headers.get("Via"),
        Some("SIP/2.0/UDP 10.0.0.1:5070;rport=40000;branch=z9hG4bKx;received=203.0.113.7")
    );
}

#[test]
fn what_the_via_says_never_makes_us_send_elsewhere() {
    for via in [
        "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKx;maddr=198.51.100.2",
        "SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKx;received=198.51.100.3",
        "SIP/2.0/TCP [::1]:5060;branch=z9hG4bKx;received=[2001:db8::1]",
    ] {
        assert_eq!(
            answer("192.0.2.9:5060", via).to.ip().to_string(),
            "192.0.2.9",
            "{via}"
        );
    }
}

#[test]
fn further_vias_come_back_as_they_were() {
    let lower = "SIP/2.0/UNKNOWN  t4.example.com;branch=z9hG4bKasd0f3en;x=\"a,b\"";
    let seen = answer(
        "192.0.2.9:5060",
        &format!("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx , {lower}\r\nVia: {lower}"),
    );
    let response = seen.response();
    let vias: Vec<_> = response.headers.all("Via").collect();
    assert_eq!(
        vias,
        [
            format!("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx, {lower}").as_str(),
            lower
        ]
    );
}

#[test]
fn an_answer_whose_connection_is_gone_opens_one_to_the_via_port() {
    let mut world = World::new();
    let (a, b) = (world.add("192.0.2.1"), world.add("192.0.2.2"));
    let (_, theirs) = world.invite(a, b, Protocol::Tcp);
    world.cut_connections(b);
    world.seen.clear();
    world.tell(b, |endpoint, now| {
        endpoint.reject(now, theirs, squelch_sip::Rejection::status(486))
    });
    world.settle();
    let seen = world.last("486 INVITE");
    assert_eq!(seen.to.to_string(), "192.0.2.1:5060");
    world.assert_idle();
}
