//! Admission: a carrier's INVITE becomes a call, or is refused before any work is done for it.

use super::digest::Proof;
use super::openai_leg::CALL_ID_HEADER;
use super::{Clock, Gateway};
use crate::call::{Call, CarrierLeg, OpenaiLeg, State};
use crate::io::{CallId, Output};
use crate::negotiate::{self, Terms, Unacceptable};
use crate::record::{Diary, masked};
use crate::termination::EndReason;
use crate::timers::Timer;
use rand_core::Rng;
use squelch_media::{BridgeStats, Side};
use squelch_sip::{DialogId, IncomingInvite, Rejection, Warning};

impl Gateway {
    pub(super) fn invite(&mut self, clock: Clock, dialog: DialogId, invite: IncomingInvite) {
        let Some(trunk) = self.config.trunk_of(invite.source.remote.ip()) else {
            // OpenAI's side may send BYE, not calls.
            self.endpoint
                .reject(clock.now, dialog, Rejection::status(403));
            return;
        };
        let diary = Diary::new(clock.now, clock.wall);
        let checked = match self.proof_of(clock, trunk, dialog, &invite) {
            Proof::Given => self.check(clock, trunk, &invite),
            Proof::AskedFor => return,
            Proof::Wrong => Err(Unacceptable {
                reason: EndReason::BadCredentials,
                warning: 0,
                text: "the user name or the password is wrong".to_owned(),
            }),
        };
        let refused = match checked {
            Ok(offer) => return self.start(clock, trunk, dialog, &invite, offer, diary),
            Err(refused) => refused,
        };
        let retry_after = (refused.reason.status() == Some(503)).then(|| self.retry_after());
        let rejection = Rejection {
            status: refused.reason.status().unwrap_or(503),
            retry_after,
            warning: (refused.warning != 0).then(|| Warning {
                code: refused.warning,
                text: refused.text.clone(),
            }),
            ..Rejection::default()
        };
        self.endpoint.reject(clock.now, dialog, rejection);
        let name = self.token();
        self.record_refused(clock, trunk, name, &invite, diary, &refused);
    }

    fn check(
        &mut self,
        clock: Clock,
        trunk: usize,
        invite: &IncomingInvite,
    ) -> Result<negotiate::Offer, Unacceptable> {
        let refuse = |reason, warning, text: &str| {
            Err(Unacceptable {
                reason,
                warning,
                text: text.to_owned(),
            })
        };
        if self.draining.is_some() {
            return refuse(EndReason::Draining, 0, "squelch is stopping");
        }
        if invite.max_forwards == 0 {
            return refuse(EndReason::TooManyHops, 0, "Max-Forwards is used up");
        }
        if self.is_ours(invite) {
            return refuse(EndReason::Loop, 0, "the call is one that squelch placed");
        }
        if self.is_full(trunk) {
            return refuse(EndReason::Full, 0, "a limit of calls at once is reached");
        }
        let Some(settings) = self.config.trunks.get(trunk) else {
            return refuse(EndReason::Full, 0, "no such trunk");
        };
        let terms = Terms::carrier(settings, invite.source.protocol);
        let offer = match &invite.body {
            Some(body) => negotiate::read_offer(settings, terms, &body.bytes, &mut self.random)?,
            None => {
                terms.check()?;
                negotiate::unsaid_offer(settings)
            }
        };
        if !self.take_token(clock.now, trunk) {
            return refuse(
                EndReason::RateLimited,
                0,
                "the trunk's limit of new calls a second is reached",
            );
        }
        Ok(offer)
    }

    /// A call of ours that came back: what it was sent to leads here again.
    fn is_ours(&self, invite: &IncomingInvite) -> bool {
        let token = invite.headers.get(CALL_ID_HEADER);
        token.is_some_and(|token| self.tokens.contains_key(token))
    }

    /// Whether a limit of calls at once is reached, the gateway's or the trunk's own.
    pub(super) fn is_full(&self, trunk: usize) -> bool {
        let active = self.counters.active.get(&trunk).copied().unwrap_or(0);
        let settings = self.config.trunks.get(trunk);
        let most = settings.and_then(|trunk| trunk.max_calls);
        self.calls.len() >= self.config.limits.max_calls as usize
            || most.is_some_and(|most| active >= most)
    }

    fn start(
        &mut self,
        clock: Clock,
        trunk: usize,
        dialog: DialogId,
        invite: &IncomingInvite,
        offer: negotiate::Offer,
        diary: Diary,
    ) {
        self.next_call += 1;
        let id = CallId(self.next_call);
        let mut call = Call {
            name: self.token(),
            session_id: self.random.next_u32().to_string(),
            trunk,
            state: State::Ports,
            carrier: CarrierLeg {
                dialog,
                answered: false,
                protocol: invite.source.protocol,
                is_late: invite.body.is_none(),
                said: None,
                offered: false,
                gone: false,
                from: masked(&invite.from.uri),
                to: masked(&invite.request_uri),
                caller: invite.from.uri.user().map(str::to_owned),
                called: invite.request_uri.user().map(str::to_owned),
                max_forwards: invite.max_forwards,
            },
            openai: OpenaiLeg::default(),
            offer,
            ports: None,
            plan: None,
            stats: BridgeStats::default(),
            diary,
            transfer: None,
            ending: None,
            is_faulty: false,
            audio_clock: Default::default(),
            redials: Default::default(),
            playback: Default::default(),
            mending: None,
            session_mended: 0,
            openai_call_ids: Vec::new(),
        };
        call.check_offer(clock.now);
        let session_expires = self
            .config
            .trunks
            .get(trunk)
            .and_then(|t| t.session_expires);
        if let Some(interval) = session_expires {
            self.endpoint.keep_alive(dialog, interval);
        }
        self.counters.call_started(trunk);
        self.dialogs.insert(dialog, (id, Side::Carrier));
        self.calls.insert(id, call);
        self.timers
            .set(id, Timer::Setup, clock.now + self.config.limits.setup);
        self.timers
            .set(id, Timer::Ring, clock.now + self.config.limits.ring);
        self.outputs.push_back(Output::BindPorts { call: id });
    }
}
