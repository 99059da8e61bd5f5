//! The SIP endpoint: UAC and UAS over all transports.
//!
//! Down: bytes -> message (`receive`) -> transaction (`client`, `server`) -> dialog (`uac`, `uas`,
//! `in_dialog`) -> event. Up: command -> dialog -> transaction -> bytes (`network`).

mod authenticate;
mod checks;
mod client;
mod compose;
mod connections;
mod in_dialog;
mod keep_alive;
mod network;
mod options;
mod receive;
mod reinvite;
mod reliable;
mod requests;
mod server;
mod session_timer;
mod uac;
mod uas;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use crate::config::EndpointConfig;
use crate::counters::Counters;
use crate::dialog::{Dialog, DialogKey};
use crate::event::{Event, Output};
use crate::random::Random;
use crate::schedule::{Owner, Schedule};
use crate::timers::Timer;
use crate::transaction::{ClientKey, MergeKey, ServerKey, TransactionId};
use crate::transport::TransportOutput;

use client::Client;
use connections::Connections;
pub(crate) use reliable::Reliable;
pub(crate) use server::ReplyPath;
use server::Server;
pub(crate) use session_timer::Session;

/// One call as the endpoint knows it: from the INVITE to its end, also while there is no dialog yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId(pub u64);

/// A request that waits for [`Endpoint::respond`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A SIP user agent, client and server, sans-IO. The crate's head says how to drive it.
///
/// Commands never fail: what cannot be done is told by an event, and what makes no sense in a
/// dialog's state (or for one that is gone) does nothing, because the event that says so may still
/// be on its way to the caller.
///
/// Debug shows nothing of the messages it keeps: their bodies may hold keys.
pub struct Endpoint {
    config: EndpointConfig,
    random: Random,
    counters: Counters,
    outputs: VecDeque<Output>,
    /// INVITEs that get a 100 as soon as the user has seen them, if it did not answer.
    trying: Vec<(Instant, TransactionId)>,
    schedule: Schedule,
    connections: Connections,
    clients: BTreeMap<TransactionId, Client>,
    client_keys: BTreeMap<ClientKey, TransactionId>,
    servers: BTreeMap<TransactionId, Server>,
    server_keys: BTreeMap<ServerKey, TransactionId>,
    merge_keys: BTreeMap<MergeKey, TransactionId>,
    dialogs: BTreeMap<DialogId, Dialog>,
    dialog_keys: BTreeMap<DialogKey, DialogId>,
    /// The last number given to a transaction or dialog.
    last_number: u64,
    /// The To tag of responses sent without a transaction: it must be the same for a repeated
    /// request (RFC 3261 section 8.2.7).
    stateless_tag: String,
    /// Whether the log was told of an answer with MD5.
    told_md5: bool,
}

impl Endpoint {
    /// An endpoint with no state.
    pub fn new(config: EndpointConfig) -> Self {
        let mut random = Random::new(config.seed);
        let stateless_tag = random.token();
        Endpoint {
            config,
            random,
            counters: Counters::default(),
            outputs: VecDeque::new(),
            trying: Vec::new(),
            schedule: Schedule::default(),
            connections: Connections::default(),
            clients: BTreeMap::new(),
            client_keys: BTreeMap::new(),
            servers: BTreeMap::new(),
            server_keys: BTreeMap::new(),
            merge_keys: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            dialog_keys: BTreeMap::new(),
            last_number: 0,
            stateless_tag,
            told_md5: false,
        }
    }

    /// Takes in that time has passed. Early or late calls do no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((owner, timer)) = self.schedule.pop_due(now) {
            match owner {
                Owner::Transaction(id) if self.clients.contains_key(&id) => {
                    self.handle_client_timer(now, id, timer);
                }
                Owner::Transaction(id) => self.handle_server_timer(now, id, timer),
                Owner::Dialog(id) => self.handle_dialog_timer(now, id, timer),
                Owner::Connection(id) => self.handle_connection_timer(now, id, timer),
            }
        }
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.next()
    }

    /// The next output; drain until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() && !self.trying.is_empty() {
            self.send_trying();
        }
        self.outputs.pop_front()
    }

    /// Totals so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether no transaction, dialog or connection state is left.
    pub fn is_idle(&self) -> bool {
        self.clients.is_empty()
            && self.servers.is_empty()
            && self.dialogs.is_empty()
            && self.connections.is_empty()
            && self.client_keys.is_empty()
            && self.server_keys.is_empty()
            && self.merge_keys.is_empty()
            && self.dialog_keys.is_empty()
            && self.schedule.is_empty()
    }

    fn handle_dialog_timer(&mut self, now: Instant, id: DialogId, timer: Timer) {
        match timer {
            Timer::AnswerAgain => self.answer_again(now, id),
            Timer::NoAck => self.give_up_waiting_for_ack(now, id),
            Timer::NoEffect => self.give_up_cancelling(id),
            Timer::ProvisionalAgain => self.provisional_again(now, id),
            Timer::NoPrack => self.give_up_waiting_for_prack(now, id),
            Timer::Refresh => self.refresh(now, id),
            Timer::SessionExpired => self.expire_session(now, id),
            _ => {}
        }
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn transmit(&mut self, output: TransportOutput) {
        self.outputs.push_back(Output::Transport(output));
    }

    fn set_timer(&mut self, now: Instant, owner: Owner, timer: Timer, after: Duration) {
        self.schedule.set(owner, timer, now + after);
    }

    fn insert_dialog(&mut self, id: DialogId, dialog: Dialog) {
        self.dialogs.insert(id, dialog);
    }

    /// Makes a dialog findable by its messages, once both tags are known.
    fn index_dialog(&mut self, id: DialogId) {
        if let Some(dialog) = self.dialogs.get(&id) {
            self.dialog_keys.insert(dialog.key(), id);
        }
    }

    /// Forgets a dialog and its timers.
    fn remove_dialog(&mut self, id: DialogId) -> Option<Dialog> {
        let dialog = self.dialogs.remove(&id)?;
        let key = dialog.key();
        if self.dialog_keys.get(&key) == Some(&id) {
            self.dialog_keys.remove(&key);
        }
        self.schedule.clear_all(Owner::Dialog(id));
        Some(dialog)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("dialogs", &self.dialogs.len())
            .field("clients", &self.clients.len())
            .field("servers", &self.servers.len())
            .finish_non_exhaustive()
    }
}
