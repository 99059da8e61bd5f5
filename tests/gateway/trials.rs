//! Whole calls by seed: `squelch_sim::trial` tells what is played and what must hold.

use squelch_sim::trial::{self, Report};
use std::collections::BTreeSet;
use std::time::Instant;

/// As many as a test run may take time for; the example `calls` of squelch-sim plays 100,000.
const SEEDS: u64 = 2_000;

/// Plays these seeds; a failed one is told with all its messages.
fn play(seeds: impl Iterator<Item = u64>) -> Vec<Report> {
    let start = Instant::now();
    let play = |seed| {
        let report = trial::run(start, seed, false);
        if !report.faults.is_empty() {
            let told = trial::run(start, seed, true);
            panic!(
                "seed {seed}: {}\n{}\n{}\nreplay: cargo run --release -p squelch-sim --example calls -- --seed {seed} --ladder",
                told.story,
                told.ladder.join("\n"),
                told.faults.join("\n"),
            );
        }
        report
    };
    seeds.map(play).collect()
}

#[test]
fn every_call_ends_as_its_story_allows_and_leaves_nothing_behind() {
    let (mut calls, mut endings) = (0, BTreeSet::new());
    for report in play((0..SEEDS).step_by(2)) {
        calls += report.endings.len();
        endings.extend(report.endings);
    }
    assert!(calls as u64 > SEEDS / 2, "{calls} calls");
    assert!(endings.len() > 20, "only {endings:?}");
}

#[test]
fn and_so_does_the_other_half_of_them() {
    play((1..SEEDS).step_by(2));
}

#[test]
fn the_same_seed_plays_the_same_messages_at_the_same_times() {
    let (one, other) = (Instant::now(), Instant::now());
    for seed in 0..50 {
        let ladder = trial::run(one, seed, true).ladder;
        assert_eq!(ladder, trial::run(other, seed, true).ladder, "seed {seed}");
        assert!(ladder.len() > 1);
    }
}
