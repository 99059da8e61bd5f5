//! What is known of the DNS, and for how long.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::place::Place;
use super::procedure::{Known, Lacking, Pass};
use super::records::{Answer, Question, Record};
use crate::command::Target;
use crate::message::Uri;

/// How long a question may stay without answer before it counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last good addresses serve while the DNS gives none. Longer than an outage of a
/// DNS provider has lasted, short enough for addresses that were given to somebody else.
pub const LAST_GOOD: Duration = Duration::from_secs(24 * 3_600);
/// A time to live below this is taken for this: zero would mean a question a call.
const LEAST_TTL: Duration = Duration::from_secs(30);
/// A time to live above this is taken for this: a wrong answer must go away some time.
const MOST_TTL: Duration = Duration::from_secs(3_600);
/// After a failure nothing is asked again for this long.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
const UNANSWERED: &str = "a service's SRV or NAPTR records can't be looked up";
/// Of an answer with more records the rest is left out.
const MAX_RECORDS: usize = 32;
/// URIs that are remembered; squelch's are those of its configuration.
const MAX_PLACES: usize = 64;

/// Where a URI's requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// There, the first to be tried first. Never empty.
    Targets(Vec<Target>),
    /// An answer of the DNS is due within [`PATIENCE`]; locate again then.
    Waits,
    /// Nowhere, and why.
    Nowhere(String),
}

/// Locates URIs and remembers what it was told. See the module's head.
#[derive(Debug)]
pub struct Locator {
    random: ChaCha20Rng,
    known: BTreeMap<Question, Entry>,
    places: BTreeMap<Place, Remembered>,
    questions: VecDeque<Question>,
    /// Answers are renewed before anybody asks for them.
    keeps_fresh: bool,
}

#[derive(Debug, Default)]
struct Entry {
    answer: Option<Result<Vec<Record>, String>>,
    /// Asked, and not answered yet.
    asked: Option<Instant>,
    /// When it is to be asked again.
    due: Option<Instant>,
}

#[derive(Debug, Default)]
struct Remembered {
    targets: Vec<Target>,
    /// When these were last what the DNS said.
    good: Option<Instant>,
    /// Whether the log was told that they are old.
    told: bool,
}

impl Locator {
    /// A locator that knows nothing.
    pub fn new(seed: [u8; 32]) -> Locator {
        Locator {
            random: ChaCha20Rng::from_seed(seed),
            known: BTreeMap::new(),
            places: BTreeMap::new(),
            questions: VecDeque::new(),
            keeps_fresh: false,
        }
    }

    /// From now on what was located once is asked for anew as its time to live ends.
    pub fn keep_fresh(&mut self) {
        self.keeps_fresh = true;
    }

    /// Where requests to `uri` go, by what is known now. Asks for what is not.
    pub fn locate(&mut self, now: Instant, uri: &Uri) -> Located {
        match Place::of(uri) {
            Ok(place) => self.locate_place(now, &place),
            Err(why) => Located::Nowhere(why),
        }
    }

    /// Takes an answer, or why there is none.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        question: &Question,
        answer: Result<Answer, String>,
    ) {
        let Some(entry) = self.known.get_mut(question) else {
            return;
        };
        if entry.asked.take().is_none() {
            // Too late: it counts as failed already, and is asked again in its time.
            return;
        }
        match answer {
            Ok(Answer { mut records, ttl }) => {
                records.truncate(MAX_RECORDS);
                entry.due = Some(now + ttl.clamp(LEAST_TTL, MOST_TTL));
                entry.answer = Some(Ok(records));
            }
            Err(why) => {
                entry.due = Some(now + AFTER_FAILURE);
                entry.answer = Some(Err(why));
            }
        }
        self.renew(now);
    }

    /// Takes in that time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut given_up = false;
        for (question, entry) in &mut self.known {
            if entry.asked.is_some_and(|asked| asked + PATIENCE <= now) {
                entry.asked = None;
                entry.due = Some(now + AFTER_FAILURE);
                entry.answer = Some(Err(format!("{question}: the resolver does not answer")));
                given_up = true;
            }
        }
        if self.keeps_fresh || given_up {
            self.renew(now);
        }
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = |entry: &Entry| match entry.asked {
            Some(asked) => Some(asked + PATIENCE),
            None => entry.due.filter(|_| self.keeps_fresh),
        };
        self.known.values().filter_map(due).min()
    }

    /// The next question for the DNS; ask it, and go on until `None`.
    pub fn poll_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// Goes through every place, so that what its answers lead to is asked for at once, and
    /// forgets what no place needs any more.
    fn renew(&mut self, now: Instant) {
        let places: Vec<Place> = self.places.keys().cloned().collect();
        let mut needed = BTreeSet::new();
        for place in &places {
            self.pass(now, place, &mut needed);
        }
        self.known
            .retain(|question, entry| entry.asked.is_some() || needed.contains(question));
    }

    fn locate_place(&mut self, now: Instant, place: &Place) -> Located {
        self.pass(now, place, &mut BTreeSet::new())
    }

    fn pass(&mut self, now: Instant, place: &Place, needed: &mut BTreeSet<Question>) -> Located {
        if !self.places.contains_key(place) {
            if self.places.len() >= MAX_PLACES {
                self.places.pop_first();
            }
            self.places.insert(place.clone(), Remembered::default());
        }
        let mut mattered = Vec::new();
        let mut pass = Pass {
            place,
            look: |question: Question| {
                let known = match self.known.get(&question) {
                    Some(entry) => entry.known(now),
                    None => Known::NotYet,
                };
                mattered.push(question);
                known
            },
            random: &mut self.random,
            guessed: false,
        };
        let outcome = pass.targets();
        let guessed = pass.guessed;
        let is_fresh = |question| self.known.get(question).is_some_and(|e| e.is_fresh(now));
        let fresh = mattered.iter().all(is_fresh);
        for question in mattered {
            self.want(now, question.clone());
            needed.insert(question);
        }
        let Some(remembered) = self.places.get_mut(place) else {
            return Located::Waits;
        };
        match outcome {
            // An address record on the usual port is no better than what the SRV records said.
            Ok(_) if guessed && remembered.still_good(now, UNANSWERED).is_some() => {
                Located::Targets(remembered.targets.clone())
            }
            Ok(targets) => {
                if fresh {
                    remembered.keep(now, &targets);
                }
                Located::Targets(targets)
            }
            Err(Lacking::Answers) => match remembered.good_until_answered(now) {
                Some(targets) => Located::Targets(targets),
                None => Located::Waits,
            },
            Err(Lacking::Targets(why)) => match remembered.still_good(now, &why) {
                Some(targets) => Located::Targets(targets),
                None => Located::Nowhere(why),
            },
        }
    }

    /// Asks, unless the answer is fresh or on its way.
    fn want(&mut self, now: Instant, question: Question) {
        let entry = self.known.entry(question.clone()).or_default();
        if entry.asked.is_some() || entry.is_fresh(now) {
            return;
        }
        entry.asked = Some(now);
        self.questions.push_back(question);
    }
}

impl Entry {
    /// What is known while nothing newer is. What nobody asked about for a day is forgotten.
    fn known(&self, now: Instant) -> Known<'_> {
        let is_old = self.due.is_none_or(|due| due + LAST_GOOD <= now);
        match &self.answer {
            Some(Ok(records)) if !is_old => Known::Records(records),
            Some(Err(why)) => Known::Failed(why),
            _ => Known::NotYet,
        }
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due > now)
    }
}

impl Remembered {
    fn keep(&mut self, now: Instant, targets: &[Target]) {
        if std::mem::take(&mut self.told) {
            tracing::info!("the DNS answers again");
        }
        self.targets.clear();
        self.targets.extend_from_slice(targets);
        self.good = Some(now);
    }

    fn good_until_answered(&self, now: Instant) -> Option<Vec<Target>> {
        let age = now.saturating_duration_since(self.good?);
        (age < LAST_GOOD && !self.targets.is_empty()).then(|| self.targets.clone())
    }

    /// As above, when no better answer is on its way; the log hears of it once.
    fn still_good(&mut self, now: Instant, why: &str) -> Option<Vec<Target>> {
        let targets = self.good_until_answered(now)?;
        if !std::mem::replace(&mut self.told, true) {
            let age = self.good.map(|good| now.saturating_duration_since(good));
            let age_s = age.unwrap_or_default().as_secs();
            tracing::warn!(why, age_s, "the DNS fails: going on with its last answer");
        }
        Some(targets)
    }
}
