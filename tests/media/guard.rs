//! What the guard makes of broken audio, judged by what is heard: with tables, a misreader and a meter of static
//! that are not squelch's own.

use crate::call::{Call, Sent, packet_at, plan};
use crate::detector::{packets, speech};
use squelch_media::audio::level;
use squelch_media::detect::{Fault, Finding};
use squelch_media::{Format, GuardAction, MediaEvent, Side};
use squelch_sim::check::static_time;
use squelch_sim::sound::{Law, Misreader, double_rate, pcm16_bytes, triple_rate};
use std::time::Duration;

const PTIME: Duration = Duration::from_millis(20);

/// A call under a guard, and all that the other side heard.
struct Guarded {
    call: Call,
    side: Side,
    sequence: u16,
    timestamp: u32,
    heard: Vec<Sent>,
    faults: Vec<Finding>,
    cleared: Vec<Finding>,
}

impl Guarded {
    fn new(side: Side, action: GuardAction) -> Guarded {
        let mut plan = plan(Format::Pcmu, Format::Pcmu);
        plan.guard.action = action;
        let mut call = Call::new(&plan);
        // The one who listens is there.
        let hello = packet_at(0, true, 1, 1, 9, &[0xFF; 160]);
        call.send(side.other(), &hello).expect("relayed");
        Guarded {
            call,
            side,
            sequence: 64_000,
            timestamp: 7,
            heard: Vec::new(),
            faults: Vec::new(),
            cleared: Vec::new(),
        }
    }

    /// Sends payloads one after another, `ticks` of the RTP clock apart; gives those that were heard of them.
    fn say(&mut self, payloads: &[Vec<u8>], ticks: u32) -> Vec<Sent> {
        let first = self.heard.len();
        for payload in payloads {
            let packet = packet_at(0, false, self.sequence, self.timestamp, 3, payload);
            self.sequence = self.sequence.wrapping_add(1);
            self.timestamp = self.timestamp.wrapping_add(ticks);
            let sent = self.call.send(self.side, &packet).expect("relayed");
            self.heard.push(sent);
            while let Some(event) = self.call.bridge.poll_event() {
                match event {
                    MediaEvent::Fault { side, finding } => {
                        assert_eq!(side, self.side);
                        self.faults.push(finding);
                    }
                    MediaEvent::Cleared { side, finding } => {
                        assert_eq!(side, self.side);
                        self.cleared.push(finding);
                    }
                    MediaEvent::Learned { .. }
                    | MediaEvent::Mismatch { .. }
                    | MediaEvent::OneWay { .. }
                    | MediaEvent::OneWayOver { .. } => {}
                }
            }
        }
        self.heard[first..].to_vec()
    }

    fn muted(&self) -> Duration {
        self.call.bridge.guard().muted
    }

    fn repaired(&self) -> Duration {
        self.call.bridge.guard().repaired
    }
}

fn pcm(heard: &[Sent]) -> Vec<i16> {
    heard
        .iter()
        .flat_map(|sent| Law::Mu.decode_all(&sent.payload))
        .collect()
}

fn spoken() -> Vec<Vec<u8>> {
    packets(&speech(), 160)
}

/// The seed's static, made of `seconds` of speech six times as long.
fn static_bytes() -> Vec<Vec<u8>> {
    let misread = Misreader::default().run(Law::Mu, &speech().repeat(6));
    packets(&misread, 160)
}

/// The packets from OpenAI go on one after another in the carrier's ear, whatever the guard did.
fn assert_continuous(heard: &[Sent]) {
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
        assert_eq!(pair[1].payload_type, 0);
    }
    assert!(heard.iter().all(|sent| sent.payload.len() == 160));
}

#[test]
fn static_from_either_leg_is_muted_and_speech_after_it_is_let_through() {
    for side in Side::ALL {
        for action in [GuardAction::Mute, GuardAction::Protect] {
            let mut guarded = Guarded::new(side, action);
            let (speech, noise) = (spoken(), static_bytes());
            let before = guarded.say(&speech, 160);
            assert!(
                before.iter().zip(&speech).all(|(a, b)| a.payload == *b),
                "speech is not touched"
            );
            let during = guarded.say(&noise, 160);
            let after = guarded.say(&speech, 160);

            let said = static_time(&Law::Mu.decode_all(&noise.concat()));
            assert!(said > Duration::from_secs(1), "{said:?} of static was said");
            let heard = static_time(&pcm(&during)) + static_time(&pcm(&after));
            assert!(
                heard <= Duration::from_millis(200),
                "{heard:?} of {said:?} was heard"
            );
            assert_eq!(guarded.faults.len(), 1);
            assert_eq!(guarded.faults[0].fault, Fault::G711AsPcm16);
            assert_eq!(guarded.cleared.len(), 1);
            assert_continuous(&guarded.heard);

            // Speech comes back whole, but for the time it takes to believe it and a fade of one packet.
            let last = speech.len() / 2;
            assert!(
                after[last..]
                    .iter()
                    .zip(&speech[last..])
                    .all(|(a, b)| a.payload == *b)
            );
            let muted = guarded.muted();
            assert!(muted > said / 2 && muted < PTIME * (noise.len() + last) as u32);
            assert_eq!(guarded.repaired(), Duration::ZERO);
        }
    }
}

#[test]
fn what_is_heard_instead_of_static_is_soft_and_does_not_click() {
    let mut guarded = Guarded::new(Side::Openai, GuardAction::Protect);
    guarded.say(&spoken(), 160);
    let heard = pcm(&guarded.say(&static_bytes(), 160));
    let tripped = guarded.faults[0].detected_at.as_millis() as usize / 20;
    let muted = &heard[(tripped + 1 - spoken().len()) * 160..];
    for packet in muted.chunks(160) {
        let level = level::rms_dbov(packet);
        assert!(level <= -49.0, "{level} dBov");
    }
    // The packet of the trip fades down from what was heard before it.
    let fade = &heard[(tripped - spoken().len()) * 160 - 1..][..161];
    let step = fade
        .windows(2)
        .map(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs())
        .max();
    assert!(step < Some(2_200), "{step:?}");
    assert!(fade[41..].iter().all(|sample| sample.abs() < 300));
}

#[test]
fn silence_within_the_static_lets_nothing_out() {
    let mut guarded = Guarded::new(Side::Openai, GuardAction::Protect);
    guarded.say(&static_bytes(), 160);
    let before = guarded.muted();
    guarded.say(&vec![vec![0xFF; 160]; 250], 160);
    assert_eq!(guarded.muted() - before, PTIME * 250);
    let heard = guarded.say(&static_bytes(), 160);
    assert_eq!(static_time(&pcm(&heard)), Duration::ZERO);
    assert_eq!((guarded.faults.len(), guarded.cleared.len()), (1, 0));
}

/// The same speech as PCM16 in packets of 20 ms.
fn as_pcm16(rate: usize, big: bool) -> Vec<Vec<u8>> {
    let samples = Law::Mu.decode_all(&speech());
    let samples = match rate {
        8_000 => samples,
        16_000 => double_rate(&samples),
        _ => triple_rate(&samples),
    };
    let mut bytes = pcm16_bytes(&samples);
    if big {
        for pair in bytes.chunks_exact_mut(2) {
            pair.swap(0, 1);
        }
    }
    packets(&bytes, rate / 50 * 2)
}

/// How alike two recordings are at the best delay up to 30 ms, 0 to 1.
fn likeness(heard: &[i16], said: &[i16]) -> f64 {
    (0..240)
        .map(|delay| {
            let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
            for (a, b) in heard.iter().skip(delay).zip(said) {
                let (a, b) = (f64::from(*a), f64::from(*b));
                both += a * b;
                one += a * a;
                other += b * b;
            }
            both / (one * other).sqrt().max(1.0)
        })
        .fold(0.0, f64::max)
}

#[test]
fn pcm16_that_arrives_in_real_time_is_repaired() {
    for (rate, big) in [
        (8_000, false),
        (8_000, true),
        (16_000, false),
        (16_000, true),
        (24_000, false),
        (24_000, true),
    ] {
        let mut guarded = Guarded::new(Side::Openai, GuardAction::Protect);
        guarded.say(&spoken(), 160);
        guarded.say(&as_pcm16(rate, big), 160);
        // By now it is found; what is said from here on is heard as speech.
        let heard = guarded.say(&as_pcm16(rate, big), 160);
        assert_eq!(guarded.faults.len(), 1, "{rate} {big}");
        assert_eq!(guarded.faults[0].fault, Fault::Pcm16AsG711);
        let likeness = likeness(&pcm(&heard), &Law::Mu.decode_all(&speech()));
        assert!(likeness > 0.97, "{rate} {big}: {likeness}");
        assert_continuous(&heard);
        assert!(guarded.repaired() > PTIME * heard.len() as u32);
        // The packet of the trip, while the resampler is made.
        let unready = if rate == 8_000 { Duration::ZERO } else { PTIME };
        assert!(
            guarded.muted() <= unready * (rate / 8_000) as u32,
            "{rate} {big}"
        );
    }
}

#[test]
fn repaired_audio_keeps_its_time_where_the_sender_counts_bytes_as_ticks() {
    let mut guarded = Guarded::new(Side::Openai, GuardAction::Protect);
    guarded.say(&spoken(), 160);
    guarded.say(&as_pcm16(24_000, false), 960);
    let mut heard = guarded.say(&as_pcm16(24_000, false), 960);
    heard.extend(guarded.say(&spoken(), 160));
    assert!(guarded.repaired() > PTIME * spoken().len() as u32);
    assert_eq!(guarded.cleared.len(), 1);
    assert_continuous(&heard);
}

#[test]
fn pcm16_cut_into_the_usual_packets_comes_too_slowly_and_is_muted() {
    let mut guarded = Guarded::new(Side::Openai, GuardAction::Protect);
    guarded.say(&spoken(), 160);
    let slow = packets(&as_pcm16(24_000, false).concat(), 160);
    let heard = guarded.say(&slow, 160);
    assert_eq!(guarded.faults[0].fault, Fault::Pcm16AsG711);
    let late = pcm(&heard[50..]);
    assert!(level::rms_dbov(&late) <= -49.0);
    assert_eq!(guarded.repaired(), Duration::ZERO);
    assert_continuous(&guarded.heard);
}

#[test]
fn a_guard_that_may_only_mute_repairs_nothing() {
    let mut guarded = Guarded::new(Side::Openai, GuardAction::Mute);
    guarded.say(&spoken(), 160);
    let heard = guarded.say(&as_pcm16(24_000, false), 160);
    assert_eq!(guarded.repaired(), Duration::ZERO);
    assert!(guarded.muted() > PTIME * 200, "{:?}", guarded.muted());
    let late = &heard[50..];
    assert!(late.iter().all(|sent| sent.payload.len() == 160));
    assert!(level::rms_dbov(&pcm(late)) <= -49.0);
}

#[test]
fn a_guard_that_observes_reports_and_touches_nothing() {
    let mut guarded = Guarded::new(Side::Openai, GuardAction::Observe);
    let mut said = spoken();
    said.extend(static_bytes());
    said.extend(spoken());
    let heard = guarded.say(&said, 160);
    assert!(heard.iter().zip(&said).all(|(a, b)| a.payload == *b));
    assert_eq!((guarded.faults.len(), guarded.cleared.len()), (1, 1));
    assert_eq!(guarded.muted(), Duration::ZERO);
    let current = guarded.call.bridge.current_fault(Side::Openai);
    assert_eq!(current, None, "it is over");
}

#[test]
fn the_other_direction_is_heard_while_one_is_muted() {
    let mut guarded = Guarded::new(Side::Openai, GuardAction::Protect);
    guarded.say(&static_bytes(), 160);
    assert!(guarded.call.bridge.current_fault(Side::Openai).is_some());
    assert!(guarded.call.bridge.current_fault(Side::Carrier).is_none());
    let speech = spoken();
    for (sequence, payload) in (2..).zip(&speech) {
        let packet = packet_at(0, false, sequence, 160 * u32::from(sequence), 9, payload);
        let sent = guarded.call.send(Side::Carrier, &packet).expect("relayed");
        assert_eq!(sent.payload, *payload);
    }
}
