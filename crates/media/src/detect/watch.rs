//! All that is looked for in one stream: what its payloads say ([`Detector`]), and the rules beside it.

use super::peak;
use super::rules::Rules;
use super::{Change, Detector, Finding};
use crate::rtp::RtpTime;
use squelch_g711::Law;
use std::time::Duration;

/// One packet, as far as it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When it arrived, on the stream's clock.
    pub at: Duration,
    /// Its numbers; a recording has none.
    pub numbers: Option<Numbers>,
    /// What it carries.
    pub payload: &'a [u8],
}

/// The numbers of a packet's RTP header.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp.
    pub timestamp: RtpTime,
}

/// Says of one stream which fault it has, one at a time.
///
/// A fault of the content counts for more than what the rules report, and replaces it: then the rules rest until it
/// is over. Among the rules, `clipping` comes last.
///
/// **Shape**: fixed memory, under a kilobyte. **Cost**: nothing allocated.
#[derive(Debug)]
pub struct Watch {
    law: Law,
    talk_due: bool,
    detector: Detector,
    rules: Rules,
    reported: Option<Finding>,
    /// The loudest sample of the packet before; none under a fault of the content.
    level: Option<u16>,
}

impl Watch {
    /// For a stream whose payload type says `law`.
    pub fn new(law: Law) -> Watch {
        Watch {
            law,
            talk_due: false,
            detector: Detector::new(law),
            rules: Rules::default(),
            reported: None,
            level: None,
        }
    }

    /// Whether somebody ought to be heard from now on; what nobody can hear from the payload alone. Until told,
    /// nobody is, and there is no `dead_air`.
    pub fn set_talk_due(&mut self, due: bool) {
        self.talk_due = due;
    }

    /// Takes one packet, in the order of arrival and each once; says what changed, if anything did.
    ///
    /// **Shape**: 1 to 1500 bytes of any ptime; an empty payload changes nothing.
    pub fn observe(&mut self, packet: Packet<'_>) -> Option<Change> {
        if packet.payload.is_empty() {
            return None;
        }
        let change = self.detector.observe(packet.at, packet.payload);
        self.level = None;
        if self.detector.current().is_some() {
            self.rules = Rules::default();
        }
        match (change, self.detector.current()) {
            (Some(Change::Tripped(finding)), _) => self.report(packet.at, Some(finding), false),
            (Some(change), _) => Some(change),
            (None, Some(_)) => None,
            (None, None) => {
                let loudest = peak::loudest(self.law, packet.payload);
                self.level = Some(peak::level(self.law, loudest));
                let due = self.talk_due;
                let found = self.rules.observe(self.law, due, &packet, loudest);
                self.report(packet.at, found, true)
            }
        }
    }

    /// The loudest sample of the packet before, on PCM16's scale; none where its content is at fault.
    pub(crate) fn level(&self) -> Option<u16> {
        self.level
    }

    /// The fault the stream has now, if any.
    pub fn current(&self) -> Option<&Finding> {
        self.detector.current().or(self.reported.as_ref())
    }

    /// The stream ended `at`: the fault still open, if any, closed at that time.
    pub fn finish(&mut self, at: Duration) -> Option<Finding> {
        let reported = self.reported.take().map(|finding| finding.ended(at));
        self.detector.finish(at).or(reported)
    }

    /// Puts what was found in the place of what was reported before; it is kept here if a rule found it.
    fn report(&mut self, at: Duration, found: Option<Finding>, by_rule: bool) -> Option<Change> {
        let before = self.reported;
        if let (Some(before), Some(found)) = (&before, &found)
            && before.fault == found.fault
        {
            return None;
        }
        self.reported = found.filter(|_| by_rule);
        match (before.map(|before| before.ended(at)), found) {
            (None, None) => None,
            (None, Some(found)) => Some(Change::Tripped(found)),
            (Some(ended), None) => Some(Change::Cleared(ended)),
            (Some(ended), Some(found)) => Some(Change::Replaced { ended, found }),
        }
    }
}
