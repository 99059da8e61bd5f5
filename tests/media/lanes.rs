//! Legs that speak different formats, or packets of different times: what is heard, and what the numbers say.

use crate::call::{BUFFER_BYTES, Sent, address, packet_at, plan};
use squelch_g711::Law;
use squelch_media::rtp::{Ptime, View};
use squelch_media::{
    Bridge, DropReason, Format, Forward, LegPlan, MediaPlan, SampleRate, Side, Transmit,
};
use std::f64::consts::TAU;
use std::time::{Duration, Instant};

pub(crate) const L16_8K: Format = Format::L16(SampleRate::Hz8000);
pub(crate) const L16_16K: Format = Format::L16(SampleRate::Hz16000);
pub(crate) const L16_24K: Format = Format::L16(SampleRate::Hz24000);

/// A call whose peers' packets come when the story says, and whose own go out when they are due.
pub(crate) struct Line {
    pub(crate) bridge: Bridge,
    pub(crate) start: Instant,
    now: Instant,
    /// What went to each leg, and when.
    pub(crate) to_carrier: Vec<(Duration, Sent)>,
    pub(crate) to_openai: Vec<(Duration, Sent)>,
}

impl Line {
    pub(crate) fn new(plan: &MediaPlan) -> Line {
        let start = Instant::now();
        Line {
            bridge: Bridge::new(start, plan),
            start,
            now: start,
            to_carrier: Vec::new(),
            to_openai: Vec::new(),
        }
    }

    /// Lets time go on to `at`, and what is due go out.
    pub(crate) fn run_to(&mut self, at: Duration) {
        let until = self.start + at;
        let mut out = [0; BUFFER_BYTES];
        loop {
            while let Some(Transmit { side, len, .. }) =
                self.bridge.poll_transmit(self.now, &mut out)
            {
                self.keep(side, &out[..len]);
            }
            match self.bridge.poll_timeout() {
                Some(due) if due <= until => {
                    self.now = self.now.max(due);
                    self.bridge.handle_timeout(self.now);
                }
                _ => break,
            }
        }
        self.now = self.now.max(until);
    }

    /// A datagram from leg `side`'s own peer at `at`.
    pub(crate) fn send(&mut self, at: Duration, side: Side, bytes: &[u8]) -> Forward {
        self.run_to(at);
        let mut buffer = [0; BUFFER_BYTES];
        buffer[..bytes.len()].copy_from_slice(bytes);
        let from = address(side);
        let forward = self
            .bridge
            .forward(self.now, side, from, &mut buffer, bytes.len());
        if let Forward::Send { len, .. } = forward {
            self.keep(side.other(), &buffer[..len]);
        }
        forward
    }

    fn keep(&mut self, side: Side, bytes: &[u8]) {
        let view = View::parse(bytes).expect("what is sent is RTP");
        let sent = Sent {
            to: address(side),
            payload_type: view.payload_type().number(),
            marker: view.marker(),
            sequence: view.sequence(),
            timestamp: view.timestamp().0,
            ssrc: view.ssrc().0,
            payload: view.payload().to_vec(),
        };
        let at = self.now.duration_since(self.start);
        match side {
            Side::Carrier => self.to_carrier.push((at, sent)),
            Side::Openai => self.to_openai.push((at, sent)),
        }
    }

    pub(crate) fn sent_to(&self, side: Side) -> &[(Duration, Sent)] {
        match side {
            Side::Carrier => &self.to_carrier,
            Side::Openai => &self.to_openai,
        }
    }
}

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The plan of `call`, with packet times.
pub(crate) fn plan_of(
    carrier: Format,
    carrier_ms: u16,
    openai: Format,
    openai_ms: u16,
) -> MediaPlan {
    let plan = plan(carrier, openai);
    let ptime = |ms| Ptime::from_ms(ms).expect("a packet time");
    MediaPlan {
        carrier: LegPlan {
            ptime: ptime(carrier_ms),
            ..plan.carrier
        },
        openai: LegPlan {
            ptime: ptime(openai_ms),
            ..plan.openai
        },
        ..plan
    }
}

/// A tone of 300 Hz at `rate`, from `from` on.
fn tone(rate: u32, from: usize, samples: usize) -> Vec<i16> {
    (from..from + samples)
        .map(|n| ((n as f64 * 300.0 * TAU / f64::from(rate)).sin() * 8_000.0) as i16)
        .collect()
}

pub(crate) fn encode(format: Format, pcm: &[i16]) -> Vec<u8> {
    match format {
        Format::Pcmu | Format::Pcma => {
            let mut codes = vec![0; pcm.len()];
            format.law().encode(pcm, &mut codes);
            codes
        }
        Format::L16(_) => pcm.iter().flat_map(|sample| sample.to_be_bytes()).collect(),
        Format::Opus => unreachable!("no test writes Opus itself"),
    }
}

pub(crate) fn decode(format: Format, payload: &[u8]) -> Vec<i16> {
    match format {
        Format::Pcmu | Format::Pcma => {
            let mut pcm = vec![0; payload.len()];
            format.law().decode(payload, &mut pcm);
            pcm
        }
        Format::L16(_) => payload
            .chunks_exact(2)
            .map(|pair| i16::from_be_bytes([pair[0], pair[1]]))
            .collect(),
        Format::Opus => unreachable!("no test reads Opus itself"),
    }
}

/// One packet of the tone, the `number`-th of `ms` milliseconds.
fn tone_packet(format: Format, packet_ms: u64, number: u64) -> Vec<u8> {
    let ticks = (u64::from(format.clock_rate()) * packet_ms / 1_000) as usize;
    let pcm = tone(format.clock_rate(), ticks * number as usize, ticks);
    packet_at(
        format.offered_payload_type().number(),
        number == 0,
        number as u16,
        (ticks as u64 * number) as u32,
        0xABCD,
        &encode(format, &pcm),
    )
}

/// The frequency by zero crossings, and the level of `pcm`.
fn pitch_and_level(pcm: &[i16], rate: u32) -> (f64, f32) {
    let crossings = pcm.windows(2).filter(|w| (w[0] < 0) != (w[1] < 0)).count();
    let seconds = pcm.len() as f64 / f64::from(rate);
    let level = squelch_media::audio::level::rms_dbov(pcm);
    (crossings as f64 / 2.0 / seconds, level)
}

fn assert_continuous(sent: &[(Duration, Sent)], ticks: u32) {
    for pair in sent.windows(2) {
        let (before, after) = (&pair[0].1, &pair[1].1);
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
        assert_eq!(after.timestamp, before.timestamp.wrapping_add(ticks));
        assert_eq!(after.ssrc, before.ssrc);
    }
}

fn heard(sent: &[(Duration, Sent)], format: Format) -> Vec<i16> {
    let payloads = sent.iter().map(|(_, sent)| &sent.payload);
    payloads
        .flat_map(|payload| decode(format, payload))
        .collect()
}

#[test]
fn a_tone_is_the_same_tone_through_every_pair_of_formats_and_packet_times_both_ways() {
    let pairs = [
        (L16_16K, 20, Format::Pcmu, 20),
        (L16_24K, 20, Format::Pcma, 30),
        (L16_8K, 10, Format::Pcmu, 20),
        (L16_16K, 40, L16_24K, 20),
        (Format::Pcmu, 30, Format::Pcma, 20),
        (Format::Pcma, 60, Format::Pcma, 10),
        (Format::Pcmu, 20, Format::Pcmu, 60),
    ];
    for (carrier, carrier_ms, openai, openai_ms) in pairs {
        for side in Side::ALL {
            let plan = plan_of(carrier, carrier_ms, openai, openai_ms);
            let (from, to) = (plan.leg(side).clone(), plan.leg(side.other()).clone());
            let mut line = Line::new(&plan);
            let packet_ms = u64::from(from.ptime.as_ms());
            for number in 0..2_000 / packet_ms {
                let packet = tone_packet(from.format, packet_ms, number);
                let forward = line.send(ms(number * packet_ms), side, &packet);
                assert_eq!(forward, Forward::Hold);
            }
            let sent = line.sent_to(side.other());
            let label = format!("{carrier:?}/{carrier_ms} {openai:?}/{openai_ms} {side:?}");
            assert_continuous(sent, to.ptime.samples(to.format.clock_rate()) as u32);
            let all = heard(sent, to.format);
            let rate = to.format.clock_rate();
            assert!(all.len() as u32 > rate * 18 / 10, "{label}: {}", all.len());
            // From half a second on, as long as there are packets: never a gap, never another pitch.
            for part in all[rate as usize / 2..].chunks_exact(rate as usize / 10) {
                let (pitch, level) = pitch_and_level(part, rate);
                assert!((285.0..315.0).contains(&pitch), "{label}: {pitch} Hz");
                assert!((-16.5..-14.0).contains(&level), "{label}: {level} dBov");
            }
            let stats = line.bridge.leg(side);
            assert_eq!(stats.dropped.total(), 0, "{label}");
        }
    }
}

#[test]
fn laws_alone_and_the_same_format_are_relayed_in_place() {
    for (carrier, openai) in [
        (Format::Pcma, Format::Pcmu),
        (Format::Pcmu, Format::Pcmu),
        (L16_16K, L16_16K),
    ] {
        let mut line = Line::new(&plan_of(carrier, 20, openai, 20));
        for side in Side::ALL {
            let format = if side == Side::Carrier {
                carrier
            } else {
                openai
            };
            let forward = line.send(ms(20), side, &tone_packet(format, 20, 1));
            assert!(matches!(forward, Forward::Send { .. }), "{forward:?}");
        }
    }
}

#[test]
fn openai_hears_silence_from_the_first_moment_and_one_run_of_numbers_after_it() {
    let mut line = Line::new(&plan_of(L16_24K, 20, Format::Pcmu, 20));
    line.run_to(ms(200));
    assert_eq!(line.to_openai.len(), 11);
    assert!(line.to_carrier.is_empty());
    let silence = heard(&line.to_openai, Format::Pcmu);
    assert!(silence.iter().all(|sample| *sample == 0));
    for number in 0..50 {
        line.send(
            ms(200 + 20 * number),
            Side::Carrier,
            &tone_packet(L16_24K, 20, number),
        );
    }
    assert_continuous(&line.to_openai, 160);
    // It goes on when the carrier is gone.
    line.run_to(ms(2_000));
    assert_eq!(line.to_openai.len(), 101);
    assert_continuous(&line.to_openai, 160);
}

/// The tone to OpenAI by way of a network: when each packet arrives, if it does.
fn through(packets: u64, network: impl Fn(u64) -> Option<Duration>) -> (Vec<i16>, Line) {
    let mut line = Line::new(&plan_of(L16_16K, 20, Format::Pcmu, 20));
    let mut arrivals: Vec<(Duration, u64)> = (0..packets)
        .filter_map(|number| Some((network(number)?, number)))
        .collect();
    arrivals.sort();
    for (at, number) in arrivals {
        line.send(at, Side::Carrier, &tone_packet(L16_16K, 20, number));
    }
    let all = heard(&line.to_openai, Format::Pcmu);
    (all, line)
}

fn roughest(pcm: &[i16]) -> i32 {
    let steps = pcm.windows(2);
    steps
        .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
        .max()
        .unwrap_or(0)
}

#[test]
fn loss_is_concealed_without_a_step_and_at_the_tones_level() {
    let (all, line) = through(200, |number| (number % 10 != 7).then_some(ms(20 * number)));
    assert_continuous(&line.to_openai, 160);
    let steady = &all[4_000..];
    assert!(roughest(steady) < 2_500, "{}", roughest(steady));
    for part in steady.chunks_exact(160) {
        let (_, level) = pitch_and_level(part, 8_000);
        assert!(level > -18.0, "{level} dBov");
    }
}

#[test]
fn packets_out_of_order_and_twice_are_heard_in_order_and_once() {
    // Every pair changes places; each comes twice.
    let order = |number: u64| ms(20 * (number ^ 1) + number % 2);
    let mut line = Line::new(&plan_of(L16_16K, 20, Format::Pcmu, 20));
    let mut arrivals: Vec<(Duration, u64)> = (0..200).map(|n| (order(n), n)).collect();
    arrivals.sort();
    for (at, number) in arrivals {
        for _ in 0..2 {
            line.send(at, Side::Carrier, &tone_packet(L16_16K, 20, number));
        }
    }
    let all = heard(&line.to_openai, Format::Pcmu);
    let steady = &all[8_000..];
    assert!(roughest(steady) < 2_500, "{}", roughest(steady));
    let stats = line.bridge.leg(Side::Carrier);
    assert_eq!(stats.duplicates, 200);
    // One taught that the order changes.
    assert!(stats.dropped.get(DropReason::Late) <= 2, "{stats:?}");
}

#[test]
fn jitter_within_the_delay_that_it_brought_about_is_not_heard() {
    // 0 to 40 ms by dice that are the same each time.
    let late = |number: u64| ((number * 2_654_435_761) >> 7) % 40;
    let (all, line) = through(500, |number| Some(ms(20 * number + late(number))));
    assert_continuous(&line.to_openai, 160);
    // After a second of getting used to it.
    let steady = &all[16_000..];
    assert!(roughest(steady) < 2_500, "{}", roughest(steady));
    for part in steady.chunks_exact(800) {
        let (pitch, level) = pitch_and_level(part, 8_000);
        assert!((280.0..320.0).contains(&pitch), "{pitch} Hz");
        assert!((-17.0..-14.0).contains(&level), "{level} dBov");
    }
}

#[test]
fn the_delay_shrinks_again_after_a_stall() {
    // Nothing for 150 ms, then all at once.
    let network = |number: u64| {
        let due = 20 * number;
        Some(ms(if (1_000..1_150).contains(&due) {
            1_150
        } else {
            due
        }))
    };
    let (_, line) = through(3_000, network);
    let waits = line.bridge.waiting(Side::Carrier);
    assert!(waits < ms(45), "{waits:?}");
}

#[test]
fn an_hour_of_clocks_that_drift_apart_leaves_the_delay_where_it_was() {
    for faster in [true, false] {
        // 100 ppm: 0.36 s in the hour. Packets of 60 ms, so that the hour is short.
        let network = |number: u64| {
            let micros = 60_000 * number;
            let drift = micros / 10_000;
            Duration::from_micros(if faster {
                micros - drift
            } else {
                micros + drift
            })
        };
        let mut line = Line::new(&plan_of(L16_8K, 60, Format::Pcmu, 60));
        let mut longest = Duration::ZERO;
        // OpenAI is there, or nothing goes to it for long.
        line.send(ms(0), Side::Openai, &tone_packet(Format::Pcmu, 60, 0));
        for number in 0..60_000 {
            line.send(
                network(number),
                Side::Carrier,
                &tone_packet(L16_8K, 60, number),
            );
            if number > 1_000 && number % 100 == 0 {
                longest = longest.max(line.bridge.waiting(Side::Carrier));
            }
            line.to_openai.clear();
        }
        assert!(longest < ms(140), "faster {faster}: {longest:?}");
        let stats = line.bridge.leg(Side::Carrier);
        assert_eq!(stats.dropped.total(), 0, "faster {faster}");
    }
}

#[test]
fn another_source_a_restart_and_jumps_of_the_time_go_on_in_one_run() {
    let mut line = Line::new(&plan_of(L16_16K, 20, Format::Pcmu, 20));
    let mut number = 0_u64;
    // SSRC, first sequence number, first timestamp: the wrap of both, a new source, jumps ahead and back.
    let runs: [(u32, u16, u32); 5] = [
        (1, 65_500, u32::MAX - 5_000),
        (2, 9, 77),
        (2, 30_000, 77 + 320 * 50),
        (2, 30_050, 4_000_000_000),
        (2, 30_100, 1_000),
    ];
    for (ssrc, sequence, timestamp) in runs {
        for index in 0..50_u32 {
            let pcm = tone(16_000, 320 * number as usize, 320);
            let packet = packet_at(
                L16_16K.offered_payload_type().number(),
                false,
                sequence.wrapping_add(index as u16),
                timestamp.wrapping_add(320 * index),
                ssrc,
                &encode(L16_16K, &pcm),
            );
            line.send(ms(20 * number), Side::Carrier, &packet);
            number += 1;
        }
    }
    assert_continuous(&line.to_openai, 160);
    let all = heard(&line.to_openai, Format::Pcmu);
    for part in all[4_000..].chunks_exact(160) {
        let (_, level) = pitch_and_level(part, 8_000);
        assert!(level > -19.0, "{level} dBov");
    }
}

#[test]
fn digits_cross_clocks_with_their_time_and_their_repeated_ends() {
    let mut line = Line::new(&plan_of(L16_24K, 20, Format::Pcmu, 20));
    let carrier = plan(L16_24K, Format::Pcmu).carrier;
    let event = carrier.telephone_event.expect("events").number();
    for number in 0..25 {
        line.send(
            ms(20 * number),
            Side::Carrier,
            &tone_packet(L16_24K, 20, number),
        );
    }
    // The 5 for 100 ms: all packets of one time, three ends.
    let at = 480 * 25;
    let durations = [480, 960, 1_440, 1_920, 2_400, 2_400, 2_400];
    for (index, duration) in durations.into_iter().enumerate() {
        let [high, low] = u16::to_be_bytes(duration);
        let end = if index >= 4 { 0x80 } else { 0 };
        let packet = packet_at(
            event,
            index == 0,
            25 + index as u16,
            at,
            0xABCD,
            &[5, end | 10, high, low],
        );
        let sent = line.send(ms(500 + 20 * index as u64), Side::Carrier, &packet);
        assert!(matches!(sent, Forward::Send { .. }), "{sent:?}");
    }
    let events: Vec<&Sent> = line
        .to_openai
        .iter()
        .map(|(_, sent)| sent)
        .filter(|sent| sent.payload_type == crate::call::OPENAI_EVENT)
        .collect();
    assert_eq!(events.len(), 7);
    assert!(events[0].marker && !events[1].marker);
    for (sent, duration) in events.iter().zip(durations) {
        assert_eq!(sent.timestamp, events[0].timestamp);
        assert_eq!(sent.payload[2..], u16::to_be_bytes(duration / 3));
    }
    assert_eq!(
        events
            .iter()
            .filter(|sent| sent.payload[1] & 0x80 != 0)
            .count(),
        3
    );
    // Nothing has two numbers, and nothing is missing.
    for pair in line.to_openai.windows(2) {
        assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1));
    }
}

#[test]
fn the_guard_mutes_static_before_it_is_transcoded() {
    use crate::detector::{as_static, packets, speech};
    let mut line = Line::new(&plan_of(L16_16K, 20, Format::Pcmu, 20));
    // The caller is there, or nothing goes to it for long.
    line.send(ms(0), Side::Carrier, &tone_packet(L16_16K, 20, 0));
    let bytes = as_static(&speech().repeat(4), Law::Mu);
    for (number, payload) in packets(&bytes, 160).iter().enumerate().take(150) {
        let packet = packet_at(0, false, number as u16, 160 * number as u32, 7, payload);
        line.send(ms(20 * number as u64), Side::Openai, &packet);
    }
    assert!(
        line.bridge.guard().muted > ms(2_000),
        "{:?}",
        line.bridge.guard()
    );
    let all = heard(&line.to_carrier, L16_16K);
    let level = squelch_media::audio::level::rms_dbov(&all[16_000..]);
    assert!(level < -45.0, "{level} dBov");
}

#[test]
fn static_in_what_is_no_g711_is_found_and_muted() {
    use crate::detector::{as_static, speech};
    let mut line = Line::new(&plan_of(L16_8K, 20, Format::Pcmu, 20));
    let codes = as_static(&speech().repeat(4), Law::Mu);
    for (number, codes) in codes.chunks_exact(160).enumerate().take(200) {
        let pcm = decode(Format::Pcmu, codes);
        let packet = packet_at(
            L16_8K.offered_payload_type().number(),
            false,
            number as u16,
            160 * number as u32,
            7,
            &encode(L16_8K, &pcm),
        );
        line.send(ms(20 * number as u64), Side::Carrier, &packet);
    }
    assert!(line.bridge.current_fault(Side::Carrier).is_some());
    let all = heard(&line.to_openai, Format::Pcmu);
    assert!(all[16_000..].iter().all(|sample| sample.abs() < 200));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    /// Whatever comes, however: no panic, packets of one length, one run of numbers.
    #[test]
    fn no_network_breaks_the_run_of_numbers(
        packets in proptest::collection::vec(
            (0_u64..80, proptest::num::u16::ANY, proptest::num::u32::ANY, 0_u32..3, 0_usize..1_400, 0_u8..4),
            1..200,
        ),
    ) {
        let mut line = Line::new(&plan_of(L16_24K, 20, Format::Pcma, 30));
        let mut at = 0;
        for (number, (gap, sequence, timestamp, ssrc, len, kind)) in packets.into_iter().enumerate() {
            at += gap;
            let payload = vec![(number % 251) as u8; len];
            let plan = plan(L16_24K, Format::Pcma).carrier;
            let payload_type = match kind {
                0 => plan.telephone_event.expect("events").number(),
                1 => 13,
                _ => plan.payload_type.number(),
            };
            let (sequence, timestamp) = match kind {
                // Now and then as it should be.
                2 => (number as u16, 480 * number as u32),
                _ => (sequence, timestamp),
            };
            line.send(ms(at), Side::Carrier, &packet_at(payload_type, false, sequence, timestamp, ssrc, &payload));
        }
        line.run_to(ms(at + 500));
        for pair in line.to_openai.windows(2) {
            proptest::prop_assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1));
            proptest::prop_assert_eq!(pair[1].1.ssrc, pair[0].1.ssrc);
        }
        let audio = line.to_openai.iter().filter(|(_, sent)| sent.payload_type == 8);
        for (_, sent) in audio {
            proptest::prop_assert_eq!(sent.payload.len(), 240);
        }
    }
}

/// Runs where Opus is built in: `--features squelch/opus`.
#[test]
fn a_tone_is_the_same_tone_through_opus_both_ways_with_losses() {
    use squelch_media::audio::transcode::Transcoder;
    use squelch_media::rtp::RtpTime;
    if !Format::Opus.is_built_in() {
        return;
    }
    let ptime = Ptime::DEFAULT;
    let coder = |from: Format, to: Format| {
        Transcoder::new(from.into(), to.into(), ptime, ptime).expect("a transcoder")
    };
    let plan = plan_of(Format::Opus, 20, Format::Pcmu, 20);
    let mut line = Line::new(&plan);
    let (mut peer, mut out) = (coder(L16_8K, Format::Opus), [0; 4_000]);
    for number in 0..150_u32 {
        let pcm = tone(8_000, 160 * number as usize, 160);
        let pushed = peer.push(RtpTime(160 * number), &encode(L16_8K, &pcm));
        pushed.expect("a payload");
        let frame = peer.pop(&mut out).expect("Opus").expect("a frame");
        let packet = packet_at(
            plan.carrier.payload_type.number(),
            false,
            number as u16,
            960 * number,
            7,
            &out[..frame.len],
        );
        let at = ms(20 * u64::from(number));
        if number % 20 != 13 {
            assert_eq!(line.send(at, Side::Carrier, &packet), Forward::Hold);
        }
        line.send(
            at,
            Side::Openai,
            &tone_packet(Format::Pcmu, 20, u64::from(number)),
        );
    }
    assert_continuous(&line.to_openai, 160);
    assert_continuous(&line.to_carrier, 960);
    let mut peer = coder(Format::Opus, L16_8K);
    let mut to_carrier = Vec::new();
    for (_, sent) in &line.to_carrier {
        let pushed = peer.push(RtpTime(sent.timestamp), &sent.payload);
        pushed.expect("Opus");
        while let Some(frame) = peer.pop(&mut out).expect("L16") {
            to_carrier.extend(decode(L16_8K, &out[..frame.len]));
        }
    }
    for all in [heard(&line.to_openai, Format::Pcmu), to_carrier] {
        assert!(all.len() > 20_000, "{}", all.len());
        for part in all[8_000..].chunks_exact(800) {
            let (pitch, level) = pitch_and_level(part, 8_000);
            assert!((280.0..320.0).contains(&pitch), "{pitch} Hz");
            assert!((-19.0..-13.0).contains(&level), "{level} dBov");
        }
    }
}
