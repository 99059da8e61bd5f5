//! The system calls that the media threads need beside those of the standard library: epoll, and a socket that
//! forgets its peer. Linux only.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};

/// Waits for packets on many sockets.
///
/// Level-triggered: a socket is told again for as long as something waits in it. So one receive a packet is enough,
/// where an edge-triggered poll takes a second one that finds nothing: a third system call a packet instead of two.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    wake: Arc<OwnedFd>,
}

/// What a [`Poller`] told last. It stays on the thread that waits.
pub(crate) struct Ready(Vec<Event>);

/// Ends a [`Poller::wait`] from another thread.
#[derive(Clone, Debug)]
pub(crate) struct Waker(Arc<OwnedFd>);

impl Poller {
    /// **Errors**: the system has no room for two more files.
    pub(crate) fn new() -> io::Result<Poller> {
        let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        Ok(Poller {
            epoll,
            wake: Arc::new(wake),
        })
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.wake))
    }

    /// Tells of `socket` by `token` from now on.
    pub(crate) fn add(&self, socket: impl AsFd, token: u32) -> io::Result<()> {
        let data = EventData::new_u64(u64::from(token));
        Ok(epoll::add(&self.epoll, socket, data, EventFlags::IN)?)
    }

    pub(crate) fn remove(&self, socket: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, socket)?)
    }

    /// Waits for `timeout` at most, rounded up to a millisecond; `ready` has the sockets that hold something.
    pub(crate) fn wait(&self, ready: &mut Ready, timeout: Duration) -> io::Result<()> {
        let events = &mut ready.0;
        events.clear();
        let timeout = Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match epoll::wait(&self.epoll, spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if events.iter().any(|event| event.data.u64() == WAKE) {
            // Nothing but this end reads it: it can't be empty.
            let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        }
        Ok(())
    }
}

impl Ready {
    /// Room for as many sockets as are told of at once.
    pub(crate) fn new() -> Ready {
        Ready(Vec::with_capacity(EVENTS))
    }

    /// The tokens of the sockets.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        let sockets = self.0.iter().map(|event| event.data.u64());
        // What is no token is the wake-up.
        sockets.filter_map(|data| u32::try_from(data).ok())
    }
}

impl Waker {
    pub(crate) fn wake(&self) -> io::Result<()> {
        match rustix::io::write(&self.0, &1_u64.to_ne_bytes()) {
            // Full: it was woken often enough.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes a connected socket take packets from everywhere again. Its port stays bound where it was chosen by number, as
/// all of ours are; one that the system chose would be given back.
pub(super) fn disconnect(socket: &UdpSocket) -> io::Result<()> {
    Ok(rustix::net::connect_unspec(socket)?)
}

/// No socket's token: those have 32 bits.
const WAKE: u64 = u64::MAX;
/// Sockets told of at once. A worker looks at commands and timers after so many.
const EVENTS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_nonblocking(true).expect("a socket");
        socket
    }

    #[test]
    fn a_socket_is_told_of_until_it_is_empty() {
        let (poller, mut ready) = (Poller::new().expect("a poll"), Ready::new());
        let (here, there) = (socket(), socket());
        poller.add(&here, 7).expect("a place");
        let to = here.local_addr().expect("an address");
        for _ in 0..2 {
            there.send_to(b"x", to).expect("loopback");
        }
        for _ in 0..2 {
            poller.wait(&mut ready, Duration::ZERO).expect("events");
            assert_eq!(ready.tokens().collect::<Vec<_>>(), [7]);
            here.recv_from(&mut [0; 4]).expect("a packet");
        }
        poller.wait(&mut ready, Duration::ZERO).expect("events");
        assert_eq!(ready.tokens().count(), 0);
    }

    #[test]
    fn a_wake_up_is_no_socket_and_comes_once() {
        let (poller, mut ready) = (Poller::new().expect("a poll"), Ready::new());
        let waker = poller.waker();
        waker.wake().expect("room");
        waker.wake().expect("room");
        let minute = Duration::from_secs(60);
        poller.wait(&mut ready, minute).expect("events");
        assert_eq!((ready.0.len(), ready.tokens().count()), (1, 0));
        poller.wait(&mut ready, Duration::ZERO).expect("events");
        assert_eq!(ready.0.len(), 0);
    }

    #[test]
    fn a_socket_that_forgot_its_peer_keeps_its_port_and_hears_all() {
        let here = UdpSocket::bind("127.0.0.1:21150").expect("a port by number");
        here.set_nonblocking(true).expect("a socket");
        let (peer, stranger) = (socket(), socket());
        let to = here.local_addr().expect("an address");
        here.connect(peer.local_addr().expect("an address"))
            .expect("loopback");
        // Refused by the kernel: the sender may hear of it.
        let _ = stranger.send_to(b"x", to);
        assert!(here.recv_from(&mut [0; 4]).is_err());
        disconnect(&here).expect("no peer");
        assert_eq!(here.local_addr().expect("an address"), to);
        let _ = stranger.send_to(b"x", to);
        stranger.send_to(b"x", to).expect("loopback");
        here.recv_from(&mut [0; 4]).expect("a stranger's packet");
    }
}
