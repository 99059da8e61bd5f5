use super::*;
use crate::config::AudioFormatPolicy;
use squelch_media::Format;

fn watcher(policy: AudioFormatPolicy) -> Watcher {
    Watcher::new(Context {
        policy,
        negotiated: Some(Format::Pcmu),
    })
}

#[test]
fn an_update_that_would_lose_the_format_is_rewritten_and_told() {
    let text = r#"{"event_id":"e1","type":"session.update","session":{"type":"realtime",
        "audio":{"output":{"format":{"type":"audio/pcm","rate":24000},"voice":"marin"}}}}"#;
    let (passage, report) = watcher(AudioFormatPolicy::Pin).application_said(text);
    let Passage::Rewrite(sent) = passage else {
        panic!("{passage:?}")
    };
    let sent: Value = serde_json::from_str(&sent).unwrap();
    let output = &sent["session"]["audio"]["output"];
    assert_eq!(output["format"], serde_json::json!({"type": "audio/pcmu"}));
    assert_eq!(output["voice"], "marin");
    assert_eq!(sent["event_id"], "e1");
    let Some(Report::Judged {
        event: "session.update",
        verdict: "rewrite",
        detail,
    }) = report
    else {
        panic!("{report:?}")
    };
    assert!(detail.contains("audio/pcm"), "{detail}");
}

#[test]
fn what_openai_would_refuse_comes_back_as_its_error_event() {
    let text = r#"{"event_id":"e7","type":"session.update","session":{"instructions":"x"}}"#;
    let (passage, _) = watcher(AudioFormatPolicy::Omit).application_said(text);
    let Passage::Refuse(answer) = passage else {
        panic!("{passage:?}")
    };
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["type"], "error");
    assert_eq!(answer["error"]["event_id"], "e7");
    assert_eq!(answer["error"]["param"], "session.type");
}

#[test]
fn all_else_passes_without_a_report() {
    for text in [
        r#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#,
        r#"{"type":"response.cancel"}"#,
        "no JSON at all",
        "",
    ] {
        let (passage, report) = watcher(AudioFormatPolicy::Pin).application_said(text);
        assert_eq!((passage, report), (Passage::Pass, None), "{text}");
    }
}

#[test]
fn openais_formats_and_errors_are_read() {
    let mut watcher = watcher(AudioFormatPolicy::Omit);
    let updated = r#"{"type":"session.updated","session":{"audio":{"input":{"format":{"type":"audio/pcmu"}},
        "output":{"format":{"type":"audio/pcm","rate":24000}}}}}"#;
    let said = watcher.openai_said(updated);
    let expected = Said::Format(SaidFormat {
        event: "session.updated",
        input: Some("audio/pcmu".into()),
        output: Some("audio/pcm 24000".into()),
        expires_at: None,
    });
    assert_eq!(said, Some(Report::Said(expected)));
    let error = r#"{"type":"error","error":{"event_id":"initial_session_update","code":"invalid_value","message":"No\nsuch tool."}}"#;
    let expected = Said::Error {
        event_id: Some("initial_session_update".into()),
        code: Some("invalid_value".into()),
        message: "No such tool.".into(),
    };
    assert_eq!(watcher.openai_said(error), Some(Report::Said(expected)));
    for text in [
        r#"{"type":"response.output_audio_transcript.delta","delta":"a \"session.created\" b"}"#,
        r#"{"type":"session.created"}"#,
        r#"["session.created"]"#,
        "\"error\"",
    ] {
        assert_eq!(watcher.openai_said(text), None, "{text}");
    }
}

#[test]
fn the_voice_is_fixed_once_the_model_was_heard() {
    let text = r#"{"type":"session.update","session":{"type":"realtime","audio":{"output":{"voice":"cedar"}}}}"#;
    let mut watcher = watcher(AudioFormatPolicy::Omit);
    assert_eq!(watcher.application_said(text).0, Passage::Pass);
    watcher.openai_said(r#"{"type":"output_audio_buffer.started","response_id":"r"}"#);
    assert!(matches!(
        watcher.application_said(text).0,
        Passage::Refuse(_)
    ));
}
