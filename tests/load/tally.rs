//! Outcomes of calls counted, merged, carried as JSON, and held to thresholds.

use std::time::Duration;

use squelch_media::detect::Fault;
use squelch_sim::load::content::{ContentVerdict, Mark, Problem};
use squelch_sim::load::{CallOutcome, Failure, Tally, Thresholds, Transport};

/// A call that was answered after `setup_ms` and had good media.
fn call(tally: &mut Tally, number: u32, setup_ms: u64) -> CallOutcome {
    let began = Duration::from_millis(100 * u64::from(number));
    let setup = Duration::from_millis(setup_ms);
    tally.on_start(began);
    tally.on_answer(began + setup, setup);
    CallOutcome {
        status: Some(200),
        setup: Some(setup),
        post_dial_delay: Some(setup / 2),
        media_start: Some(Duration::from_millis(20)),
        talked: Some(Duration::from_secs(5)),
        ended: began + setup + Duration::from_secs(5),
        sent: 250,
        transport: Some(Transport {
            received: 250,
            mos: Some(4.41),
            ..Transport::default()
        }),
        content: Some(ContentVerdict {
            judged: 20,
            same: 20,
            ..ContentVerdict::default()
        }),
        ..CallOutcome::new(Mark(number), began)
    }
}

fn good_run(calls: u32) -> Tally {
    let mut tally = Tally::default();
    for number in 0..calls {
        let outcome = call(&mut tally, number, 10 + u64::from(number % 10));
        tally.on_end(&outcome);
    }
    tally
}

#[test]
fn a_good_run_keeps_to_the_thresholds_that_nobody_has_to_ask_for() {
    let tally = good_run(100);
    assert_eq!(Thresholds::default().breaches(&tally), []);
    assert_eq!(
        (tally.active(), tally.failures(), tally.statuses[&200]),
        (0, 0, 100)
    );
    let p95 = tally.spread.setup.time_at(0.95).unwrap();
    assert!(
        p95.abs_diff(Duration::from_millis(19)) < Duration::from_millis(1),
        "{p95:?}"
    );
}

#[test]
fn each_threshold_that_is_not_kept_says_why() {
    let mut tally = good_run(60);
    let mut refused = CallOutcome::new(Mark(60), Duration::from_secs(6));
    tally.on_start(refused.began);
    refused.status = Some(503);
    refused.failure = Some(Failure::Refused);
    tally.on_end(&refused);
    let mut broken = call(&mut tally, 61, 2_000);
    broken.faults = vec![Fault::G711AsPcm16, Fault::Clipping];
    broken.transport = Some(Transport {
        received: 150,
        lost: 100,
        jitter: Duration::from_millis(90),
        mos: Some(2.1),
        ..Transport::default()
    });
    broken.content = Some(ContentVerdict {
        problems: vec![Problem::CrossTalk(Mark(3)), Problem::FirstWordClipped],
        first_word_missing: Some(Duration::from_millis(120)),
        ..ContentVerdict::default()
    });
    tally.on_end(&broken);

    let asked = Thresholds {
        min_mos: Some(4.0),
        min_answered: Some(0.99),
        max_setup: Some(Duration::from_millis(5)),
        max_post_dial_delay: Some(Duration::from_millis(1)),
        max_media_start: Some(Duration::from_millis(1)),
        max_loss: Some(0.001),
        max_jitter: Some(Duration::ZERO),
        ..Thresholds::default()
    };
    let breaches = asked.breaches(&tally);
    let options: Vec<&str> = breaches.iter().map(|breach| breach.option).collect();
    // A jitter of 90 ms in one call of 61 is below the 95th percentile.
    let expected = [
        "--max-failed",
        "--max-faults",
        "--max-bad-content",
        "--min-mos",
        "--min-answered",
        "--max-loss",
        "--max-setup",
        "--max-post-dial-delay",
        "--max-media-start",
    ];
    assert_eq!(options, expected);
    assert_eq!(
        breaches[0].to_string(),
        "--max-failed: 1 calls failed; 0 may"
    );
    let told: Vec<&str> = tally
        .examples
        .iter()
        .map(|(_, said)| said.as_str())
        .collect();
    assert!(told.contains(&"refused with 503"), "{told:?}");
    assert!(told.contains(&"cross_talk with call #3"), "{told:?}");
    assert!(told.contains(&"first_word_clipped by 120 ms"), "{told:?}");
    // Clipping alone is advisory.
    assert_eq!(tally.acting_faults(), 1);
}

#[test]
fn what_was_never_measured_did_not_keep_to_a_threshold() {
    let asked = Thresholds {
        min_mos: Some(4.0),
        max_setup: Some(Duration::from_secs(9)),
        max_loss: Some(0.5),
        ..Thresholds::default()
    };
    assert_eq!(asked.breaches(&Tally::default()).len(), 3);
}

#[test]
fn merged_shares_are_the_whole_run_and_travel_as_json() {
    let mut whole = Tally::default();
    let mut shares = [Tally::default(), Tally::default(), Tally::default()];
    for number in 0..300 {
        for tally in [&mut whole, &mut shares[number as usize % 3]] {
            let mut outcome = call(tally, number, 5 + u64::from(number));
            outcome.failure = (number % 50 == 0).then_some(Failure::EndedEarly);
            tally.on_end(&outcome);
            tally.on_lateness(outcome.began, Duration::from_micros(u64::from(number)));
        }
    }
    let mut merged = Tally::default();
    for share in &shares {
        let text = share.to_json().to_string();
        let read = Tally::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(&read, share);
        merged.merge(&read);
    }
    // Which call is told as an example depends on the order.
    merged.examples.clone_from(&whole.examples);
    assert_eq!(merged, whole);
}

#[test]
fn json_that_is_no_tally_is_refused_whole() {
    let good = good_run(3).to_json();
    assert!(Tally::from_json(&good).is_ok());
    for (key, value) in [
        ("started", serde_json::json!(-1)),
        ("statuses", serde_json::json!({"42": 1})),
        ("failed", serde_json::json!({"no such": 1})),
        ("histograms", serde_json::json!({})),
        ("examples", serde_json::json!([[1]])),
        ("course", serde_json::json!({"width_s": 3, "moments": []})),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        let error = Tally::from_json(&bad).unwrap_err().to_string();
        assert!(error.contains("no tally"), "{key}: {error}");
    }
    assert!(Tally::from_json(&serde_json::json!([])).is_err());
}
