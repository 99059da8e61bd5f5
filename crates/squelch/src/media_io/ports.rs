//! Ports for RTP and its RTCP: bound for a call, rested after it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::BindError;
use crate::config::PortRange;

/// The sockets of one call.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) carrier: Arc<LegSockets>,
    pub(super) openai: Arc<LegSockets>,
    addresses: (SocketAddr, SocketAddr),
}

/// The sockets of one leg.
#[derive(Debug)]
pub(super) struct LegSockets {
    /// The even port.
    pub(super) rtp: UdpSocket,
    /// The odd one above it (RFC 3550 section 11).
    pub(super) rtcp: UdpSocket,
}

impl LegSockets {
    fn both(&self) -> [&UdpSocket; 2] {
        [&self.rtp, &self.rtcp]
    }
}

impl Pair {
    pub(super) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        self.addresses
    }

    pub(super) fn numbers(&self) -> [u16; 2] {
        [self.addresses.0.port(), self.addresses.1.port()]
    }
}

/// Which ports are free.
#[derive(Debug)]
pub(super) struct Ports {
    address: IpAddr,
    /// Even ones; each stands for the odd port above it as well.
    free: VecDeque<u16>,
    used: HashMap<u16, Arc<LegSockets>>,
    /// The one to be looked at next comes first.
    resting: VecDeque<Resting>,
    /// How many of them are open.
    draining: usize,
}

/// A leg's ports after its call.
#[derive(Debug)]
struct Resting {
    port: u16,
    /// Open, so that nobody else binds it and late packets are neither answered with an error nor met by a new call;
    /// closed where too many are.
    sockets: Option<Arc<LegSockets>>,
    look_at: Instant,
    /// When something was last found in it; at first, when its call ended.
    heard: Instant,
    released: Instant,
}

impl Ports {
    pub(super) fn new(address: IpAddr, range: PortRange) -> Ports {
        Ports {
            address,
            free: range.even_ports().collect(),
            used: HashMap::new(),
            resting: VecDeque::new(),
            draining: 0,
        }
    }

    /// Binds two pairs. A pair of which another program has a port is put last.
    pub(super) fn bind(&mut self, now: Instant) -> Result<Pair, BindError> {
        self.look_after(now);
        let (carrier, first) = self.bind_one()?;
        match self.bind_one() {
            Ok((openai, second)) => Ok(Pair {
                carrier,
                openai,
                addresses: (first, second),
            }),
            Err(error) => {
                // It was never told to anyone: no packet can be on its way.
                self.used.remove(&first.port());
                self.free.push_front(first.port());
                Err(error)
            }
        }
    }

    /// Takes ports back. They rest until they are quiet, so that no packet of the old call meets a new one.
    pub(super) fn release(&mut self, now: Instant, ports: [u16; 2]) {
        for port in ports {
            let Some(sockets) = self.used.remove(&port) else {
                continue;
            };
            let open = self.draining < MAX_DRAINING;
            if open {
                self.draining += 1;
                // What comes now only has to be noticed.
                for socket in sockets.both() {
                    let _ = SockRef::from(socket).set_recv_buffer_size(0);
                }
            }
            self.resting.push_back(Resting {
                port,
                sockets: open.then_some(sockets),
                look_at: now + LOOK_EVERY,
                heard: now,
                released: now,
            });
        }
    }

    /// When [`Ports::look_after`] is due.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.resting.front().map(|resting| resting.look_at)
    }

    /// Empties the resting ports, and frees those that were quiet for long enough.
    pub(super) fn look_after(&mut self, now: Instant) {
        while self.resting.front().is_some_and(|next| next.look_at <= now) {
            let Some(mut resting) = self.resting.pop_front() else {
                return;
            };
            for socket in resting.sockets.iter().flat_map(|sockets| sockets.both()) {
                if drain(socket) {
                    resting.heard = now;
                }
            }
            let quiet = now.saturating_duration_since(resting.heard) >= REST;
            if quiet || now.saturating_duration_since(resting.released) >= REST_AT_MOST {
                self.draining -= usize::from(resting.sockets.is_some());
                self.free.push_back(resting.port);
            } else {
                resting.look_at = now + LOOK_EVERY;
                self.resting.push_back(resting);
            }
        }
    }

    fn bind_one(&mut self) -> Result<(Arc<LegSockets>, SocketAddr), BindError> {
        for _ in 0..self.free.len() {
            let Some(port) = self.free.pop_front() else {
                break;
            };
            match self.open(port) {
                Ok((sockets, address)) => {
                    let sockets = Arc::new(sockets);
                    self.used.insert(port, Arc::clone(&sockets));
                    return Ok((sockets, address));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    self.free.push_back(port);
                }
                Err(error) => {
                    self.free.push_front(port);
                    return Err(BindError::Refused(error));
                }
            }
        }
        Err(BindError::NoneLeft)
    }

    /// Sockets on the port and the one above it. Where no more files may be open, those of resting ports are closed
    /// for them.
    fn open(&mut self, port: u16) -> io::Result<(LegSockets, SocketAddr)> {
        let sockets = match open_both(self.address, port) {
            Err(error) if is_out_of_files(&error) && self.draining > 0 => {
                for resting in &mut self.resting {
                    resting.sockets = None;
                }
                self.draining = 0;
                open_both(self.address, port)
            }
            done => done,
        }?;
        let address = sockets.rtp.local_addr()?;
        Ok((sockets, address))
    }
}

/// Whether anything was in the socket; it is empty then.
fn drain(socket: &UdpSocket) -> bool {
    let mut heard = false;
    // More than fit into it, so that a flood can't keep this busy.
    for _ in 0..MAX_DRAINED {
        match socket.recv_from(&mut [0; 1]) {
            Ok(_) => heard = true,
            // An error that a packet of ours met is no packet.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(_) => break,
        }
    }
    heard
}

/// EMFILE and ENFILE of Linux.
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23))
}

fn open_both(address: IpAddr, port: u16) -> io::Result<LegSockets> {
    Ok(LegSockets {
        rtp: open(SocketAddr::new(address, port), RTP_BUFFER_BYTES)?,
        // The RTP port is even, so there is one above it.
        rtcp: open(SocketAddr::new(address, port | 1), RTCP_BUFFER_BYTES)?,
    })
}

fn open(address: SocketAddr, buffer_bytes: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    let options = SockRef::from(&socket);
    // Both are wishes: a system that grants less still relays.
    let _ = options.set_recv_buffer_size(buffer_bytes);
    let _ = match address {
        SocketAddr::V4(_) => options.set_tos_v4(EXPEDITED_FORWARDING),
        SocketAddr::V6(_) => options.set_tclass_v6(EXPEDITED_FORWARDING),
    };
    Ok(socket)
}

/// How long a port must be quiet: longer than a packet may be under way or a peer may go on sending after its BYE was
/// answered.
const REST: Duration = Duration::from_secs(5);
/// And how long it rests for a peer that never stops; the source rule keeps its packets from a new call as well.
const REST_AT_MOST: Duration = Duration::from_secs(60);
/// How often a resting port is emptied.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Resting pairs that are kept open, 4,096 sockets: those of some 200 calls a second. What is released beyond that is
/// closed at once and rests by time alone.
const MAX_DRAINING: usize = 2_048;
/// Packets read at a look.
const MAX_DRAINED: usize = 256;
/// A second of G.711 at 20 ms with the kernel's own overhead for each packet, twice over.
const RTP_BUFFER_BYTES: usize = 128 * 1024;
/// A report every few seconds: what the kernel gives at the least is more than enough.
const RTCP_BUFFER_BYTES: usize = 8 * 1024;
/// DSCP 46 in the upper six bits (RFC 3246): what networks give voice.
const EXPEDITED_FORWARDING: u32 = 46 << 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(first: u16, last: u16) -> Ports {
        Ports::new([127, 0, 0, 1].into(), PortRange { first, last })
    }

    #[test]
    fn ports_rest_before_they_are_used_again() {
        let mut ports = ports(21_000, 21_003);
        let start = Instant::now();
        let pair = ports.bind(start).expect("two are free");
        assert_eq!(pair.numbers(), [21_000, 21_002]);
        assert!(matches!(ports.bind(start), Err(BindError::NoneLeft)));
        ports.release(start, pair.numbers());
        drop(pair);
        let soon = start + REST - Duration::from_millis(1);
        assert!(matches!(ports.bind(soon), Err(BindError::NoneLeft)));
        assert!(ports.bind(soon + LOOK_EVERY).is_ok());
    }

    #[test]
    fn a_port_rests_until_the_old_stream_is_over_and_what_came_is_gone() {
        let mut ports = ports(21_040, 21_043);
        let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let start = Instant::now();
        let pair = ports.bind(start).expect("two are free");
        let (to, _) = pair.addresses();
        ports.release(start, pair.numbers());
        drop(pair);
        // It goes on for 20 s.
        for second in 1..=20 {
            peer.send_to(b"old", to)
                .expect("the port is open: no error comes back");
            ports.look_after(start + second * LOOK_EVERY);
        }
        let over = start + Duration::from_secs(20);
        let soon = over + REST - Duration::from_millis(1);
        assert!(matches!(ports.bind(soon), Err(BindError::NoneLeft)));
        let pair = ports
            .bind(over + REST + LOOK_EVERY)
            .expect("they are quiet");
        for socket in pair.carrier.both().into_iter().chain(pair.openai.both()) {
            assert!(socket.recv_from(&mut [0; 4]).is_err(), "inherited");
        }
    }

    #[test]
    fn a_stream_that_never_ends_holds_a_port_for_a_minute() {
        let mut ports = ports(21_050, 21_053);
        let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let start = Instant::now();
        let pair = ports.bind(start).expect("two are free");
        let (first, second) = pair.addresses();
        ports.release(start, pair.numbers());
        drop(pair);
        let minute = REST_AT_MOST.as_secs() as u32;
        for second_of in 1..minute {
            for to in [first, second] {
                peer.send_to(b"old", to).expect("the port is open");
            }
            let now = start + second_of * LOOK_EVERY;
            assert!(matches!(ports.bind(now), Err(BindError::NoneLeft)));
        }
        assert!(ports.bind(start + REST_AT_MOST).is_ok());
    }

    #[test]
    fn ports_released_beyond_what_is_kept_open_rest_by_time() {
        let mut ports = ports(21_060, 21_063);
        ports.draining = MAX_DRAINING;
        let start = Instant::now();
        let pair = ports.bind(start).expect("two are free");
        ports.release(start, pair.numbers());
        drop(pair);
        assert!(
            ports
                .resting
                .iter()
                .all(|resting| resting.sockets.is_none())
        );
        assert!(ports.bind(start + LOOK_EVERY).is_err());
        assert!(ports.bind(start + REST).is_ok());
        assert_eq!(ports.draining, MAX_DRAINING);
    }

    #[test]
    fn a_port_of_another_program_is_passed_over() {
        let taken = UdpSocket::bind("127.0.0.1:21010").expect("free");
        let mut ports = ports(21_010, 21_015);
        let pair = ports.bind(Instant::now()).expect("two are free");
        assert_eq!(pair.numbers(), [21_012, 21_014]);
        drop(taken);
    }

    #[test]
    fn half_a_pair_is_given_back() {
        let mut ports = ports(21_020, 21_021);
        let now = Instant::now();
        assert!(matches!(ports.bind(now), Err(BindError::NoneLeft)));
        assert_eq!((ports.free.len(), ports.used.len()), (1, 0));
    }
}
