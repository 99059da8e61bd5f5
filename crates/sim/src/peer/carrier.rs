//! A carrier: places calls, plays a capture or samples into them, records what comes back.
//!
//! The contract is the gateway's: one `handle_*` or [`Carrier::call`], then drain
//! [`Carrier::poll_output`], then ask [`Carrier::poll_timeout`] again.

mod call;
mod script;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use squelch_sip::{
    DialogId, Endpoint, EndpointConfig, Event, NameAddr, OutgoingInvite, Response, Target,
    TransportInput, TransportOutput, Uri,
};

use super::Suite;
use super::recording::Recording;
use super::sdp::AudioDescription;
use super::srtp::Line;
use crate::sound::Law;
use call::Call;
pub use call::{Outcome, State};
pub use script::{Content, Script, ScriptPacket};

/// One call of the carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey(pub u64);

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct CallPlan {
    /// Who is called.
    pub to: Uri,
    /// Who calls.
    pub from: Uri,
    /// Where the INVITE goes.
    pub target: Target,
    /// The address written into the offer; the port is what [`Input::PortBound`] tells.
    pub media_address: IpAddr,
    /// The laws offered, the most wanted first.
    pub laws: Vec<Law>,
    /// L16 at 8 kHz is offered as well, before the laws.
    pub linear: bool,
    /// The suites offered, the most wanted first; none offer plain RTP.
    pub srtp: Vec<Suite>,
    /// It sends with another key than it says, as a broken peer does.
    pub wrong_key: bool,
    /// The first sequence number it sends; `None` throws dice.
    pub first_sequence: Option<u16>,
    /// What is played once the call is answered.
    pub script: Script,
    /// BYE this long after the answer; `None` leaves it to the other side.
    pub hang_up_after: Option<Duration>,
    /// CANCEL this long after the INVITE, if it is not answered by then.
    pub cancel_after: Option<Duration>,
}

/// What the world does to the carrier.
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
}

/// What the carrier asks of the world.
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
    /// The call is over; its port may be closed. What it heard stays until it is taken.
    Ended {
        /// Which.
        call: CallKey,
        /// How.
        outcome: Outcome,
    },
}

/// A carrier's user agent, sans-IO.
#[derive(Debug)]
pub struct Carrier {
    endpoint: Endpoint,
    dice: ChaCha8Rng,
    calls: BTreeMap<CallKey, Call>,
    dialogs: BTreeMap<DialogId, CallKey>,
    next_key: u64,
    outputs: VecDeque<Output>,
}

impl Carrier {
    /// A carrier without calls. `sip.seed` feeds its dice as well.
    pub fn new(sip: EndpointConfig) -> Carrier {
        Carrier {
            dice: ChaCha8Rng::from_seed(sip.seed),
            endpoint: Endpoint::new(sip),
            calls: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            next_key: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Places a call as soon as its port is bound.
    pub fn call(&mut self, plan: CallPlan) -> CallKey {
        let key = CallKey(self.next_key);
        self.next_key += 1;
        let (ssrc, random) = (self.dice.next_u32(), self.dice.next_u64());
        let lines = (1..)
            .zip(plan.srtp.clone())
            .map(|(tag, suite)| Line::fresh(tag, suite, &mut self.dice))
            .collect();
        self.calls.insert(key, Call::new(plan, ssrc, random, lines));
        self.outputs.push_back(Output::BindPort { call: key });
        key
    }

    /// Takes in what the world did.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Sip(transport) => self.endpoint.handle_transport(now, transport),
            Input::PortBound { call, local } => self.invite(now, call, local),
            Input::Rtp { call, bytes } => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.hear(now, bytes);
                }
            }
        }
        self.run(now);
    }

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        let due: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in due {
            self.advance(now, key);
        }
        self.run(now);
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let calls = self.calls.values().filter_map(Call::next_deadline);
        calls.chain(self.endpoint.poll_timeout()).min()
    }

    /// The next output; drain until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Hangs a call up, or cancels it while it rings.
    pub fn hang_up(&mut self, now: Instant, call: CallKey) {
        if let Some((dialog, state)) = self.calls.get(&call).and_then(Call::signalling) {
            match state {
                State::Calling => self.endpoint.cancel(now, dialog, None),
                State::Up => self.endpoint.bye(now, dialog, None),
                State::Idle | State::Ending | State::Over => {}
            }
        }
        if let Some(call) = self.calls.get_mut(&call) {
            call.hung_up();
        }
        self.run(now);
    }

    /// Gives an encrypted call a new key of ours, by re-INVITE.
    pub fn rekey(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let (Some((dialog, State::Up)), Some(offer)) = (
            call.signalling(),
            call.rekeyed_offer(key.0 + 1, &mut self.dice),
        ) else {
            return;
        };
        self.endpoint
            .reinvite(now, dialog, squelch_sip::Body::sdp(offer));
        self.run(now);
    }

    /// Datagrams of a call that were not made with the key of the answer.
    pub fn not_authentic(&self, call: CallKey) -> u64 {
        self.calls.get(&call).map_or(0, Call::not_authentic)
    }

    /// What a call heard, from its answer on.
    pub fn heard(&self, call: CallKey) -> Option<&Recording> {
        self.calls.get(&call).map(Call::heard)
    }

    /// How far a call is.
    pub fn state(&self, call: CallKey) -> Option<State> {
        self.calls.get(&call).map(Call::state)
    }

    /// Forgets a call that is over.
    pub fn forget(&mut self, call: CallKey) {
        if self.state(call) == Some(State::Over) {
            self.calls.remove(&call);
        }
    }

    /// Whether no signalling is left to be done.
    pub fn is_idle(&self) -> bool {
        self.dialogs.is_empty() && self.endpoint.is_idle()
    }

    fn invite(&mut self, now: Instant, key: CallKey, local: SocketAddr) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        let offer = call.offer(local.port(), key.0 + 1);
        let plan = call.plan();
        let invite = OutgoingInvite {
            request_uri: plan.to.clone(),
            from: NameAddr::new(plan.from.clone()),
            to: NameAddr::new(plan.to.clone()),
            headers: Vec::new(),
            body: Some(squelch_sip::Body::sdp(offer)),
            target: plan.target.clone(),
            session_expires: None,
            max_forwards: 70,
            credentials: None,
        };
        let dialog = self.endpoint.invite(now, invite);
        call.invited(now, dialog);
        self.dialogs.insert(dialog, key);
    }

    /// What is due by the clock: packets, BYE, CANCEL.
    fn advance(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else {
            return;
        };
        while let Some((to, bytes)) = call.poll_packet(now) {
            self.outputs.push_back(Output::Rtp {
                call: key,
                to,
                bytes,
            });
        }
        if call.hang_up_due(now) {
            self.hang_up(now, key);
        }
    }

    /// Drains the endpoint.
    fn run(&mut self, now: Instant) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                squelch_sip::Output::Transport(output) => {
                    self.outputs.push_back(Output::Sip(output));
                }
                squelch_sip::Output::Event(event) => self.event(now, event),
            }
        }
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Answered { dialog, body } => {
                self.endpoint.acknowledge(now, dialog, None);
                let answer = body.and_then(|body| AudioDescription::parse(&body.bytes));
                let key = self.dialogs.get(&dialog).copied();
                let Some((key, call)) = key.and_then(|k| Some((k, self.calls.get_mut(&k)?))) else {
                    return;
                };
                match answer {
                    Some(answer) => call.answered(now, &answer),
                    None => self.endpoint.bye(now, dialog, None),
                }
                self.advance(now, key);
            }
            Event::Rejected { dialog, failure } => self.over(dialog, Outcome::Rejected(failure)),
            Event::Bye { dialog, .. } => self.over(dialog, Outcome::PeerHungUp),
            Event::Ended { dialog, cause } => self.over(dialog, Outcome::Ended(cause)),
            Event::Reinvited { dialog, body } => {
                let answer = body.and_then(|body| AudioDescription::parse(&body.bytes));
                let key = self.dialogs.get(&dialog);
                if let (Some(call), Some(answer)) =
                    (key.and_then(|key| self.calls.get_mut(key)), answer)
                {
                    call.rekeyed(&answer);
                }
            }
            Event::Reinvite { request, .. } => {
                // This carrier never changes a session.
                let refusal = Response {
                    status: 488,
                    ..Response::default()
                };
                self.endpoint.respond(now, request, refusal);
            }
            Event::Options { request, .. } => {
                let ok = Response {
                    status: 200,
                    ..Response::default()
                };
                self.endpoint.respond(now, request, ok);
            }
            Event::Invite { dialog, .. } => {
                let refusal = squelch_sip::Rejection::status(480);
                self.endpoint.reject(now, dialog, refusal);
            }
            _ => {}
        }
    }

    fn over(&mut self, dialog: DialogId, outcome: Outcome) {
        let Some(key) = self.dialogs.remove(&dialog) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&key) {
            call.over();
            self.outputs.push_back(Output::Ended { call: key, outcome });
        }
    }
}
