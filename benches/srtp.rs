//! What SRTP costs: a packet sealed and opened, a packet through a bridge whose legs are encrypted, and the same
//! between two sockets on loopback, one receive and one send a packet.

mod side_by_side;
#[path = "side_by_side/speech.rs"]
mod speech;

use side_by_side::Group;
use squelch_media::rtp::{PayloadType, Ptime, RtpTime, Ssrc, build};
use squelch_media::srtp::{MasterKey, Protector, Suite, Unprotector};
use squelch_media::{
    Bridge, Direction, Format, Forward, GuardAction, GuardPlan, LegPlan, MediaPlan, Side, SrtpPlan,
};
use std::hint::black_box;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const PTIME: Duration = Duration::from_millis(20);

/// Packets made ahead. The second half has a second key, so that none is a replay when the ring goes round: with each
/// half the bridge is given its key anew.
const RING: usize = 8_192;

/// Packets between two looks at the clock, where sockets are in between.
const BURST: usize = 32;

/// Odd, so that the median is a round that was run.
const ROUNDS: usize = 301;

fn key(suite: Suite, byte: u8) -> MasterKey {
    let bytes = vec![byte; suite.key_bytes() + suite.salt_bytes()];
    MasterKey::new(suite, &bytes).expect("a key")
}

fn keys(suite: Suite, byte: u8) -> SrtpPlan {
    SrtpPlan {
        send: key(suite, byte),
        receive: key(suite, byte + 1),
        confidential: true,
    }
}

fn leg(remote: SocketAddr, srtp: Option<SrtpPlan>) -> LegPlan {
    LegPlan {
        format: Format::Pcmu,
        payload_type: PayloadType::PCMU,
        telephone_event: PayloadType::new(101),
        comfort_noise: None,
        ptime: Ptime::DEFAULT,
        direction: Direction::SendRecv,
        remote,
        media_sources: vec!["127.0.0.0/8".parse().expect("a network")],
        fec: false,
        srtp,
        dialog: 0,
        rtcp: None,
        ssrc: Ssrc(0x5157_3100),
        sequence: 1,
        timestamp: RtpTime(1),
    }
}

/// OpenAI's packets for a bridge, and the bridge, which hears the carrier, too.
struct Calls {
    bridge: Bridge,
    plans: [MediaPlan; 2],
    packets: Vec<Vec<u8>>,
    next: usize,
    now: Instant,
    openai: SocketAddr,
    buffer: [u8; 2_048],
}

impl Calls {
    /// `audio` over and over from `openai`, encrypted where `suite` says so, to `carrier` with `towards`.
    fn new(
        audio: &[u8],
        suite: Option<Suite>,
        towards: Option<Suite>,
        [carrier, openai]: [SocketAddr; 2],
    ) -> Calls {
        let plan = |byte| MediaPlan {
            carrier: leg(carrier, towards.map(|suite| keys(suite, 90))),
            openai: leg(openai, suite.map(|suite| keys(suite, byte))),
            guard: GuardPlan {
                action: GuardAction::Protect,
                hold: Duration::ZERO,
            },
        };
        let plans = [plan(10), plan(20)];
        let mut packets = Vec::with_capacity(RING);
        for half in &plans {
            let receive = half.openai.srtp.as_ref().map(|srtp| &srtp.receive);
            let mut out = receive.map(Protector::new);
            for _ in 0..RING / 2 {
                let at = packets.len();
                let from = at * 160 % (audio.len() - 160);
                packets.push(sealed(&mut out, at, Ssrc(7), &audio[from..from + 160]));
            }
        }
        let now = Instant::now();
        let mut bridge = Bridge::new(now, &plans[0]);
        let caller = plans[0].carrier.srtp.as_ref().map(|srtp| &srtp.receive);
        let mut hello = sealed(&mut caller.map(Protector::new), 1, Ssrc(9), &[0xFF; 160]);
        let len = hello.len();
        hello.resize(2_048, 0);
        let forward = bridge.forward(now, Side::Carrier, carrier, &mut hello, len);
        assert!(matches!(forward, Forward::Send { .. }), "{forward:?}");
        Calls {
            bridge,
            plans,
            packets,
            next: 0,
            now,
            openai,
            buffer: [0; 2_048],
        }
    }

    /// The next packet of OpenAI's.
    fn packet(&mut self) -> &[u8] {
        let at = self.turn();
        &self.packets[at]
    }

    /// Its place in the ring.
    fn turn(&mut self) -> usize {
        if self.next.is_multiple_of(RING / 2) {
            let plan = &self.plans[self.next / (RING / 2) % 2];
            self.bridge.update(self.now, plan);
        }
        let at = self.next % RING;
        self.next += 1;
        at
    }

    /// What is in the buffer, through the bridge.
    fn forward(&mut self, len: usize) -> usize {
        self.now += PTIME;
        let side = Side::Openai;
        let forward = self
            .bridge
            .forward(self.now, side, self.openai, &mut self.buffer, len);
        while let Some(event) = self.bridge.poll_event() {
            black_box(event);
        }
        match forward {
            Forward::Send { len, .. } => len,
            other => panic!("{other:?} at {}", self.next),
        }
    }

    fn step(&mut self) {
        let at = self.turn();
        let packet = &self.packets[at];
        let len = packet.len();
        self.buffer[..len].copy_from_slice(packet);
        black_box(self.forward(len));
    }
}

fn sealed(out: &mut Option<Protector>, at: usize, ssrc: Ssrc, payload: &[u8]) -> Vec<u8> {
    let timestamp = RtpTime(160 * at as u32);
    let packet = build(
        PayloadType::PCMU,
        false,
        at as u16,
        timestamp,
        ssrc,
        payload,
    );
    let mut packet = packet.expect("a packet").to_vec();
    if let Some(out) = out {
        let len = packet.len();
        packet.resize(len + out.overhead(), 0);
        out.protect_rtp(&mut packet, len).expect("a packet");
    }
    packet
}

fn main() {
    let speech = speech::mu_law();
    let silence = vec![0xFF; 64 * 160];
    alone();
    for (name, audio) in [("silence", &silence), ("speech", &speech)] {
        in_process(name, audio);
    }
    // When times are told, as side_by_side has it.
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    if asked("--bench") && !asked("--test") && !asked("--list") {
        for (name, audio) in [("silence", &silence), ("speech", &speech)] {
            over_loopback(name, audio);
        }
    }
}

/// One packet of 172 bytes, sealed; and the two together, since nothing is opened twice.
fn alone() {
    let mut group = Group::new("SRTP alone", "packet of 172 bytes", 1);
    let plain = sealed(&mut None, 0, Ssrc(7), &[0x55; 160]);
    let mut buffer = [0; 256];
    group.row("memcpy", move || {
        buffer[..172].copy_from_slice(black_box(&plain));
        black_box(&mut buffer);
    });
    for suite in Suite::ALL {
        let (mut out, mut at) = (Protector::new(&key(suite, 1)), 0);
        let plain = sealed(&mut None, 0, Ssrc(7), &[0x55; 160]);
        let mut buffer = [0; 256];
        group.row(format!("{}: sealed", suite.name()), move || {
            at += 1;
            buffer[..172].copy_from_slice(&plain);
            buffer[2..4].copy_from_slice(&(at as u16).to_be_bytes());
            black_box(out.protect_rtp(&mut buffer, 172)).expect("a packet");
        });
        let (mut out, mut at) = (Protector::new(&key(suite, 1)), 0);
        let mut back = Unprotector::new(&key(suite, 1));
        let plain = sealed(&mut None, 0, Ssrc(7), &[0x55; 160]);
        group.row(format!("{}: sealed and opened", suite.name()), move || {
            at += 1;
            buffer[..172].copy_from_slice(&plain);
            buffer[2..4].copy_from_slice(&(at as u16).to_be_bytes());
            let len = out.protect_rtp(&mut buffer, 172).expect("a packet");
            black_box(back.unprotect_rtp(&mut buffer, len)).expect("the same packet");
        });
    }
    group.run();
}

/// What is encrypted: nothing, what comes, what comes and goes.
const WAYS: [(&str, Option<Suite>, Option<Suite>); 4] = [
    ("plain", None, None),
    (
        "AES_CM_128_HMAC_SHA1_80 on one leg",
        Some(Suite::AesCm128HmacSha1_80),
        None,
    ),
    (
        "AES_CM_128_HMAC_SHA1_80 on both",
        Some(Suite::AesCm128HmacSha1_80),
        Some(Suite::AesCm128HmacSha1_80),
    ),
    (
        "AES_CM_128_HMAC_SHA1_80 and AEAD_AES_128_GCM",
        Some(Suite::AesCm128HmacSha1_80),
        Some(Suite::AeadAes128Gcm),
    ),
];

fn in_process(name: &str, audio: &[u8]) {
    let addresses = [
        SocketAddr::from(([127, 0, 0, 1], 4_000)),
        SocketAddr::from(([127, 0, 0, 2], 5_000)),
    ];
    let title = format!("{name} through the bridge");
    let mut group = Group::new(title, "packet of 160 bytes and 20 ms", 1);
    for (way, suite, towards) in WAYS {
        let mut calls = Calls::new(audio, suite, towards, addresses);
        group.row(way, move || calls.step());
    }
    group.run();
}

/// The gateway's part of a packet's way: received, through the bridge, sent. What the peers do is not timed.
fn over_loopback(name: &str, audio: &[u8]) {
    let bound = || UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = |socket: &UdpSocket| socket.local_addr().expect("an address");
    let (carrier, openai) = (bound(), bound());
    let (to_carrier, to_openai) = (bound(), bound());
    let link = |a: &UdpSocket, b: &UdpSocket| {
        a.connect(address(b)).expect("loopback");
        b.connect(address(a)).expect("loopback");
    };
    link(&carrier, &to_carrier);
    link(&openai, &to_openai);
    let addresses = [address(&carrier), address(&openai)];
    let mut rows: Vec<_> = WAYS
        .into_iter()
        .map(|(way, suite, towards)| {
            let calls = Calls::new(audio, suite, towards, addresses);
            (way, calls, Vec::with_capacity(ROUNDS))
        })
        .collect();
    for _ in 0..ROUNDS {
        for (_, calls, nanoseconds) in &mut rows {
            for _ in 0..BURST {
                openai.send(calls.packet()).expect("loopback");
            }
            let start = Instant::now();
            for _ in 0..BURST {
                let len = to_openai.recv(&mut calls.buffer).expect("loopback");
                let len = calls.forward(len);
                to_carrier.send(&calls.buffer[..len]).expect("loopback");
            }
            nanoseconds.push(start.elapsed().as_nanos() as f64 / BURST as f64);
            let mut heard = [0; 2_048];
            for _ in 0..BURST {
                carrier.recv(&mut heard).expect("loopback");
            }
        }
    }
    let mut out = std::io::stdout().lock();
    // A closed pipe is no reason to fail.
    let _ = writeln!(out, "\n{name}: recv, bridge, send on loopback, a packet");
    let mut plain = None;
    for (way, _, nanoseconds) in &mut rows {
        nanoseconds.sort_by(f64::total_cmp);
        let median = nanoseconds[ROUNDS / 2];
        let ratio = median / *plain.get_or_insert(median);
        let _ = writeln!(out, "  {way:<46} {median:>8.0} ns {ratio:>6.2} x plain");
    }
}
