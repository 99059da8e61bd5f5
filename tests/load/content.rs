//! The checks of content against truths made on purpose: speech of pcap-samples over a line to a far end that echoes.

use std::time::Duration;

use squelch_media::detect::Fault;
use squelch_pcap::Reader;
use squelch_pcap::replay::{Choice, schedule};
use squelch_sim::load::content::{
    Carried, Expectation, Expected, Heard, Listener, Mark, Problem, Reference,
};
use squelch_sim::peer::rtp::Header;
use squelch_sim::sound::Law;
use squelch_sim::world::line::{Change, HeardBack, Line};

/// Twelve seconds of speech: a caller and a story, each once.
fn speech(law: Law) -> Vec<u8> {
    let mut codes = Vec::new();
    for name in ["clean-pcmu", "sip-call"] {
        let path = format!("{}/pcap-samples/{name}.pcap", env!("CARGO_MANIFEST_DIR"));
        let packets = Reader::new(std::fs::File::open(path).unwrap()).unwrap();
        let stream = schedule(packets.flatten(), Choice::Longest).unwrap();
        let from = if stream.payload_type == 8 {
            Law::A
        } else {
            Law::Mu
        };
        for (_, bytes) in &stream.packets {
            let (_, payload) = Header::parse(bytes).unwrap();
            codes.extend(law.encode_all(&from.decode_all(payload)));
        }
    }
    codes.truncate(12 * 8_000);
    codes
}

fn heard(law: Law, line: Line) -> HeardBack {
    line.run(law, &speech(law), CALL, Expected::Echo)
}

fn changed(change: Change) -> HeardBack {
    heard(
        Law::Mu,
        Line {
            change,
            ..Line::default()
        },
    )
}

fn is_good(heard: &HeardBack) {
    assert_eq!(heard.verdict.problems, [], "{heard:?}");
    assert_eq!(heard.faults, [], "{heard:?}");
    assert!(heard.verdict.same >= 40, "{heard:?}");
    assert_eq!(heard.verdict.same, heard.verdict.judged, "{heard:?}");
}

#[test]
fn an_echo_is_good_in_both_laws_at_any_delay() {
    for law in [Law::Mu, Law::A] {
        for delay_ms in [0, 7, 60, 250, 500] {
            let delay = Duration::from_millis(delay_ms);
            let heard = heard(
                law,
                Line {
                    delay,
                    ..Line::default()
                },
            );
            is_good(&heard);
            assert!(heard.verdict.own_marks >= 3, "{heard:?}");
            let told = heard.verdict.delay.unwrap();
            // The way of a packet (3 ms and up to 2 of jitter) is beside it.
            let beside = told.saturating_sub(delay);
            assert!(
                beside <= Duration::from_millis(6),
                "{delay_ms} ms told as {told:?}"
            );
            assert!(
                told + Duration::from_millis(1) >= delay,
                "{delay_ms} ms told as {told:?}"
            );
        }
    }
}

#[test]
fn transcoding_gain_and_noise_are_good_and_the_mark_is_read() {
    for change in [
        Change::Transcoded(1),
        Change::Transcoded(4),
        Change::Gain(-6.0),
        Change::Gain(3.0),
        Change::Noise(-20.0),
    ] {
        for law in [Law::Mu, Law::A] {
            let heard = heard(
                law,
                Line {
                    change,
                    ..Line::default()
                },
            );
            is_good(&heard);
            assert!(heard.verdict.own_marks >= 2, "{change:?} {heard:?}");
        }
    }
}

#[test]
fn lost_and_late_packets_are_transport_and_no_fault_of_content() {
    for (loss, jitter_ms) in [(0.01, 2), (0.05, 2), (0.02, 30)] {
        let jitter = Duration::from_millis(jitter_ms);
        let heard = heard(
            Law::Mu,
            Line {
                loss,
                jitter,
                seed: 5,
                ..Line::default()
            },
        );
        assert_eq!(heard.verdict.problems, [], "{heard:?}");
        assert!(heard.verdict.own_marks >= 2, "{heard:?}");
        assert!(heard.lost > 0);
    }
}

#[test]
fn a_delay_that_grows_is_followed() {
    let grows = Change::DelayGrows(Duration::from_secs(4), Duration::from_millis(60));
    let heard = changed(grows);
    assert_eq!(heard.verdict.problems, [], "{heard:?}");
    assert_eq!(heard.verdict.delay_changes, 1);
    assert!(heard.verdict.delay.unwrap() >= Duration::from_millis(120));
}

#[test]
fn another_calls_speech_is_told_by_its_mark() {
    // At the same time, a little and much earlier: the words are the same, only the mark is not.
    for earlier_ms in [0, 20, 40, 3_000] {
        let heard = changed(Change::Swapped(Duration::ZERO, Mark(8), earlier_ms));
        let problems = &heard.verdict.problems;
        assert!(
            problems.contains(&Problem::CrossTalk(Mark(8))),
            "{earlier_ms}: {heard:?}"
        );
        assert_eq!(heard.verdict.own_marks, 0, "{earlier_ms}: {heard:?}");
    }
}

#[test]
fn cross_talk_that_begins_in_the_middle_is_told() {
    let from = Duration::from_secs(6);
    let heard = changed(Change::Swapped(from, Mark(1_000_000), 20));
    assert!(heard.verdict.own_marks >= 1, "{heard:?}");
    assert_eq!(
        heard.verdict.problems,
        [Problem::CrossTalk(Mark(1_000_000))]
    );
}

#[test]
fn a_clipped_first_word_is_told_with_what_is_missing() {
    for missing_ms in [100_u64, 200, 300] {
        let from = Duration::from_millis(missing_ms);
        let heard = changed(Change::FirstWordFrom(from));
        assert_eq!(
            heard.verdict.problems,
            [Problem::FirstWordClipped],
            "{heard:?}"
        );
        let told = heard.verdict.first_word_missing.unwrap();
        assert!(
            told.abs_diff(from) <= Duration::from_millis(40),
            "{missing_ms}: {told:?}"
        );
    }
    let heard = changed(Change::FirstWordFrom(Duration::from_millis(30)));
    is_good(&heard);
}

#[test]
fn silence_where_speech_is_due_is_told() {
    let (from, to) = (Duration::from_secs(3), Duration::from_secs(6));
    let heard = changed(Change::Silent(from, to));
    assert_eq!(heard.verdict.problems, [Problem::Silence], "{heard:?}");
    let heard = changed(Change::Silent(Duration::ZERO, Duration::from_secs(60)));
    assert_eq!(heard.verdict.problems, [Problem::Silence], "{heard:?}");
}

#[test]
fn not_one_packet_is_one_way() {
    let heard = changed(Change::Deaf);
    assert_eq!(heard.verdict.problems, [Problem::OneWay]);
}

#[test]
fn broken_formats_are_named_by_the_detector() {
    let heard = changed(Change::OtherLaw);
    assert_eq!(heard.faults, [Fault::LawMismatch]);
    let heard = changed(Change::StaticFrom(Duration::from_secs(4)));
    assert_eq!(heard.faults, [Fault::G711AsPcm16]);
    assert!(
        heard.verdict.problems.contains(&Problem::OtherSpeech),
        "{heard:?}"
    );
}

#[test]
fn other_words_than_those_sent_are_told() {
    let sent = speech(Law::Mu);
    let mut listener = Listener::new(Expectation::echo(Law::Mu, CALL));
    let reference = reference(&sent[..48_000]);
    for (index, payload) in sent[48_000..].chunks_exact(160).enumerate() {
        listener.on_sent(PACKET * index as u32, 160 * index as u64);
        listener.on_packet(Some(&reference), packet(index, payload));
    }
    let verdict = listener.finish(Some(&reference));
    assert_eq!(verdict.problems, [Problem::OtherSpeech], "{verdict:?}");
}

#[test]
fn what_the_far_end_plays_is_compared_and_its_mark_must_stay_the_same() {
    let played = speech(Law::Mu);
    let reference = reference(&played);
    let listen = |marks: [Mark; 2]| {
        let mut listener = Listener::new(Expectation {
            law: Law::Mu,
            expected: Expected::Played,
            own: CALL,
        });
        for (index, payload) in played.chunks_exact(160).enumerate() {
            let mut payload = payload.to_vec();
            let mark = marks[usize::from(index > 300)];
            mark.stamp(Law::Mu, 160 * index as u64, &mut payload);
            listener.on_packet(Some(&reference), packet(index, &payload));
        }
        listener.finish(Some(&reference))
    };
    let same = listen([Mark(77), Mark(77)]);
    assert_eq!(same.problems, [], "{same:?}");
    assert!(same.own_marks >= 2);
    assert_eq!(
        listen([Mark(77), Mark(78)]).problems,
        [Problem::CrossTalk(Mark(78))]
    );
    assert_eq!(listen([CALL, CALL]).problems, [Problem::OwnVoice]);
}

#[test]
fn a_format_that_was_not_agreed_is_told() {
    let sent = speech(Law::Mu);
    let reference = reference(&sent);
    for carried in [Carried::Other, Carried::G711(Law::A)] {
        let mut listener = Listener::new(Expectation::echo(Law::Mu, CALL));
        for (index, payload) in sent.chunks_exact(160).enumerate() {
            let carried = if index == 100 {
                carried
            } else {
                Carried::G711(Law::Mu)
            };
            listener.on_sent(PACKET * index as u32, 160 * index as u64);
            let heard = Heard {
                carried,
                ..packet(index, payload)
            };
            listener.on_packet(Some(&reference), heard);
        }
        let verdict = listener.finish(Some(&reference));
        assert!(
            verdict.problems.contains(&Problem::WrongFormat),
            "{carried:?} {verdict:?}"
        );
    }
}

#[test]
fn speech_that_is_sent_again_and_again_is_followed_round_its_end() {
    let sent = speech(Law::Mu)[..32_000].to_vec();
    let reference = reference(&sent).looped();
    let mut listener = Listener::new(Expectation::echo(Law::Mu, CALL));
    for index in 0..600 {
        let position = 160 * (index % 200);
        let mut payload = sent[position..position + 160].to_vec();
        CALL.stamp(Law::Mu, position as u64, &mut payload);
        listener.on_sent(PACKET * index as u32, position as u64);
        listener.on_packet(Some(&reference), packet(index, &payload));
    }
    let verdict = listener.finish(Some(&reference));
    assert_eq!(verdict.problems, [], "{verdict:?}");
    assert!(
        verdict.judged >= 60 && verdict.same == verdict.judged,
        "{verdict:?}"
    );
    assert_eq!(verdict.delay_changes, 0);
}

#[test]
fn faults_that_the_capture_has_itself_are_not_the_targets() {
    let sent = speech(Law::A);
    let reference = reference(&sent);
    assert_eq!(reference.faults(), [Fault::LawMismatch]);
    let mut listener = Listener::new(Expectation::echo(Law::Mu, CALL));
    for (index, payload) in sent.chunks_exact(160).enumerate() {
        listener.on_sent(PACKET * index as u32, 160 * index as u64);
        listener.on_packet(Some(&reference), packet(index, payload));
    }
    assert_eq!(listener.faults(), []);
}

#[test]
fn hostile_numbers_and_payloads_do_no_harm() {
    let sent = speech(Law::Mu);
    let reference = reference(&sent);
    let mut listener = Listener::new(Expectation::echo(Law::Mu, CALL));
    let mut dice = 1_u32;
    for index in 0..3_000 {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = [0, 1, 160, 1_500, 9_000][dice as usize % 5];
        let heard = Heard {
            ssrc: dice >> 29,
            sequence: (dice >> 8) as u16,
            timestamp: dice,
            ..packet(index, &sent[..length])
        };
        listener.on_sent(PACKET * index as u32, u64::from(dice) << (dice % 32));
        listener.on_packet(Some(&reference), heard);
    }
    listener.finish(Some(&reference));
}

fn reference(codes: &[u8]) -> Reference {
    let packets = (0..).step_by(160).zip(codes.chunks_exact(160));
    Reference::from_packets(Law::Mu, packets)
}

/// The packet of this number, 40 ms after it was sent.
fn packet(index: usize, payload: &[u8]) -> Heard<'_> {
    Heard {
        at: PACKET * index as u32,
        ssrc: 3,
        sequence: index as u16,
        timestamp: 160 * index as u32,
        carried: Carried::G711(Law::Mu),
        payload,
    }
}

const CALL: Mark = Mark(7);
const PACKET: Duration = Duration::from_millis(20);
