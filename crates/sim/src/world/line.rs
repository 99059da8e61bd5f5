//! One call's line to a far end that echoes, and what befalls the audio on it: truths for the checks of content.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use squelch_media::detect::Fault;

use crate::load::content::{
    Carried, ContentVerdict, Expectation, Expected, Heard, Listener, Mark, Reference,
};
use crate::sound::{Law, Misreader};

/// What befalls the audio of one call on its way there and back.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// How long the audio takes, there and back.
    pub delay: Duration,
    /// Share of packets that get lost on the way back, 0 to 1.
    pub loss: f64,
    /// How late a packet may come, evenly spread.
    pub jitter: Duration,
    /// What is done to the audio.
    pub change: Change,
    /// The dice of loss and jitter.
    pub seed: u64,
}

/// What is done to the audio of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// To the other law and back, so often.
    Transcoded(u32),
    /// Louder or softer. **Units**: dB.
    Gain(f64),
    /// Noise of this level beside the audio's. **Units**: dB.
    Noise(f64),
    /// The other law's bytes under this law's label.
    OtherLaw,
    /// G.711 taken for PCM16 at 24 kHz from this time on.
    StaticFrom(Duration),
    /// Nothing before this time after the beginning of the first word.
    FirstWordFrom(Duration),
    /// Silence between two times.
    Silent(Duration, Duration),
    /// From the first time on another call, whose audio was sent this much earlier (or later, where it is negative).
    Swapped(Duration, Mark, i64),
    /// Not one packet.
    Deaf,
    /// The delay grows by so much at a time.
    DelayGrows(Duration, Duration),
}

impl Default for Line {
    fn default() -> Self {
        Line {
            delay: Duration::from_millis(60),
            loss: 0.0,
            jitter: Duration::from_millis(2),
            change: Change::Nothing,
            seed: 0,
        }
    }
}

/// What a listener at the call's end made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardBack {
    /// What it says of the content.
    pub verdict: ContentVerdict,
    /// Faults that it found.
    pub faults: Vec<Fault>,
    /// Packets lost, as it counts them.
    pub lost: u64,
}

impl Line {
    /// Sends `codes` over the line with `mark`, and listens to what comes back. The call lasts as long as the codes.
    pub fn run(&self, law: Law, codes: &[u8], mark: Mark, expected: Expected) -> HeardBack {
        let reference = Reference::from_packets(law, packets(codes));
        let mut listener = Listener::new(Expectation {
            law,
            expected,
            own: mark,
        });
        let back = self.back(law, codes, mark);
        let mut dice = ChaCha8Rng::from_seed(std::array::from_fn(|i| {
            self.seed.to_le_bytes()[i % 8].wrapping_add(i as u8)
        }));
        let mut arrivals = Vec::new();
        for (index, payload) in back.chunks_exact(PACKET).enumerate() {
            let (lost, late) = (roll(&mut dice), roll(&mut dice));
            if lost >= self.loss && self.change != Change::Deaf {
                let at = PACKET_TIME * index as u32 + WAY + self.jitter.mul_f64(late);
                arrivals.push((at, index, payload));
            }
        }
        arrivals.sort_by_key(|arrival| arrival.0);
        let mut arrivals = arrivals.into_iter().peekable();
        for (index, (position, _)) in packets(codes).enumerate() {
            let now = PACKET_TIME * index as u32;
            while let Some((at, index, payload)) = arrivals.next_if(|arrival| arrival.0 <= now) {
                let heard = Heard {
                    at,
                    ssrc: 0x5EED,
                    sequence: (index as u16).wrapping_add(65_000),
                    timestamp: (index as u32 * PACKET as u32).wrapping_sub(9_000),
                    carried: Carried::G711(law),
                    payload,
                };
                listener.on_packet(Some(&reference), heard);
            }
            listener.on_sent(now, position);
        }
        HeardBack {
            verdict: listener.finish(Some(&reference)),
            faults: listener.faults().to_vec(),
            lost: listener.transport().lost,
        }
    }

    /// All that comes back, from the beginning of the call on.
    fn back(&self, law: Law, codes: &[u8], mark: Mark) -> Vec<u8> {
        let sent = |mark: Mark| {
            let mut sent = codes.to_vec();
            mark.stamp(law, 0, &mut sent);
            sent
        };
        let samples = |time: Duration| (time.as_secs_f64() * 8_000.0) as usize;
        let mut own = sent(mark);
        if let Change::Swapped(from, other, earlier) = self.change {
            let other = sent(other);
            for (at, code) in own.iter_mut().enumerate().skip(samples(from)) {
                let place = at as i64 + earlier * 8;
                let theirs = usize::try_from(place).ok().and_then(|at| other.get(at));
                *code = theirs.copied().unwrap_or(law.silence());
            }
        }
        self.change_audio(law, &mut own);
        let mut back = vec![law.silence(); samples(self.delay)];
        if let Change::DelayGrows(at, by) = self.change {
            let tail = own.split_off(samples(at).min(own.len()));
            back.extend(own);
            back.extend(vec![law.silence(); samples(by)]);
            back.extend(tail);
        } else {
            back.extend(own);
        }
        back.truncate(codes.len());
        back
    }

    fn change_audio(&self, law: Law, codes: &mut Vec<u8>) {
        let samples = |time: Duration| (time.as_secs_f64() * 8_000.0) as usize;
        match self.change {
            Change::Nothing | Change::Swapped(..) | Change::Deaf | Change::DelayGrows(..) => {}
            Change::Transcoded(times) => {
                for code in codes.iter_mut() {
                    for _ in 0..times {
                        let across = law.other().encode(law.decode(*code));
                        *code = law.encode(law.other().decode(across));
                    }
                }
            }
            Change::Gain(db) => {
                let gain = 10_f64.powf(db / 20.0);
                for code in codes.iter_mut() {
                    *code = law.encode((f64::from(law.decode(*code)) * gain) as i16);
                }
            }
            Change::Noise(db) => {
                let mut dice = ChaCha8Rng::from_seed([self.seed as u8; 32]);
                let power = codes
                    .iter()
                    .map(|c| f64::from(law.decode(*c)).powi(2))
                    .sum::<f64>();
                let rms = (power / codes.len().max(1) as f64).sqrt() * 10_f64.powf(db / 20.0);
                for code in codes.iter_mut() {
                    // Even over +-sqrt(3) has a deviation of 1.
                    let noise = (2.0 * roll(&mut dice) - 1.0) * 3_f64.sqrt() * rms;
                    *code = law.encode((f64::from(law.decode(*code)) + noise) as i16);
                }
            }
            Change::OtherLaw => {
                for code in codes.iter_mut() {
                    *code = law.other().encode(law.decode(*code));
                }
            }
            Change::StaticFrom(from) => {
                let good = codes.split_off(samples(from).min(codes.len()));
                // A sixth of the time each: played one after the other, without pauses.
                codes.extend(Misreader::default().run(law, &good.repeat(6)));
            }
            Change::FirstWordFrom(time) => {
                let reference = Reference::from_packets(law, packets(codes));
                let first = reference.first_word_at().unwrap_or_default();
                let missing = samples(first + time).min(codes.len());
                codes
                    .iter_mut()
                    .take(missing)
                    .for_each(|code| *code = law.silence());
            }
            Change::Silent(from, to) => {
                let span = samples(from)..samples(to);
                for (at, code) in codes.iter_mut().enumerate() {
                    if span.contains(&at) {
                        *code = law.silence();
                    }
                }
            }
        }
    }
}

fn packets(codes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    (0..).step_by(PACKET).zip(codes.chunks_exact(PACKET))
}

/// Evenly in 0..1.
fn roll(dice: &mut ChaCha8Rng) -> f64 {
    f64::from(dice.next_u32()) / (f64::from(u32::MAX) + 1.0)
}

/// **Units**: samples; 20 ms.
const PACKET: usize = 160;
const PACKET_TIME: Duration = Duration::from_millis(20);
/// A packet's own way back; the audio's delay is beside it.
const WAY: Duration = Duration::from_millis(3);
