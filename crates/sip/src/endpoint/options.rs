//! OPTIONS of ours, outside any dialog (RFC 3261 section 11).

use std::time::Instant;

use crate::command::OutgoingOptions;
use crate::dialog::{Cancel, State};
use crate::event::{Event, Failure};
use crate::message::{Headers, Method, Request};
use crate::transaction::TransactionId;

use super::client::ClientUser;
use super::compose::{ACCEPT, MAX_FORWARDS};
use super::{DialogId, Endpoint, RequestId};

impl Endpoint {
    /// Asks whether a peer is there. Ends in [`Event::OptionsAnswered`]; challenges are answers.
    pub fn options(&mut self, now: Instant, options: OutgoingOptions) -> RequestId {
        let flow = match self.flow_to(now, &options.target) {
            Ok(flow) => flow,
            Err(reason) => {
                let id = TransactionId(self.next_number());
                self.tell_options(id, Err(Failure::Transport(reason)));
                return RequestId(id.0);
            }
        };
        let branch = self.random.branch();
        let (tag, call_id) = (self.random.token(), self.random.token());
        let cseq = self.random.first_cseq();
        let mut to = options.to;
        to.params.remove("tag");
        let (protocol, local) = self.protocol_of(flow);
        let user = options.from.uri.user().map(str::to_owned);
        let mut headers = Headers::default();
        headers.set("Via", self.via(flow, &branch).to_string());
        headers.set("Max-Forwards", MAX_FORWARDS.to_string());
        headers.set("From", options.from.with_tag(&tag).to_string());
        headers.set("To", to.to_string());
        headers.set("Call-ID", &call_id);
        headers.set("CSeq", format!("{cseq} {}", Method::OPTIONS));
        headers.set("Contact", self.contact(protocol, local, user.as_deref()));
        headers.set("Accept", ACCEPT);
        headers.set("User-Agent", &self.config.user_agent);
        let request = Request {
            method: Method::OPTIONS,
            uri: options.request_uri.without_headers(),
            headers,
            body: bytes::Bytes::new(),
        };
        let id = self.start_client(now, request, &branch, flow, ClientUser::Options);
        RequestId(id.0)
    }

    /// Whether the peer of a call of ours has sent any response yet, 100 included.
    pub fn has_provisional(&self, dialog: DialogId) -> bool {
        let state = self.dialogs.get(&dialog).map(|dialog| &dialog.state);
        !matches!(
            state,
            None | Some(State::Calling {
                cancel: Cancel::No | Cancel::Wanted(_),
                ..
            })
        )
    }

    pub(crate) fn tell_options(&mut self, id: TransactionId, outcome: Result<u16, Failure>) {
        self.event(Event::OptionsAnswered {
            request: RequestId(id.0),
            outcome,
        });
    }
}
