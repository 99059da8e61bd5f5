//! A user agent for one call, written a second time from RFC 3261: transactions, dialog, timers.
//!
//! It knows no story: it is told what to do ([`Phone::call`], [`Phone::answer`], ...) and says what
//! happened ([`Mark`]). What it finds wrong with the gateway's messages goes to `faults`.

mod receive;
mod send;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::plot::Mark;
use super::text::Text;

/// Which end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Caller,
    Callee,
}

/// What the phone waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// The story.
    Idle,
    /// A final response to its INVITE.
    Calling,
    /// The story, to answer or refuse.
    Ringing,
    /// The ACK of its 200.
    Answered,
    /// A BYE of either side.
    Up,
    /// The answer to its BYE.
    Ending,
    /// Nothing.
    Over,
}

/// One end of one call.
#[derive(Debug)]
pub(super) struct Phone {
    pub(super) role: Role,
    /// Which call of the trial.
    pub(super) scene: usize,
    /// Which of an INVITE's forks.
    pub(super) fork: u32,
    /// Another fork has answered: a proxy passes no refusal on after that.
    pub(super) fork_answered: bool,
    pub(super) life: Life,
    pub(super) habits: Habits,
    /// It refuses with this as soon as it is called.
    pub(super) refuses: Option<u16>,
    /// The stream that the gateway's last message came on.
    pub(super) pipe: Option<usize>,
    /// What goes out.
    pub(super) outbox: Vec<Bytes>,
    /// What happened.
    pub(super) marks: Vec<Mark>,
    /// What the gateway should not have sent.
    pub(super) faults: Vec<String>,
    /// Requests that nobody answered, responses that nobody acknowledged.
    pub(super) unanswered: Vec<String>,
    /// The final status of its INVITE.
    pub(super) refused: Option<u16>,
    /// Whether the call was answered, as far as this side knows.
    pub(super) was_up: bool,
    me: SocketAddr,
    via: &'static str,
    pub(super) call_id: String,
    local: String,
    pub(super) local_tag: String,
    remote: String,
    pub(super) remote_tag: Option<String>,
    /// The tag of the last provisional response.
    early_tag: Option<String>,
    /// Where requests in the dialog are addressed.
    target: String,
    cseq: u32,
    remote_cseq: u32,
    branches: u32,
    sent: Vec<Sent>,
    served: Vec<Served>,
    acks: Vec<(u32, Bytes)>,
    /// The INVITE that counts: a second one follows a challenge.
    main_cseq: u32,
    offer: String,
    hops: u32,
    /// What ties the call to its webhook.
    pub(super) token: String,
    vanished: bool,
    /// It has answered a challenge.
    proved: bool,
    /// Reliable provisional responses: the last one acknowledged, whether one held a description,
    /// and ours that waits for its PRACK.
    rseq: u32,
    described: bool,
    reliable: Option<Reliable>,
    /// The answer that waits for that PRACK.
    answer_waits: bool,
    may_prack: bool,
    cancel_wanted: bool,
    bye_wanted: bool,
    /// An INVITE without offer is answered with one; the ACK answers that.
    offers_late: bool,
    /// When the human gives up, and when a CANCEL without effect is taken for one with.
    patience: Option<Instant>,
}

/// How a phone differs from a good one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// It acknowledges final responses.
    pub(super) acknowledges: bool,
    /// It answers an INVITE at all.
    pub(super) hears: bool,
    /// It asks for digest, or answers with this.
    pub(super) challenges: bool,
    pub(super) password: &'static str,
    /// Header lines of its INVITE or its 200.
    pub(super) says: &'static str,
}

/// A provisional response of ours that waits for its PRACK.
#[derive(Debug)]
struct Reliable {
    bytes: Bytes,
    again: Instant,
    interval: Duration,
    until: Instant,
}

/// A request of ours.
#[derive(Debug)]
struct Sent {
    method: &'static str,
    at: Instant,
    branch: String,
    cseq: u32,
    uri: String,
    bytes: Bytes,
    progress: Progress,
    /// The INVITE got no call.
    refused: bool,
    again: Option<Instant>,
    interval: Duration,
    until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Trying,
    Proceeding,
    Done,
}

/// A request of the gateway's.
#[derive(Debug)]
struct Served {
    method: String,
    branch: String,
    cseq: u32,
    uri: String,
    /// The headers that responses copy.
    echo: String,
    /// Its To, without tag.
    to: String,
    /// Its Session-Expires line, which a 2xx gives back.
    session: String,
    /// It opens a call.
    opens: bool,
    status: u16,
    reply: Option<Bytes>,
    acknowledged: bool,
    again: Option<Instant>,
    interval: Duration,
    until: Option<Instant>,
}

impl Phone {
    /// A phone that will call.
    pub(super) fn caller(scene: usize, me: SocketAddr, number: u64, habits: Habits) -> Phone {
        let local = format!("<sip:+1555000{scene:04}@carrier.example>");
        let remote = "<sip:+15559870000@192.0.2.2>".into();
        Phone::new(
            Role::Caller,
            scene,
            me,
            "UDP",
            number,
            habits,
            local,
            remote,
        )
    }

    /// A phone that an INVITE reached; `via` is what it came over.
    pub(super) fn callee(
        scene: usize,
        fork: u32,
        me: SocketAddr,
        via: &'static str,
        number: u64,
        habits: Habits,
        invite: &Text<'_>,
    ) -> Phone {
        let local = invite.header("To").unwrap_or_default().to_owned();
        let from = invite.header("From").unwrap_or_default();
        let remote = from.split(";tag=").next().unwrap_or_default().to_owned();
        let role = Role::Callee;
        let mut phone = Phone::new(role, scene, me, via, number, habits, local, remote);
        phone.fork = fork;
        phone.call_id = invite.call_id().to_owned();
        phone.remote_tag = Some(invite.tag_from().to_owned());
        let supported = invite.all("Supported").any(|s| s.contains("100rel"));
        phone.may_prack = supported;
        phone.target = invite.contact().unwrap_or_default().to_owned();
        if phone.target.is_empty() {
            phone.faults.push("an INVITE without Contact".into());
        }
        phone
    }

    #[expect(clippy::too_many_arguments, reason = "both constructors tell all")]
    fn new(
        role: Role,
        scene: usize,
        me: SocketAddr,
        via: &'static str,
        number: u64,
        habits: Habits,
        local: String,
        remote: String,
    ) -> Phone {
        Phone {
            role,
            scene,
            fork: 0,
            fork_answered: false,
            life: Life::Idle,
            habits,
            refuses: None,
            pipe: None,
            outbox: Vec::new(),
            marks: Vec::new(),
            faults: Vec::new(),
            unanswered: Vec::new(),
            refused: None,
            was_up: false,
            me,
            via,
            call_id: format!("{number:016x}@peer"),
            local,
            local_tag: format!("t{number:016x}"),
            remote,
            remote_tag: None,
            early_tag: None,
            target: "sip:+15559870000@192.0.2.2".into(),
            cseq: 1 + (number % 1_000) as u32,
            remote_cseq: 0,
            branches: 0,
            sent: Vec::new(),
            served: Vec::new(),
            acks: Vec::new(),
            main_cseq: 0,
            offer: String::new(),
            hops: 70,
            token: String::new(),
            vanished: false,
            proved: false,
            rseq: 0,
            described: false,
            reliable: None,
            answer_waits: false,
            may_prack: false,
            cancel_wanted: false,
            bye_wanted: false,
            offers_late: false,
            patience: None,
        }
    }

    /// Whether a message is this phone's.
    pub(super) fn owns(&self, text: &Text<'_>) -> bool {
        if self.call_id != text.call_id() {
            return false;
        }
        match text.status() {
            Some(_) => text.tag_from() == self.local_tag,
            // An INVITE, its CANCEL and the ACK of a refusal reach every fork.
            None => text.tag_to().is_none_or(|tag| tag == self.local_tag),
        }
    }

    /// When [`Phone::handle_timeout`] is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let sent = self.sent.iter().flat_map(|sent| [sent.again, sent.until]);
        let served = self.served.iter().flat_map(|s| [s.again, s.until]);
        let reliable = self.reliable.as_ref().map(|r| r.again.min(r.until));
        let all = sent.chain(served).chain([self.patience, reliable]);
        all.flatten().min()
    }

    /// Repeats what is due to be repeated and gives up what took too long.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.repeat(now);
        self.give_up_requests(now);
        self.give_up_responses(now);
        self.repeat_provisional(now);
        if self.patience.is_some_and(|at| at <= now) {
            self.patience = None;
            match self.life {
                Life::Calling if self.cancel_is_out() => {
                    self.unanswered.push("CANCEL, or its INVITE".into());
                    self.finish_invite();
                    self.over();
                }
                Life::Calling => self.cancel(now),
                Life::Ringing => self.refuse(now, 480),
                _ => {}
            }
        }
    }

    fn repeat(&mut self, now: Instant) {
        for sent in &mut self.sent {
            if sent.again.is_some_and(|at| at <= now) {
                let doubled = sent.interval * 2;
                sent.interval = match (sent.method, sent.progress) {
                    ("INVITE", _) => doubled,
                    (_, Progress::Trying) => doubled.min(T2),
                    _ => T2,
                };
                sent.again = Some(now + sent.interval);
                self.outbox.push(sent.bytes.clone());
            }
        }
        for served in &mut self.served {
            if served.again.is_some_and(|at| at <= now) {
                served.interval = (served.interval * 2).min(T2);
                served.again = Some(now + served.interval);
                self.outbox.extend(served.reply.clone());
            }
        }
    }

    fn give_up_requests(&mut self, now: Instant) {
        for at in 0..self.sent.len() {
            let Some(sent) = self.sent.get_mut(at) else {
                return;
            };
            if sent.until.is_none_or(|until| until > now) {
                continue;
            }
            (sent.again, sent.until, sent.progress) = (None, None, Progress::Done);
            let (method, life) = (sent.method, self.life);
            // Who hangs up on a re-INVITE of its own need not be told how it went.
            if (method, life) != ("INVITE", Life::Over) {
                self.unanswered.push(method.into());
            }
            match (method, life) {
                ("BYE", Life::Ending) | ("INVITE", Life::Calling) => self.over(),
                ("INVITE", Life::Up) => self.hang_up(now),
                _ => {}
            }
        }
    }

    fn give_up_responses(&mut self, now: Instant) {
        for at in 0..self.served.len() {
            let Some(served) = self.served.get_mut(at) else {
                return;
            };
            if served.until.is_none_or(|until| until > now) {
                continue;
            }
            (served.again, served.until) = (None, None);
            let status = served.status;
            self.unanswered.push(format!("{status} to INVITE"));
            if status < 300 && matches!(self.life, Life::Answered | Life::Up) {
                self.life = Life::Up;
                self.hang_up(now);
            }
        }
    }

    fn repeat_provisional(&mut self, now: Instant) {
        let Some(reliable) = &mut self.reliable else {
            return;
        };
        if reliable.until <= now {
            self.unanswered
                .push("a reliable provisional response".into());
            return self.refuse(now, 500);
        }
        if reliable.again <= now {
            reliable.interval *= 2;
            reliable.again = now + reliable.interval;
            self.outbox.push(reliable.bytes.clone());
        }
    }

    /// Is not there any more, without a word.
    pub(super) fn vanish(&mut self) {
        self.vanished = true;
        self.sent.clear();
        self.served.clear();
        self.over();
    }

    fn over(&mut self) {
        if self.life != Life::Over {
            self.life = Life::Over;
            (self.patience, self.reliable) = (None, None);
            self.marks.push(Mark::Over);
        }
    }

    fn is_reliable(&self) -> bool {
        self.via != "UDP"
    }

    fn contact(&self) -> String {
        let transport = match self.via {
            "UDP" => "",
            "TCP" => ";transport=tcp",
            _ => ";transport=tls",
        };
        format!("<sip:peer@{}{transport}>", self.me)
    }
}

// RFC 3261 table 4.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const GIVE_UP: Duration = Duration::from_secs(32);
/// A caller hangs up on a call that nobody answers. Longer than `[limits] ring`.
const CALLERS_PATIENCE: Duration = Duration::from_secs(100);
/// OpenAI refuses a call that nobody accepts. Longer than `[limits] ring`.
const CALLEES_PATIENCE: Duration = Duration::from_secs(90);
