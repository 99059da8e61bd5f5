//! Captures of calls whose packets come through a bridge of their own: what is on disk, what is refused, what is told.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use squelch_call::{CallId, CallName};
use squelch_media::detect::{Fault, Finding, Pace, Variant, What};
use squelch_media::rtp::{PayloadType, Ptime, RtpTime, Ssrc, build};
use squelch_media::{Bridge, Direction, Format, GuardAction, GuardPlan, LegPlan, MediaPlan, Side};
use squelch_pcap::{Reader, Transport};

use super::{Keeper, NotRecorded};
use crate::config::Tap;

const SECOND: Duration = Duration::from_secs(1);
const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

fn peer(side: Side) -> SocketAddr {
    match side {
        Side::Carrier => "198.51.100.1:4000".parse().expect("an address"),
        Side::Openai => "192.0.2.1:5000".parse().expect("an address"),
    }
}

fn plan() -> MediaPlan {
    let leg = |side| LegPlan {
        rtcp: None,
        format: Format::Pcmu,
        payload_type: PayloadType::PCMU,
        telephone_event: None,
        comfort_noise: None,
        fec: false,
        ptime: Ptime::DEFAULT,
        direction: Direction::SendRecv,
        remote: peer(side),
        media_sources: Vec::new(),
        srtp: None,
        dialog: 0,
        ssrc: Ssrc(7),
        sequence: 0,
        timestamp: RtpTime(0),
    };
    MediaPlan {
        carrier: leg(Side::Carrier),
        openai: leg(Side::Openai),
        guard: GuardPlan {
            action: GuardAction::Observe,
            hold: Duration::ZERO,
        },
    }
}

/// A call's media, as a worker has them.
struct Media {
    call: CallId,
    bridge: Bridge,
    sequence: u16,
}

/// A keeper, its calls, and their clock.
struct Desk {
    keeper: Keeper,
    calls: Vec<Media>,
    now: Instant,
    wall: SystemTime,
    notes: Vec<String>,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(ring: Duration, max_bytes: u64) -> Desk {
        let folder = tempfile::tempdir().expect("a folder");
        let tap = Tap {
            path: folder.path().to_owned(),
            ring,
            max_bytes,
        };
        Desk {
            keeper: Keeper::new(Some(&tap), Some(PUBLIC)).expect("a folder to write to"),
            calls: Vec::new(),
            now: Instant::now(),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            notes: Vec::new(),
            folder,
        }
    }

    fn call(&mut self, is_recorded: bool) -> CallId {
        let call = CallId(self.calls.len() as u64);
        let any = |port| SocketAddr::from(([0, 0, 0, 0], port));
        self.keeper.bound(call, any(20_000), any(20_002));
        let name = CallName {
            id: id(call),
            trunk: "carrier".into(),
            is_recorded,
        };
        let clocks = (self.now, self.wall);
        self.keeper.started(clocks, call, Some(name), &plan());
        self.calls.push(Media {
            call,
            bridge: Bridge::new(self.now, &plan()),
            sequence: 0,
        });
        self.settle();
        call
    }

    /// Both sides of all calls talk for so long, 20 ms a packet.
    fn talk(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_millis(20);
            self.wall += Duration::from_millis(20);
            for media in &mut self.calls {
                media.sequence += 1;
                for side in Side::ALL {
                    media.say(self.now, side);
                }
            }
            self.keeper.handle_timeout(self.now);
            self.settle();
        }
    }

    fn fault(&mut self, call: CallId, fault: Fault) {
        let finding = Finding {
            fault,
            variant: Variant {
                what: What::Repeated,
                order: None,
                rate_hz: None,
                pace: Pace::Continuous,
            },
            from: Duration::from_millis(500),
            detected_at: Duration::from_millis(580),
            to: None,
            confidence: 0.99,
        };
        let clocks = (self.now, self.wall);
        self.keeper.fault(clocks, call, Side::Openai, &finding);
        self.settle();
    }

    fn end(&mut self, call: CallId) {
        let media = self.calls.iter_mut().find(|media| media.call == call);
        let bridge = &mut media.expect("a call").bridge;
        for what_for in squelch_media::TapFor::ALL {
            if let Some(rings) = bridge.swap_rings(what_for, None) {
                self.keeper.rings(call, what_for, rings);
            }
        }
        self.keeper.ended(call);
        self.settle();
    }

    /// As the gateway's task and the worker do.
    fn settle(&mut self) {
        while let Some(fetch) = self.keeper.poll_fetch() {
            let mut calls = self.calls.iter_mut();
            let media = calls
                .find(|media| media.call == fetch.call)
                .expect("a call");
            if let Some(rings) = media.bridge.swap_rings(fetch.what_for, fetch.rings) {
                self.keeper.rings(fetch.call, fetch.what_for, rings);
            }
        }
        while let Some(note) = self.keeper.poll_note() {
            self.notes.push(format!("{}: {}", note.event, note.detail));
        }
    }

    /// Waits until all is written.
    fn written(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(self.keeper.finish());
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("read").file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    fn count(&self, kind: &str, result: &str) -> u64 {
        let counts = self.keeper.counts().expect("a tap");
        let of = counts
            .captures()
            .find(|count| (count.0, count.1) == (kind, result));
        of.expect("a count").2
    }

    fn lost(&self, reason: &str) -> u64 {
        let lost = self.keeper.counts().expect("a tap").lost();
        lost.into_iter()
            .find(|lost| lost.0 == reason)
            .expect("a reason")
            .1
    }
}

impl Media {
    fn say(&mut self, now: Instant, side: Side) {
        let timestamp = RtpTime(160 * u32::from(self.sequence));
        let packet = build(
            PayloadType::PCMU,
            false,
            self.sequence,
            timestamp,
            Ssrc(1),
            &[0x30; 160],
        );
        let packet = packet.expect("a packet");
        let mut buffer = [0; 1_500];
        buffer[..packet.len()].copy_from_slice(&packet);
        self.bridge
            .forward(now, side, peer(side), &mut buffer, packet.len());
    }
}

fn id(call: CallId) -> String {
    format!("{:032x}", call.0 + 0xA0)
}

/// Source, destination and time of every packet.
fn packets(path: &Path) -> Vec<(SocketAddr, SocketAddr, Duration)> {
    let file = std::fs::File::open(path).expect("a capture");
    Reader::new(file)
        .expect("a capture")
        .map(|packet| {
            let packet = packet.expect("whole");
            assert_eq!(packet.transport, Transport::Udp);
            (packet.source, packet.destination, packet.at)
        })
        .collect()
}

#[test]
fn a_fault_leaves_the_seconds_around_it_with_the_addresses_of_the_wire() {
    let mut desk = Desk::new(2 * SECOND, 100_000_000);
    let call = desk.call(false);
    desk.talk(10 * SECOND);
    assert!(desk.names().is_empty(), "nothing before a fault");
    desk.fault(call, Fault::G711AsPcm16);
    desk.talk(8 * SECOND);
    desk.end(call);
    desk.written();
    let name = format!("{}-1-g711_as_pcm16", id(call));
    assert_eq!(
        desk.notes,
        [format!("capture: {name}.pcap: 2 s before and 5 s after")]
    );
    let ends = [
        "from-carrier.wav",
        "from-openai.wav",
        "json",
        "pcap",
        "to-carrier.wav",
        "to-openai.wav",
    ];
    assert_eq!(desk.names(), ends.map(|end| format!("{name}.{end}")));
    let packets = packets(&desk.folder.path().join(format!("{name}.pcap")));
    let last = packets.last().expect("packets").2;
    assert!((6_980..7_200).contains(&last.as_millis()), "{last:?}");
    assert!(packets.is_sorted_by_key(|packet| packet.2));
    let own = |port| SocketAddr::new(PUBLIC, port);
    for (from, to) in [
        (peer(Side::Carrier), own(20_000)),
        (own(20_002), peer(Side::Openai)),
        (peer(Side::Openai), own(20_002)),
        (own(20_000), peer(Side::Carrier)),
    ] {
        let those = packets.iter().filter(|p| (p.0, p.1) == (from, to)).count();
        assert!(
            (350..=358).contains(&those),
            "{those} packets from {from} to {to}"
        );
    }
    let json = std::fs::read(desk.folder.path().join(format!("{name}.json"))).expect("there");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["call"], id(call));
    assert_eq!(json["complete"], true);
    assert_eq!(json["packets"], packets.len());
    assert_eq!(json["findings"][0]["fault"], "g711_as_pcm16");
    assert_eq!(json["findings"][0]["leg"], "openai");
    assert_eq!(json["findings"][0]["at"], "2027-01-15T08:00:10Z");
    assert_eq!(json["findings"][0]["after_ms"], 80);
    let wav = format!("{name}.from-openai.wav");
    let sound = crate::wav::Sound::read(&desk.folder.path().join(wav)).expect("a sound");
    assert!(
        (55_800..57_600).contains(&sound.samples.len()),
        "{}",
        sound.samples.len()
    );
    assert_eq!(desk.count("fault", "complete"), 1);
}

#[test]
fn a_fault_that_comes_again_is_in_the_same_capture_and_later_in_one_of_its_own() {
    let mut desk = Desk::new(SECOND, 100_000_000);
    let call = desk.call(false);
    desk.talk(2 * SECOND);
    desk.fault(call, Fault::Stuck);
    desk.fault(call, Fault::Clipping);
    desk.talk(2 * SECOND);
    desk.fault(call, Fault::Opaque);
    desk.talk(4 * SECOND);
    desk.fault(call, Fault::Clipping);
    for _ in 0..15 {
        desk.fault(call, Fault::Stuck);
        desk.talk(6 * SECOND);
    }
    desk.end(call);
    desk.written();
    let pcaps: Vec<String> = desk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".pcap"))
        .collect();
    assert_eq!(pcaps.len(), 10, "a call that flaps");
    assert_eq!(desk.notes.len(), 11);
    assert_eq!(
        desk.notes[10],
        "capture: none of stuck: this call has had 10"
    );
    let json = std::fs::read_to_string(
        desk.folder
            .path()
            .join(format!("{}-1-stuck.json", id(call))),
    );
    let json: serde_json::Value = serde_json::from_str(&json.expect("there")).expect("JSON");
    let found = json["findings"].as_array().expect("a list");
    let found: Vec<&str> = found
        .iter()
        .filter_map(|one| one["fault"].as_str())
        .collect();
    assert_eq!(found, ["stuck", "opaque"]);
}

#[test]
fn so_many_are_written_at_once_and_the_others_are_told() {
    let mut desk = Desk::new(SECOND, 100_000_000);
    let calls: Vec<CallId> = (0..34).map(|_| desk.call(false)).collect();
    desk.talk(SECOND / 10);
    for call in &calls {
        desk.fault(*call, Fault::G711AsPcm16);
    }
    assert_eq!(desk.count("fault", "refused"), 2);
    let refused = "capture: none of g711_as_pcm16: 32 are being written";
    assert_eq!(desk.notes.iter().filter(|note| *note == refused).count(), 2);
    // A call that ends early makes room.
    desk.end(calls[0]);
    desk.fault(calls[33], Fault::G711AsPcm16);
    for call in &calls[1..] {
        desk.end(*call);
    }
    desk.written();
    assert_eq!(desk.count("fault", "complete"), 33);
}

#[test]
fn a_recording_can_be_read_while_it_is_made_and_misses_nothing() {
    let mut desk = Desk::new(Duration::ZERO, 100_000_000);
    let call = desk.call(true);
    let name = format!("{}-1-recording.pcap", id(call));
    let path = desk.folder.path().join(&name);
    desk.talk(10 * SECOND);
    // What a killed process leaves: the thread has written all but the last second, sooner or later.
    let deadline = Instant::now() + 20 * SECOND;
    while !path.exists() || packets(&path).len() < 4 * 9 * 50 {
        assert!(Instant::now() < deadline, "nothing is written");
        std::thread::sleep(Duration::from_millis(5));
    }
    desk.fault(call, Fault::Stuck);
    desk.end(call);
    desk.written();
    let packets = packets(&path);
    assert_eq!(packets.len(), 4 * 500);
    assert!(packets.is_sorted_by_key(|packet| packet.2));
    let told = [
        format!("recording: {name}: begun"),
        format!("recording: {name}: ended"),
    ];
    assert_eq!(
        desk.notes, told,
        "with a ring of nothing no fault is captured"
    );
    assert_eq!(desk.count("recording", "complete"), 1);
}

#[test]
fn a_call_is_recorded_as_long_as_somebody_wants() {
    let mut desk = Desk::new(SECOND, 100_000_000);
    let call = desk.call(false);
    let (wanted, other) = (id(call), id(CallId(99)));
    desk.talk(SECOND);
    assert_eq!(
        desk.keeper.record(desk.now, &other),
        Err(NotRecorded::NoCall)
    );
    assert_eq!(desk.keeper.stop(&wanted), Err(NotRecorded::NotRunning));
    let file = desk.keeper.record(desk.now, &wanted).expect("begun");
    assert_eq!(desk.keeper.record(desk.now, &wanted), Ok(file.clone()));
    desk.settle();
    desk.talk(3 * SECOND);
    assert_eq!(desk.keeper.stop(&wanted), Ok(file.clone()));
    assert_eq!(
        desk.keeper.record(desk.now, &wanted),
        Err(NotRecorded::Closing)
    );
    desk.settle();
    assert_eq!(desk.keeper.stop(&wanted), Err(NotRecorded::NotRunning));
    desk.talk(SECOND);
    let again = desk.keeper.record(desk.now, &wanted).expect("begun again");
    assert_ne!(again, file);
    desk.settle();
    desk.end(call);
    assert_eq!(
        desk.keeper.record(desk.now, &wanted),
        Err(NotRecorded::NoCall)
    );
    desk.written();
    assert_eq!(packets(&desk.folder.path().join(file)).len(), 4 * 150);
    assert_eq!(desk.count("recording", "complete"), 2);
    let none = &mut Keeper::new(None, None).expect("nothing to open");
    assert_eq!(none.record(desk.now, &wanted), Err(NotRecorded::NoTap));
}

#[test]
fn a_worker_that_is_too_late_loses_packets_and_that_is_told() {
    let mut desk = Desk::new(Duration::ZERO, 100_000_000);
    let call = desk.call(true);
    desk.talk(SECOND / 2);
    // Nobody fetches for a minute.
    for _ in 0..3_000 {
        desk.now += Duration::from_millis(20);
        let now = desk.now;
        let media = &mut desk.calls[0];
        media.sequence += 1;
        media.say(now, Side::Carrier);
    }
    desk.end(call);
    desk.written();
    let lost = desk.lost("ring_full");
    assert!(lost > 4_000, "{lost}");
    let told = desk.notes.last().expect("a note");
    assert!(
        told.ends_with(&format!("ended, {lost} packets are missing")),
        "{told}"
    );
    assert_eq!(desk.count("recording", "incomplete"), 1);
}

#[test]
fn the_disk_is_never_filled_beyond_its_bound() {
    // A second of a recording is 47 kB: room for 21 s.
    let bound = 1_000_000;
    let mut desk = Desk::new(SECOND, bound);
    let first = desk.call(true);
    desk.talk(15 * SECOND);
    desk.end(first);
    let second = desk.call(true);
    desk.talk(40 * SECOND);
    desk.end(second);
    desk.written();
    let names = desk.names();
    let name = |call| format!("{}-1-recording", id(call));
    assert!(names.contains(&(name(second) + ".pcap")), "{names:?}");
    assert!(
        !names.contains(&(name(first) + ".pcap")),
        "the old one made room"
    );
    let bytes: u64 = names
        .iter()
        .map(|name| {
            std::fs::metadata(desk.folder.path().join(name))
                .expect("there")
                .len()
        })
        .sum();
    assert!(bytes <= bound && bytes > bound / 2, "{bytes}");
    assert_eq!(desk.keeper.counts().expect("a tap").removed(), 1);
    assert!(desk.lost("disk") > 1_000, "{}", desk.lost("disk"));
    assert_eq!(desk.count("recording", "incomplete"), 1);
    // What is there is whole.
    assert!(packets(&desk.folder.path().join(name(second) + ".pcap")).len() > 2_000);
}
