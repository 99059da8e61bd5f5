//! A network in virtual time with SIP endpoints on it, and addresses where nobody is home but the
//! test.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use squelch_sip::message::{Framing, Message, Request, Response};
use squelch_sip::{
    Body, ConnectionId, DialogId, Endpoint, EndpointConfig, Event, Listener, NameAddr,
    OutgoingInvite, Output, Protocol, Target, TransportInput, TransportOutput, Uri,
};

/// Which endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node(pub(crate) usize);

/// One way over the network.
const LATENCY: Duration = Duration::from_millis(10);

/// A message seen on the network.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Bytes,
    pub(crate) lost: bool,
}

impl Seen {
    /// `INVITE`, `200 INVITE`, ...
    pub(crate) fn name(&self) -> String {
        match self.message() {
            Some(Message::Request(request)) => request.method.to_string(),
            Some(Message::Response(response)) => {
                let cseq = response.headers.get("CSeq").unwrap_or_default();
                let method = cseq.split(' ').nth(1).unwrap_or_default();
                format!("{} {method}", response.status)
            }
            None => "?".into(),
        }
    }

    pub(crate) fn message(&self) -> Option<Message> {
        Message::read(&self.bytes, Framing::Datagram).ok()
    }

    pub(crate) fn request(&self) -> Request {
        match self.message() {
            Some(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn response(&self) -> Response {
        match self.message() {
            Some(Message::Response(response)) => response,
            other => panic!("{other:?}"),
        }
    }
}

enum Delivery {
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Bytes,
    },
    Accepted {
        node: Node,
        connection: ConnectionId,
        protocol: Protocol,
        local: SocketAddr,
        remote: SocketAddr,
    },
    Connected {
        node: Node,
        connection: ConnectionId,
        local: SocketAddr,
    },
    Stream {
        node: Node,
        connection: ConnectionId,
        bytes: Bytes,
    },
    Closed {
        node: Node,
        connection: ConnectionId,
    },
}

/// Who sits at the other end of a connection.
#[derive(Clone, Copy)]
struct Wire {
    peer: Node,
    peer_connection: ConnectionId,
    local: SocketAddr,
    remote: SocketAddr,
}

type Loss = Box<dyn FnMut(&Seen) -> bool>;

pub(crate) struct World {
    start: Instant,
    pub(crate) now: Instant,
    endpoints: Vec<Endpoint>,
    hosts: Vec<std::net::IpAddr>,
    listeners: Vec<Vec<Listener>>,
    events: Vec<Vec<Event>>,
    in_flight: BTreeMap<(Instant, u64), Delivery>,
    sequence: u64,
    connections: u64,
    wires: BTreeMap<(Node, ConnectionId), Wire>,
    loss: Loss,
    silent: Option<Node>,
    no_pongs: bool,
    /// Streams are handed over in pieces of this many bytes.
    pub(crate) piece: usize,
    pub(crate) seen: Vec<Seen>,
}

impl World {
    pub(crate) fn new() -> World {
        let start = Instant::now();
        World {
            start,
            now: start,
            endpoints: Vec::new(),
            hosts: Vec::new(),
            listeners: Vec::new(),
            events: Vec::new(),
            in_flight: BTreeMap::new(),
            sequence: 0,
            connections: 0,
            wires: BTreeMap::new(),
            loss: Box::new(|_| false),
            silent: None,
            no_pongs: false,
            piece: usize::MAX,
            seen: Vec::new(),
        }
    }

    /// An endpoint that listens on UDP and TCP port 5060 and TLS port 5061 of `host`.
    pub(crate) fn add(&mut self, host: &str) -> Node {
        self.add_with(host, |_| {})
    }

    pub(crate) fn add_with(
        &mut self,
        host: &str,
        change: impl FnOnce(&mut EndpointConfig),
    ) -> Node {
        let node = Node(self.endpoints.len());
        let mut config = EndpointConfig::new([node.0 as u8 + 1; 32], "squelch-test");
        config.listeners = [
            (Protocol::Udp, 5060),
            (Protocol::Tcp, 5060),
            (Protocol::Tls, 5061),
        ]
        .map(|(protocol, port)| Listener {
            protocol,
            local: addr(host, port),
            advertised_host: host.into(),
            advertised_port: port,
        })
        .to_vec();
        change(&mut config);
        self.hosts.push(host.parse().unwrap());
        self.listeners.push(config.listeners.clone());
        self.endpoints.push(Endpoint::new(config));
        self.events.push(Vec::new());
        node
    }

    /// When this world began.
    pub(crate) fn begun(&self) -> Instant {
        self.start
    }

    /// Decides from now on what the network loses (datagrams alone).
    pub(crate) fn lose(&mut self, loss: impl FnMut(&Seen) -> bool + 'static) {
        self.loss = Box::new(loss);
    }

    /// Gives a command to an endpoint.
    pub(crate) fn tell<T>(
        &mut self,
        node: Node,
        command: impl FnOnce(&mut Endpoint, Instant) -> T,
    ) -> T {
        let result = command(&mut self.endpoints[node.0], self.now);
        self.drain(node);
        result
    }

    pub(crate) fn endpoint(&self, node: Node) -> &Endpoint {
        &self.endpoints[node.0]
    }

    /// Sends a datagram from an address of the test's own.
    pub(crate) fn send_raw(&mut self, from: &str, to: &str, bytes: &[u8]) {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        self.datagram(from, to, Bytes::copy_from_slice(bytes));
    }

    /// Connects from an address of the test's own and writes.
    pub(crate) fn connect_raw(
        &mut self,
        from: &str,
        node: Node,
        protocol: Protocol,
    ) -> ConnectionId {
        let local = self.listeners[node.0]
            .iter()
            .find(|l| l.protocol == protocol)
            .unwrap()
            .local;
        self.connections += 1;
        let connection = ConnectionId::Accepted(self.connections);
        let remote = from.parse().unwrap();
        self.give(
            node,
            TransportInput::Accepted {
                connection,
                protocol,
                local,
                remote,
            },
        );
        connection
    }

    pub(crate) fn write_raw(&mut self, node: Node, connection: ConnectionId, bytes: &[u8]) {
        self.give(node, TransportInput::StreamBytes { connection, bytes });
    }

    pub(crate) fn give(&mut self, node: Node, input: TransportInput<'_>) {
        self.endpoints[node.0].handle_transport(self.now, input);
        self.drain(node);
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Lets short time pass: whatever needs no timer longer than 200 ms.
    pub(crate) fn settle(&mut self) {
        self.run_for(Duration::from_millis(200));
    }

    /// Lets ten minutes pass: every timer has run out.
    pub(crate) fn run_out(&mut self) {
        self.run_for(Duration::from_secs(600));
    }

    /// From now on nothing that this node writes to a connection arrives.
    pub(crate) fn silence(&mut self, node: Node) {
        self.silent = Some(node);
    }

    /// From now on no pong arrives anywhere.
    pub(crate) fn drop_pongs(&mut self) {
        self.no_pongs = true;
    }

    /// Connections opened so far.
    pub(crate) fn opened(&self) -> u64 {
        self.connections
    }

    #[track_caller]
    pub(crate) fn assert_idle(&mut self) {
        self.run_out();
        for endpoint in &self.endpoints {
            assert!(endpoint.is_idle(), "{endpoint:#?}");
        }
    }

    /// The events of an endpoint since the last call.
    pub(crate) fn events(&mut self, node: Node) -> Vec<Event> {
        std::mem::take(&mut self.events[node.0])
    }

    /// The only event since the last call.
    #[track_caller]
    pub(crate) fn event(&mut self, node: Node) -> Event {
        let mut events = self.events(node);
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// Names of all messages seen since the last call, in order.
    pub(crate) fn names(&mut self) -> Vec<String> {
        std::mem::take(&mut self.seen)
            .iter()
            .map(Seen::name)
            .collect()
    }

    /// All messages of this name seen so far.
    pub(crate) fn all(&self, name: &str) -> Vec<Seen> {
        self.seen
            .iter()
            .filter(|seen| seen.name() == name)
            .cloned()
            .collect()
    }

    /// The last message of this name seen so far.
    #[track_caller]
    pub(crate) fn last(&self, name: &str) -> Seen {
        match self.all(name).pop() {
            Some(seen) => seen,
            None => panic!(
                "no {name} in {:?}",
                self.seen.iter().map(Seen::name).collect::<Vec<_>>()
            ),
        }
    }

    /// `a` calls `b`; gives both dialogs, the INVITE delivered.
    #[track_caller]
    pub(crate) fn invite(&mut self, a: Node, b: Node, protocol: Protocol) -> (DialogId, DialogId) {
        let call = self.call_to(b, protocol);
        let ours = self.tell(a, |endpoint, now| endpoint.invite(now, call));
        self.settle();
        match self.events(b).pop() {
            Some(Event::Invite { dialog, .. }) => (ours, dialog),
            other => panic!("{other:?}"),
        }
    }

    /// The same, answered and acknowledged.
    #[track_caller]
    pub(crate) fn call(&mut self, a: Node, b: Node, protocol: Protocol) -> (DialogId, DialogId) {
        let (ours, theirs) = self.invite(a, b, protocol);
        self.tell(b, |endpoint, now| {
            endpoint.answer(now, theirs, Body::sdp("answer"))
        });
        self.settle();
        assert!(matches!(self.event(a), Event::Answered { .. }));
        self.tell(a, |endpoint, now| endpoint.acknowledge(now, ours, None));
        self.settle();
        assert!(matches!(self.event(b), Event::Acknowledged { .. }));
        (ours, theirs)
    }

    pub(crate) fn call_to(&self, b: Node, protocol: Protocol) -> OutgoingInvite {
        let listener = self.listeners[b.0]
            .iter()
            .find(|l| l.protocol == protocol)
            .unwrap();
        let uri = Uri::sip(
            Some("bob"),
            &listener.advertised_host,
            Some(listener.advertised_port),
        );
        OutgoingInvite {
            request_uri: uri.clone(),
            from: NameAddr::new(Uri::sip(Some("alice"), "a.example", None)).with_display("Alice"),
            to: NameAddr::new(uri),
            headers: vec![("X-Test".into(), "1".into())],
            body: Some(Body::sdp("offer")),
            target: Target {
                protocol,
                addr: listener.local,
                server_name: None,
            },
            session_expires: None,
            max_forwards: 70,
            credentials: None,
        }
    }

    fn step(&mut self, end: Instant) -> bool {
        let timer = self
            .endpoints
            .iter()
            .filter_map(Endpoint::poll_timeout)
            .min();
        let delivery = self.in_flight.keys().next().copied();
        match (delivery, timer) {
            (Some(key), timer) if key.0 <= end && timer.is_none_or(|timer| key.0 <= timer) => {
                self.now = self.now.max(key.0);
                let delivery = self.in_flight.remove(&key).unwrap();
                self.deliver(delivery);
                true
            }
            (_, Some(timer)) if timer <= end => {
                self.now = self.now.max(timer);
                for node in 0..self.endpoints.len() {
                    self.endpoints[node].handle_timeout(self.now);
                    self.drain(Node(node));
                }
                true
            }
            _ => false,
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Datagram { from, to, bytes } => {
                if let Some(node) = self.listening(to, Protocol::Udp) {
                    self.give(
                        node,
                        TransportInput::Datagram {
                            local: to,
                            from,
                            bytes: &bytes,
                        },
                    );
                }
            }
            Delivery::Accepted {
                node,
                connection,
                protocol,
                local,
                remote,
            } => {
                self.give(
                    node,
                    TransportInput::Accepted {
                        connection,
                        protocol,
                        local,
                        remote,
                    },
                );
            }
            Delivery::Connected {
                node,
                connection,
                local,
            } => {
                self.give(node, TransportInput::Connected { connection, local });
            }
            Delivery::Stream {
                node,
                connection,
                bytes,
            } => {
                for piece in bytes.chunks(self.piece.min(bytes.len().max(1))) {
                    self.give(
                        node,
                        TransportInput::StreamBytes {
                            connection,
                            bytes: piece,
                        },
                    );
                }
            }
            Delivery::Closed { node, connection } => {
                self.wires.remove(&(node, connection));
                let reason = "closed by peer".into();
                self.give(node, TransportInput::Closed { connection, reason });
            }
        }
    }

    fn drain(&mut self, node: Node) {
        while let Some(output) = self.endpoints[node.0].poll_output() {
            match output {
                Output::Event(event) => self.events[node.0].push(event),
                Output::Transport(output) => self.carry(node, output),
            }
        }
    }

    fn carry(&mut self, node: Node, output: TransportOutput) {
        match output {
            TransportOutput::Datagram { local, to, bytes } => self.datagram(local, to, bytes),
            TransportOutput::Connect {
                connection,
                protocol,
                remote,
                ..
            } => {
                self.connections += 1;
                let Some(peer) = self.listening(remote, protocol) else {
                    return self.schedule(Delivery::Closed { node, connection });
                };
                let host = self.hosts[node.0];
                let local = SocketAddr::new(host, 40_000 + self.connections as u16);
                let accepted = ConnectionId::Accepted(self.connections);
                self.wires.insert(
                    (node, connection),
                    Wire {
                        peer,
                        peer_connection: accepted,
                        local,
                        remote,
                    },
                );
                let back = Wire {
                    peer: node,
                    peer_connection: connection,
                    local: remote,
                    remote: local,
                };
                self.wires.insert((peer, accepted), back);
                self.schedule(Delivery::Accepted {
                    node: peer,
                    connection: accepted,
                    protocol,
                    local: remote,
                    remote: local,
                });
                self.schedule(Delivery::Connected {
                    node,
                    connection,
                    local,
                });
            }
            TransportOutput::Stream { connection, bytes } => {
                let Some(wire) = self.wires.get(&(node, connection)).copied() else {
                    // A connection of the test's own.
                    let at = self.now - self.start;
                    let nowhere = addr("0.0.0.0", 0);
                    return self.seen.push(Seen {
                        at,
                        from: nowhere,
                        to: nowhere,
                        bytes,
                        lost: false,
                    });
                };
                let at = self.now - self.start;
                let seen = Seen {
                    at,
                    from: wire.local,
                    to: wire.remote,
                    bytes: bytes.clone(),
                    lost: false,
                };
                self.seen.push(seen);
                let is_pong = self.no_pongs && bytes.as_ref() == b"\r\n";
                if self.silent == Some(node) || is_pong {
                    return;
                }
                self.schedule(Delivery::Stream {
                    node: wire.peer,
                    connection: wire.peer_connection,
                    bytes,
                });
            }
            TransportOutput::Close { connection } => {
                if let Some(wire) = self.wires.remove(&(node, connection)) {
                    self.schedule(Delivery::Closed {
                        node: wire.peer,
                        connection: wire.peer_connection,
                    });
                }
            }
        }
    }

    /// Cuts every connection of an endpoint, both ends told.
    pub(crate) fn cut_connections(&mut self, node: Node) {
        let cut: Vec<_> = self
            .wires
            .iter()
            .filter(|((n, _), _)| *n == node)
            .map(|(k, w)| (*k, *w))
            .collect();
        for ((node, connection), wire) in cut {
            self.deliver(Delivery::Closed { node, connection });
            self.deliver(Delivery::Closed {
                node: wire.peer,
                connection: wire.peer_connection,
            });
        }
    }

    fn datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let at = self.now - self.start;
        let mut seen = Seen {
            at,
            from,
            to,
            bytes: bytes.clone(),
            lost: false,
        };
        seen.lost = (self.loss)(&seen);
        let lost = seen.lost;
        self.seen.push(seen);
        if !lost {
            self.schedule(Delivery::Datagram { from, to, bytes });
        }
    }

    fn schedule(&mut self, delivery: Delivery) {
        self.sequence += 1;
        self.in_flight
            .insert((self.now + LATENCY, self.sequence), delivery);
    }

    fn listening(&self, at: SocketAddr, protocol: Protocol) -> Option<Node> {
        self.listeners
            .iter()
            .position(|listeners| {
                listeners
                    .iter()
                    .any(|l| l.local == at && l.protocol == protocol)
            })
            .map(Node)
    }
}

pub(crate) fn addr(host: &str, port: u16) -> SocketAddr {
    SocketAddr::new(host.parse().unwrap(), port)
}
