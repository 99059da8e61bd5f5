//! What listening to a load test's call costs, a packet: counting alone, the detector as well, the comparison as well.

mod side_by_side;
#[path = "side_by_side/speech.rs"]
mod speech;

use side_by_side::Group;
use squelch_sim::load::content::{
    Carried, Expectation, Expected, Heard, Listener, Mark, Reference,
};
use squelch_sim::sound::Law;
use std::hint::black_box;
use std::time::Duration;

/// 20 ms of G.711.
const PACKET: usize = 160;
const MARK: Mark = Mark(7);

/// One call from its first packet to its verdict.
fn call(
    reference: &Reference,
    sent: &[(u64, Vec<u8>)],
    make: impl Fn() -> Listener,
) -> impl FnMut() {
    move || {
        let mut listener = make();
        for (index, (position, payload)) in sent.iter().enumerate() {
            let at = Duration::from_millis(20 * index as u64);
            listener.on_sent(at, *position);
            let heard = Heard {
                at,
                ssrc: 1,
                sequence: index as u16,
                timestamp: *position as u32,
                carried: Carried::G711(Law::Mu),
                payload: black_box(payload),
            };
            listener.on_packet(Some(reference), heard);
        }
        black_box(listener.finish(Some(reference)));
    }
}

fn main() {
    let codes = speech::mu_law();
    let packets = || (0..).step_by(PACKET).zip(codes.chunks_exact(PACKET));
    let reference = Reference::from_packets(Law::Mu, packets());
    let mut sent: Vec<(u64, Vec<u8>)> = Vec::new();
    for (position, payload) in packets() {
        let mut payload = payload.to_vec();
        MARK.stamp(Law::Mu, position, &mut payload);
        sent.push((position, payload));
    }
    let expecting = |expected| Expectation {
        law: Law::Mu,
        expected,
        own: MARK,
    };
    let mut stamped = sent.clone();
    Group::new("Listener", "packet of 20 ms", sent.len() as u32)
        .row(
            "counting",
            call(&reference, &sent, Listener::transport_only),
        )
        .row(
            "and the detector",
            call(&reference, &sent, || {
                Listener::new(expecting(Expected::Anything))
            }),
        )
        .row(
            "and the comparison, from finding the place on",
            call(&reference, &sent, || {
                Listener::new(expecting(Expected::Echo))
            }),
        )
        .row("Mark::stamp", move || {
            for (position, payload) in &mut stamped {
                MARK.stamp(Law::Mu, *position, payload);
            }
        })
        .run();
}
