//! A call whose speech was taken for the other law's on its way: what is heard under the guard is the speech again, as
//! far as it can be. The companding here is not squelch's own.

use crate::call::{Call, Sent, packet_at, plan};
use crate::detector::{packets, speech};
use squelch_media::detect::{Detector, Fault, Finding};
use squelch_media::{Format, MediaEvent, Side};
use squelch_sim::sound::Law;
use std::time::Duration;

/// What happened to each code of `law` before it came under a label.
#[derive(Clone, Copy, Debug)]
enum Confused {
    /// The other law's label on it, and nothing else.
    Relabelled,
    /// Decoded by the other law, encoded by its own, and brought to the other from there.
    Transcoded,
    /// Decoded by the other law, and encoded by its own.
    Misread,
}

impl Confused {
    const ALL: [Confused; 3] = [
        Confused::Relabelled,
        Confused::Transcoded,
        Confused::Misread,
    ];

    fn code(self, law: Law, code: u8) -> u8 {
        let wrong = |code| law.encode(other(law).decode(code));
        match self {
            Confused::Relabelled => code,
            Confused::Transcoded => other(law).encode(law.decode(wrong(code))),
            Confused::Misread => wrong(code),
        }
    }

    fn label(self, law: Law) -> Law {
        match self {
            Confused::Relabelled | Confused::Transcoded => other(law),
            Confused::Misread => law,
        }
    }
}

#[test]
fn speech_that_was_taken_for_the_other_law_s_is_heard_as_it_was() {
    for law in [Law::Mu, Law::A] {
        for confused in Confused::ALL {
            for gain in [1, 4] {
                let samples: Vec<i16> = Law::Mu
                    .decode_all(&speech())
                    .iter()
                    .map(|sample| sample.saturating_mul(gain))
                    .collect();
                let codes = law.encode_all(&samples);
                let came: Vec<u8> = codes.iter().map(|code| confused.code(law, *code)).collect();
                let label = confused.label(law);
                let (heard, finding) = heard(label, &came);
                let told = format!("{law:?} {confused:?} x{gain}: {finding:?}");
                assert_eq!(finding.fault, Fault::LawMismatch, "{told}");

                // From the second time it is said it is known, and so all of it is repaired.
                let clean = law.decode_all(&codes);
                let before = snr(&clean, &label.decode_all(&came));
                let after = snr(&clean, &label.decode_all(&heard));
                assert!(before < 0.0, "{told}: {before:.1} dB unmended");
                let least = match (confused, law, gain) {
                    // All that is left is what the label's law, in which it leaves, can tell apart.
                    (Confused::Relabelled, ..) => 34.0,
                    // The loudest codes may be one of two.
                    (_, Law::Mu, 4) => 19.0,
                    (_, Law::Mu, _) => 33.0,
                    (_, Law::A, _) => 25.0,
                };
                assert!(after >= least, "{told}: {after:.1} dB, not {least}");
            }
        }
    }
}

#[test]
fn what_was_done_to_the_codes_is_told() {
    for law in [Law::Mu, Law::A] {
        for confused in Confused::ALL {
            let codes = law.encode_all(&Law::Mu.decode_all(&speech()));
            let came: Vec<u8> = codes.iter().map(|code| confused.code(law, *code)).collect();
            let said = packets(&came, 160);
            let (own, theirs) = match law {
                Law::Mu => ("pcmu", "pcma"),
                Law::A => ("pcma", "pcmu"),
            };
            let expected = match confused {
                Confused::Relabelled => own.to_string(),
                Confused::Transcoded => format!("{own} transcoded"),
                Confused::Misread => format!("{own} read as {theirs}"),
            };
            for start in (0..said.len() - 100).step_by(10) {
                let mut detector = Detector::new(format(confused.label(law)).law());
                for (at, payload) in said[start..].iter().take(100).enumerate() {
                    detector.observe(Duration::from_millis(20 * at as u64), payload);
                }
                let finding = detector.finish(Duration::from_secs(2)).expect("found");
                assert_eq!(
                    (finding.fault, finding.variant.to_string()),
                    (Fault::LawMismatch, expected.clone()),
                    "from packet {start}"
                );
            }
        }
    }
}

/// What the carrier hears when OpenAI's leg says this twice under a label; that of the second time.
fn heard(label: Law, codes: &[u8]) -> (Vec<u8>, Finding) {
    let format = format(label);
    let mut call = Call::new(&plan(format, format));
    let number = format.offered_payload_type().number();
    let silence = [label.encode(0); 160];
    call.send(Side::Carrier, &packet_at(number, true, 1, 1, 9, &silence))
        .expect("relayed");
    let said = packets(&codes.repeat(2), 160);
    let heard: Vec<Sent> = (0..)
        .zip(&said)
        .map(|(sequence, payload)| {
            let timestamp = 160 * u32::from(sequence);
            let packet = packet_at(number, false, sequence, timestamp, 3, payload);
            call.send(Side::Openai, &packet).expect("relayed")
        })
        .collect();
    let findings: Vec<Finding> = std::iter::from_fn(|| call.bridge.poll_event())
        .filter_map(|event| match event {
            MediaEvent::Fault { finding, .. } => Some(finding),
            _ => None,
        })
        .collect();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let second = &heard[heard.len() / 2..];
    let payloads = second.iter().flat_map(|sent| sent.payload.clone());
    (payloads.collect(), findings[0])
}

/// How far the speech lies above what differs from it. **Units**: dB.
fn snr(clean: &[i16], heard: &[i16]) -> f64 {
    let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|x| x * x).sum::<f64>();
    let signal = power(&mut clean.iter().map(|x| f64::from(*x)));
    let pairs = clean.iter().zip(heard);
    let noise = power(&mut pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)));
    10.0 * (signal / noise.max(1.0)).log10()
}

fn format(law: Law) -> Format {
    match law {
        Law::Mu => Format::Pcmu,
        Law::A => Format::Pcma,
    }
}

fn other(law: Law) -> Law {
    match law {
        Law::Mu => Law::A,
        Law::A => Law::Mu,
    }
}
