//! The detector on speech from pcap-samples, as it is and put through the faults by their definition.

use squelch_g711::Law;
use squelch_media::detect::{Change, Detector, Fault, Pace};
use squelch_media::rtp::View;
use squelch_pcap::Reader;
use std::time::Duration;

/// The payloads of a sample's stream, in order.
fn payloads(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/pcap-samples/{name}.pcap", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Reader::new(file)
        .unwrap()
        .map(|packet| {
            View::parse(&packet.unwrap().payload)
                .unwrap()
                .payload()
                .to_vec()
        })
        .collect()
}

pub(crate) fn speech() -> Vec<u8> {
    payloads("clean-pcmu").concat()
}

/// The same speech under the label of `law`.
fn in_law(law: Law) -> Vec<u8> {
    let mut codes = speech();
    squelch_g711::convert_in_place(Law::Mu, law, &mut codes);
    codes
}

/// Feeds payloads 20 ms apart; gives every change.
fn changes(law: Law, payloads: &[Vec<u8>]) -> Vec<Change> {
    let mut detector = Detector::new(law);
    let at = |index: usize| Duration::from_millis(20 * index as u64);
    payloads
        .iter()
        .enumerate()
        .filter_map(|(index, payload)| detector.observe(at(index), payload))
        .collect()
}

pub(crate) fn packets(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    bytes.chunks_exact(size).map(<[u8]>::to_vec).collect()
}

/// G.711 bytes read as PCM16 LE at 24 kHz, every third sample kept, companded again: 6 x too fast.
pub(crate) fn as_static(bytes: &[u8], law: Law) -> Vec<u8> {
    bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .step_by(3)
        .map(|sample| law.encode_sample(sample))
        .collect()
}

pub(crate) fn pcm16(bytes: &[u8], big: bool) -> Vec<u8> {
    let samples = bytes.iter().map(|code| Law::Mu.decode_sample(*code));
    samples
        .flat_map(|sample| {
            if big {
                sample.to_be_bytes()
            } else {
                sample.to_le_bytes()
            }
        })
        .collect()
}

fn only_trip(law: Law, payloads: &[Vec<u8>]) -> squelch_media::detect::Finding {
    match changes(law, payloads)[..] {
        [Change::Tripped(finding)] => finding,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn speech_trips_nothing_in_either_law() {
    for (name, law) in [
        ("clean-pcmu", Law::Mu),
        ("clean-pcma", Law::A),
        ("loss-reorder", Law::Mu),
    ] {
        assert_eq!(changes(law, &payloads(name)), [], "{name}");
    }
}

#[test]
fn the_static_of_the_seed_is_found_within_100_ms_of_its_sound() {
    for law in [Law::Mu, Law::A] {
        let lead = 100;
        let mut stream = packets(&in_law(law), 160);
        stream.truncate(lead);
        // The static runs through speech six times as fast; the loudest part of it, for a talker who talks.
        let all = as_static(&speech().repeat(4), law);
        stream.extend(packets(&all, 160));
        let finding = only_trip(law, &stream);
        assert_eq!(finding.fault, Fault::G711AsPcm16);
        assert_eq!(finding.variant.pace, Pace::Continuous);
        let active = finding.detected_at - finding.from;
        assert!(active <= Duration::from_millis(100), "{law:?}: {active:?}");
        assert!(finding.from >= Duration::from_millis(20 * lead as u64));
    }
}

#[test]
fn static_in_bursts_is_found_and_named() {
    let speech = speech();
    let bursts: Vec<Vec<u8>> = packets(&speech, 160)
        .iter()
        .map(|packet| {
            let mut burst = as_static(packet, Law::Mu);
            burst.resize(160, Law::Mu.silence());
            burst
        })
        .collect();
    let finding = only_trip(Law::Mu, &bursts);
    assert_eq!(
        (finding.fault, finding.variant.pace),
        (Fault::G711AsPcm16, Pace::Bursts)
    );
}

#[test]
fn pcm16_under_a_g711_label_is_found_in_both_byte_orders() {
    for (big, name) in [(false, "pcm16le"), (true, "pcm16be")] {
        let mut stream = packets(&speech(), 160);
        stream.truncate(50);
        stream.extend(packets(&pcm16(&speech(), big), 160));
        let finding = only_trip(Law::Mu, &stream);
        assert_eq!(finding.fault, Fault::Pcm16AsG711);
        assert_eq!(finding.variant.to_string(), name);
    }
}

#[test]
fn grown_packets_say_the_rate_and_that_all_arrives_in_time() {
    let mut stream = packets(&speech(), 160);
    stream.truncate(50);
    stream.extend(packets(&pcm16(&speech(), false), 320));
    let finding = only_trip(Law::Mu, &stream);
    assert_eq!(finding.variant.to_string(), "pcm16le 8000");
    assert_eq!(finding.variant.pace, Pace::RealTime);
}

#[test]
fn the_fault_is_over_when_speech_is_back_and_not_in_a_pause() {
    let silence = vec![vec![0xFF; 160]; 100];
    let speech = packets(&speech(), 160);
    let mut stream = packets(&as_static(&speech.concat().repeat(2), Law::Mu), 160);
    let end = stream.len() + silence.len();
    stream.extend(silence);
    stream.extend(speech);
    match changes(Law::Mu, &stream)[..] {
        [Change::Tripped(_), Change::Cleared(finding)] => {
            let to = finding.to.unwrap();
            assert!(
                to > Duration::from_millis(20 * end as u64),
                "released in the pause at {to:?}"
            );
        }
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn noise_tones_and_silence_trip_nothing() {
    let mut random = 1_u32;
    let mut noise = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) as i16 / 2
    };
    let noise: Vec<u8> = (0..80_000)
        .map(|_| Law::Mu.encode_sample(noise()))
        .collect();
    let tone: Vec<u8> = (0..80_000)
        .map(|i| (f64::from(i) * 0.9).sin() * 30_000.0)
        .map(|x| Law::Mu.encode_sample(x as i16))
        .collect();
    for stream in [noise, tone, vec![0xFF; 80_000], vec![0x7F; 80_000]] {
        assert_eq!(changes(Law::Mu, &packets(&stream, 160)), []);
    }
}

#[test]
fn payloads_of_any_size_are_taken() {
    let mut detector = Detector::new(Law::A);
    for size in (0..3_000).step_by(7) {
        let payload: Vec<u8> = (0..size).map(|i| (i * i % 251) as u8).collect();
        detector.observe(Duration::from_millis(size as u64), &payload);
    }
}

#[test]
fn bytes_of_the_other_law_are_named_so() {
    for (label, bytes) in [(Law::Mu, Law::A), (Law::A, Law::Mu)] {
        let finding = only_trip(label, &packets(&in_law(bytes), 160));
        assert_eq!(
            finding.fault,
            Fault::LawMismatch,
            "{bytes:?} under {label:?}"
        );
        let told = if bytes == Law::A { "pcma" } else { "pcmu" };
        assert_eq!(finding.variant.to_string(), told);
    }
}

#[test]
fn ciphertext_and_text_are_opaque() {
    let mut random = 1_u32;
    let mut byte = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 24) as u8
    };
    let cipher: Vec<u8> = (0..32_000).map(|_| byte()).collect();
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text: Vec<u8> = cipher
        .iter()
        .map(|byte| DIGITS[usize::from(byte & 63)])
        .collect();
    for law in [Law::Mu, Law::A] {
        for (bytes, told) in [(&cipher, "binary"), (&text, "text")] {
            let finding = only_trip(law, &packets(bytes, 160));
            assert_eq!(finding.fault, Fault::Opaque, "{told} under {law:?}");
            assert_eq!(finding.variant.to_string(), told);
            assert!(
                finding.detected_at <= Duration::from_millis(200),
                "{told}: {finding:?}"
            );
        }
    }
}

/// Samples of 16 bits whose bytes were turned over before they were companded.
#[test]
fn swapped_bytes_are_named_so() {
    for law in [Law::Mu, Law::A] {
        let swapped: Vec<u8> = speech()
            .iter()
            .map(|code| law.encode_sample(Law::Mu.decode_sample(*code).swap_bytes()))
            .collect();
        let finding = only_trip(law, &packets(&swapped, 160));
        assert_eq!(finding.fault, Fault::ByteSwapped, "{law:?}");
    }
}

/// Codes taken for samples of eight bits, and companded again.
#[test]
fn what_is_companded_twice_is_named_so() {
    for law in [Law::Mu, Law::A] {
        let twice: Vec<u8> = in_law(law)
            .iter()
            .map(|code| law.encode_sample(i16::from(*code as i8) << 8))
            .collect();
        let finding = only_trip(law, &packets(&twice, 160));
        assert_eq!(finding.fault, Fault::DoubleEncoded, "{law:?}");
    }
}

#[test]
fn one_packet_or_one_byte_for_ever_is_stuck_and_silence_and_tones_are_not() {
    let speech = packets(&speech(), 160);
    let loudest = speech.iter().max_by_key(|packet| {
        let samples = packet
            .iter()
            .map(|code| i64::from(Law::Mu.decode_sample(*code)));
        samples.map(|sample| sample * sample).sum::<i64>()
    });
    let mut stream = speech[..100].to_vec();
    stream.extend(vec![loudest.expect("packets").clone(); 100]);
    let finding = only_trip(Law::Mu, &stream);
    assert_eq!(finding.fault, Fault::Stuck);
    assert!(finding.detected_at - finding.from <= Duration::from_millis(300));
    assert_eq!(
        only_trip(Law::Mu, &vec![vec![0x00; 160]; 50]).fault,
        Fault::Stuck
    );
    // 150 Hz: three periods a packet, so every packet is the same.
    let tone: Vec<u8> = (0..32_000_i32)
        .map(|i| (f64::from(i) * 150.0 * std::f64::consts::TAU / 8_000.0).sin() * 12_000.0)
        .map(|x| Law::Mu.encode_sample(x as i16))
        .collect();
    for stream in [tone, vec![0xFF; 32_000], vec![0x7F; 32_000]] {
        assert_eq!(changes(Law::Mu, &packets(&stream, 160)), []);
    }
}

/// A room's hum, some 20 steps of 32,768 loud: of 160 bytes 80 are 0x00 or 0xFF, and full scale as G.711.
#[test]
fn pcm16_of_a_quiet_room_is_named_after_two_packets() {
    for law in [Law::Mu, Law::A] {
        for big in [false, true] {
            let hum = (0..8_000_i32).map(|at| (f64::from(at) * 0.31).sin() * 3.4 - 0.5);
            let bytes: Vec<u8> = hum
                .map(|sample| (sample.round() as i16).to_le_bytes())
                .flat_map(|[lower, upper]| if big { [upper, lower] } else { [lower, upper] })
                .collect();
            let mut stream = packets(&in_law(law), 160);
            stream.truncate(50);
            stream.extend(packets(&bytes, 160));
            let finding = only_trip(law, &stream);
            assert_eq!(finding.fault, Fault::Pcm16AsG711, "{law:?}");
            let order = if big { "pcm16be" } else { "pcm16le" };
            assert_eq!(finding.variant.to_string(), order);
            assert!(
                finding.detected_at <= Duration::from_millis(20 * 52),
                "{law:?} {order}: {finding:?}"
            );
        }
    }
}

/// Both are codes in upper bytes; static has other codes in the lower ones.
#[test]
fn static_that_was_never_resampled_and_what_is_companded_twice_are_told_apart_by_their_codes() {
    for law in [Law::Mu, Law::A] {
        let codes = in_law(law);
        let pairs = codes.chunks_exact(2);
        let noise: Vec<u8> = pairs
            .map(|pair| law.encode_sample(i16::from_le_bytes([pair[0], pair[1]])))
            .collect();
        let twice: Vec<u8> = codes
            .iter()
            .map(|code| law.encode_sample((i16::from(*code) - 128) << 8))
            .collect();
        for (bytes, fault) in [(&noise, Fault::G711AsPcm16), (&twice, Fault::DoubleEncoded)] {
            let finding = only_trip(law, &packets(bytes, 160));
            assert_eq!(finding.fault, fault, "{law:?}");
        }
    }
}

/// Whoever edits the model by hand, or trains it and leaves half of it behind, is told.
#[test]
fn the_model_is_the_one_that_was_trained() {
    use sha2::Digest;
    let model = include_bytes!("../../crates/media/src/detect/model.rs");
    let digest: String = sha2::Sha256::digest(model)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        digest,
        include_str!("../../tools/detector/model.sha256").trim()
    );
}
