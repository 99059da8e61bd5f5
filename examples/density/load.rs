//! The ends of all calls: a packet each 20 ms and direction, and what becomes of it.
//!
//! One thread that never sleeps, so that it adds as little as possible of its own to the latency. A packet's time is
//! that between the call that sends it and the one that receives it.

use crate::rtp::{FRAME, HEADER, Stream, speech};
use crate::{carrier, number, openai, wrong};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use squelch_media::{Format, Side};
use std::io::Result;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// What is sent, and for how long.
struct Plan {
    pid: u32,
    seconds: u64,
    /// All that is due within so much time goes out at its beginning; zero spreads packets evenly.
    bunch: Duration,
    /// The payload types of the two directions' packets.
    numbers: [u8; 2],
    formats: [Format; 2],
    encrypted: [bool; 2],
    silence: bool,
}

impl Plan {
    fn read(options: &[&str]) -> Result<Plan> {
        let mut plan = Plan {
            pid: 0,
            seconds: 10,
            bunch: Duration::from_millis(1),
            numbers: [0; 2],
            formats: [Format::Pcmu; 2],
            encrypted: [false; 2],
            silence: false,
        };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let mut value = || options.next().ok_or_else(|| wrong("a value is missing"));
            match *option {
                "--pid" => plan.pid = number(value()?)?,
                "--seconds" => plan.seconds = number(value()?)?,
                "--bunch-us" => plan.bunch = Duration::from_micros(number(value()?)?),
                "--srtp" => plan.encrypted = [true; 2],
                "--carrier-srtp" => plan.encrypted = [true, false],
                "--transcode" => {
                    plan.formats = [Format::Pcmu, Format::Pcma];
                    plan.numbers = [0, 8];
                }
                // What the guard does not look at.
                "--events" => plan.numbers = [101; 2],
                "--silence" => plan.silence = true,
                _ => return Err(wrong(option)),
            }
        }
        Ok(plan)
    }
}

/// One direction of one call.
struct End {
    socket: UdpSocket,
    stream: Stream,
    /// When each of the last packets was sent; since the start, in nanoseconds.
    sent: [u64; KEPT],
    sequence: u16,
    /// What the relay adds to the other end's numbers.
    offset: Option<u16>,
}

/// How many sent packets are remembered: 2.5 s of them.
const KEPT: usize = 128;
const FRAME_TIME: Duration = Duration::from_millis(20);
/// Before anything is measured: every peer is settled, every table warm.
const WARM: Duration = Duration::from_millis(1_500);
/// For what is under way at the end.
const AFTER: Duration = Duration::from_millis(500);

struct Load {
    ends: Vec<End>,
    epoll: OwnedFd,
    start: Instant,
    /// The measured stretch, since the start, in nanoseconds.
    from: u64,
    to: u64,
    sent: u64,
    received: u64,
    wrong: u64,
    latencies: Vec<u32>,
    /// What the first call's packets must hold when they come back, by the direction that sent them.
    expected: Option<[Vec<[u8; FRAME]>; 2]>,
}

pub(crate) fn run(ports: &str, options: &[&str]) -> Result<()> {
    let plan = Plan::read(options)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut ends = Vec::new();
    let table = std::fs::read_to_string(ports)?;
    for (call, line) in (0..).zip(table.lines()) {
        let (one, other) = line.split_once(' ').ok_or_else(|| wrong(line))?;
        let places = [
            (Side::Carrier, carrier(call), one),
            (Side::Openai, openai(call), other),
        ];
        for (side, here, there) in places {
            let there: SocketAddr = there.parse().map_err(|_| wrong(there))?;
            let socket = UdpSocket::bind(here)?;
            socket.set_nonblocking(true)?;
            socket.connect(there)?;
            let at = ends.len();
            epoll::add(
                &epoll,
                &socket,
                EventData::new_u64(at as u64),
                EventFlags::IN,
            )?;
            let way = at % 2;
            ends.push(End {
                socket,
                stream: Stream::new(at as u32 + 1, plan.numbers[way], side, plan.encrypted[way]),
                sent: [0; KEPT],
                sequence: 0,
                offset: None,
            });
        }
    }
    if ends.is_empty() {
        return Err(wrong("no calls"));
    }
    let mut banks = Vec::new();
    for format in plan.formats {
        banks.push(match plan.silence {
            true => vec![[format.law().silence(); FRAME]; 4],
            false => speech(format)?,
        });
    }
    let seconds = Duration::from_secs(plan.seconds);
    let nanos = |time: Duration| time.as_nanos() as u64;
    let expected = (plan.encrypted == [false; 2] && plan.numbers[0] != 101).then(|| {
        let turned = |from: usize, to: usize| {
            let mut bank = banks[from].clone();
            let (from, to) = (plan.formats[from].law(), plan.formats[to].law());
            if from != to {
                for frame in &mut bank {
                    squelch_g711::convert_in_place(from, to, frame);
                }
            }
            bank
        };
        [turned(0, 1), turned(1, 0)]
    });
    let mut load = Load {
        latencies: Vec::with_capacity(ends.len() * 51 * plan.seconds as usize),
        ends,
        epoll,
        start: Instant::now(),
        from: nanos(WARM),
        to: nanos(WARM + seconds),
        sent: 0,
        received: 0,
        wrong: 0,
        expected,
    };
    let cpu = load.drive(&plan, &banks)?;
    load.tell(&plan, cpu)
}

impl Load {
    /// Sends and receives until the end; gives the relay's CPU time over the measured stretch and what came through in
    /// it.
    fn drive(&mut self, plan: &Plan, banks: &[Vec<[u8; FRAME]>]) -> Result<(u64, u64)> {
        let streams = self.ends.len() as u64;
        let gap = FRAME_TIME.as_nanos() as u64;
        let bunch = plan.bunch.as_nanos() as u64;
        let end = self.to + AFTER.as_nanos() as u64;
        let mut events = Vec::with_capacity(256);
        let mut buffer = [0; 512];
        let (mut index, mut now) = (0_u64, 0_u64);
        let (mut before, mut after) = (None, None);
        while now < end {
            let (frame, stream) = (index / streams, index % streams);
            let exact = frame * gap + stream * gap / streams;
            let due = match bunch {
                0 => exact,
                bunch => exact / bunch * bunch,
            };
            now = self.start.elapsed().as_nanos() as u64;
            if due <= now && now < self.to {
                // Neighbours in time are different calls, and both directions of one are not sent together.
                let half = streams / 2;
                let at = match stream % 2 {
                    0 => stream,
                    _ => (stream + half / 2 * 2) % streams,
                } as usize;
                let bank = &banks[at % 2];
                let payload = &bank[(frame as usize + at * 37) % bank.len()];
                self.send(at, payload);
                index += 1;
                // Sending goes first, but what came must not wait for a whole bunch.
                if !index.is_multiple_of(32) {
                    continue;
                }
            }
            if before.is_none() && now >= self.from {
                before = Some((cpu_time(plan.pid)?, self.received));
                self.received = 0;
            }
            if after.is_none() && now >= self.to {
                after = Some((cpu_time(plan.pid)?, self.received));
            }
            events.clear();
            let at_once = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&at_once))?;
            for event in &events {
                self.receive(event.data.u64() as usize, banks, &mut buffer);
            }
        }
        match (before, after) {
            (Some((before, _)), Some((after, through))) => Ok((after - before, through)),
            _ => Err(wrong("the load ended before it began")),
        }
    }

    fn send(&mut self, at: usize, payload: &[u8; FRAME]) {
        let now = self.start.elapsed().as_nanos() as u64;
        let end = &mut self.ends[at];
        let (sequence, packet) = end.stream.next(payload);
        end.sent[usize::from(sequence) % KEPT] = now;
        end.sequence = sequence;
        // What the system does not take is lost.
        let _ = end.socket.send(packet);
        self.sent += u64::from((self.from..self.to).contains(&now));
    }

    fn receive(&mut self, at: usize, banks: &[Vec<[u8; FRAME]>], buffer: &mut [u8]) {
        let Ok(length) = self.ends[at].socket.recv(buffer) else {
            return;
        };
        let now = self.start.elapsed().as_nanos() as u64;
        let from = at ^ 1;
        let (last, kept) = (self.ends[from].sequence, &self.ends[from].sent);
        // RTCP has its own port, or shows by its payload type (RFC 5761).
        if last == 0 || length < HEADER || (192..224).contains(&buffer[1]) {
            return;
        }
        let sequence = u16::from_be_bytes([buffer[2], buffer[3]]);
        if now < self.from {
            // The packet is the last one sent, or an older one: the offset is what is greatest.
            let offset = sequence.wrapping_sub(last);
            let greater = |known: u16| (offset.wrapping_sub(known) as i16) > 0;
            if self.ends[at].offset.is_none_or(greater) {
                self.ends[at].offset = Some(offset);
            }
            self.received += 1;
            return;
        }
        let Some(offset) = self.ends[at].offset else {
            return;
        };
        let number = sequence.wrapping_sub(offset);
        let sent = kept[usize::from(number) % KEPT];
        if let Some(expected) = &self.expected
            && at < 2
        {
            let bank = &expected[from % 2];
            let frame = usize::from(number).wrapping_sub(1) + from * 37;
            // The number wraps where a run is longer than 20 minutes, and none is.
            let right = bank.get(frame % banks[from % 2].len());
            self.wrong +=
                u64::from(right.is_none_or(|right| buffer.get(HEADER..length) != Some(right)));
        }
        if (self.from..self.to).contains(&sent) {
            let latency = now.saturating_sub(sent);
            self.latencies
                .push(u32::try_from(latency).unwrap_or(u32::MAX));
        }
        self.received += 1;
    }

    fn tell(&mut self, plan: &Plan, (cpu, through): (u64, u64)) -> Result<()> {
        self.latencies.sort_unstable();
        let place = |share: f64| {
            let index = (self.latencies.len() as f64 * share) as usize;
            f64::from(self.latencies.get(index).copied().unwrap_or(0)) / 1e3
        };
        println!(
            "{}",
            serde_json::json!({
                "sent": self.sent,
                "lost": self.sent.saturating_sub(self.latencies.len() as u64),
                "wrong": self.wrong,
                "pps": self.sent / plan.seconds,
                "cpu_us_per_packet": cpu as f64 / 1e3 / through.max(1) as f64,
                "core_percent": cpu as f64 / 1e7 / plan.seconds as f64,
                "p50_us": place(0.5),
                "p99_us": place(0.99),
                "max_us": place(1.0 - 1e-12),
                "rss_kb": resident(plan.pid)?,
            })
        );
        Ok(())
    }
}

/// CPU time of all threads of a process. **Units**: nanoseconds. **Source**: the first number in schedstat, Linux's
/// Documentation/scheduler/sched-stats.
fn cpu_time(pid: u32) -> Result<u64> {
    let mut total = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        total += text.split(' ').next().map_or(Ok(0), number::<u64>)?;
    }
    Ok(total)
}

fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    number(line.unwrap_or("0").trim().trim_end_matches(" kB"))
}
