//! Dead air in the gateway: the caller has talked, and waits for an answer that does not come. And every silence that
//! is none.

use crate::call::{BUFFER_BYTES, Call, address, packet_at, plan};
use crate::detector::{packets, speech};
use squelch_media::detect::{Fault, Finding};
use squelch_media::{Format, Forward, MediaEvent, Side};
use std::time::Duration;

const PTIME: Duration = Duration::from_millis(20);

/// A call on which both legs send a packet each 20 ms.
struct Talk {
    call: Call,
    frame: u16,
    found: Vec<(Side, Duration, Finding)>,
    ended: Vec<(Side, Duration)>,
}

/// What a leg does for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Talk,
    /// Digital silence.
    Nothing,
    /// The hiss of a line: noise of -50 dBov.
    Hiss,
    /// A door, every second.
    Knock,
    /// Sends no packets.
    Away,
}

impl Talk {
    fn new() -> Talk {
        Talk {
            call: Call::new(&plan(Format::Pcmu, Format::Pcmu)),
            frame: 0,
            found: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// So many seconds of this.
    fn go_on(&mut self, seconds: usize, caller: Does, model: Does) -> &mut Talk {
        let spoken = packets(&speech(), 160);
        for index in 0..seconds * 50 {
            self.call.now += PTIME;
            self.frame = self.frame.wrapping_add(1);
            for (side, does) in [(Side::Carrier, caller), (Side::Openai, model)] {
                let payload = match does {
                    Does::Talk => spoken[index % spoken.len()].clone(),
                    Does::Nothing => vec![0xFF; 160],
                    // +-84 at random.
                    Does::Hiss => (0..160)
                        .map(|at| [0x75, 0xF5, 0x7A, 0xFA][(at * at * 7 + index * 13 + at / 3) % 4])
                        .collect(),
                    Does::Knock if index % 50 < 5 => spoken[60].clone(),
                    Does::Knock => vec![0xFF; 160],
                    Does::Away => continue,
                };
                self.send(side, &payload);
            }
        }
        self
    }

    fn send(&mut self, side: Side, payload: &[u8]) {
        let timestamp = 160 * u32::from(self.frame);
        let packet = packet_at(0, false, self.frame, timestamp, 9, payload);
        let mut buffer = [0; BUFFER_BYTES];
        buffer[..packet.len()].copy_from_slice(&packet);
        let now = self.call.now;
        let bridge = &mut self.call.bridge;
        let sent = bridge.forward(now, side, address(side), &mut buffer, packet.len());
        // The first packets may come before the other leg's address is known; all others are sent as they are.
        if let Forward::Send { len, .. } = sent {
            assert_eq!(buffer[len - 160..len], *payload, "nothing is touched");
        }
        let at = PTIME * u32::from(self.frame);
        while let Some(event) = self.call.bridge.poll_event() {
            match event {
                MediaEvent::Fault { side, finding } => self.found.push((side, at, finding)),
                MediaEvent::Cleared { side, .. } => self.ended.push((side, at)),
                MediaEvent::Learned { .. }
                | MediaEvent::Mismatch { .. }
                | MediaEvent::OneWay { .. }
                | MediaEvent::OneWayOver { .. } => {}
            }
        }
    }

    /// Nothing was found.
    fn is_good(&self, why: &str) {
        assert!(self.found.is_empty(), "{why}: {:?}", self.found);
    }
}

#[test]
fn an_answer_that_does_not_come_is_dead_air_twenty_seconds_on() {
    for caller in [Does::Nothing, Does::Hiss] {
        let mut talk = Talk::new();
        talk.go_on(4, Does::Talk, Does::Nothing);
        talk.go_on(25, caller, Does::Nothing);
        let [(side, at, finding)] = talk.found[..] else {
            panic!("{caller:?}: {:?}", talk.found);
        };
        assert_eq!((side, finding.fault), (Side::Openai, Fault::DeadAir));
        let waited = at - Duration::from_secs(4);
        let (least, most) = (Duration::from_secs(19), Duration::from_secs(21));
        assert!(waited > least && waited < most, "{waited:?}");
        let guard = talk.call.bridge.guard();
        assert_eq!(guard.muted + guard.repaired, Duration::ZERO);
    }
}

#[test]
fn it_is_over_when_the_model_is_heard_and_not_when_the_caller_asks_again() {
    let mut talk = Talk::new();
    talk.go_on(4, Does::Talk, Does::Nothing);
    talk.go_on(25, Does::Nothing, Does::Nothing);
    talk.go_on(4, Does::Talk, Does::Nothing);
    talk.go_on(25, Does::Nothing, Does::Nothing);
    assert_eq!((talk.found.len(), talk.ended.len()), (1, 0), "one silence");
    let answered = PTIME * u32::from(talk.frame);
    talk.go_on(4, Does::Nothing, Does::Talk);
    let [(side, at)] = talk.ended[..] else {
        panic!("{:?}", talk.ended);
    };
    assert_eq!(side, Side::Openai);
    assert!(
        at - answered < Duration::from_secs(2),
        "{:?}",
        at - answered
    );
    // The next turn that is not answered is another silence.
    talk.go_on(4, Does::Talk, Does::Nothing);
    talk.go_on(25, Does::Nothing, Does::Nothing);
    assert_eq!(talk.found.len(), 2);
}

#[test]
fn silences_of_ordinary_calls_are_none() {
    let story = |turns: &[(usize, Does, Does)]| {
        let mut talk = Talk::new();
        for (seconds, caller, model) in turns {
            talk.go_on(*seconds, *caller, *model);
        }
        talk
    };
    use Does::{Away, Hiss, Knock, Nothing, Talk as Talks};
    for (why, turns) in [
        ("nobody has said anything", vec![(60, Nothing, Nothing)]),
        (
            "the model has greeted, and waits for the caller",
            vec![(4, Nothing, Talks), (60, Hiss, Nothing)],
        ),
        (
            "the model has answered, the caller thinks",
            vec![(4, Talks, Nothing), (4, Hiss, Talks), (60, Hiss, Nothing)],
        ),
        (
            "the model thinks for a long time before it answers",
            vec![(4, Talks, Nothing), (15, Hiss, Nothing), (4, Hiss, Talks)],
        ),
        (
            "the caller talks at length",
            vec![(60, Talks, Nothing), (2, Hiss, Nothing), (4, Hiss, Talks)],
        ),
        (
            "the caller pauses and goes on",
            vec![
                (4, Talks, Nothing),
                (12, Hiss, Nothing),
                (4, Talks, Nothing),
                (12, Hiss, Nothing),
            ],
        ),
        (
            "both talk at once, and the caller stops first",
            vec![(4, Talks, Talks), (4, Hiss, Talks), (40, Hiss, Nothing)],
        ),
        (
            "doors are no talk",
            vec![(4, Nothing, Talks), (60, Knock, Nothing)],
        ),
        (
            "the caller's packets stay away",
            vec![(4, Talks, Nothing), (40, Away, Nothing)],
        ),
        (
            "the model's packets stay away",
            vec![(4, Talks, Nothing), (40, Hiss, Away), (1, Hiss, Nothing)],
        ),
    ] {
        story(&turns).is_good(why);
    }
}
