//! The stand-in for OpenAI as a server: SIP over TLS, REST, webhooks, sideband WebSocket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use squelch_sim::http;
use squelch_sim::peer::openai::{
    CallKey, Input, OpenAi, OpenAiConfig, Output, SocketId, State, WebhookId,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::identity::Identity;
use super::ports::Ports;
use super::tap::Tap;
use super::web::{self, WebAsk};
use crate::config::{Authorities, Listen};
use crate::http_server::{self, ListenError};
use crate::random::{self, NoRandom};
use crate::signaling_io::{self, Arrival, BindError, SignalingConfig, SignalingIo};

/// Where the stand-in listens and what it shows.
#[derive(Debug, Clone)]
pub struct OpenAiServerConfig {
    /// SIP.
    pub sip: Listen,
    /// REST and WebSocket.
    pub api: SocketAddr,
    /// What its TLS shows.
    pub identity: Identity,
}

/// A stand-in that can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// SIP's address can't be bound.
    #[error("--listen: {}: {}", .0.listen, signaling_io::explain(&.0.source))]
    Sip(#[from] BindError),
    /// The API's address can't be bound.
    #[error(transparent)]
    Api(#[from] ListenError),
    /// The certificate can't be used.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// No HTTP client for webhooks.
    #[error("webhooks: {0}")]
    Webhooks(#[from] reqwest::Error),
}

/// A stand-in with its addresses bound; it answers once it runs.
#[derive(Debug)]
pub struct OpenAiServer {
    signaling: SignalingIo,
    listener: TcpListener,
    seed: [u8; 32],
}

/// A stand-in that runs; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    tasks: Vec<JoinHandle<()>>,
    answered: watch::Receiver<Option<String>>,
}

impl OpenAiServer {
    /// Binds the addresses.
    ///
    /// **Errors**: one can't be bound, or the certificate can't be used.
    pub async fn bind(config: OpenAiServerConfig) -> Result<OpenAiServer, ServerError> {
        let listener = http_server::listen("--api", config.api).await?;
        let signaling = SignalingIo::bind(SignalingConfig {
            listen: vec![config.sip],
            server: Some(signaling_io::tls::server(
                &config.identity.certificate,
                None,
            )?),
            client: Arc::new(signaling_io::tls::client(&Authorities::Public, None)?),
            expected: Arc::new(|_| true),
        })
        .await?;
        let mut seed = [0; 32];
        random::fill(&mut seed)?;
        Ok(OpenAiServer {
            signaling,
            listener,
            seed,
        })
    }

    /// Where SIP is listened for.
    pub fn sip(&self) -> SocketAddr {
        let first = self.signaling.bound().first();
        first.map_or_else(
            || SocketAddr::from(([0, 0, 0, 0], 0)),
            |bound| bound.address,
        )
    }

    /// Where REST and WebSocket are.
    pub fn api(&self) -> SocketAddr {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        self.listener.local_addr().unwrap_or(unknown)
    }

    /// Runs. `configure` is given the configuration with SIP's part filled in.
    ///
    /// **Errors**: no HTTP client for the webhooks.
    pub fn run(
        self,
        configure: impl FnOnce(squelch_sip::EndpointConfig) -> OpenAiConfig,
        tap: Tap,
    ) -> Result<Running, ServerError> {
        let mut sip = squelch_sip::EndpointConfig::new(self.seed, "OpenAI-stand-in");
        sip.listeners = crate::serve::listeners(self.signaling.bound(), None);
        let (asks, asked) = mpsc::channel(WAITING);
        let (webhooks_done, webhooks) = mpsc::channel(WAITING);
        let (answered, watched) = watch::channel(None);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(signaling_io::tls::client(&Authorities::Public, None)?)
            .timeout(WEBHOOK)
            .no_proxy()
            .build()?;
        let driver = Driver {
            openai: OpenAi::new(configure(sip)),
            signaling: self.signaling,
            ports: Ports::new(tap.clone()),
            tap,
            asked,
            sockets: HashMap::new(),
            next_socket: 0,
            client,
            webhooks,
            webhooks_done,
            answered,
        };
        Ok(Running {
            tasks: vec![
                tokio::spawn(web::serve(self.listener, asks)),
                tokio::spawn(driver.run()),
            ],
            answered: watched,
        })
    }
}

impl Running {
    /// Waits for a call that is up; gives its id in the API.
    pub async fn answered(&self) -> Option<String> {
        let mut answered = self.answered.clone();
        let id = answered.wait_for(Option::is_some).await.ok()?;
        id.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

struct Driver {
    openai: OpenAi,
    signaling: SignalingIo,
    ports: Ports<CallKey>,
    tap: Tap,
    asked: mpsc::Receiver<WebAsk>,
    sockets: HashMap<SocketId, mpsc::Sender<String>>,
    next_socket: u64,
    client: reqwest::Client,
    webhooks: mpsc::Receiver<(WebhookId, Option<u16>)>,
    webhooks_done: mpsc::Sender<(WebhookId, Option<u16>)>,
    answered: watch::Sender<Option<String>>,
}

enum Happened {
    Sip(Arrival),
    Rtp(CallKey, bytes::Bytes),
    Asked(WebAsk),
    Webhook(WebhookId, Option<u16>),
    Timeout,
}

impl Driver {
    async fn run(mut self) {
        loop {
            let happened = self.wait().await;
            let (now, wall) = (Instant::now(), SystemTime::now());
            match happened {
                Happened::Sip(arrival) => {
                    self.tap.arrival(&self.signaling, &arrival);
                    let input = Input::Sip(arrival.as_input());
                    self.openai.handle_input(now, wall, input);
                }
                Happened::Rtp(call, bytes) => {
                    let bytes = &bytes;
                    self.openai
                        .handle_input(now, wall, Input::Rtp { call, bytes });
                }
                Happened::Asked(ask) => self.ask(now, wall, ask),
                Happened::Webhook(webhook, status) => {
                    let input = Input::WebhookAnswered { webhook, status };
                    self.openai.handle_input(now, wall, input);
                }
                Happened::Timeout => self.openai.handle_timeout(now, wall),
            }
            self.settle();
            self.tell_answered();
        }
    }

    async fn wait(&mut self) -> Happened {
        let at = self.openai.poll_timeout();
        let timeout = async {
            match at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            arrival = self.signaling.next() => Happened::Sip(arrival),
            (call, bytes) = self.ports.next() => Happened::Rtp(call, bytes),
            Some(ask) = self.asked.recv() => Happened::Asked(ask),
            Some((webhook, status)) = self.webhooks.recv() => Happened::Webhook(webhook, status),
            () = timeout => Happened::Timeout,
        }
    }

    fn ask(&mut self, now: Instant, wall: SystemTime, ask: WebAsk) {
        // Who asked may have gone: then the answer is for nobody.
        match ask {
            WebAsk::Http { request, reply } => {
                self.tap
                    .control(false, || format!("{} {}", request.method, request.target));
                let response = self.openai.http(now, wall, &request);
                let _ = reply.send(response);
            }
            WebAsk::Open { request, reply } => {
                self.next_socket += 1;
                let socket = SocketId(self.next_socket);
                let (texts, queue) = mpsc::channel(SOCKET_TEXTS);
                let opened = self.openai.open_socket(socket, &request);
                let opened = opened.map(|()| {
                    self.sockets.insert(socket, texts);
                    (socket, queue)
                });
                let _ = reply.send(opened);
            }
            WebAsk::Text { socket, text } => {
                self.tap.control(false, || event_type(&text));
                let text = &text;
                self.openai
                    .handle_input(now, wall, Input::SocketText { socket, text });
            }
            WebAsk::Closed { socket } => {
                self.sockets.remove(&socket);
                self.openai
                    .handle_input(now, wall, Input::SocketClosed { socket });
            }
        }
    }

    fn settle(&mut self) {
        while let Some(output) = self.openai.poll_output() {
            match output {
                Output::Sip(output) => {
                    self.tap.departure(&self.signaling, &output);
                    self.signaling.send(output);
                }
                Output::BindPort { call } => self.bind_port(call),
                Output::Rtp { call, to, bytes } => self.ports.send(call, to, bytes),
                Output::SocketText { socket, text } => {
                    let sent = self.sockets.get(&socket).map(|to| to.try_send(text));
                    // Who does not read is cut off.
                    if matches!(sent, Some(Err(_))) {
                        self.sockets.remove(&socket);
                    }
                }
                Output::SocketClose { socket } => {
                    self.sockets.remove(&socket);
                }
                Output::Webhook { webhook, request } => self.post(webhook, request),
                Output::Ended { call } => {
                    self.ports.close(call);
                    self.openai.forget(call);
                }
            }
        }
    }

    fn bind_port(&mut self, call: CallKey) {
        let ip = self
            .signaling
            .bound()
            .first()
            .map(|bound| bound.address.ip());
        match ip.map(|ip| self.ports.bind(call, ip)) {
            Some(Ok(local)) => {
                let input = Input::PortBound { call, local };
                self.openai
                    .handle_input(Instant::now(), SystemTime::now(), input);
            }
            Some(Err(error)) => tracing::error!(%error, "no RTP port for the stand-in"),
            None => {}
        }
    }

    fn post(&self, webhook: WebhookId, request: http::Request) {
        self.tap
            .control(true, || "webhook realtime.call.incoming".into());
        let (client, done) = (self.client.clone(), self.webhooks_done.clone());
        tokio::spawn(async move {
            let mut post = client.post(&request.target).body(request.body);
            for (name, value) in request.headers {
                post = post.header(name, value);
            }
            let status = match post.send().await {
                Ok(response) => Some(response.status().as_u16()),
                Err(error) => {
                    tracing::warn!(%error, "a webhook was not delivered");
                    None
                }
            };
            let _ = done.send((webhook, status)).await;
        });
    }

    fn tell_answered(&self) {
        let up = self
            .openai
            .calls()
            .find(|call| call.state == State::Answered);
        if let Some(call) = up {
            self.answered.send_if_modified(|known| {
                let new = known.as_deref() != Some(call.id);
                if new {
                    *known = Some(call.id.to_owned());
                }
                new
            });
        }
    }
}

/// What a client's event is, for the tap.
fn event_type(text: &str) -> String {
    let event: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let kind = event.get("type").and_then(serde_json::Value::as_str);
    kind.unwrap_or("a text frame").to_owned()
}

/// Requests and webhooks' answers that wait for the stand-in's task; who sends them waits too.
const WAITING: usize = 256;
/// Events that wait for a client to read.
const SOCKET_TEXTS: usize = 256;
/// How long a webhook's receiver may take.
const WEBHOOK: Duration = Duration::from_secs(10);
