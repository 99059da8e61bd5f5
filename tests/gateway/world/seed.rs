//! The stories that the project began from, one test each. Each is told three times: past a squelch that only
//! watches, where the stand-in loses the format as OpenAI did and the caller hears static; with the format pinned,
//! where it can't be lost; and with formats left out, where it is lost and mended.

use super::{CallKey, assistant_samples, heard, level, likeness, voices};
use serde_json::{Value, json};
use squelch_call::{AudioFormatPolicy, OnStatic};
use squelch_media::GuardAction;
use squelch_sim::check::StaticMeter;
use squelch_sim::world::World;
use std::time::{Duration, Instant};

/// What squelch may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Squelch {
    Watches,
    Pins,
    Mends,
}

const ALL: [Squelch; 3] = [Squelch::Watches, Squelch::Pins, Squelch::Mends];

fn world(squelch: Squelch) -> (World, CallKey) {
    let mut setup = super::setup().with_application();
    setup.gateway.guard.on_static = vec![OnStatic::Mend, OnStatic::HangUp];
    setup.gateway.openai.audio_format = match squelch {
        Squelch::Watches => AudioFormatPolicy::Pass,
        Squelch::Pins => AudioFormatPolicy::Pin,
        Squelch::Mends => AudioFormatPolicy::Omit,
    };
    if squelch == Squelch::Watches {
        setup.gateway.guard.action = GuardAction::Observe;
        setup.gateway.guard.on_static.clear();
    }
    let mut world = World::new(Instant::now(), setup);
    let call = world.call(World::plan(voices::caller()));
    world.run(Duration::from_millis(300));
    (world, call)
}

/// A session as the seed's author has it.
fn minimal() -> Value {
    json!({"type": "realtime", "model": "gpt-realtime",
        "instructions": "You're a friendly bot talking to someone on a phone call."})
}

fn with_tools() -> Value {
    let mut session = minimal();
    session["tools"] = json!([{"type": "function", "name": "end_call",
        "description": "Ends the call.", "parameters": {"type": "object", "properties": {}}}]);
    session
}

fn accepts(world: &mut World, session: &Value) {
    let answer = world.application_asks("accept", session);
    assert_eq!(answer.map(|(status, _)| status), Some(200));
}

/// Twelve seconds later: static where squelch only watches and it is to be expected, speech otherwise.
fn judged(world: &mut World, call: CallKey, squelch: Squelch, loses: bool) {
    world.run(Duration::from_secs(12));
    let heard = heard(world, call);
    let total = StaticMeter::measure(&heard).total();
    if squelch == Squelch::Watches && loses {
        assert!(total > Duration::from_secs(2), "{squelch:?}: {total:?}");
        return;
    }
    let most = if loses && squelch == Squelch::Mends {
        200
    } else {
        0
    };
    assert!(
        total <= Duration::from_millis(most),
        "{squelch:?}: {total:?}"
    );
    let late = &heard[3 * 8_000..];
    assert!(level(late) > 300.0, "{squelch:?}: silence");
    let likeness = likeness(&assistant_samples(), 8_000, late);
    assert!(likeness > 0.99, "{squelch:?}: {likeness}");
}

#[test]
fn tools_without_audio_in_accept() {
    for squelch in ALL {
        let (mut world, call) = world(squelch);
        accepts(&mut world, &with_tools());
        judged(&mut world, call, squelch, true);
    }
}

#[test]
fn tools_by_session_update() {
    for squelch in ALL {
        let (mut world, call) = world(squelch);
        accepts(&mut world, &minimal());
        world.run(Duration::from_secs(1));
        assert!(world.application_opens());
        let update = json!({"type": "session.update", "session": {"type": "realtime", "tools": with_tools()["tools"]}});
        assert_eq!(world.application_says(&update), None);
        judged(&mut world, call, squelch, true);
    }
}

#[test]
fn web_search_as_tool() {
    let mut session = minimal();
    session["tools"] = json!([{"type": "web_search"}]);
    for squelch in ALL {
        let (mut world, call) = world(squelch);
        let (status, body) = world
            .application_asks("accept", &session)
            .expect("an answer");
        // It is refused before it can do harm, whatever the policy.
        assert_eq!(
            (status, &body["error"]["param"]),
            (400, &json!("session.tools[0].type"))
        );
        accepts(&mut world, &minimal());
        judged(&mut world, call, squelch, false);
    }
}

#[test]
fn an_unreadable_stored_prompt() {
    let mut session = minimal();
    session["prompt"] = json!({"id": "pmpt_of_another_project"});
    for squelch in ALL {
        let (mut world, call) = world(squelch);
        // Nobody but OpenAI knows that its key can't read it, and it says 200.
        accepts(&mut world, &session);
        world.application_opens();
        judged(&mut world, call, squelch, squelch != Squelch::Pins);
        world.openai_hangs_up();
        world.run(Duration::from_secs(40));
        let events = &world.records()[0].events;
        let told = events.iter().find(|event| event.event == "session_invalid");
        assert!(
            told.is_some_and(|event| event.detail.contains("prompt")),
            "{events:?}"
        );
    }
}

#[test]
fn the_workaround_payload() {
    let mut session = with_tools();
    let format = json!({"format": {"type": "audio/pcmu"}});
    session["audio"] = json!({"input": format, "output": format});
    for squelch in ALL {
        let (mut world, call) = world(squelch);
        accepts(&mut world, &session);
        // Left out, it is as if it had never been there: what is lost then is mended.
        let loses = squelch == Squelch::Mends;
        judged(&mut world, call, squelch, loses);
    }
}

#[test]
fn voice_set_in_accept() {
    let mut session = with_tools();
    session["audio"] = json!({"output": {"voice": "marin"}});
    for squelch in ALL {
        let (mut world, call) = world(squelch);
        accepts(&mut world, &session);
        judged(&mut world, call, squelch, true);
    }
}

#[test]
fn session_update_without_type() {
    for squelch in ALL {
        let (mut world, call) = world(squelch);
        accepts(&mut world, &minimal());
        world.run(Duration::from_secs(1));
        assert!(world.application_opens());
        let update = json!({"type": "session.update", "event_id": "mine",
            "session": {"tools": with_tools()["tools"]}});
        let answer = world.application_says(&update).expect("an error event");
        assert_eq!(answer["error"]["param"], "session.type");
        assert_eq!(answer["error"]["event_id"], "mine");
        judged(&mut world, call, squelch, false);
    }
}
