//! What hears: compares one call's received audio with the reference, and reads the marks in it.

use std::time::Duration;

use squelch_media::detect::{Change, Fault, Numbers, Packet, Watch};
use squelch_media::rtp::{Arrival, RtpTime};

use super::align::{self, QUERY, Where};
use super::compare::Compare;
use super::listener::{Carried, Expectation, Expected, Heard};
use super::reader::{Reader, Reading};
use super::reference::{FRAME, FRAME_TIME, Reference, format};
use super::verdict::{ContentVerdict, Problem};
use super::{Mark, codes};

/// The ear of one call.
#[derive(Debug)]
pub(super) struct Ear {
    expectation: Expectation,
    watch: Watch,
    pub(super) faults: Vec<Fault>,
    wrong_format: u64,
    sending: Option<Sending>,
    /// The RTP clock of what arrives: the timestamp before, and its place counted from the stream's first packet.
    clock: Option<(u32, i64)>,
    recent: Recent,
    /// A place of the stream plus this is the reference's, counted on where it loops.
    lag: Option<i64>,
    delay: Option<Duration>,
    delay_changes: u32,
    next_search: i64,
    searches: u32,
    wide_searches: u32,
    compare: Compare,
    reader: Reader,
    /// The mark that is due: the call's own, or the first one heard.
    due: Option<Mark>,
    own_marks: u32,
    unread_marks: u32,
    foreign: Vec<Mark>,
    own_voice: bool,
    /// Whether the first word was still at hand when it became known where the audio is in the reference.
    first_word_known: bool,
    /// Frames loud enough to be speech, heard before it was known what they are.
    loud: u32,
}

/// Where the call's own sending is.
#[derive(Debug, Clone, Copy)]
struct Sending {
    at: Duration,
    position: u64,
    rounds: i64,
}

impl Ear {
    pub(super) fn new(expectation: Expectation) -> Ear {
        Ear {
            expectation,
            watch: Watch::new(format(expectation.law).law()),
            faults: Vec::new(),
            wrong_format: 0,
            sending: None,
            clock: None,
            recent: Recent::new(),
            lag: None,
            delay: None,
            delay_changes: 0,
            next_search: 0,
            searches: 0,
            wide_searches: 0,
            compare: Compare::default(),
            reader: Reader::new(),
            due: (expectation.expected == Expected::Echo).then_some(expectation.own),
            own_marks: 0,
            unread_marks: 0,
            foreign: Vec::with_capacity(MOST_FOREIGN),
            own_voice: false,
            first_word_known: true,
            loud: 0,
        }
    }

    pub(super) fn on_sent(&mut self, at: Duration, position: u64) {
        let before = self.sending.map_or((0, 0), |s| (s.position, s.rounds));
        let again = position + REORDERED < before.0;
        self.sending = Some(Sending {
            at,
            position,
            rounds: before.1 + i64::from(again),
        });
    }

    /// Another SSRC, or numbers that begin anew: what arrives has another clock from now on.
    pub(super) fn another_stream(&mut self, reference: Option<&Reference>) {
        if let Some(reference) = reference {
            self.compare.close(reference);
        }
        self.watch = Watch::new(format(self.expectation.law).law());
        self.clock = None;
        self.recent.clear(0);
        self.lag = None;
        self.next_search = 0;
        self.searches = 0;
    }

    pub(super) fn on_packet(
        &mut self,
        reference: Option<&Reference>,
        packet: Heard<'_>,
        arrival: Arrival,
    ) {
        let law = match packet.carried {
            Carried::G711(law) => law,
            Carried::Event => return,
            Carried::Other => {
                self.wrong_format += 1;
                return;
            }
        };
        if law != self.expectation.law {
            self.wrong_format += 1;
        } else {
            self.watch(reference, &packet);
        }
        let Some(reference) = reference.filter(|_| self.expectation.expected != Expected::Anything)
        else {
            return;
        };
        if matches!(arrival, Arrival::Restart(_)) {
            self.another_stream(Some(reference));
        }
        let place = self.place(packet.timestamp);
        if !self.recent.push(place, law, packet.payload) {
            return;
        }
        match self.lag {
            Some(lag) => {
                let samples = self.recent.last(packet.payload.len());
                hear(
                    &mut self.compare,
                    &mut self.reader,
                    reference,
                    place + lag,
                    samples,
                );
                self.read_mark();
            }
            None => self.loud += self.recent.loud_frames(packet.payload.len()),
        }
        if self.lag.is_none() || self.compare.strange >= STRANGE {
            self.search(reference, packet.at, place);
        }
    }

    fn watch(&mut self, reference: Option<&Reference>, packet: &Heard<'_>) {
        let numbers = Numbers {
            sequence: packet.sequence,
            timestamp: RtpTime(packet.timestamp),
        };
        let change = self.watch.observe(Packet {
            at: packet.at,
            numbers: Some(numbers),
            payload: packet.payload,
        });
        let Some(found) = change.as_ref().and_then(Change::found) else {
            return;
        };
        let known = reference.is_some_and(|r| r.faults().contains(&found.fault));
        if !known && !self.faults.contains(&found.fault) {
            self.faults.push(found.fault);
        }
    }

    /// Where a packet stands on the stream's clock.
    fn place(&mut self, timestamp: u32) -> i64 {
        let place = match self.clock {
            None => 0,
            Some((before, place)) => place + i64::from(timestamp.wrapping_sub(before) as i32),
        };
        self.clock = Some((timestamp, place));
        place
    }

    fn search(&mut self, reference: &Reference, at: Duration, place: i64) {
        let end = self.recent.end;
        if end < self.next_search {
            return;
        }
        let Some(query) = self.recent.query() else {
            return;
        };
        let first = end - QUERY as i64;
        let sending = self.sending_at(at, reference);
        let near = match self.expectation.expected {
            Expected::Played => end + CLIPPED,
            _ => sending + AHEAD,
        };
        let mut found = align::find(reference, &query, Where::Before(near));
        if found.is_none() && self.searches > 0 && self.wide_searches < MOST_WIDE {
            self.wide_searches += 1;
            found = align::find(reference, &query, Where::Anywhere);
            if self.expectation.expected == Expected::Echo {
                let round = reference.len().max(1) as i64;
                found = found.map(|at| at + (sending - at).div_euclid(round).max(0) * round);
            }
        }
        let Some(found) = found else {
            self.next_search = end + (SOON << self.searches.min(4));
            self.searches += 1;
            return;
        };
        self.next_search = end + SOON;
        self.searches = 0;
        let lag = found - first;
        if self.expectation.expected == Expected::Echo {
            let behind = u64::try_from(sending - (place + lag)).ok();
            self.delay = behind.map(|samples| Duration::from_micros(125 * samples));
        }
        match self.lag.replace(lag) {
            None => self.hear_recent(reference, lag),
            Some(before) if before != lag => {
                self.delay_changes += 1;
                self.compare.forgive();
                self.reader = Reader::new();
            }
            Some(_) => {}
        }
    }

    /// Where sending is at a time, counted on where the reference loops.
    fn sending_at(&self, at: Duration, reference: &Reference) -> i64 {
        let Some(sending) = self.sending else {
            return 0;
        };
        let since = at.saturating_sub(sending.at).min(Duration::from_secs(1));
        let since = since.as_micros() as i64 / 125;
        sending.position as i64 + sending.rounds * reference.len() as i64 + since
    }

    /// What arrived before it was known what it is.
    fn hear_recent(&mut self, reference: &Reference, lag: i64) {
        let first = self.recent.end - self.recent.samples.len() as i64 + lag;
        let onset = reference
            .first_word()
            .map_or(0, |frames| frames.start * FRAME);
        self.first_word_known = !self.recent.dropped || first <= onset as i64;
        for (place, samples) in self.recent.stretches() {
            hear(
                &mut self.compare,
                &mut self.reader,
                reference,
                place + lag,
                samples,
            );
        }
        self.read_mark();
    }

    fn read_mark(&mut self) {
        match self.reader.read(self.due) {
            None => {}
            Some(Reading::None) => self.unread_marks += 1,
            Some(Reading::Mark(mark)) if Some(mark) == self.due => self.own_marks += 1,
            Some(Reading::Mark(mark)) if mark == self.expectation.own => self.own_voice = true,
            Some(Reading::Mark(mark)) if self.due.is_none() => {
                self.due = Some(mark);
                self.own_marks = 1;
            }
            Some(Reading::Mark(mark)) => self.foreign(mark),
        }
    }

    /// Another call's mark was read.
    fn foreign(&mut self, mark: Mark) {
        if !self.foreign.contains(&mark) && self.foreign.len() < MOST_FOREIGN {
            self.foreign.push(mark);
        }
    }

    pub(super) fn finish(&mut self, reference: Option<&Reference>) -> ContentVerdict {
        let mut verdict = ContentVerdict {
            delay: self.delay,
            delay_changes: self.delay_changes,
            own_marks: self.own_marks,
            unread_marks: self.unread_marks,
            ..ContentVerdict::default()
        };
        let problems = &mut verdict.problems;
        if self.wrong_format > 0 {
            problems.push(Problem::WrongFormat);
        }
        let reference = reference.filter(|_| self.expectation.expected != Expected::Anything);
        let Some(reference) = reference else {
            return verdict;
        };
        self.compare.close(reference);
        let compare = &self.compare;
        let (judged, same, silent) = (compare.judged, compare.same, compare.silent);
        let other = judged - same - silent;
        let much = |windows: u32| windows >= MOST_WRONG && windows * SHARE > judged;
        let never = self.lag.is_none();
        if much(silent) || never && self.loud < A_SECOND && self.due_speech(reference) {
            problems.push(Problem::Silence);
        }
        if much(other) || never && self.loud >= A_SECOND {
            problems.push(Problem::OtherSpeech);
        }
        let missing = match compare.first_word_missing() {
            _ if !self.first_word_known => None,
            None if same > 0 && compare.is_past_first_word(reference) => {
                reference.first_word().map(|frames| frames.len() as u32)
            }
            frames => frames,
        };
        verdict.first_word_missing = missing.map(|frames| FRAME_TIME * frames);
        if verdict
            .first_word_missing
            .is_some_and(|missing| missing >= CLIPPED_WORD)
        {
            problems.push(Problem::FirstWordClipped);
        }
        problems.extend(self.foreign.iter().map(|mark| Problem::CrossTalk(*mark)));
        if self.own_voice {
            problems.push(Problem::OwnVoice);
        }
        (verdict.judged, verdict.same, verdict.silent) = (judged, same, silent);
        verdict
    }

    /// Whether a second of speech ought to have been heard by now.
    fn due_speech(&self, reference: &Reference) -> bool {
        let until = match (self.expectation.expected, self.sending) {
            (Expected::Echo, Some(sending)) if sending.rounds > 0 => reference.len() as i64,
            (Expected::Echo, Some(sending)) => sending.position as i64 - LONGEST_WAY,
            _ => self.recent.end - LONGEST_WAY,
        };
        let frames = usize::try_from(until).unwrap_or(0) / FRAME;
        (0..frames)
            .filter(|frame| reference.is_voiced(*frame))
            .count() as u32
            >= A_SECOND
    }
}

/// Compares samples with the reference's from `position` on.
fn hear(
    compare: &mut Compare,
    reader: &mut Reader,
    reference: &Reference,
    position: i64,
    samples: &[i16],
) {
    let gain = compare.add(reference, position, samples);
    if let Some(gain) = gain {
        reader.add(reference, position, samples, gain);
    }
}

/// The last samples that arrived.
#[derive(Debug)]
struct Recent {
    samples: Vec<i16>,
    /// The place behind the last one.
    end: i64,
    /// Whether earlier ones were let go of.
    dropped: bool,
}

impl Recent {
    fn new() -> Recent {
        Recent {
            samples: Vec::with_capacity(2 * RECENT),
            end: 0,
            dropped: false,
        }
    }

    fn clear(&mut self, end: i64) {
        self.dropped = !self.samples.is_empty();
        self.samples.clear();
        self.end = end;
    }

    /// Takes a payload; not one whose time is over.
    fn push(&mut self, place: i64, law: crate::sound::Law, payload: &[u8]) -> bool {
        let ahead = place - self.end;
        let payload = payload
            .get(..payload.len().min(MOST_PAYLOAD))
            .unwrap_or_default();
        if ahead < 0 && -ahead <= RECENT as i64 && !self.samples.is_empty() {
            return false;
        }
        if self.samples.is_empty() || !(0..RECENT as i64 / 2).contains(&ahead) {
            self.clear(place);
        } else {
            self.make_room(ahead as usize);
            self.samples
                .resize(self.samples.len() + ahead as usize, MISSING);
        }
        self.make_room(payload.len());
        let start = self.samples.len();
        self.samples.resize(start + payload.len(), 0);
        if let Some(samples) = self.samples.get_mut(start..) {
            codes::decode_into(law, payload, samples);
        }
        self.end = place + payload.len() as i64;
        true
    }

    /// Keeps the last [`RECENT`] samples once twice as many would be held.
    fn make_room(&mut self, more: usize) {
        if self.samples.len() + more > 2 * RECENT {
            let surplus = self.samples.len().saturating_sub(RECENT);
            self.samples.drain(..surplus);
            self.dropped = true;
        }
    }

    fn last(&self, count: usize) -> &[i16] {
        let count = count.min(MOST_PAYLOAD);
        let from = self.samples.len().saturating_sub(count);
        self.samples.get(from..).unwrap_or_default()
    }

    /// The last samples, if there are enough, and somebody is heard in them; silence for what is missing.
    fn query(&self) -> Option<[i16; QUERY]> {
        let last = self.samples.get(self.samples.len().checked_sub(QUERY)?..)?;
        let mut query = *last.first_chunk::<QUERY>()?;
        let mut missing = 0;
        for sample in query.iter_mut().filter(|s| **s == MISSING) {
            *sample = 0;
            missing += 1;
        }
        let power: f32 = query.iter().map(|s| power(*s)).sum();
        (missing <= QUERY * 2 / 5 && power >= LOUD * QUERY as f32).then_some(query)
    }

    fn loud_frames(&self, count: usize) -> u32 {
        let is_loud = |frame: &&[i16]| {
            frame.iter().map(|s| power(*s)).sum::<f32>() >= LOUD * frame.len() as f32
        };
        self.last(count).chunks(FRAME).filter(is_loud).count() as u32
    }

    /// All that is held, without what is missing, each stretch with its place.
    fn stretches(&self) -> impl Iterator<Item = (i64, &[i16])> {
        let start = self.end - self.samples.len() as i64;
        let pieces = self
            .samples
            .chunk_by(|a, b| (*a == MISSING) == (*b == MISSING));
        let placed = pieces.scan(start, |at, piece| {
            let place = *at;
            *at += piece.len() as i64;
            Some((place, piece))
        });
        placed.filter(|(_, piece)| piece.first() != Some(&MISSING))
    }
}

fn power(sample: i16) -> f32 {
    match sample {
        MISSING => 0.0,
        sample => f32::from(sample) * f32::from(sample),
    }
}

/// Stands for a sample that did not arrive; G.711 has none so low.
pub(super) const MISSING: i16 = i16::MIN;
/// How much is held at least once it has arrived: a second. **Units**: samples.
const RECENT: usize = 8_000;
/// More of one payload is not heard.
const MOST_PAYLOAD: usize = 1_500;
/// Mean power from which on somebody may be speaking: -50 dB under full scale.
const LOUD: f32 = 104.0 * 104.0;
/// Windows in a row that fit nothing, before it is searched anew.
const STRANGE: u32 = 3;
/// From search to search, twice as long after each in vain, up to 8 s. **Units**: samples.
const SOON: i64 = 4_000;
/// Searches of the whole reference in a call: each costs milliseconds.
const MOST_WIDE: u32 = 3;
/// A packet of the longest usual packet time and its lateness. **Units**: samples.
const AHEAD: i64 = 480;
/// The most of the beginning that may be missing of what the far end plays. **Units**: samples.
const CLIPPED: i64 = 8_000;
/// A position that goes back by less was reordered, by more began anew. **Units**: samples.
const REORDERED: u64 = 1_600;
const MOST_FOREIGN: usize = 8;
/// Windows of 100 ms that must be wrong, and that more than one in this many is.
const MOST_WRONG: u32 = 3;
const SHARE: u32 = 20;
/// **Units**: frames of 20 ms.
const A_SECOND: u32 = 50;
/// 2 s: as far as echoes are searched for.
const LONGEST_WAY: i64 = 16_000;
/// Three packets of 20 ms: two may get lost on a bad line, and a listener misses less than that.
const CLIPPED_WORD: Duration = Duration::from_millis(60);
