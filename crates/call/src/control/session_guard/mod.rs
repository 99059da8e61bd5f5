//! The session guard: keeps what is said of a session's audio format from contradicting the call.
//!
//! Every message of an application that bears a format passes through here: the body of an accept,
//! `session.update` and `response.create`. Fields that are not looked at pass untouched.
//!
//! What OpenAI is known to refuse, or to answer with static, is found before it is sent. Sources:
//! OpenAI's API reference, and what users and OpenAI's staff have reported of it.

mod audio;
mod checker;
mod event;
mod finding;
mod formats;
mod json;
mod path;
mod session;
#[cfg(test)]
mod tests;
mod tools;

pub use event::{find_in_message, judge_event};
pub use finding::{Code, Finding, Weight};
pub(crate) use formats::name_of as format_name;
pub use json::read;
pub use path::{Path, Step};

use crate::AudioFormatPolicy;
use checker::Checker;
use serde_json::Value;
use squelch_media::Format;

/// In which message a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The body of `POST /v1/realtime/calls/{call_id}/accept`.
    Accept,
    /// A `session.update`.
    Update {
        /// OpenAI's voice was heard already: it can't be changed any more.
        spoken: bool,
    },
}

/// What a message is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// What is done with formats.
    pub policy: AudioFormatPolicy,
    /// What SIP gave the leg towards OpenAI; `None` where nobody knows, and nothing can be pinned.
    pub negotiated: Option<Format>,
}

/// What the guard says of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Send it as it is.
    Pass {
        /// What somebody should look at.
        doubts: Vec<Finding>,
    },
    /// Send this instead.
    Rewrite {
        /// The message, or the session, to send.
        value: Value,
        /// What was changed, a line each: JSON path, before, after.
        changes: Vec<String>,
        /// What somebody should look at.
        doubts: Vec<Finding>,
    },
    /// OpenAI would refuse it, or break the call over it: all that is wrong, never empty.
    Refuse(Vec<Finding>),
}

impl Judgement {
    const PASS: Judgement = Judgement::Pass { doubts: Vec::new() };

    fn of(findings: Vec<Finding>, value: Value, changes: Vec<String>) -> Judgement {
        if findings.iter().any(|one| one.weight == Weight::Refused) {
            return Judgement::Refuse(findings);
        }
        match changes.is_empty() {
            true => Judgement::Pass { doubts: findings },
            false => Judgement::Rewrite {
                value,
                changes,
                doubts: findings,
            },
        }
    }
}

/// Judges a session: an accept's body, or the `session` of a `session.update`.
pub fn judge_session(session: &Value, message: Message, context: Context) -> Judgement {
    let Some(object) = session.as_object() else {
        return Judgement::Refuse(find(session, message));
    };
    let root = Path::root("session");
    let mut rewritten = object.clone();
    let mut changes = match context.policy {
        AudioFormatPolicy::Pass => Vec::new(),
        AudioFormatPolicy::Omit | AudioFormatPolicy::Pin => {
            formats::take_out_nulls(&mut rewritten, &root)
        }
    };
    changes.extend(formats::apply(
        &mut rewritten,
        &root,
        formats::BOTH,
        context.policy,
        context.negotiated,
        true,
    ));
    let rewritten = Value::Object(rewritten);
    let findings = find(&rewritten, message);
    Judgement::of(findings, rewritten, changes)
}

/// Everything that is wrong with a session as it stands, in the order of its fields.
pub fn find(session: &Value, message: Message) -> Vec<Finding> {
    let mut checker = Checker::default();
    let mend = "send an object with \"type\": \"realtime\"";
    if let Some(object) = checker.object(&Path::root("session"), session, mend) {
        session::check(&mut checker, object, message);
    }
    checker.findings
}
