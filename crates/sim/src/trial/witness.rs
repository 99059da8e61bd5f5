//! Rules that every message of the gateway keeps, whatever the story: looked at on the wire alone.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::text::Text;

/// What was seen of the gateway's messages so far.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// By branch, method and whether it is a response: what was sent.
    sent: HashMap<(String, String, bool), Sent>,
    /// Our INVITEs by Call-ID and CSeq.
    invites: HashMap<(String, u32), Invite>,
    /// ACKs that are due at once: Call-ID, CSeq, To tag.
    due: Vec<(String, u32, String)>,
    /// BYEs by Call-ID and To tag: how many copies arrived.
    byes: HashMap<(String, String), u32>,
    pub(super) faults: Vec<String>,
}

#[derive(Debug)]
struct Sent {
    at: Instant,
    status: u16,
    bytes: Bytes,
}

#[derive(Debug)]
struct Invite {
    at: Instant,
    reliable: bool,
    /// A provisional response came, and came in time to keep it alive.
    provisional: bool,
    proceeds: bool,
    cancelled: Option<Instant>,
    /// The first final response, when it came.
    finished: Option<(Instant, bool)>,
}

impl Witness {
    /// The gateway sends `bytes`.
    pub(super) fn sent(&mut self, now: Instant, bytes: &Bytes, reliable: bool) {
        let Some(text) = Text::new(bytes) else {
            self.faults
                .push("the gateway sent what is no message".into());
            return;
        };
        self.faults.extend(text.fault());
        let status = text.status().unwrap_or(0);
        let number = text.cseq().map_or(0, |(number, _)| number);
        let (method, call) = (text.method().to_owned(), text.call_id().to_owned());
        if status == 0 {
            match method.as_str() {
                "INVITE" => {
                    let invite = Invite {
                        at: now,
                        reliable,
                        provisional: false,
                        proceeds: false,
                        cancelled: None,
                        finished: None,
                    };
                    self.invites.entry((call, number)).or_insert(invite);
                }
                "CANCEL" => {
                    if let Some(invite) = self.invites.get_mut(&(call, number)) {
                        if !invite.provisional {
                            self.faults.push("a CANCEL before any response".into());
                        }
                        invite.cancelled.get_or_insert(now);
                    }
                }
                "ACK" => {
                    let tag = text.tag_to().unwrap_or_default();
                    let is_it = |due: &(String, u32, String)| {
                        due.0 == call && due.1 == number && due.2 == tag
                    };
                    self.due.retain(|due| !is_it(due));
                    return;
                }
                "BYE" => {
                    let tag = text.tag_to().unwrap_or_default().to_owned();
                    self.byes.entry((call, tag)).or_default();
                }
                _ => {}
            }
        }
        let key = (text.branch().to_owned(), method, status != 0);
        match self.sent.get_mut(&key) {
            // A server transaction is kept for 64*T1.
            Some(before) if now.saturating_duration_since(before.at) > ALMOST && status != 0 => {
                (before.status, before.bytes) = (status, bytes.clone());
            }
            // A challenge keeps no state: each has a nonce of its own (section 8.2.7).
            Some(before) if before.status == 401 && status == 401 => {}
            Some(before) if before.status >= 200 || status == 0 => {
                // A repetition is the same to the byte (RFC 3261 section 17).
                if before.bytes != *bytes {
                    let line = text.start_line();
                    let fault = format!("another message under an old branch: {line}");
                    self.faults.push(fault);
                }
            }
            _ => {
                let bytes = bytes.clone();
                let at = now;
                self.sent.insert(key, Sent { at, status, bytes });
            }
        }
    }

    /// A message of the gateway's arrived.
    pub(super) fn arrived(&mut self, text: &Text<'_>) {
        if text.status().is_none() && text.method() == "BYE" {
            let tag = text.tag_to().unwrap_or_default().to_owned();
            *self
                .byes
                .entry((text.call_id().to_owned(), tag))
                .or_default() += 1;
        }
    }

    /// Whether no copy of a BYE for this dialog arrived. `sent`: and one was sent.
    pub(super) fn bye_was_lost(&self, call_id: &str, tag: &str, sent: bool) -> bool {
        let arrived = self.byes.get(&(call_id.to_owned(), tag.to_owned()));
        arrived.map_or(!sent, |copies| *copies == 0)
    }

    /// The gateway is given `text` now.
    pub(super) fn delivered(&mut self, now: Instant, text: &Text<'_>) {
        let (Some(status), Some((number, "INVITE"))) = (text.status(), text.cseq()) else {
            return;
        };
        let key = (text.call_id().to_owned(), number);
        let Some(invite) = self.invites.get_mut(&key) else {
            return;
        };
        let within = |since: Instant| now.saturating_duration_since(since) < ALMOST;
        if status < 200 {
            invite.provisional = true;
            invite.proceeds |= within(invite.at);
            return;
        }
        // A connection that broke takes its requests with it.
        if invite.reliable {
            return;
        }
        let waits = match invite.finished {
            Some((since, success)) => within(since) && success == (status < 300),
            None => (invite.proceeds || within(invite.at)) && invite.cancelled.is_none_or(within),
        };
        if waits {
            invite.finished.get_or_insert((now, status < 300));
            let tag = text.tag_to().unwrap_or_default().to_owned();
            self.due.push((key.0, key.1, tag));
        }
    }

    /// The gateway has said all it has to say for now: what was due must be out.
    pub(super) fn settle(&mut self) {
        for (call, number, _) in self.due.drain(..) {
            let fault = format!("no ACK for a final response to INVITE {number} of {call}");
            self.faults.push(fault);
        }
    }
}

/// 64*T1, with room for the moment that two timers share.
const ALMOST: Duration = Duration::from_millis(31_900);
