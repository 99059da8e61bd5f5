//! Whole calls with their media: gateway, bridges, a carrier and OpenAI in one world.

mod dead_air;
mod encrypted;
mod end_to_end;
mod impaired;
mod mending;
mod policies;
mod redialling;
mod seed;
mod static_from_openai;
mod strangers;
mod transcoded;
mod witnesses;

use serde_json::{Value, json};
use squelch::demo::voices;
use squelch_sim::peer::carrier::{CallKey, Script};
use squelch_sim::world::{Setup, World};
use std::time::{Duration, Instant};

/// The usual world: both speak, squelch accepts.
fn setup() -> Setup {
    Setup::new(7, voices::assistant())
}

/// A world with a call that has been up for `seconds`.
fn call_of(setup: Setup, seconds: u64) -> (World, CallKey) {
    let mut world = World::new(Instant::now(), setup);
    let call = world.call(World::plan(voices::caller()));
    world.run(Duration::from_secs(seconds));
    (world, call)
}

/// What the caller heard so far.
fn heard(world: &World, call: CallKey) -> Vec<i16> {
    world.heard_by_carrier(call).expect("a call").samples()
}

/// The update that clobbers a session's formats: tools, and nothing of audio.
fn tools() -> Value {
    json!({"type": "session.update", "session": {"type": "realtime", "tools": [
        {"type": "function", "name": "look_up_order"}]}})
}

/// The update that mends them.
fn formats(name: &str) -> Value {
    let format = json!({"format": {"type": name}});
    json!({"type": "session.update", "session": {"type": "realtime",
        "audio": {"input": format, "output": format}}})
}

/// The greatest correlation of a quarter of a second of `played`, from `from` on, with any part of `heard`.
fn likeness(played: &[i16], from: usize, heard: &[i16]) -> f64 {
    let part = &played[from..from + 2_000];
    let dot = |a: &[i16], b: &[i16]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| i64::from(*a) * i64::from(*b));
        products.sum::<i64>() as f64
    };
    let own = dot(part, part);
    let mut best: f64 = 0.0;
    for window in heard.windows(part.len()) {
        let product = dot(part, window);
        if product > 0.0 {
            best = best.max(product / (own * dot(window, window)).sqrt());
        }
    }
    best
}

/// Root mean square of samples.
fn level(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    (power / samples.len().max(1) as f64).sqrt()
}

/// A script's samples, as a carrier plays them.
fn samples_of(capture: &[u8]) -> Vec<i16> {
    use squelch_pcap::replay::{Choice, schedule};
    use squelch_sim::peer::recording::Recording;
    let packets = squelch_pcap::Reader::new(capture).expect("a capture");
    let stream = schedule(packets.map_while(Result::ok), Choice::Longest).expect("a stream");
    let mut recording = Recording::default();
    for (at, packet) in stream.packets {
        recording.push(at, &packet);
    }
    recording.samples()
}

fn caller_samples() -> Vec<i16> {
    samples_of(include_bytes!("../../../pcap-samples/clean-pcma.pcap"))
}

fn assistant_samples() -> Vec<i16> {
    samples_of(include_bytes!("../../../pcap-samples/clean-pcmu.pcap"))
}

/// Nothing but silence, for a caller that only listens.
fn silence() -> Script {
    Script::from_samples(&[0; 8_000], squelch_sim::sound::Law::Mu).repeated()
}
