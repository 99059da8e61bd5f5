//! Messages on their way.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use squelch_call::Input;
use squelch_sip::{ConnectionId, TransportInput, TransportOutput};

use super::{Flight, Stage};
use crate::trial::phone::{Habits, Phone, Role};
use crate::trial::pipes::Pipe;
use crate::trial::setting::Connect;
use crate::trial::text::{Text, take_frame, take_line_ends};
use crate::trial::weather::{Way, Weather};
use crate::world::{carrier_address, gateway_address, openai_address};

impl Stage {
    /// Signalling of the gateway's.
    pub(super) fn transmit(&mut self, output: TransportOutput) {
        match output {
            TransportOutput::Datagram { to, bytes, .. } => {
                self.witness.sent(self.now, &bytes, false);
                let role = if to == carrier_address() {
                    Role::Caller
                } else if to == openai_address() {
                    Role::Callee
                } else {
                    let line = Text::new(&bytes).map(|text| text.start_line().to_owned());
                    let fault = format!("sent to {to}, a stranger: {line:?}");
                    return self.tally.faults.push(fault);
                };
                self.cast(role, Way::FromGateway, gateway_address(), to, bytes);
            }
            TransportOutput::Connect { connection, .. } => self.connect(connection),
            TransportOutput::Stream { connection, bytes } => {
                if !is_keep_alive(&bytes) {
                    self.witness.sent(self.now, &bytes, true);
                }
                let of = |pipe: &Pipe| pipe.connection == connection && pipe.up;
                let pipe = self.pipes.iter().position(of);
                self.show("squelch -> OpenAI, stream", &bytes, "");
                if let Some(pipe) = pipe {
                    self.pour(pipe, false, &bytes);
                }
            }
            TransportOutput::Close { connection } => {
                let of = |pipe: &&mut Pipe| pipe.connection == connection;
                if let Some(pipe) = self.pipes.iter_mut().find(of) {
                    pipe.up = false;
                }
                // A shell tells of every end.
                self.later(Duration::ZERO, Flight::Closed(connection));
            }
        }
    }

    /// A datagram into the weather.
    pub(super) fn cast(
        &mut self,
        role: Role,
        way: Way,
        from: SocketAddr,
        to: SocketAddr,
        bytes: Bytes,
    ) {
        let now = self.now;
        let fate = link(&mut self.links, role).fate(now, way, &bytes, &mut self.dice);
        let arrow = match (role, way) {
            (Role::Caller, Way::ToGateway) => "carrier -> squelch",
            (Role::Caller, Way::FromGateway) => "squelch -> carrier",
            (Role::Callee, Way::ToGateway) => "           squelch <- OpenAI",
            (Role::Callee, Way::FromGateway) => "           squelch -> OpenAI",
        };
        let told = match fate {
            [None, _] => "LOST".to_owned(),
            [Some(at), None] => format!("+{} ms", (at - now).as_millis()),
            [Some(at), Some(twice)] => {
                format!(
                    "+{} and {} ms",
                    (at - now).as_millis(),
                    (twice - now).as_millis()
                )
            }
        };
        self.show(arrow, &bytes, &told);
        for at in fate.into_iter().flatten() {
            let bytes = bytes.clone();
            self.at(at, Flight::Datagram { from, to, bytes });
        }
    }

    pub(super) fn phone_sends(&mut self, at: usize, bytes: Bytes) {
        self.tally.messages += 1;
        let Some(phone) = self.phones.get(at) else {
            return;
        };
        let (role, pipe) = (phone.role, phone.pipe);
        if self.overheard.len() < MAX_OVERHEARD {
            self.overheard.push(bytes.clone());
        }
        let from = match role {
            Role::Caller => carrier_address(),
            Role::Callee => openai_address(),
        };
        if role == Role::Caller || !self.setting.protocol.is_reliable() {
            return self.cast(role, Way::ToGateway, from, gateway_address(), bytes);
        }
        let up = pipe.filter(|pipe| self.pipes.get(*pipe).is_some_and(|pipe| pipe.up));
        let pipe = up.unwrap_or_else(|| self.openai_connects());
        if let Some(phone) = self.phones.get_mut(at) {
            phone.pipe = Some(pipe);
        }
        self.show("           squelch <- OpenAI, stream", &bytes, "");
        self.pour(pipe, true, &bytes);
    }

    pub(super) fn datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if to == gateway_address() {
            if let Some(text) = Text::new(bytes) {
                self.reached(from, &text);
                if [carrier_address(), openai_address()].contains(&from) {
                    self.witness.delivered(self.now, &text);
                }
            }
            let local = to;
            return self.transport(TransportInput::Datagram { local, from, bytes });
        }
        self.tally.messages += 1;
        let role = if to == carrier_address() {
            Role::Caller
        } else {
            Role::Callee
        };
        self.deliver(role, None, bytes);
    }

    pub(super) fn transport(&mut self, input: TransportInput<'_>) {
        self.input(Input::Sip(input));
        self.witness.settle();
    }

    /// A new call of the carrier's is at the gateway.
    fn reached(&mut self, from: SocketAddr, text: &Text<'_>) {
        let is_call =
            text.status().is_none() && text.method() == "INVITE" && text.tag_to().is_none();
        // A call that has to prove itself first is none before.
        let proved = !self.setting.digest || text.header("Authorization").is_some();
        if is_call && proved && from == carrier_address() {
            let owner = self
                .phones
                .iter()
                .find(|phone| phone.call_id == text.call_id());
            let scene = owner.map(|phone| phone.scene);
            if let Some(scene) = scene.and_then(|scene| self.scenes.get_mut(scene)) {
                let since = *scene.reached.get_or_insert(self.now);
                scene.came_again |= self.now - since > KEPT;
            }
        }
    }

    /// A message for the phones of one side.
    fn deliver(&mut self, role: Role, pipe: Option<usize>, bytes: &[u8]) {
        let Some(text) = Text::new(bytes) else {
            return;
        };
        self.witness.arrived(&text);
        let is_owner = |phone: &Phone| phone.role == role && phone.owns(&text);
        let known = self.phones.iter().any(is_owner);
        let is_request = text.status().is_none();
        let opens = is_request && text.method() == "INVITE" && text.tag_to().is_none();
        if !known && role == Role::Callee && opens {
            self.openai_is_called(&text);
        } else if !known && is_request && text.method() != "ACK" {
            let line = text.start_line();
            self.tally
                .faults
                .push(format!("a request for nobody: {line}"));
        }
        for at in 0..self.phones.len() {
            let Some(phone) = self.phones.get_mut(at).filter(|phone| is_owner(phone)) else {
                continue;
            };
            if pipe.is_some() {
                phone.pipe = pipe;
            }
            phone.receive(self.now, &text);
            self.drain_phone(at);
        }
    }

    /// The phones of a call to OpenAI: as many as forks answer.
    fn openai_is_called(&mut self, text: &Text<'_>) {
        // The caller's number comes through: it ends in the scene's.
        let user = text.header("From").and_then(|from| from.split('@').next());
        let digits = user.and_then(|user| user.get(user.len().saturating_sub(4)..));
        let scene = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
        let Some(known) = self.scenes.get_mut(scene) else {
            let fault = "OpenAI is called for nobody".to_owned();
            return self.tally.faults.push(fault);
        };
        known.invites += 1;
        let (plot, first) = (known.plot, known.invites == 1);
        let via = match self.setting.protocol {
            squelch_sip::Protocol::Udp => "UDP",
            squelch_sip::Protocol::Tcp => "TCP",
            squelch_sip::Protocol::Tls => "TLS",
        };
        let habits = Habits {
            acknowledges: true,
            hears: plot.callee_hears,
            challenges: plot.challenged,
            password: plot.password,
            says: plot.callee_says,
        };
        let refused = plot.first_refuses.filter(|_| first);
        let forks = if refused.is_some() { 1 } else { plot.forks };
        for fork in 0..forks {
            let number = self.dice.number();
            let me = openai_address();
            let mut phone = Phone::callee(scene, fork, me, via, number, habits, text);
            phone.refuses = refused;
            self.phones.push(phone);
        }
    }

    fn connect(&mut self, connection: ConnectionId) {
        let up = match self.setting.connect {
            Connect::Good => true,
            Connect::Refused | Connect::Slow => self.dice.chance(30),
        };
        let after = match (up, self.setting.connect) {
            (false, Connect::Slow) => self.dice.millis(20_000, 60_000),
            _ => self.dice.millis(1, 300),
        };
        let what = if up { "comes up" } else { "fails" };
        self.ladder.note(self.now - self.start, || {
            format!(
                "a connection to OpenAI {what} after {} ms",
                after.as_millis()
            )
        });
        if up {
            self.pipes.push(Pipe::new(connection));
            self.later(after, Flight::Connected(connection));
        } else {
            self.later(after, Flight::Closed(connection));
        }
    }

    fn openai_connects(&mut self) -> usize {
        self.numbers += 1;
        self.pipes
            .push(Pipe::new(ConnectionId::Accepted(self.numbers)));
        let pipe = self.pipes.len() - 1;
        let at = self.now + self.dice.millis(1, 100);
        let at = self
            .pipes
            .get_mut(pipe)
            .map_or(at, |pipe| pipe.in_order(true, at));
        self.at(at, Flight::Accepted(pipe));
        pipe
    }

    pub(super) fn accepted(&mut self, pipe: usize) {
        let Some(connection) = self.pipes.get(pipe).map(|pipe| pipe.connection) else {
            return;
        };
        let protocol = self.setting.protocol;
        let mut local = gateway_address();
        local.set_port(protocol.default_port());
        let remote = SocketAddr::new(openai_address().ip(), 46_000 + pipe as u16);
        self.transport(TransportInput::Accepted {
            connection,
            protocol,
            local,
            remote,
        });
    }

    /// Bytes into a pipe, in pieces.
    fn pour(&mut self, at: usize, to_gateway: bool, bytes: &Bytes) {
        let way = if to_gateway {
            Way::ToGateway
        } else {
            Way::FromGateway
        };
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let most = rest.len() as u32;
            let cut = match self.dice.chance(60) {
                true => most,
                false => 1 + self.dice.below(most),
            };
            let piece = rest.split_to(cut as usize);
            let now = self.now;
            let when = link(&mut self.links, Role::Callee).stream(now, way, &mut self.dice);
            let Some(pipe) = self.pipes.get_mut(at) else {
                return;
            };
            let when = pipe.in_order(to_gateway, when);
            self.at(when, Flight::Stream(at, to_gateway, piece));
        }
    }

    pub(super) fn stream(&mut self, at: usize, to_gateway: bool, bytes: &[u8]) {
        let Some(pipe) = self.pipes.get_mut(at).filter(|pipe| pipe.up) else {
            return;
        };
        let connection = pipe.connection;
        if to_gateway {
            pipe.inward.extend_from_slice(bytes);
            while let Some(message) = take_frame(&mut pipe.inward) {
                if let Some(text) = Text::new(&message) {
                    self.witness.delivered(self.now, &text);
                }
            }
            return self.transport(TransportInput::StreamBytes { connection, bytes });
        }
        pipe.buffer.extend_from_slice(bytes);
        pipe.pinged += take_line_ends(&mut pipe.buffer);
        let pings = pipe.pinged / 2;
        pipe.pinged %= 2;
        if self.setting.pongs {
            for _ in 0..pings {
                self.pour(at, true, &Bytes::from_static(b"\r\n"));
            }
        }
        while let Some(message) = self
            .pipes
            .get_mut(at)
            .and_then(|pipe| take_frame(&mut pipe.buffer))
        {
            self.tally.messages += 1;
            self.deliver(Role::Callee, Some(at), &message);
        }
    }

    pub(super) fn break_pipes(&mut self) {
        self.ladder
            .note(self.now - self.start, || "all connections break".into());
        for at in 0..self.pipes.len() {
            let Some(pipe) = self.pipes.get_mut(at).filter(|pipe| pipe.up) else {
                continue;
            };
            pipe.up = false;
            let connection = pipe.connection;
            let after = self.dice.millis(0, 500);
            self.later(after, Flight::Closed(connection));
        }
    }

    fn show(&mut self, way: &str, bytes: &[u8], fate: &str) {
        let since = self.now - self.start;
        self.ladder.message(since, way, bytes, fate);
    }
}

fn link(links: &mut [Weather; 2], role: Role) -> &mut Weather {
    let [carrier, openai] = links;
    match role {
        Role::Caller => carrier,
        Role::Callee => openai,
    }
}

/// How long the gateway knows an INVITE again at least: 64*T1.
const KEPT: Duration = Duration::from_millis(31_900);
const MAX_OVERHEARD: usize = 64;

/// RFC 5626 section 3.5.1: nothing but line ends.
fn is_keep_alive(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}
