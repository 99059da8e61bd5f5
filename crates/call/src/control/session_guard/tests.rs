use super::*;
use AudioFormatPolicy::{Omit, Pass, Pin};
use serde_json::json;

fn context(policy: AudioFormatPolicy) -> Context {
    Context {
        policy,
        negotiated: Some(Format::Pcmu),
    }
}

fn tools() -> Value {
    json!({
        "type": "realtime", "model": "gpt-realtime", "instructions": "hi",
        "tools": [{"type": "function", "name": "end_call", "parameters": {}}],
    })
}

fn judged(session: &Value, policy: AudioFormatPolicy) -> Judgement {
    judge_session(session, Message::Accept, context(policy))
}

fn rewritten(session: &Value, policy: AudioFormatPolicy) -> Value {
    match judged(session, policy) {
        Judgement::Rewrite { value, .. } => value,
        other => panic!("{other:?}"),
    }
}

fn is_pass(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Pass { .. })
}

/// Where and how a session is refused as it stands, the first time.
fn refused(session: &Value, message: Message) -> (String, Code) {
    let findings = find(session, message);
    let refused = findings.iter().find(|one| one.weight == Weight::Refused);
    let first = refused.unwrap_or_else(|| panic!("{session} passes: {findings:?}"));
    (first.path.as_ref().unwrap().to_string(), first.code)
}

fn event(policy: AudioFormatPolicy, event: &Value) -> Judgement {
    judge_event(&event.to_string(), context(policy), false)
}

#[test]
fn tools_without_formats_pass_under_omit_and_are_pinned_under_pin() {
    assert_eq!(judged(&tools(), Omit), Judgement::PASS);
    assert_eq!(judged(&tools(), Pass), Judgement::PASS);
    let pinned = rewritten(&tools(), Pin);
    let pcmu = json!({"format": {"type": "audio/pcmu"}});
    assert_eq!(pinned["audio"], json!({"input": pcmu, "output": pcmu}));
    assert_eq!(pinned["tools"], tools()["tools"]);
}

#[test]
fn omit_takes_formats_out_and_leaves_the_rest_in_its_order() {
    let mut session = tools();
    session["audio"] = json!({
        "input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "server_vad"}},
        "output": {"format": {"type": "audio/pcm", "rate": 24_000}},
        "unknown": 1,
    });
    session["later"] = json!("field");
    let omitted = rewritten(&session, Omit);
    let kept = json!({"input": {"turn_detection": {"type": "server_vad"}}, "unknown": 1});
    assert_eq!(omitted["audio"], kept);
    assert!(omitted.to_string().ends_with("\"later\":\"field\"}"));
}

#[test]
fn a_format_that_contradicts_sip_goes_out_under_no_policy() {
    for other in [
        json!({"type": "audio/pcm", "rate": 24_000}),
        json!({"type": "audio/pcm"}),
        json!({"type": "audio/pcma"}),
    ] {
        let mut session = tools();
        session["audio"] = json!({"output": {"format": other, "voice": "marin"}});
        for policy in [Omit, Pin, Pass] {
            let sent = rewritten(&session, policy);
            let format = &sent["audio"]["output"]["format"];
            assert!(
                format.is_null() || *format == json!({"type": "audio/pcmu"}),
                "{policy:?} sends {format}"
            );
            assert_eq!(sent["audio"]["output"]["voice"], "marin", "{policy:?}");
        }
    }
}

#[test]
fn a_change_says_what_was_there() {
    let mut session = tools();
    session["audio"] = json!({"output": {"format": {"type": "audio/pcma"}}});
    let Judgement::Rewrite { changes, .. } = judged(&session, Pass) else {
        panic!("it passes");
    };
    let said = r#"session.audio.output.format: {"type":"audio/pcma"} -> left out"#;
    assert_eq!(changes, [said]);
}

#[test]
fn what_agrees_with_sip_passes_under_pass_and_pin() {
    let mut session = tools();
    let format = json!({"format": {"type": "audio/pcmu"}});
    session["audio"] = json!({"input": format, "output": format});
    assert_eq!(judged(&session, Pass), Judgement::PASS);
    assert_eq!(judged(&session, Pin), Judgement::PASS);
}

#[test]
fn without_a_known_format_pin_omits_and_pass_lets_no_pcm16_through() {
    let unknown = |policy| Context {
        policy,
        negotiated: None,
    };
    let with = |kind: &str| {
        let mut session = tools();
        let format = json!({"format": {"type": kind}});
        session["audio"] = json!({"input": format, "output": format});
        session
    };
    for (policy, kind) in [(Pin, "audio/pcma"), (Pass, "audio/pcm")] {
        let judged = judge_session(&with(kind), Message::Accept, unknown(policy));
        let Judgement::Rewrite { value, .. } = judged else {
            panic!("{judged:?}");
        };
        assert_eq!(value, tools(), "{policy:?}");
    }
    let judged = judge_session(&with("audio/pcma"), Message::Accept, unknown(Pass));
    assert_eq!(judged, Judgement::PASS);
}

#[test]
fn null_blocks_are_taken_out_where_the_guard_may_and_refused_where_it_may_not() {
    for audio in [
        json!(null),
        json!({"input": null}),
        json!({"input": {"format": null}, "output": null}),
    ] {
        let mut session = tools();
        session["audio"] = audio.clone();
        let omitted = rewritten(&session, Omit);
        assert!(find(&omitted, Message::Accept).is_empty(), "{omitted}");
        let pinned = rewritten(&session, Pin);
        assert_eq!(
            pinned["audio"]["input"]["format"],
            json!({"type": "audio/pcmu"}),
            "{audio}"
        );
        let passed = judged(&session, Pass);
        assert!(matches!(passed, Judgement::Refuse(_)), "{audio}");
    }
}

#[test]
fn what_openai_would_refuse_is_named_where_it_stands() {
    use Code::{InvalidType, InvalidValue, Missing, Unknown};
    let accept: &[(&str, Value, &str, Code)] = &[
        ("type", json!("transcription"), "session.type", InvalidValue),
        (
            "tools",
            json!([{"type": "web_search"}]),
            "session.tools[0].type",
            InvalidValue,
        ),
        (
            "tools",
            json!([{"name": "f"}]),
            "session.tools[0].type",
            Missing,
        ),
        (
            "tools",
            json!([{"type": "mcp", "server_label": "a", "server_url": "b"}, {"type": "function"}]),
            "session.tools[1].name",
            Missing,
        ),
        (
            "tools",
            json!([{"type": "function", "function": {"name": "f"}}]),
            "session.tools[0].function",
            Unknown,
        ),
        ("tools", json!({}), "session.tools", InvalidType),
        ("audio", json!(null), "session.audio", InvalidType),
        (
            "audio",
            json!({"input": {"format": null}}),
            "session.audio.input.format",
            InvalidType,
        ),
        (
            "audio",
            json!({"input": {"format": {"type": "audio/pcmu", "rate": 8_000}}}),
            "session.audio.input.format.rate",
            Unknown,
        ),
        (
            "audio",
            json!({"output": {"format": {"type": "audio/pcm"}}}),
            "session.audio.output.format.rate",
            Missing,
        ),
        (
            "audio",
            json!({"output": {"format": {"type": "g711_ulaw"}}}),
            "session.audio.output.format.type",
            InvalidValue,
        ),
        (
            "audio",
            json!({"input": {"turn_detection": {"type": "semantic_vad", "silence_duration_ms": 200}}}),
            "session.audio.input.turn_detection.silence_duration_ms",
            Unknown,
        ),
        (
            "audio",
            json!({"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}),
            "session.audio.input.turn_detection.threshold",
            InvalidValue,
        ),
        (
            "audio",
            json!({"output": {"speed": 3.0}}),
            "session.audio.output.speed",
            InvalidValue,
        ),
        (
            "input_audio_format",
            json!("g711_ulaw"),
            "session.input_audio_format",
            Unknown,
        ),
        ("temperature", json!(0.8), "session.temperature", Unknown),
        (
            "output_modalities",
            json!(["audio", "text"]),
            "session.output_modalities",
            InvalidValue,
        ),
        (
            "max_output_tokens",
            json!(5_000),
            "session.max_output_tokens",
            InvalidValue,
        ),
        (
            "tool_choice",
            json!("any"),
            "session.tool_choice",
            InvalidValue,
        ),
        (
            "reasoning",
            json!({"effort": "extreme"}),
            "session.reasoning.effort",
            InvalidValue,
        ),
        (
            "instructions",
            json!(1),
            "session.instructions",
            InvalidType,
        ),
        (
            "prompt",
            json!({"version": "1"}),
            "session.prompt.id",
            Missing,
        ),
    ];
    for (key, value, path, code) in accept {
        let mut session = tools();
        session[*key] = value.clone();
        let found = refused(&session, Message::Accept);
        assert_eq!(found, ((*path).to_owned(), *code), "{key}: {value}");
    }
    let bare = json!({"model": "gpt-realtime"});
    assert_eq!(
        refused(&bare, Message::Accept),
        ("session.type".into(), Missing)
    );
    assert_eq!(
        refused(&json!([]), Message::Accept),
        ("session".into(), InvalidType)
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    let session =
        json!({"type": "realtime", "voice": "alloy", "tools": [{"type": "a"}, {"type": "b"}]});
    let Judgement::Refuse(findings) = judged(&session, Omit) else {
        panic!("it passes");
    };
    assert_eq!(findings.len(), 3, "{findings:?}");
}

#[test]
fn what_a_running_session_no_longer_takes_is_refused_in_an_update_alone() {
    let with_model = json!({"type": "realtime", "model": "gpt-realtime"});
    let with_voice = json!({"type": "realtime", "audio": {"output": {"voice": "marin"}}});
    let update = |spoken| Message::Update { spoken };
    assert!(find(&with_model, Message::Accept).is_empty());
    assert_eq!(refused(&with_model, update(false)).0, "session.model");
    assert!(find(&with_voice, update(false)).is_empty());
    let path = "session.audio.output.voice";
    assert_eq!(refused(&with_voice, update(true)).0, path);
}

#[test]
fn what_is_only_doubtful_is_told_and_sent() {
    let session = json!({
        "type": "realtime", "prompt": {"id": "pmpt_1"}, "output_modalities": ["text"], "brand_new": 1,
    });
    let Judgement::Pass { doubts } = judged(&session, Omit) else {
        panic!("it does not pass");
    };
    let paths: Vec<String> = doubts
        .iter()
        .map(|doubt| doubt.path.as_ref().unwrap().to_string())
        .collect();
    let wanted = [
        "session.brand_new",
        "session.output_modalities",
        "session.prompt.id",
    ];
    assert_eq!(paths, wanted);
}

#[test]
fn an_update_is_judged_as_its_session_and_keeps_its_other_fields() {
    let update = json!({"event_id": "e1", "type": "session.update", "session": {
        "type": "realtime", "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24_000}}},
    }});
    let Judgement::Rewrite { value, changes, .. } = event(Omit, &update) else {
        panic!("it passes");
    };
    let session = json!({"type": "realtime"});
    let sent = json!({"event_id": "e1", "type": "session.update", "session": session});
    assert_eq!(value, sent);
    assert_eq!(changes.len(), 1);
    let typeless = json!({"type": "session.update", "session": {"instructions": "hi"}});
    let Judgement::Refuse(findings) = event(Omit, &typeless) else {
        panic!("it passes");
    };
    assert_eq!(
        findings[0].path.as_ref().unwrap().to_string(),
        "session.type"
    );
    let sessionless = json!({"type": "session.update"});
    assert!(matches!(event(Omit, &sessionless), Judgement::Refuse(_)));
}

#[test]
fn a_response_of_its_own_format_is_brought_back_to_the_calls() {
    let create = |format: Value| json!({"type": "response.create", "response": {"audio": {"output": {"format": format, "voice": "cedar"}}}});
    let pcm = create(json!({"type": "audio/pcm", "rate": 24_000}));
    for policy in [Omit, Pin, Pass] {
        let Judgement::Rewrite { value, .. } = event(policy, &pcm) else {
            panic!("{policy:?} lets it pass");
        };
        let output = &value["response"]["audio"]["output"];
        assert_ne!(output["format"]["type"], "audio/pcm", "{policy:?}");
        assert_eq!(output["voice"], "cedar");
    }
    let bare = json!({"type": "response.create"});
    assert_eq!(event(Pin, &bare), Judgement::PASS);
    let said = json!({"type": "response.create", "response": {"instructions": "say hi"}});
    assert_eq!(event(Pin, &said), Judgement::PASS, "it follows the session");
    let beta = json!({"type": "response.create", "response": {"modalities": ["audio"]}});
    assert!(matches!(event(Omit, &beta), Judgement::Refuse(_)));
}

#[test]
fn events_without_a_session_pass_unread() {
    for text in [
        r#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#,
        "no json at all",
        r#"{"type":"conversation.item.create","item":{"text":"session.update"}}"#,
    ] {
        assert_eq!(judge_event(text, context(Pin), true), Judgement::PASS);
    }
}

#[test]
fn a_name_hidden_by_an_escape_is_found() {
    let hidden = r#"{"type":"session\u002eupdate","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcm","rate":24000}}}}}"#;
    let judged = judge_event(hidden, context(Omit), false);
    assert!(matches!(judged, Judgement::Rewrite { .. }));
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let twice = r#"{"type":"session.update","session":{"type":"realtime"},"session":{"audio":{}}}"#;
    let Judgement::Refuse(findings) = judge_event(twice, context(Pass), false) else {
        panic!("it passes");
    };
    assert!(findings[0].to_string().contains("'session' is there twice"));
    assert!(is_pass(&judge_event(
        r#"{"type":"session.update","session":{"type":"realtime"}}"#,
        context(Pass),
        false
    )));
}

#[test]
fn a_text_nested_without_end_is_refused() {
    let deep = "[".repeat(100_000);
    assert!(read(deep.as_bytes()).is_err());
}

#[test]
fn a_refusal_reads_like_openais() {
    let findings = find(
        &json!({"type": "realtime", "tools": [{"type": "web_search"}]}),
        Message::Accept,
    );
    let body = findings[0].error_body();
    assert_eq!(body["error"]["type"], "invalid_request_error");
    assert_eq!(body["error"]["code"], "invalid_value");
    assert_eq!(body["error"]["param"], "session.tools[0].type");
    let event = findings[0].error_event("event_1", Some("mine"));
    assert_eq!(event["type"], "error");
    assert_eq!(event["error"]["event_id"], "mine");
}
