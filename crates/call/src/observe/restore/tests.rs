//! The restorer, packet by packet.

use squelch_media::detect::{Pace, What};

use super::*;

/// A stream at 192.0.2.1 with a fault that begins a second in and lasts to the end, four seconds on.
fn stream(fault: Fault, order: Option<ByteOrder>, rate_hz: Option<u32>) -> StreamReport {
    let found = FaultReport {
        fault,
        from: Duration::from_secs(1),
        detected_at: Duration::from_secs(1),
        to: Duration::from_secs(5),
        confidence: 1.0,
        repair: Repair::Exact,
        variant: Variant {
            what: match fault {
                Fault::LawMismatch => What::Law(Format::Pcma.law()),
                _ => What::Pcm16,
            },
            order,
            rate_hz,
            pace: Pace::Continuous,
        },
    };
    StreamReport {
        origin: Origin::Rtp {
            source: ([192, 0, 2, 1], 4_000).into(),
            destination: ([192, 0, 2, 2], 5_000).into(),
            ssrc: 7,
            payload_type: 0,
        },
        format: "pcmu",
        call_id: None,
        encrypted: false,
        first_packet: Duration::from_secs(10),
        duration: Duration::from_secs(5),
        packets: 300,
        expected: 300,
        lost: 0,
        duplicate: 0,
        reordered: 0,
        telephone_events: 0,
        truncated: 0,
        jitter_ms: 0.0,
        mos: None,
        fault: Some(fault),
        detected_at: Some(found.detected_at),
        faults: vec![found],
    }
}

/// What comes out when packets arrive: milliseconds of the stream, sequence number, timestamp, payload.
fn restored(
    stream: &StreamReport,
    packets: impl IntoIterator<Item = (u64, u16, u32, Vec<u8>)>,
) -> (Vec<i16>, u32) {
    let mut restorer = Restorer::new(stream, &stream.faults[0]).expect("it can be repaired");
    let mut out = Vec::new();
    for (at_ms, sequence, timestamp, payload) in packets {
        let mut packet = vec![0x80, 0];
        packet.extend(sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend(payload);
        let datagram = Datagram {
            at: stream.first_packet + Duration::from_millis(at_ms),
            source: ([192, 0, 2, 1], 4_000).into(),
            destination: ([192, 0, 2, 2], 5_000).into(),
            carrier: Carrier::Udp,
            payload: &packet,
            missing_bytes: 0,
        };
        restorer.handle_datagram(datagram, &mut out);
    }
    restorer.finish(&mut out);
    assert_eq!(out.len() as u64, restorer.samples());
    (out, restorer.rate_hz())
}

#[test]
fn the_other_law_s_bytes_are_decoded_with_its_table() {
    let stream = stream(Fault::LawMismatch, None, None);
    let packet = |at_ms, sequence, timestamp| (at_ms, sequence, timestamp, vec![0xD5, 0x80]);
    // The third never came: its two samples are silent. What comes before or after the fault is not its audio.
    let packets = [
        packet(900, 8, 94),
        packet(1_000, 9, 96),
        packet(1_020, 10, 98),
        packet(1_060, 12, 102),
        packet(5_001, 13, 104),
    ];
    let (samples, rate_hz) = restored(&stream, packets);
    assert_eq!(rate_hz, 8_000);
    let loud = Format::Pcma.law().decode_sample(0x80);
    assert_eq!(samples, [8, loud, 8, loud, 0, 0, 8, loud]);
}

#[test]
fn overtaken_packets_come_back_in_order_across_the_wrap_and_duplicates_once() {
    let stream = stream(Fault::Pcm16AsG711, Some(ByteOrder::Big), Some(16_000));
    let packets = [
        (1_000, 65_534, 0, vec![0, 1, 0]),
        (1_020, 0, 6, vec![0, 4]),
        (1_021, 65_535, 3, vec![2, 0, 3]),
        (1_022, 65_535, 3, vec![2, 0, 3]),
    ];
    assert_eq!(restored(&stream, packets), (vec![1, 2, 3, 4], 16_000));
}

#[test]
fn pcm16_in_more_packets_than_usual_tells_its_rate() {
    let stream = stream(Fault::Pcm16AsG711, Some(ByteOrder::Little), None);
    for (every_ms, rate_hz) in [(10, 8_000), (5, 16_000), (20, 24_000)] {
        let packets = (0..100_u16).map(|n| {
            let at_ms = 1_000 + u64::from(n) * every_ms;
            (at_ms, n, u32::from(n) * 160, vec![1; 160])
        });
        assert_eq!(restored(&stream, packets).1, rate_hz, "{every_ms} ms");
    }
}

#[test]
fn a_jump_is_no_silence_beyond_the_time_that_passed() {
    for fault in [Fault::LawMismatch, Fault::Pcm16AsG711] {
        let stream = stream(fault, None, Some(8_000));
        let packets = (0..100_u16).map(|n| {
            let at_ms = 1_000 + u64::from(n) * 20;
            (
                at_ms,
                n.wrapping_mul(9_000),
                u32::from(n).wrapping_mul(1_000_000_000),
                vec![1; 160],
            )
        });
        let (samples, _) = restored(&stream, packets);
        assert!(samples.len() <= 8_000 * 4, "{fault}: {}", samples.len());
    }
}
