//! What squelch says of a session when it accepts a call, against both ways OpenAI was seen to take it.

use super::{call_of, heard, level, setup};
use serde_json::{Value, json};
use squelch_call::AudioFormatPolicy::{self, Omit, Pass, Pin};
use squelch_sim::check::StaticMeter;
use squelch_sim::peer::openai::Profile::{self, Current, Seed};
use std::time::Duration;

/// What a caller comes to hear.
#[derive(Debug, PartialEq)]
enum Heard {
    Speech,
    /// OpenAI sends static; squelch mutes it.
    Silence,
}

fn session(tools: bool, format: Option<&str>) -> Value {
    let mut session = json!({"type": "realtime", "model": "gpt-realtime"});
    if tools {
        session["tools"] = json!([{"type": "function", "name": "look_up_order"}]);
    }
    if let Some(format) = format {
        let format = match format {
            "audio/pcm" => json!({"format": {"type": "audio/pcm", "rate": 24_000}}),
            other => json!({"format": {"type": other}}),
        };
        session["audio"] = json!({"input": format, "output": format});
    }
    session
}

fn call(policy: AudioFormatPolicy, profile: Profile, session: Value) -> Heard {
    let mut setup = setup();
    setup.gateway.openai.audio_format = policy;
    setup.gateway.openai.session = Some(session);
    setup.openai.profile = profile;
    let (world, call) = call_of(setup, 6);
    let heard = heard(&world, call);
    let total = StaticMeter::measure(&heard).total();
    assert!(total <= Duration::from_millis(200), "{total:?} of static");
    assert!(heard.len() > 5 * 8_000, "the call is up");
    let faults = &world.gateway().counters().faults;
    if level(&heard[8_000..5 * 8_000]) > 300.0 {
        assert!(faults.is_empty(), "{faults:?}");
        return Heard::Speech;
    }
    assert!(
        faults[&("openai", "g711_as_pcm16")] >= 1,
        "muted for a reason"
    );
    Heard::Silence
}

#[test]
fn every_policy_against_both_profiles() {
    use Heard::{Silence, Speech};
    let table = [
        // A session that says nothing of formats: they stay SIP's.
        (Omit, Seed, session(false, None), Speech),
        (Pin, Seed, session(false, None), Speech),
        (Pass, Seed, session(false, None), Speech),
        // Tools and no formats, the seed's mistake: only what pins them keeps them there.
        (Omit, Seed, session(true, None), Silence),
        (Pin, Seed, session(true, None), Speech),
        (Pass, Seed, session(true, None), Silence),
        // Tools with the right formats: what takes those out brings the mistake about.
        (Omit, Seed, session(true, Some("audio/pcmu")), Silence),
        (Pin, Seed, session(true, Some("audio/pcmu")), Speech),
        (Pass, Seed, session(true, Some("audio/pcmu")), Speech),
        (Omit, Seed, session(true, Some("audio/pcm")), Silence),
        (Pin, Seed, session(true, Some("audio/pcm")), Speech),
        (Pass, Seed, session(true, Some("audio/pcm")), Silence),
        // The right formats, written out.
        (Omit, Seed, session(false, Some("audio/pcmu")), Speech),
        (Pin, Seed, session(false, Some("audio/pcmu")), Speech),
        (Pass, Seed, session(false, Some("audio/pcmu")), Speech),
        // An SDK's default, PCM16 at 24 kHz: what contradicts the call never goes out, under any policy.
        (Omit, Seed, session(false, Some("audio/pcm")), Speech),
        (Pin, Seed, session(false, Some("audio/pcm")), Speech),
        (Pass, Seed, session(false, Some("audio/pcm")), Speech),
        // Since then: the format is SIP's, whatever is said.
        (Omit, Current, session(false, None), Speech),
        (Pin, Current, session(false, None), Speech),
        (Pass, Current, session(false, Some("audio/pcm")), Speech),
        (Omit, Current, session(true, None), Speech),
        (Pin, Current, session(true, None), Speech),
        (Pass, Current, session(true, None), Speech),
        (Omit, Current, session(true, Some("audio/pcm")), Speech),
        (Pin, Current, session(true, Some("audio/pcm")), Speech),
        (Pass, Current, session(true, Some("audio/pcm")), Speech),
    ];
    for (policy, profile, session, expected) in table {
        let case = format!("{policy:?} {profile:?} {session}");
        assert_eq!(call(policy, profile, session), expected, "{case}");
    }
}

#[test]
fn a_rewrite_is_told_in_the_record() {
    let mut setup = setup();
    setup.gateway.openai.session = Some(session(false, Some("audio/pcm")));
    let (mut world, _) = call_of(setup, 2);
    world.openai_hangs_up();
    world.run(Duration::from_secs(40));
    let events = &world.records()[0].events;
    let rewritten = events
        .iter()
        .find(|event| event.event == "session_rewritten");
    let detail = &rewritten.expect("told").detail;
    assert!(detail.contains("audio.output.format"), "{detail}");
}
