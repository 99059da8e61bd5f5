//! What the peers of a call ask inside its dialogs, beside re-INVITE and BYE.

use super::{Clock, Gateway};
use squelch_sip::{Body, DialogId, DialogMethod, Headers, RequestId, Response};

impl Gateway {
    pub(super) fn requested(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        method: DialogMethod,
        _headers: &Headers,
        body: Option<&Body>,
    ) {
        let status = match method {
            // Without an offer it only keeps the session alive (RFC 4028).
            DialogMethod::Update if body.is_none() => 200,
            DialogMethod::Update | DialogMethod::Prack => {
                return self.session_offered(clock, dialog, request, body);
            }
            DialogMethod::Refer => 603,
            // Nothing of the kind was agreed on (RFC 6086 section 4.2.2, RFC 6665 section 4.1.3).
            DialogMethod::Info => 469,
            DialogMethod::Notify => 481,
        };
        let response = Response {
            status,
            ..Response::default()
        };
        self.endpoint.respond(clock.now, request, response);
    }
}
