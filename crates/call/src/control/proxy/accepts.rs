//! Each call is accepted at OpenAI once. Clients repeat a POST that took too long or met a 5xx; a repeat joins
//! the one that is under way, and after it succeeded gets the same answer.

use crate::http::Response;
use crate::io::{ExchangeId, FetchId};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

/// Who asks, as a digest: no key is kept. Somebody else's repeat is none, and OpenAI's to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credential([u8; 32]);

impl Credential {
    pub(crate) fn of(authorization: &[u8]) -> Credential {
        Credential(Sha256::digest(authorization).into())
    }
}

/// Accepts of calls, by OpenAI's name of the call.
#[derive(Debug, Default)]
pub(crate) struct Accepts {
    calls: HashMap<String, Entry>,
    /// Names with an answer, the oldest first.
    answered: VecDeque<String>,
}

#[derive(Debug)]
enum Entry {
    UnderWay {
        fetch: FetchId,
        credential: Credential,
        waiting: Vec<ExchangeId>,
    },
    Answered {
        credential: Credential,
        response: Response,
    },
}

/// What becomes of an accept that just came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is the first: it goes upstream, and [`Accepts::began`] is told so.
    Ask,
    /// It waits for the answer of one that is under way.
    Joined,
    /// It was answered before.
    Known(Response),
    /// Another asks for the same call with another key: OpenAI says what comes of it, and nothing is kept.
    Apart,
    /// So many wait already.
    Busy,
}

impl Accepts {
    /// Takes one in.
    pub(crate) fn turn(&mut self, call: &str, exchange: ExchangeId, who: Credential) -> Turn {
        let under_way = self.calls.len() - self.answered.len();
        match self.calls.get_mut(call) {
            None if under_way >= MAX_UNDER_WAY => Turn::Busy,
            None => Turn::Ask,
            Some(Entry::UnderWay { credential, .. } | Entry::Answered { credential, .. })
                if *credential != who =>
            {
                Turn::Apart
            }
            Some(Entry::UnderWay { waiting, .. }) if waiting.len() >= MAX_WAITING => Turn::Busy,
            Some(Entry::UnderWay { waiting, .. }) => {
                waiting.push(exchange);
                Turn::Joined
            }
            Some(Entry::Answered { response, .. }) => Turn::Known(response.clone()),
        }
    }

    /// Whether somebody accepted the call, or is about to.
    pub(crate) fn knows(&self, call: &str) -> bool {
        self.calls.contains_key(call)
    }

    /// The first went upstream as `fetch`; squelch's own accept has no exchange.
    pub(crate) fn began(
        &mut self,
        call: &str,
        fetch: FetchId,
        exchange: Option<ExchangeId>,
        who: Credential,
    ) {
        let entry = Entry::UnderWay {
            fetch,
            credential: who,
            waiting: exchange.into_iter().collect(),
        };
        self.calls.insert(call.to_owned(), entry);
    }

    /// `fetch` was answered: gives who waits. A success is kept for those that come later; after anything else the
    /// next one goes upstream again.
    pub(crate) fn ended(
        &mut self,
        call: &str,
        fetch: FetchId,
        answer: &Response,
    ) -> Vec<ExchangeId> {
        let is_it = |entry: &Entry| matches!(entry, Entry::UnderWay { fetch: known, .. } if *known == fetch);
        if !self.calls.get(call).is_some_and(is_it) {
            return Vec::new();
        }
        let Some(Entry::UnderWay {
            credential,
            waiting,
            ..
        }) = self.calls.remove(call)
        else {
            return Vec::new();
        };
        if (200..300).contains(&answer.status) {
            self.keep(call, credential, answer.clone());
        }
        waiting
    }

    fn keep(&mut self, call: &str, credential: Credential, response: Response) {
        if self.answered.len() == MAX_ANSWERED
            && let Some(oldest) = self.answered.pop_front()
        {
            self.calls.remove(&oldest);
        }
        self.answered.push_back(call.to_owned());
        let entry = Entry::Answered {
            credential,
            response,
        };
        self.calls.insert(call.to_owned(), entry);
    }
}

/// Calls whose accept is under way at once.
const MAX_UNDER_WAY: usize = 1_000;
/// Repeats of one that wait with it: OpenAI's client tries three times by itself.
const MAX_WAITING: usize = 16;
/// Answers kept; a client repeats within seconds.
const MAX_ANSWERED: usize = 4_096;
