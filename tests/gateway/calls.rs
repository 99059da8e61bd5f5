//! Calls that come to stand.

use crate::pair::{ANSWER, OFFER, Pair, config};
use squelch_media::Format;
use squelch_sip::Event;
use std::time::Duration;

#[test]
fn a_call_is_answered_and_ended_by_the_carrier() {
    let (mut pair, dialog) = Pair::established(config());
    let plan = pair.plans.first().expect("media");
    assert_eq!(
        (plan.carrier.format, plan.openai.format),
        (Format::Pcmu, Format::Pcmu)
    );
    assert_eq!(plan.carrier.remote.to_string(), "192.0.2.1:30000");
    assert_eq!(plan.openai.remote.to_string(), "192.0.2.3:40000");
    assert_eq!(plan.carrier.telephone_event.unwrap().number(), 101);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    assert!(
        pair.openai_events
            .iter()
            .any(|event| matches!(event, Event::Bye { .. }))
    );
    let record = serde_json::to_value(&pair.records[0]).unwrap();
    assert_eq!(record["from"], "+1555***4567");
    assert_eq!(record["trunk"], "carrier");
    assert_eq!(record["legs"]["openai"]["format"], "pcmu");
    assert!(record["answered_at"].as_str().unwrap() > record["started_at"].as_str().unwrap());
}

#[test]
fn openai_hangs_up_and_the_carrier_is_told() {
    let (mut pair, _) = Pair::established(config());
    let dialog = pair.openai_dialog();
    pair.openai.bye(pair.now, dialog, None);
    pair.assert_over("completed", "openai_hangup");
    assert!(
        pair.carrier_events
            .iter()
            .any(|event| matches!(event, Event::Bye { .. }))
    );
}

#[test]
fn both_hang_up_at_once() {
    let (mut pair, dialog) = Pair::established(config());
    let openai = pair.openai_dialog();
    pair.carrier.bye(pair.now, dialog, None);
    pair.openai.bye(pair.now, openai, None);
    pair.assert_over("completed", "carrier_hangup");
}

#[test]
fn the_carrier_rings_while_openai_rings() {
    let mut pair = Pair::new(config());
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    let dialog = pair.openai_dialog();
    pair.openai.provisional(pair.now, dialog, 183, None);
    pair.run(Duration::from_millis(100));
    assert!(
        pair.carrier_events
            .iter()
            .any(|event| matches!(event, Event::Provisional { status: 180, .. }))
    );
}

#[test]
fn a_carrier_with_a_law_alone_is_bridged_to_the_other_law() {
    let mut pair = Pair::new(config());
    pair.call(Some(&OFFER.replace("0 8 101", "8 101")));
    pair.run(Duration::from_millis(100));
    pair.openai_answers(ANSWER);
    let plan = pair.plans.first().expect("media");
    assert_eq!(
        (plan.carrier.format, plan.openai.format),
        (Format::Pcma, Format::Pcmu)
    );
}

#[test]
fn a_call_ends_at_its_longest() {
    let mut config = config();
    config.limits.max_call = Duration::from_secs(60);
    let (mut pair, _) = Pair::established(config);
    pair.assert_over("completed", "max_call");
}

#[test]
fn a_call_cancelled_before_the_answer_is_cancelled_at_openai() {
    let mut pair = Pair::new(config());
    let dialog = pair.call(Some(OFFER));
    pair.run(Duration::from_millis(100));
    let openai = pair.openai_dialog();
    pair.openai.provisional(pair.now, openai, 180, None);
    pair.run(Duration::from_millis(100));
    pair.carrier.cancel(pair.now, dialog, None);
    pair.assert_over("rejected", "cancelled");
    assert!(
        pair.openai_events
            .iter()
            .any(|event| matches!(event, Event::Cancelled { .. }))
    );
    assert!(pair.plans.is_empty());
}

#[test]
fn a_call_cancelled_before_openai_rings_is_cancelled_once_it_does() {
    let mut pair = Pair::new(config());
    let dialog = pair.call(Some(OFFER));
    pair.run(Duration::from_millis(11));
    pair.carrier.cancel(pair.now, dialog, None);
    pair.assert_over("rejected", "cancelled");
}
