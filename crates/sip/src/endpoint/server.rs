//! Server transactions at work: requests of peers and our responses to them.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

use crate::command::{DialogMethod, Target};
use crate::message::{Headers, Method, Request, Response, Via};
use crate::schedule::Owner;
use crate::timers::Timer;
use crate::transaction::{MergeKey, ServerInvite, ServerKey, ServerNonInvite, Step, TransactionId};

use super::network::Flow;
use super::receive::Origin;
use super::{DialogId, Endpoint};

/// A request of a peer.
#[derive(Debug)]
pub(crate) struct Server {
    machine: Machine,
    key: ServerKey,
    merge_key: Option<MergeKey>,
    /// The request's headers with our stamp on its Via: every response is made from them.
    pub(crate) headers: Headers,
    pub(crate) path: ReplyPath,
    /// The last response sent.
    last: Option<Bytes>,
    pub(crate) user: ServerUser,
}

#[derive(Debug)]
enum Machine {
    Invite(ServerInvite),
    Other(ServerNonInvite),
}

/// Who has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerUser {
    /// The call's first INVITE.
    Invite(DialogId),
    /// A later one.
    Reinvite(DialogId),
    /// The transaction user, once, in or out of a dialog.
    Options(Option<DialogId>),
    /// The transaction user, once, for a request inside this dialog.
    Request(DialogId, DialogMethod),
    /// Nobody any more: the endpoint has answered.
    Nobody,
}

/// Where responses go (RFC 3261 section 18.2.2).
#[derive(Debug, Clone)]
pub(crate) struct ReplyPath {
    pub(crate) flow: Flow,
    /// Where to connect to when the connection the request came on is gone.
    fallback: Target,
}

impl ReplyPath {
    /// The way back of a request with this top Via. UDP: to the source address, at the source port
    /// if `rport` asks for it (RFC 3581), else at the port of the Via; `maddr` is not followed.
    pub(crate) fn new(origin: Origin, via: &Via) -> Self {
        let source = origin.source;
        let port = via.port().unwrap_or(source.protocol.default_port());
        let via_addr = SocketAddr::new(source.remote.ip(), port);
        let flow = match origin.connection {
            Some(connection) => Flow::Stream(connection),
            None => Flow::Datagram {
                local: source.local,
                remote: if via.params.get("rport").is_some() {
                    source.remote
                } else {
                    via_addr
                },
            },
        };
        let fallback = Target {
            protocol: source.protocol,
            addr: via_addr,
            server_name: None,
        };
        ReplyPath { flow, fallback }
    }
}

impl Server {
    /// Whether any response went out, provisional ones included.
    pub(crate) fn is_answered(&self) -> bool {
        self.last.is_some()
    }
}

impl Endpoint {
    /// Starts the transaction of a new request.
    pub(crate) fn start_server(
        &mut self,
        now: Instant,
        request: &Request,
        key: ServerKey,
        merge_key: Option<MergeKey>,
        path: ReplyPath,
        user: ServerUser,
    ) -> TransactionId {
        let id = TransactionId(self.next_number());
        let reliable = self.protocol_of(path.flow).0.is_reliable();
        let timers = self.config.timers;
        let (machine, steps) = if request.method == Method::INVITE {
            (
                Machine::Invite(ServerInvite::start(timers, reliable)),
                Vec::new(),
            )
        } else {
            let (machine, steps) = ServerNonInvite::start(timers, reliable);
            (Machine::Other(machine), steps)
        };
        self.server_keys.insert(key.clone(), id);
        if let Some(key) = &merge_key {
            self.merge_keys.insert(key.clone(), id);
        }
        let headers = request.headers.clone();
        let server = Server {
            machine,
            key,
            merge_key,
            headers,
            path,
            last: None,
            user,
        };
        self.servers.insert(id, server);
        self.run_server(now, id, steps);
        id
    }

    /// The request came again.
    pub(crate) fn handle_repeated_request(&mut self, now: Instant, id: TransactionId) {
        let Some(server) = self.servers.get_mut(&id) else {
            return;
        };
        let steps = match &mut server.machine {
            Machine::Invite(machine) => machine.handle_request(),
            Machine::Other(machine) => machine.handle_request(),
        };
        self.run_server(now, id, steps);
    }

    /// An ACK for this INVITE; true where it acknowledges a 2xx and is the dialog's to take.
    pub(crate) fn handle_server_ack(&mut self, now: Instant, id: TransactionId) -> bool {
        let Some(server) = self.servers.get_mut(&id) else {
            return false;
        };
        let Machine::Invite(machine) = &mut server.machine else {
            return false;
        };
        let steps = machine.handle_ack();
        let for_dialog = steps.contains(&Step::Deliver);
        self.run_server(now, id, steps);
        for_dialog
    }

    pub(crate) fn handle_server_timer(&mut self, now: Instant, id: TransactionId, timer: Timer) {
        let Some(server) = self.servers.get_mut(&id) else {
            return;
        };
        let steps = match &mut server.machine {
            Machine::Invite(machine) => machine.handle_timer(timer),
            Machine::Other(machine) => machine.handle_timer(timer),
        };
        self.run_server(now, id, steps);
    }

    /// Sends a response, if the transaction still waits for one; gives the bytes sent.
    pub(crate) fn send_response(
        &mut self,
        now: Instant,
        id: TransactionId,
        response: &Response,
    ) -> Option<Bytes> {
        let server = self.servers.get_mut(&id)?;
        let steps = match &mut server.machine {
            Machine::Invite(machine) => machine.respond(response.status),
            Machine::Other(machine) => machine.respond(response.status),
        };
        if !steps.contains(&Step::Send) {
            return None;
        }
        let bytes = response.write();
        server.last = Some(bytes.clone());
        if response.status >= 200 {
            server.user = ServerUser::Nobody;
        }
        self.run_server(now, id, steps);
        Some(bytes)
    }

    /// Whether an INVITE still waits for its final response.
    pub(crate) fn is_unanswered_invite(&self, id: TransactionId) -> bool {
        match self.servers.get(&id).map(|server| &server.machine) {
            Some(Machine::Invite(machine)) => machine.is_pending(),
            _ => false,
        }
    }

    /// Sends a response on its way back; a connection that is gone is opened anew.
    pub(crate) fn reply(&mut self, now: Instant, path: &mut ReplyPath, bytes: &Bytes) {
        if let Flow::Stream(connection) = path.flow
            && !self.connections.contains(connection)
        {
            match self.flow_to(now, &path.fallback) {
                Ok(flow) => path.flow = flow,
                Err(_) => return,
            }
        }
        // What cannot be sent is asked for again by the peer, or given up by it.
        let _ = self.send(now, path.flow, bytes);
    }

    fn run_server(&mut self, now: Instant, id: TransactionId, steps: Vec<Step>) {
        for step in steps {
            let Some(server) = self.servers.get_mut(&id) else {
                return;
            };
            match step {
                Step::Send | Step::SendAgain => {
                    let Some(bytes) = server.last.clone() else {
                        continue;
                    };
                    let mut path = server.path.clone();
                    if step == Step::SendAgain {
                        self.counters.retransmissions += 1;
                    }
                    self.reply(now, &mut path, &bytes);
                    if let Some(server) = self.servers.get_mut(&id) {
                        server.path = path;
                    }
                }
                Step::Set(timer, after) => {
                    self.set_timer(now, Owner::Transaction(id), timer, after);
                }
                Step::Clear(timer) => self.schedule.clear(Owner::Transaction(id), timer),
                Step::Terminate => self.remove_server(id),
                Step::Acknowledge | Step::Deliver | Step::TimedOut => {}
            }
        }
    }

    /// The same request on another way is no merged one any more (RFC 3261 section 8.2.2.2).
    pub(crate) fn forget_merge_key(&mut self, id: TransactionId) {
        let key = self.servers.get_mut(&id).and_then(|s| s.merge_key.take());
        if let Some(key) = key
            && self.merge_keys.get(&key) == Some(&id)
        {
            self.merge_keys.remove(&key);
        }
    }

    pub(super) fn remove_server(&mut self, id: TransactionId) {
        self.forget_merge_key(id);
        if let Some(server) = self.servers.remove(&id) {
            self.server_keys.remove(&server.key);
            self.schedule.clear_all(Owner::Transaction(id));
        }
    }
}
