//! A call: a bridge, a clock, and the addresses and numbers of both peers.

use squelch_media::rtp::{PayloadType, Ptime, RtpTime, Ssrc, View, build};
use squelch_media::{
    Bridge, Direction, Format, Forward, GuardAction, GuardPlan, LegPlan, MediaPlan, Side, Transmit,
};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A datagram's worth of buffer, as a worker has.
pub(crate) const BUFFER_BYTES: usize = 1_500;

/// telephone-event on the carrier's leg; on OpenAI's it is another number.
pub(crate) const CARRIER_EVENT: u8 = 101;
pub(crate) const OPENAI_EVENT: u8 = 96;

/// Where a leg's SDP says its media are.
pub(crate) fn address(side: Side) -> SocketAddr {
    match side {
        Side::Carrier => SocketAddr::from(([192, 0, 2, 10], 40_000)),
        Side::Openai => SocketAddr::from(([198, 51, 100, 20], 50_000)),
    }
}

/// A leg in `format` with telephone-event `event`.
fn leg(side: Side, format: Format, event: u8) -> LegPlan {
    // Near the wrap, so that every story crosses it.
    let (ssrc, sequence, timestamp) = match side {
        Side::Carrier => (Ssrc(0xCA11_0001), 65_530, RtpTime(u32::MAX - 500)),
        Side::Openai => (Ssrc(0x0A1_0002), 65_533, RtpTime(u32::MAX - 900)),
    };
    LegPlan {
        format,
        payload_type: format.offered_payload_type(),
        telephone_event: PayloadType::new(event),
        comfort_noise: None,
        ptime: Ptime::DEFAULT,
        direction: Direction::SendRecv,
        remote: address(side),
        media_sources: Vec::new(),
        fec: false,
        srtp: None,
        dialog: 0,
        rtcp: None,
        ssrc,
        sequence,
        timestamp,
    }
}

/// A plan with these formats on the two legs.
pub(crate) fn plan(carrier: Format, openai: Format) -> MediaPlan {
    MediaPlan {
        carrier: leg(Side::Carrier, carrier, CARRIER_EVENT),
        openai: leg(Side::Openai, openai, OPENAI_EVENT),
        guard: GuardPlan {
            action: GuardAction::Protect,
            hold: Duration::ZERO,
        },
    }
}

/// One packet of `ssrc`, 20 ms apart by its sequence number.
pub(crate) fn packet(payload_type: u8, sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let timestamp = u32::from(sequence).wrapping_mul(160);
    packet_at(payload_type, false, sequence, timestamp, ssrc, payload)
}

/// One packet with every number said.
pub(crate) fn packet_at(
    payload_type: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload: &[u8],
) -> Vec<u8> {
    build(
        PayloadType::new(payload_type).expect("a payload type"),
        marker,
        sequence,
        RtpTime(timestamp),
        Ssrc(ssrc),
        payload,
    )
    .expect("a packet")
    .to_vec()
}

/// What left the bridge, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) to: SocketAddr,
    pub(crate) payload_type: u8,
    pub(crate) marker: bool,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) payload: Vec<u8>,
}

impl Sent {
    fn read(to: SocketAddr, bytes: &[u8]) -> Sent {
        let view = View::parse(bytes).expect("what is sent is RTP");
        Sent {
            to,
            payload_type: view.payload_type().number(),
            marker: view.marker(),
            sequence: view.sequence(),
            timestamp: view.timestamp().0,
            ssrc: view.ssrc().0,
            payload: view.payload().to_vec(),
        }
    }
}

/// A bridge under a clock that the story moves.
pub(crate) struct Call {
    pub(crate) bridge: Bridge,
    pub(crate) now: Instant,
}

impl Call {
    pub(crate) fn new(plan: &MediaPlan) -> Call {
        let now = Instant::now();
        Call {
            bridge: Bridge::new(now, plan),
            now,
        }
    }

    /// A call with mu-law on both legs.
    pub(crate) fn pcmu() -> Call {
        Call::new(&plan(Format::Pcmu, Format::Pcmu))
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        self.now += span;
    }

    /// A datagram from `from` on leg `side`, 20 ms after what was before.
    pub(crate) fn forward(
        &mut self,
        side: Side,
        from: SocketAddr,
        bytes: &[u8],
    ) -> (Forward, Vec<u8>) {
        self.wait(Duration::from_millis(20));
        let mut buffer = [0; BUFFER_BYTES];
        buffer[..bytes.len()].copy_from_slice(bytes);
        let forward = self
            .bridge
            .forward(self.now, side, from, &mut buffer, bytes.len());
        if self.bridge.poll_timeout().is_some_and(|at| at <= self.now) {
            self.bridge.handle_timeout(self.now);
        }
        (forward, buffer.to_vec())
    }

    /// A datagram from the leg's own peer; what went out on the other leg, if anything did.
    pub(crate) fn send(&mut self, side: Side, bytes: &[u8]) -> Option<Sent> {
        self.send_from(side, address(side), bytes)
    }

    /// The same from any address.
    pub(crate) fn send_from(&mut self, side: Side, from: SocketAddr, bytes: &[u8]) -> Option<Sent> {
        match self.forward(side, from, bytes) {
            (Forward::Send { to, len }, buffer) => Some(Sent::read(to, &buffer[..len])),
            _ => None,
        }
    }

    /// Whether nothing is sent of the bridge's own accord for five seconds from now on.
    pub(crate) fn is_quiet(&mut self) -> bool {
        (0..500).all(|_| {
            self.wait(Duration::from_millis(10));
            self.own().is_none()
        })
    }

    /// What the bridge sends of its own accord now.
    pub(crate) fn own(&mut self) -> Option<(Side, Sent)> {
        let mut out = [0; BUFFER_BYTES];
        self.bridge.handle_timeout(self.now);
        let Transmit { side, to, len, .. } = self.bridge.poll_transmit(self.now, &mut out)?;
        Some((side, Sent::read(to, &out[..len])))
    }
}
