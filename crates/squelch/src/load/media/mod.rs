//! The calls' media on real sockets: a thread that sends each packet when it is due and hears what comes.
//!
//! A share of a run owns one [`Media`]. It hands over each call's socket when the call is answered
//! ([`Media::start`]) and hears through [`Media::next`] what the call's media were once they are stopped. The thread
//! shares nothing with others but the captures that all play.
//!
//! Queues and who loses: commands are a few a call and never dropped; notes wait in one queue of `NOTES`, and when
//! that is full the thread keeps them and tries again.

mod thread;
mod wheel;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc as commands;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use squelch_sim::load::{CallKey, LegFacts, LegPlan, Tally};
use tokio::sync::mpsc;

use super::library::Library;
use crate::media_io::sys::Waker;
use thread::MediaThread;

/// A media thread, as its owner sees it.
#[derive(Debug)]
pub(super) struct Media {
    commands: commands::Sender<Command>,
    waker: Waker,
    notes: mpsc::Receiver<Note>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread tells.
#[derive(Debug)]
pub(super) enum Note {
    /// A call's media are over.
    Stopped { call: CallKey, facts: Box<LegFacts> },
    /// How a second of its own went.
    Own(Box<OwnWork>),
}

/// What a second of a media thread's own work was.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnWork {
    /// How late its packets left.
    pub(super) late: Tally,
    /// The share of the second that it was at work, 0 to 1.
    pub(super) busy: f64,
    /// Packets that the system did not take.
    pub(super) refused: u64,
}

#[derive(Debug)]
enum Command {
    Start {
        call: CallKey,
        socket: UdpSocket,
        plan: Box<LegPlan>,
    },
    Change {
        call: CallKey,
        remote: Option<SocketAddr>,
        held: bool,
    },
    Stop {
        call: CallKey,
    },
    Quit,
}

impl Media {
    /// Starts the thread. Times in its facts count from `epoch`.
    ///
    /// **Errors**: the system grants no thread or no files.
    pub(super) fn start_thread(epoch: Instant, library: Arc<Library>) -> io::Result<Media> {
        let (commands, obeyed) = commands::channel();
        let (tell, notes) = mpsc::channel(NOTES);
        let (thread, waker) = MediaThread::new(epoch, library, obeyed, tell)?;
        let thread = std::thread::Builder::new()
            .name("load-media".into())
            .spawn(move || thread.run())?;
        Ok(Media {
            commands,
            waker,
            notes,
            thread: Some(thread),
        })
    }

    /// A call's media begin.
    pub(super) fn start(&self, call: CallKey, socket: UdpSocket, plan: Box<LegPlan>) {
        self.command(Command::Start { call, socket, plan });
    }

    /// A call's session has changed.
    pub(super) fn change(&self, call: CallKey, remote: Option<SocketAddr>, held: bool) {
        self.command(Command::Change { call, remote, held });
    }

    /// A call's media end.
    pub(super) fn stop(&self, call: CallKey) {
        self.command(Command::Stop { call });
    }

    /// Waits for the next note. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> Note {
        match self.notes.recv().await {
            Some(note) => note,
            // The thread is gone: it was told to quit.
            None => std::future::pending().await,
        }
    }

    /// What was told and not yet taken.
    pub(super) fn try_next(&mut self) -> Option<Note> {
        self.notes.try_recv().ok()
    }

    fn command(&self, command: Command) {
        // A thread that is gone has nothing to obey; one that is awake needs no waking.
        if self.commands.send(command).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.command(Command::Quit);
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has told so.
            let _ = thread.join();
        }
    }
}

/// Facts of calls and seconds that wait for the owner.
const NOTES: usize = 4_096;
/// How often a thread tells of its own work.
const OWN_EVERY: Duration = Duration::from_secs(1);
