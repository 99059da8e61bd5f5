//! One packet for ever; and the sounds that repeat as exactly, packet for packet, because that is their period.

use crate::detector::{packets, speech};
use squelch_g711::Law;
use squelch_media::detect::{Change, Detector, Fault};
use std::f64::consts::TAU;
use std::time::Duration;

const PTIME: Duration = Duration::from_millis(20);

fn changes(law: Law, payloads: &[Vec<u8>]) -> Vec<Change> {
    let mut detector = Detector::new(law);
    let mut at = (0..).map(|index| PTIME * index);
    let changes = payloads
        .iter()
        .zip(&mut at)
        .filter_map(|(payload, at)| detector.observe(at, payload));
    changes.collect()
}

fn in_law(law: Law) -> Vec<Vec<u8>> {
    let mut codes = speech();
    squelch_g711::convert_in_place(Law::Mu, law, &mut codes);
    packets(&codes, 160)
}

fn level(law: Law, payload: &[u8]) -> f64 {
    let samples = payload.iter().map(|code| law.decode_sample(*code));
    let power: f64 = samples.map(|sample| f64::from(sample).powi(2)).sum();
    (power / payload.len() as f64).sqrt()
}

/// Numbers from 0 to 1, the same each time.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 8) / f64::from(1 << 24)
    }

    fn pick(&mut self, options: &[u32]) -> f64 {
        f64::from(options[(self.next() * options.len() as f64) as usize])
    }
}

/// 400 ms of a sound, from its value at each moment in seconds.
fn sounding(law: Law, sound: impl Fn(f64) -> f64) -> Vec<Vec<u8>> {
    let codes: Vec<u8> = (0..3_200)
        .map(|at| law.encode_sample(sound(f64::from(at) / 8_000.0) as i16))
        .collect();
    packets(&codes, 160)
}

#[test]
fn most_packets_of_speech_that_repeat_are_found_in_300_ms() {
    for law in [Law::Mu, Law::A] {
        let spoken = in_law(law);
        let heard: Vec<&Vec<u8>> = spoken
            .iter()
            .filter(|payload| level(law, payload) > 300.0)
            .collect();
        let mut found = 0;
        for payload in &heard {
            let stream = [spoken[..20].to_vec(), vec![payload.to_vec(); 16]].concat();
            let stuck = changes(law, &stream)
                .iter()
                .any(|change| change.found().is_some_and(|f| f.fault == Fault::Stuck));
            found += usize::from(stuck);
        }
        assert!(heard.len() > 150, "{}", heard.len());
        assert!(
            found * 10 > heard.len() * 7,
            "{law:?}: {found} of {}",
            heard.len()
        );
    }
}

#[test]
fn no_tone_is_stuck_however_exactly_it_repeats() {
    let mut numbers = Numbers(1);
    for round in 0..100 {
        let law = if round % 2 == 0 { Law::Mu } else { Law::A };
        let loud = 1_000.0 + 14_000.0 * numbers.next();
        // Chords of multiples of 50 Hz.
        for count in [1, 2, 3, 5, 8] {
            let sines: Vec<(f64, f64, f64)> = (0..count)
                .map(|_| {
                    let frequency = 50.0 * (1.0 + (70.0 * numbers.next()).floor());
                    (frequency, TAU * numbers.next(), 0.2 + 0.8 * numbers.next())
                })
                .collect();
            let all: f64 = sines.iter().map(|sine| sine.2).sum();
            let chord = |at: f64| -> f64 {
                let sines = sines
                    .iter()
                    .map(|(f, phase, size)| size * (TAU * f * at + phase).sin());
                sines.sum::<f64>() / all
            };
            let stream = sounding(law, |at| loud * chord(at));
            assert!(never_stuck(law, &stream), "{law:?} {loud} {sines:?}");
            if count <= 2 {
                let cut = |at: f64| (40_000.0 * chord(at)).clamp(-12_000.0, 12_000.0);
                let stream = sounding(law, cut);
                assert!(never_stuck(law, &stream), "cut: {law:?} {sines:?}");
            }
        }
        // Buzzers.
        let frequency = numbers.pick(&[50, 50, 100, 150, 250, 350, 450, 550, 650, 950]);
        let (phase, width) = (numbers.next(), 0.02 + 0.3 * numbers.next());
        let turn = |at: f64| (frequency * at + phase).fract();
        type Shape<'a> = &'a dyn Fn(f64) -> f64;
        let shapes: [(&str, Shape<'_>); 4] = [
            ("sawtooth", &|at| 2.0 * turn(at) - 1.0),
            ("square", &|at| if turn(at) < 0.5 { 1.0 } else { -1.0 }),
            ("triangle", &|at| (4.0 * turn(at) - 2.0).abs() - 1.0),
            ("pulse", &|at| if turn(at) < width { 1.0 } else { 0.0 }),
        ];
        for (name, shape) in shapes {
            let stream = sounding(law, |at| loud * shape(at));
            assert!(
                never_stuck(law, &stream),
                "{name} of {frequency} Hz from {phase}, {law:?}"
            );
        }
    }
}

#[test]
fn no_tone_of_the_telephone_network_is_stuck() {
    let low = [697.0, 770.0, 852.0, 941.0];
    let high = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let digits = low.iter().flat_map(|a| high.map(|b| vec![*a, b]));
    // Dial, ringing and busy tones of North America, Europe, Britain and Japan; special information, fax and modem.
    let others = [
        vec![350.0, 440.0],
        vec![440.0, 480.0],
        vec![480.0, 620.0],
        vec![425.0],
        vec![350.0, 450.0],
        vec![400.0, 450.0],
        vec![400.0],
        vec![384.0, 416.0],
        vec![950.0],
        vec![1_400.0],
        vec![1_800.0],
        vec![1_100.0],
        vec![2_100.0],
        vec![1_000.0],
        vec![50.0, 150.0],
    ];
    for law in [Law::Mu, Law::A] {
        for tones in digits.clone().chain(others.clone()) {
            for loud in [600.0, 3_000.0, 20_000.0] {
                let chord = |at: f64| -> f64 {
                    let sines = tones.iter().map(|f| (TAU * f * at).sin());
                    loud * sines.sum::<f64>() / tones.len() as f64
                };
                let stream = sounding(law, chord);
                assert_eq!(changes(law, &stream), [], "{tones:?} at {loud}, {law:?}");
            }
        }
    }
}

#[test]
fn silence_after_it_ends_it_as_speech_does() {
    for law in [Law::Mu, Law::A] {
        let spoken = in_law(law);
        let loudest = spoken
            .iter()
            .max_by(|a, b| level(law, a).total_cmp(&level(law, b)))
            .expect("packets");
        for after in [vec![vec![law.silence(); 160]; 50], spoken[40..90].to_vec()] {
            let stream = [spoken[..20].to_vec(), vec![loudest.clone(); 60], after].concat();
            let [Change::Tripped(found), Change::Cleared(ended)] = changes(law, &stream)[..] else {
                panic!("{:?}", changes(law, &stream));
            };
            assert_eq!(found.fault, Fault::Stuck);
            let lag = ended.to.expect("over") - PTIME * 80;
            assert!(
                lag <= Duration::from_millis(200),
                "{law:?} {lag:?} {found:?} {ended:?}"
            );
        }
        // A packet of something else now and then ends nothing.
        let mut stream = vec![loudest.clone(); 200];
        for at in (30..200).step_by(5) {
            stream[at] = vec![law.silence(); 160];
        }
        assert!(matches!(changes(law, &stream)[..], [Change::Tripped(_)]));
    }
}

#[test]
fn one_loud_byte_for_ever_is_stuck_unless_the_audio_glided_into_it() {
    for law in [Law::Mu, Law::A] {
        let spoken = in_law(law)[..30].to_vec();
        for byte in [0x00, 0x80, 0x2A] {
            if law.decode_sample(byte).unsigned_abs() < 4_096 {
                continue;
            }
            let stream = [spoken.clone(), vec![vec![byte; 160]; 20]].concat();
            assert!(!never_stuck(law, &stream), "{byte:#04x} {law:?}");
        }
        // Speech over an offset that a gain of 24 dB made of a small one; then a pause.
        let offset = 14_000_i32;
        let mut driven: Vec<Vec<u8>> = spoken
            .iter()
            .map(|payload| {
                let samples = payload.iter().map(|code| law.decode_sample(*code));
                let raised = samples.map(|sample| i32::from(sample) / 4 + offset);
                raised
                    .map(|sample| law.encode_sample(sample as i16))
                    .collect()
            })
            .collect();
        driven.extend(vec![vec![law.encode_sample(offset as i16); 160]; 40]);
        assert!(never_stuck(law, &driven), "{law:?}");
    }
}

fn never_stuck(law: Law, stream: &[Vec<u8>]) -> bool {
    let changes = changes(law, stream);
    let found = changes.iter().filter_map(Change::found);
    found
        .into_iter()
        .all(|finding| finding.fault != Fault::Stuck)
}
