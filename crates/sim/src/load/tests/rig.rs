//! A caller, a callee, their calls' media, and a network of five milliseconds between.

#![expect(
    clippy::disallowed_methods,
    reason = "any instant serves as a test's start"
)]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use squelch_sip::{
    EndpointConfig, Listener, Protocol, Target, TransportInput, TransportOutput, Uri,
};

use super::*;
use crate::sound::Law;

pub(super) fn speech(ms: usize) -> Script {
    let packets: Vec<(Duration, Vec<u8>)> = (0..ms / 20)
        .map(|n| {
            let header = crate::peer::rtp::Header {
                marker: n == 0,
                payload_type: 0,
                sequence: n as u16,
                timestamp: 160 * n as u32,
                ssrc: 1,
            };
            let at = Duration::from_millis(20) * n as u32;
            (at, header.write(&[n as u8; 160]))
        })
        .collect();
    let packets = packets.iter().map(|(at, bytes)| (*at, &bytes[..]));
    Script::from_capture(Coding::G711(Law::Mu), 0, packets, Pacing::Captured).unwrap()
}

/// One call a tenth of a second, of one script.
pub(super) fn caller(script: Script) -> CallerPlan {
    let to: SocketAddr = FAR.parse().unwrap();
    CallerPlan {
        request_uri: Uri::parse("sip:load@192.0.2.2").unwrap(),
        from: Uri::parse("sip:test@192.0.2.1").unwrap(),
        target: Target {
            protocol: Protocol::Udp,
            addr: to,
            server_name: None,
        },
        credentials: None,
        media_address: NEAR.parse::<SocketAddr>().unwrap().ip(),
        schedule: Schedule {
            rate: 10.0,
            ramp: Duration::ZERO,
            calls: Some(1),
            duration: None,
        },
        share: Share::WHOLE,
        concurrent: None,
        parts: vec![Part {
            coding: script.coding(),
            duration: script.duration(),
            ptime_ms: 20,
            weight: 1,
            turns: Vec::new(),
        }],
        talk: None,
        ring: Duration::from_secs(30),
        suites: Vec::new(),
        impairment: None,
        seed: 1,
        misbehaviour: None,
        back: Return::Packets,
        listen_to: 1,
    }
}

pub(super) fn callee(says: Says) -> CalleePlan {
    CalleePlan {
        media_address: None,
        says,
        ring: Duration::ZERO,
        talk: None,
        calls: 100,
        impairment: None,
        misbehaviour: None,
        back: Return::Nothing,
    }
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Near,
    Far,
}

enum Packet {
    Sip(Vec<u8>),
    /// From which port to which.
    Rtp(u16, u16, Vec<u8>),
}

pub(super) struct Rig {
    start: Instant,
    now: Instant,
    caller: Caller,
    callee: Callee,
    script: Script,
    legs: BTreeMap<(End, CallKey), MediaLeg>,
    ports: BTreeMap<u16, (End, CallKey)>,
    /// By arrival, then in the order of sending.
    wire: BTreeMap<(Instant, u64), (End, Packet)>,
    sent: u64,
    outcomes: Vec<CallOutcome>,
    pub(super) far_outcomes: Vec<CallOutcome>,
    pub(super) most_at_once: usize,
    pub(super) reinvites: usize,
    /// Nothing arrives.
    pub(super) dark: bool,
}

impl Rig {
    pub(super) fn new(plan: CallerPlan, far: CalleePlan) -> Rig {
        let start = Instant::now();
        let config = |local: &str, seed| {
            let local: SocketAddr = local.parse().unwrap();
            let mut config = EndpointConfig::new([seed; 32], "test");
            config.listeners = vec![Listener {
                protocol: Protocol::Udp,
                local,
                advertised_host: local.ip().to_string(),
                advertised_port: local.port(),
            }];
            config
        };
        Rig {
            start,
            now: start,
            script: speech(plan.parts[0].duration.as_millis() as usize),
            caller: Caller::new(start, config(NEAR, 1), plan),
            callee: Callee::new(start, config(FAR, 2), far),
            legs: BTreeMap::new(),
            ports: BTreeMap::new(),
            wire: BTreeMap::new(),
            sent: 0,
            outcomes: Vec::new(),
            far_outcomes: Vec::new(),
            most_at_once: 0,
            reinvites: 0,
            dark: false,
        }
    }

    /// Until the caller's calls are over.
    pub(super) fn run(&mut self) -> Vec<CallOutcome> {
        self.run_until(Duration::from_secs(300));
        assert!(self.caller.is_over(), "not over after five minutes");
        std::mem::take(&mut self.outcomes)
    }

    pub(super) fn stop(&mut self) {
        self.caller.stop(self.now);
        self.settle();
    }

    pub(super) fn run_until(&mut self, end: Duration) {
        let end = self.start + end;
        self.caller.handle_timeout(self.now);
        self.settle();
        let mut over_since = None;
        while let Some(at) = self.next()
            && at <= end
        {
            self.now = self.now.max(at);
            if self.caller.is_over() {
                // The far end hears of it a moment later.
                let since = *over_since.get_or_insert(self.now);
                if self.now > since + Duration::from_secs(1) {
                    return;
                }
            }
            self.turn();
        }
        self.now = self.now.max(end);
    }

    fn next(&self) -> Option<Instant> {
        let legs = self.legs.values();
        let legs = legs.filter_map(|leg| leg.poll_timeout(Some(&self.script)));
        let sides = [self.caller.poll_timeout(), self.callee.poll_timeout()];
        let wire = self.wire.keys().next().map(|(at, _)| *at);
        legs.chain(sides.into_iter().flatten()).chain(wire).min()
    }

    fn turn(&mut self) {
        let now = self.now;
        while let Some(entry) = self.wire.first_entry()
            && entry.key().0 <= now
        {
            let (end, packet) = entry.remove();
            self.arrive(end, packet);
            self.settle();
        }
        let keys: Vec<_> = self.legs.keys().copied().collect();
        for key in keys {
            let mut buffer = vec![0; PACKET_ROOM];
            while let Some(leg) = self.legs.get_mut(&key)
                && let Some(departure) = leg.poll_packet(now, lent(&self.script), &mut buffer)
            {
                assert_eq!(departure.due, now, "nothing is late in virtual time");
                let remote = leg.remote().port();
                self.rtp(key, remote, buffer[..departure.length].to_vec());
            }
        }
        self.caller.handle_timeout(now);
        self.callee.handle_timeout(now);
        self.settle();
    }

    fn arrive(&mut self, end: End, packet: Packet) {
        let now = self.now;
        match packet {
            Packet::Sip(bytes) => {
                let (local, from) = match end {
                    End::Near => (NEAR, FAR),
                    End::Far => (FAR, NEAR),
                };
                let input = Input::Sip(TransportInput::Datagram {
                    local: local.parse().unwrap(),
                    from: from.parse().unwrap(),
                    bytes: &bytes,
                });
                match end {
                    End::Near => self.caller.handle_input(now, input),
                    End::Far => self.callee.handle_input(now, input),
                }
            }
            Packet::Rtp(from, to, mut bytes) => {
                let Some(key) = self.ports.get(&to).copied() else {
                    return;
                };
                let Some(leg) = self.legs.get_mut(&key) else {
                    return;
                };
                let length = bytes.len();
                bytes.resize(PACKET_ROOM, 0);
                let from = SocketAddr::new(ip(other(end)), from);
                let echo = leg.handle_packet(now, from, lent(&self.script), &mut bytes, length);
                let remote = leg.remote().port();
                if let Some(length) = echo {
                    bytes.truncate(length);
                    self.rtp(key, remote, bytes);
                }
            }
        }
    }

    fn rtp(&mut self, key: (End, CallKey), to: u16, bytes: Vec<u8>) {
        let from = port(key);
        self.send(other(key.0), Packet::Rtp(from, to, bytes));
    }

    fn send(&mut self, to: End, packet: Packet) {
        self.sent += 1;
        if !self.dark {
            self.wire
                .insert((self.now + DELAY, self.sent), (to, packet));
        }
    }

    fn settle(&mut self) {
        let mut again = VecDeque::from([End::Near, End::Far]);
        while let Some(end) = again.pop_front() {
            while let Some(output) = match end {
                End::Near => self.caller.poll_output(),
                End::Far => self.callee.poll_output(),
            } {
                self.obey(end, output);
            }
        }
        self.most_at_once = self.most_at_once.max(self.caller.active());
    }

    fn obey(&mut self, end: End, output: Output) {
        let now = self.now;
        let input = match output {
            Output::Sip(TransportOutput::Datagram { bytes, .. }) => {
                let text = String::from_utf8_lossy(&bytes);
                let to_tag = text
                    .lines()
                    .any(|l| l.starts_with("To:") && l.contains("tag="));
                self.reinvites += usize::from(text.starts_with("INVITE ") && to_tag);
                self.send(other(end), Packet::Sip(bytes.to_vec()));
                return;
            }
            Output::Sip(_) => return,
            Output::BindPort { call } => {
                self.ports.insert(port((end, call)), (end, call));
                let bound = Some(SocketAddr::new(ip(end), port((end, call))));
                Input::Port { call, bound }
            }
            Output::StartMedia { call, plan } => {
                let leg = MediaLeg::new(self.start, now, *plan);
                self.legs.insert((end, call), leg);
                return;
            }
            Output::ChangeMedia { call, remote, held } => {
                if let Some(leg) = self.legs.get_mut(&(end, call)) {
                    leg.change(remote, held);
                }
                return;
            }
            Output::StopMedia { call } => {
                let mut leg = self.legs.remove(&(end, call)).expect("it was started");
                let facts = Box::new(leg.finish(None));
                Input::MediaStopped { call, facts }
            }
            Output::ClosePort { .. } => return,
            Output::Ended { outcome } => {
                match end {
                    End::Near => self.outcomes.push(*outcome),
                    End::Far => self.far_outcomes.push(*outcome),
                }
                return;
            }
        };
        match end {
            End::Near => self.caller.handle_input(now, input),
            End::Far => self.callee.handle_input(now, input),
        }
    }
}

fn lent(script: &Script) -> Lent<'_> {
    Lent {
        script: Some(script),
        reference: None,
    }
}

fn other(end: End) -> End {
    match end {
        End::Near => End::Far,
        End::Far => End::Near,
    }
}

fn ip(end: End) -> std::net::IpAddr {
    let local = match end {
        End::Near => NEAR,
        End::Far => FAR,
    };
    local.parse::<SocketAddr>().unwrap().ip()
}

fn port((end, call): (End, CallKey)) -> u16 {
    let base = match end {
        End::Near => 10_000,
        End::Far => 20_000,
    };
    base + 2 * call.0 as u16
}

const NEAR: &str = "192.0.2.1:5060";
const FAR: &str = "192.0.2.2:5060";
const DELAY: Duration = Duration::from_millis(5);
