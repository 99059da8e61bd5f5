//! A gateway between two SIP endpoints, over UDP or TLS with 5 ms a hop, in virtual time. No media run: the plan and
//! the record are what is looked at.

use bytes::Bytes;
use squelch_call::{
    AudioFormatPolicy, CallId, CallRecord, ExchangeId, FetchId, Gateway, GatewayConfig, Guard,
    Input, Limits, OnStatic, OpenAi, Output, Route, SidebandId, Srtp, Transfer, Trunk, http,
};
use squelch_media::{BridgeStats, Format, GuardAction, MediaPlan};
use squelch_sim::world::{StreamEvent, Streams};
use squelch_sip::locate::{Answer, Question, Record};
use squelch_sip::{
    Body, ConnectionId, DialogId, Endpoint, EndpointConfig, Event, Listener, NameAddr,
    OutgoingInvite, Protocol, Target, TransportInput, TransportOutput, Uri,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

pub(crate) const CARRIER: &str = "192.0.2.1:5060";
pub(crate) const GATEWAY: &str = "192.0.2.2:5060";
pub(crate) const OPENAI: &str = "192.0.2.3:5060";
const GATEWAY_TLS: &str = "192.0.2.2:5061";

/// One way over the network.
const LATENCY: Duration = Duration::from_millis(5);

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 30000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n";
pub(crate) const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.3\r\ns=OAI\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";

pub(crate) struct Pair {
    start: Instant,
    pub(crate) now: Instant,
    pub(crate) carrier: Endpoint,
    pub(crate) openai: Endpoint,
    pub(crate) gateway: Gateway,
    in_flight: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Bytes)>,
    /// Connections, where anybody listens for them.
    streams: Option<Streams>,
    stream_events: BTreeMap<(Instant, u64), StreamEvent>,
    sent: u64,
    /// Ports squelch may still bind.
    pub(crate) ports: usize,
    pub(crate) carrier_events: Vec<Event>,
    pub(crate) openai_events: Vec<Event>,
    pub(crate) plans: Vec<MediaPlan>,
    /// Signalled changes.
    pub(crate) updates: Vec<MediaPlan>,
    pub(crate) live: Vec<CallId>,
    pub(crate) bound: usize,
    pub(crate) records: Vec<CallRecord>,
    pub(crate) drained: bool,
    /// The media worker gives no last figures.
    pub(crate) mute_worker: bool,
    /// HTTP requests of the gateway, and its replies.
    pub(crate) fetches: Vec<(FetchId, http::Request)>,
    pub(crate) replies: Vec<u16>,
    pub(crate) answers: Vec<(ExchangeId, http::Response)>,
    /// WebSockets that are to be connected, those that run, what is sent by them, those that are closed.
    pub(crate) sockets: Vec<(SidebandId, http::Request)>,
    pub(crate) started: Vec<(SidebandId, Option<ExchangeId>)>,
    pub(crate) said: Vec<(SidebandId, String)>,
    pub(crate) shut: Vec<SidebandId>,
    cut_off: Option<SocketAddr>,
    /// Changes what OpenAI's side sends.
    pub(crate) rewrite: Option<fn(&str) -> String>,
    /// Names that resolve here, an address a line; no other does.
    pub(crate) names: Vec<(&'static str, &'static str)>,
    /// Connections the gateway closed.
    pub(crate) closed: Vec<ConnectionId>,
    /// Everything that went over the network.
    pub(crate) wire: Vec<(SocketAddr, SocketAddr, Bytes)>,
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn listener(text: &str) -> Listener {
    let local = address(text);
    Listener {
        protocol: Protocol::Udp,
        local,
        advertised_host: local.ip().to_string(),
        advertised_port: local.port(),
    }
}

fn tls_listener(text: &str) -> Listener {
    Listener {
        protocol: Protocol::Tls,
        local: SocketAddr::new(address(text).ip(), 5_061),
        advertised_port: 5_061,
        ..listener(text)
    }
}

fn endpoint(seed: u8, at: &str) -> Endpoint {
    let mut config = EndpointConfig::new([seed; 32], "peer");
    config.listeners = vec![listener(at), tls_listener(at)];
    Endpoint::new(config)
}

pub(crate) fn config() -> GatewayConfig {
    GatewayConfig {
        user_agent: "squelch".into(),
        listeners: vec![listener(GATEWAY)],
        media_address: None,
        trunks: vec![Trunk {
            record: false,
            name: "carrier".into(),
            sources: vec!["192.0.2.1/32".parse().unwrap()],
            media_sources: vec!["192.0.2.0/28".parse().unwrap()],
            formats: vec![Format::Pcmu, Format::Pcma],
            srtp: Srtp::Off,
            session_expires: None,
            max_calls: None,
            max_calls_per_second: None,
            transfer: Transfer::Refuse,
            digest: None,
        }],
        openai: OpenAi {
            routes: vec![Route {
                sip_uri: format!("sip:proj_test@{OPENAI};transport=udp"),
                api_base: "https://api.example/v1".into(),
                server_name: None,
                credentials: None,
            }],
            probe: None,
            api_key: None,
            webhook_secrets: Vec::new(),
            media_sources: vec!["192.0.2.3/32".parse().unwrap()],
            formats: vec![Format::Pcmu, Format::Pcma],
            srtp: Srtp::Off,
            audio_format: AudioFormatPolicy::Omit,
            at_expiry: Default::default(),
            webhook_forward: None,
            session: None,
        },
        http_token: None,
        guard: Guard {
            action: GuardAction::Protect,
            hold: Duration::ZERO,
            on_static: vec![OnStatic::HangUp],
            hang_up_after: Some(Duration::from_secs(10)),
        },
        limits: Limits::default(),
    }
}

impl Pair {
    pub(crate) fn new(config: GatewayConfig) -> Pair {
        let start = Instant::now();
        Pair {
            start,
            now: start,
            carrier: endpoint(1, CARRIER),
            openai: endpoint(3, OPENAI),
            gateway: Gateway::new(config, [2; 32]),
            in_flight: BTreeMap::new(),
            streams: None,
            stream_events: BTreeMap::new(),
            sent: 0,
            ports: 100,
            carrier_events: Vec::new(),
            openai_events: Vec::new(),
            plans: Vec::new(),
            updates: Vec::new(),
            live: Vec::new(),
            bound: 0,
            records: Vec::new(),
            drained: false,
            mute_worker: false,
            fetches: Vec::new(),
            replies: Vec::new(),
            answers: Vec::new(),
            sockets: Vec::new(),
            started: Vec::new(),
            said: Vec::new(),
            shut: Vec::new(),
            cut_off: None,
            rewrite: None,
            names: Vec::new(),
            closed: Vec::new(),
            wire: Vec::new(),
        }
    }

    /// The same over TLS: the gateway listens for it and calls OpenAI by it.
    pub(crate) fn over_tls(mut config: GatewayConfig) -> Pair {
        config.listeners.push(tls_listener(GATEWAY));
        for route in &mut config.openai.routes {
            route.sip_uri = "sip:proj_test@192.0.2.3:5061;transport=tls".into();
        }
        let mut pair = Pair::new(config);
        pair.streams = Some(Streams::default());
        pair
    }

    /// The wall clock, which starts at a date of its own.
    pub(crate) fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000) + (self.now - self.start)
    }

    /// The carrier calls, with this body.
    pub(crate) fn call(&mut self, offer: Option<&str>) -> DialogId {
        self.call_with(offer, Vec::new(), 70)
    }

    pub(crate) fn call_with(
        &mut self,
        offer: Option<&str>,
        headers: Vec<(String, String)>,
        hops: u8,
    ) -> DialogId {
        let invite = self.invite_of(offer, headers, hops);
        self.place(invite)
    }

    /// Places a call of the carrier's.
    pub(crate) fn place(&mut self, invite: OutgoingInvite) -> DialogId {
        let dialog = self.carrier.invite(self.now, invite);
        self.pump();
        dialog
    }

    pub(crate) fn invite_of(
        &self,
        offer: Option<&str>,
        headers: Vec<(String, String)>,
        hops: u8,
    ) -> OutgoingInvite {
        let (protocol, gateway) = match self.streams {
            Some(_) => (Protocol::Tls, address(GATEWAY_TLS)),
            None => (Protocol::Udp, address(GATEWAY)),
        };
        OutgoingInvite {
            request_uri: Uri::parse("sip:+15559870000@192.0.2.2").unwrap(),
            from: NameAddr::parse("\"Caller\" <sip:+15551234567@carrier.example>").unwrap(),
            to: NameAddr::parse("<sip:+15559870000@192.0.2.2>").unwrap(),
            headers,
            body: offer.map(|offer| Body::sdp(offer.to_owned())),
            target: Target {
                protocol,
                addr: gateway,
                server_name: None,
            },
            session_expires: None,
            max_forwards: hops,
            credentials: None,
        }
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        let wall = self.wall();
        self.gateway.handle_input(self.now, wall, input);
        self.pump();
    }

    /// Lets time pass, with everything that is due in it.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.pump();
            let timeouts = [
                self.carrier.poll_timeout(),
                self.openai.poll_timeout(),
                self.gateway.poll_timeout(),
            ];
            let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            let event = self.stream_events.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = timeouts
                .into_iter()
                .flatten()
                .chain(arrival)
                .chain(event)
                .min()
                .filter(|next| *next <= end)
            else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (from, to, bytes)) = self.in_flight.pop_first().unwrap();
                self.deliver(from, to, &bytes);
            }
            if event == Some(next) {
                let (_, event) = self.stream_events.pop_first().unwrap();
                self.take_in(event.at, event.input());
            }
            let wall = self.wall();
            self.carrier.handle_timeout(self.now);
            self.openai.handle_timeout(self.now);
            self.gateway.handle_timeout(self.now, wall);
        }
    }

    /// The media path's figures.
    pub(crate) fn stats(&mut self, stats: BridgeStats) {
        let call = *self.live.last().expect("media");
        self.input(Input::MediaStats {
            call,
            stats: Box::new(stats),
            last: false,
        });
    }

    /// From now on nothing arrives at this address.
    pub(crate) fn cut_off(&mut self, at: &str) {
        self.cut_off = Some(address(at));
    }

    /// Everything arrives again.
    pub(crate) fn mend(&mut self) {
        self.cut_off = None;
    }

    /// Puts a datagram on the network as if `from` had sent it.
    pub(crate) fn inject(&mut self, from: &str, to: &str, bytes: Bytes) {
        self.send(address(from), address(to), bytes);
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let bytes = match (self.rewrite, std::str::from_utf8(&bytes)) {
            (Some(rewrite), Ok(text)) if from == address(OPENAI) => rewrite(text).into(),
            _ => bytes,
        };
        self.sent += 1;
        self.wire.push((from, to, bytes.clone()));
        self.in_flight
            .insert((self.now + LATENCY, self.sent), (from, to, bytes));
    }

    fn deliver(&mut self, from: SocketAddr, local: SocketAddr, bytes: &[u8]) {
        if self.cut_off == Some(local) {
            return;
        }
        let input = TransportInput::Datagram { local, from, bytes };
        if [CARRIER, OPENAI, GATEWAY].map(address).contains(&local) {
            self.take_in(local.ip(), input);
        }
    }

    fn take_in(&mut self, at: IpAddr, input: TransportInput<'_>) {
        let wall = self.wall();
        if at == address(CARRIER).ip() {
            self.carrier.handle_transport(self.now, input);
        } else if at == address(OPENAI).ip() {
            self.openai.handle_transport(self.now, input);
        } else {
            self.gateway.handle_input(self.now, wall, Input::Sip(input));
        }
    }

    fn pump(&mut self) {
        while let Some(output) = self.carrier.poll_output() {
            match output {
                squelch_sip::Output::Transport(output) => self.transmit(CARRIER, output),
                squelch_sip::Output::Event(event) => self.carrier_events.push(event),
            }
        }
        while let Some(output) = self.openai.poll_output() {
            match output {
                squelch_sip::Output::Transport(output) => self.transmit(OPENAI, output),
                squelch_sip::Output::Event(event) => self.openai_events.push(event),
            }
        }
        while let Some(output) = self.gateway.poll_output() {
            self.gateway_output(output);
        }
    }

    fn gateway_output(&mut self, output: Output) {
        let wall = self.wall();
        match output {
            Output::Sip(output) => self.transmit(GATEWAY, output),
            Output::BindPorts { call } => {
                let input = if self.ports == 0 {
                    Input::PortsUnavailable { call }
                } else {
                    self.ports -= 1;
                    self.bound += 1;
                    Input::PortsBound {
                        call,
                        carrier: address("192.0.2.2:16384"),
                        openai: address("192.0.2.2:16386"),
                    }
                };
                self.gateway.handle_input(self.now, wall, input);
            }
            Output::Resolve { question } => {
                let of = |(name, _): &&(&str, _)| *name == question.name();
                let addresses: Vec<_> = self.names.iter().filter(of).collect();
                let result = match &question {
                    _ if addresses.is_empty() => Err("no such name".to_owned()),
                    Question::Address(_) => Ok(Answer {
                        records: (addresses.iter())
                            .map(|(_, ip)| Record::Address(ip.parse().unwrap()))
                            .collect(),
                        ttl: Duration::from_secs(60),
                    }),
                    _ => Ok(Answer::default()),
                };
                self.gateway
                    .handle_input(self.now, wall, Input::Resolved { question, result });
            }
            Output::ReleasePorts { .. } => self.bound -= 1,
            Output::StartMedia { call, plan } => {
                self.live.push(call);
                self.plans.push(*plan);
            }
            Output::UpdateMedia { plan, .. } => self.updates.push(*plan),
            Output::StopMedia { call } => {
                self.live.retain(|live| *live != call);
                self.bound -= 1;
                if self.mute_worker {
                    return;
                }
                let stats = Box::new(BridgeStats::default());
                self.gateway.handle_input(
                    self.now,
                    wall,
                    Input::MediaStats {
                        call,
                        stats,
                        last: true,
                    },
                );
            }
            Output::CallEnded(record) => self.records.push(*record),
            Output::Http { fetch, request } => self.fetches.push((fetch, request)),
            Output::SidebandConnect { sideband, request } => {
                self.sockets.push((sideband, request));
            }
            Output::SidebandStart {
                sideband, exchange, ..
            } => self.started.push((sideband, exchange)),
            Output::SidebandSend { sideband, text } => self.said.push((sideband, text)),
            Output::SidebandClose { sideband } => self.shut.push(sideband),
            Output::HttpReply { exchange, response } => {
                self.replies.push(response.status);
                self.answers.push((exchange, response));
            }
            Output::Drained => self.drained = true,
            _ => {}
        }
    }

    fn transmit(&mut self, by: &str, output: TransportOutput) {
        match output {
            TransportOutput::Datagram { local, to, bytes } => self.send(local, to, bytes),
            output if self.streams.is_some() => self.transmit_stream(by, output),
            // Nobody listens for connections here.
            TransportOutput::Connect { connection, .. } => {
                let reason = "connection refused".to_owned();
                let closed = TransportInput::Closed { connection, reason };
                let wall = self.wall();
                self.gateway
                    .handle_input(self.now, wall, Input::Sip(closed));
            }
            TransportOutput::Close { connection } => self.closed.push(connection),
            other => panic!("only UDP here: {other:?}"),
        }
    }

    fn transmit_stream(&mut self, by: &str, mut output: TransportOutput) {
        let by = address(by);
        if let TransportOutput::Stream { bytes, .. } = &mut output {
            if let (Some(rewrite), Ok(text)) = (self.rewrite, std::str::from_utf8(bytes))
                && by == address(OPENAI)
            {
                *bytes = rewrite(text).into();
            }
            self.wire.push((by, by, bytes.clone()));
        }
        let streams = self.streams.as_mut().expect("connections");
        for event in streams.transport(by.ip(), output) {
            self.sent += 1;
            let at = (self.now + LATENCY, self.sent);
            self.stream_events.insert(at, event);
        }
    }

    /// The dialog OpenAI has been called on.
    pub(crate) fn openai_dialog(&self) -> DialogId {
        self.openai_events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::Invite { dialog, .. } => Some(*dialog),
                _ => None,
            })
            .expect("an INVITE at OpenAI")
    }

    /// OpenAI answers the last call.
    pub(crate) fn openai_answers(&mut self, answer: &str) {
        let dialog = self.openai_dialog();
        self.openai.provisional(self.now, dialog, 180, None);
        self.openai
            .answer(self.now, dialog, Body::sdp(answer.to_owned()));
        self.run(Duration::from_millis(100));
    }

    /// A call from the carrier, answered by OpenAI.
    pub(crate) fn established(config: GatewayConfig) -> (Pair, DialogId) {
        let mut pair = Pair::new(config);
        let dialog = pair.call(Some(OFFER));
        pair.run(Duration::from_millis(100));
        pair.openai_answers(ANSWER);
        let answered = pair
            .carrier_events
            .iter()
            .any(|event| matches!(event, Event::Answered { .. }));
        assert!(answered, "{:?}", pair.carrier_events);
        let now = pair.now;
        pair.carrier.acknowledge(now, dialog, None);
        pair.run(Duration::from_millis(100));
        (pair, dialog)
    }

    /// Nothing is left anywhere once all timers have run out, and there is one record of this ending.
    pub(crate) fn assert_over(&mut self, result: &str, reason: &str) {
        // Connections stay for the next call a good while longer than any timer.
        let quiet = if self.streams.is_some() { 1_200 } else { 120 };
        self.run(Duration::from_secs(quiet));
        let endings: Vec<_> = self
            .records
            .iter()
            .map(|record| (record.result, record.reason))
            .collect();
        assert_eq!(endings, [(result, reason)]);
        assert!(self.gateway.is_idle(), "the gateway keeps something");
        let strangers = self.gateway.counters().strangers;
        assert_eq!(strangers, 0, "a peer was taken for a stranger");
        assert!(
            self.carrier.is_idle() && self.openai.is_idle(),
            "a peer waits for something"
        );
        assert_eq!(
            (self.bound, self.live.len()),
            (0, 0),
            "ports or media are left"
        );
    }

    /// The status the carrier's call was refused with.
    pub(crate) fn refused_with(&self) -> Option<u16> {
        self.carrier_events.iter().find_map(|event| match event {
            Event::Rejected {
                failure: squelch_sip::Failure::Status { status, .. },
                ..
            } => Some(*status),
            _ => None,
        })
    }
}
