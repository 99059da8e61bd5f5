//! A stand-in for OpenAI Realtime over SIP: UAS, REST, webhooks and sideband WebSocket, sans-IO.
//!
//! It does what a caller, a gateway or an application can see of the real thing, and breaks in
//! the way the real thing was seen to break: [`Profile`].
//!
//! The contract is the gateway's: one `handle_*`, [`OpenAi::http`], [`OpenAi::open_socket`] or
//! [`OpenAi::hang_up`], then drain [`OpenAi::poll_output`], then ask [`OpenAi::poll_timeout`]
//! again.

mod call;
mod config;
mod fault;
mod listener;
mod refusal;
mod rest;
mod schema;
mod session;
mod sideband;
mod signaling;
mod talker;
pub(crate) mod webhook;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use squelch_sip::{DialogId, Endpoint, TransportInput, TransportOutput};

use super::recording::Recording;
use crate::http::Request;
use call::Call;
pub use config::{OpenAiConfig, Pacing, Packing, Profile, Security, Speech};
pub use fault::{InvalidFault, ScheduledFault, SimFault};
pub use session::AudioFormat;

/// One call of the stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey(pub u64);

/// A sideband WebSocket; numbered by the shell, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u64);

/// One webhook, through all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookId(pub u64);

/// What the world does to the stand-in.
#[derive(Debug)]
pub enum Input<'a> {
    /// Signalling arrived.
    Sip(TransportInput<'a>),
    /// The port asked for by [`Output::BindPort`].
    PortBound {
        /// For which call.
        call: CallKey,
        /// The bound address.
        local: SocketAddr,
    },
    /// A datagram arrived on a call's port.
    Rtp {
        /// Whose port.
        call: CallKey,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A text frame arrived on a WebSocket.
    SocketText {
        /// Which.
        socket: SocketId,
        /// The text.
        text: &'a str,
    },
    /// A WebSocket is gone.
    SocketClosed {
        /// Which.
        socket: SocketId,
    },
    /// An attempt of a webhook was answered, or failed.
    WebhookAnswered {
        /// Which.
        webhook: WebhookId,
        /// The HTTP status; `None` where none came.
        status: Option<u16>,
    },
}

/// What the stand-in asks of the world.
#[derive(Debug)]
pub enum Output {
    /// Signalling to send.
    Sip(TransportOutput),
    /// Bind a media port; answered by [`Input::PortBound`].
    BindPort {
        /// For which call.
        call: CallKey,
    },
    /// Send a datagram out of a call's port.
    Rtp {
        /// Whose port.
        call: CallKey,
        /// Where to.
        to: SocketAddr,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Send a text frame.
    SocketText {
        /// On which WebSocket.
        socket: SocketId,
        /// The text.
        text: String,
    },
    /// Close a WebSocket at once.
    SocketClose {
        /// Which.
        socket: SocketId,
    },
    /// POST a webhook; answered by [`Input::WebhookAnswered`].
    Webhook {
        /// Which.
        webhook: WebhookId,
        /// The request, its target the whole URL.
        request: Request,
    },
    /// The call is over; its port may be closed. What it heard stays until [`OpenAi::forget`].
    Ended {
        /// Which.
        call: CallKey,
    },
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It rings and nobody has accepted it.
    Pending,
    /// Accepted, the 200 waits for the media port.
    Accepted,
    /// The 200 is out.
    Answered,
    /// Over.
    Over,
}

/// The stand-in.
#[derive(Debug)]
pub struct OpenAi {
    config: OpenAiConfig,
    endpoint: Endpoint,
    dice: ChaCha8Rng,
    calls: BTreeMap<CallKey, Call>,
    dialogs: BTreeMap<DialogId, CallKey>,
    sockets: BTreeMap<SocketId, CallKey>,
    webhooks: BTreeMap<WebhookId, PendingWebhook>,
    next_key: u64,
    outputs: VecDeque<Output>,
}

/// A webhook that was not taken yet.
#[derive(Debug)]
struct PendingWebhook {
    call: CallKey,
    /// `wh_...`, the same for all attempts.
    id: String,
    body: String,
    attempts: u32,
    /// When to try again; `None` while an attempt is out.
    retry: Option<Instant>,
}

impl OpenAi {
    /// A stand-in without calls.
    pub fn new(mut config: OpenAiConfig) -> OpenAi {
        config.faults.sort_by_key(|fault| fault.at);
        OpenAi {
            endpoint: Endpoint::new(config.sip.clone()),
            dice: ChaCha8Rng::from_seed(config.sip.seed),
            config,
            calls: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            sockets: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            next_key: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what the world did.
    pub fn handle_input(&mut self, now: Instant, wall: SystemTime, input: Input<'_>) {
        match input {
            Input::Sip(transport) => self.endpoint.handle_transport(now, transport),
            Input::PortBound { call, local } => {
                if let Some(known) = self.calls.get_mut(&call) {
                    known.port = Some(local);
                    self.answer_if_ready(now, call);
                }
            }
            Input::Rtp { call, bytes } => self.hear(now, call, bytes),
            Input::SocketText { socket, text } => self.client_event(socket, text),
            Input::SocketClosed { socket } => self.socket_closed(socket),
            Input::WebhookAnswered { webhook, status } => {
                self.webhook_answered(now, webhook, status);
            }
        }
        self.run_endpoint(now, wall);
    }

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, now: Instant, wall: SystemTime) {
        self.endpoint.handle_timeout(now);
        let keys: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in keys {
            self.speak(now, key);
            self.expire(now, wall, key);
        }
        self.retry_webhooks(now, wall);
        self.run_endpoint(now, wall);
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let calls = self.calls.values().filter_map(|call| match call.state {
            State::Pending => Some(call.since + self.config.accept_within),
            State::Accepted | State::Answered => call.next_packet,
            State::Over => None,
        });
        let webhooks = self.webhooks.values().filter_map(|webhook| webhook.retry);
        calls
            .chain(webhooks)
            .chain(self.endpoint.poll_timeout())
            .min()
    }

    /// The next output; drain until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The calls and how far they are, those that are over too until they are forgotten.
    pub fn calls(&self) -> impl Iterator<Item = CallView<'_>> {
        self.calls.iter().map(|(key, call)| CallView {
            key: *key,
            id: &call.id,
            state: call.state,
            input: call.session.input(),
            output: call.session.output(),
        })
    }

    /// What a call heard, from the ACK on.
    pub fn heard(&self, call: CallKey) -> Option<&Recording> {
        self.calls.get(&call).map(|call| &call.heard)
    }

    /// Forgets a call that is over.
    pub fn forget(&mut self, call: CallKey) {
        if self
            .calls
            .get(&call)
            .is_some_and(|call| call.state == State::Over)
        {
            self.calls.remove(&call);
        }
    }

    /// Whether no call is up and no signalling left to be done.
    pub fn is_idle(&self) -> bool {
        self.dialogs.is_empty() && self.endpoint.is_idle()
    }

    /// Sends what is due to be said.
    fn speak(&mut self, now: Instant, key: CallKey) {
        while let Some(call) = self.calls.get_mut(&key) {
            let up = call.state == State::Answered;
            if !(up && call.next_packet.is_some_and(|at| at <= now)) {
                return;
            }
            if key.0 < self.config.faulty_calls {
                call.begin_faults(now, &self.config);
            }
            let change = call.talker.turn_change(&self.config.speech);
            let (to, bytes) = call.packet(&self.config);
            if let Some(change) = change {
                self.turn_changed(key, change);
            }
            self.outputs.push_back(Output::Rtp {
                call: key,
                to,
                bytes,
            });
        }
    }

    fn hear(&mut self, now: Instant, key: CallKey, bytes: &[u8]) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        if call.next_packet.is_none() {
            return;
        }
        let at = call.media_time(now);
        let Some(bytes) = call.open(bytes) else {
            return;
        };
        call.heard.push(at, &bytes);
        let Some((header, payload)) = super::rtp::Header::parse(&bytes) else {
            return;
        };
        if Some(header.payload_type) == call.telephone_event {
            return;
        }
        let format = call.session.input();
        if let Some(change) = call.listener.hear(call.law, payload, format) {
            self.speech_changed(key, change);
        }
    }

    /// Bytes as hex, for identifiers.
    fn random_hex(&mut self, bytes: usize) -> String {
        (0..bytes)
            .map(|_| format!("{:02x}", self.dice.next_u32() as u8))
            .collect()
    }
}

/// A call seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallView<'a> {
    /// Its key here.
    pub key: CallKey,
    /// Its id in the API, `rtc_...`.
    pub id: &'a str,
    /// How far it is.
    pub state: State,
    /// What the session's input is read as.
    pub input: AudioFormat,
    /// What the session's output is written as.
    pub output: AudioFormat,
}

/// The first wait before a webhook is tried again; it doubles.
const WEBHOOK_RETRY: Duration = Duration::from_secs(1);
/// Attempts of one webhook: a call that nobody took by then is lost anyway.
const WEBHOOK_ATTEMPTS: u32 = 6;
