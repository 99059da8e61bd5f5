//! What a packet costs on its way through a bridge, without the sockets: beside a copy of it, and beside
//! webrtc-rtp reading and writing the same packet without looking into it.
//!
//! Every row begins as a worker does, with a packet copied into a buffer of its own, whose number and time go on.

mod side_by_side;
#[path = "side_by_side/speech.rs"]
mod speech;

use bytes::Bytes;
use rtc_shared::marshal::{Marshal, Unmarshal};
use side_by_side::Group;
use squelch_media::rtp::{PayloadType, Ptime, RtpTime, Ssrc, View, build, restamp};
use squelch_media::{
    Bridge, Direction, Format, Forward, GuardAction, GuardPlan, LegPlan, MediaPlan, SampleRate,
    Side,
};
use squelch_sim::sound::{self, Misreader, pcm16_bytes};
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const PTIME: Duration = Duration::from_millis(20);

fn address(side: Side) -> SocketAddr {
    match side {
        Side::Carrier => SocketAddr::from(([192, 0, 2, 1], 4_000)),
        Side::Openai => SocketAddr::from(([192, 0, 2, 2], 5_000)),
    }
}

fn leg(side: Side, format: Format) -> LegPlan {
    LegPlan {
        format,
        payload_type: format.offered_payload_type(),
        telephone_event: PayloadType::new(101),
        comfort_noise: None,
        ptime: Ptime::DEFAULT,
        direction: Direction::SendRecv,
        remote: address(side),
        media_sources: vec!["192.0.2.0/24".parse().expect("a network")],
        fec: false,
        srtp: None,
        dialog: 0,
        rtcp: None,
        ssrc: Ssrc(0x5157_3100),
        sequence: 1,
        timestamp: RtpTime(1),
    }
}

/// The packets of a stream from OpenAI, one after another without end.
struct Stream {
    packets: Vec<Bytes>,
    next: usize,
    sequence: u16,
    timestamp: u32,
    buffer: [u8; 1_500],
}

impl Stream {
    fn new(audio: &[u8], size: usize) -> Stream {
        let packets = audio
            .chunks_exact(size)
            .map(|payload| {
                build(PayloadType::PCMU, false, 0, RtpTime(0), Ssrc(7), payload).expect("a packet")
            })
            .collect();
        Stream {
            packets,
            next: 0,
            sequence: 0,
            timestamp: 0,
            buffer: [0; 1_500],
        }
    }

    /// The next packet into the buffer; gives its length.
    fn receive(&mut self) -> usize {
        self.next = (self.next + 1) % self.packets.len();
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        let packet = &self.packets[self.next];
        self.buffer[..packet.len()].copy_from_slice(packet);
        self.buffer[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        self.buffer[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        packet.len()
    }
}

/// A row that relays a stream from OpenAI to a carrier of `format`, after a second of `speech`.
fn forward(format: Format, speech: &[u8], audio: &[u8], size: usize) -> impl FnMut() {
    let plan = MediaPlan {
        carrier: leg(Side::Carrier, format),
        openai: leg(Side::Openai, Format::Pcmu),
        guard: GuardPlan {
            action: GuardAction::Protect,
            hold: Duration::ZERO,
        },
    };
    let mut now = Instant::now();
    let mut bridge = Bridge::new(now, &plan);
    let number = format.offered_payload_type();
    let hello = build(number, false, 1, RtpTime(1), Ssrc(9), &[0xFF; 160]).expect("a packet");
    let mut hello = hello.to_vec();
    let length = hello.len();
    bridge.forward(
        now,
        Side::Carrier,
        address(Side::Carrier),
        &mut hello,
        length,
    );

    let mut stream = Stream::new(&speech[..50 * 160], 160);
    let mut step = move |stream: &mut Stream| {
        let length = stream.receive();
        now += PTIME;
        let from = address(Side::Openai);
        let forward = bridge.forward(now, Side::Openai, from, &mut stream.buffer, length);
        assert!(matches!(forward, Forward::Send { .. }), "{forward:?}");
        while let Some(event) = bridge.poll_event() {
            black_box(event);
        }
    };
    for _ in 0..50 {
        step(&mut stream);
    }
    let (sequence, timestamp) = (stream.sequence, stream.timestamp);
    stream = Stream {
        sequence,
        timestamp,
        ..Stream::new(audio, size)
    };
    move || step(&mut stream)
}

/// A row that transcodes mu-law from OpenAI for a carrier of another format or packet time: taken in, and all that
/// is due sent.
fn transcode(format: Format, ptime: Ptime, speech: &[u8]) -> impl FnMut() {
    let plan = MediaPlan {
        carrier: LegPlan {
            ptime,
            ..leg(Side::Carrier, format)
        },
        // The other way rests.
        openai: LegPlan {
            direction: Direction::RecvOnly,
            ..leg(Side::Openai, Format::Pcmu)
        },
        guard: GuardPlan {
            action: GuardAction::Protect,
            hold: Duration::ZERO,
        },
    };
    let mut now = Instant::now();
    let mut bridge = Bridge::new(now, &plan);
    let mut stream = Stream::new(speech, 160);
    let mut out = [0; 1_500];
    move || {
        let length = stream.receive();
        now += PTIME;
        let from = address(Side::Openai);
        let forward = bridge.forward(now, Side::Openai, from, &mut stream.buffer, length);
        assert_eq!(forward, Forward::Hold);
        while let Some(sent) = bridge.poll_transmit(now, &mut out) {
            black_box(sent);
        }
    }
}

fn main() {
    let speech = speech::mu_law();
    let silence = vec![0xFF; 64 * 160];
    let noise = Misreader::default().run(sound::Law::Mu, &speech.repeat(6));
    let samples = sound::Law::Mu.decode_all(&speech);
    let grown = pcm16_bytes(&sound::triple_rate(&samples));

    let mut copied = Stream::new(&speech, 160);
    let mut stamped = Stream::new(&speech, 160);
    let mut foreign = Stream::new(&speech, 160);
    let mut written = [0_u8; 1_500];
    let ptime = |ms| Ptime::from_ms(ms).expect("a packet time");
    let l16 = |rate| transcode(Format::L16(rate), Ptime::DEFAULT, &speech);
    let mut group = Group::new(
        "one packet through the bridge",
        "packet of 160 bytes and 20 ms",
        1,
    );
    group
        .row("memcpy", move || {
            let length = copied.receive();
            black_box(&copied.buffer[..length]);
        })
        .row("rtp::View and restamp", move || {
            let length = stamped.receive();
            let packet = &mut stamped.buffer[..length];
            let (sequence, timestamp) = match View::parse(packet) {
                Ok(view) => (view.sequence(), view.timestamp()),
                Err(error) => panic!("{error:?}"),
            };
            restamp(
                packet,
                PayloadType::PCMU,
                false,
                sequence,
                timestamp,
                Ssrc(1),
            );
            black_box(packet);
        })
        .row("webrtc-rtp unmarshal and marshal_to", move || {
            let length = foreign.receive();
            let mut bytes = &foreign.buffer[..length];
            let mut packet = webrtc_rtp::Packet::unmarshal(&mut bytes).expect("RTP");
            packet.header.ssrc = 1;
            let length = packet.marshal_to(&mut written).expect("room");
            black_box(&written[..length]);
        })
        .row(
            "Bridge::forward, silence",
            forward(Format::Pcmu, &speech, &silence, 160),
        )
        .row(
            "Bridge::forward, speech",
            forward(Format::Pcmu, &speech, &speech, 160),
        )
        .row(
            "Bridge::forward, speech to the other law",
            forward(Format::Pcma, &speech, &speech, 160),
        )
        .row(
            "Bridge::forward, static muted",
            forward(Format::Pcmu, &speech, &noise, 160),
        )
        .row(
            "Bridge::forward, PCM16 24 kHz repaired (960)",
            forward(Format::Pcmu, &speech, &grown, 960),
        )
        .row(
            "a lane, packets of 20 ms to 30 ms",
            transcode(Format::Pcmu, ptime(30), &speech),
        )
        .row("a lane, mu-law to L16 at 8 kHz", l16(SampleRate::Hz8000))
        .row("a lane, mu-law to L16 at 16 kHz", l16(SampleRate::Hz16000))
        .row("a lane, mu-law to L16 at 24 kHz", l16(SampleRate::Hz24000));
    // With --features squelch/opus.
    if Format::Opus.is_built_in() {
        let opus = transcode(Format::Opus, Ptime::DEFAULT, &speech);
        group.row("a lane, mu-law to Opus", opus);
    }
    group.run();
}
