//! The world of one trial: the gateway, phones, two networks, an API and the time.

mod network;
mod outside;
mod strangers;

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use squelch_call::{CallId, CallRecord, ExchangeId, FetchId, Gateway, Input};
use squelch_sip::locate::Question;
use squelch_sip::{ConnectionId, TransportInput};

use super::dice::Dice;
use super::ladder::Ladder;
use super::phone::{Habits, Phone, Role};
use super::pipes::Pipe;
use super::plot::{Act, Mark, Media, Offer, Plot};
use super::setting::{Setting, gateway_seed};
use super::weather::Weather;
use super::witness::Witness;
use crate::http::{Request, Response};
use crate::world::{carrier_address, gateway_address};

/// The offer of a caller.
pub(super) const CARRIER_SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n\
    c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0 8 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n";
/// The answer of OpenAI.
pub(super) const OPENAI_SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.3\r\ns=-\r\n\
    c=IN IP4 192.0.2.3\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";

/// Everything that takes part.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) setting: Setting,
    pub(super) gateway: Gateway,
    pub(super) scenes: Vec<Scene>,
    pub(super) phones: Vec<Phone>,
    /// The carrier's leg and OpenAI's.
    pub(super) links: [Weather; 2],
    pub(super) witness: Witness,
    pub(super) ladder: Ladder,
    pub(super) tally: Tally,
    dice: Dice,
    pipes: Vec<Pipe>,
    under_way: BTreeMap<(Instant, u64), Flight>,
    numbers: u64,
    /// Messages that a stranger may have overheard.
    overheard: Vec<Bytes>,
}

/// One call.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) plot: Plot,
    /// When its INVITE reached the gateway.
    pub(super) reached: Option<Instant>,
    /// A copy of it came after the gateway's transaction was over, and made another call.
    pub(super) came_again: bool,
    /// INVITEs that reached OpenAI.
    invites: u32,
    /// Accepts that reached OpenAI.
    accepts: usize,
}

/// What was counted on the way, to be judged at the end.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) messages: u64,
    pub(super) records: Vec<CallRecord>,
    pub(super) answered: usize,
    pub(super) drained: u32,
    pub(super) faults: Vec<String>,
    /// Whose ports are bound, and whose media run.
    pub(super) bound: HashSet<CallId>,
    pub(super) media: HashSet<CallId>,
    /// HTTP requests the gateway has not answered.
    pub(super) asked: HashSet<ExchangeId>,
    /// The gateway's counters when they were last looked at.
    counted: [u64; 12],
}

/// Something that will happen.
#[derive(Debug)]
enum Flight {
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Bytes,
    },
    /// A connection of the gateway's is up, or failed.
    Connected(ConnectionId),
    Closed(ConnectionId),
    /// OpenAI connects.
    Accepted(usize),
    /// Bytes of a pipe, to the gateway or from it.
    Stream(usize, bool, Bytes),
    Break,
    Webhook(Request),
    Accept(FetchId, Request),
    Fetched(FetchId, Result<Response, String>),
    Resolved(Question, bool),
    Ports(CallId),
    Stats(CallId, bool),
    Act(usize, Act),
    Drain,
    Stranger,
}

impl Stage {
    pub(super) fn new(start: Instant, seed: u64, ladder: bool) -> Stage {
        let mut dice = Dice::new(seed);
        let setting = Setting::new(&mut dice);
        let links = setting.weather(start, &mut dice);
        let gateway = Gateway::new(setting.gateway(seed), gateway_seed(seed));
        let mut stage = Stage {
            start,
            now: start,
            gateway,
            scenes: Vec::new(),
            phones: Vec::new(),
            links,
            witness: Witness::default(),
            ladder: Ladder::new(ladder),
            tally: Tally::default(),
            dice,
            pipes: Vec::new(),
            under_way: BTreeMap::new(),
            numbers: 0,
            overheard: Vec::new(),
            setting,
        };
        stage.set();
        stage
    }

    /// Everything that happens by itself.
    fn set(&mut self) {
        for (scene, plot) in self.setting.plots.clone().into_iter().enumerate() {
            let habits = Habits {
                acknowledges: plot.caller_acknowledges,
                hears: true,
                challenges: false,
                password: plot.password,
                says: plot.caller_says,
            };
            let number = self.dice.number();
            let phone = Phone::caller(scene, carrier_address(), number, habits);
            self.phones.push(phone);
            self.scenes.push(Scene {
                plot,
                reached: None,
                came_again: false,
                invites: 0,
                accepts: 0,
            });
            let at = self.dice.millis(0, 6_000 * u32::from(scene > 0));
            self.later(at, Flight::Act(scene, Act::Call));
        }
        if let Some(after) = self.setting.breaks {
            self.later(after, Flight::Break);
        }
        if let Some(after) = self.setting.drain {
            self.later(after, Flight::Drain);
        }
        for _ in 0..self.setting.strangers {
            let at = self.dice.millis(0, 40_000);
            self.later(at, Flight::Stranger);
        }
    }

    /// Lets everything happen, until nobody waits for anything. `false` where that never comes.
    pub(super) fn play(&mut self) -> bool {
        let end = self.now + LONGEST;
        // As many steps as the longest trial takes, and ten times that.
        for _ in 0..MOST_STEPS {
            let flight = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let gateway = self.gateway.poll_timeout();
            let phones = self.phones.iter().filter_map(Phone::next).min();
            let Some(next) = [flight, gateway, phones].into_iter().flatten().min() else {
                return true;
            };
            if next > end {
                return false;
            }
            self.now = self.now.max(next);
            if flight == Some(next) {
                if let Some((_, flight)) = self.under_way.pop_first() {
                    self.happen(flight);
                }
                continue;
            }
            if phones == Some(next) {
                for at in 0..self.phones.len() {
                    if let Some(phone) = self.phones.get_mut(at) {
                        phone.handle_timeout(self.now);
                    }
                    self.drain_phone(at);
                }
                continue;
            }
            let (now, wall) = (self.now, self.wall());
            self.gateway.handle_timeout(now, wall);
            self.drain_gateway();
        }
        false
    }

    /// Who still holds a call hangs up, in fair weather.
    pub(super) fn hang_up_what_is_left(&mut self) {
        self.links.iter_mut().for_each(Weather::clear_up);
        for at in 0..self.phones.len() {
            if let Some(phone) = self.phones.get_mut(at) {
                phone.hang_up(self.now);
            }
            self.drain_phone(at);
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000) + self.elapsed()
    }

    fn later(&mut self, after: Duration, flight: Flight) {
        self.at(self.now + after, flight);
    }

    fn at(&mut self, at: Instant, flight: Flight) {
        self.numbers += 1;
        self.under_way.insert((at, self.numbers), flight);
    }

    fn happen(&mut self, flight: Flight) {
        match flight {
            Flight::Datagram { from, to, bytes } => self.datagram(from, to, &bytes),
            Flight::Connected(connection) => {
                let local = SocketAddr::new(gateway_address().ip(), 45_000);
                self.transport(TransportInput::Connected { connection, local });
            }
            Flight::Closed(connection) => {
                let reason = "broken".into();
                self.transport(TransportInput::Closed { connection, reason });
            }
            Flight::Accepted(pipe) => self.accepted(pipe),
            Flight::Stream(pipe, to_gateway, bytes) => self.stream(pipe, to_gateway, &bytes),
            Flight::Break => self.break_pipes(),
            Flight::Webhook(request) => {
                self.numbers += 1;
                let exchange = ExchangeId(self.numbers);
                self.tally.asked.insert(exchange);
                self.input(Input::Http { exchange, request });
            }
            Flight::Accept(fetch, request) => self.accept(fetch, &request),
            Flight::Fetched(fetch, result) => self.input(Input::HttpResponse { fetch, result }),
            Flight::Resolved(question, good) => self.resolved(question, good),
            Flight::Ports(call) => self.ports(call),
            Flight::Stats(call, last) => self.stats(call, last),
            Flight::Act(phone, act) => self.act(phone, act),
            Flight::Drain => {
                self.ladder.note(self.now - self.start, || "drain".into());
                self.input(Input::Drain);
            }
            Flight::Stranger => self.stranger(),
        }
    }

    /// A phone does what its story says.
    fn act(&mut self, at: usize, act: Act) {
        let (now, since) = (self.now, self.now - self.start);
        let Some(phone) = self.phones.get_mut(at) else {
            return;
        };
        let who = phone.role;
        self.ladder.note(since, || format!("{who:?}: {act:?}"));
        let sdp = match phone.role {
            Role::Caller => CARRIER_SDP,
            Role::Callee => OPENAI_SDP,
        };
        match act {
            Act::Call => {
                let plot = self.scenes.get(at).map(|scene| scene.plot.offer);
                let hops = if plot == Some(Offer::NoHops) { 0 } else { 70 };
                phone.call(now, &offer(plot.unwrap_or(Offer::Good)), hops);
                phone.marks.push(Mark::Called);
            }
            Act::Ring => phone.progress(180, ""),
            Act::ReliableEarlyMedia => phone.progress_reliably(now, OPENAI_SDP),
            Act::EarlyMedia => phone.progress(183, OPENAI_SDP),
            Act::Answer => phone.answer(now, OPENAI_SDP),
            Act::Refuse(status) => phone.refuse(now, status),
            Act::Cancel => phone.cancel(now),
            Act::EarlyBye => phone.early_bye(now),
            Act::HangUp => phone.hang_up(now),
            Act::Ask(method) => phone.ask(now, method, "", ""),
            Act::AskWith(method, headers) => phone.ask(now, method, headers, ""),
            Act::Update(media) => phone.ask(now, "UPDATE", "", &reoffer(sdp, media)),
            Act::Notify(state, said) => phone.notify(now, state, said),
            Act::Vanish => phone.vanish(),
            Act::Reinvite(media) => phone.ask(now, "INVITE", "", &reoffer(sdp, media)),
            Act::Storm(times) => {
                phone.storm(now);
                if times > 1 {
                    let pause = self.dice.millis(0, 60);
                    self.later(pause, Flight::Act(at, Act::Storm(times - 1)));
                }
            }
        }
        if act == Act::Answer
            && let Some(call_id) = self.phones.get(at).map(|phone| phone.call_id.clone())
        {
            for phone in self.phones.iter_mut().filter(|p| p.call_id == call_id) {
                phone.fork_answered = true;
            }
        }
        self.drain_phone(at);
    }

    /// What a phone has to say, and what its story makes of what happened to it.
    fn drain_phone(&mut self, at: usize) {
        let Some(phone) = self.phones.get_mut(at) else {
            return;
        };
        let (role, scene, fork) = (phone.role, phone.scene, phone.fork);
        let outbox = std::mem::take(&mut phone.outbox);
        let marks = std::mem::take(&mut phone.marks);
        self.tally.faults.append(&mut phone.faults);
        for bytes in outbox {
            self.phone_sends(at, bytes);
        }
        let Some(plot) = self.scenes.get(scene).map(|scene| scene.plot) else {
            return;
        };
        let cues = match role {
            Role::Caller => plot.caller,
            Role::Callee => plot.callee,
        };
        for mark in marks {
            if mark == Mark::Invited && !self.setting.accepts {
                let pause = self.dice.millis(0, 1_000);
                self.cue(at, cues, Mark::Admitted, pause);
            } else if mark == Mark::Invited && fork == 0 {
                self.announce(at, scene, plot.api);
            }
            self.cue(at, cues, mark, Duration::ZERO);
        }
    }

    fn cue(&mut self, phone: usize, cues: &[super::plot::Cue], mark: Mark, after: Duration) {
        for cue in cues.iter().filter(|cue| cue.mark == mark) {
            let wait = after + self.dice.millis(cue.least, cue.most);
            self.later(wait, Flight::Act(phone, cue.act));
        }
    }
}

fn offer(offer: Offer) -> String {
    match offer {
        Offer::Good | Offer::NoHops => CARRIER_SDP.into(),
        Offer::None => String::new(),
        Offer::Unreadable => "v=0\r\nm=audio\r\n".into(),
        Offer::NoCommonFormat => CARRIER_SDP.replace(" 0 8 101", " 18"),
    }
}

fn reoffer(sdp: &str, media: Media) -> String {
    let sdp = sdp.replace("o=- 1 1 ", "o=- 1 2 ");
    match media {
        Media::Same => sdp,
        Media::Hold => sdp + "a=sendonly\r\n",
        Media::OtherCodec => sdp.replace("RTP/AVP 0", "RTP/AVP 18"),
    }
}

/// Nothing lasts longer: `[limits] max_call`, 2 h, ends a call whose peers fell silent.
const LONGEST: Duration = Duration::from_secs(7_200 + 1_200);
const MOST_STEPS: usize = 100_000;
