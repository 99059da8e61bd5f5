//! The media workers on real sockets: who is heard before a leg's peer is settled, and after.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use squelch::config::PortRange;
use squelch::media_io::{MediaIo, Note};
use squelch_call::CallId;
use squelch_media::rtp::{PayloadType, Ptime, RtpTime, Ssrc, build};
use squelch_media::{
    BridgeStats, Direction, DropReason, Format, GuardAction, GuardPlan, LegPlan, MediaPlan, Side,
};

/// For a test that fails; what is due comes at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A call between two peers, and a stranger on the carrier's host.
struct Call {
    media: MediaIo,
    id: CallId,
    plan: MediaPlan,
    carrier: Peer,
    openai: Peer,
    stranger: Peer,
}

/// Somebody with a socket, and where it sends to.
struct Peer {
    socket: UdpSocket,
    to: SocketAddr,
    sequence: u16,
    ssrc: u32,
}

impl Peer {
    fn new(host: &str, ssrc: u32, to: SocketAddr) -> Peer {
        let socket = UdpSocket::bind((host, 0)).expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Peer {
            socket,
            to,
            sequence: 1,
            ssrc,
        }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("an address")
    }

    /// Sends a packet whose payload is `byte` throughout.
    fn say(&mut self, byte: u8) {
        self.sequence += 1;
        let at = RtpTime(u32::from(self.sequence) * 160);
        let number = PayloadType::PCMU;
        let packet = build(
            number,
            false,
            self.sequence,
            at,
            Ssrc(self.ssrc),
            &[byte; 160],
        );
        // What the kernel refused before is told here; the packet after it goes out.
        let packet = packet.expect("a packet");
        if self.socket.send_to(&packet, self.to).is_err() {
            self.socket.send_to(&packet, self.to).expect("loopback");
        }
    }

    /// As [`Peer::hear`]; `None` where nothing comes within a moment.
    fn hears(&self) -> Option<u8> {
        let mut buffer = [0; 1_500];
        let moment = Some(Duration::from_millis(5));
        self.socket.set_read_timeout(moment).expect("a timeout");
        let heard = self.socket.recv_from(&mut buffer).map(|_| buffer[12]);
        self.socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout");
        heard.ok()
    }

    /// The first byte of the next payload heard that is no silence of squelch's own.
    fn hear(&self) -> u8 {
        let mut buffer = [0; 1_500];
        loop {
            self.socket.recv_from(&mut buffer).expect("a packet");
            if buffer[12] != 0xFF {
                return buffer[12];
            }
        }
    }
}

fn leg(remote: SocketAddr, ssrc: u32) -> LegPlan {
    LegPlan {
        format: Format::Pcmu,
        payload_type: PayloadType::PCMU,
        telephone_event: None,
        comfort_noise: None,
        fec: false,
        ptime: Ptime::DEFAULT,
        direction: Direction::SendRecv,
        remote,
        media_sources: Vec::new(),
        srtp: None,
        dialog: 0,
        rtcp: None,
        ssrc: Ssrc(ssrc),
        sequence: 1,
        timestamp: RtpTime(1),
    }
}

impl Call {
    /// Both peers are known to the plan; what the stranger `says` comes before any word of theirs.
    fn start(first: u16, says: &[u8]) -> Call {
        let range = PortRange {
            first,
            last: first + 3,
        };
        let mut media = MediaIo::start([127, 0, 0, 1].into(), range, 1).expect("a worker");
        let id = CallId(1);
        let (carrier_port, openai_port) = media.bind(Instant::now(), id).expect("ports");
        let carrier = Peer::new("127.0.0.2", 0xCA, carrier_port);
        let openai = Peer::new("127.0.0.3", 0xA1, openai_port);
        let mut stranger = Peer::new("127.0.0.4", 0xBAD, carrier_port);
        let plan = MediaPlan {
            carrier: leg(carrier.address(), 1),
            openai: leg(openai.address(), 2),
            guard: GuardPlan {
                action: GuardAction::Observe,
                hold: Duration::ZERO,
            },
        };
        media.relay(id, Box::new(plan.clone()));
        // What came before the call was up is dropped; squelch speaks to OpenAI as soon as it is.
        openai.socket.recv_from(&mut [0; 1]).expect("silence");
        for byte in says {
            stranger.say(*byte);
        }
        Call {
            media,
            id,
            plan,
            carrier,
            openai,
            stranger,
        }
    }

    /// Ends the call and gives its last figures.
    async fn end(mut self) -> BridgeStats {
        self.media.stop(Instant::now(), self.id);
        loop {
            if let Note::LastStats { stats, .. } = self.media.next().await {
                return *stats;
            }
        }
    }
}

#[tokio::test]
async fn a_stranger_is_counted_until_the_peer_is_settled_and_never_relayed() {
    let mut call = Call::start(21_100, &[0x11; 5]);
    call.carrier.say(0x22);
    assert_eq!(call.openai.hear(), 0x22);
    // Once the second is through, what the first one settled is done with.
    call.carrier.say(0x23);
    assert_eq!(call.openai.hear(), 0x23);
    // From now on the kernel drops what is not the carrier's.
    for _ in 0..50 {
        call.stranger.say(0x33);
    }
    call.carrier.say(0x44);
    assert_eq!(call.openai.hear(), 0x44);
    let stats = call.end().await;
    assert_eq!(stats.carrier.dropped.get(DropReason::Source), 5);
    assert_eq!(stats.carrier.packets, 3);
}

#[tokio::test]
async fn what_lay_in_the_socket_before_it_was_connected_is_refused() {
    let mut call = Call::start(21_110, &[]);
    // One behind the other in the same socket: it is connected at the first, the rest is in it already.
    call.carrier.say(0x22);
    for _ in 0..20 {
        call.stranger.say(0x33);
    }
    call.carrier.say(0x44);
    assert_eq!((call.openai.hear(), call.openai.hear()), (0x22, 0x44));
    let stats = call.end().await;
    assert_eq!(stats.carrier.packets, 2);
}

#[tokio::test]
async fn a_signalled_change_is_heard_and_the_old_address_is_not() {
    let mut call = Call::start(21_120, &[]);
    call.carrier.say(0x22);
    assert_eq!(call.openai.hear(), 0x22);
    let mut moved = Peer::new("127.0.0.5", 0xCB, call.carrier.to);
    call.plan.carrier.remote = moved.address();
    (call.media).update(call.id, Box::new(call.plan.clone()));
    // Until the worker has heard of it the kernel drops the new peer's packets: it goes on like any peer.
    loop {
        moved.say(0x55);
        if call.openai.hears() == Some(0x55) {
            break;
        }
    }
    for _ in 0..20 {
        call.carrier.say(0x66);
    }
    moved.say(0x77);
    loop {
        match call.openai.hear() {
            0x77 => break,
            byte => assert_eq!(byte, 0x55, "the old peer was relayed"),
        }
    }
    // And it is the new one that is sent to.
    call.openai.say(0x12);
    assert_eq!(moved.hear(), 0x12);
    call.end().await;
}

#[tokio::test]
async fn a_peer_that_is_away_for_a_moment_costs_no_packet() {
    let mut call = Call::start(21_130, &[]);
    call.carrier.say(0x22);
    assert_eq!(call.openai.hear(), 0x22);
    call.openai.say(0x23);
    assert_eq!(call.carrier.hear(), 0x23);
    // Its port is closed: an ICMP error comes back to a connected socket and must not be taken for the next packet's.
    let address = call.openai.address();
    let away = std::mem::replace(
        &mut call.openai,
        Peer::new("127.0.0.3", 0xA1, call.stranger.to),
    );
    let to = away.to;
    drop(away);
    call.carrier.say(0x24);
    call.openai.socket = UdpSocket::bind(address).expect("the same port");
    (call.openai.socket)
        .set_read_timeout(Some(PATIENCE))
        .expect("a timeout");
    call.openai.to = to;
    call.carrier.say(0x25);
    // What came before is lost, or heard where it was late.
    while call.openai.hear() != 0x25 {}
    assert_eq!(call.end().await.carrier.packets, 3);
}

#[tokio::test]
async fn both_directions_flow_at_once() {
    let mut call = Call::start(21_140, &[]);
    for turn in 0..200_u8 {
        let (up, down) = (turn & 0x3F, 0x40 | turn & 0x3F);
        call.carrier.say(up);
        call.openai.say(down);
        assert_eq!(call.openai.hear(), up);
        assert_eq!(call.carrier.hear(), down);
    }
    let stats = call.end().await;
    for side in Side::ALL {
        let leg = match side {
            Side::Carrier => &stats.carrier,
            Side::Openai => &stats.openai,
        };
        assert_eq!((leg.packets, leg.lost), (200, 0), "{side:?}");
    }
}
