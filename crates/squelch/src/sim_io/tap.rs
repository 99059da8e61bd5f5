//! What went over a peer's wires, for those who look.

use std::net::SocketAddr;
use std::time::SystemTime;

use bytes::Bytes;
use squelch_sip::{ConnectionId, TransportOutput};
use tokio::sync::mpsc;

use crate::signaling_io::{Arrival, SignalingIo};

/// One message, with its time and ends.
#[derive(Debug, Clone)]
pub struct SeenMessage {
    /// When it was sent or came.
    pub at: SystemTime,
    /// Who sent it.
    pub from: SocketAddr,
    /// Whom it was sent to.
    pub to: SocketAddr,
    /// Its bytes; SIP in the clear, whatever carried it.
    pub bytes: Bytes,
}

/// Something that went over a wire.
#[derive(Debug, Clone)]
pub enum Seen {
    /// A SIP message, or a piece of one.
    Sip(SeenMessage),
    /// An RTP packet that the peer sent.
    RtpSent(SeenMessage),
    /// An RTP packet that came to the peer.
    RtpReceived(SeenMessage),
    /// A step outside SIP: a webhook, a request, an event.
    Control {
        /// When.
        at: SystemTime,
        /// Whether the peer did it; else it was done to the peer.
        by_peer: bool,
        /// In a few words.
        text: String,
    },
}

/// Where a peer tells what it sees. The default tells nobody.
///
/// The queue holds [`Tap::ROOM`]; what finds no room is left out.
#[derive(Debug, Clone, Default)]
pub struct Tap(Option<mpsc::Sender<Seen>>);

impl Tap {
    /// Ten minutes of a call, both ways.
    pub const ROOM: usize = 64 * 1_024;

    /// A tap and what comes out of it.
    pub fn new() -> (Tap, mpsc::Receiver<Seen>) {
        let (tell, seen) = mpsc::channel(Tap::ROOM);
        (Tap(Some(tell)), seen)
    }

    pub(super) fn tell(&self, seen: impl FnOnce() -> Seen) {
        if let Some(to) = &self.0 {
            // A tap without room misses something; the call goes on.
            let _ = to.try_send(seen());
        }
    }

    pub(super) fn control(&self, by_peer: bool, text: impl FnOnce() -> String) {
        self.tell(|| Seen::Control {
            at: SystemTime::now(),
            by_peer,
            text: text(),
        });
    }

    pub(super) fn arrival(&self, io: &SignalingIo, arrival: &Arrival) {
        match arrival {
            Arrival::Datagram { local, from, bytes } => self.sip(*from, *local, bytes),
            Arrival::StreamBytes { connection, bytes } => {
                if let Some((ours, theirs)) = io.ends(*connection) {
                    self.sip(theirs, ours, bytes);
                }
            }
            _ => {}
        }
    }

    pub(super) fn departure(&self, io: &SignalingIo, output: &TransportOutput) {
        let ends = |connection: &ConnectionId| io.ends(*connection);
        match output {
            TransportOutput::Datagram { local, to, bytes } => self.sip(*local, *to, bytes),
            TransportOutput::Stream { connection, bytes } => {
                if let Some((ours, theirs)) = ends(connection) {
                    self.sip(ours, theirs, bytes);
                }
            }
            _ => {}
        }
    }

    fn sip(&self, from: SocketAddr, to: SocketAddr, bytes: &Bytes) {
        self.tell(|| {
            Seen::Sip(SeenMessage {
                at: SystemTime::now(),
                from,
                to,
                bytes: bytes.clone(),
            })
        });
    }
}
