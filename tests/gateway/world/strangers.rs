//! Those who have no business here: no answer, no audio, no say over where media go.

use super::{call_of, heard, setup, silence};
use squelch_media::{DropReason, Side};
use squelch_sim::peer::rtp::Header;
use squelch_sim::sound::Law;
use squelch_sim::world::{World, gateway_address, stranger_address};
use std::time::{Duration, Instant};

#[test]
fn a_stranger_gets_no_answer_and_is_counted() {
    let mut world = World::new(Instant::now(), setup());
    let to = gateway_address();
    let from = stranger_address();
    let invite = format!(
        "INVITE sip:x@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@{from}>;tag=1\r\nTo: <sip:x@{to}>\r\nCall-ID: s\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:a@{from}>\r\nContent-Length: 0\r\n\r\n"
    );
    world.inject(from, None, invite.as_bytes());
    let before = world.trace();
    world.run(Duration::from_secs(40));
    assert_eq!(world.trace(), before, "something was sent");
    assert_eq!(world.gateway().counters().strangers, 1);
    assert!(world.records().is_empty() && world.gateway().is_idle());
}

#[test]
fn a_strangers_rtp_is_dropped_and_takes_nothing_over() {
    let (mut world, call) = call_of(setup(), 1);
    let noise = vec![Law::Mu.encode(20_000); 160];
    for side in Side::ALL {
        for sequence in 0..50 {
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence,
                timestamp: u32::from(sequence) * 160,
                ssrc: 99,
            };
            world.inject(stranger_address(), Some(side), &header.write(&noise));
        }
    }
    let heard_before = heard(&world, call).len();
    world.run(Duration::from_secs(2));
    let heard = heard(&world, call);
    assert!(
        heard.len() >= heard_before + 2 * 8_000 - 320,
        "media still go to the caller"
    );
    assert!(
        !heard.iter().any(|sample| *sample > 18_000),
        "the stranger was heard"
    );
    let stats = world.bridges().next().expect("a call").stats();
    for leg in [stats.carrier, stats.openai] {
        assert_eq!(leg.dropped.get(DropReason::Source), 50);
    }
}

#[test]
fn a_caller_that_says_nothing_is_no_fault() {
    let mut world = World::new(Instant::now(), setup());
    world.call(World::plan(silence()));
    world.run(Duration::from_secs(20));
    assert!(world.gateway().counters().faults.is_empty());
}
