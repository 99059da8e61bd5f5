//! What a trial is made of, apart from the calls' own stories.

use std::time::Duration;

use squelch_call::EndReason::{self, *};
use squelch_call::{GatewayConfig, Transfer, TrunkDigest};
use squelch_sip::digest::Algorithm;
use squelch_sip::{Credentials, Listener, Protocol};

use super::dice::{Dice, wide};
use super::digest::{REALM, USER};
use super::plot::{Api, Limit, Plot};
use super::plots::{PASSWORD, PLOTS};
use super::weather::Weather;
use crate::peer::openai::Speech;
use crate::world::{Setup, gateway_address, openai_address};

/// Everything that the seed decides beforehand.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) plots: Vec<Plot>,
    /// What OpenAI is called over.
    pub(super) protocol: Protocol,
    pub(super) routes: u32,
    /// OpenAI is found by a name.
    pub(super) by_name: bool,
    pub(super) name_fails: bool,
    pub(super) connect: Connect,
    /// When all connections break.
    pub(super) breaks: Option<Duration>,
    /// OpenAI's side answers pings (RFC 5626).
    pub(super) pongs: bool,
    /// squelch accepts calls itself.
    pub(super) accepts: bool,
    /// Port pairs there are.
    pub(super) ports: u32,
    pub(super) drain: Option<Duration>,
    pub(super) strangers: u32,
    pub(super) max_calls: Option<u32>,
    pub(super) one_a_second: bool,
    /// The trunk must prove itself by digest.
    pub(super) digest: bool,
    /// The media worker gives its last figures.
    pub(super) figures: bool,
    /// When it goes dark on the carrier's leg and on OpenAI's, and for how long.
    pub(super) dark: [Option<(Duration, Duration)>; 2],
}

/// What becomes of a connection to OpenAI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connect {
    Good,
    Refused,
    /// Neither comes up nor fails for a long time.
    Slow,
}

impl Setting {
    pub(super) fn new(dice: &mut Dice) -> Setting {
        let calls = dice.pick(&[1, 1, 1, 1, 2, 3], 1);
        let mut plots = Vec::new();
        for _ in 0..calls {
            let group = dice.pick(PLOTS, &[]);
            let at = dice.below(group.len() as u32) as usize;
            plots.extend(group.get(at).copied());
        }
        let protocols = [Protocol::Udp, Protocol::Udp, Protocol::Tcp, Protocol::Tls];
        let protocol = dice.pick(&protocols, Protocol::Udp);
        let stream = protocol.is_reliable();
        let sometimes = |dice: &mut Dice, percent| dice.chance(percent);
        let connects = [Connect::Refused, Connect::Slow];
        let connect = match stream && sometimes(dice, 10) {
            true => dice.pick(&connects, Connect::Good),
            false => Connect::Good,
        };
        let api = plots.iter().any(|plot| plot.api != Api::Good);
        let first_refuses = plots.iter().any(|plot| plot.first_refuses.is_some());
        let by_name = sometimes(dice, 30);
        Setting {
            protocol,
            routes: if first_refuses { 2 } else { 1 + dice.below(2) },
            by_name,
            name_fails: by_name && sometimes(dice, 10),
            connect,
            breaks: (stream && sometimes(dice, 20)).then(|| dice.millis(0, 20_000)),
            pongs: stream && sometimes(dice, 50),
            accepts: api || sometimes(dice, 50),
            ports: if sometimes(dice, 10) {
                dice.below(2)
            } else {
                100
            },
            drain: sometimes(dice, 10).then(|| dice.millis(0, 25_000)),
            strangers: if sometimes(dice, 30) {
                1 + dice.below(8)
            } else {
                0
            },
            max_calls: sometimes(dice, 5).then(|| dice.below(2)),
            one_a_second: sometimes(dice, 5),
            digest: sometimes(dice, 10) || plots.iter().any(|plot| plot.password != PASSWORD),
            figures: !sometimes(dice, 5),
            dark: [(); 2].map(|()| dark(dice)),
            plots,
        }
    }

    /// The networks of both legs, the carrier's first.
    pub(super) fn weather(&self, now: std::time::Instant, dice: &mut Dice) -> [Weather; 2] {
        self.dark.map(|dark| {
            let mut weather = Weather::new(dice);
            if let Some((after, span)) = dark {
                weather.darken(now + after, now + after + span, dice);
            }
            weather
        })
    }

    /// The gateway's configuration.
    pub(super) fn gateway(&self, seed: u64) -> GatewayConfig {
        let mut config = Setup::new(0, Speech::default()).gateway;
        config.user_agent = format!("squelch {seed}");
        let gateway = gateway_address();
        for (protocol, port) in [(Protocol::Tcp, 5_060), (Protocol::Tls, 5_061)] {
            let mut local = gateway;
            local.set_port(port);
            config.listeners.push(Listener {
                protocol,
                local,
                advertised_host: local.ip().to_string(),
                advertised_port: port,
            });
        }
        let host = match self.by_name {
            true => format!("sip.openai.example:{}", openai_address().port()),
            false => openai_address().to_string(),
        };
        let route = config.openai.routes.first().cloned();
        config.openai.routes.clear();
        let credentials = |realm, password| Credentials::new(USER, realm, password).ok();
        for _ in 0..self.routes {
            config.openai.routes.extend(route.clone().map(|mut route| {
                let transport = self.protocol.name();
                route.credentials = credentials(REALM, PASSWORD);
                route.sip_uri = format!("sip:proj_trial@{host};transport={transport}");
                route
            }));
        }
        if !self.accepts {
            config.openai.session = None;
        }
        if let Some(max_calls) = self.max_calls {
            config.limits.max_calls = max_calls;
        }
        if self.has_limit(Limit::MaxCall) {
            config.limits.max_call = Duration::from_secs(20);
        }
        let numbers = "+1415*".parse().into_iter().collect();
        let known = credentials("trunk", PASSWORD).filter(|_| self.digest);
        if let Some(trunk) = config.trunks.first_mut() {
            trunk.transfer = Transfer::Numbers(numbers);
            trunk.digest = known.map(|credentials| TrunkDigest {
                credentials,
                algorithms: vec![Algorithm::Sha256],
            });
        }
        if let Some(trunk) = config.trunks.first_mut()
            && self.one_a_second
        {
            trunk.max_calls_per_second = Some(1);
        }
        config
    }

    /// What the trial is about, for people.
    pub(super) fn story(&self) -> String {
        let plots: Vec<&str> = self.plots.iter().map(|plot| plot.name).collect();
        let mut story = format!("{} ({}", plots.join("; "), self.protocol);
        let more = [
            (self.accepts, "squelch accepts"),
            (self.by_name, "by name"),
            (self.name_fails, "the name fails"),
            (self.connect != Connect::Good, "connecting fails"),
            (self.breaks.is_some(), "connections break"),
            (self.ports < self.plots.len() as u32, "ports run out"),
            (self.drain.is_some(), "drained"),
            (self.digest, "digest"),
            (self.pongs, "pongs"),
            (self.strangers > 0, "strangers"),
            (self.dark.iter().any(Option::is_some), "dark"),
        ];
        for (_, what) in more.iter().filter(|(holds, _)| *holds) {
            story.push_str(", ");
            story.push_str(what);
        }
        story + ")"
    }

    fn has_limit(&self, limit: Limit) -> bool {
        self.plots.iter().any(|plot| plot.limit == limit)
    }

    /// How a call may end, where the network only loses, repeats and delays.
    pub(super) fn ends(&self, plot: &Plot, openai: &Weather) -> Vec<EndReason> {
        let mut ends = plot.ends.to_vec();
        let mut also = |condition: bool, more: &[EndReason]| {
            if condition {
                ends.extend(more);
            }
        };
        also(self.has_limit(Limit::MaxCall), &[MaxCall]);
        also(self.has_limit(Limit::Silence), &[MediaTimeout]);
        also(self.drain.is_some(), &[Drained, Draining]);
        also(self.ports < self.plots.len() as u32, &[NoPorts]);
        also(self.max_calls.is_some(), &[Full]);
        also(self.one_a_second, &[RateLimited]);
        also(self.name_fails, &[OpenaiUnreachable]);
        // A 180 is said once; where it gets lost, or all comes late, the set-up time ends first.
        let rings_long = plot.ends.contains(&RingTimeout);
        let lossy = self.protocol == Protocol::Udp && openai.loses();
        also(openai.is_late() || (rings_long && lossy), &[SetupTimeout]);
        ends
    }

    /// Whether a connection fails.
    pub(super) fn has_trouble(&self) -> bool {
        self.breaks.is_some() || self.connect != Connect::Good
    }
}

/// Seeds of the gateway.
pub(super) fn gateway_seed(seed: u64) -> [u8; 32] {
    wide(seed ^ 0x6A7E_3A1D)
}

fn dark(dice: &mut Dice) -> Option<(Duration, Duration)> {
    if !dice.chance(6) {
        return None;
    }
    let spans = [3_000, 20_000, 60_000, 400_000];
    let span = dice.pick(&spans, 0);
    Some((dice.millis(0, 30_000), Duration::from_millis(span)))
}
