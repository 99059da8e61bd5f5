//! Look-back: the path delays by a little, and a verdict reaches the packets that still wait.

use crate::call::{BUFFER_BYTES, CARRIER_EVENT, Call, OPENAI_EVENT, Sent, address, packet, plan};
use crate::detector::{packets, speech};
use squelch_media::{Format, Forward, MAX_HOLD, Side};
use squelch_sim::check::static_time;
use squelch_sim::sound::{Law, Misreader};
use std::time::{Duration, Instant};

const ULAW: u8 = 0;
const PTIME: Duration = Duration::from_millis(20);

fn held_call(hold: Duration) -> Call {
    let mut plan = plan(Format::Pcmu, Format::Pcmu);
    plan.guard.hold = hold;
    Call::new(&plan)
}

/// Everything that is due up to now goes out, each at its own time; what went to `side`, with the times.
fn due(call: &mut Call, side: Side) -> Vec<(Instant, Sent)> {
    let (end, mut heard) = (call.now, Vec::new());
    while let Some(at) = call.bridge.poll_timeout().filter(|at| *at <= end) {
        call.now = at;
        while let Some((to, sent)) = call.own() {
            if to == side {
                heard.push((at, sent));
            }
        }
    }
    call.now = end;
    heard
}

/// Says these packets 20 ms apart from OpenAI, and waits `after`; what the carrier hears, with the times.
fn say(call: &mut Call, said: &[Vec<u8>], after: Duration) -> Vec<(Instant, Sent)> {
    let mut heard = Vec::new();
    for bytes in said {
        let before = call.now;
        call.now += PTIME;
        heard.extend(due(call, Side::Carrier));
        call.now = before;
        if let Some(sent) = call.send(Side::Openai, bytes) {
            heard.push((call.now, sent));
        }
    }
    call.wait(after);
    heard.extend(due(call, Side::Carrier));
    heard
}

fn numbered(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
    (100..)
        .zip(payloads)
        .map(|(sequence, payload)| packet(ULAW, sequence, 3, payload))
        .collect()
}

/// How much static the carrier hears when it follows speech.
fn static_heard(hold: Duration) -> Duration {
    let mut payloads = packets(&speech(), 160);
    payloads.extend(packets(
        &Misreader::default().run(Law::Mu, &speech().repeat(6)),
        160,
    ));
    let mut call = held_call(hold);
    // The one who listens is there.
    call.send(Side::Carrier, &packet(ULAW, 1, 9, &[0xFF; 160]));
    let heard = say(&mut call, &numbered(&payloads), MAX_HOLD);
    assert_eq!(heard.len(), payloads.len());
    let codes: Vec<u8> = heard
        .into_iter()
        .flat_map(|(_, sent)| sent.payload)
        .collect();
    static_time(&Law::Mu.decode_all(&codes))
}

#[test]
fn the_static_that_is_heard_shrinks_by_the_hold() {
    let [none, two, four, all] = [0, 40, 80, 200].map(|ms| static_heard(Duration::from_millis(ms)));
    let shrinks = |less: Duration, by: u64| {
        let want = none.saturating_sub(Duration::from_millis(by));
        // A window of the meter's.
        assert!(less <= want + PTIME, "{less:?} of {none:?}, less {by} ms");
    };
    assert!(none >= Duration::from_millis(40), "{none:?}");
    shrinks(two, 40);
    shrinks(four, 80);
    assert!(all <= PTIME, "{all:?}");
    assert!(two < none && four <= two);
}

#[test]
fn clean_speech_comes_out_as_it_is_only_later() {
    let payloads = packets(&speech(), 160);
    let said = numbered(&payloads);
    let (at_once, later) = (Duration::ZERO, Duration::from_millis(45));
    let (mut one, mut other) = (held_call(at_once), held_call(later));
    let start = [one.now, other.now];
    let at_once = say(&mut one, &said, Duration::ZERO);
    let held = say(&mut other, &said, later);
    assert_eq!(at_once.len(), held.len());
    for (index, ((a_at, a), (b_at, b))) in at_once.iter().zip(&held).enumerate() {
        assert_eq!(a, b, "packet {index}");
        assert_eq!(b.payload, payloads[index]);
        assert_eq!((*b_at - start[1]) - (*a_at - start[0]), later);
    }
}

#[test]
fn loss_reordering_and_key_presses_pass_through_the_hold() {
    let said: Vec<Vec<u8>> = [100, 101, 104, 103, 105, 106, 106, 107]
        .into_iter()
        .map(|sequence| match sequence {
            105 => packet(OPENAI_EVENT, sequence, 3, &[5, 0x0A, 0, 160]),
            _ => packet(ULAW, sequence, 3, &[sequence as u8; 160]),
        })
        .collect();
    let bare = |call: &mut Call| -> Vec<Sent> {
        let heard = say(call, &said, MAX_HOLD);
        heard.into_iter().map(|(_, sent)| sent).collect()
    };
    let held = bare(&mut held_call(Duration::from_millis(70)));
    assert_eq!(held, bare(&mut held_call(Duration::ZERO)));
    assert_eq!(held.len(), 7, "the duplicate is left out");
    assert_eq!(held[4].payload_type, CARRIER_EVENT);
}

#[test]
fn a_call_that_ends_first_leaves_only_what_was_not_due() {
    let mut call = held_call(Duration::from_millis(50));
    let said = numbered(&packets(&speech(), 160)[..10]);
    // The last came at 200 ms: what came up to 150 ms is due, the rest is not.
    assert_eq!(say(&mut call, &said, Duration::ZERO).len(), 7);
    assert!(call.own().is_none_or(|(side, _)| side == Side::Openai));
    let mut short = held_call(MAX_HOLD);
    assert!(say(&mut short, &said[..3], PTIME).is_empty());
    assert_eq!(short.bridge.leg(Side::Openai).packets, 3);
    assert_eq!(short.bridge.leg(Side::Carrier).sent, 0);
}

#[test]
fn more_than_is_held_goes_out_early_and_none_of_it_is_lost() {
    let mut call = held_call(Duration::from_millis(40));
    let start = call.now;
    let mut heard = Vec::new();
    for bytes in numbered(&packets(&speech(), 160)[..50]) {
        let mut buffer = [0; BUFFER_BYTES];
        buffer[..bytes.len()].copy_from_slice(&bytes);
        let from = address(Side::Openai);
        let forward = (call.bridge).forward(start, Side::Openai, from, &mut buffer, bytes.len());
        assert_eq!(forward, Forward::Hold);
        heard.extend(due(&mut call, Side::Carrier));
    }
    assert!(heard.len() > 40, "{}", heard.len());
    call.wait(MAX_HOLD);
    heard.extend(due(&mut call, Side::Carrier));
    assert_eq!(heard.len(), 50);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1));
    }
}

#[test]
fn openai_hears_silence_until_the_first_held_packet_goes_out() {
    let mut call = held_call(Duration::from_millis(100));
    let hello = packet(ULAW, 1, 9, &[0x55; 160]);
    assert!(call.send(Side::Carrier, &hello).is_none(), "held");
    call.wait(Duration::from_millis(300));
    let heard = due(&mut call, Side::Openai);
    let (last, silence) = heard.split_last().expect("something is heard");
    assert_eq!(last.1.payload, [0x55; 160]);
    assert!(silence.len() >= 5, "{}", silence.len());
    assert!(silence.iter().all(|(_, sent)| sent.payload == [0xFF; 160]));
    assert!(call.is_quiet());
}
