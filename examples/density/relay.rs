//! The floor: what two system calls a packet cost, and an epoll that tells of many sockets at once.

use crate::{carrier, openai, ready};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use std::io::Result;
use std::net::{SocketAddr, UdpSocket};

pub(crate) fn run(calls: u16, connected: bool) -> Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut sockets: Vec<(UdpSocket, SocketAddr)> = Vec::new();
    for call in 0..calls {
        for peer in [carrier(call), openai(call)] {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_nonblocking(true)?;
            if connected {
                socket.connect(peer)?;
            }
            let data = EventData::new_u64(sockets.len() as u64);
            epoll::add(&epoll, &socket, data, EventFlags::IN)?;
            sockets.push((socket, peer));
        }
        if let [.., (one, _), (other, _)] = sockets.as_slice() {
            println!("{} {}", one.local_addr()?, other.local_addr()?);
        }
    }
    std::thread::spawn(move || {
        let mut events = Vec::with_capacity(512);
        let mut buffer = [0; 2_048];
        loop {
            events.clear();
            if epoll::wait(&epoll, spare_capacity(&mut events), None).is_err() {
                continue;
            }
            for event in &events {
                let at = event.data.u64() as usize;
                let (from, _) = &sockets[at];
                let (to, peer) = &sockets[at ^ 1];
                let Ok((length, _)) = from.recv_from(&mut buffer) else {
                    continue;
                };
                // What the system does not take is lost, and the load counts it.
                let _ = match connected {
                    true => to.send(&buffer[..length]),
                    false => to.send_to(&buffer[..length], peer),
                };
            }
        }
    });
    ready()
}
