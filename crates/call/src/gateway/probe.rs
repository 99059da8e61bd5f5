//! Probes: OPTIONS to each route, so that calls meet a dead one last and not first.
//!
//! ```text
//! waits for its time -> [waits for names] -> asked -> alive: back in the order, next in `probe`
//!                                                  -> failed: next soon; FAILURES in a row: tried last
//! ```

use super::{Clock, Gateway};
use squelch_sip::locate::Located;
use squelch_sip::{Failure, NameAddr, OutgoingOptions, RequestId, Target, Uri};
use std::time::{Duration, Instant};

/// Probes that fail in a row before a route is tried last: one may meet a restart, two a change of
/// addresses.
const FAILURES: u32 = 3;
/// After a failure the next probe comes this soon, if probes are further apart.
const SOON: Duration = Duration::from_secs(5);
/// How long a probe waits for an answer: over UDP it is sent at 0, 0.5, 1.5 and 3.5 s (RFC 3261
/// timer E).
const PATIENCE: Duration = Duration::from_secs(4);

/// The probes of all routes.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// By the route's place.
    routes: Vec<Probe>,
}

#[derive(Debug)]
struct Probe {
    state: State,
    failures: u32,
    is_down: bool,
}

#[derive(Debug)]
enum State {
    /// For its time.
    Waits(Instant),
    /// For nothing: the configuration names it no longer.
    Gone,
    /// For names.
    Resolving,
    /// For an answer, no longer than told.
    Asked(RequestId, Target, Instant),
}

impl Probes {
    pub(super) fn next(&self) -> Option<Instant> {
        let at = |probe: &Probe| match &probe.state {
            State::Waits(at) | State::Asked(_, _, at) => Some(*at),
            State::Resolving | State::Gone => None,
        };
        self.routes.iter().filter_map(at).min()
    }

    pub(super) fn stop(&mut self) {
        self.routes.clear();
    }
}

impl Gateway {
    /// The sockets are there: names are looked up before the first call needs them, and probing
    /// begins.
    pub(super) fn begin_probing(&mut self, clock: Clock) {
        self.locator.keep_fresh();
        for route in self.preference.clone() {
            self.locate_route(clock, route);
        }
        let mut known = std::mem::take(&mut self.probes.routes).into_iter();
        for route in 0..self.config.openai.routes.len() {
            let state = match self.is_probed(route) {
                true => State::Waits(clock.now),
                false => State::Gone,
            };
            let before = known.next();
            let probe = match before {
                // An answer is on its way.
                Some(probe) if matches!(probe.state, State::Asked(..)) => probe,
                Some(probe) if self.is_probed(route) => Probe { state, ..probe },
                _ => Probe {
                    state,
                    failures: 0,
                    is_down: false,
                },
            };
            self.probes.routes.push(probe);
        }
        self.probe_due(clock);
    }

    /// Whether a route is asked. One that a new configuration left out keeps its place, and is not.
    fn is_probed(&self, route: usize) -> bool {
        self.config.openai.probe.is_some() && self.preference.contains(&route)
    }

    /// Whether probes of a route have failed too often, by its place in the configuration.
    pub fn is_route_down(&self, route: usize) -> bool {
        self.probes.routes.get(route).is_some_and(|p| p.is_down)
    }

    /// Sends what is due, gives up what was not answered.
    pub(super) fn probe_due(&mut self, clock: Clock) {
        for route in 0..self.probes.routes.len() {
            let Some(probe) = self.probes.routes.get(route) else {
                return;
            };
            match &probe.state {
                State::Waits(at) if *at <= clock.now => match self.is_probed(route) {
                    true => self.probe(clock, route),
                    false => self.set_probe(route, State::Gone),
                },
                State::Asked(_, target, at) if *at <= clock.now => {
                    let target = target.clone();
                    self.probe_failed(clock, route, Some(&target), &Failure::Timeout);
                }
                _ => {}
            }
        }
    }

    /// Names came in.
    pub(super) fn go_on_probing(&mut self, clock: Clock) {
        for route in 0..self.probes.routes.len() {
            let state = self.probes.routes.get(route).map(|probe| &probe.state);
            if matches!(state, Some(State::Resolving)) {
                self.probe(clock, route);
            }
        }
    }

    fn probe(&mut self, clock: Clock, route: usize) {
        let target = match self.locate_route(clock, route) {
            Located::Targets(targets) => targets.into_iter().next(),
            Located::Waits => return self.set_probe(route, State::Resolving),
            Located::Nowhere(why) => {
                return self.probe_failed(clock, route, None, &Failure::Transport(why));
            }
        };
        let settings = self.config.openai.routes.get(route);
        let uri = settings.and_then(|settings| Uri::parse(&settings.sip_uri).ok());
        let (Some(target), Some(uri)) = (target, uri) else {
            let why = Failure::Transport("it leads nowhere".into());
            return self.probe_failed(clock, route, None, &why);
        };
        let host = self.own_host(target.protocol);
        let options = OutgoingOptions {
            request_uri: uri.clone(),
            from: NameAddr::new(Uri::sip(None, &host, None)),
            to: NameAddr::new(uri),
            target: target.clone(),
        };
        let asked = self.endpoint.options(clock.now, options);
        self.door
            .openai_in(clock.now, target.addr.ip().to_canonical());
        let until = clock.now + PATIENCE;
        self.set_probe(route, State::Asked(asked, target, until));
    }

    /// A probe came to an end. Whatever an answer says, somebody gave it, who may well take calls:
    /// many know OPTIONS only from their own customers (404, 405, 483). But 503 says in its own
    /// words that there is no service (RFC 3261 section 21.5.4).
    pub(super) fn probed(
        &mut self,
        clock: Clock,
        request: RequestId,
        outcome: &Result<u16, Failure>,
    ) {
        let found = self
            .probes
            .routes
            .iter()
            .enumerate()
            .find_map(|(route, probe)| match &probe.state {
                State::Asked(asked, target, _) if *asked == request => {
                    Some((route, target.clone()))
                }
                _ => None,
            });
        let Some((route, target)) = found else {
            return;
        };
        match outcome {
            Ok(503) => {
                let failure = Failure::Status {
                    status: 503,
                    reason_phrase: String::new(),
                    retry_after: None,
                    warning: None,
                };
                self.probe_failed(clock, route, Some(&target), &failure);
            }
            Ok(_) => {
                self.door
                    .openai_out(clock.now, target.addr.ip().to_canonical());
                self.resting.answered(&target);
                self.probe_succeeded(clock, route);
            }
            Err(failure) => self.probe_failed(clock, route, Some(&target), failure),
        }
    }

    fn probe_succeeded(&mut self, clock: Clock, route: usize) {
        let interval = self.config.openai.probe.unwrap_or(SOON);
        let Some(probe) = self.probes.routes.get_mut(route) else {
            return;
        };
        probe.failures = 0;
        probe.state = State::Waits(clock.now + interval);
        if std::mem::take(&mut probe.is_down) {
            tracing::info!(route = route + 1, "a route to OpenAI answers again");
        }
    }

    fn probe_failed(
        &mut self,
        clock: Clock,
        route: usize,
        target: Option<&Target>,
        failure: &Failure,
    ) {
        if let Some(target) = target {
            self.door
                .openai_out(clock.now, target.addr.ip().to_canonical());
            self.resting.failed(clock.now, target, failure);
        }
        let interval = self.config.openai.probe.unwrap_or(SOON);
        let Some(probe) = self.probes.routes.get_mut(route) else {
            return;
        };
        probe.failures = probe.failures.saturating_add(1);
        probe.state = State::Waits(clock.now + interval.min(SOON));
        if probe.failures >= FAILURES && !std::mem::replace(&mut probe.is_down, true) {
            tracing::warn!(
                route = route + 1,
                ?failure,
                "a route to OpenAI does not answer: calls try the others first"
            );
        }
    }

    fn set_probe(&mut self, route: usize, state: State) {
        if let Some(probe) = self.probes.routes.get_mut(route) {
            probe.state = state;
        }
    }
}
