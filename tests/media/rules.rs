//! The rules beside the model: overdriven audio, dead air, the wrong rate; and all that looks like them and is none.

use crate::detector::{as_static, packets, speech};
use squelch_g711::Law;
use squelch_media::detect::{Change, Detector, Fault, Finding, Numbers, Packet, Watch};
use squelch_media::rtp::RtpTime;
use std::time::Duration;

const PTIME: Duration = Duration::from_millis(20);

/// One packet of a made stream.
#[derive(Clone)]
struct Sent {
    at: Duration,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

/// Payloads as a sound sender sends them.
fn sent(payloads: &[Vec<u8>]) -> Vec<Sent> {
    paced(payloads, PTIME, 160)
}

/// Payloads, one each `every`, with so many ticks from one to the next.
fn paced(payloads: &[Vec<u8>], every: Duration, ticks: u32) -> Vec<Sent> {
    let numbered = payloads.iter().zip(0_u32..);
    numbered
        .map(|(payload, index)| Sent {
            at: every * index,
            sequence: (index as u16).wrapping_add(65_000),
            timestamp: u32::MAX.wrapping_add(ticks.wrapping_mul(index)),
            payload: payload.clone(),
        })
        .collect()
}

fn heard(law: Law, talk_due: bool, stream: &[Sent]) -> Vec<Change> {
    let mut watch = Watch::new(law);
    watch.set_talk_due(talk_due);
    let changes = stream.iter().filter_map(|sent| {
        watch.observe(Packet {
            at: sent.at,
            numbers: Some(Numbers {
                sequence: sent.sequence,
                timestamp: RtpTime(sent.timestamp),
            }),
            payload: &sent.payload,
        })
    });
    changes.collect()
}

fn only_trip(law: Law, talk_due: bool, stream: &[Sent]) -> Finding {
    match heard(law, talk_due, stream)[..] {
        [Change::Tripped(finding)] => finding,
        ref other => panic!("{other:?}"),
    }
}

/// Speech, its level brought to that of a loud talker (-19.4 dBov), then what `change` makes of each sample.
fn driven(law: Law, change: impl Fn(f64) -> i16) -> Vec<Vec<u8>> {
    let samples: Vec<f64> = speech()
        .iter()
        .map(|code| f64::from(Law::Mu.decode_sample(*code)))
        .collect();
    let active = samples.iter().filter(|sample| sample.abs() > 100.0);
    let (count, power) = active.fold((0.0, 0.0), |(count, power), x| (count + 1.0, power + x * x));
    let gain = 3_500.0 / f64::sqrt(power / count);
    let codes: Vec<u8> = samples
        .iter()
        .map(|sample| law.encode_sample(change(sample * gain)))
        .collect();
    packets(&codes, 160)
}

/// As a gain before the encoder does it: `as` saturates.
fn gain(db: f64) -> impl Fn(f64) -> i16 {
    move |sample| (sample * 10_f64.powf(db / 20.0)) as i16
}

/// Speech that is clipping after a second and a quarter.
fn overdriven() -> Vec<Vec<u8>> {
    let mut stream = driven(Law::A, gain(16.0));
    stream.truncate(70);
    stream
}

#[test]
fn overdriven_speech_is_clipping_which_is_only_told() {
    let finding = only_trip(Law::A, false, &sent(&overdriven()));
    assert_eq!(finding.fault, Fault::Clipping);
    assert_eq!(finding.variant.to_string(), "saturated");
    assert!(!finding.fault.acts() && !finding.fault.is_gated());
}

#[test]
fn loud_speech_and_steady_tones_are_not_clipping() {
    for law in [Law::Mu, Law::A] {
        for db in [0.0, 6.0] {
            assert_eq!(heard(law, false, &sent(&driven(law, gain(db)))), [], "{db}");
        }
        let tone = |change: fn(f64) -> f64| {
            let samples = (0..80_000).map(|i| (f64::from(i) * 0.31).sin());
            let codes: Vec<u8> = samples
                .map(|x| law.encode_sample(change(x) as i16))
                .collect();
            sent(&packets(&codes, 160))
        };
        let sine: fn(f64) -> f64 = |x| 30_000.0 * x;
        let square: fn(f64) -> f64 = |x| 22_000.0 * x.signum();
        let howl: fn(f64) -> f64 = |x| (60_000.0 * x).clamp(-28_000.0, 28_000.0);
        for (name, change) in [("sine", sine), ("square", square), ("howl", howl)] {
            assert_eq!(heard(law, false, &tone(change)), [], "{name} {law:?}");
        }
    }
}

#[test]
fn clipping_is_over_when_the_gain_is_right_again() {
    let mut stream = overdriven();
    let end = stream.len() as u32;
    stream.extend(driven(Law::A, gain(0.0)));
    match heard(Law::A, false, &sent(&stream))[..] {
        [Change::Tripped(_), Change::Cleared(finding)] => {
            let lag = finding.to.unwrap() - PTIME * end;
            assert!(lag < Duration::from_secs(3), "{lag:?}");
        }
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn static_during_clipping_takes_its_place_as_fast_as_ever() {
    let over = overdriven();
    let noise = packets(&as_static(&speech().repeat(4), Law::A), 160);
    let stream = [over, noise].concat();
    let mut detector = Detector::new(Law::A);
    let mut times = (0_u32..).map(|index| PTIME * index);
    let alone = stream
        .iter()
        .zip(&mut times)
        .find_map(|(payload, at)| detector.observe(at, payload)?.found().copied());
    let alone = alone.expect("found without the rules");
    match heard(Law::A, false, &sent(&stream))[..] {
        [Change::Tripped(first), Change::Replaced { ended, found }] => {
            let both = [first.fault, ended.fault];
            assert_eq!(both, [Fault::Clipping; 2]);
            assert_eq!(found, alone);
            assert_eq!(ended.to, Some(found.detected_at));
        }
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn silence_for_two_seconds_is_dead_air_where_talk_is_due_and_only_there() {
    for law in [Law::Mu, Law::A] {
        let mut stream = driven(law, gain(0.0));
        let start = PTIME * stream.len() as u32;
        stream.extend(vec![vec![law.silence(); 160]; 200]);
        let finding = only_trip(law, true, &sent(&stream));
        assert_eq!(finding.fault, Fault::DeadAir);
        let took = finding.detected_at - start;
        assert!(
            took <= Duration::from_millis(2_100) && finding.from + PTIME * 25 >= start,
            "{finding:?}"
        );
        assert_eq!(heard(law, false, &sent(&stream)), [], "nobody has to talk");
    }
}

#[test]
fn the_hiss_of_a_line_and_a_click_are_dead_air_as_well_and_talk_ends_it() {
    let mut random = 1_u32;
    // Spread over +-52: -60.7 dBov.
    let mut hiss = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Law::Mu.encode_sample((random >> 16) as i16 / 630)
    };
    let mut stream: Vec<Vec<u8>> = (0..200)
        .map(|_| (0..160).map(|_| hiss()).collect())
        .collect();
    stream[60][7] = 0x90;
    stream.extend(driven(Law::Mu, gain(0.0)));
    match heard(Law::Mu, true, &sent(&stream))[..] {
        [Change::Tripped(found), Change::Cleared(ended)] => {
            assert_eq!(found.fault, Fault::DeadAir);
            assert_eq!(found.detected_at, Duration::from_secs(2));
            assert!(ended.to > Some(PTIME * 200), "{ended:?}");
        }
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn talk_with_its_pauses_and_packets_that_stay_away_are_no_dead_air() {
    let mut stream = driven(Law::Mu, gain(-12.0));
    stream.extend(vec![vec![0xFF; 160]; 90]);
    stream.extend(driven(Law::Mu, gain(0.0)));
    assert_eq!(heard(Law::Mu, true, &sent(&stream)), [], "a pause of 1.8 s");
    // The sender is silent for 20 s, and says so four times.
    let mut stream = sent(&vec![vec![0xFF; 160]; 5]);
    for (index, sent) in stream.iter_mut().enumerate() {
        sent.at = Duration::from_secs(5 * index as u64);
        sent.timestamp = 40_000 * index as u32;
    }
    assert_eq!(heard(Law::Mu, true, &stream), [], "silence suppression");
}

/// So many bytes of speech in each packet.
fn talk(bytes: usize) -> Vec<Vec<u8>> {
    packets(&speech().repeat(4), bytes)
}

#[test]
fn payloads_too_long_for_their_timestamps_and_packets_too_often_or_too_seldom_are_the_wrong_rate() {
    let ms = Duration::from_millis;
    for (bytes, every, ticks, said) in [
        (480, ms(20), 160, "samples 24000"),
        (320, ms(20), 160, "samples 16000"),
        (160, ms(20) / 3, 160, "samples 24000"),
        (160, ms(10), 160, "samples 16000"),
        (160, ms(60), 160, "samples 2666"),
        (160, ms(40), 160, "samples 4000"),
        // A clock of 16 kHz.
        (160, ms(20), 320, "timestamps 16000"),
    ] {
        let name = format!("{bytes} bytes and {ticks} ticks each {every:?}");
        let stream = paced(&talk(bytes), every, ticks);
        let good = sent(&talk(160)[..200]);
        let finding = only_trip(Law::Mu, false, &stream);
        assert_eq!(
            (finding.fault, &*finding.variant.to_string()),
            (Fault::WrongRate, said),
            "{name}"
        );
        assert!(finding.detected_at < ms(2_500), "{name}: {finding:?}");
        let after = after(good, stream);
        let finding = only_trip(Law::Mu, false, &after);
        assert!(
            finding.from >= ms(3_000) && finding.detected_at < ms(6_100),
            "{name}: {finding:?}"
        );
    }
}

/// One stream, then another that goes on in its numbers.
fn after(mut first: Vec<Sent>, second: Vec<Sent>) -> Vec<Sent> {
    let last = first.last().expect("packets").clone();
    let begin = second.first().expect("packets").clone();
    first.extend(second.into_iter().map(|sent| {
        Sent {
            at: last.at + PTIME + sent.at,
            sequence: sent
                .sequence
                .wrapping_sub(begin.sequence)
                .wrapping_add(last.sequence)
                .wrapping_add(1),
            timestamp: sent
                .timestamp
                .wrapping_sub(begin.timestamp)
                .wrapping_add(last.timestamp)
                .wrapping_add(160),
            payload: sent.payload,
        }
    }));
    first
}

#[test]
fn the_wrong_rate_is_over_when_the_rate_is_right() {
    let bad = paced(&talk(160)[..800], PTIME / 2, 160);
    let stream = after(bad, sent(&talk(160)[..600]));
    let changes = heard(Law::Mu, false, &stream);
    assert!(
        matches!(changes[..], [Change::Tripped(_), Change::Cleared(_)]),
        "{changes:?}"
    );
}

#[test]
fn nothing_that_a_network_does_to_sound_packets_is_the_wrong_rate() {
    let sound = sent(&talk(160)[..1_200]);
    let changed = |change: &dyn Fn(usize, &mut Sent)| {
        let mut stream = sound.clone();
        for (index, sent) in stream.iter_mut().enumerate() {
            change(index, sent);
        }
        stream
    };
    let ms = Duration::from_millis;
    let spoken = talk(160);
    let bursts_lost = sound
        .iter()
        .enumerate()
        .filter(|(index, _)| index % 50 < 20);
    let two_of_three_lost = sound.iter().step_by(3);
    let mut reordered = sound.clone();
    for pair in reordered.chunks_exact_mut(2) {
        let (first, second) = (pair[0].at, pair[1].at);
        pair.swap(0, 1);
        (pair[0].at, pair[1].at) = (first, second);
    }
    let fast_catch_up = |index: usize, sent: &mut Sent| {
        // Six seconds late, then at twice the pace until nothing is late any more.
        let index = index as u32;
        sent.at = PTIME * index.max(100) + ms(if index < 100 { 0 } else { 6_000 });
        if (100..700).contains(&index) {
            sent.at = PTIME * 400 + PTIME / 2 * (index - 100);
        } else if index >= 700 {
            sent.at = PTIME * index;
        }
        if index < 100 {
            sent.at = PTIME * index;
        }
    };
    for (name, stream) in [
        ("as it is", sound.clone()),
        (
            "talk for a second, a pause of two",
            changed(&|index, sent| {
                let pauses = (index / 50) as u32;
                sent.at += ms(2_000) * pauses;
                sent.timestamp = sent.timestamp.wrapping_add(16_000 * pauses);
            }),
        ),
        (
            "the same, and timestamps that stand still in pauses",
            changed(&|index, sent| {
                sent.at += ms(2_000) * (index / 50) as u32;
            }),
        ),
        (
            "a packet of silence each 100 ms",
            paced(&vec![vec![0xFF; 160]; 300], ms(100), 800),
        ),
        (
            "jitter of 60 ms",
            changed(&|index, sent| sent.at += ms(index as u64 * 7_919 % 60)),
        ),
        (
            "bursts of loss",
            bursts_lost.map(|(_, sent)| sent.clone()).collect(),
        ),
        ("two of three lost", two_of_three_lost.cloned().collect()),
        ("every pair turned round", reordered),
        (
            "a stall of six seconds and a rush",
            changed(&|index, sent| {
                if (100..400).contains(&index) {
                    sent.at = PTIME * 400;
                }
            }),
        ),
        (
            "a stall of six seconds, made up for at twice the pace",
            changed(&fast_catch_up),
        ),
        (
            "packets of 60 ms in the middle",
            after(
                after(sent(&spoken[..300]), paced(&talk(480)[..150], ms(60), 480)),
                sent(&spoken[..300]),
            ),
        ),
        (
            "a clock that is 200 ppm off",
            changed(&|index, sent| {
                sent.at += Duration::from_micros(4) * index as u32;
            }),
        ),
        (
            "a capture whose first half second was squeezed",
            changed(&|index, sent| {
                sent.at = if index < 25 {
                    PTIME / 10 * index as u32
                } else {
                    sent.at
                };
            }),
        ),
        (
            "a capture whose times were lost",
            changed(&|index, sent| {
                sent.at = Duration::from_micros(index as u64);
            }),
        ),
        (
            "timestamps that start anew",
            changed(&|index, sent| {
                sent.timestamp = sent
                    .timestamp
                    .wrapping_add(0x1234_5678 * (index / 200) as u32);
            }),
        ),
    ] {
        assert_eq!(heard(Law::Mu, false, &stream), [], "{name}");
    }
}

#[test]
fn pcm16_in_long_payloads_is_named_for_its_content() {
    let good = sent(&talk(160)[..100]);
    let bad = paced(
        &packets(&crate::detector::pcm16(&speech().repeat(3), false), 480),
        PTIME,
        160,
    );
    let finding = only_trip(Law::Mu, false, &after(good, bad));
    assert_eq!(finding.fault, Fault::Pcm16AsG711);
}
