//! Everything under virtual time: gateway, bridges, a carrier, OpenAI, and networks between them.
//!
//! A [`World`] is made from a [`Setup`], told to call, and run for as long as the story wants. Nothing
//! waits: a three-minute call takes as long as its packets take to compute. The same setup gives the
//! same trace, packet by packet ([`World::trace`]).
//!
//! Both legs signal over UDP, or over connections that stand for TLS ([`Setup::over_tls`]): its handshakes are the
//! shell's, tested with real sockets. Webhooks, the API and the application's WebSocket take [`LATENCY`] one way, and
//! are lost never.

mod application;
pub mod line;
mod media;
mod network;
mod places;
mod setup;
mod sideband;
mod streams;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use squelch_call::{CallId, CallRecord, ExchangeId, Gateway, Input, Output};
use squelch_media::Side;
use squelch_sip::{Target, TransportInput, Uri};

use crate::impair::Impairment;
use crate::peer::recording::Recording;
use crate::peer::{carrier, openai};
use media::Media;
use network::{Arrival, Network};
use places::{CARRIER, GATEWAY, OPENAI, Ports};
pub use places::{carrier_address, gateway_address, openai_address, stranger_address};
pub use setup::Setup;
pub use streams::{StreamEvent, Streams};

/// One way over a network without impairment.
pub const LATENCY: Duration = Duration::from_millis(5);

/// Everything that takes part in a call, and the time.
#[derive(Debug)]
pub struct World {
    start: Instant,
    wall: SystemTime,
    now: Instant,
    gateway: Gateway,
    media: Media,
    carrier: carrier::Carrier,
    openai: openai::OpenAi,
    network: Network,
    ports: Ports,
    /// Who asked the gateway over HTTP.
    webhooks: BTreeMap<ExchangeId, openai::WebhookId>,
    sidebands: sideband::Sidebands,
    application: application::Application,
    next_exchange: u64,
    records: Vec<CallRecord>,
    /// What the application was told over its WebSocket.
    told: Vec<String>,
    drained: bool,
}

impl World {
    /// A world at rest.
    pub fn new(start: Instant, setup: Setup) -> World {
        World {
            start,
            wall: setup.wall,
            now: start,
            gateway: Gateway::new(setup.gateway, setup.seed),
            media: Media::new(start),
            carrier: carrier::Carrier::new(places::endpoint(setup.seed, 1, CARRIER)),
            openai: openai::OpenAi::new(setup.openai),
            network: Network::new(setup.seed),
            ports: Ports::default(),
            webhooks: BTreeMap::new(),
            sidebands: Default::default(),
            application: Default::default(),
            next_exchange: 0,
            records: Vec::new(),
            told: Vec::new(),
            drained: false,
        }
    }

    /// The time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// The gateway, to be looked at.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The stand-in for OpenAI, to be looked at.
    pub fn openai(&self) -> &openai::OpenAi {
        &self.openai
    }

    /// The records of the calls that are over.
    pub fn records(&self) -> &[CallRecord] {
        &self.records
    }

    /// What the application was told over its WebSockets, in order.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// Whether the gateway said that it is drained.
    pub fn is_drained(&self) -> bool {
        self.drained
    }

    /// A number that stands for everything that went over the networks so far, and when.
    pub fn trace(&self) -> u64 {
        self.network.trace()
    }

    /// The same over TLS, as [`Setup::over_tls`] has it.
    pub fn plan_over_tls(script: carrier::Script) -> carrier::CallPlan {
        let mut plan = World::plan(script);
        plan.target.protocol = squelch_sip::Protocol::Tls;
        plan.target.addr = places::tls(GATEWAY);
        plan
    }

    /// The plan of a call that a carrier would place: mu-law first, no end of its own.
    pub fn plan(script: carrier::Script) -> carrier::CallPlan {
        carrier::CallPlan {
            to: Uri::sip(Some("+15559870000"), "192.0.2.2", None),
            from: Uri::sip(Some("+15551234567"), "carrier.example", None),
            target: Target {
                protocol: squelch_sip::Protocol::Udp,
                addr: GATEWAY,
                server_name: None,
            },
            media_address: CARRIER.ip(),
            laws: vec![crate::sound::Law::Mu, crate::sound::Law::A],
            linear: false,
            srtp: Vec::new(),
            wrong_key: false,
            first_sequence: None,
            script,
            hang_up_after: None,
            cancel_after: None,
        }
    }

    /// The carrier calls.
    pub fn call(&mut self, plan: carrier::CallPlan) -> carrier::CallKey {
        let key = self.carrier.call(plan);
        self.pump();
        key
    }

    /// The carrier hangs up, or cancels.
    pub fn carrier_hangs_up(&mut self, call: carrier::CallKey) {
        self.carrier.hang_up(self.now, call);
        self.pump();
    }

    /// The carrier gives an encrypted call a new key of its own.
    pub fn carrier_rekeys(&mut self, call: carrier::CallKey) {
        self.carrier.rekey(self.now, call);
        self.pump();
    }

    /// Datagrams of a carrier's call that were not made with the key of squelch's answer.
    pub fn not_authentic(&self, call: carrier::CallKey) -> u64 {
        self.carrier.not_authentic(call)
    }

    /// OpenAI hangs all its calls up.
    pub fn openai_hangs_up(&mut self) {
        let calls: Vec<_> = self.openai.calls().map(|call| call.key).collect();
        for call in calls {
            let wall = self.wall_now();
            self.openai.hang_up(self.now, wall, call);
        }
        self.pump();
    }

    /// The gateway is told to stop.
    pub fn drain(&mut self) {
        self.input(Input::Drain);
    }

    /// What happens to RTP between the gateway and one of its peers from now on, both ways.
    pub fn impair(&mut self, side: Side, impairment: Impairment) {
        self.network.impair(side, impairment);
    }

    /// The application sends an event to OpenAI, past squelch, over a WebSocket of the first call.
    ///
    /// Gives whether OpenAI let it open one.
    pub fn application_sends(&mut self, event: &serde_json::Value) -> bool {
        let Some(id) = self.openai.calls().next().map(|call| call.id.to_owned()) else {
            return false;
        };
        let socket = openai::SocketId(self.network.number());
        let request = crate::http::Request {
            method: "GET".into(),
            target: format!("/v1/realtime?call_id={id}"),
            headers: vec![("authorization".into(), format!("Bearer {}", setup::API_KEY))],
            body: bytes::Bytes::new(),
        };
        let opened = self.openai.open_socket(socket, &request).is_ok();
        if opened {
            let text = event.to_string();
            self.network
                .later(self.now, Arrival::SocketText { socket, text });
        }
        self.pump();
        opened
    }

    /// A datagram from anywhere to the gateway: to its SIP port, or to a leg's RTP port of the call
    /// that was placed last.
    pub fn inject(&mut self, from: std::net::SocketAddr, to: Option<Side>, bytes: &[u8]) {
        let to = to
            .and_then(|side| self.media.last_port(side))
            .unwrap_or(GATEWAY);
        self.network.send(self.now, from, to, bytes.to_vec().into());
    }

    /// What a carrier's call heard.
    pub fn heard_by_carrier(&self, call: carrier::CallKey) -> Option<&Recording> {
        self.carrier.heard(call)
    }

    /// What OpenAI heard in its first call.
    pub fn heard_by_openai(&self) -> Option<&Recording> {
        let first = self.openai.calls().next()?.key;
        self.openai.heard(first)
    }

    /// How far a carrier's call is.
    pub fn carrier_state(&self, call: carrier::CallKey) -> Option<carrier::State> {
        self.carrier.state(call)
    }

    /// The media figures of the calls that are up.
    pub fn bridges(&self) -> impl Iterator<Item = &squelch_media::Bridge> {
        self.media.bridges()
    }

    /// Lets time pass, with everything that is due in it.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.pump();
            let arrival = self.network.next();
            let next = [
                self.carrier.poll_timeout(),
                self.openai.poll_timeout(),
                self.gateway.poll_timeout(),
                self.media.poll_timeout(),
                arrival,
            ];
            let Some(next) = next.into_iter().flatten().min().filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if arrival.is_some_and(|at| at <= self.now)
                && let Some(arrival) = self.network.take()
            {
                self.deliver(arrival);
                continue;
            }
            let wall = self.wall_now();
            self.carrier.handle_timeout(self.now);
            self.openai.handle_timeout(self.now, wall);
            self.gateway.handle_timeout(self.now, wall);
            let figures = self.media.handle_timeout(self.now, &mut self.network);
            for (call, stats) in figures {
                let stats = Box::new(stats);
                let last = false;
                self.input(Input::MediaStats { call, stats, last });
            }
        }
    }

    fn wall_now(&self) -> SystemTime {
        self.wall + self.elapsed()
    }

    fn input(&mut self, input: Input<'_>) {
        let wall = self.wall_now();
        self.gateway.handle_input(self.now, wall, input);
        self.pump();
    }

    fn deliver(&mut self, arrival: Arrival) {
        let wall = self.wall_now();
        match arrival {
            Arrival::Datagram { from, to, bytes } => self.datagram(from, to, &bytes),
            Arrival::Stream(event) => {
                let (now, sip) = (self.now, event.input());
                if event.at == CARRIER.ip() {
                    self.carrier.handle_input(now, carrier::Input::Sip(sip));
                } else if event.at == OPENAI.ip() {
                    self.openai.handle_input(now, wall, openai::Input::Sip(sip));
                } else {
                    self.input(Input::Sip(sip));
                }
            }
            Arrival::Webhook {
                webhook,
                mut request,
            } => {
                request.target = path(&request.target);
                self.next_exchange += 1;
                let exchange = ExchangeId(self.next_exchange);
                self.webhooks.insert(exchange, webhook);
                self.input(Input::Http { exchange, request });
            }
            Arrival::WebhookAnswered { webhook, status } => {
                let status = Some(status);
                let input = openai::Input::WebhookAnswered { webhook, status };
                self.openai.handle_input(self.now, wall, input);
            }
            Arrival::Fetch { fetch, request } => {
                // The application takes every webhook.
                let response = match request.target.starts_with(setup::APPLICATION) {
                    true => crate::http::Response::empty(200),
                    false => self.openai.http(self.now, wall, &request),
                };
                self.network
                    .later(self.now, Arrival::Fetched { fetch, response });
            }
            Arrival::Fetched { fetch, response } => {
                let result = Ok(response);
                self.input(Input::HttpResponse { fetch, result });
            }
            Arrival::SidebandConnect { sideband, request } => {
                self.sideband_connect(sideband, &request);
            }
            Arrival::Sideband { sideband, event } => {
                let input = Input::Sideband { sideband, event };
                self.gateway.handle_input(self.now, wall, input);
            }
            Arrival::SidebandText { socket, text } => self.sideband_text(socket, &text),
            Arrival::SocketText { socket, text } => {
                let text = &text;
                let input = openai::Input::SocketText { socket, text };
                self.openai.handle_input(self.now, wall, input);
            }
        }
    }

    fn datagram(&mut self, from: std::net::SocketAddr, to: std::net::SocketAddr, bytes: &[u8]) {
        let (now, wall, local) = (self.now, self.wall_now(), to);
        let sip = TransportInput::Datagram { local, from, bytes };
        match to {
            CARRIER => self.carrier.handle_input(now, carrier::Input::Sip(sip)),
            OPENAI => self.openai.handle_input(now, wall, openai::Input::Sip(sip)),
            GATEWAY => self.input(Input::Sip(sip)),
            _ => {
                if let Some(call) = self.ports.carrier_call(to) {
                    let input = carrier::Input::Rtp { call, bytes };
                    self.carrier.handle_input(now, input);
                } else if let Some(call) = self.ports.openai_call(to) {
                    let input = openai::Input::Rtp { call, bytes };
                    self.openai.handle_input(now, wall, input);
                } else {
                    let events = self.media.relay(now, from, to, bytes, &mut self.network);
                    for (call, event) in events {
                        self.input(Input::Media { call, event });
                    }
                }
            }
        }
    }

    /// Drains everybody until nobody has anything left to say.
    fn pump(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.carrier.poll_output() {
                quiet = false;
                self.carrier_output(output);
            }
            while let Some(output) = self.openai.poll_output() {
                quiet = false;
                self.openai_output(output);
            }
            while let Some(output) = self.gateway.poll_output() {
                quiet = false;
                self.gateway_output(output);
            }
            if quiet {
                return;
            }
        }
    }

    fn carrier_output(&mut self, output: carrier::Output) {
        match output {
            carrier::Output::Sip(output) => self.network.transport(self.now, CARRIER, output),
            carrier::Output::BindPort { call } => {
                let local = self.ports.bind_carrier(call);
                let input = carrier::Input::PortBound { call, local };
                self.carrier.handle_input(self.now, input);
            }
            carrier::Output::Rtp { call, to, bytes } => {
                if let Some(from) = self.ports.of_carrier(call) {
                    self.network.send(self.now, from, to, bytes.into());
                }
            }
            carrier::Output::Ended { .. } => {}
        }
    }

    fn openai_output(&mut self, output: openai::Output) {
        let wall = self.wall_now();
        match output {
            openai::Output::Sip(output) => self.network.transport(self.now, OPENAI, output),
            openai::Output::BindPort { call } => {
                let local = self.ports.bind_openai(call);
                let input = openai::Input::PortBound { call, local };
                self.openai.handle_input(self.now, wall, input);
            }
            openai::Output::Rtp { call, to, bytes } => {
                if let Some(from) = self.ports.of_openai(call) {
                    self.network.send(self.now, from, to, bytes.into());
                }
            }
            openai::Output::SocketText { socket, text } => self.stand_in_says(socket, text),
            openai::Output::Webhook { webhook, request } => {
                self.network
                    .later(self.now, Arrival::Webhook { webhook, request });
            }
            openai::Output::SocketClose { socket } => self.stand_in_closes(socket),
            openai::Output::Ended { .. } => {}
        }
    }

    fn gateway_output(&mut self, output: Output) {
        let (now, wall) = (self.now, self.wall_now());
        match output {
            Output::Sip(output) => self.network.transport(now, GATEWAY, output),
            Output::BindPorts { call } => {
                let (carrier, openai) = self.media.bind(call);
                let input = Input::PortsBound {
                    call,
                    carrier,
                    openai,
                };
                self.gateway.handle_input(now, wall, input);
            }
            Output::ReleasePorts { call } => self.media.release(call),
            Output::StartMedia { call, plan } => self.media.start(now, call, &plan),
            Output::UpdateMedia { call, plan } => self.media.update(now, call, &plan),
            Output::StopMedia { call } => self.stop_media(call),
            // No name resolves here: routes are addresses.
            Output::Resolve { question } => {
                let result = Err(format!("{}: no such name", question.name()));
                let input = Input::Resolved { question, result };
                self.gateway.handle_input(now, wall, input);
            }
            Output::Http { fetch, request } => {
                self.network.later(now, Arrival::Fetch { fetch, request });
            }
            Output::HttpReply { exchange, response } => {
                if let Some(webhook) = self.webhooks.remove(&exchange) {
                    let status = response.status;
                    let answered = Arrival::WebhookAnswered { webhook, status };
                    self.network.later(now, answered);
                } else {
                    self.application.answers.push(response);
                }
            }
            Output::SidebandConnect { sideband, request } => {
                let arrival = Arrival::SidebandConnect { sideband, request };
                self.network.later(now, arrival);
            }
            Output::SidebandStart {
                sideband,
                exchange,
                watcher,
            } => {
                if exchange.is_some() {
                    self.application.socket = Some(sideband);
                }
                self.sideband_start(sideband, watcher);
            }
            Output::SidebandSend { sideband, text } => self.sideband_send(sideband, text),
            Output::SidebandClose { sideband } => self.sideband_close(sideband),
            Output::CallAnswered { .. } => {}
            Output::CallEnded(record) => self.records.push(*record),
            Output::Drained => self.drained = true,
        }
    }

    fn stop_media(&mut self, call: CallId) {
        let wall = self.wall_now();
        for input in self.media.stop(self.now, call, &mut self.network) {
            self.gateway.handle_input(self.now, wall, input);
        }
    }
}

/// What a server sees of a URL that a client was given.
fn path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/')
        .map_or_else(|| "/".into(), |at| rest.split_at(at).1.to_owned())
}
