use std::time::Duration;

use super::*;

fn html(report: &Report<'_>) -> String {
    let mut out = Vec::new();
    report.write_html(&mut out).expect("a page");
    String::from_utf8(out).expect("UTF-8")
}

fn message(text: &str) -> LadderMessage {
    LadderMessage {
        at: Duration::from_millis(1_500),
        from: "carrier".into(),
        to: "squelch".into(),
        text: text.into(),
        detail: String::new(),
        kind: LadderKind::Request,
    }
}

fn track<'a>(samples: &'a [i16], spans: Vec<Span>) -> Track<'a> {
    Track {
        name: "from OpenAI".into(),
        note: String::new(),
        samples,
        rate_hz: 8_000,
        spans,
    }
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "<script>alert('x')</script>\"&\u{202E}\u{7}";
    let report = Report {
        title: hostile.into(),
        lead: hostile.into(),
        summary: vec![Row {
            label: hostile.into(),
            value: hostile.into(),
            tone: Tone::Bad,
        }],
        ladder: vec![message(hostile)],
        tracks: vec![Track {
            name: hostile.into(),
            note: hostile.into(),
            ..track(&[0; 800], vec![])
        }],
        ..Report::default()
    };
    let page = html(&report);
    assert!(!page.contains("<script"));
    assert!(!page.contains('\u{202E}') && !page.contains('\u{7}'));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
}

#[test]
fn nothing_is_fetched() {
    let report = Report {
        ladder: vec![message("INVITE")],
        tracks: vec![track(&[1_000; 8_000], vec![])],
        findings: Fault::ALL
            .map(|fault| Finding {
                fault,
                place: "a.pcap".into(),
                why: "for <b>".into(),
            })
            .into(),
        ..Report::default()
    };
    let page = html(&report);
    assert!(page.contains("default-src 'none'"));
    for outside in [
        "http://", "https://", "<link", "<script", "@import", "url(h",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_fault_is_marked_where_it_is() {
    let span = Span {
        kind: SpanKind::Fault,
        from: Duration::from_secs(1),
        to: Duration::from_secs(2),
        detected_at: Some(Duration::from_millis(1_060)),
        label: "g711_as_pcm16".into(),
    };
    let samples = [0_i16; 32_000];
    let report = Report {
        tracks: vec![track(&samples, vec![span])],
        ..Report::default()
    };
    let page = html(&report);
    assert!(page.contains("left:25.00%;width:25.00%"));
    assert!(page.contains("1.00 s to 2.00 s, found after 60 ms"));
}

#[test]
fn audio_of_no_length_and_of_great_length_makes_a_page() {
    let long = vec![0_i16; 121 * 8_000];
    let report = Report {
        tracks: vec![track(&[], vec![]), track(&long, vec![])],
        ..Report::default()
    };
    let page = html(&report);
    assert!(!page.contains("<audio"), "neither is embedded");
    assert!(page.contains("100 s</b>"));
}

#[test]
fn a_long_ladder_says_what_it_leaves_out() {
    let report = Report {
        ladder: vec![message("OPTIONS"); 230],
        ..Report::default()
    };
    assert!(html(&report).contains("30 more messages follow"));
}
