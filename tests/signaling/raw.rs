//! Requests and responses written by hand, and one endpoint at 192.0.2.1 to receive them.

use squelch_sip::message::{Request, Response};
use squelch_sip::{DialogId, Event};

use crate::world::{Node, Seen, World};

pub(crate) const PEER: &str = "192.0.2.9:5060";
pub(crate) const US: &str = "192.0.2.1:5060";

/// A request as a plain UA at [`PEER`] writes it; `more` are further header lines.
pub(crate) fn request(method: &str, branch: &str, cseq: u32, to_tag: &str, more: &str) -> String {
    let tag = if to_tag.is_empty() {
        String::new()
    } else {
        format!(";tag={to_tag}")
    };
    format!(
        "{method} sip:us@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:peer@192.0.2.9>;tag=peertag\r\n\
         To: <sip:us@192.0.2.1>{tag}\r\n\
         Call-ID: raw-call\r\n\
         CSeq: {cseq} {method}\r\n\
         Contact: <sip:peer@192.0.2.9:5060>\r\n\
         {more}Content-Length: 0\r\n\r\n"
    )
}

/// Sends it and gives all that comes back to the peer at once.
pub(crate) fn ask(world: &mut World, text: &str) -> Vec<Seen> {
    world.seen.clear();
    world.send_raw(PEER, US, text.as_bytes());
    world.settle();
    world
        .seen
        .iter()
        .filter(|seen| seen.to.to_string() == PEER)
        .cloned()
        .collect()
}

/// The statuses of what comes back.
pub(crate) fn statuses(world: &mut World, text: &str) -> Vec<u16> {
    ask(world, text)
        .iter()
        .map(|seen| seen.response().status)
        .collect()
}

/// A world with one endpoint.
pub(crate) fn alone() -> (World, Node) {
    let mut world = World::new();
    let node = world.add("192.0.2.1");
    (world, node)
}

/// A call from the raw peer, up and acknowledged: the endpoint's dialog and tag.
pub(crate) fn raw_call(world: &mut World, node: Node) -> (DialogId, String) {
    world.send_raw(PEER, US, request("INVITE", "first", 1, "", "").as_bytes());
    world.settle();
    let Event::Invite { dialog, .. } = world.event(node) else {
        panic!()
    };
    world.tell(node, |endpoint, now| {
        endpoint.answer(now, dialog, squelch_sip::Body::sdp("answer"));
    });
    let tag = to_tag(&world.last("200 INVITE").response());
    world.send_raw(PEER, US, request("ACK", "ack", 1, &tag, "").as_bytes());
    world.settle();
    assert!(matches!(world.event(node), Event::Acknowledged { .. }));
    (dialog, tag)
}

pub(crate) fn to_tag(response: &Response) -> String {
    response
        .headers
        .get("To")
        .unwrap()
        .split(";tag=")
        .nth(1)
        .unwrap()
        .to_owned()
}

/// A response to `request` as a callee with this tag writes it.
pub(crate) fn response(request: &Request, status: u16, tag: &str, more: &str) -> String {
    let header = |name| request.headers.get(name).unwrap();
    format!(
        "SIP/2.0 {status} Whatever\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag={tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{more}Content-Length: 0\r\n\r\n",
        header("Via"),
        header("From"),
        header("To"),
        header("Call-ID"),
        header("CSeq"),
    )
}
