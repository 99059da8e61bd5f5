//! Ports for RTP and its RTCP: bound for a call, rested after it.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::BindError;
use crate::config::PortRange;

/// The sockets of one call.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) carrier: LegSockets,
    pub(super) openai: LegSockets,
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
    used: HashSet<u16>,
    /// When each may be used again, the earliest first.
    resting: VecDeque<(Instant, u16)>,
}

impl Ports {
    pub(super) fn new(address: IpAddr, range: PortRange) -> Ports {
        Ports {
            address,
            free: range.even_ports().collect(),
            used: HashSet::new(),
            resting: VecDeque::new(),
        }
    }

    /// Binds two pairs. A pair of which another program has a port is put last.
    pub(super) fn bind(&mut self, now: Instant) -> Result<Pair, BindError> {
        while self.resting.front().is_some_and(|(at, _)| *at <= now) {
            let rested = self.resting.pop_front();
            self.free.extend(rested.map(|(_, port)| port));
        }
        let carrier = self.bind_one()?;
        let openai = match self.bind_one() {
            Ok(openai) => openai,
            Err(error) => {
                let port = carrier.rtp.local_addr().map(|address| address.port());
                drop(carrier);
                // It was never told to anyone: no packet can be on its way.
                if let Ok(port) = port
                    && self.used.remove(&port)
                {
                    self.free.push_front(port);
                }
                return Err(error);
            }
        };
        let ends = carrier.rtp.local_addr();
        let ends = ends.and_then(|carrier| Ok((carrier, openai.rtp.local_addr()?)));
        Ok(Pair {
            addresses: ends.map_err(BindError::Refused)?,
            carrier,
            openai,
        })
    }

    /// Takes ports back. They rest, so that no packet of the old call meets a new one.
    pub(super) fn release(&mut self, now: Instant, ports: [u16; 2]) {
        for port in ports {
            if self.used.remove(&port) {
                self.resting.push_back((now + REST, port));
            }
        }
    }

    fn bind_one(&mut self) -> Result<LegSockets, BindError> {
        for _ in 0..self.free.len() {
            let Some(port) = self.free.pop_front() else {
                break;
            };
            let rtp = SocketAddr::new(self.address, port);
            // Even, so there is one above it.
            let rtcp = SocketAddr::new(self.address, port | 1);
            let opened = open(rtp, RTP_BUFFER_BYTES)
                .and_then(|rtp| Ok((rtp, open(rtcp, RTCP_BUFFER_BYTES)?)));
            match opened {
                Ok((rtp, rtcp)) => {
                    self.used.insert(port);
                    return Ok(LegSockets { rtp, rtcp });
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

/// How long a port rests: longer than a packet may be under way or a peer may go on sending after
/// its BYE was answered.
const REST: Duration = Duration::from_secs(5);
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
        assert!(ports.bind(start + REST).is_ok());
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
