//! Comfort noise (RFC 3389): a peer that stops sending says how its room sounds.

use crate::call::{packet_at, plan};
use crate::lanes::{L16_16K, Line, decode, ms, plan_of};
use squelch_media::audio::level::rms_dbov;
use squelch_media::rtp::PayloadType;
use squelch_media::{Format, MediaPlan, Side};

/// One second of speech-like sound, then comfort noise of -45 dBov for a second, then sound again.
fn talk_pause_talk(line: &mut Line, side: Side, format: Format, noise: u8) {
    let ticks = format.clock_rate() / 50;
    let payload = match format {
        Format::L16(_) => [0x20, 0x00, 0xE0, 0x00].repeat(ticks as usize / 2),
        _ => [0x20, 0xA0].repeat(ticks as usize / 2),
    };
    let number = format.offered_payload_type().number();
    let mut sequence = 0;
    for tick in (0..50).chain(100..150) {
        line.send(
            ms(20 * u64::from(tick)),
            side,
            &packet_at(number, tick == 100, sequence, ticks * tick, 7, &payload),
        );
        sequence += 1;
        if tick == 49 {
            line.send(
                ms(1_000),
                side,
                &packet_at(noise, false, sequence, ticks * 50, 7, &[45]),
            );
            sequence += 1;
        }
    }
}

#[test]
fn it_is_rendered_at_its_level_until_audio_comes_again() {
    for plan in [
        plan(Format::Pcmu, Format::Pcmu),
        plan(Format::Pcma, Format::Pcmu),
        plan_of(Format::Pcmu, 30, Format::Pcmu, 20),
    ] {
        let mut line = Line::new(&plan);
        talk_pause_talk(&mut line, Side::Carrier, plan.carrier.format, 13);
        let pause = line
            .to_openai
            .iter()
            .filter(|(at, _)| (ms(1_200)..ms(1_900)).contains(at));
        let noise: Vec<i16> = pause
            .flat_map(|(_, sent)| decode(Format::Pcmu, &sent.payload))
            .collect();
        assert!(noise.len() >= 8 * 640, "{}", noise.len());
        let level = rms_dbov(&noise);
        assert!((-47.0..-43.0).contains(&level), "{level} dBov");
        for pair in line.to_openai.windows(2) {
            assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1));
            assert_eq!(pair[1].1.timestamp, pair[0].1.timestamp.wrapping_add(160));
        }
        let (_, last) = line.to_openai.last().expect("packets");
        assert!(rms_dbov(&decode(Format::Pcmu, &last.payload)) > -20.0);
        assert_eq!(line.bridge.leg(Side::Carrier).dropped.total(), 0);
    }
}

#[test]
fn it_is_relayed_where_both_legs_have_it() {
    let usual = plan(Format::Pcmu, Format::Pcmu);
    let with = |number| PayloadType::new(number);
    let mut plan = MediaPlan { ..usual };
    plan.carrier.comfort_noise = with(98);
    plan.openai.comfort_noise = with(13);
    let mut line = Line::new(&plan);
    talk_pause_talk(&mut line, Side::Carrier, Format::Pcmu, 98);
    let noise: Vec<_> = line
        .to_openai
        .iter()
        .filter(|(_, sent)| sent.payload_type == 13)
        .collect();
    assert_eq!(noise.len(), 1);
    assert_eq!(noise[0].1.payload, [45]);
    let in_the_pause = line
        .to_openai
        .iter()
        .filter(|(at, _)| (ms(1_020)..ms(1_980)).contains(at));
    assert_eq!(in_the_pause.count(), 0);
}

#[test]
fn it_is_no_word_of_a_leg_at_another_clock_that_did_not_agree_on_it() {
    let mut line = Line::new(&plan(L16_16K, L16_16K));
    talk_pause_talk(&mut line, Side::Carrier, L16_16K, 13);
    let reason = squelch_media::DropReason::PayloadType;
    assert_eq!(line.bridge.leg(Side::Carrier).dropped.get(reason), 1);
}
