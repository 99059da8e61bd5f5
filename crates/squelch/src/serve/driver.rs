//! The gateway's task: what happened goes in, what it wants is done.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use squelch_call::{
    CallId, ExchangeId, Gateway, GatewayConfig, Input, Output, SidebandEvent, SidebandId, http,
};
use squelch_media::{BridgeStats, MediaEvent};
use tokio::sync::{mpsc, oneshot};

use super::ask::Ask;
use super::errands::{Done, Errands};
use super::metrics::Metrics;
use super::open_files;
use super::records::Records;
use super::sideband::{Opened, Sidebands};
use crate::captures::Keeper;
use crate::config::Config;
use crate::media_io::{self, BindError, MediaIo};
use crate::signaling_io::{Arrival, Lost, SignalingIo};

/// All that the task owns.
pub(super) struct Driver {
    pub(super) gateway: Gateway,
    pub(super) signaling: SignalingIo,
    pub(super) media: MediaIo,
    pub(super) errands: Errands,
    pub(super) records: Records,
    pub(super) captures: Keeper,
    /// Who may open connections: the trunks, as the listeners know them.
    pub(super) known: Arc<RwLock<GatewayConfig>>,
    pub(super) metrics: Metrics,
    pub(super) lost: Arc<Lost>,
    pub(super) asked: mpsc::Receiver<Ask>,
    /// Who waits for the answer to an HTTP request.
    pub(super) replies: HashMap<ExchangeId, oneshot::Sender<http::Response>>,
    /// Who waits for a WebSocket.
    pub(super) handshakes: HashMap<ExchangeId, oneshot::Sender<Opened>>,
    pub(super) sidebands: Sidebands,
    pub(super) next_exchange: u64,
    pub(super) draining: bool,
}

/// What the task waits for.
enum Happened {
    Sip(Arrival),
    Media(media_io::Note),
    Errand(Done),
    Asked(Ask),
    Sideband(SidebandId, SidebandEvent),
    Timeout,
}

impl Driver {
    /// Runs until the gateway is drained.
    pub(super) async fn run(mut self) {
        self.input(Input::Started);
        self.settle();
        loop {
            match self.wait().await {
                Happened::Sip(arrival) => self.input(Input::Sip(arrival.as_input())),
                Happened::Media(note) => self.media_note(note),
                Happened::Errand(Done::Resolved { question, result }) => {
                    self.input(Input::Resolved { question, result });
                }
                Happened::Errand(Done::Fetched { fetch, result }) => {
                    self.input(Input::HttpResponse { fetch, result });
                }
                Happened::Asked(ask) => self.ask(ask),
                Happened::Sideband(sideband, event) => {
                    self.input(Input::Sideband { sideband, event });
                }
                Happened::Timeout => {
                    let now = Instant::now();
                    self.captures.handle_timeout(now);
                    self.gateway.handle_timeout(now, SystemTime::now());
                }
            }
            if self.settle() {
                break;
            }
        }
        self.linger().await;
        self.captures.finish().await;
        self.records.close().await;
    }

    async fn wait(&mut self) -> Happened {
        let at = [self.gateway.poll_timeout(), self.captures.poll_timeout()];
        let at = at.into_iter().flatten().min();
        let timeout = async {
            match at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            arrival = self.signaling.next() => Happened::Sip(arrival),
            note = self.media.next() => Happened::Media(note),
            done = self.errands.next() => Happened::Errand(done),
            Some(ask) = self.asked.recv() => Happened::Asked(ask),
            (sideband, event) = self.sidebands.next() => Happened::Sideband(sideband, event),
            () = timeout => Happened::Timeout,
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.gateway
            .handle_input(Instant::now(), SystemTime::now(), input);
    }

    fn media_note(&mut self, note: media_io::Note) {
        match note {
            media_io::Note::Event { call, event } => {
                self.metrics.media_event(&event);
                if let MediaEvent::Fault { side, finding } = event {
                    let clocks = (Instant::now(), SystemTime::now());
                    self.captures.fault(clocks, call, side, &finding);
                }
                self.input(Input::Media { call, event });
            }
            media_io::Note::Stats(figures) => {
                for (call, stats) in figures {
                    self.media_stats(call, Box::new(stats), false);
                }
            }
            media_io::Note::LastStats { call, stats } => self.media_stats(call, stats, true),
            media_io::Note::Tapped {
                call,
                what_for,
                rings,
            } => self.captures.rings(call, what_for, rings),
            media_io::Note::Relayed(times) => self.metrics.relayed(&times),
        }
    }

    fn media_stats(&mut self, call: CallId, stats: Box<BridgeStats>, last: bool) {
        self.metrics.media_stats(call, &stats, last);
        if last {
            // Its record is written with these figures: what is still to be told of captures comes before.
            self.captures.ended(call);
            self.captured();
        }
        self.input(Input::MediaStats { call, stats, last });
    }

    fn ask(&mut self, ask: Ask) {
        // Who asked may have gone: then the answer is for nobody.
        match ask {
            Ask::Http { request, reply } => {
                self.next_exchange += 1;
                let exchange = ExchangeId(self.next_exchange);
                self.replies.insert(exchange, reply);
                self.input(Input::Http { exchange, request });
            }
            Ask::Socket { request, reply } => {
                self.next_exchange += 1;
                let exchange = ExchangeId(self.next_exchange);
                self.handshakes.insert(exchange, reply);
                self.input(Input::SidebandAsked { exchange, request });
            }
            Ask::Metrics(reply) => {
                let captures = self.captures.counts();
                let _ = reply.send(self.metrics.text(&self.gateway, &self.lost, captures));
            }
            Ask::Calls(reply) => {
                let calls: Vec<_> = self.gateway.calls().collect();
                let _ = reply.send(serde_json::to_vec(&calls).unwrap_or_default().into());
            }
            Ask::Record { id, reply } => {
                let _ = reply.send(self.captures.record(Instant::now(), &id));
            }
            Ask::StopRecording { id, reply } => {
                let _ = reply.send(self.captures.stop(&id));
            }
            Ask::Ready(reply) => {
                let _ = reply.send(!self.draining);
            }
            Ask::Reload(config) => self.reload(*config),
            Ask::Drain => {
                self.draining = true;
                tracing::info!(calls = self.gateway.active_calls(), "taking no new calls");
                self.input(Input::Drain);
            }
        }
    }

    fn reload(&mut self, config: Config) {
        open_files::raise(config.gateway.limits.max_calls);
        self.captures.reload(config.tap.as_ref());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.clone_from(&config.gateway);
        drop(known);
        self.input(Input::Reconfigured(Box::new(config.gateway)));
        tracing::info!("the configuration was read anew");
    }

    /// Does all that the gateway wants; `true` once it is drained.
    fn settle(&mut self) -> bool {
        let mut drained = false;
        while let Some(output) = self.gateway.poll_output() {
            drained |= matches!(output, Output::Drained);
            self.output(output);
        }
        self.captured();
        drained
    }

    /// Does all that the captures want.
    fn captured(&mut self) {
        while let Some(fetch) = self.captures.poll_fetch() {
            self.media.tap(fetch.call, fetch.what_for, fetch.rings);
        }
        while let Some(note) = self.captures.poll_note() {
            self.input(Input::Noted {
                call: note.call,
                event: note.event,
                detail: note.detail,
            });
        }
    }

    fn output(&mut self, output: Output) {
        let now = Instant::now();
        match output {
            Output::Sip(output) => self.signaling.send(output),
            Output::BindPorts { call } => {
                let input = match self.media.bind(now, call) {
                    Ok((carrier, openai)) => {
                        self.captures.bound(call, carrier, openai);
                        Input::PortsBound {
                            call,
                            carrier,
                            openai,
                        }
                    }
                    Err(error) => {
                        if let BindError::Refused(_) = error {
                            tracing::error!(%error, "media ports can't be bound");
                        }
                        Input::PortsUnavailable { call }
                    }
                };
                self.input(input);
            }
            Output::ReleasePorts { call } => {
                self.captures.released(call);
                self.media.release(now, call);
            }
            Output::StartMedia { call, plan } => {
                let (clocks, name) = ((now, SystemTime::now()), self.gateway.call_name(call));
                self.captures.started(clocks, call, name, &plan);
                self.media.relay(call, plan);
            }
            Output::UpdateMedia { call, plan } => {
                self.captures.updated(call, &plan);
                self.media.update(call, plan);
            }
            Output::StopMedia { call } => self.media.stop(now, call),
            Output::Resolve { question } => self.errands.resolve(question),
            Output::Http { fetch, request } => self.errands.fetch(fetch, request),
            Output::HttpReply { exchange, response } => {
                if let Some(reply) = self.replies.remove(&exchange) {
                    let _ = reply.send(response);
                } else if let Some(handshake) = self.handshakes.remove(&exchange) {
                    let _ = handshake.send(Err(response));
                }
            }
            Output::SidebandConnect { sideband, request } => {
                self.sidebands.connect(sideband, request);
            }
            Output::SidebandStart {
                sideband,
                exchange,
                watcher,
            } => {
                let waits = exchange.and_then(|exchange| self.handshakes.remove(&exchange));
                self.sidebands.start(sideband, *watcher, waits);
            }
            Output::SidebandSend { sideband, text } => self.sidebands.send(sideband, text),
            Output::SidebandClose { sideband } => self.sidebands.close(sideband),
            Output::CallAnswered { setup, .. } => self.metrics.answered(setup),
            Output::CallEnded(record) => {
                self.metrics.ended(&record);
                tracing::info!(
                    id = record.id,
                    trunk = record.trunk,
                    result = record.result,
                    reason = record.reason,
                    faults = ?record.guard.faults,
                    "call ended"
                );
                self.records.write(&record);
                self.captures.forget(&record.id);
            }
            Output::Drained => {}
        }
    }

    /// The last BYEs are answered or repeated before the sockets close, for a moment at most.
    async fn linger(&mut self) {
        let end = tokio::time::sleep(LINGER);
        tokio::pin!(end);
        while !self.gateway.is_idle() {
            tokio::select! {
                happened = self.wait() => match happened {
                    Happened::Sip(arrival) => self.input(Input::Sip(arrival.as_input())),
                    Happened::Timeout => {
                        self.gateway.handle_timeout(Instant::now(), SystemTime::now());
                    }
                    _ => {}
                },
                () = &mut end => return,
            }
            self.settle();
        }
    }
}

/// A BYE over UDP is sent again after 0.5 s, 1.5 s (RFC 3261 timer E): two chances more.
const LINGER: Duration = Duration::from_secs(2);
