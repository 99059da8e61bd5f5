//! Another configuration under calls that are up.

use crate::pair::{ANSWER, OFFER, Pair, config};
use squelch_call::{GatewayConfig, Input, Trunk};
use squelch_media::{Format, GuardAction};
use std::time::Duration;

fn reconfigure(pair: &mut Pair, new: GatewayConfig) {
    pair.input(Input::Reconfigured(Box::new(new)));
}

/// A trunk that signals from elsewhere.
fn elsewhere(name: &str) -> Trunk {
    Trunk {
        name: name.into(),
        sources: vec!["198.51.100.0/24".parse().unwrap()],
        ..config().trunks.remove(0)
    }
}

#[test]
fn a_call_of_a_trunk_that_is_gone_ends_as_its_own_and_is_the_last() {
    let (mut pair, dialog) = Pair::established(config());
    let mut new = config();
    new.trunks = vec![elsewhere("other")];
    reconfigure(&mut pair, new);
    // While it has a call it is answered, but calls no more.
    pair.call(Some(OFFER));
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.refused_with(), Some(403));
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    let record = serde_json::to_value(&pair.records[0]).unwrap();
    assert_eq!(record["trunk"], "carrier");
    let before = pair.gateway.counters().strangers;
    pair.call(Some(OFFER));
    pair.run(Duration::from_secs(1));
    assert!(pair.gateway.counters().strangers > before);
    assert_eq!(pair.records.len(), 1, "a stranger has no record");
}

#[test]
fn the_next_call_goes_by_the_new_configuration() {
    let (mut pair, dialog) = Pair::established(config());
    let mut new = config();
    new.trunks.insert(0, elsewhere("first"));
    new.trunks[1].formats = vec![Format::Pcma];
    new.guard.action = GuardAction::Observe;
    reconfigure(&mut pair, new);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(200));
    pair.openai_answers(ANSWER);
    pair.run(Duration::from_millis(500));
    let plans = [pair.plans.first().unwrap(), pair.plans.last().unwrap()];
    assert_eq!(
        plans.map(|plan| plan.carrier.format),
        [Format::Pcmu, Format::Pcma]
    );
    assert_eq!(
        plans.map(|plan| plan.guard.action),
        [GuardAction::Protect, GuardAction::Observe]
    );
    let names: Vec<_> = pair.gateway.calls().map(|call| call.trunk).collect();
    assert_eq!(names, ["carrier"], "it is still that trunk's");
}

#[test]
fn a_new_route_is_taken_and_a_call_keeps_its_own() {
    let (mut pair, dialog) = Pair::established(config());
    let mut new = config();
    // Nobody is there.
    new.openai.routes[0].sip_uri = "sip:proj_test@192.0.2.200;transport=udp".into();
    reconfigure(&mut pair, new);
    pair.carrier.bye(pair.now, dialog, None);
    pair.assert_over("completed", "carrier_hangup");
    pair.call(Some(OFFER));
    pair.run(Duration::from_secs(20));
    assert_eq!(pair.refused_with(), Some(503), "it went to the new route");
    reconfigure(&mut pair, config());
    pair.call(Some(OFFER));
    pair.run(Duration::from_millis(200));
    pair.openai_answers(ANSWER);
    pair.run(Duration::from_millis(500));
    assert_eq!(pair.gateway.active_calls(), 1, "and to the old one again");
}
