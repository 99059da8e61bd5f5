//! Changes of a call's session: early media, a late offer's answer, hold and resume, another address or format,
//! refreshes (RFC 3261 sections 13 and 14, RFC 3311, RFC 4028).
//!
//! Each leg's session is changed with its own peer alone. What the other leg needs to know of it is media: while the
//! carrier holds, silence goes to OpenAI, which is never sent a re-INVITE.

use super::openai_leg::{invited, openai_terms};
use super::{Clock, Gateway};
use crate::call::{Call, State};
use crate::config::media_allowed;
use crate::io::{CallId, Output};
use crate::negotiate::{self, Change, Standing, Terms, Unacceptable};
use crate::termination::EndReason;
use squelch_media::{Direction, Format, LegPlan, MediaPlan, Side};
use squelch_sip::sdp::SessionDescription;
use squelch_sip::{Body, DialogId, RequestId, Response};
use std::net::SocketAddr;

impl Gateway {
    /// The address that SDP names for a port of ours.
    pub(super) fn advertised(&self, local: SocketAddr) -> SocketAddr {
        let named = self.config.media_address;
        named.map_or(local, |ip| SocketAddr::new(ip, local.port()))
    }

    /// OpenAI rings, or sends media before it answers: the carrier hears either. A carrier that made no offer can
    /// hear nothing yet.
    pub(super) fn openai_sends_early(&mut self, clock: Clock, id: CallId, body: &Body) -> bool {
        let Some(call) = self.calls.get(&id) else {
            return false;
        };
        let (Some(trunk), Some((local, _))) = (self.config.trunks.get(call.trunk), call.ports)
        else {
            return false;
        };
        if call.carrier.is_late || call.plan.is_some() {
            return false;
        }
        let Some(invited) = invited(&self.config.openai, call) else {
            return false;
        };
        let plan = negotiate::plan(
            &self.config,
            trunk,
            &call.offer,
            invited,
            &body.bytes,
            clock.media(),
            &mut self.random,
        );
        let Ok(plan) = plan.map(Box::new) else {
            // The answer will say it again, and be refused then.
            return false;
        };
        let answer =
            negotiate::answer_to_carrier(&call.offer, &call.session_id, self.advertised(local));
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        call.check_answer(clock.now, &body.bytes, plan.openai.format);
        call.plan = Some(plan.clone());
        call.diary
            .note(clock.now, "early_media", "from the openai leg");
        let body = Body::sdp(answer.write());
        call.carrier.said = Some(answer);
        let dialog = call.carrier.dialog;
        self.endpoint
            .provisional(clock.now, dialog, 183, Some(body));
        self.outputs
            .push_back(Output::StartMedia { call: id, plan });
        true
    }

    /// A re-INVITE, UPDATE or PRACK of either peer: an offer, a question for ours, or neither.
    pub(super) fn session_offered(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        body: Option<&Body>,
    ) {
        let known = self.dialogs.get(&dialog).copied();
        let response = match (known, body) {
            (Some((id, side)), Some(body)) => {
                match self.take_change(clock, id, side, &body.bytes) {
                    Ok(answer) => ok(&answer),
                    Err(unacceptable) => {
                        if let Some(call) = self.calls.get_mut(&id) {
                            let leg = side.name();
                            let detail = format!("from the {leg} leg: {}", unacceptable.text);
                            call.diary.note(clock.now, "change_refused", detail);
                        }
                        status(488)
                    }
                }
            }
            (Some((id, side)), None) => match self.offer_again(id, side) {
                Some(offer) => ok(&offer),
                None => status(500),
            },
            (None, _) => status(481),
        };
        self.endpoint.respond(clock.now, request, response);
    }

    /// The ACK of our 200: where that carried our offer, it brings the answer.
    pub(super) fn acknowledged(&mut self, clock: Clock, dialog: DialogId, body: Option<&Body>) {
        let Some((id, side)) = self.dialogs.get(&dialog).copied() else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if side == Side::Carrier
            && let State::Offered(plan) = &call.state
        {
            let plan = plan.clone();
            return self.late_answer(clock, id, plan, body);
        }
        let offered = match side {
            Side::Carrier => &mut call.carrier.offered,
            Side::Openai => &mut call.openai.offered,
        };
        if std::mem::take(offered)
            && let Some(body) = body
        {
            self.hear_answer(clock, id, side, &body.bytes);
        }
    }

    /// Our session timer is due and the peer takes no UPDATE: the description as it stands, once more.
    pub(super) fn refresh_due(&mut self, clock: Clock, dialog: DialogId) {
        let Some((id, Side::Carrier)) = self.dialogs.get(&dialog).copied() else {
            return;
        };
        let said = self
            .calls
            .get(&id)
            .and_then(|call| call.carrier.said.as_ref());
        if let Some(body) = said.map(|said| Body::sdp(said.write())) {
            self.endpoint.reinvite(clock.now, dialog, body);
        }
    }

    /// The peer's answer to our refresh.
    pub(super) fn reinvited(&mut self, clock: Clock, dialog: DialogId, body: Option<&Body>) {
        if let (Some((id, side)), Some(body)) = (self.dialogs.get(&dialog).copied(), body) {
            self.hear_answer(clock, id, side, &body.bytes);
        }
    }

    /// The carrier's answer to the offer in our 200, or none.
    fn late_answer(
        &mut self,
        clock: Clock,
        id: CallId,
        mut plan: Box<MediaPlan>,
        body: Option<&Body>,
    ) {
        let Some(body) = body else {
            return self.end(clock, id, EndReason::NoOffer);
        };
        let present = plan.openai.format;
        let change = self.read_change(id, Side::Carrier, present, true, &body.bytes);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match change {
            Ok(change) => {
                plan.carrier = leg_of(Side::Carrier, &change, &plan.carrier);
                call.plan = Some(plan.clone());
                call.state = State::Bridged;
                self.outputs
                    .push_back(Output::StartMedia { call: id, plan });
            }
            Err(unacceptable) => {
                call.diary.note(clock.now, "bad_answer", unacceptable.text);
                self.end(clock, id, unacceptable.reason);
            }
        }
    }

    /// Takes a new offer on a leg and gives our answer.
    fn take_change(
        &mut self,
        clock: Clock,
        id: CallId,
        side: Side,
        offer: &[u8],
    ) -> Result<SessionDescription, Unacceptable> {
        let call = self.calls.get(&id).ok_or_else(not_now)?;
        let present = match (&call.state, &call.plan) {
            (State::Bridged, Some(plan)) => plan.leg(side).format,
            // The carrier's leg stands while OpenAI's is placed anew.
            (_, Some(plan)) if call.redials.is_under_way && side == Side::Carrier => {
                plan.leg(side).format
            }
            _ => return Err(not_now()),
        };
        let local = local_of(call, side).ok_or_else(not_now)?;
        let change = self.read_change(id, side, present, false, offer)?;
        let local = self.advertised(local);
        let call = self.calls.get_mut(&id).ok_or_else(not_now)?;
        let said = match side {
            Side::Carrier => &mut call.carrier.said,
            Side::Openai => &mut call.openai.said,
        };
        let before = said.as_ref().ok_or_else(not_now)?;
        let answer = negotiate::answer_to_change(&change, before, local);
        *said = Some(answer.clone());
        self.apply(clock, id, side, &change);
        Ok(answer)
    }

    /// The peer's answer to an offer of ours on a leg that stands. One that can't be used changes nothing.
    pub(super) fn hear_answer(&mut self, clock: Clock, id: CallId, side: Side, answer: &[u8]) {
        let Some(plan) = self.calls.get(&id).and_then(|call| call.plan.as_ref()) else {
            return;
        };
        let present = plan.leg(side).format;
        match self.read_change(id, side, present, true, answer) {
            Ok(change) => self.apply(clock, id, side, &change),
            Err(unacceptable) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    let detail =
                        format!("answer on the {} leg: {}", side.name(), unacceptable.text);
                    call.diary.note(clock.now, "change_refused", detail);
                }
            }
        }
    }

    /// What a leg's new description means for the media.
    fn apply(&mut self, clock: Clock, id: CallId, side: Side, change: &Change) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(plan) = &mut call.plan else {
            return;
        };
        let leg = match side {
            Side::Carrier => &mut plan.carrier,
            Side::Openai => &mut plan.openai,
        };
        let new = leg_of(side, change, leg);
        if new == *leg {
            return;
        }
        let was_held = !leg.direction.sends();
        let (event, detail) = match (was_held, change.is_hold()) {
            (false, true) => ("held", format!("by the {} leg", side.name())),
            (true, false) => ("resumed", format!("by the {} leg", side.name())),
            _ => {
                let (name, format, remote) = (side.name(), new.format.name(), new.remote);
                let keys = match (&leg.srtp, &new.srtp) {
                    (before, after) if before == after => "",
                    (Some(_), Some(_)) => ", new keys",
                    (None, _) => ", encrypted from now on",
                    (_, None) => ", no longer encrypted",
                };
                let detail = format!("{name} leg: {format}, media at {remote}{keys}");
                ("session_changed", detail)
            }
        };
        *leg = new;
        let plan = plan.clone();
        call.diary.note(clock.now, event, detail);
        self.outputs
            .push_back(Output::UpdateMedia { call: id, plan });
    }

    /// The offer for a re-INVITE without one; its answer comes with the ACK.
    fn offer_again(&mut self, id: CallId, side: Side) -> Option<SessionDescription> {
        let call = self.calls.get_mut(&id)?;
        if !matches!(call.state, State::Bridged) {
            return None;
        }
        let formats = match side {
            Side::Carrier => &self.config.trunks.get(call.trunk)?.formats[..],
            Side::Openai => &self.config.openai.formats[..],
        };
        let (said, offered) = match side {
            Side::Carrier => (&mut call.carrier.said, &mut call.carrier.offered),
            Side::Openai => (&mut call.openai.said, &mut call.openai.offered),
        };
        let offer = negotiate::as_it_stands(said.as_ref()?, formats);
        *offered = true;
        *said = Some(offer.clone());
        Some(offer)
    }

    /// Reads a peer's description: an offer, or the answer to what we said last.
    fn read_change(
        &mut self,
        id: CallId,
        side: Side,
        present: Format,
        is_answer: bool,
        body: &[u8],
    ) -> Result<Change, Unacceptable> {
        let call = self.calls.get(&id).ok_or_else(not_now)?;
        let trunk = self.config.trunks.get(call.trunk).ok_or_else(not_now)?;
        let openai = &self.config.openai;
        let (formats, said) = match side {
            Side::Carrier => (&trunk.formats[..], &call.carrier.said),
            Side::Openai => (&openai.formats[..], &call.openai.said),
        };
        let allowed = |remote| match side {
            Side::Carrier => trunk.media_allowed(remote),
            Side::Openai => media_allowed(remote, &openai.media_sources),
        };
        let terms = match (side, &call.openai.peer) {
            (Side::Openai, Some(peer)) => openai_terms(openai, call, peer.protocol),
            _ => Terms::carrier(trunk, call.carrier.protocol),
        };
        let keys = call
            .plan
            .as_ref()
            .and_then(|plan| plan.leg(side).srtp.as_ref());
        let standing = Standing {
            formats,
            present,
            allowed: &allowed,
            terms,
            key: keys.map(|keys| &keys.send),
            offered: said.as_ref().filter(|_| is_answer),
        };
        negotiate::read_change(standing, body, &mut self.random)
    }
}

fn not_now() -> Unacceptable {
    Unacceptable {
        reason: EndReason::BadSdp,
        warning: 399,
        text: "the call is not up".into(),
    }
}

/// The leg from now on. What a carrier that holds sends (music, most often) is not for the model: it hears silence.
fn leg_of(side: Side, change: &Change, before: &LegPlan) -> LegPlan {
    let leg = change.leg(before);
    match side {
        Side::Carrier if change.is_hold() => LegPlan {
            direction: Direction::Inactive,
            ..leg
        },
        _ => leg,
    }
}

fn local_of(call: &Call, side: Side) -> Option<SocketAddr> {
    call.ports.map(|(carrier, openai)| match side {
        Side::Carrier => carrier,
        Side::Openai => openai,
    })
}

fn ok(description: &SessionDescription) -> Response {
    Response {
        body: Some(Body::sdp(description.write())),
        ..status(200)
    }
}

fn status(status: u16) -> Response {
    Response {
        status,
        ..Response::default()
    }
}
