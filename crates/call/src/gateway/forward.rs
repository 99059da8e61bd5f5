//! Webhooks that the application handles itself: `[openai] webhook_forward`.

use super::{Clock, Gateway};
use crate::control::forward::{Delivery, Forwards, Outcome};
use crate::http::{Request, Response};
use crate::io::FetchId;
use rand_core::Rng;

impl Gateway {
    /// Whether a webhook can be taken: where none goes on, always.
    pub(super) fn can_forward(&self) -> bool {
        self.config.openai.webhook_forward.is_none() || self.forwards.has_room()
    }

    /// Sends a webhook on, where it is to go on.
    pub(super) fn forward_webhook(
        &mut self,
        clock: Clock,
        webhook: &Request,
        call_id: Option<String>,
    ) {
        let Some(url) = &self.config.openai.webhook_forward else {
            return;
        };
        let delivery = Forwards::delivery(clock.now, url, webhook, call_id);
        self.deliver(delivery);
    }

    fn deliver(&mut self, delivery: Delivery) {
        let fetch = self.fetch(Forwards::request(&delivery));
        self.forwards.sent(fetch, delivery);
    }

    pub(super) fn deliver_due(&mut self, clock: Clock) {
        while let Some(delivery) = self.forwards.pop_due(clock.now) {
            self.deliver(delivery);
        }
    }

    /// Takes the application's answer to a webhook; `false` where it is the answer to something else.
    pub(super) fn webhook_delivered(
        &mut self,
        clock: Clock,
        fetch: FetchId,
        result: &Result<Response, String>,
    ) -> bool {
        let share = f64::from(self.random.next_u32()) / f64::from(u32::MAX);
        let outcome = self.forwards.answered(clock.now, fetch, result, share);
        let (delivery, verdict, event, said) = match outcome {
            None => return false,
            Some(Outcome::Again) => return true,
            Some(Outcome::Delivered(delivery)) => {
                let said = "the application took the webhook".to_owned();
                (delivery, "delivered", "webhook_delivered", said)
            }
            Some(Outcome::GivenUp(delivery, why)) => {
                (delivery, "undelivered", "webhook_undelivered", why)
            }
        };
        *self.counters.webhooks.entry(verdict).or_default() += 1;
        if let Some(id) = delivery.call_id.and_then(|name| self.call_named(&name)) {
            self.note(clock, id, event, said);
        }
        true
    }
}
