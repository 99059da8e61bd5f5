//! Any format to any other, heard: what goes in as a tone or as speech comes out as the same, at the right time.
//!
//! Opus takes part where it is built in.

use crate::detector::speech;
use proptest::prelude::*;
use squelch_g711::ByteOrder;
use squelch_g711::Law;
use squelch_media::audio::format::{AudioFormat, SampleRate};
use squelch_media::audio::level;
use squelch_media::audio::transcode::{Silence, TranscodeError, Transcoder};
use squelch_media::rtp::{Ptime, RtpTime};
use std::f64::consts::TAU;
use std::time::Duration;

const PTIMES: [u16; 5] = [10, 20, 30, 40, 60];
/// No divisor of 8,000, or the codecs would round the same few samples over and over.
const TONE_HZ: f64 = 1_010.0;
/// Room for any frame. **Units**: bytes.
const ROOM: usize = 12_000;

fn ptime(ms: u16) -> Ptime {
    Ptime::from_ms(ms).expect("a packet time")
}

fn pcm16(rate: SampleRate, order: ByteOrder) -> AudioFormat {
    AudioFormat::Pcm16 { rate, order }
}

/// Every format that is built in.
pub(crate) fn formats() -> Vec<AudioFormat> {
    let mut all = vec![AudioFormat::Pcmu, AudioFormat::Pcma];
    for rate in SampleRate::ALL {
        all.extend([ByteOrder::Little, ByteOrder::Big].map(|order| pcm16(rate, order)));
    }
    if Silence::new(AudioFormat::Opus, Ptime::DEFAULT).is_ok() {
        all.push(AudioFormat::Opus);
    }
    all
}

fn pairs() -> impl Iterator<Item = (AudioFormat, AudioFormat)> {
    let all = formats();
    let to = all.clone();
    all.into_iter()
        .flat_map(move |from| to.clone().into_iter().map(move |to| (from, to)))
}

fn no_opus_frame(format: AudioFormat, ms: u16) -> bool {
    format == AudioFormat::Opus && ms == 30
}

/// Feeds payloads in order, without gaps; gives the frames with their timestamps.
fn feed(
    transcoder: &mut Transcoder,
    first: RtpTime,
    ticks: u32,
    payloads: &[Vec<u8>],
) -> Vec<(RtpTime, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut out = vec![0; ROOM];
    for (index, payload) in (0..).zip(payloads) {
        transcoder
            .push(first.plus(ticks.wrapping_mul(index)), payload)
            .expect("a payload");
        while let Some(frame) = transcoder.pop(&mut out).expect("room") {
            frames.push((frame.timestamp, out[..frame.len].to_vec()));
        }
    }
    frames
}

/// Samples as payloads of a format whose rate they have.
fn payloads(format: AudioFormat, pcm: &[i16], ms: u16) -> Vec<Vec<u8>> {
    let rate = format.sample_rate();
    let size = ptime(ms).samples(rate.hz());
    let whole = pcm.chunks_exact(size);
    match format {
        AudioFormat::Pcmu | AudioFormat::Pcma => {
            let law = if format == AudioFormat::Pcmu {
                Law::Mu
            } else {
                Law::A
            };
            whole
                .map(|part| part.iter().map(|s| law.encode_sample(*s)).collect())
                .collect()
        }
        AudioFormat::Pcm16 { order, .. } => whole
            .map(|part| {
                let bytes = part.iter().flat_map(|sample| match order {
                    ByteOrder::Little => sample.to_le_bytes(),
                    ByteOrder::Big => sample.to_be_bytes(),
                });
                bytes.collect()
            })
            .collect(),
        AudioFormat::Opus => {
            let linear = pcm16(rate, ByteOrder::Little);
            let mut encoder =
                Transcoder::new(linear, format, ptime(ms), ptime(ms)).expect("an encoder");
            let frames = feed(
                &mut encoder,
                RtpTime(0),
                size as u32,
                &payloads(linear, pcm, ms),
            );
            frames.into_iter().map(|(_, bytes)| bytes).collect()
        }
    }
}

/// What frames of a format sound like.
fn samples(format: AudioFormat, frames: &[Vec<u8>], ms: u16) -> Vec<i16> {
    match format {
        AudioFormat::Pcmu | AudioFormat::Pcma => {
            let law = if format == AudioFormat::Pcmu {
                Law::Mu
            } else {
                Law::A
            };
            frames
                .concat()
                .iter()
                .map(|c| law.decode_sample(*c))
                .collect()
        }
        AudioFormat::Pcm16 { order, .. } => frames
            .concat()
            .chunks_exact(2)
            .map(|pair| match order {
                ByteOrder::Little => i16::from_le_bytes([pair[0], pair[1]]),
                ByteOrder::Big => i16::from_be_bytes([pair[0], pair[1]]),
            })
            .collect(),
        AudioFormat::Opus => {
            let linear = pcm16(SampleRate::Hz48000, ByteOrder::Little);
            let mut decoder =
                Transcoder::new(format, linear, ptime(ms), ptime(ms)).expect("a decoder");
            let ticks = ptime(ms).samples(48_000) as u32;
            let heard = feed(&mut decoder, RtpTime(0), ticks, frames);
            let bytes: Vec<Vec<u8>> = heard.into_iter().map(|(_, bytes)| bytes).collect();
            samples(linear, &bytes, ms)
        }
    }
}

fn tone(hz: f64, rate: u32, ms: u32) -> Vec<i16> {
    (0..rate / 1_000 * ms)
        .map(|n| ((f64::from(n) * hz * TAU / f64::from(rate)).sin() * 8_000.0) as i16)
        .collect()
}

/// The level of one frequency, and of everything else, against the tone of [`tone`]. **Units**: dB.
fn spectrum(pcm: &[i16], hz: f64, rate: u32) -> (f64, f64) {
    let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
    for (n, sample) in (0..).zip(pcm) {
        let phase = f64::from(n) * hz * TAU / f64::from(rate);
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
        power += f64::from(*sample).powi(2);
    }
    let count = pcm.len() as f64;
    let amplitude = 2.0 * re.hypot(im) / count;
    let rest = (power / count - amplitude.powi(2) / 2.0).max(1e-9).sqrt();
    let full = 8_000.0 / 2_f64.sqrt();
    (
        20.0 * (amplitude / 8_000.0).log10(),
        20.0 * (rest / full).log10(),
    )
}

#[test]
fn a_tone_keeps_pitch_and_level_between_all_formats_at_all_packet_times() {
    for (from, to) in pairs() {
        let pcm = tone(TONE_HZ, from.clock_rate(), 480);
        for ms_in in PTIMES {
            if no_opus_frame(from, ms_in) {
                continue;
            }
            let payloads = payloads(from, &pcm, ms_in);
            for ms_out in PTIMES {
                if no_opus_frame(to, ms_out) {
                    continue;
                }
                let told = format!("{from} {ms_in} ms to {to} {ms_out} ms");
                let mut transcoder =
                    Transcoder::new(from, to, ptime(ms_in), ptime(ms_out)).expect("a pair");
                let first = RtpTime(u32::MAX - 2_000);
                let ticks = ptime(ms_in).samples(from.clock_rate()) as u32;
                let frames = feed(&mut transcoder, first, ticks, &payloads);
                // Every frame follows the one before, over the wrap.
                let step = ptime(ms_out).samples(to.clock_rate()) as u32;
                for (index, (timestamp, bytes)) in (0..).zip(&frames) {
                    assert_eq!(
                        *timestamp,
                        first.plus(step * index),
                        "{told}, frame {index}"
                    );
                    if to.sample_bytes().is_some() {
                        assert_eq!(bytes.len(), to.frame_bytes(ptime(ms_out)), "{told}");
                    }
                }
                let missing = 480 - frames.len() * usize::from(ms_out);
                assert!(missing < usize::from(ms_out) + 20, "{told}: {missing} ms");
                let frames: Vec<Vec<u8>> = frames.into_iter().map(|(_, bytes)| bytes).collect();
                let heard = samples(to, &frames, ms_out);
                // From 200 to 400 ms: past every codec's beginning, a whole number of cycles.
                let per_ms = to.clock_rate() as usize / 1_000;
                let steady = &heard[200 * per_ms..400 * per_ms];
                let (level, rest) = spectrum(steady, TONE_HZ, to.clock_rate());
                let opus = from == AudioFormat::Opus || to == AudioFormat::Opus;
                let (off, noise) = if opus { (1.5, -14.0) } else { (0.2, -33.0) };
                assert!(level.abs() < off, "{told}: {level} dB");
                assert!(rest < noise, "{told}: {rest} dB beside the tone");
            }
        }
    }
}

#[test]
fn laws_go_by_the_recommendations_tables_and_the_same_format_is_a_copy() {
    let codes: Vec<u8> = (0..=255).chain((0..64).rev()).collect();
    for (from, from_law, to, to_law) in [
        (AudioFormat::Pcmu, Law::Mu, AudioFormat::Pcma, Law::A),
        (AudioFormat::Pcma, Law::A, AudioFormat::Pcmu, Law::Mu),
    ] {
        let mut transcoder = Transcoder::new(from, to, ptime(40), ptime(40)).expect("laws");
        let frames = feed(
            &mut transcoder,
            RtpTime(7),
            320,
            std::slice::from_ref(&codes),
        );
        // Not decoded and encoded: tables 3 and 4 of G.711 differ from that in some codes.
        let mut exact = codes.clone();
        squelch_g711::convert_in_place(from_law, to_law, &mut exact);
        assert_eq!(frames, [(RtpTime(7), exact)]);
        let mut copy = Transcoder::new(from, from, ptime(40), ptime(20)).expect("a copy");
        let frames = feed(&mut copy, RtpTime(7), 320, std::slice::from_ref(&codes));
        let halves = [
            (RtpTime(7), codes[..160].to_vec()),
            (RtpTime(167), codes[160..].to_vec()),
        ];
        assert_eq!(frames, halves);
    }
}

#[test]
fn speech_through_24_khz_and_back_is_the_same_speech() {
    let spoken = speech();
    let packets: Vec<Vec<u8>> = spoken.chunks_exact(160).map(<[u8]>::to_vec).collect();
    let wide = pcm16(SampleRate::Hz24000, ByteOrder::Big);
    let mut up = Transcoder::new(AudioFormat::Pcmu, wide, ptime(20), ptime(20)).expect("up");
    let mut down = Transcoder::new(wide, AudioFormat::Pcmu, ptime(20), ptime(20)).expect("down");
    let middle = feed(&mut up, RtpTime(0), 160, &packets);
    let middle: Vec<Vec<u8>> = middle.into_iter().map(|(_, bytes)| bytes).collect();
    let back = feed(&mut down, RtpTime(0), 480, &middle);
    let back: Vec<Vec<u8>> = back.into_iter().map(|(_, bytes)| bytes).collect();
    let before = samples(AudioFormat::Pcmu, &packets, 20);
    let after = samples(AudioFormat::Pcmu, &back, 20);
    let delay = (up.delay() + down.delay()).as_millis() as usize * 8;
    assert_eq!(delay, 160);
    let (said, heard) = (&before[..before.len() - delay], &after[delay..before.len()]);
    let dot = |a: &[i16], b: &[i16]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    let alike = dot(said, heard) / (dot(said, said) * dot(heard, heard)).sqrt();
    assert!(alike > 0.99, "{alike}");
    let off = level::rms_dbov(said) - level::rms_dbov(heard);
    assert!(off.abs() < 0.2, "{off} dB");
}

#[test]
fn a_click_comes_out_as_late_as_the_transcoder_says() {
    for from in SampleRate::ALL {
        for to in SampleRate::ALL {
            for ms in PTIMES {
                let (from, to) = (pcm16(from, ByteOrder::Big), pcm16(to, ByteOrder::Little));
                let per_ms = from.clock_rate() as usize / 1_000;
                let mut pcm = vec![0; 480 * per_ms];
                pcm[200 * per_ms..].fill(10_000);
                let mut transcoder =
                    Transcoder::new(from, to, ptime(ms), ptime(ms)).expect("a pair");
                let ticks = ptime(ms).samples(from.clock_rate()) as u32;
                let frames = feed(
                    &mut transcoder,
                    RtpTime(0),
                    ticks,
                    &payloads(from, &pcm, ms),
                );
                let frames: Vec<Vec<u8>> = frames.into_iter().map(|(_, bytes)| bytes).collect();
                let heard = samples(to, &frames, ms);
                let rise = heard.iter().position(|s| *s > 5_000).expect("the step") as f64;
                let at = rise * 1_000.0 / f64::from(to.clock_rate()) - 200.0;
                let delay = transcoder.delay();
                let same = from.clock_rate() == to.clock_rate();
                let said = if same {
                    0
                } else if ms % 20 == 0 {
                    10
                } else {
                    5
                };
                assert_eq!(
                    delay,
                    Duration::from_millis(said),
                    "{from} to {to}, {ms} ms"
                );
                assert!(
                    (at - said as f64).abs() < 0.2,
                    "{from} to {to}, {ms} ms: {at} ms"
                );
            }
        }
    }
}

#[test]
fn silence_of_every_format_is_heard_as_silence() {
    for format in formats() {
        for ms in PTIMES {
            if no_opus_frame(format, ms) {
                assert_eq!(
                    Silence::new(format, ptime(ms)).err(),
                    Some(TranscodeError::OpusPtime(30))
                );
                continue;
            }
            let silence = Silence::new(format, ptime(ms)).expect("silence");
            let mut out = vec![0x55; ROOM];
            let length = silence.fill(&mut out).expect("room");
            assert_eq!(silence.fill(&mut out[..length - 1]), None);
            let frames = vec![out[..length].to_vec(); 20];
            let heard = samples(format, &frames, ms);
            let size = ptime(ms).samples(format.clock_rate());
            assert_eq!(heard.len(), 20 * size, "{format}");
            // A-law has no zero: its silence is 8 (G.711 table 1a).
            assert!(heard.iter().all(|s| s.abs() <= 8), "{format} {ms} ms");
        }
    }
    assert_eq!(
        Silence::new(AudioFormat::Pcmu, ptime(20)).unwrap().frame(),
        [0xFF; 160]
    );
    assert_eq!(
        Silence::new(AudioFormat::Pcma, ptime(20)).unwrap().frame(),
        [0xD5; 160]
    );
}

/// Payloads of silence at these times, 20 ms each; the timestamps that come out, in milliseconds since the first.
fn heard_at(from: AudioFormat, to: AudioFormat, times: &[u32]) -> Vec<u32> {
    let mut transcoder = Transcoder::new(from, to, ptime(20), ptime(20)).expect("a pair");
    let silence = Silence::new(from, ptime(20)).expect("silence");
    let first = RtpTime(u32::MAX - 900);
    let (in_ms, out_ms) = (from.clock_rate() / 1_000, to.clock_rate() / 1_000);
    let (mut heard, mut out) = (Vec::new(), vec![0; ROOM]);
    for ms in times {
        transcoder
            .push(first.plus(ms * in_ms), silence.frame())
            .expect("a payload");
        while let Some(frame) = transcoder.pop(&mut out).expect("room") {
            let since = frame.timestamp.since(first) as u32;
            assert!(since.is_multiple_of(out_ms));
            heard.push(since / out_ms);
        }
    }
    heard
}

#[test]
fn gaps_are_filled_to_120_ms_and_longer_ones_move_the_time() {
    for (from, to) in pairs() {
        let told = format!("{from} to {to}");
        let heard = heard_at(from, to, &[0, 20, 80, 100]);
        assert_eq!(heard, [0, 20, 40, 60, 80, 100], "{told}");
        let heard = heard_at(from, to, &[0, 20, 160, 180]);
        assert_eq!(
            heard,
            [0, 20, 40, 60, 80, 100, 120, 140, 160, 180],
            "{told}"
        );
        let heard = heard_at(from, to, &[0, 20, 1_040, 1_060]);
        let mut at: Vec<u32> = heard.clone();
        // What the resampler still held comes out as two chunks before the pause.
        at.retain(|ms| *ms < 40 || *ms > 80);
        assert_eq!(at, [0, 20, 1_040, 1_060], "{told}: {heard:?}");
    }
}

#[test]
fn payloads_of_other_lengths_than_announced_make_the_same_frames() {
    let to = pcm16(SampleRate::Hz24000, ByteOrder::Little);
    let mut transcoder =
        Transcoder::new(AudioFormat::Pcma, to, ptime(20), ptime(30)).expect("a pair");
    let (mut at, mut out, mut frames) = (RtpTime(0), vec![0; ROOM], Vec::new());
    for size in [160, 80, 481, 1, 238, 960, 80] {
        transcoder.push(at, &vec![0xD5; size]).expect("a payload");
        at = at.plus(size as u32);
        while let Some(frame) = transcoder.pop(&mut out).expect("room") {
            frames.push((frame.timestamp.0, frame.len));
        }
    }
    // 2,000 samples are 250 ms: 240 ms of whole chunks, eight frames of 30.
    let expected: Vec<(u32, usize)> = (0..8).map(|n| (720 * n, 1_440)).collect();
    assert_eq!(frames, expected);
}

#[test]
fn what_is_malformed_or_late_is_refused_and_does_no_harm() {
    for (from, to) in pairs() {
        let make = || Transcoder::new(from, to, ptime(20), ptime(20)).expect("a pair");
        let pcm = tone(700.0, from.clock_rate(), 200);
        let good = payloads(from, &pcm, 20);
        let ticks = ptime(20).samples(from.clock_rate()) as u32;
        let undisturbed = feed(&mut make(), RtpTime(0), ticks, &good);
        let mut transcoder = make();
        let (mut heard, mut out) = (Vec::new(), vec![0; ROOM]);
        for (index, payload) in (0..).zip(&good) {
            let at = RtpTime(ticks * index);
            assert_eq!(transcoder.push(at, &[]), Err(TranscodeError::Empty));
            let long = vec![0xFF; 96 * 121 + 1];
            assert!(transcoder.push(at, &long).is_err(), "{from} to {to}");
            if let AudioFormat::Pcm16 { .. } = from {
                let odd = transcoder.push(at, &payload[1..]);
                assert_eq!(odd, Err(TranscodeError::OddLength(payload.len() - 1)));
            }
            if from == AudioFormat::Opus {
                // Code 3 without a count, and with one of nothing (RFC 6716 section 3.2.5).
                assert_eq!(transcoder.push(at, &[0x03]), Err(TranscodeError::Opus));
                assert_eq!(transcoder.push(at, &[0x03, 0]), Err(TranscodeError::Opus));
            }
            if index > 0 {
                let late = transcoder.push(RtpTime(ticks * (index - 1)), payload);
                assert_eq!(late, Err(TranscodeError::Late));
            }
            transcoder.push(at, payload).expect("a payload");
            while let Some(frame) = transcoder.pop(&mut out).expect("room") {
                heard.push((frame.timestamp, out[..frame.len].to_vec()));
            }
        }
        assert_eq!(heard, undisturbed, "{from} to {to}");
    }
}

#[test]
fn a_frame_waits_until_it_is_popped_into_room_enough() {
    let (from, to) = (AudioFormat::Pcmu, AudioFormat::Pcma);
    let mut transcoder = Transcoder::new(from, to, ptime(20), ptime(20)).expect("a pair");
    transcoder
        .push(RtpTime(0), &[0xFF; 160])
        .expect("a payload");
    let again = transcoder.push(RtpTime(160), &[0xFF; 160]);
    assert_eq!(again, Err(TranscodeError::Waiting));
    assert_eq!(
        transcoder.pop(&mut [0; 159]),
        Err(TranscodeError::Room(160))
    );
    let frame = transcoder
        .pop(&mut [0; 160])
        .expect("room")
        .expect("a frame");
    assert_eq!((frame.timestamp, frame.len), (RtpTime(0), 160));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_at_no_time_do_harm(
        packets in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..1_200)), 1..20),
        near in any::<bool>(),
        from in 0_usize..11,
        to in 0_usize..11,
    ) {
        let all = formats();
        let (from, to) = (all[from % all.len()], all[to % all.len()]);
        let mut transcoder = Transcoder::new(from, to, ptime(20), ptime(60)).expect("a pair");
        let mut out = vec![0; ROOM];
        for (timestamp, payload) in packets {
            let at = RtpTime(if near { timestamp % 50_000 } else { timestamp });
            let said = transcoder.push(at, &payload);
            prop_assert_ne!(said, Err(TranscodeError::Waiting));
            while let Some(frame) = transcoder.pop(&mut out).expect("room") {
                prop_assert!(frame.len <= to.frame_bytes(ptime(60)));
            }
        }
    }
}
