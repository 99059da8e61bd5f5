//! Non-INVITE server transaction (RFC 3261 section 17.2.2).
//!
//! ```text
//! in:  transport: request | user: respond | schedule: J Unanswered
//! out: transport: Send SendAgain
//!
//!             request              200-699
//!   (start) ----------> Trying ------------> Completed -- J --> (end)
//!                         | Unanswered: (end)    request: again
//! ```
//! Proceeding is left out: no provisional response is ever sent to other methods than INVITE
//! (RFC 4320 section 4.1 forbids it but for a late 100).

use crate::timers::{Timer, Timers};

use super::Step;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for the user's response.
    Trying,
    /// Waits for repetitions of the request.
    Completed,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct ServerNonInvite {
    state: State,
    reliable: bool,
    timers: Timers,
}

impl ServerNonInvite {
    /// A user that does not answer within 64*T1 need not answer any more: the client has given up
    /// (timer F), and a 408 would only add to the load (RFC 4320 section 4.2).
    pub(crate) fn start(timers: Timers, reliable: bool) -> (Self, Vec<Step>) {
        let machine = ServerNonInvite {
            state: State::Trying,
            reliable,
            timers,
        };
        (
            machine,
            vec![Step::Set(Timer::Unanswered, timers.give_up())],
        )
    }

    /// The request came again.
    pub(crate) fn handle_request(&mut self) -> Vec<Step> {
        match self.state {
            State::Trying => Vec::new(),
            State::Completed => vec![Step::SendAgain],
        }
    }

    /// The user's final response. Nothing is sent where one already was.
    pub(crate) fn respond(&mut self, status: u16) -> Vec<Step> {
        if self.state == State::Completed || status < 200 {
            return Vec::new();
        }
        self.state = State::Completed;
        let end = if self.reliable {
            Step::Terminate
        } else {
            Step::Set(Timer::J, self.timers.give_up())
        };
        vec![Step::Clear(Timer::Unanswered), Step::Send, end]
    }

    pub(crate) fn handle_timer(&mut self, timer: Timer) -> Vec<Step> {
        match (self.state, timer) {
            (State::Trying, Timer::Unanswered) | (State::Completed, Timer::J) => {
                vec![Step::Terminate]
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_request_gets_the_same_response() {
        let (mut machine, _) = ServerNonInvite::start(Timers::default(), false);
        assert_eq!(machine.handle_request(), []);
        assert!(machine.respond(200).contains(&Step::Send));
        assert_eq!(machine.handle_request(), [Step::SendAgain]);
        assert_eq!(machine.respond(500), []);
        assert_eq!(machine.handle_timer(Timer::J), [Step::Terminate]);
    }
}
