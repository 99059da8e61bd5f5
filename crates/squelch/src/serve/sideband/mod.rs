//! WebSockets about calls: connected to OpenAI, upgraded for the application, texts moved between the two.
//!
//! The gateway decides what is connected and who watches the texts ([`squelch_call::control::sideband`]); here are
//! the sockets. Each conversation is a task of its own; RTP and SIP never wait for one.

mod connect;
mod relay;

use std::collections::HashMap;
use std::sync::Arc;

use rustls::ClientConfig;
use squelch_call::control::sideband::Watcher;
use squelch_call::{SidebandEvent, SidebandId, http};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsConnector;

use connect::Upstream;
pub(super) use relay::{Conversation, MAX_MESSAGE};

/// What the application's handshake waits for: the conversation to be upgraded to, or why there is none.
pub(super) type Opened = Result<Conversation, http::Response>;

/// What became of a socket.
#[derive(Debug)]
pub(super) enum Told {
    Connected(SidebandId, Box<Upstream>),
    Event(SidebandId, SidebandEvent),
}

/// All sockets of the process. One owner; the tasks tell it what happens.
pub(super) struct Sidebands {
    tls: TlsConnector,
    /// Connected, not yet started.
    connected: HashMap<SidebandId, Upstream>,
    /// What is to be sent on those that run. Dropping one ends its conversation.
    running: HashMap<SidebandId, mpsc::Sender<String>>,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
}

impl Sidebands {
    pub(super) fn new(tls: Arc<ClientConfig>) -> Sidebands {
        let (tell, told) = mpsc::channel(WAITING);
        Sidebands {
            tls: TlsConnector::from(tls),
            connected: HashMap::new(),
            running: HashMap::new(),
            tell,
            told,
        }
    }

    /// Waits for what the tasks tell, and keeps what was connected. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> (SidebandId, SidebandEvent) {
        match self.told.recv().await {
            Some(Told::Connected(sideband, upstream)) => {
                self.connected.insert(sideband, *upstream);
                (sideband, SidebandEvent::Connected)
            }
            Some(Told::Event(sideband, event)) => {
                if matches!(event, SidebandEvent::Closed(_)) {
                    self.running.remove(&sideband);
                }
                (sideband, event)
            }
            // Not reached: this owner holds a sender itself.
            None => std::future::pending().await,
        }
    }

    pub(super) fn connect(&self, sideband: SidebandId, request: http::Request) {
        let (tls, tell) = (self.tls.clone(), self.tell.clone());
        tokio::spawn(async move {
            let told = match connect::connect(&tls, &request).await {
                Ok(upstream) => Told::Connected(sideband, Box::new(upstream)),
                Err(refused) => Told::Event(sideband, SidebandEvent::Refused(refused)),
            };
            let _ = tell.send(told).await;
        });
    }

    /// Starts a conversation: with the application that waits, or with nobody.
    pub(super) fn start(
        &mut self,
        sideband: SidebandId,
        watcher: Watcher,
        waits: Option<oneshot::Sender<Opened>>,
    ) {
        let Some(upstream) = self.connected.remove(&sideband) else {
            return;
        };
        let (texts, injected) = mpsc::channel(INJECTED);
        self.running.insert(sideband, texts);
        let tell = self.tell.clone();
        let conversation = Conversation::new(sideband, upstream, watcher, injected, tell);
        match waits {
            // Who no longer waits drops the conversation, which tells so.
            Some(waits) => drop(waits.send(Ok(conversation))),
            None => drop(tokio::spawn(conversation.alone())),
        }
    }

    /// Sends a text of the gateway's own. One that finds no room is lost: the gateway says it again.
    pub(super) fn send(&self, sideband: SidebandId, text: String) {
        if let Some(texts) = self.running.get(&sideband)
            && texts.try_send(text).is_err()
        {
            tracing::warn!("a WebSocket to OpenAI takes no more texts");
        }
    }

    pub(super) fn close(&mut self, sideband: SidebandId) {
        self.connected.remove(&sideband);
        self.running.remove(&sideband);
    }
}

/// Events that wait for the gateway's task; conversations wait with theirs.
const WAITING: usize = 1_024;
/// Texts of the gateway's own that wait for one socket.
const INJECTED: usize = 8;
