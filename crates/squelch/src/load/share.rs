//! One share of a run: a thread that signals, and beside it one that does its calls' media.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use squelch_sim::load::{
    CallKey, CallOutcome, Callee, CalleePlan, Caller, CallerPlan, Input, Output, Tally,
};
use squelch_sip::{EndpointConfig, Limits};
use tokio::sync::watch;

use super::library::Library;
use super::media::{Media, Note, OwnWork};
use crate::random;
use crate::signaling_io::{Arrival, SignalingConfig, SignalingIo};

/// What a share does, and whom it tells.
pub(super) struct Share {
    pub(super) epoch: Instant,
    pub(super) library: Arc<Library>,
    pub(super) signaling: SignalingConfig,
    /// Where media sockets are bound.
    pub(super) media: IpAddr,
    pub(super) side: SidePlan,
    pub(super) seen: Arc<Seen>,
    pub(super) orders: watch::Receiver<Order>,
}

/// Which side of the calls.
pub(super) enum SidePlan {
    Calls(Box<CallerPlan>),
    Answers(CalleePlan),
}

/// What the run wants of its shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Go on.
    Run,
    /// Hang up properly, then end.
    Stop,
    /// End now.
    GiveUp,
}

/// What is known of a share while it runs and after it.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Known>);

/// See [`Seen`].
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) tally: Tally,
    /// The busiest second of the media thread, 0 to 1.
    pub(super) busiest: f64,
    /// The last second's.
    pub(super) busy: f64,
    /// Packets that this system did not take.
    pub(super) refused: u64,
    /// Calls that are up or being set up.
    pub(super) active: usize,
}

impl Known {
    /// Adds what another share knows.
    pub(super) fn add(&mut self, other: &Known) {
        self.tally.merge(&other.tally);
        self.busiest = self.busiest.max(other.busiest);
        self.busy = self.busy.max(other.busy);
        self.refused += other.refused;
        self.active += other.active;
    }
}

impl Seen {
    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        // Numbers are whole whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A share that could not begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShareError {
    #[error("{0}")]
    Bind(String),
    #[error("the system grants no thread or file for media: {0}")]
    Media(std::io::Error),
    #[error(transparent)]
    Random(#[from] random::NoRandom),
}

/// A share about to run: its sockets are bound.
pub(super) struct Bound {
    driver: Driver,
    orders: watch::Receiver<Order>,
}

impl Share {
    /// Binds what it needs. Within a runtime.
    ///
    /// **Errors**: an address is taken, the system grants no more threads.
    pub(super) async fn bind(self) -> Result<Bound, ShareError> {
        let signaling = SignalingIo::bind(self.signaling).await;
        let signaling = signaling.map_err(|error| {
            ShareError::Bind(format!(
                "{}: {}",
                error.listen,
                crate::signaling_io::explain(&error.source)
            ))
        })?;
        let mut seed = [0; 32];
        random::fill(&mut seed)?;
        let mut config =
            EndpointConfig::new(seed, concat!("squelch-load/", env!("CARGO_PKG_VERSION")));
        config.listeners = crate::serve::listeners(signaling.bound(), None);
        config.limits = Limits {
            transactions: TRANSACTIONS,
            dialogs: DIALOGS,
            ..Limits::default()
        };
        let side = match self.side {
            SidePlan::Calls(plan) => Side::Calls(Box::new(Caller::new(self.epoch, config, *plan))),
            SidePlan::Answers(plan) => {
                Side::Answers(Box::new(Callee::new(self.epoch, config, plan)))
            }
        };
        let media = Media::start_thread(self.epoch, self.library).map_err(ShareError::Media)?;
        Ok(Bound {
            driver: Driver {
                epoch: self.epoch,
                side,
                signaling,
                media,
                address: self.media,
                waiting: HashMap::new(),
                seen: self.seen,
            },
            orders: self.orders,
        })
    }
}

impl Bound {
    /// The addresses that are listened on.
    pub(super) fn listening(&self) -> &[crate::config::Listen] {
        self.driver.signaling.bound()
    }

    /// Runs until all calls are over, or as ordered; `told` is called with each call's outcome.
    pub(super) async fn run(mut self, told: impl FnMut(&CallOutcome)) {
        self.driver.run(&mut self.orders, told).await;
    }
}

struct Driver {
    epoch: Instant,
    side: Side,
    signaling: SignalingIo,
    media: Media,
    address: IpAddr,
    /// Bound for calls that are not answered yet.
    waiting: HashMap<CallKey, UdpSocket>,
    seen: Arc<Seen>,
}

enum Side {
    Calls(Box<Caller>),
    Answers(Box<Callee>),
}

enum Happened {
    Sip(Arrival),
    Media(Note),
    Ordered(Order),
    Timeout,
}

impl Driver {
    async fn run(
        &mut self,
        orders: &mut watch::Receiver<Order>,
        mut told: impl FnMut(&CallOutcome),
    ) {
        let mut give_up = None;
        let mut order = Order::Run;
        self.side.handle_timeout(Instant::now());
        self.settle(&mut told);
        while !self.side.is_over(order) {
            let at = [self.side.poll_timeout(), give_up];
            let at = at.into_iter().flatten().min();
            let timeout = async {
                match at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let happened = tokio::select! {
                arrival = self.signaling.next() => Happened::Sip(arrival),
                note = self.media.next() => Happened::Media(note),
                Ok(()) = orders.changed() => Happened::Ordered(*orders.borrow_and_update()),
                () = timeout => Happened::Timeout,
            };
            let now = Instant::now();
            match happened {
                Happened::Sip(arrival) => {
                    self.side.handle_input(now, Input::Sip(arrival.as_input()));
                }
                Happened::Media(note) => self.hear(now, note),
                Happened::Ordered(Order::Run) => {}
                Happened::Ordered(Order::Stop) => {
                    order = Order::Stop;
                    give_up = give_up.or(Some(now + HANGING_UP));
                    self.side.stop(now);
                }
                Happened::Ordered(Order::GiveUp) => give_up = Some(now),
                Happened::Timeout => self.side.handle_timeout(now),
            }
            if give_up.is_some_and(|at| at <= now) {
                self.side.give_up(now);
                order = Order::Stop;
            }
            self.settle(&mut told);
        }
        // What the media thread has told already still counts.
        while let Some(note) = self.media.try_next() {
            self.hear(Instant::now(), note);
        }
        self.settle(&mut told);
    }

    fn hear(&mut self, now: Instant, note: Note) {
        match note {
            Note::Stopped { call, facts } => {
                self.side
                    .handle_input(now, Input::MediaStopped { call, facts });
            }
            Note::Own(own) => {
                let OwnWork {
                    late,
                    busy,
                    refused,
                } = *own;
                let mut known = self.seen.lock();
                known.tally.merge(&late);
                known.busiest = known.busiest.max(busy);
                known.busy = busy;
                known.refused += refused;
            }
        }
    }

    fn settle(&mut self, told: &mut impl FnMut(&CallOutcome)) {
        while let Some(output) = self.side.poll_output() {
            match output {
                Output::Sip(output) => self.signaling.send(output),
                Output::BindPort { call } => {
                    let bound = self.bind(call);
                    let now = Instant::now();
                    let mut known = self.seen.lock();
                    known
                        .tally
                        .on_start(now.saturating_duration_since(self.epoch));
                    drop(known);
                    self.side.handle_input(now, Input::Port { call, bound });
                }
                Output::StartMedia { call, plan } => {
                    if let Some(socket) = self.waiting.remove(&call) {
                        self.media.start(call, socket, plan);
                    }
                }
                Output::ChangeMedia { call, remote, held } => self.media.change(call, remote, held),
                Output::StopMedia { call } => self.media.stop(call),
                Output::ClosePort { call } => {
                    self.waiting.remove(&call);
                }
                Output::Ended { outcome } => {
                    told(&outcome);
                    let mut known = self.seen.lock();
                    if let (Some(setup), Some(talked)) = (outcome.setup, outcome.talked) {
                        let at = outcome.ended.saturating_sub(talked);
                        known.tally.on_answer(at, setup);
                    }
                    known.tally.on_end(&outcome);
                }
            }
        }
        self.seen.lock().active = self.side.active();
    }

    fn bind(&mut self, call: CallKey) -> Option<SocketAddr> {
        let bind = || {
            let socket = UdpSocket::bind(SocketAddr::new(self.address, 0))?;
            socket.set_nonblocking(true)?;
            let local = socket.local_addr()?;
            Ok::<_, std::io::Error>((socket, local))
        };
        match bind() {
            Ok((socket, local)) => {
                self.waiting.insert(call, socket);
                Some(local)
            }
            Err(error) => {
                tracing::warn!(%error, "no media port for a call");
                None
            }
        }
    }
}

impl Side {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match self {
            Side::Calls(caller) => caller.handle_input(now, input),
            Side::Answers(callee) => callee.handle_input(now, input),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Side::Calls(caller) => caller.handle_timeout(now),
            Side::Answers(callee) => callee.handle_timeout(now),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Side::Calls(caller) => caller.poll_timeout(),
            Side::Answers(callee) => callee.poll_timeout(),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        match self {
            Side::Calls(caller) => caller.poll_output(),
            Side::Answers(callee) => callee.poll_output(),
        }
    }

    fn stop(&mut self, now: Instant) {
        match self {
            Side::Calls(caller) => caller.stop(now),
            Side::Answers(callee) => callee.stop(now),
        }
    }

    fn give_up(&mut self, now: Instant) {
        match self {
            Side::Calls(caller) => caller.give_up(now),
            Side::Answers(callee) => callee.give_up(now),
        }
    }

    fn active(&self) -> usize {
        match self {
            Side::Calls(caller) => caller.active(),
            Side::Answers(callee) => callee.active(),
        }
    }

    /// Calls are placed until there are none to come; they are taken until somebody says stop.
    fn is_over(&self, order: Order) -> bool {
        match self {
            Side::Calls(caller) => caller.is_over(),
            Side::Answers(callee) => order != Order::Run && callee.is_idle(),
        }
    }
}

/// How long calls may take to end when the run is stopped: a BYE sent four times over UDP (T1 doubling, 0.5 s to 4 s).
const HANGING_UP: Duration = Duration::from_secs(5);
/// More dialogs than this machine has ports.
const DIALOGS: usize = 65_536;
/// A call has three in its life; they stay for 32 s.
const TRANSACTIONS: usize = 1_000_000;
