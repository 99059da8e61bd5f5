//! The gate by itself: what is repaired, and what its fades sound like.

use super::*;
use crate::detect::Fault;
use crate::detect::{Pace, Variant, What};
use std::time::Duration;

fn gate(incoming: Format, outgoing: Format) -> Gate {
    Gate::new(GuardAction::Protect, incoming, outgoing, 20, 7)
}

fn finding(fault: Fault) -> Finding {
    Finding {
        fault,
        variant: Variant {
            what: What::Law(Law::A),
            order: None,
            rate_hz: None,
            pace: Pace::Continuous,
        },
        from: Duration::ZERO,
        detected_at: Duration::from_millis(100),
        to: None,
        confidence: 1.0,
    }
}

/// A voiced sound: 137 Hz and its overtone, as loud as speech gets, at no zero where packets meet.
fn voiced() -> Vec<i16> {
    let sample = |n: usize| {
        let at = n as f32 / 8_000.0 * 137.0 * std::f32::consts::TAU;
        (9_000.0 * at.sin() + 4_000.0 * (2.0 * at).sin()) as i16
    };
    (0..1_600).map(sample).collect()
}

#[test]
fn a_wrong_label_is_repaired_exactly_by_the_other_law() {
    for (labelled, outgoing, said) in [
        (Format::Pcmu, Format::Pcma, Law::A),
        (Format::Pcma, Format::Pcmu, Law::Mu),
        (Format::Pcmu, Format::Pcmu, Law::A),
        (Format::Pcma, Format::Pcma, Law::Mu),
    ] {
        let mut gate = gate(labelled, outgoing);
        let mut found = finding(Fault::LawMismatch);
        found.variant.what = What::Law(said);
        gate.follow(Some(&found));
        let pcm = voiced();
        let mut bytes = vec![0; pcm.len()];
        said.encode(&pcm, &mut bytes);
        for (index, packet) in bytes.chunks(160).enumerate() {
            let mut want = packet.to_vec();
            convert_in_place(said, outgoing.law(), &mut want);
            let mut got = packet.to_vec();
            assert_eq!(gate.pass(&mut got), (Passed::Repaired, 160));
            // The first fades in.
            if index > 0 {
                assert_eq!(got, want, "{labelled:?} to {outgoing:?}");
            }
        }
    }
}

/// The largest step from sample to sample while the gate goes from open to `fault` and back, on voiced sound.
fn largest_step(fault: Fault) -> i32 {
    let pcm = voiced();
    let mut gate = gate(Format::Pcmu, Format::Pcmu);
    let mut heard = Vec::new();
    for (index, packet) in pcm.chunks(160).enumerate() {
        let found = (3..7).contains(&index).then(|| finding(fault));
        gate.follow(found.as_ref());
        let said = if found.is_some() && fault == Fault::LawMismatch {
            Law::A
        } else {
            Law::Mu
        };
        let mut codes = vec![0; packet.len()];
        said.encode(packet, &mut codes);
        let (_, length) = gate.pass(&mut codes);
        assert_eq!(length, 160);
        heard.extend(codes.iter().map(|code| Law::Mu.decode_sample(*code)));
    }
    let steps = heard.windows(2);
    steps
        .map(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs())
        .max()
        .unwrap_or(0)
}

#[test]
fn no_fade_steps_further_than_the_sound_itself() {
    let own = voiced();
    let own = own
        .windows(2)
        .map(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs())
        .max()
        .unwrap_or(0);
    for fault in [Fault::Opaque, Fault::LawMismatch] {
        let step = largest_step(fault);
        // Companding's own steps are up to 512 at this level.
        assert!(
            step <= own + 600,
            "{fault}: {step} where the sound has {own}"
        );
    }
}

#[test]
fn a_fault_that_is_only_reported_touches_nothing() {
    let mut gate = gate(Format::Pcmu, Format::Pcmu);
    gate.follow(Some(&finding(Fault::DeadAir)));
    let mut codes = [0x42; 160];
    assert_eq!(gate.pass(&mut codes), (Passed::Plain, 160));
    assert_eq!(codes, [0x42; 160]);
}
