//! Measures the checks of content: `cargo run --release -p squelch-sim --example content`.
//!
//! Calls of 15 s of speech out of pcap-samples go over lines that are good, and over lines on which something is
//! wrong; the table says in how many of them what was said. Exit code 2 where the samples are missing.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use std::process::ExitCode;
use std::time::Duration;

use squelch_pcap::Reader;
use squelch_pcap::replay::{Choice, schedule};
use squelch_sim::load::content::{Expected, Mark, Problem};
use squelch_sim::peer::rtp::Header;
use squelch_sim::sound::Law;
use squelch_sim::world::line::{Change, HeardBack, Line};

fn main() -> ExitCode {
    let speech = match speech() {
        Ok(speech) => speech,
        Err(problem) => {
            eprintln!("content: {problem}");
            return ExitCode::from(2);
        }
    };
    let calls: u64 = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(200);
    println!(
        "{calls} calls of 15 s a line, out of {} s of speech, half of them PCMA",
        speech.len() / 8_000
    );
    println!("{:<34} {:>6} {:>7}  said", "line", "wrong", "marks");
    for (name, line, truth) in lines() {
        measure(&speech, calls, name, &line, truth);
    }
    ExitCode::SUCCESS
}

/// What must be said of a line's calls: nothing, or this and nothing else but what may follow from it.
#[derive(Clone, Copy, PartialEq)]
enum Truth {
    Good,
    Problem(&'static str),
    Fault,
}

fn lines() -> Vec<(&'static str, Line, Truth)> {
    let line = |change| Line {
        change,
        ..Line::default()
    };
    let ms = Duration::from_millis;
    let swapped = |earlier| line(Change::Swapped(ms(0), Mark(0), earlier));
    let mut lines = vec![
        ("nothing", line(Change::Nothing), Truth::Good),
        (
            "other law and back",
            line(Change::Transcoded(1)),
            Truth::Good,
        ),
        (
            "the same five times",
            line(Change::Transcoded(5)),
            Truth::Good,
        ),
        ("6 dB softer", line(Change::Gain(-6.0)), Truth::Good),
        ("3 dB louder", line(Change::Gain(3.0)), Truth::Good),
        ("noise 20 dB below", line(Change::Noise(-20.0)), Truth::Good),
        ("noise 10 dB below", line(Change::Noise(-10.0)), Truth::Good),
        (
            "delay grows by 60 ms",
            line(Change::DelayGrows(ms(6_000), ms(60))),
            Truth::Good,
        ),
        (
            "other call, at the same time",
            swapped(0),
            Truth::Problem("cross_talk"),
        ),
        (
            "other call, 40 ms before",
            swapped(40),
            Truth::Problem("cross_talk"),
        ),
        (
            "other call, 4 s before",
            swapped(4_000),
            Truth::Problem("cross_talk"),
        ),
        (
            "other call from 7 s on",
            line(Change::Swapped(ms(7_000), Mark(0), 20)),
            Truth::Problem("cross_talk"),
        ),
        (
            "40 ms of the beginning gone",
            line(Change::FirstWordFrom(ms(40))),
            Truth::Good,
        ),
        (
            "first word's 100 ms gone",
            line(Change::FirstWordFrom(ms(100))),
            Truth::Problem("first_word_clipped"),
        ),
        (
            "first word's 300 ms gone",
            line(Change::FirstWordFrom(ms(300))),
            Truth::Problem("first_word_clipped"),
        ),
        (
            "silent from 5 to 7 s",
            line(Change::Silent(ms(5_000), ms(7_000))),
            Truth::Problem("silence"),
        ),
        (
            "silent all along",
            line(Change::Silent(ms(0), ms(60_000))),
            Truth::Problem("silence"),
        ),
        (
            "not one packet",
            line(Change::Deaf),
            Truth::Problem("one_way"),
        ),
        (
            "the other law's bytes",
            line(Change::OtherLaw),
            Truth::Fault,
        ),
        (
            "static from 5 s on",
            line(Change::StaticFrom(ms(5_000))),
            Truth::Problem("other_speech"),
        ),
    ];
    for delay in [0, 20, 100, 250, 500] {
        let line = Line {
            delay: ms(delay),
            ..Line::default()
        };
        let name = [
            "delay 0",
            "delay 20 ms",
            "delay 100 ms",
            "delay 250 ms",
            "delay 500 ms",
        ];
        let at = [0, 20, 100, 250, 500].iter().position(|d| *d == delay);
        lines.push((name[at.unwrap_or(0)], line, Truth::Good));
    }
    for (name, loss) in [("1 % lost", 0.01), ("5 % lost", 0.05), ("20 % lost", 0.2)] {
        lines.push((
            name,
            Line {
                loss,
                ..Line::default()
            },
            Truth::Good,
        ));
    }
    let rough = Line {
        jitter: ms(60),
        ..Line::default()
    };
    lines.push(("60 ms of jitter, reordering", rough, Truth::Good));
    lines
}

fn measure(speech: &[i16], calls: u64, name: &str, line: &Line, truth: Truth) {
    let (mut wrong, mut marks, mut said) = (0, 0, std::collections::BTreeMap::new());
    for seed in 0..calls {
        let law = if seed % 2 == 0 { Law::Mu } else { Law::A };
        // From the beginning of a word on: what clips the beginning clips that.
        let from = onset(
            speech,
            (seed as usize * 7_919 * 13) % (speech.len() - CALL - 16_000),
        );
        let codes = law.encode_all(&speech[from..from + CALL]);
        let mut line = Line {
            seed,
            ..line.clone()
        };
        if let Change::Swapped(at, _, earlier) = line.change {
            line.change = Change::Swapped(at, Mark(seed as u32 + 1), earlier);
        }
        let heard = line.run(law, &codes, Mark(seed as u32), Expected::Echo);
        marks += heard.verdict.own_marks;
        let right = is_right(&heard, truth, seed as u32 + 1);
        wrong += u64::from(!right);
        if !right && std::env::var_os("SHOW").is_some() {
            println!("  {seed}: {heard:?}");
        }
        for problem in &heard.verdict.problems {
            *said.entry(problem.name()).or_insert(0) += 1;
        }
        for fault in &heard.faults {
            *said.entry(fault.name()).or_insert(0) += 1;
        }
    }
    let said: Vec<String> = said
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    println!(
        "{name:<34} {wrong:>6} {:>7.1}  {}",
        f64::from(marks) / calls as f64,
        said.join(", ")
    );
}

fn is_right(heard: &HeardBack, truth: Truth, other: u32) -> bool {
    let problems = &heard.verdict.problems;
    match truth {
        Truth::Good => problems.is_empty() && heard.faults.is_empty(),
        Truth::Problem("cross_talk") => problems.contains(&Problem::CrossTalk(Mark(other))),
        Truth::Problem(name) => problems.iter().any(|problem| problem.name() == name),
        Truth::Fault => !heard.faults.is_empty(),
    }
}

/// The place of the next sound after a pause: so that a call begins with a word.
fn onset(speech: &[i16], from: usize) -> usize {
    let loud = |at: usize| {
        speech[at..at + 160]
            .iter()
            .map(|s| i64::from(*s).pow(2))
            .sum::<i64>()
            > 160 * 300_000
    };
    let mut at = from;
    while at < from + 15_000 && (loud(at) || !loud(at + 160)) {
        at += 160;
    }
    at + 160
}

/// All speech of these samples, one after the other.
fn speech() -> Result<Vec<i16>, String> {
    let mut speech = Vec::new();
    for name in [
        "clean-pcmu",
        "clean-pcma",
        "sip-call",
        "loss-reorder",
        "good-hot-speech",
        "dead-air",
    ] {
        let path = format!(
            "{}/../../pcap-samples/{name}.pcap",
            env!("CARGO_MANIFEST_DIR")
        );
        let file = std::fs::File::open(&path).map_err(|error| format!("{path}: {error}"))?;
        let packets = Reader::new(file).map_err(|error| format!("{path}: {error}"))?;
        let stream =
            schedule(packets.flatten(), Choice::Longest).ok_or(format!("{path}: no RTP"))?;
        let law = if stream.payload_type == 8 {
            Law::A
        } else {
            Law::Mu
        };
        for (_, bytes) in &stream.packets {
            if let Some((_, payload)) = Header::parse(bytes) {
                speech.extend(law.decode_all(payload));
            }
        }
    }
    Ok(speech)
}

/// **Units**: samples; 15 s.
const CALL: usize = 120_000;
