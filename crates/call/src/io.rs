//! What goes into a gateway and what comes out of it.

use crate::config::GatewayConfig;
use crate::control::sideband::{Report, Watcher};
use crate::http;
use crate::record::CallRecord;
use squelch_media::{BridgeStats, MediaEvent, MediaPlan};
use squelch_sip::locate::{Answer, Question};
use squelch_sip::{TransportInput, TransportOutput};
use std::net::SocketAddr;
use std::time::Duration;

/// A call, numbered by the gateway; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// An HTTP request of ours, numbered by the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FetchId(pub(crate) u64);

/// A WebSocket about a call, numbered by the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SidebandId(pub u64);

/// What became of a WebSocket.
#[derive(Debug)]
pub enum SidebandEvent {
    /// OpenAI took it.
    Connected,
    /// It did not: its answer, or why there is none.
    Refused(Result<http::Response, String>),
    /// Its watcher saw something.
    Report(Report),
    /// It is closed, by whom and why.
    Closed(String),
}

/// An HTTP request to us, numbered by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId(pub u64);

/// Something that happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// On the signalling network.
    Sip(TransportInput<'a>),
    /// The port pairs asked for are bound.
    PortsBound {
        /// For which call.
        call: CallId,
        /// The RTP address towards the carrier.
        carrier: SocketAddr,
        /// The RTP address towards OpenAI.
        openai: SocketAddr,
    },
    /// No port pair is left.
    PortsUnavailable {
        /// For which call.
        call: CallId,
    },
    /// The sockets are bound and everything runs. Names are looked up ahead of the calls from now
    /// on, and routes probed; without it a call that needs a name waits for it.
    Started,
    /// A name was looked up.
    Resolved {
        /// The question.
        question: Question,
        /// What the DNS says, maybe that there is nothing; or why it says nothing.
        result: Result<Answer, String>,
    },
    /// An HTTP request to squelch.
    Http {
        /// For the reply.
        exchange: ExchangeId,
        /// The request.
        request: http::Request,
    },
    /// The answer to an HTTP request of ours.
    HttpResponse {
        /// Which.
        fetch: FetchId,
        /// The answer, or why there is none.
        result: Result<http::Response, String>,
    },
    /// The application opens a WebSocket; answered by [`Output::SidebandStart`] or `HttpReply`.
    SidebandAsked {
        /// For the answer.
        exchange: ExchangeId,
        /// The request to upgrade.
        request: http::Request,
    },
    /// Something happened to a WebSocket.
    Sideband {
        /// Which.
        sideband: SidebandId,
        /// What.
        event: SidebandEvent,
    },
    /// On a call's media path.
    Media {
        /// Which call.
        call: CallId,
        /// What.
        event: MediaEvent,
    },
    /// A call's media figures: about once a second, and once after [`Output::StopMedia`].
    MediaStats {
        /// Which call.
        call: CallId,
        /// The figures.
        stats: Box<BridgeStats>,
        /// Whether these are the last.
        last: bool,
    },
    /// Something to be told in a call's record that the gateway has no part in: a capture, a recording.
    Noted {
        /// Which call.
        call: CallId,
        /// Its kind, as the record's events name it.
        event: &'static str,
        /// For people.
        detail: String,
    },
    /// The configuration was read anew; see [`Gateway::handle_input`](crate::Gateway::handle_input) for what of it is
    /// taken. Its `listeners` are not.
    Reconfigured(Box<GatewayConfig>),
    /// Stop: no new calls, end those that are left after a while.
    Drain,
}

/// Something to be done outside.
#[derive(Debug)]
pub enum Output {
    /// On the signalling network.
    Sip(TransportOutput),
    /// Bind a port pair for each leg; answered by `PortsBound` or `PortsUnavailable`.
    BindPorts {
        /// For which call.
        call: CallId,
    },
    /// The call is over before any media: the ports go back, drained first.
    ReleasePorts {
        /// Of which call.
        call: CallId,
    },
    /// Relay.
    StartMedia {
        /// Which call.
        call: CallId,
        /// How.
        plan: Box<MediaPlan>,
    },
    /// A signalled change.
    UpdateMedia {
        /// Which call.
        call: CallId,
        /// How from now on.
        plan: Box<MediaPlan>,
    },
    /// Stop relaying, give the last `MediaStats`, drain and free the ports.
    StopMedia {
        /// Which call.
        call: CallId,
    },
    /// Look a name up; answered by `Resolved`.
    Resolve {
        /// What to ask.
        question: Question,
    },
    /// Send an HTTP request; answered by `HttpResponse`.
    Http {
        /// For the answer.
        fetch: FetchId,
        /// The request, its target an absolute URL.
        request: http::Request,
    },
    /// Answer an HTTP request.
    HttpReply {
        /// Which.
        exchange: ExchangeId,
        /// The answer.
        response: http::Response,
    },
    /// Connect a WebSocket to OpenAI; answered by `Connected` or `Refused`.
    SidebandConnect {
        /// Which.
        sideband: SidebandId,
        /// The request, its target an absolute `ws` or `wss` URL.
        request: http::Request,
    },
    /// Move texts between a connected WebSocket and the application, each past the watcher.
    SidebandStart {
        /// Which.
        sideband: SidebandId,
        /// The application's request, to be upgraded; without one the socket is squelch's own.
        exchange: Option<ExchangeId>,
        /// Who judges and reads the texts.
        watcher: Box<Watcher>,
    },
    /// Send a text to OpenAI.
    SidebandSend {
        /// By which WebSocket.
        sideband: SidebandId,
        /// The text.
        text: String,
    },
    /// Close a WebSocket, if it is there, on both sides.
    SidebandClose {
        /// Which.
        sideband: SidebandId,
    },
    /// A call was answered.
    CallAnswered {
        /// Its trunk's name.
        trunk: String,
        /// From INVITE to answer.
        setup: Duration,
    },
    /// A call is over; there is exactly one for each INVITE of a trunk, but for those that were
    /// only asked for credentials.
    CallEnded(Box<CallRecord>),
    /// After [`Input::Drain`]: no call is left.
    Drained,
}
