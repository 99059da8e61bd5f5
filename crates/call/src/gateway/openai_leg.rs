//! The leg towards OpenAI: routes, addresses, and an INVITE built from typed fields alone.

use super::{Clock, Gateway};
use crate::call::{Call, State};
use crate::io::{CallId, Output, QueryId};
use crate::negotiate;
use crate::termination::EndReason;
use crate::timers::Timer;
use squelch_media::Side;
use squelch_sip::sdp::SessionDescription;
use squelch_sip::{Body, DialogId, Failure, NameAddr, OutgoingInvite, Protocol, Target, Uri};
use std::net::SocketAddr;

/// Ties OpenAI's webhook to this call: it comes back in the webhook's `sip_headers`.
pub(super) const CALL_ID_HEADER: &str = "X-Squelch-Call-ID";

impl Gateway {
    /// Starts on the call's present route: its address if it is one, else a question for it.
    pub(super) fn try_route(&mut self, clock: Clock, id: CallId) {
        loop {
            let Some(route) = self.calls.get(&id).map(|call| call.openai.route) else {
                return;
            };
            let Some(settings) = self.config.openai.routes.get(route) else {
                return self.end(clock, id, EndReason::OpenaiUnreachable);
            };
            let uri = Uri::parse(&settings.sip_uri).ok();
            let Some((host, uri)) = uri.and_then(|uri| Some((uri.host()?, uri))) else {
                self.skip_route(clock, id, "its sip_uri can't be read");
                continue;
            };
            let port = uri.port().unwrap_or(protocol_of(&uri).default_port());
            if let Some(ip) = uri.ip() {
                self.set_targets(id, &uri, vec![SocketAddr::new(ip, port)]);
                return self.try_target(clock, id);
            }
            let query = self.query();
            if let Some(call) = self.calls.get_mut(&id) {
                call.state = State::Resolving(query);
            }
            self.outputs
                .push_back(Output::Resolve { query, host, port });
            return;
        }
    }

    pub(super) fn resolved(
        &mut self,
        clock: Clock,
        query: QueryId,
        result: Result<Vec<SocketAddr>, String>,
    ) {
        let waiting = |state: &State| matches!(state, State::Resolving(asked) if *asked == query);
        let Some((id, route)) = self
            .calls
            .iter()
            .find(|(_, call)| waiting(&call.state))
            .map(|(id, call)| (*id, call.openai.route))
        else {
            return;
        };
        let uri = self
            .config
            .openai
            .routes
            .get(route)
            .and_then(|route| Uri::parse(&route.sip_uri).ok());
        match (uri, result) {
            (Some(uri), Ok(addresses)) if !addresses.is_empty() => {
                self.set_targets(id, &uri, addresses);
                self.try_target(clock, id);
            }
            (_, result) => {
                let why = result
                    .err()
                    .unwrap_or_else(|| "its name has no address".into());
                self.skip_route(clock, id, &why);
                self.try_route(clock, id);
            }
        }
    }

    fn skip_route(&mut self, clock: Clock, id: CallId, why: &str) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.diary.note(
                clock.now,
                "route_failed",
                format!("route {}: {why}", call.openai.route + 1),
            );
            call.openai.route += 1;
        }
    }

    fn set_targets(&mut self, id: CallId, uri: &Uri, addresses: Vec<SocketAddr>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let protocol = protocol_of(uri);
        let named = self
            .config
            .openai
            .routes
            .get(call.openai.route)
            .and_then(|route| route.server_name.clone());
        let server_name = (protocol == Protocol::Tls)
            .then(|| named.or_else(|| uri.host()))
            .flatten();
        call.openai.targets = addresses
            .into_iter()
            .map(|addr| Target {
                protocol,
                addr,
                server_name: server_name.clone(),
            })
            .collect();
    }

    /// Sends the INVITE to the next address of the present route; the next route when there is none left.
    fn try_target(&mut self, clock: Clock, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(target) = call.openai.targets.pop_front() else {
            self.skip_route(clock, id, "none of its addresses answers");
            return self.try_route(clock, id);
        };
        let route = self.config.openai.routes.get(call.openai.route);
        let uri = route.and_then(|route| Uri::parse(&route.sip_uri).ok());
        let (Some(uri), Some((_, local))) = (uri, call.ports) else {
            return;
        };
        let listener = self
            .config
            .listeners
            .iter()
            .find(|listener| listener.protocol == target.protocol);
        let listener = listener.or(self.config.listeners.first());
        let host = listener.map_or("anonymous.invalid", |listener| {
            listener.advertised_host.as_str()
        });
        let named = self.config.media_address;
        let address = named.map_or(local, |ip| SocketAddr::new(ip, local.port()));
        let offer = negotiate::offer_to_openai(&call.offer, &call.session_id, address);
        let invite = OutgoingInvite {
            request_uri: uri.clone(),
            from: NameAddr::new(Uri::sip(call.carrier.caller.as_deref(), host, None)),
            to: NameAddr::new(uri),
            headers: vec![(CALL_ID_HEADER.into(), call.token.clone())],
            body: Some(Body::sdp(offer.write())),
            // A B2BUA counts hops as a proxy does, so that a loop ends (RFC 7332).
            max_forwards: call.carrier.max_forwards.saturating_sub(1),
            session_expires: None,
            credentials: route.and_then(|route| route.credentials.clone()),
            target: target.clone(),
        };
        call.openai.said = Some(offer);
        call.openai.peer = Some(target.addr);
        call.state = State::Inviting;
        let dialog = self.endpoint.invite(clock.now, invite);
        call.openai.dialog = Some(dialog);
        self.door
            .openai_in(clock.now, target.addr.ip().to_canonical());
        self.dialogs.insert(dialog, (id, Side::Openai));
    }

    /// 18x from OpenAI: the carrier hears ringing, or what OpenAI sends before its answer.
    pub(super) fn openai_rings(&mut self, clock: Clock, dialog: DialogId, body: Option<&Body>) {
        let Some((id, Side::Openai)) = self.dialogs.get(&dialog).copied() else {
            return;
        };
        self.timers.clear(id, Timer::Setup);
        let Some(call) = self
            .calls
            .get(&id)
            .filter(|call| matches!(call.state, State::Inviting))
        else {
            return;
        };
        let carrier = call.carrier.dialog;
        if !body.is_some_and(|body| self.openai_sends_early(clock, id, body)) {
            self.endpoint.provisional(clock.now, carrier, 180, None);
        }
    }

    pub(super) fn openai_answered(&mut self, clock: Clock, dialog: DialogId, body: Option<Body>) {
        let Some((id, Side::Openai)) = self.dialogs.get(&dialog).copied() else {
            return;
        };
        self.endpoint.acknowledge(clock.now, dialog, None);
        let is_inviting = |call: &Call| matches!(call.state, State::Inviting);
        if !self.calls.get(&id).is_some_and(is_inviting) {
            return;
        }
        // OpenAI has been seen to leave Content-Type out: whatever the body says it is, it is read as SDP.
        let answer = body.map(|body| body.bytes).unwrap_or_default();
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let Some((trunk, (local, _))) = self.config.trunks.get(call.trunk).zip(call.ports) else {
            return;
        };
        if call.plan.is_some() {
            return self.answer_after_early_media(clock, id, &answer);
        }
        let plan = negotiate::plan(&self.config, trunk, &call.offer, &answer, &mut self.random);
        let plan = match plan.map(Box::new) {
            Ok(plan) => plan,
            Err(unacceptable) => {
                self.note(clock, id, "bad_answer", unacceptable.text);
                return self.end(clock, id, unacceptable.reason);
            }
        };
        let address = self.advertised(local);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.carrier.is_late {
            let format = plan.openai.format;
            let offer = negotiate::late_offer(trunk, format, &call.session_id, address);
            call.state = State::Offered(plan);
            return self.answer_carrier(clock, id, offer);
        }
        let said = negotiate::answer_to_carrier(&call.offer, &call.session_id, address);
        call.state = State::Bridged;
        call.plan = Some(plan.clone());
        self.outputs
            .push_back(Output::StartMedia { call: id, plan });
        self.answer_carrier(clock, id, said);
    }

    /// The media run already; what the carrier was told of them it is told again.
    fn answer_after_early_media(&mut self, clock: Clock, id: CallId, answer: &[u8]) {
        if !answer.is_empty() {
            self.hear_answer(clock, id, Side::Openai, answer);
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.state = State::Bridged;
        if let Some(said) = call.carrier.said.clone() {
            self.answer_carrier(clock, id, said);
        }
    }

    /// 200 to the carrier.
    fn answer_carrier(&mut self, clock: Clock, id: CallId, said: SessionDescription) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.carrier.answered = true;
        call.diary.answered_wall = Some(call.diary.ended_wall(clock.now));
        let setup = clock.now.saturating_duration_since(call.diary.started);
        let (dialog, body) = (call.carrier.dialog, Body::sdp(said.write()));
        call.carrier.said = Some(said);
        let trunk = self.config.trunks.get(call.trunk);
        let trunk = trunk.map(|trunk| trunk.name.clone()).unwrap_or_default();
        self.endpoint.answer(clock.now, dialog, body);
        self.timers.clear(id, Timer::Setup);
        self.timers.clear(id, Timer::Ring);
        self.timers
            .set(id, Timer::MaxCall, clock.now + self.config.limits.max_call);
        self.outputs
            .push_back(Output::CallAnswered { trunk, setup });
    }

    /// OpenAI said no, or could not be reached: the next address, the next route, or the end.
    pub(super) fn openai_rejected(&mut self, clock: Clock, dialog: DialogId, failure: Failure) {
        let Some((id, Side::Openai)) = self.dialogs.remove(&dialog) else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.openai.dialog = None;
        if let Some(peer) = call.openai.peer.take() {
            self.door.openai_out(clock.now, peer.ip().to_canonical());
        }
        let (text, ending) = match &failure {
            Failure::Status {
                status,
                reason_phrase,
                ..
            } => (format!("{status} {reason_phrase}"), mapped(*status)),
            Failure::Timeout => ("no answer".into(), None),
            Failure::Transport(why) => (why.clone(), None),
        };
        call.diary.note(clock.now, "openai_failed", text);
        // Once its media were heard another address would be another call.
        let heard = call.plan.is_some();
        match ending {
            Some(reason) => self.end(clock, id, reason),
            None if heard => self.end(clock, id, EndReason::OpenaiRefused),
            None => self.try_target(clock, id),
        }
    }
}

/// What a final status of OpenAI's comes to; `None` where another address or route may do better.
fn mapped(status: u16) -> Option<EndReason> {
    match status {
        486 => Some(EndReason::OpenaiBusy),
        603 => Some(EndReason::OpenaiDeclined),
        480 => Some(EndReason::OpenaiUnavailable),
        408 => Some(EndReason::OpenaiTimeout),
        488 => Some(EndReason::OpenaiNotAcceptable),
        500..=599 => None,
        _ => Some(EndReason::OpenaiRefused),
    }
}

fn protocol_of(uri: &Uri) -> Protocol {
    match uri
        .param("transport")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("udp") => Protocol::Udp,
        Some("tcp") => Protocol::Tcp,
        // OpenAI's own; also what a URI without the parameter means here.
        _ => Protocol::Tls,
    }
}
