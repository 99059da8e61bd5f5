//! INVITE server transaction (RFC 3261 section 17.2.1, RFC 6026 section 7.1).
//!
//! ```text
//! in:  transport: INVITE, ACK | user: respond | schedule: G H I L
//! out: transport: Send SendAgain | user: Deliver
//!
//!             INVITE               300-699               ACK
//!   (start) ---------> Proceeding ---------> Completed -------> Confirmed -- I --> (end)
//!                        | 1xx, INVITE: again   | G, INVITE: again
//!                        |                      | H: (end)
//!                        +--- 2xx ---> Accepted -- L --> (end)
//!                                        ACK: to the user; INVITE: nothing, the user repeats its 2xx
//! ```

use std::time::Duration;

use crate::timers::{Timer, Timers};

use super::Step;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for the user's final response.
    Proceeding,
    /// Waits for the ACK of a non-2xx.
    Completed,
    /// Waits for repetitions of that ACK.
    Confirmed,
    /// Waits for repetitions of the INVITE after a 2xx.
    Accepted,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct ServerInvite {
    state: State,
    reliable: bool,
    /// Timer G's current value.
    interval: Duration,
    timers: Timers,
}

impl ServerInvite {
    pub(crate) fn start(timers: Timers, reliable: bool) -> Self {
        ServerInvite {
            state: State::Proceeding,
            reliable,
            interval: timers.t1,
            timers,
        }
    }

    /// The INVITE came again.
    pub(crate) fn handle_request(&mut self) -> Vec<Step> {
        match self.state {
            State::Proceeding | State::Completed => vec![Step::SendAgain],
            State::Confirmed | State::Accepted => Vec::new(),
        }
    }

    /// The user responds. Nothing is sent where a final response already was.
    pub(crate) fn respond(&mut self, status: u16) -> Vec<Step> {
        match (self.state, status) {
            (State::Proceeding, 100..=199) => vec![Step::Send],
            (State::Proceeding, 200..=299) => {
                self.state = State::Accepted;
                vec![Step::Send, Step::Set(Timer::L, self.timers.give_up())]
            }
            (State::Proceeding, 300..) => {
                self.state = State::Completed;
                let mut steps = vec![Step::Send, Step::Set(Timer::H, self.timers.give_up())];
                if !self.reliable {
                    steps.push(Step::Set(Timer::G, self.timers.t1));
                }
                steps
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn handle_ack(&mut self) -> Vec<Step> {
        match self.state {
            State::Completed => {
                self.state = State::Confirmed;
                let end = if self.reliable {
                    Step::Terminate
                } else {
                    Step::Set(Timer::I, self.timers.t4)
                };
                vec![Step::Clear(Timer::G), Step::Clear(Timer::H), end]
            }
            State::Accepted => vec![Step::Deliver],
            State::Proceeding | State::Confirmed => Vec::new(),
        }
    }

    pub(crate) fn handle_timer(&mut self, timer: Timer) -> Vec<Step> {
        match (self.state, timer) {
            (State::Completed, Timer::G) => {
                self.interval = self.interval.saturating_mul(2).min(self.timers.t2);
                vec![Step::SendAgain, Step::Set(Timer::G, self.interval)]
            }
            (State::Completed, Timer::H)
            | (State::Confirmed, Timer::I)
            | (State::Accepted, Timer::L) => vec![Step::Terminate],
            _ => Vec::new(),
        }
    }

    /// Whether the user's final response is still missing.
    pub(crate) fn is_pending(&self) -> bool {
        self.state == State::Proceeding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_repeated_until_its_ack() {
        let mut machine = ServerInvite::start(Timers::default(), false);
        assert_eq!(machine.handle_request(), [Step::SendAgain]);
        assert!(
            machine
                .respond(486)
                .contains(&Step::Set(Timer::G, Duration::from_millis(500)))
        );
        for ms in [1_000, 2_000, 4_000, 4_000] {
            assert_eq!(
                machine.handle_timer(Timer::G),
                [
                    Step::SendAgain,
                    Step::Set(Timer::G, Duration::from_millis(ms))
                ]
            );
        }
        assert!(
            machine
                .handle_ack()
                .contains(&Step::Set(Timer::I, Duration::from_secs(5)))
        );
        assert_eq!(machine.handle_request(), []);
        assert_eq!(machine.handle_timer(Timer::I), [Step::Terminate]);
    }

    #[test]
    fn rfc6026_an_invite_repeated_after_the_2xx_is_absorbed() {
        let mut machine = ServerInvite::start(Timers::default(), false);
        assert_eq!(
            machine.respond(200),
            [Step::Send, Step::Set(Timer::L, Duration::from_secs(32))]
        );
        assert_eq!(machine.handle_request(), []);
        assert_eq!(machine.handle_ack(), [Step::Deliver]);
        assert_eq!(machine.respond(486), []);
        assert_eq!(machine.handle_timer(Timer::L), [Step::Terminate]);
    }

    #[test]
    fn over_a_reliable_transport_the_ack_ends_it() {
        let mut machine = ServerInvite::start(Timers::default(), true);
        assert_eq!(
            machine.respond(486),
            [Step::Send, Step::Set(Timer::H, Duration::from_secs(32))]
        );
        assert_eq!(machine.handle_ack().last(), Some(&Step::Terminate));
    }
}
