//! RTP's and RTCP's sockets: two pairs a call, relayed by worker threads.
//!
//! The gateway's task owns a [`MediaIo`]. It binds ports for a call ([`MediaIo::bind`]), hands them
//! with the plan to one worker ([`MediaIo::start`]) and hears from the workers through
//! [`MediaIo::next`]. A packet never meets the runtime: a worker's thread receives it, takes it
//! through the call's [`squelch_media::Bridge`] and sends it on.
//!
//! Queues and who loses: commands to a worker are few for each admitted call and are never
//! dropped; what the workers tell waits in one queue of `NOTES`, and when it is full they keep
//! it and try again, figures of running calls left out.

mod call;
mod ports;
pub(crate) mod sys;
mod worker;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc as commands;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use squelch_call::CallId;
use squelch_media::{BridgeStats, MediaEvent, MediaPlan, Rings, TapFor};
use tokio::sync::mpsc;

use crate::config::PortRange;
use ports::{Pair, Ports};
use sys::Waker;

/// Something that happened on the media path.
#[derive(Debug)]
pub enum Note {
    /// To a call's audio.
    Event {
        /// Which call.
        call: CallId,
        /// What.
        event: MediaEvent,
    },
    /// The figures of some running calls: of each once a second, and of few at a time.
    Stats(Vec<(CallId, BridgeStats)>),
    /// A call's last figures: it is stopped.
    LastStats {
        /// Which call.
        call: CallId,
        /// The figures.
        stats: Box<BridgeStats>,
    },
    /// Copies of a call's packets, as [`MediaIo::tap`] asked for them or left over at its end.
    Tapped {
        /// Which call.
        call: CallId,
        /// What they were made for.
        what_for: TapFor,
        /// The packets.
        rings: Rings,
    },
    /// How long some packets took from the socket to the socket.
    Relayed(Box<[Duration]>),
}

/// Why a call has no media ports.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// All are in use, or were until a moment ago.
    #[error("no free port pair in media.ports")]
    NoneLeft,
    /// The address is not one of this machine, or the machine's limit of open files is reached.
    #[error("{0}")]
    Refused(io::Error),
}

/// All media workers and ports.
#[derive(Debug)]
pub struct MediaIo {
    ports: Ports,
    /// Bound, not yet relaying.
    waiting: HashMap<CallId, Pair>,
    /// Which worker has a call, and its two ports.
    relaying: HashMap<CallId, (usize, [u16; 2])>,
    workers: Vec<Worker>,
    notes: mpsc::Receiver<Note>,
}

#[derive(Debug)]
struct Worker {
    commands: commands::Sender<Command>,
    waker: Waker,
    calls: usize,
    thread: Option<JoinHandle<()>>,
}

/// What a worker is told.
#[derive(Debug)]
enum Command {
    Start {
        call: CallId,
        pair: Pair,
        plan: Box<MediaPlan>,
    },
    Update {
        call: CallId,
        plan: Box<MediaPlan>,
    },
    Tap {
        call: CallId,
        what_for: TapFor,
        rings: Option<Rings>,
    },
    Stop {
        call: CallId,
    },
    Quit,
}

impl MediaIo {
    /// Starts `workers` threads. Ports are bound on `address`, an unspecified one takes all.
    ///
    /// **Errors**: the system gives no thread or no poll.
    pub fn start(address: IpAddr, range: PortRange, workers: usize) -> io::Result<MediaIo> {
        let (tell, notes) = mpsc::channel(NOTES);
        let mut media = MediaIo {
            ports: Ports::new(address, range),
            waiting: HashMap::new(),
            relaying: HashMap::new(),
            workers: Vec::new(),
            notes,
        };
        for number in 0..workers {
            let (commands, orders) = commands::channel();
            let (worker, waker) = worker::Worker::new(orders, tell.clone())?;
            let thread = std::thread::Builder::new()
                .name(format!("media-{number}"))
                .spawn(move || worker.run())?;
            media.workers.push(Worker {
                commands,
                waker,
                calls: 0,
                thread: Some(thread),
            });
        }
        Ok(media)
    }

    /// Binds a pair of ports for each leg, RTP and RTCP; gives the RTP ports: towards the carrier, towards OpenAI.
    ///
    /// **Errors**: no pair is left, or the system refuses.
    pub fn bind(
        &mut self,
        now: Instant,
        call: CallId,
    ) -> Result<(SocketAddr, SocketAddr), BindError> {
        let pair = self.ports.bind(now)?;
        let addresses = pair.addresses();
        self.waiting.insert(call, pair);
        Ok(addresses)
    }

    /// Relays from now on, by the worker that has the fewest calls.
    pub fn relay(&mut self, call: CallId, plan: Box<MediaPlan>) {
        let Some(pair) = self.waiting.remove(&call) else {
            return;
        };
        let alive = |worker: &Worker| worker.thread.as_ref().is_some_and(|t| !t.is_finished());
        let workers = self.workers.iter_mut().enumerate();
        let fewest = workers
            .filter(|(_, worker)| alive(worker))
            .min_by_key(|(_, worker)| worker.calls);
        let Some((number, worker)) = fewest else {
            return;
        };
        worker.calls += 1;
        self.relaying.insert(call, (number, pair.numbers()));
        worker.tell(Command::Start { call, pair, plan });
    }

    /// Takes a signalled change to the call's worker.
    pub fn update(&mut self, call: CallId, plan: Box<MediaPlan>) {
        if let Some((number, _)) = self.relaying.get(&call)
            && let Some(worker) = self.workers.get(*number)
        {
            worker.tell(Command::Update { call, plan });
        }
    }

    /// Has a call's packets copied into these rings from now on, or into none; those they were copied into until now
    /// come from [`MediaIo::next`].
    pub fn tap(&mut self, call: CallId, what_for: TapFor, rings: Option<Rings>) {
        if let Some((number, _)) = self.relaying.get(&call)
            && let Some(worker) = self.workers.get(*number)
        {
            worker.tell(Command::Tap {
                call,
                what_for,
                rings,
            });
        }
    }

    /// Stops relaying; the last figures come from [`MediaIo::next`]. The ports rest, and what still comes to them is
    /// read and thrown away, until nothing did for a while: no call inherits another's packets.
    pub fn stop(&mut self, now: Instant, call: CallId) {
        if let Some((number, ports)) = self.relaying.remove(&call) {
            if let Some(worker) = self.workers.get_mut(number) {
                worker.calls -= 1;
                worker.tell(Command::Stop { call });
            }
            self.ports.release(now, ports);
        }
    }

    /// Gives back the ports of a call that never relayed.
    pub fn release(&mut self, now: Instant, call: CallId) {
        if let Some(pair) = self.waiting.remove(&call) {
            self.ports.release(now, pair.numbers());
        }
    }

    /// Waits for what the workers tell, and looks after the ports that rest. Nothing is lost when the wait is given
    /// up.
    pub async fn next(&mut self) -> Note {
        loop {
            let at = self.ports.next_look();
            let look = async {
                match at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                note = self.notes.recv() => match note {
                    Some(note) => return note,
                    // All workers are gone, which only happens when they are told to.
                    None => std::future::pending().await,
                },
                () = look => self.ports.look_after(Instant::now()),
            }
        }
    }
}

impl Worker {
    fn tell(&self, command: Command) {
        if self.commands.send(command).is_err() {
            // Only a panic ends a worker; its calls end by their media timeout.
            tracing::error!("a media worker is gone");
        } else if let Err(error) = self.waker.wake() {
            // It will look by itself within a second.
            tracing::warn!(%error, "a media worker could not be woken");
        }
    }
}

impl Drop for MediaIo {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.tell(Command::Quit);
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("a media worker ended by a panic");
            }
        }
    }
}

/// Notes that wait for the gateway's task.
const NOTES: usize = 4_096;
