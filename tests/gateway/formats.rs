//! Formats and packet times between the legs, and what an answer or an offer may not say.

use crate::pair::{ANSWER, OFFER, Pair, config};
use squelch_media::{Format, SampleRate};
use std::time::Duration;

const L16_16K: Format = Format::L16(SampleRate::Hz16000);

/// A call of a carrier that offers this, and OpenAI's answer.
fn call(config: squelch_call::GatewayConfig, offer: &str, answer: &str) -> Pair {
    let mut pair = Pair::new(config);
    pair.call(Some(offer));
    pair.run(Duration::from_millis(100));
    pair.openai_answers(answer);
    pair
}

fn wideband() -> squelch_call::GatewayConfig {
    let mut config = config();
    config.trunks[0].formats = vec![L16_16K, Format::Pcmu];
    config
}

const WIDEBAND: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 30000 RTP/AVP 97 0 98 99\r\na=rtpmap:97 L16/16000\r\na=rtpmap:98 telephone-event/16000\r\n\
    a=rtpmap:99 telephone-event/8000\r\na=ptime:40\r\n";

#[test]
fn l16_of_the_carrier_goes_on_as_what_openai_takes() {
    let pair = call(wideband(), WIDEBAND, ANSWER);
    let plan = pair.plans.first().expect("media");
    assert_eq!(
        (plan.carrier.format, plan.openai.format),
        (L16_16K, Format::Pcmu)
    );
    let carrier = &plan.carrier;
    assert_eq!(carrier.payload_type.number(), 97);
    assert_eq!(carrier.telephone_event.expect("events").number(), 98);
    assert_eq!((carrier.ptime.as_ms(), plan.openai.ptime.as_ms()), (40, 20));
    assert_eq!(plan.openai.telephone_event.expect("events").number(), 101);
}

#[test]
fn without_a_format_of_the_trunk_there_is_no_call() {
    let mut config = wideband();
    config.trunks[0].formats = vec![L16_16K];
    let mut pair = Pair::new(config);
    pair.call(Some(OFFER));
    pair.assert_over("rejected", "no_common_format");
}

fn events(pair: &mut Pair, event: &str) -> Vec<String> {
    let dialog = pair.openai_dialog();
    pair.openai.bye(pair.now, dialog, None);
    pair.assert_over("completed", "openai_hangup");
    let events = &pair.records[0].events;
    let told = events.iter().filter(|one| one.event == event);
    told.map(|one| one.detail.clone()).collect()
}

#[test]
fn an_answer_with_several_formats_is_narrowed_and_told() {
    let answer = ANSWER.replace("AVP 0 101", "AVP 0 8 101");
    let mut pair = call(config(), OFFER, &answer);
    assert_eq!(pair.plans[0].openai.format, Format::Pcmu);
    let told = events(&mut pair, "answer_check");
    assert_eq!(
        told,
        ["several formats at once (PCMU, PCMA): only pcmu is taken"]
    );
}

#[test]
fn an_answer_with_events_at_another_clock_or_packets_too_long_is_narrowed_and_told() {
    let answer = ANSWER
        .replace("telephone-event/8000", "telephone-event/48000")
        .replace("ptime:20", "ptime:200");
    let mut pair = call(config(), OFFER, &answer);
    assert_eq!(pair.plans[0].openai.telephone_event, None);
    assert_eq!(pair.plans[0].openai.ptime.as_ms(), 60);
    let told = events(&mut pair, "answer_check");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("telephone-event at 48000 Hz"), "{told:?}");
    assert!(
        told[1].contains("packets of 200 ms: 60 ms are used"),
        "{told:?}"
    );
}

#[test]
fn comfort_noise_is_offered_to_openai_where_the_carrier_has_it_and_not_else() {
    for (offer, wanted) in [
        (OFFER.replace("0 8 101", "0 8 13 101"), true),
        (OFFER.into(), false),
    ] {
        let pair = call(config(), &offer, ANSWER);
        let plan = &pair.plans[0];
        assert_eq!(plan.carrier.comfort_noise.is_some(), wanted);
        assert_eq!(plan.openai.comfort_noise, None);
    }
}

#[test]
fn a_carrier_elsewhere_does_not_send_media_to_this_machine_or_its_link() {
    for address in ["127.0.0.1", "169.254.169.254"] {
        let mut config = config();
        config.trunks[0].media_sources = Vec::new();
        let mut pair = Pair::new(config);
        pair.call(Some(
            &OFFER.replace("c=IN IP4 192.0.2.1", &format!("c=IN IP4 {address}")),
        ));
        pair.assert_over("rejected", "media_address");
    }
}
