//! The gateway: every call, one SIP endpoint, and the doors to the outside.

mod accept;
mod admit;
mod carrier_events;
mod digest;
mod door;
mod end;
mod forward;
mod info;
mod media;
pub(crate) mod mend;
mod openai_leg;
mod options;
mod probe;
mod proxy;
mod reason;
pub(crate) mod redial;
mod reload;
mod requests;
mod routes;
mod session;
mod sideband;
pub(crate) mod transfer;
mod witness;

use crate::call::Call;
use crate::config::GatewayConfig;
use crate::control::forward::Forwards;
use crate::control::sideband::Baselines;
use crate::counters::Counters;
use crate::io::{CallId, FetchId, Input, Output};
use crate::timers::{Timer, Timers};
use accept::Remembered;
use door::Door;
use probe::Probes;
use proxy::Proxied;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use reload::Leaving;
use routes::Resting;
use sideband::Sidebands;
use squelch_media::Side;
use squelch_media::rtcp::WallClock;
use squelch_sip::locate::Locator;
use squelch_sip::{DialogId, DigestServer, Endpoint, EndpointConfig, Event, RequestId};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

/// The seconds in a Retry-After of ours, before a random part of up to as many again. Carriers that are told the
/// same number come back all at once.
const RETRY_AFTER_SECONDS: u32 = 5;
/// One on each leg, and as many again whose BYE is not answered yet or that a fork brought: so
/// `max_calls` is what a call meets first, not the endpoint's own cap.
const DIALOGS_A_CALL: usize = 4;

/// New calls a second, as a bucket: full at the start, one token back every `1 / rate` seconds.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// Every call of this process. See the crate's page for how it is driven.
#[derive(Debug)]
pub struct Gateway {
    config: GatewayConfig,
    endpoint: Endpoint,
    digest: DigestServer,
    random: ChaCha20Rng,
    door: Door,
    locator: Locator,
    resting: Resting,
    probes: Probes,
    /// The routes of the present configuration by their places, the most wanted first.
    preference: Vec<usize>,
    leaving: Leaving,
    calls: BTreeMap<CallId, Call>,
    dialogs: HashMap<DialogId, (CallId, Side)>,
    /// Whose INVITE to OpenAI bears a token.
    tokens: HashMap<String, CallId>,
    /// Calls by OpenAI's names of them.
    call_ids: HashMap<String, CallId>,
    /// Accepts of our own that wait for an answer: whose, and OpenAI's name of the call.
    accepting: HashMap<FetchId, (CallId, String)>,
    proxied: Proxied,
    forwards: Forwards,
    sidebands: Sidebands,
    /// What OpenAI says of healthy calls.
    baselines: Baselines,
    /// INFOs that were passed on, and those they came from.
    infos: HashMap<RequestId, RequestId>,
    timers: Timers,
    buckets: BTreeMap<usize, Bucket>,
    counters: Counters,
    outputs: VecDeque<Output>,
    next_call: u64,
    next_fetch: u64,
    remembered: Remembered,
    /// When draining began, and when it ends the calls that are left.
    draining: Option<Instant>,
    /// Whether that time has come; what is left then waits for its last figures.
    drain_over: bool,
    drained: bool,
}

/// The clocks of one input.
#[derive(Debug, Clone, Copy)]
struct Clock {
    now: Instant,
    wall: SystemTime,
}

impl Clock {
    /// The date that a leg's reports are stamped with.
    fn media(self) -> WallClock {
        WallClock {
            now: self.now,
            wall: self.wall,
        }
    }
}

impl Gateway {
    /// A gateway without calls. The seed comes from the operating system, except in tests.
    pub fn new(config: GatewayConfig, seed: [u8; 32]) -> Gateway {
        let mut random = ChaCha20Rng::from_seed(seed);
        let mut endpoint_seed = [0; 32];
        random.fill_bytes(&mut endpoint_seed);
        let mut digest_key = [0; 32];
        random.fill_bytes(&mut digest_key);
        let mut locator_seed = [0; 32];
        random.fill_bytes(&mut locator_seed);
        let mut endpoint = EndpointConfig::new(endpoint_seed, config.user_agent.clone());
        endpoint.listeners.clone_from(&config.listeners);
        let dialogs = DIALOGS_A_CALL.saturating_mul(config.limits.max_calls as usize);
        endpoint.limits.dialogs = endpoint.limits.dialogs.max(dialogs);
        Gateway {
            endpoint: Endpoint::new(endpoint),
            digest: DigestServer::new(digest_key),
            preference: (0..config.openai.routes.len()).collect(),
            config,
            random,
            door: Door::default(),
            locator: Locator::new(locator_seed),
            resting: Resting::default(),
            probes: Probes::default(),
            leaving: Leaving::default(),
            calls: BTreeMap::new(),
            dialogs: HashMap::new(),
            tokens: HashMap::new(),
            call_ids: HashMap::new(),
            accepting: HashMap::new(),
            proxied: Proxied::default(),
            forwards: Forwards::default(),
            sidebands: Sidebands::default(),
            baselines: Baselines::default(),
            infos: HashMap::new(),
            timers: Timers::default(),
            buckets: BTreeMap::new(),
            counters: Counters::default(),
            outputs: VecDeque::new(),
            next_call: 0,
            next_fetch: 0,
            remembered: Remembered::default(),
            draining: None,
            drain_over: false,
            drained: false,
        }
    }

    /// Takes what happened outside.
    pub fn handle_input(&mut self, now: Instant, wall: SystemTime, input: Input<'_>) {
        let clock = Clock { now, wall };
        match input {
            Input::Sip(input) => {
                if self.admit_transport(now, &input) {
                    self.endpoint.handle_transport(now, input);
                }
            }
            Input::PortsBound {
                call,
                carrier,
                openai,
            } => self.ports_bound(clock, call, carrier, openai),
            Input::PortsUnavailable { call } => self.ports_unavailable(clock, call),
            Input::Started => self.begin_probing(clock),
            Input::Resolved { question, result } => self.resolved(clock, &question, result),
            Input::Http { exchange, request } => self.http_request(clock, exchange, &request),
            Input::HttpResponse { fetch, result } => self.http_response(clock, fetch, result),
            Input::SidebandAsked { exchange, request } => {
                self.sideband_asked(clock, exchange, &request);
            }
            Input::Sideband { sideband, event } => self.sideband_event(clock, sideband, event),
            Input::Media { call, event } => self.media_event(clock, call, event),
            Input::MediaStats { call, stats, last } => self.media_stats(clock, call, *stats, last),
            Input::Noted {
                call,
                event,
                detail,
            } => self.note(clock, call, event, detail),
            Input::Reconfigured(config) => self.reconfigure(clock, *config),
            Input::Drain => self.drain(clock),
        }
        self.settle(clock);
    }

    /// Lets timers that are due take their effect.
    pub fn handle_timeout(&mut self, now: Instant, wall: SystemTime) {
        let clock = Clock { now, wall };
        self.endpoint.handle_timeout(now);
        while let Some((call, timer)) = self.timers.pop_due(now) {
            self.timer(clock, call, timer);
        }
        if self
            .locator
            .poll_timeout()
            .is_some_and(|at| at <= clock.now)
        {
            self.locator.handle_timeout(now);
            self.go_on_resolving(clock);
        }
        self.deliver_due(clock);
        self.sidebands_due(clock);
        self.probe_due(clock);
        if !self.drain_over && self.draining.is_some_and(|end| end <= now) {
            self.drain_over = true;
            self.end_all(clock);
        }
        self.settle(clock);
    }

    /// When [`Gateway::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let drain = self
            .draining
            .filter(|_| !self.drain_over && !self.calls.is_empty());
        let (names, probes) = (self.locator.poll_timeout(), self.probes.next());
        let (endpoint, timers) = (self.endpoint.poll_timeout(), self.timers.next());
        let (forwards, sidebands) = (self.forwards.poll_timeout(), self.sidebands.poll_timeout());
        [endpoint, timers, drain, names, probes, forwards, sidebands]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next thing to do outside; `None` when there is nothing left.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What was counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What the SIP endpoint counted.
    pub fn sip_counters(&self) -> &squelch_sip::Counters {
        self.endpoint.counters()
    }

    /// The configuration.
    pub fn config(&self) -> &GatewayConfig {
        &self.config
    }

    /// Calls at present.
    pub fn active_calls(&self) -> usize {
        self.calls.len()
    }

    /// Each call with its trunk's name.
    pub(crate) fn open_calls(&self) -> impl Iterator<Item = (&Call, String)> {
        let named = |call: &Call| self.trunk_name(call.trunk);
        self.calls.values().map(move |call| (call, named(call)))
    }

    pub(crate) fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(&id)
    }

    /// No call, dialog, transaction, connection or timer is left.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
            && self.dialogs.is_empty()
            && self.tokens.is_empty()
            && self.call_ids.is_empty()
            && self.timers.next().is_none()
            && self.door.is_idle()
            && self.endpoint.is_idle()
    }

    /// Moves what the endpoint has to say outwards, and reacts to its events, until it has no more.
    fn settle(&mut self, clock: Clock) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                squelch_sip::Output::Transport(output) => {
                    self.outputs.push_back(Output::Sip(output))
                }
                squelch_sip::Output::Event(event) => self.sip_event(clock, event),
            }
        }
        self.ask_questions();
        if self.draining.is_some() && !self.drained && self.calls.is_empty() {
            self.drained = true;
            self.outputs.push_back(Output::Drained);
        }
    }

    fn sip_event(&mut self, clock: Clock, event: Event) {
        match event {
            Event::Invite { dialog, invite } => self.invite(clock, dialog, *invite),
            Event::Options {
                request,
                source,
                in_dialog,
            } => self.options(clock, request, source, in_dialog),
            Event::Reinvite {
                dialog,
                request,
                body,
            } => self.session_offered(clock, dialog, request, body.as_ref()),
            Event::Acknowledged { dialog, body } => self.acknowledged(clock, dialog, body.as_ref()),
            Event::RefreshDue { dialog } => self.refresh_due(clock, dialog),
            Event::Reinvited { dialog, body } => self.reinvited(clock, dialog, body.as_ref()),
            Event::Request {
                dialog,
                request,
                method,
                headers,
                body,
            } => self.requested(clock, dialog, request, method, &headers, body.as_ref()),
            Event::Response {
                dialog,
                request,
                method,
                status,
                headers,
                ..
            } => self.responded(clock, dialog, request, method, status, &headers),
            Event::Cancelled { dialog, reason } => self.carrier_cancelled(clock, dialog, reason),
            Event::Provisional { dialog, body, .. } => {
                self.openai_rings(clock, dialog, body.as_ref());
            }
            Event::Answered { dialog, body } => self.openai_answered(clock, dialog, body),
            Event::Rejected { dialog, failure } => self.openai_rejected(clock, dialog, failure),
            Event::Bye { dialog, reason } => self.peer_hung_up(clock, dialog, reason),
            Event::Ended { dialog, cause } => self.dialog_ended(clock, dialog, &cause),
            Event::OptionsAnswered { request, outcome } => self.probed(clock, request, &outcome),
            // The endpoint counts what it drops, and asks again for a refresh that was refused.
            _ => {}
        }
    }

    fn timer(&mut self, clock: Clock, call: CallId, timer: Timer) {
        use crate::termination::EndReason;
        match timer {
            Timer::Setup => self.end(clock, call, EndReason::SetupTimeout),
            Timer::Target => self.target_timeout(clock, call),
            Timer::Ring => self.end(clock, call, EndReason::RingTimeout),
            Timer::MaxCall => self.end(clock, call, EndReason::MaxCall),
            Timer::HangUp => self.end(clock, call, EndReason::Static),
            Timer::Accept => self.accept_again(clock, call),
            Timer::Mend => self.mend_again(clock, call),
            Timer::Expiry => self.session_expires(clock, call),
            Timer::Transfer => self.transfer_over(clock, call),
            Timer::LastStats => self.finish(clock, call),
        }
    }

    /// No new calls from now on; those that are left end when `[limits] drain` has passed.
    fn drain(&mut self, clock: Clock) {
        self.probes.stop();
        self.draining
            .get_or_insert(clock.now + self.config.limits.drain);
    }

    fn note(&mut self, clock: Clock, id: CallId, event: &'static str, detail: String) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.diary.note(clock.now, event, detail);
        }
    }

    /// 128 random bits in hex.
    fn token(&mut self) -> String {
        let mut bytes = [0_u8; 16];
        self.random.fill_bytes(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn retry_after(&mut self) -> u32 {
        RETRY_AFTER_SECONDS + self.random.next_u32() % (RETRY_AFTER_SECONDS + 1)
    }

    /// Whether a trunk may start one more call this second.
    fn take_token(&mut self, now: Instant, trunk: usize) -> bool {
        let rate = self
            .config
            .trunks
            .get(trunk)
            .and_then(|trunk| trunk.max_calls_per_second);
        let Some(rate) = rate.map(f64::from) else {
            return true;
        };
        let bucket = self.buckets.entry(trunk).or_insert(Bucket {
            tokens: rate,
            at: now,
        });
        let since: Duration = now.saturating_duration_since(bucket.at);
        bucket.tokens = (bucket.tokens + since.as_secs_f64() * rate).min(rate);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}
