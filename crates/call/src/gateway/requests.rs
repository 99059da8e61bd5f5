//! What the peers of a call ask inside its dialogs, beside re-INVITE and BYE, and their answers to what we ask.

use super::{Clock, Gateway};
use squelch_sip::{Body, DialogId, DialogMethod, Headers, RequestId, Response};

impl Gateway {
    pub(super) fn requested(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        method: DialogMethod,
        headers: &Headers,
        body: Option<&Body>,
    ) {
        match method {
            // Without an offer it only keeps the session alive (RFC 4028).
            DialogMethod::Update if body.is_none() => self.respond(clock, request, 200),
            DialogMethod::Update | DialogMethod::Prack => {
                self.session_offered(clock, dialog, request, body);
            }
            DialogMethod::Refer => self.refer(clock, dialog, request, headers),
            DialogMethod::Info => self.info(clock, dialog, request, headers, body),
            DialogMethod::Notify => self.notified(clock, dialog, request, headers, body),
        }
    }

    pub(super) fn responded(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        method: DialogMethod,
        status: u16,
        headers: &Headers,
    ) {
        match method {
            DialogMethod::Refer => self.refer_answered(clock, dialog, request, status, headers),
            DialogMethod::Info => self.info_answered(clock, request, status),
            DialogMethod::Notify => self.news_heard(clock, dialog, request, status),
            // The endpoint's own.
            DialogMethod::Update | DialogMethod::Prack => {}
        }
    }

    /// A bare answer.
    pub(super) fn respond(&mut self, clock: Clock, request: RequestId, status: u16) {
        let response = Response {
            status,
            ..Response::default()
        };
        self.endpoint.respond(clock.now, request, response);
    }
}
