//! Non-INVITE client transaction (RFC 3261 section 17.1.2).
//!
//! ```text
//! in:  user: start | transport: response | schedule: E F K
//! out: transport: Send SendAgain | user: Deliver TimedOut
//!
//!            request             1xx                  200-699
//!   (start) --------> Trying ----------> Proceeding ----------> Completed -- K --> (end)
//!                       | E: again          | E: again (T2)
//!                       | F: (end)          | F: (end)
//! ```

use std::time::Duration;

use crate::timers::{Timer, Timers};

use super::Step;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for any response.
    Trying,
    /// Waits for the final response.
    Proceeding,
    /// Waits for repetitions of the final response.
    Completed,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct ClientNonInvite {
    state: State,
    reliable: bool,
    /// Timer E's current value.
    interval: Duration,
    timers: Timers,
}

impl ClientNonInvite {
    pub(crate) fn start(timers: Timers, reliable: bool) -> (Self, Vec<Step>) {
        let machine = ClientNonInvite {
            state: State::Trying,
            reliable,
            interval: timers.t1,
            timers,
        };
        let mut steps = vec![Step::Send, Step::Set(Timer::F, timers.give_up())];
        if !reliable {
            steps.push(Step::Set(Timer::E, timers.t1));
        }
        (machine, steps)
    }

    pub(crate) fn handle_response(&mut self, status: u16) -> Vec<Step> {
        match (self.state, status) {
            (State::Trying | State::Proceeding, 100..=199) => {
                self.state = State::Proceeding;
                vec![Step::Deliver]
            }
            (State::Trying | State::Proceeding, 200..) => {
                self.state = State::Completed;
                let end = if self.reliable {
                    Step::Terminate
                } else {
                    Step::Set(Timer::K, self.timers.t4)
                };
                vec![
                    Step::Clear(Timer::E),
                    Step::Clear(Timer::F),
                    Step::Deliver,
                    end,
                ]
            }
            (State::Completed, _) | (_, 0..=99) => Vec::new(),
        }
    }

    pub(crate) fn handle_timer(&mut self, timer: Timer) -> Vec<Step> {
        match (self.state, timer) {
            (State::Trying, Timer::E) => {
                self.interval = self.interval.saturating_mul(2).min(self.timers.t2);
                vec![Step::SendAgain, Step::Set(Timer::E, self.interval)]
            }
            (State::Proceeding, Timer::E) => {
                vec![Step::SendAgain, Step::Set(Timer::E, self.timers.t2)]
            }
            (State::Trying | State::Proceeding, Timer::F) => vec![Step::TimedOut, Step::Terminate],
            (State::Completed, Timer::K) => vec![Step::Terminate],
            _ => Vec::new(),
        }
    }

    /// Whether a final response is still missing.
    pub(crate) fn is_pending(&self) -> bool {
        self.state != State::Completed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3261_timer_e_doubles_up_to_t2() {
        let (mut machine, _) = ClientNonInvite::start(Timers::default(), false);
        for ms in [1_000, 2_000, 4_000, 4_000, 4_000] {
            assert_eq!(
                machine.handle_timer(Timer::E),
                [
                    Step::SendAgain,
                    Step::Set(Timer::E, Duration::from_millis(ms))
                ]
            );
        }
        assert_eq!(
            machine.handle_timer(Timer::F),
            [Step::TimedOut, Step::Terminate]
        );
    }

    #[test]
    fn a_provisional_response_slows_repetition_down() {
        let (mut machine, _) = ClientNonInvite::start(Timers::default(), false);
        assert_eq!(machine.handle_response(100), [Step::Deliver]);
        assert!(
            machine
                .handle_timer(Timer::E)
                .contains(&Step::Set(Timer::E, Duration::from_secs(4)))
        );
        assert!(
            machine
                .handle_response(200)
                .contains(&Step::Set(Timer::K, Duration::from_secs(5)))
        );
        assert_eq!(machine.handle_response(200), []);
    }
}
