//! RTP held against what SDP said of it: each breach is told once.

use crate::call::{Call, packet_at};
use squelch_media::{MediaEvent, Mismatch, Side};

/// What was told of twenty packets of this payload type, payload and step of the timestamps.
fn told(payload_type: u8, bytes: usize, step: u32) -> Vec<Mismatch> {
    let mut call = Call::pcmu();
    for number in 0..20 {
        let payload = vec![0x21 + number as u8; bytes];
        let packet = packet_at(
            payload_type,
            false,
            number,
            step * u32::from(number),
            1,
            &payload,
        );
        call.send(Side::Carrier, &packet);
    }
    std::iter::from_fn(|| call.bridge.poll_event())
        .filter_map(|event| match event {
            MediaEvent::Mismatch { side, mismatch } => {
                assert_eq!(side, Side::Carrier);
                Some(mismatch)
            }
            _ => None,
        })
        .collect()
}

#[test]
fn what_was_agreed_on_is_not_told() {
    assert_eq!(told(0, 160, 160), []);
}

#[test]
fn each_breach_is_told_once_by_its_name() {
    let names = |told: Vec<Mismatch>| -> Vec<&str> { told.iter().map(Mismatch::name).collect() };
    assert_eq!(names(told(18, 160, 160)), ["payload_type"]);
    assert_eq!(names(told(0, 240, 240)), ["packet_time"]);
    assert_eq!(names(told(0, 160, 320)), ["rate"]);
    let said = told(0, 240, 240)[0].to_string();
    assert_eq!(said, "packets of 240 ticks, 160 were agreed on");
}
