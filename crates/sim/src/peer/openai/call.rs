//! One call as the stand-in knows it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use squelch_sip::DialogId;

use super::config::OpenAiConfig;
use super::fault::SimFault;
use super::listener::Listener;
use super::session::{AudioFormat, Session};
use super::talker::{Talker, Wire};
use super::{SocketId, State};
use crate::peer::recording::Recording;
use crate::peer::rtp::Header;
use crate::peer::sdp::AudioDescription;
use crate::peer::srtp::{Line, Secured};
use crate::sound::Law;

#[derive(Debug)]
pub(super) struct Call {
    /// `rtc_...`.
    pub(super) id: String,
    pub(super) dialog: DialogId,
    pub(super) state: State,
    /// The law SIP negotiated and its payload type.
    pub(super) law: Law,
    payload_type: u8,
    pub(super) telephone_event: Option<u8>,
    remote: SocketAddr,
    pub(super) port: Option<SocketAddr>,
    pub(super) session: Session,
    /// Errors from before anyone listened; every new socket is told.
    pub(super) notices: Vec<Value>,
    pub(super) sockets: Vec<SocketId>,
    pub(super) talker: Talker,
    pub(super) listener: Listener,
    pub(super) heard: Recording,
    /// What the response under way is written as, if it asked for a format of its own.
    pub(super) response_format: Option<AudioFormat>,
    pub(super) has_spoken: bool,
    /// When it came in; then when media began.
    pub(super) since: Instant,
    pub(super) next_packet: Option<Instant>,
    next_header: Header,
    /// Our line, and both ways of it.
    pub(super) secured: Option<(Line, Secured)>,
    /// What PCM sounds like on this call's wire.
    misreading: SimFault,
    /// Entries of the fault schedule that have begun.
    faults_begun: usize,
    /// When its session ends, and the call with it.
    pub(super) expires: Instant,
}

impl Call {
    /// A call that rings. `start` holds the random sequence number, timestamp and SSRC.
    pub(super) fn new(
        now: Instant,
        id: String,
        dialog: DialogId,
        offer: &AudioDescription,
        format: (Law, u8),
        session: Session,
        start: Header,
    ) -> Call {
        Call {
            id,
            dialog,
            state: State::Pending,
            law: format.0,
            payload_type: format.1,
            telephone_event: offer.telephone_event,
            remote: offer.address,
            port: None,
            session,
            notices: Vec::new(),
            sockets: Vec::new(),
            talker: Talker::new(),
            listener: Listener::default(),
            heard: Recording::default(),
            response_format: None,
            has_spoken: false,
            since: now,
            next_packet: None,
            next_header: Header {
                marker: true,
                payload_type: format.1,
                ..start
            },
            secured: None,
            misreading: SimFault::G711AsPcm16,
            faults_begun: 0,
            expires: now,
        }
    }

    /// The answer, once the port is known.
    pub(super) fn answer(&self, config: &OpenAiConfig) -> Option<String> {
        let answer = AudioDescription {
            address: SocketAddr::new(config.media_address, self.port?.port()),
            formats: vec![(self.law, self.payload_type)],
            linear: None,
            telephone_event: self.telephone_event,
            secured: self.secured.is_some(),
            crypto: self.secured.iter().map(|(ours, _)| ours.clone()).collect(),
        };
        Some(answer.write(self.dialog.0 + 1, 1))
    }

    /// A datagram as it was before it was encrypted, if it was; `None` where it is not authentic.
    pub(super) fn open<'a>(&mut self, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match &mut self.secured {
            Some((_, secured)) => secured.open(bytes).map(Cow::Owned),
            None => Some(Cow::Borrowed(bytes)),
        }
    }

    /// Acknowledged: media begin.
    pub(super) fn begin_media(&mut self, now: Instant, misreading: SimFault) {
        if self.next_packet.is_none() {
            self.since = now;
            self.next_packet = Some(now);
            self.misreading = misreading;
        }
    }

    /// How long media have flowed.
    pub(super) fn media_time(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Begins the faults of the schedule that are due.
    pub(super) fn begin_faults(&mut self, now: Instant, config: &OpenAiConfig) {
        let since = self.media_time(now);
        if config.is_incurable && self.faults_begun > 0 {
            self.session.lose_formats();
        }
        while let Some(fault) = config.faults.get(self.faults_begun) {
            if fault.at > since {
                return;
            }
            self.faults_begun += 1;
            self.misreading = fault.fault;
            self.session.lose_formats();
        }
    }

    /// What the response under way is written as.
    pub(super) fn output_format(&self) -> AudioFormat {
        self.response_format.unwrap_or(self.session.output())
    }

    /// The next packet, stamped, and where it goes.
    pub(super) fn packet(&mut self, config: &OpenAiConfig) -> (SocketAddr, Vec<u8>) {
        let wire = match (self.output_format(), self.misreading) {
            (AudioFormat::G711(law), _) => Wire::Speech(law),
            (AudioFormat::Pcm24k, SimFault::G711AsPcm16) => Wire::Static(self.law, config.pacing),
            (AudioFormat::Pcm24k, SimFault::Pcm16AsG711) => Wire::Raw(config.packing),
        };
        let payload = self.talker.packet(&config.speech, config.pause, wire);
        self.has_spoken = true;
        self.next_packet = self.next_packet.map(|at| at + PACKET_TIME);
        let packet = self.next_header.write(&payload);
        self.next_header.marker = false;
        self.next_header.sequence = self.next_header.sequence.wrapping_add(1);
        self.next_header.timestamp = self.next_header.timestamp.wrapping_add(PACKET_TICKS);
        let packet = match &mut self.secured {
            Some((_, secured)) => secured.seal(packet),
            None => packet,
        };
        (self.remote, packet)
    }
}

const PACKET_TIME: Duration = Duration::from_millis(20);
/// 20 ms of G.711's 8 kHz clock, whatever is in the packet.
const PACKET_TICKS: u32 = 160;
