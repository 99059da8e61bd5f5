//! The thread that makes files of rings.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Cursor, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use squelch_media::detect::Finding;
use squelch_media::{Rings, Side, Tapped, Way};

use super::about::{About, Found, Kind, rfc3339};
use super::place::{Moment, Place, canonical};
use super::shelf::Shelf;
use super::sound::{Spoken, Tracks};

/// Rings that wait to be written. One that finds so many before it is dropped, and counted as `queue_full`.
pub(super) const WAITING: usize = 256;

/// What the thread is told. All but packets are a few for each capture, and never dropped.
#[derive(Debug)]
pub(super) enum Job {
    /// A capture begins.
    Open {
        capture: u64,
        name: String,
        head: Box<Head>,
    },
    /// Its next packets.
    Packets { capture: u64, rings: Rings },
    /// A fault was found in it.
    Found {
        capture: u64,
        at: SystemTime,
        leg: Side,
        finding: Box<Finding>,
    },
    /// So many bytes may all captures take from now on.
    Bound(u64),
    /// It is over; so many packets never came here.
    Close { capture: u64, lost: u64 },
}

/// What is known of a capture at its beginning.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) call: String,
    pub(super) trunk: String,
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) moment: Moment,
    pub(super) spoken: Spoken,
}

/// What became of captures and their packets.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    complete: [AtomicU64; 2],
    incomplete: [AtomicU64; 2],
    refused: [AtomicU64; 2],
    lost_in_ring: AtomicU64,
    lost_in_queue: AtomicU64,
    lost_on_disk: AtomicU64,
    removed: AtomicU64,
    used_bytes: AtomicU64,
}

impl Counts {
    /// Captures by kind and what became of them.
    pub(crate) fn captures(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        Kind::ALL.into_iter().flat_map(|kind| {
            let of = |counts: &[AtomicU64; 2]| {
                let count = counts.get(kind as usize);
                count.map_or(0, |count| count.load(Ordering::Relaxed))
            };
            [
                (kind.name(), "complete", of(&self.complete)),
                (kind.name(), "incomplete", of(&self.incomplete)),
                (kind.name(), "refused", of(&self.refused)),
            ]
        })
    }

    /// Packets that are in no capture although they should be, by where they were lost.
    pub(crate) fn lost(&self) -> [(&'static str, u64); 3] {
        [
            ("ring_full", self.lost_in_ring.load(Ordering::Relaxed)),
            ("queue_full", self.lost_in_queue.load(Ordering::Relaxed)),
            ("disk", self.lost_on_disk.load(Ordering::Relaxed)),
        ]
    }

    /// Captures that made room for newer ones.
    pub(crate) fn removed(&self) -> u64 {
        self.removed.load(Ordering::Relaxed)
    }

    /// What all captures take on disk.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn refuse(&self, kind: Kind) {
        add(&self.refused, kind);
    }

    pub(super) fn ring_full(&self, packets: u64) {
        self.lost_in_ring.fetch_add(packets, Ordering::Relaxed);
    }
}

fn add(counts: &[AtomicU64; 2], kind: Kind) {
    if let Some(count) = counts.get(kind as usize) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The thread, as seen by who gives it work.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    waiting: Arc<AtomicUsize>,
    counts: Arc<Counts>,
    /// Rings that were written, to be used again.
    spare: mpsc::Receiver<Rings>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Opens the folder and starts the thread.
    ///
    /// **Errors**: the folder can't be made, read or written; the system gives no thread.
    pub(super) fn start(folder: &Path, max_bytes: u64) -> io::Result<Writer> {
        let shelf = Shelf::open(folder, max_bytes)?;
        let (jobs, queue) = mpsc::channel();
        let (written, spare) = mpsc::sync_channel(SPARE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counts = Arc::new(Counts::default());
        let mut desk = Desk {
            shelf,
            open: HashMap::new(),
            counts: Arc::clone(&counts),
        };
        let queued = Arc::clone(&waiting);
        let thread = std::thread::Builder::new()
            .name("captures".into())
            .spawn(move || {
                for job in queue {
                    if let Some(rings) = desk.take(job) {
                        queued.fetch_sub(1, Ordering::Relaxed);
                        // More than are needed again are given back to the system.
                        let _ = written.try_send(rings);
                    }
                }
                desk.close_all();
            })?;
        Ok(Writer {
            jobs: Some(jobs),
            waiting,
            counts,
            spare,
            thread: Some(thread),
        })
    }

    pub(super) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// A ring that was written and may be used again.
    pub(super) fn spare(&self) -> Option<Rings> {
        self.spare.try_recv().ok()
    }

    /// Gives the thread a job that is never dropped.
    pub(super) fn tell(&self, job: Job) {
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        if !matches!(sent, Some(Ok(()))) {
            tracing::error!("the thread of captures is gone");
        }
    }

    /// Hands packets over. Gives how many are lost since too much waits already.
    pub(super) fn write(&self, capture: u64, rings: Rings) -> u64 {
        if self.waiting.load(Ordering::Relaxed) >= WAITING {
            let lost = rings.packets().count() as u64;
            self.counts.lost_in_queue.fetch_add(lost, Ordering::Relaxed);
            return lost;
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.tell(Job::Packets { capture, rings });
        0
    }

    /// Waits until all is written.
    pub(super) async fn close(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // The thread ends by itself once the queue is empty.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// The thread's own: the folder and the captures that are being written.
#[derive(Debug)]
struct Desk {
    shelf: Shelf,
    open: HashMap<u64, Capture>,
    counts: Arc<Counts>,
}

struct Capture {
    about: About,
    head: Head,
    name: String,
    file: File,
    pcap: squelch_pcap::Writer<Vec<u8>>,
    /// Only of a fault.
    tracks: Option<Tracks>,
    began: Option<Instant>,
    last: Option<Instant>,
    /// On disk, with what is reserved for the JSON.
    bytes: u64,
    told: bool,
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Desk {
    /// Does a job; gives rings back that are done with.
    fn take(&mut self, job: Job) -> Option<Rings> {
        let mut done = None;
        match job {
            Job::Open {
                capture,
                name,
                head,
            } => {
                let kind = head.kind;
                match Capture::open(&mut self.shelf, name, *head) {
                    Ok(opened) => {
                        self.open.insert(capture, opened);
                    }
                    Err((name, error)) => {
                        tracing::error!(%error, capture = name, "a capture could not be begun");
                        self.counts.refuse(kind);
                    }
                }
            }
            Job::Packets { capture, mut rings } => {
                let lost = match self.open.get_mut(&capture) {
                    Some(capture) => capture.write(&mut self.shelf, &rings),
                    None => rings.packets().count() as u64,
                };
                self.counts.lost_on_disk.fetch_add(lost, Ordering::Relaxed);
                rings.clear();
                done = Some(rings);
            }
            Job::Found {
                capture,
                at,
                leg,
                finding,
            } => {
                if let Some(capture) = self.open.get_mut(&capture)
                    && capture.about.findings.len() < MOST_FINDINGS
                {
                    let found = Found::new(at, leg, &finding);
                    capture.about.findings.push(found);
                }
            }
            Job::Bound(max_bytes) => self.shelf.bound(max_bytes),
            Job::Close { capture, lost } => {
                if let Some(capture) = self.open.remove(&capture) {
                    self.close(capture, lost);
                }
            }
        }
        let (removed, used) = (self.shelf.removed(), self.shelf.used_bytes());
        self.counts.removed.store(removed, Ordering::Relaxed);
        self.counts.used_bytes.store(used, Ordering::Relaxed);
        done
    }

    fn close(&mut self, mut capture: Capture, lost: u64) {
        capture.about.packets_lost += lost;
        let kind = capture.head.kind;
        let whole = capture.finish(&mut self.shelf);
        let counts = match whole {
            true => &self.counts.complete,
            false => &self.counts.incomplete,
        };
        add(counts, kind);
        self.shelf.finish(capture.name, capture.bytes);
    }

    /// The process ends: what is open is all there will be of it.
    fn close_all(&mut self) {
        for (_, capture) in std::mem::take(&mut self.open) {
            self.close(capture, 0);
        }
    }
}

impl Capture {
    fn open(shelf: &mut Shelf, name: String, head: Head) -> Result<Capture, (String, io::Error)> {
        let failed = |error| (name.clone(), error);
        let bytes = JSON_BYTES + PCAP_HEADER_BYTES;
        if !shelf.take(bytes) {
            return Err(failed(full()));
        }
        let pcap = format!("{name}.pcap");
        let file = shelf.create(&pcap).map_err(failed)?;
        let about = About {
            call: head.call.clone(),
            trunk: head.trunk.clone(),
            kind: head.kind,
            complete: false,
            from: None,
            to: None,
            packets: 0,
            packets_lost: 0,
            squelch: head.place.into(),
            findings: Vec::new(),
            files: vec![pcap],
        };
        let mut capture = Capture {
            about,
            tracks: (head.kind == Kind::Fault).then(|| Tracks::new(head.spoken)),
            head,
            pcap: squelch_pcap::Writer::new(Vec::new()).map_err(failed)?,
            name: name.clone(),
            file,
            began: None,
            last: None,
            bytes,
            told: false,
        };
        // Its header, so that a capture of nothing is one.
        let header = std::mem::take(capture.pcap.sink_mut());
        capture.file.write_all(&header).map_err(failed)?;
        capture.tell(shelf);
        Ok(capture)
    }

    /// Writes the packets of one ring behind what is there, in one go: a process that is killed leaves no half packet.
    /// Gives how many could not be written.
    fn write(&mut self, shelf: &mut Shelf, rings: &Rings) -> u64 {
        let mut packets = 0;
        for (leg, tapped) in rings.packets() {
            packets += 1;
            if self.frame(leg, &tapped).is_err() {
                self.about.packets_lost += 1;
            }
        }
        if packets == 0 {
            return 0;
        }
        let frames = std::mem::take(self.pcap.sink_mut());
        let written = match shelf.take(frames.len() as u64) {
            true => self.file.write_all(&frames),
            false => Err(full()),
        };
        match written {
            Ok(()) => {
                self.bytes += frames.len() as u64;
                self.about.packets += packets;
                for (leg, tapped) in rings.packets() {
                    let began = *self.began.get_or_insert(tapped.at);
                    self.last = Some(tapped.at);
                    if let Some(tracks) = &mut self.tracks {
                        let since = tapped.at.saturating_duration_since(began);
                        tracks.push(since, leg, tapped.way, tapped.packet);
                    }
                }
                0
            }
            Err(error) => {
                self.about.packets_lost += packets;
                if !self.told {
                    self.told = true;
                    let name = &self.name;
                    tracing::error!(%error, capture = name, "a capture could not be written on");
                }
                packets
            }
        }
    }

    fn frame(&mut self, leg: Side, tapped: &Tapped<'_>) -> io::Result<()> {
        let peer = canonical(tapped.peer);
        let own = self.head.place.towards(leg, peer);
        let (from, to) = match tapped.way {
            Way::Received => (peer, own),
            Way::Sent => (own, peer),
        };
        let at = self.head.moment.epoch(tapped.at);
        self.pcap.write(at, from, to, tapped.packet)
    }

    /// The sounds and the last word. Gives whether all there was is on disk.
    fn finish(&mut self, shelf: &mut Shelf) -> bool {
        let mut whole = self.about.packets_lost == 0;
        for (ending, sound) in self.tracks.take().into_iter().flat_map(Tracks::sounds) {
            let file_name = format!("{}{ending}", self.name);
            let mut bytes = Cursor::new(Vec::new());
            let made = sound.write_into(&mut bytes).map_err(io::Error::other);
            let bytes = bytes.into_inner();
            let written = made.and_then(|()| match shelf.take(bytes.len() as u64) {
                true => shelf.create(&file_name)?.write_all(&bytes),
                false => Err(full()),
            });
            match written {
                Ok(()) => {
                    self.bytes += bytes.len() as u64;
                    self.about.files.push(file_name);
                }
                Err(error) => {
                    whole = false;
                    tracing::error!(%error, file = file_name, "a capture's sound could not be written");
                }
            }
        }
        self.about.complete = whole;
        self.tell(shelf);
        whole
    }

    /// Writes the JSON anew.
    fn tell(&mut self, shelf: &Shelf) {
        let wall = |at: Instant| rfc3339(self.head.moment.wall(at));
        self.about.from = self.began.map(wall);
        self.about.to = self.last.map(wall);
        let json = serde_json::to_vec_pretty(&self.about).unwrap_or_default();
        if let Err(error) = shelf.put(&format!("{}.json", self.name), &json) {
            let name = &self.name;
            tracing::error!(%error, capture = name, "a capture's JSON could not be written");
        }
    }
}

fn full() -> io::Error {
    let message = "[tap] max_bytes is reached, and only captures that are being written are left";
    io::Error::new(io::ErrorKind::StorageFull, message)
}

/// Room for the JSON: [`MOST_FINDINGS`] take 4 kB.
const JSON_BYTES: u64 = 8_192;
const MOST_FINDINGS: usize = 20;
const PCAP_HEADER_BYTES: u64 = 24;
/// Rings that wait to be used again: a recorded call needs one a second.
const SPARE: usize = 64;
