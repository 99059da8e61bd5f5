//! A new configuration under calls that are up.
//!
//! What is new holds for what begins from now on: calls, and what is asked of a call later (an offer, a transfer, a
//! session). Calls, counters and timers know trunks and routes by their places, so nothing moves: what the new
//! configuration still names keeps its place, what it adds comes behind, what it leaves out stays, for the calls that
//! have it, and takes no new ones.

use super::{Clock, Gateway};
use crate::config::{GatewayConfig, Route, Trunk};
use ipnet::IpNet;
use std::net::IpAddr;

/// Networks that trunks signalled from before, while they have calls from then.
#[derive(Debug, Default)]
pub(super) struct Leaving(Vec<(usize, Vec<IpNet>)>);

impl Gateway {
    pub(super) fn reconfigure(&mut self, clock: Clock, new: GatewayConfig) {
        let GatewayConfig {
            user_agent: _,
            // Bound at the start, as is what SDP says of them.
            listeners: _,
            media_address: _,
            trunks,
            openai,
            http_token,
            guard,
            limits,
        } = new;
        self.take_trunks(trunks);
        let mut routes = std::mem::take(&mut self.config.openai.routes);
        self.preference = (openai.routes.iter())
            .map(|route| place(&mut routes, route))
            .collect();
        self.config.openai = openai;
        self.config.openai.routes = routes;
        self.config.http_token = http_token;
        self.config.guard = guard;
        self.config.limits = limits;
        if self.draining.is_none() {
            self.begin_probing(clock);
        }
    }

    fn take_trunks(&mut self, mut new: Vec<Trunk>) {
        let active = &self.counters.active;
        let has_calls = |trunk: &usize| active.get(trunk).is_some_and(|count| *count > 0);
        self.leaving.0.retain(|(trunk, _)| has_calls(trunk));
        for (at, trunk) in self.config.trunks.iter_mut().enumerate() {
            let before = trunk.sources.clone();
            match new.iter().position(|other| other.name == trunk.name) {
                Some(found) => *trunk = new.remove(found),
                None => trunk.sources.clear(),
            }
            if has_calls(&at) && before != trunk.sources {
                self.leaving.0.push((at, before));
            }
        }
        self.config.trunks.append(&mut new);
    }

    /// Whether a call that is up may still be signalled for from there, although the configuration no longer says so.
    pub(super) fn is_leaving(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let has_calls = |trunk| {
            self.counters
                .active
                .get(trunk)
                .is_some_and(|count| *count > 0)
        };
        let mut leaving = self.leaving.0.iter().filter(|(trunk, _)| has_calls(trunk));
        leaving.any(|(_, networks)| networks.iter().any(|network| network.contains(&ip)))
    }
}

/// The place of a route among those that were ever configured.
fn place(routes: &mut Vec<Route>, route: &Route) -> usize {
    let same =
        |other: &Route| (&other.sip_uri, &other.api_base) == (&route.sip_uri, &route.api_base);
    match routes.iter().position(same) {
        Some(at) => {
            if let Some(known) = routes.get_mut(at) {
                known.clone_from(route);
            }
            at
        }
        None => {
            routes.push(route.clone());
            routes.len() - 1
        }
    }
}
