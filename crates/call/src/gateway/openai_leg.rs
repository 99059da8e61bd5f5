//! The leg towards OpenAI: an INVITE built from typed fields alone, and what comes back.

use super::{Clock, Gateway};
use crate::call::{Accept, Call, State};
use crate::config::OpenAi;
use crate::io::{CallId, Output};
use crate::negotiate::{self, Invited, Terms};
use crate::termination::EndReason;
use crate::timers::Timer;
use squelch_media::Side;
use squelch_sip::sdp::SessionDescription;
use squelch_sip::{Body, DialogId, Failure, NameAddr, OutgoingInvite, Protocol, Target, Uri};
use std::net::SocketAddr;

/// Ties OpenAI's webhook to this call: it comes back in the webhook's `sip_headers`.
pub(super) const CALL_ID_HEADER: &str = "X-Squelch-Call-ID";

impl Gateway {
    /// Sends the INVITE to an address.
    pub(super) fn invite_openai(&mut self, clock: Clock, id: CallId, target: Target) {
        let host = self.own_host(target.protocol);
        // A token of its own: what OpenAI still says of an INVITE that was given up is not about this one.
        let token = self.token();
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let route = self.config.openai.routes.get(call.openai.route);
        let uri = route.and_then(|route| Uri::parse(&route.sip_uri).ok());
        let (Some(uri), Some((_, local))) = (uri, call.ports) else {
            return;
        };
        let named = self.config.media_address;
        let address = named.map_or(local, |ip| SocketAddr::new(ip, local.port()));
        let terms = openai_terms(&self.config.openai, call, target.protocol);
        let crypto = terms.lines(&mut self.random);
        let offer = negotiate::offer_to_openai(
            &call.offer,
            &self.config.openai.formats,
            &call.session_id,
            address,
            crypto,
        );
        let invite = OutgoingInvite {
            request_uri: uri.clone(),
            from: NameAddr::new(Uri::sip(call.carrier.caller.as_deref(), &host, None)),
            to: NameAddr::new(uri),
            headers: vec![(CALL_ID_HEADER.into(), token.clone())],
            body: Some(Body::sdp(offer.write())),
            // A B2BUA counts hops as a proxy does, so that a loop ends (RFC 7332).
            max_forwards: call.carrier.max_forwards.saturating_sub(1),
            session_expires: None,
            credentials: route.and_then(|route| route.credentials.clone()),
            target: target.clone(),
        };
        if let Some(old) = call.openai.token.replace(token.clone()) {
            self.tokens.remove(&old);
        }
        self.tokens.insert(token, id);
        call.openai.call_id = None;
        call.openai.accept = Accept::Waiting;
        self.timers.clear(id, Timer::Accept);
        call.openai.said = Some(offer);
        call.state = State::Inviting;
        let dialog = self.endpoint.invite(clock.now, invite);
        call.openai.dialog = Some(dialog);
        self.door
            .openai_in(clock.now, target.addr.ip().to_canonical());
        call.openai.peer = Some(target);
        self.dialogs.insert(dialog, (id, Side::Openai));
    }

    /// The host that squelch goes by towards a peer reached by `protocol`.
    pub(super) fn own_host(&self, protocol: Protocol) -> String {
        let listeners = &self.config.listeners;
        let listener = listeners.iter().find(|one| one.protocol == protocol);
        let listener = listener.or(listeners.first());
        let host = listener.map(|listener| listener.advertised_host.clone());
        host.unwrap_or_else(|| "anonymous.invalid".into())
    }

    /// 18x from OpenAI: the carrier hears ringing, or what OpenAI sends before its answer.
    pub(super) fn openai_rings(&mut self, clock: Clock, dialog: DialogId, body: Option<&Body>) {
        let Some((id, Side::Openai)) = self.dialogs.get(&dialog).copied() else {
            return;
        };
        self.timers.clear(id, Timer::Setup);
        self.timers.clear(id, Timer::Target);
        let Some(call) = self
            .calls
            .get(&id)
            .filter(|call| matches!(call.state, State::Inviting))
        else {
            return;
        };
        // The carrier was answered long ago.
        if call.redials.is_under_way {
            return;
        }
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
        self.timers.clear(id, Timer::Target);
        let is_inviting = |call: &Call| matches!(call.state, State::Inviting);
        if !self.calls.get(&id).is_some_and(is_inviting) {
            return;
        }
        // OpenAI has been seen to leave Content-Type out: whatever the body says it is, it is read as SDP.
        let answer = body.map(|body| body.bytes).unwrap_or_default();
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        if call.redials.is_under_way {
            return self.redialled(clock, id, &answer);
        }
        let Some((trunk, (local, _))) = self.config.trunks.get(call.trunk).zip(call.ports) else {
            return;
        };
        if call.plan.is_some() {
            return self.answer_after_early_media(clock, id, &answer);
        }
        let Some(invited) = invited(&self.config.openai, call) else {
            return;
        };
        let plan = negotiate::plan(
            &self.config,
            trunk,
            &call.offer,
            invited,
            &answer,
            clock.media(),
            &mut self.random,
        );
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
        call.check_answer(clock.now, &answer, plan.openai.format);
        if call.carrier.is_late {
            let format = plan.openai.format;
            let terms = Terms::carrier(trunk, call.carrier.protocol);
            let crypto = terms.lines(&mut self.random);
            let offer = negotiate::late_offer(trunk, format, &call.session_id, address, crypto);
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

    /// A 488 may mean our keys: where plain RTP is as good, the same address is asked once more, for that.
    fn openai_refused_keys(&mut self, clock: Clock, id: CallId, failure: &Failure) -> bool {
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        let said = call.openai.said.as_ref().and_then(|said| said.audio());
        let offered = said.is_some_and(|audio| !audio.crypto.is_empty());
        let refused = matches!(failure, Failure::Status { status: 488, .. });
        let peer = call.openai.peer.clone();
        let Some(peer) = peer.filter(|peer| {
            let terms = openai_terms(&self.config.openai, call, peer.protocol);
            let heard = call.plan.is_some() && !call.redials.is_under_way;
            offered && refused && terms.may_do_without() && !heard
        }) else {
            return false;
        };
        self.door
            .openai_out(clock.now, peer.addr.ip().to_canonical());
        call.openai.without_keys = true;
        let text = "OpenAI refused the offer of SRTP with 488; once more without";
        call.diary.note(clock.now, "without_srtp", text);
        self.invite_openai(clock, id, peer);
        true
    }

    /// OpenAI said no, or could not be reached: the next address, the next route, or the end.
    pub(super) fn openai_rejected(&mut self, clock: Clock, dialog: DialogId, failure: Failure) {
        let Some((id, Side::Openai)) = self.dialogs.remove(&dialog) else {
            return;
        };
        if self.openai_refused_keys(clock, id, &failure) {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.openai.dialog = None;
        self.timers.clear(id, Timer::Target);
        if let Some(peer) = call.openai.peer.take() {
            self.door
                .openai_out(clock.now, peer.addr.ip().to_canonical());
            self.resting.failed(clock.now, &peer, &failure);
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
        let heard = call.plan.is_some() && !call.redials.is_under_way;
        match ending {
            Some(reason) => self.end(clock, id, reason),
            None if heard => self.end(clock, id, EndReason::OpenaiRefused),
            None => self.try_target(clock, id),
        }
    }
}

/// What the encryption of OpenAI's leg is held to, while it is signalled by `protocol`.
pub(super) fn openai_terms(openai: &OpenAi, call: &Call, protocol: Protocol) -> Terms {
    let terms = Terms::openai(openai, protocol);
    if call.openai.without_keys {
        terms.without_keys()
    } else {
        terms
    }
}

/// What OpenAI answers to.
pub(super) fn invited<'a>(openai: &OpenAi, call: &'a Call) -> Option<Invited<'a>> {
    let peer = call.openai.peer.as_ref()?;
    Some(Invited {
        said: call.openai.said.as_ref()?,
        terms: openai_terms(openai, call, peer.protocol),
    })
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
