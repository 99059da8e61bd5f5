//! INVITE client transaction (RFC 3261 section 17.1.1, RFC 6026 section 8.4).
//!
//! ```text
//! in:  user: start | transport: response | schedule: A B D M
//! out: transport: Send SendAgain Acknowledge | user: Deliver TimedOut
//!
//!            INVITE                1xx                  300-699, ACK
//!   (start) -------> Calling ------------> Proceeding -----------------> Completed -- D --> (end)
//!                      | A: again              |                           300-699: ACK
//!                      | B: (end)              |
//!                      +---- 2xx --------------+------> Accepted -- M --> (end)
//!                                                         2xx: to the user
//! ```

use std::time::Duration;

use crate::timers::{Timer, Timers};

use super::Step;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for any response.
    Calling,
    /// Waits for the final response.
    Proceeding,
    /// Waits for repetitions of a final non-2xx.
    Completed,
    /// Waits for repetitions of the 2xx and for those of other forks.
    Accepted,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct ClientInvite {
    state: State,
    reliable: bool,
    /// Timer A's current value.
    interval: Duration,
    timers: Timers,
}

impl ClientInvite {
    pub(crate) fn start(timers: Timers, reliable: bool) -> (Self, Vec<Step>) {
        let machine = ClientInvite {
            state: State::Calling,
            reliable,
            interval: timers.t1,
            timers,
        };
        let mut steps = vec![Step::Send, Step::Set(Timer::B, timers.give_up())];
        if !reliable {
            steps.push(Step::Set(Timer::A, timers.t1));
        }
        (machine, steps)
    }

    pub(crate) fn handle_response(&mut self, status: u16) -> Vec<Step> {
        let mut steps = Vec::new();
        match (self.state, status) {
            (State::Calling, 100..=199) => {
                self.state = State::Proceeding;
                steps.extend([Step::Clear(Timer::A), Step::Clear(Timer::B), Step::Deliver]);
            }
            (State::Proceeding, 100..=199) => steps.push(Step::Deliver),
            (State::Calling | State::Proceeding, 200..=299) => {
                self.state = State::Accepted;
                steps.extend([
                    Step::Clear(Timer::A),
                    Step::Clear(Timer::B),
                    Step::Set(Timer::M, self.timers.give_up()),
                    Step::Deliver,
                ]);
            }
            (State::Accepted, 200..=299) => steps.push(Step::Deliver),
            (State::Calling | State::Proceeding, 300..) => {
                self.state = State::Completed;
                steps.extend([
                    Step::Clear(Timer::A),
                    Step::Clear(Timer::B),
                    Step::Acknowledge,
                    Step::Deliver,
                ]);
                // Timer D: at least 32 s (64*T1) for UDP, zero for reliable transports.
                steps.push(if self.reliable {
                    Step::Terminate
                } else {
                    Step::Set(Timer::D, self.timers.give_up())
                });
            }
            (State::Completed, 300..) => steps.push(Step::Acknowledge),
            (State::Completed | State::Accepted, _) | (_, 0..=99) => {}
        }
        steps
    }

    pub(crate) fn handle_timer(&mut self, timer: Timer) -> Vec<Step> {
        match (self.state, timer) {
            (State::Calling, Timer::A) => {
                self.interval = self.interval.saturating_mul(2);
                vec![Step::SendAgain, Step::Set(Timer::A, self.interval)]
            }
            (State::Calling, Timer::B) => vec![Step::TimedOut, Step::Terminate],
            (State::Completed, Timer::D) | (State::Accepted, Timer::M) => vec![Step::Terminate],
            _ => Vec::new(),
        }
    }

    /// Whether a final response is still missing.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(reliable: bool) -> ClientInvite {
        ClientInvite::start(Timers::default(), reliable).0
    }

    #[test]
    fn rfc3261_timer_a_doubles_without_a_cap() {
        let mut machine = machine(false);
        for ms in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000] {
            assert_eq!(
                machine.handle_timer(Timer::A),
                [
                    Step::SendAgain,
                    Step::Set(Timer::A, Duration::from_millis(ms))
                ]
            );
        }
        assert_eq!(
            machine.handle_timer(Timer::B),
            [Step::TimedOut, Step::Terminate]
        );
    }

    #[test]
    fn rfc6026_every_2xx_reaches_the_user_until_m() {
        let mut machine = machine(false);
        assert!(machine.handle_response(200).contains(&Step::Deliver));
        assert_eq!(machine.handle_response(200), [Step::Deliver]);
        assert_eq!(machine.handle_response(486), []);
        assert_eq!(machine.handle_timer(Timer::M), [Step::Terminate]);
    }

    #[test]
    fn a_final_refusal_is_acknowledged_each_time_and_delivered_once() {
        let mut machine = machine(false);
        machine.handle_response(180);
        assert!(machine.handle_response(486).contains(&Step::Deliver));
        assert_eq!(machine.handle_response(486), [Step::Acknowledge]);
        assert_eq!(machine.handle_timer(Timer::D), [Step::Terminate]);
    }

    #[test]
    fn a_reliable_transport_needs_neither_a_nor_d() {
        let (mut machine, steps) = ClientInvite::start(Timers::default(), true);
        assert!(
            !steps
                .iter()
                .any(|step| matches!(step, Step::Set(Timer::A, _)))
        );
        assert_eq!(machine.handle_response(486).last(), Some(&Step::Terminate));
    }
}
