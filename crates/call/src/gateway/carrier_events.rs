//! What the peers of a standing call do, and what a carrier does before the answer.

use super::transfer::ending_of;
use super::{Clock, Gateway, reason};
use crate::call::State;
use crate::io::{CallId, Output};
use crate::termination::EndReason;
use squelch_media::Side;
use squelch_sip::{DialogId, EndCause, Reason};
use std::net::SocketAddr;

impl Gateway {
    pub(super) fn ports_bound(
        &mut self,
        clock: Clock,
        id: CallId,
        carrier: SocketAddr,
        openai: SocketAddr,
    ) {
        let Some(call) = self
            .calls
            .get_mut(&id)
            .filter(|call| matches!(call.state, State::Ports))
        else {
            // The caller gave up meanwhile.
            self.outputs.push_back(Output::ReleasePorts { call: id });
            return;
        };
        call.ports = Some((carrier, openai));
        self.begin_routes(clock, id);
    }

    pub(super) fn ports_unavailable(&mut self, clock: Clock, id: CallId) {
        self.end(clock, id, EndReason::NoPorts);
    }

    pub(super) fn carrier_cancelled(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        reason: Option<Reason>,
    ) {
        let Some((id, Side::Carrier)) = self.dialogs.remove(&dialog) else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&id) {
            call.carrier.gone = true;
            if let Some(reason) = &reason {
                let detail = reason::shown(Side::Carrier, reason);
                call.diary.note(clock.now, "cancel_reason", detail);
            }
        }
        self.end_as_told(clock, id, EndReason::Cancelled, reason.as_ref());
    }

    pub(super) fn peer_hung_up(&mut self, clock: Clock, dialog: DialogId, reason: Option<Reason>) {
        let Some((id, side)) = self.dialogs.remove(&dialog) else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(reason) = &reason {
            let detail = reason::shown(side, reason);
            call.diary.note(clock.now, "bye_reason", detail);
        }
        let ending = match side {
            Side::Carrier => {
                call.carrier.gone = true;
                ending_of(call)
            }
            Side::Openai => {
                call.openai.dialog = None;
                if self.stays_for_transfer(clock, id) {
                    return;
                }
                EndReason::OpenaiHangup
            }
        };
        self.end_as_told(clock, id, ending, reason.as_ref());
    }

    pub(super) fn dialog_ended(&mut self, clock: Clock, dialog: DialogId, cause: &EndCause) {
        let Some((id, side)) = self.dialogs.remove(&dialog) else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match side {
            Side::Carrier => call.carrier.gone = true,
            Side::Openai => call.openai.dialog = None,
        }
        // Our own BYE's end is no news; a lost ACK and a broken transport end the call.
        let ending = match (side, cause) {
            (Side::Carrier, EndCause::NoAck | EndCause::NoPrack) => EndReason::NoAck,
            (_, EndCause::SessionExpired) => EndReason::SessionExpired,
            (Side::Carrier, _) => EndReason::CarrierHangup,
            (Side::Openai, _) => EndReason::OpenaiHangup,
        };
        self.end(clock, id, ending);
    }
}
