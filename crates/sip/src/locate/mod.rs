//! Where a URI's requests go (RFC 3263): a URI in, questions for the DNS out, answers in, the
//! ordered addresses out. Sans-IO.
//!
//! [`Locator::locate`] answers at once from what it knows. What it lacks it asks for: hand each
//! [`Locator::poll_question`] to a resolver and the outcome to [`Locator::handle_answer`], then
//! locate again.
//!
//! Who loses when the DNS does: an answer serves for its time to live, and while it is asked for
//! anew; the last good addresses of a URI serve for [`LAST_GOOD`] when nothing better comes. Only
//! the first question for a URI makes anybody wait, [`PATIENCE`] at most for each of its steps.

mod locator;
mod place;
mod procedure;
mod records;
mod weigh;

pub use locator::{LAST_GOOD, Located, Locator, PATIENCE};
pub use records::{Answer, Naptr, Question, Record, Srv};

#[cfg(test)]
mod tests;
