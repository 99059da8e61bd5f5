//! Whose rings are fetched when, and which capture they go to.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use squelch_call::{CallId, CallName};
use squelch_media::detect::Finding;
use squelch_media::{Format, MediaPlan, Rings, Side, TapFor};

use super::about::Kind;
use super::place::{Moment, Place};
use super::sound::Spoken;
use super::writer::{Counts, Head, Job, Writer};
use crate::config::Tap;

/// Rings to be put into a call's media path; those that were there come back to [`Keeper::rings`].
#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) call: CallId,
    pub(crate) what_for: TapFor,
    pub(crate) rings: Option<Rings>,
}

/// Something for a call's record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) call: CallId,
    pub(crate) event: &'static str,
    pub(crate) detail: String,
}

/// Why a call is not recorded when somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotRecorded {
    /// There is no folder for it.
    #[error("the configuration has no [tap]: write path = \"captures\" in it")]
    NoTap,
    /// No call of that id has media at present.
    #[error("no call of that id is up")]
    NoCall,
    /// It is not being recorded, or just no longer.
    #[error("the call is not being recorded")]
    NotRunning,
    /// The last recording is not closed yet.
    #[error("the last recording is being closed: ask again")]
    Closing,
}

/// What the gateway's task knows of captures.
///
/// After each call of it, [`Keeper::poll_fetch`] and [`Keeper::poll_note`] are drained.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    on: Option<On>,
    bound: HashMap<CallId, (SocketAddr, SocketAddr)>,
    calls: HashMap<CallId, Kept>,
    /// Calls by the id in their records.
    ids: HashMap<String, CallId>,
    due: BTreeSet<(Instant, CallId, TapFor)>,
    next_capture: u64,
    faults_open: usize,
    fetches: VecDeque<Fetch>,
    notes: VecDeque<Note>,
}

#[derive(Debug)]
struct On {
    tap: Tap,
    public: Option<IpAddr>,
    writer: Writer,
}

/// A call with media.
#[derive(Debug)]
struct Kept {
    name: CallName,
    spoken: Spoken,
    place: Place,
    moment: Moment,
    /// Captures so far; they are numbered.
    captures: u32,
    of_faults: u32,
    fault: Option<Capture>,
    recording: Option<Capture>,
}

#[derive(Debug)]
struct Capture {
    number: u64,
    name: String,
    /// Fetched, and not come yet.
    awaited: u32,
    /// Nothing more is fetched; closed with the last that is awaited.
    closing: bool,
    lost: u64,
}

impl Keeper {
    /// With a folder to write to, or none. `public` is the address in SDP.
    ///
    /// **Errors**: the folder can't be made, read or written; the system gives no thread.
    pub(crate) fn new(tap: Option<&Tap>, public: Option<IpAddr>) -> io::Result<Keeper> {
        let on = |tap: &Tap| -> io::Result<On> {
            Ok(On {
                tap: tap.clone(),
                public,
                writer: Writer::start(&tap.path, tap.max_bytes)?,
            })
        };
        Ok(Keeper {
            on: tap.map(on).transpose()?,
            ..Keeper::default()
        })
    }

    /// Other bounds from now on. Another folder, or one where there was none, takes a restart.
    pub(crate) fn reload(&mut self, tap: Option<&Tap>) {
        if let (Some(on), Some(tap)) = (&mut self.on, tap)
            && on.tap.path == tap.path
        {
            on.tap = tap.clone();
            on.writer.tell(Job::Bound(tap.max_bytes));
        }
    }

    /// What became of captures; `None` where there are none.
    pub(crate) fn counts(&self) -> Option<&Arc<Counts>> {
        self.on.as_ref().map(|on| on.writer.counts())
    }

    /// A call's ports are bound.
    pub(crate) fn bound(&mut self, call: CallId, carrier: SocketAddr, openai: SocketAddr) {
        if self.on.is_some() {
            self.bound.insert(call, (carrier, openai));
        }
    }

    /// A call is over that never had media.
    pub(crate) fn released(&mut self, call: CallId) {
        self.bound.remove(&call);
    }

    /// A call's media start.
    pub(crate) fn started(
        &mut self,
        (now, wall): (Instant, SystemTime),
        call: CallId,
        name: Option<CallName>,
        plan: &MediaPlan,
    ) {
        let (Some(on), Some(bound), Some(name)) = (&self.on, self.bound.remove(&call), name) else {
            return;
        };
        let is_recorded = name.is_recorded;
        self.ids.insert(name.id.clone(), call);
        let kept = Kept {
            name,
            spoken: spoken(plan),
            place: Place::new(bound, on.public),
            moment: Moment::new(now, wall),
            captures: 0,
            of_faults: 0,
            fault: None,
            recording: None,
        };
        if !on.tap.ring.is_zero() {
            self.fetches.push_back(Fetch {
                call,
                what_for: TapFor::Fault,
                rings: Some(Rings::new(on.tap.ring, kept.formats())),
            });
        }
        self.calls.insert(call, kept);
        if is_recorded {
            // It has just been put there.
            let _ = self.begin_recording(now, call);
        }
    }

    /// A signalled change.
    pub(crate) fn updated(&mut self, call: CallId, plan: &MediaPlan) {
        if let Some(kept) = self.calls.get_mut(&call) {
            kept.spoken = spoken(plan);
        }
    }

    /// A fault was found in what a leg sent. What is advisory makes no capture.
    pub(crate) fn fault(
        &mut self,
        (now, wall): (Instant, SystemTime),
        call: CallId,
        leg: Side,
        finding: &Finding,
    ) {
        let (Some(on), Some(kept)) = (&self.on, self.calls.get_mut(&call)) else {
            return;
        };
        if on.tap.ring.is_zero() || !finding.fault.acts() {
            return;
        }
        let found = |capture| Job::Found {
            capture,
            at: wall,
            leg,
            finding: Box::new(*finding),
        };
        if let Some(capture) = &kept.fault {
            on.writer.tell(found(capture.number));
            return;
        }
        let mut refuse = |why: String| {
            on.writer.counts().refuse(Kind::Fault);
            self.notes.push_back(Note {
                call,
                event: "capture",
                detail: format!("none of {}: {why}", finding.fault.name()),
            });
        };
        if kept.of_faults >= MOST_A_CALL {
            if kept.of_faults == MOST_A_CALL {
                kept.of_faults += 1;
                refuse(format!("this call has had {MOST_A_CALL}"));
            }
            return;
        }
        if self.faults_open >= MOST_OPEN {
            refuse(format!("{MOST_OPEN} are being written"));
            return;
        }
        kept.of_faults += 1;
        self.faults_open += 1;
        self.next_capture += 1;
        let capture = kept.open(
            &on.writer,
            self.next_capture,
            finding.fault.name(),
            Kind::Fault,
        );
        on.writer.tell(found(capture.number));
        let (before, after) = (on.tap.ring.as_secs_f64(), AFTER.as_secs());
        let detail = format!(
            "{}.pcap: {before} s before and {after} s after",
            capture.name
        );
        self.notes.push_back(Note {
            call,
            event: "capture",
            detail,
        });
        kept.fault = Some(capture);
        let formats = kept.formats();
        self.due.insert((now + AFTER, call, TapFor::Fault));
        self.fetch(
            call,
            TapFor::Fault,
            Some(Rings::new(AFTER + SPARE, formats)),
        );
    }

    /// Rings came from a call's media path.
    pub(crate) fn rings(&mut self, call: CallId, what_for: TapFor, rings: Rings) {
        let (Some(on), Some(kept)) = (&self.on, self.calls.get_mut(&call)) else {
            return;
        };
        let Some(capture) = kept.capture(what_for) else {
            return;
        };
        capture.awaited = capture.awaited.saturating_sub(1);
        // The ring of faults is made to forget; a recording's is not.
        if what_for == TapFor::Recording {
            capture.lost += rings.overwritten();
            on.writer.counts().ring_full(rings.overwritten());
        }
        capture.lost += on.writer.write(capture.number, rings);
        if capture.closing && capture.awaited == 0 {
            self.close(call, what_for);
        }
    }

    /// Begins to record a call, by the id in its record. Gives the file's name.
    ///
    /// **Errors**: there is nowhere to write, no such call, or its last recording is being closed.
    pub(crate) fn record(&mut self, now: Instant, id: &str) -> Result<String, NotRecorded> {
        let call = self.up(id)?;
        self.begin_recording(now, call)
    }

    /// Ends a call's recording.
    ///
    /// **Errors**: there is none.
    pub(crate) fn stop(&mut self, id: &str) -> Result<String, NotRecorded> {
        let call = self.up(id)?;
        let kept = self.calls.get_mut(&call).ok_or(NotRecorded::NoCall)?;
        let recording = kept.recording.as_mut().ok_or(NotRecorded::NotRunning)?;
        if recording.closing {
            return Err(NotRecorded::NotRunning);
        }
        recording.closing = true;
        let name = format!("{}.pcap", recording.name);
        self.due
            .retain(|due| (due.1, due.2) != (call, TapFor::Recording));
        self.fetch(call, TapFor::Recording, None);
        Ok(name)
    }

    /// A call's media are over, and all its rings have come.
    pub(crate) fn ended(&mut self, call: CallId) {
        self.due.retain(|due| due.1 != call);
        for what_for in TapFor::ALL {
            self.close(call, what_for);
        }
        if let Some(kept) = self.calls.remove(&call) {
            self.ids.remove(&kept.name.id);
        }
    }

    /// A call is over, whether or not its media worker still told of it.
    pub(crate) fn forget(&mut self, id: &str) {
        if let Some(call) = self.ids.get(id).copied() {
            self.ended(call);
        }
    }

    /// When [`Keeper::handle_timeout`] wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|due| due.0)
    }

    /// Fetches what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, call, what_for)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            let (Some(on), Some(kept)) = (&self.on, self.calls.get_mut(&call)) else {
                continue;
            };
            let (formats, ring) = (kept.formats(), on.tap.ring);
            let Some(capture) = kept.capture(what_for) else {
                continue;
            };
            let rings = match what_for {
                TapFor::Fault => {
                    capture.closing = true;
                    Rings::new(ring, formats)
                }
                TapFor::Recording => {
                    self.due.insert((now + EVERY, call, what_for));
                    // A worker that is behind is not asked for more.
                    if capture.awaited > 0 {
                        continue;
                    }
                    on.recording_rings(formats)
                }
            };
            self.fetch(call, what_for, Some(rings));
        }
    }

    /// The next rings to put into a media path.
    pub(crate) fn poll_fetch(&mut self) -> Option<Fetch> {
        self.fetches.pop_front()
    }

    /// The next word for a record.
    pub(crate) fn poll_note(&mut self) -> Option<Note> {
        self.notes.pop_front()
    }

    /// Waits until all is written.
    pub(crate) async fn finish(&mut self) {
        if let Some(on) = &mut self.on {
            on.writer.close().await;
        }
    }

    fn up(&self, id: &str) -> Result<CallId, NotRecorded> {
        if self.on.is_none() {
            return Err(NotRecorded::NoTap);
        }
        self.ids.get(id).copied().ok_or(NotRecorded::NoCall)
    }

    fn begin_recording(&mut self, now: Instant, call: CallId) -> Result<String, NotRecorded> {
        let on = self.on.as_ref().ok_or(NotRecorded::NoTap)?;
        let kept = self.calls.get_mut(&call).ok_or(NotRecorded::NoCall)?;
        match &kept.recording {
            Some(recording) if recording.closing => return Err(NotRecorded::Closing),
            Some(recording) => return Ok(format!("{}.pcap", recording.name)),
            None => {}
        }
        self.next_capture += 1;
        let capture = kept.open(&on.writer, self.next_capture, "recording", Kind::Recording);
        let name = format!("{}.pcap", capture.name);
        kept.recording = Some(capture);
        self.notes.push_back(Note {
            call,
            event: "recording",
            detail: format!("{name}: begun"),
        });
        self.fetches.push_back(Fetch {
            call,
            what_for: TapFor::Recording,
            rings: Some(on.recording_rings(kept.formats())),
        });
        self.due.insert((now + EVERY, call, TapFor::Recording));
        Ok(name)
    }

    /// Has rings fetched that belong to a capture.
    fn fetch(&mut self, call: CallId, what_for: TapFor, rings: Option<Rings>) {
        let capture = self
            .calls
            .get_mut(&call)
            .and_then(|kept| kept.capture(what_for));
        if let Some(capture) = capture {
            capture.awaited += 1;
        }
        self.fetches.push_back(Fetch {
            call,
            what_for,
            rings,
        });
    }

    fn close(&mut self, call: CallId, what_for: TapFor) {
        let (Some(on), Some(kept)) = (&self.on, self.calls.get_mut(&call)) else {
            return;
        };
        let Some(capture) = kept.place(what_for).take() else {
            return;
        };
        on.writer.tell(Job::Close {
            capture: capture.number,
            lost: capture.lost,
        });
        let lost = match capture.lost {
            0 => String::new(),
            lost => format!(", {lost} packets are missing"),
        };
        let note = match what_for {
            TapFor::Fault => {
                self.faults_open -= 1;
                (capture.lost > 0)
                    .then(|| ("capture", format!("{}.pcap: written{lost}", capture.name)))
            }
            TapFor::Recording => Some(("recording", format!("{}.pcap: ended{lost}", capture.name))),
        };
        self.notes.extend(note.map(|(event, detail)| Note {
            call,
            event,
            detail,
        }));
    }
}

impl On {
    fn recording_rings(&self, formats: [Format; 2]) -> Rings {
        // Those that were written may be of another kind.
        let wanted = (EVERY + SPARE, formats);
        match self.writer.spare() {
            Some(rings) if rings.made_for() == wanted => rings,
            _ => Rings::new(EVERY + SPARE, formats),
        }
    }
}

impl Kept {
    fn formats(&self) -> [Format; 2] {
        self.spoken.map(|(_, format)| format)
    }

    fn place(&mut self, what_for: TapFor) -> &mut Option<Capture> {
        match what_for {
            TapFor::Fault => &mut self.fault,
            TapFor::Recording => &mut self.recording,
        }
    }

    fn capture(&mut self, what_for: TapFor) -> Option<&mut Capture> {
        self.place(what_for).as_mut()
    }

    fn open(&mut self, writer: &Writer, number: u64, what: &str, kind: Kind) -> Capture {
        self.captures += 1;
        let name = format!("{}-{}-{what}", self.name.id, self.captures);
        let head = Head {
            call: self.name.id.clone(),
            trunk: self.name.trunk.clone(),
            kind,
            place: self.place,
            moment: self.moment,
            spoken: self.spoken,
        };
        writer.tell(Job::Open {
            capture: number,
            name: name.clone(),
            head: Box::new(head),
        });
        Capture {
            number,
            name,
            awaited: 0,
            closing: false,
            lost: 0,
        }
    }
}

fn spoken(plan: &MediaPlan) -> Spoken {
    [&plan.carrier, &plan.openai].map(|leg| (leg.payload_type, leg.format))
}

/// How long after a finding a capture goes on: what the guard made of it is heard in the first second, a mended
/// session within three.
const AFTER: Duration = Duration::from_secs(5);
/// How often a recording is written: what a killed process loses of it.
const EVERY: Duration = Duration::from_secs(1);
/// By how much a worker or this task may be late without a loss.
const SPARE: Duration = Duration::from_secs(3);
/// Captures of faults that one call makes: one that flaps pushes no others off the disk.
const MOST_A_CALL: u32 = 10;
/// Captures of faults at once: when OpenAI breaks a thousand calls, so many tell why.
const MOST_OPEN: usize = 32;
