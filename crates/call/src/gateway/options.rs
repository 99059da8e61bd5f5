//! OPTIONS: carriers look whether we are there, and send their calls elsewhere when we say so.

use super::{Clock, Gateway};
use squelch_sip::{DialogId, RequestId, Response, Source};

impl Gateway {
    /// 200, or 503 with Retry-After where a call of that trunk would get it too. Inside a call it is
    /// a question about the call, which is served whatever happens to others.
    pub(super) fn options(
        &mut self,
        clock: Clock,
        request: RequestId,
        source: Source,
        in_dialog: Option<DialogId>,
    ) {
        let trunk = self.config.trunk_of(source.remote.ip());
        let full = trunk.is_some_and(|trunk| self.is_full(trunk));
        let mut response = Response {
            status: 200,
            ..Response::default()
        };
        if in_dialog.is_none() && (self.draining.is_some() || full) {
            response.status = 503;
            let seconds = self.retry_after().to_string();
            response.headers.push(("Retry-After".into(), seconds));
        }
        self.endpoint.respond(clock.now, request, response);
    }
}
