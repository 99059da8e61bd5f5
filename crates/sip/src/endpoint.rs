//! The SIP endpoint: UAC and UAS over all transports.

use std::collections::VecDeque;
use std::time::Instant;

use crate::command::{Body, OutgoingInvite, Reason, Rejection, Response};
use crate::config::EndpointConfig;
use crate::counters::Counters;
use crate::event::Output;
use crate::transport::TransportInput;

/// One call as the endpoint knows it: from the INVITE to its end, also while there is no dialog yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId(pub u64);

/// A request that waits for [`Endpoint::respond`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A SIP user agent, client and server, sans-IO.
#[derive(Debug)]
pub struct Endpoint {
    counters: Counters,
    outputs: VecDeque<Output>,
    next_dialog: u64,
}

impl Endpoint {
    /// An endpoint with no state.
    pub fn new(_config: EndpointConfig) -> Self {
        Endpoint {
            counters: Counters::default(),
            outputs: VecDeque::new(),
            next_dialog: 0,
        }
    }

    /// Takes in what the network did.
    pub fn handle_transport(&mut self, _now: Instant, _input: TransportInput<'_>) {}

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next output; drain until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Places a call.
    pub fn invite(&mut self, _now: Instant, _invite: OutgoingInvite) -> DialogId {
        self.next_dialog += 1;
        DialogId(self.next_dialog)
    }

    /// Sends 101..=199 for an incoming call.
    pub fn provisional(
        &mut self,
        _now: Instant,
        _dialog: DialogId,
        _status: u16,
        _body: Option<Body>,
    ) {
    }

    /// Answers an incoming call with 200, sent again until its ACK comes.
    pub fn answer(&mut self, _now: Instant, _dialog: DialogId, _body: Body) {}

    /// Refuses an incoming call. The dialog is gone.
    pub fn reject(&mut self, _now: Instant, _dialog: DialogId, _rejection: Rejection) {}

    /// Acknowledges the peer's 2xx.
    pub fn acknowledge(&mut self, _now: Instant, _dialog: DialogId, _body: Option<Body>) {}

    /// Gives up a call that is not answered yet.
    pub fn cancel(&mut self, _now: Instant, _dialog: DialogId, _reason: Option<Reason>) {}

    /// Hangs up.
    pub fn bye(&mut self, _now: Instant, _dialog: DialogId, _reason: Option<Reason>) {}

    /// Answers an OPTIONS or a re-INVITE.
    pub fn respond(&mut self, _now: Instant, _request: RequestId, _response: Response) {}

    /// Totals so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether no transaction, dialog or connection state is left.
    pub fn is_idle(&self) -> bool {
        true
    }
}
