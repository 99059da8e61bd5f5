//! Webhooks that go on to the application, body and headers untouched, so that it can check OpenAI's signature
//! itself. A delivery is tried for at most four minutes: the signature's time is good for five.

use crate::http::{Request, Response};
use crate::io::FetchId;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// Deliveries that are under way.
#[derive(Debug, Default)]
pub(crate) struct Forwards {
    asked: HashMap<FetchId, Delivery>,
    /// By the time of the next attempt; a number tells those of the same time apart.
    waiting: BTreeMap<(Instant, u64), Delivery>,
    number: u64,
}

/// One webhook on its way.
#[derive(Debug)]
pub(crate) struct Delivery {
    request: Request,
    attempt: u32,
    until: Instant,
    /// OpenAI's name of the call that it announces, if it does.
    pub(crate) call_id: Option<String>,
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The application took it.
    Delivered(Delivery),
    /// It is tried again later.
    Again,
    /// It is given up, for this reason.
    GivenUp(Delivery, String),
}

impl Forwards {
    /// Whether one more can be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.asked.len() + self.waiting.len() < MAX_DELIVERIES
    }

    /// A webhook for `url`, to be sent by [`Forwards::sent`] at once.
    pub(crate) fn delivery(
        now: Instant,
        url: &str,
        webhook: &Request,
        call_id: Option<String>,
    ) -> Delivery {
        let keeps = |name: &str| !HOP_BY_HOP.iter().any(|hop| hop.eq_ignore_ascii_case(name));
        let headers = webhook.headers.iter().filter(|(name, _)| keeps(name));
        Delivery {
            request: Request {
                method: "POST".into(),
                target: url.to_owned(),
                headers: headers.cloned().collect(),
                body: webhook.body.clone(),
            },
            attempt: 0,
            until: now + PATIENCE,
            call_id,
        }
    }

    /// The attempt goes out as `fetch`.
    pub(crate) fn sent(&mut self, fetch: FetchId, mut delivery: Delivery) {
        delivery.attempt += 1;
        self.asked.insert(fetch, delivery);
    }

    /// The request of a delivery.
    pub(crate) fn request(delivery: &Delivery) -> Request {
        delivery.request.clone()
    }

    /// Takes the application's answer; `None` where `fetch` was no delivery. `share`, 0 to 1, spreads the pause.
    pub(crate) fn answered(
        &mut self,
        now: Instant,
        fetch: FetchId,
        result: &Result<Response, String>,
        share: f64,
    ) -> Option<Outcome> {
        let delivery = self.asked.remove(&fetch)?;
        let why = match result {
            Ok(response) if (200..300).contains(&response.status) => {
                return Some(Outcome::Delivered(delivery));
            }
            Ok(response) => format!("the application says {}", response.status),
            Err(why) => why.clone(),
        };
        // Who refuses once refuses always, but for these.
        let may_change = match result {
            Ok(response) => matches!(response.status, 408 | 409 | 425 | 429 | 500..=599),
            Err(_) => true,
        };
        let pause = FIRST_PAUSE * 2_u32.pow(delivery.attempt.saturating_sub(1).min(MAX_DOUBLINGS));
        let at = now + pause + pause.mul_f64(share);
        if !may_change || at >= delivery.until {
            return Some(Outcome::GivenUp(delivery, why));
        }
        self.number += 1;
        self.waiting.insert((at, self.number), delivery);
        Some(Outcome::Again)
    }

    /// When the next attempt is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.keys().next().map(|(at, _)| *at)
    }

    /// One whose attempt is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Delivery> {
        let entry = self.waiting.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}

/// Headers of one connection (RFC 9110 section 7.6.1), and what the next request writes itself.
const HOP_BY_HOP: [&str; 10] = [
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Host",
    "Content-Length",
];
/// A minute before the application's own check of the signature's time (Standard Webhooks: 300 s) refuses it.
const PATIENCE: Duration = Duration::from_secs(240);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause is 16 s, and up to as much again.
const MAX_DOUBLINGS: u32 = 6;
/// At a few KB each; beyond, OpenAI is asked to come again.
const MAX_DELIVERIES: usize = 1_000;
