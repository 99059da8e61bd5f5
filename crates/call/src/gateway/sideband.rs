//! WebSockets about calls: the application's, and squelch's own beside a call that it accepted itself.
//!
//! OpenAI answers 404 until a call exists: connecting is repeated for a while. The shell frames bytes and moves
//! texts; what it is to connect to, for how long and with whose key is decided here.

use super::{Clock, Gateway};
use crate::config::AtExpiry;
use crate::control::proxy::{self, Key, Problem, refusal};
use crate::control::session_guard::{Context, format_name};
use crate::control::sideband::{Report, Said, SaidFormat, Watcher};
use crate::http::{Request, Response};
use crate::io::{CallId, ExchangeId, Output, SidebandEvent, SidebandId};
use crate::timers::Timer;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant, SystemTime};

/// All sockets.
#[derive(Debug, Default)]
pub(super) struct Sidebands {
    sockets: HashMap<SidebandId, Sideband>,
    /// When connecting is tried again.
    due: BTreeSet<(Instant, SidebandId)>,
    next: u64,
}

#[derive(Debug)]
struct Sideband {
    call: Option<CallId>,
    /// Squelch's own, not the application's.
    is_own: bool,
    /// The application that waits for it.
    exchange: Option<ExchangeId>,
    request: Request,
    state: State,
    /// From the last time it was open, or the first try.
    until: Instant,
    attempt: u32,
    reopened: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Pausing(Instant),
    Open,
}

impl Sidebands {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The socket by which something can be said about a call.
    pub(super) fn of_call(&self, call: CallId) -> Option<SidebandId> {
        let mut sockets = self.sockets.iter();
        let found = sockets.find(|(_, one)| one.call == Some(call) && one.state == State::Open);
        found.map(|(id, _)| *id)
    }

    /// Whether one of a call's is open or on its way.
    fn has(&self, call: CallId) -> bool {
        self.sockets.values().any(|one| one.call == Some(call))
    }

    /// No socket is about `call` any more; gives those that are to be closed, and who waits for them. The
    /// application's open one is OpenAI's to close.
    pub(super) fn leave(&mut self, call: CallId) -> Vec<(SidebandId, Option<ExchangeId>)> {
        let about = |one: &Sideband| one.call == Some(call);
        let ended = self.ended(call);
        for socket in self.sockets.values_mut().filter(|one| about(one)) {
            socket.call = None;
        }
        let removed = ended.into_iter();
        removed
            .map(|id| (id, self.remove(id).and_then(|one| one.exchange)))
            .collect()
    }

    /// The sockets that end with a call: our own, and those that somebody waits for.
    fn ended(&self, call: CallId) -> Vec<SidebandId> {
        let ends =
            |one: &Sideband| one.call == Some(call) && (one.is_own || one.state != State::Open);
        let sockets = self.sockets.iter();
        sockets
            .filter(|(_, one)| ends(one))
            .map(|(id, _)| *id)
            .collect()
    }

    fn pause(&mut self, id: SidebandId, at: Instant) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.state = State::Pausing(at);
            self.due.insert((at, id));
        }
    }

    fn remove(&mut self, id: SidebandId) -> Option<Sideband> {
        let socket = self.sockets.remove(&id)?;
        if let State::Pausing(at) = socket.state {
            self.due.remove(&(at, id));
        }
        Some(socket)
    }
}

impl Gateway {
    /// The application opens a WebSocket: `/v1/realtime?call_id=...`.
    pub(super) fn sideband_asked(&mut self, clock: Clock, exchange: ExchangeId, request: &Request) {
        let token = self.config.http_token.as_ref();
        let asked = proxy::socket_address(request)
            .and_then(|call_id| Ok((call_id, proxy::key(request.header("Authorization"), token)?)));
        let (call_id, key) = match asked {
            Ok(asked) => asked,
            Err(problem) => return self.refuse_socket(exchange, problem),
        };
        if self.sidebands.sockets.len() >= MAX_SOCKETS {
            return self.refuse_socket(exchange, Problem::Busy);
        }
        let authorization = match key {
            Key::Own => self.own_authorization(),
            Key::Shown(shown) => shown,
        };
        let call = self.call_named(call_id);
        let upstream = self.socket_request(call, call_id, authorization, request);
        self.counters.proxied("socket", "forwarded");
        self.connect(clock, call, Some(exchange), upstream, HANDSHAKE);
    }

    pub(super) fn refuse_socket(&mut self, exchange: ExchangeId, problem: Problem) {
        self.counters.proxied("socket", "refused");
        let response = refusal(problem);
        self.outputs
            .push_back(Output::HttpReply { exchange, response });
    }

    /// Opens squelch's own socket about a call, unless there is one.
    pub(super) fn open_own_sideband(&mut self, clock: Clock, id: CallId) {
        let name = self
            .calls
            .get(&id)
            .and_then(|call| call.openai.call_id.clone());
        let Some(name) = name.filter(|_| self.config.openai.api_key.is_some()) else {
            return;
        };
        if self.sidebands.has(id) || self.sidebands.sockets.len() >= MAX_SOCKETS {
            return;
        }
        let authorization = self.own_authorization();
        let bare = Request {
            method: "GET".into(),
            target: String::new(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        };
        let upstream = self.socket_request(Some(id), &name, authorization, &bare);
        self.connect(clock, Some(id), None, upstream, OWN_PATIENCE);
    }

    fn socket_request(
        &self,
        call: Option<CallId>,
        call_id: &str,
        authorization: String,
        request: &Request,
    ) -> Request {
        let base = self.api_base(call);
        // http becomes ws, https wss.
        let base = base.strip_prefix("http").unwrap_or(base);
        let mut headers = vec![("Authorization".to_owned(), authorization)];
        let kept = proxy::headers_upstream(request).into_iter();
        headers.extend(kept.filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Type")));
        Request {
            method: "GET".into(),
            target: format!("ws{base}/realtime?call_id={call_id}"),
            headers,
            body: bytes::Bytes::new(),
        }
    }

    fn connect(
        &mut self,
        clock: Clock,
        call: Option<CallId>,
        exchange: Option<ExchangeId>,
        request: Request,
        patience: Duration,
    ) {
        self.sidebands.next += 1;
        let sideband = SidebandId(self.sidebands.next);
        let socket = Sideband {
            call,
            is_own: exchange.is_none(),
            exchange,
            request: request.clone(),
            state: State::Connecting,
            until: clock.now + patience,
            attempt: 0,
            reopened: 0,
        };
        self.sidebands.sockets.insert(sideband, socket);
        self.outputs
            .push_back(Output::SidebandConnect { sideband, request });
    }

    pub(super) fn sidebands_due(&mut self, clock: Clock) {
        while let Some((at, sideband)) = self.sidebands.due.first().copied()
            && at <= clock.now
        {
            self.sidebands.due.remove(&(at, sideband));
            if let Some(socket) = self.sidebands.sockets.get_mut(&sideband) {
                socket.state = State::Connecting;
                let request = socket.request.clone();
                self.outputs
                    .push_back(Output::SidebandConnect { sideband, request });
            }
        }
    }

    pub(super) fn sideband_event(
        &mut self,
        clock: Clock,
        sideband: SidebandId,
        event: SidebandEvent,
    ) {
        match event {
            SidebandEvent::Connected => self.sideband_connected(clock, sideband),
            SidebandEvent::Refused(answer) => self.sideband_refused(clock, sideband, answer),
            SidebandEvent::Report(report) => self.sideband_reports(clock, sideband, report),
            SidebandEvent::Closed(why) => self.sideband_closed(clock, sideband, &why),
        }
    }

    fn sideband_connected(&mut self, clock: Clock, sideband: SidebandId) {
        let policy = self.config.openai.audio_format;
        let Some(socket) = self.sidebands.sockets.get_mut(&sideband) else {
            // Its call ended meanwhile.
            self.outputs.push_back(Output::SidebandClose { sideband });
            return;
        };
        socket.state = State::Open;
        socket.attempt = 0;
        let (call, own, exchange) = (socket.call, socket.is_own, socket.exchange.take());
        let negotiated = call
            .and_then(|id| self.calls.get(&id))
            .and_then(|call| call.negotiated_with_openai(&self.config.openai.formats));
        let watcher = Box::new(Watcher::new(Context { policy, negotiated }));
        self.outputs.push_back(Output::SidebandStart {
            sideband,
            exchange,
            watcher,
        });
        if let Some(id) = call {
            let whose = if own {
                "squelch's own"
            } else {
                "the application's"
            };
            self.note(clock, id, "sideband_open", whose.to_owned());
            self.go_on_mending(clock, id);
        }
    }

    fn sideband_refused(
        &mut self,
        clock: Clock,
        sideband: SidebandId,
        answer: Result<Response, String>,
    ) {
        let sockets = &mut self.sidebands.sockets;
        let connecting = |one: &&mut Sideband| one.state == State::Connecting;
        let Some(socket) = sockets.get_mut(&sideband).filter(connecting) else {
            return;
        };
        // 404 until the call exists; of our own also what says "not now".
        let may_change = match &answer {
            Ok(response) if response.status == 404 => true,
            Ok(response) => socket.is_own && matches!(response.status, 408 | 429 | 500..=599),
            Err(_) => true,
        };
        let pause = (FIRST_PAUSE * 2_u32.pow(socket.attempt.min(MAX_DOUBLINGS))).min(LONGEST_PAUSE);
        socket.attempt += 1;
        let at = clock.now + pause;
        if may_change && at < socket.until {
            return self.sidebands.pause(sideband, at);
        }
        let Some(socket) = self.sidebands.remove(sideband) else {
            return;
        };
        let said = match &answer {
            Ok(response) => format!("status {}", response.status),
            Err(why) => why.clone(),
        };
        if let Some(exchange) = socket.exchange {
            let response = match answer {
                Ok(response) => proxy::answer_downstream(response),
                Err(_) => refusal(Problem::NoAnswer),
            };
            self.counters.proxied("socket", "failed");
            self.outputs
                .push_back(Output::HttpReply { exchange, response });
        }
        if let Some(id) = socket.call {
            self.note(clock, id, "sideband_refused", said);
        }
    }

    fn sideband_closed(&mut self, clock: Clock, sideband: SidebandId, why: &str) {
        let Some(mut socket) = self.sidebands.remove(sideband) else {
            return;
        };
        let Some(id) = socket.call.filter(|id| self.calls.contains_key(id)) else {
            return;
        };
        self.note(clock, id, "sideband_closed", why.to_owned());
        // Our own comes back while the call lasts; the application's is the application's.
        let comes_back = socket.is_own && socket.reopened < MAX_REOPENED;
        if comes_back
            && self
                .calls
                .get(&id)
                .is_some_and(|call| call.ending.is_none())
        {
            socket.reopened += 1;
            socket.until = clock.now + OWN_PATIENCE;
            self.sidebands.sockets.insert(sideband, socket);
            self.sidebands.pause(sideband, clock.now + FIRST_PAUSE);
        }
    }

    /// The call is over: our own socket closes, who waits for one is told so.
    pub(super) fn close_sidebands(&mut self, id: CallId) {
        // The application's is OpenAI's to close, which has its last words to say.
        for sideband in self.sidebands.ended(id) {
            let exchange = self.sidebands.remove(sideband).and_then(|one| one.exchange);
            if let Some(exchange) = exchange {
                self.refuse_socket(exchange, Problem::NoCall);
            }
            self.outputs.push_back(Output::SidebandClose { sideband });
        }
    }

    fn sideband_reports(&mut self, clock: Clock, sideband: SidebandId, report: Report) {
        let call = self
            .sidebands
            .sockets
            .get(&sideband)
            .and_then(|one| one.call);
        match report {
            Report::Judged {
                event,
                verdict,
                detail,
            } => {
                let counted = self.counters.session_guard.entry((event, verdict));
                *counted.or_default() += 1;
                let noted = match verdict {
                    "rewrite" => "session_rewritten",
                    "refuse" => "session_refused",
                    _ => return,
                };
                if let Some(id) = call {
                    self.note(clock, id, noted, format!("{event}: {detail}"));
                }
            }
            Report::Said(said) => {
                if let Some(id) = call {
                    self.openai_said(clock, id, said);
                }
            }
        }
    }

    /// A witness beside SDP and the bytes: what OpenAI says itself.
    fn openai_said(&mut self, clock: Clock, id: CallId, said: Said) {
        match said {
            Said::Error {
                event_id,
                code,
                message,
            } => {
                let is_initial = event_id.as_deref() == Some("initial_session_update");
                let event = if is_initial {
                    "session_invalid"
                } else {
                    "openai_error"
                };
                let code = code.map_or_else(String::new, |code| format!("{code}: "));
                self.note(clock, id, event, format!("{code}{message}"));
                if is_initial {
                    self.counters.disagreement("session");
                    self.begin_mending(clock, id, "OpenAI refused the session after its 200");
                }
            }
            Said::Format(format) => {
                self.compare_with_usual(clock, id, &format);
                self.format_said(clock, id, &format);
            }
            Said::Speech { audio_ms } => self.speech_said(clock, id, audio_ms),
            Said::Plays(plays) => self.playback_said(clock, id, plays),
        }
    }

    /// OpenAI ends sessions after an hour, whoever is speaking: somebody should know beforehand. Later, what
    /// `at_expiry` says.
    pub(super) fn session_expires(&mut self, clock: Clock, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(at) = call.openai.expires else {
            return;
        };
        if std::mem::replace(&mut call.openai.expiry_told, true) {
            return self.act_at_expiry(clock, id);
        }
        let left = at.saturating_duration_since(clock.now).as_secs();
        let said = format!("OpenAI ends the session in {left} s");
        call.diary.note(clock.now, "session_expires", said);
        if self.config.openai.at_expiry != AtExpiry::Warn {
            let due = at.checked_sub(BEFORE_EXPIRY).unwrap_or(clock.now);
            self.timers.set(id, Timer::Expiry, due.max(clock.now));
        }
    }

    fn format_said(&mut self, clock: Clock, id: CallId, said: &SaidFormat) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(at) = said.expires_at {
            let now = clock
                .wall
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let left = Duration::from_secs(at)
                .saturating_sub(now)
                .min(LONGEST_SESSION);
            let is_new = call.openai.expires.is_none();
            call.openai.expires = Some(clock.now + left);
            if is_new {
                let due = clock.now + left.saturating_sub(EXPIRY_WARNING);
                self.timers.set(id, Timer::Expiry, due);
            }
        }
        let negotiated = call.negotiated_with_openai(&self.config.openai.formats);
        let expected = negotiated.map_or("audio/pcm", format_name);
        let both = [("input", &said.input), ("output", &said.output)];
        let mut changed = None;
        for ((side, now), known) in both.into_iter().zip(&mut call.openai.said_formats) {
            let Some(now) = now else { continue };
            let before = known.replace(now.clone());
            // The first is what a call has from its start, whatever OpenAI writes there: only a change away from
            // SIP's format is an alarm.
            if before.as_ref().is_some_and(|before| before != now) && now != expected {
                let before = before.unwrap_or_default();
                changed = Some(format!("{}: {side} {before} -> {now}", said.event));
            }
        }
        if let Some(detail) = changed {
            self.counters.disagreement("session");
            self.note(clock, id, "format_changed", detail);
            self.begin_mending(clock, id, "OpenAI says that the session's format changed");
        }
    }
}

/// Sockets at once; each holds two connections of the process.
const MAX_SOCKETS: usize = 2_048;
/// An application waits for its handshake: OpenAI's client gives up after ten seconds.
const HANDSHAKE: Duration = Duration::from_secs(8);
const OWN_PATIENCE: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const MAX_DOUBLINGS: u32 = 4;
/// Time enough to come to an end, or to place the call anew.
const EXPIRY_WARNING: Duration = Duration::from_secs(300);
/// The session is ended or placed anew so long before OpenAI would end it: setting a call up may take a while.
const BEFORE_EXPIRY: Duration = Duration::from_secs(60);
/// An hour is OpenAI's own limit; what it says beyond a day is not believed.
const LONGEST_SESSION: Duration = Duration::from_secs(86_400);
/// Of one call.
const MAX_REOPENED: u32 = 8;
