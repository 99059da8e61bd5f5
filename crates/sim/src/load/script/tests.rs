use super::*;

fn packet(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let header = crate::peer::rtp::Header {
        marker: sequence == 500,
        payload_type,
        sequence,
        timestamp,
        ssrc: 7,
    };
    header.write(payload)
}

/// Sequence, arrival in ms, payload type.
fn capture(packets: &[(u16, u64, u8)]) -> Vec<(Duration, Vec<u8>)> {
    packets
        .iter()
        .map(|&(n, at_ms, payload_type)| {
            let timestamp = 90_000 + u32::from(n.wrapping_sub(500)) * 160;
            let size = if payload_type == 101 { 4 } else { 160 };
            let bytes = packet(payload_type, n, timestamp, &vec![n as u8; size]);
            (Duration::from_millis(at_ms), bytes)
        })
        .collect()
}

fn script(packets: &[(Duration, Vec<u8>)], paced: Pacing) -> Script {
    let packets = packets.iter().map(|(at, bytes)| (*at, &bytes[..]));
    Script::from_capture(Coding::G711(Law::Mu), 0, packets, paced).unwrap()
}

fn times_ms(script: &Script) -> Vec<u128> {
    let cues = (0..script.len()).filter_map(|i| script.cue(0, i));
    cues.map(|cue| cue.at.as_millis()).collect()
}

#[test]
fn jitter_gaps_and_order_stay_as_captured() {
    let seen = capture(&[(500, 100, 0), (501, 127, 0), (504, 180, 0), (503, 181, 0)]);
    let script = script(&seen, Pacing::Captured);
    assert_eq!(times_ms(&script), [0, 27, 80, 81]);
    let sequences: Vec<u16> = (0..4).map(|i| script.cue(0, i).unwrap().sequence).collect();
    assert_eq!(sequences, [0, 1, 4, 3]);
    assert_eq!(script.cue(0, 2).unwrap().timestamp, 640);
}

#[test]
fn even_pacing_follows_the_rtp_clock_and_sends_each_once() {
    let seen = capture(&[
        (500, 100, 0),
        (501, 127, 0),
        (504, 180, 0),
        (503, 181, 0),
        (503, 182, 0),
    ]);
    let script = script(&seen, Pacing::Even);
    assert_eq!(
        times_ms(&script),
        [0, 20, 60, 80],
        "the lost one's place stays empty"
    );
    let last = script.cue(0, 3).unwrap();
    assert_eq!(
        (last.sequence, script.payload(&last)[0]),
        (4, 504_u16 as u8)
    );
}

#[test]
fn the_packets_of_one_event_are_a_packet_time_apart() {
    let at = |n: u16| (Duration::from_millis(u64::from(n)), n);
    let mut seen: Vec<_> = (0..2)
        .map(|n| (at(n).0, packet(0, n, u32::from(n) * 160, &[0xFF; 160])))
        .collect();
    seen.extend((2..6).map(|n| (at(n).0, packet(101, n, 320, &[1, 10, 0, 160]))));
    let script = script(&seen, Pacing::Even);
    assert_eq!(times_ms(&script), [0, 20, 40, 60, 80, 100]);
    assert!(script.has_events());
    assert_eq!(script.audio().count(), 2);
}

#[test]
fn the_next_round_goes_on_where_the_last_ended() {
    let seen = capture(&[(500, 0, 0), (501, 20, 0), (502, 40, 0)]);
    let script = script(&seen, Pacing::Captured);
    let again = script.cue(1, 0).unwrap();
    assert_eq!(again.at, Duration::from_millis(60));
    assert_eq!((again.sequence, again.timestamp), (3, 480));
    assert_eq!(script.cue(0, 3), None);
}

#[test]
fn other_formats_and_comfort_noise_are_left_out() {
    let seen = capture(&[(500, 0, 0), (501, 20, 13), (502, 40, 8), (503, 60, 0)]);
    assert_eq!(script(&seen, Pacing::Captured).len(), 2);
    let other = capture(&[(500, 0, 18), (501, 20, 18)]);
    let packets = other.iter().map(|(at, bytes)| (*at, &bytes[..]));
    let none = Script::from_capture(Coding::G711(Law::Mu), 0, packets, Pacing::Even);
    assert_eq!(none, Err(NoScript::NoAudio));
}

#[test]
fn thirty_milliseconds_are_seen_in_the_timestamps() {
    let seen: Vec<_> = (0..4_u16)
        .map(|n| {
            let bytes = packet(0, n, u32::from(n) * 240, &[0; 240]);
            (Duration::from_millis(30) * u32::from(n), bytes)
        })
        .collect();
    let script = script(&seen, Pacing::Captured);
    assert_eq!(script.ptime(), Duration::from_millis(30));
    assert_eq!(script.duration(), Duration::from_millis(120));
}
