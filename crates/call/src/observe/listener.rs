//! What listens to a stream's payloads, and keeps what it found.

use std::time::Duration;

use squelch_media::Format;
use squelch_media::detect::{Change, Detector, Finding};

use super::report::FaultReport;

/// A detector for the format that the stream has now, and the findings so far.
#[derive(Debug, Default)]
pub(super) struct Listener {
    detector: Option<(Format, Detector)>,
    findings: Vec<Finding>,
}

impl Listener {
    /// Takes one payload that came at `clock`, counted from the stream's first packet.
    pub(super) fn listen(&mut self, clock: Duration, format: Format, payload: &[u8]) {
        if self.detector.as_ref().is_none_or(|(law, _)| *law != format) {
            self.close(clock);
            self.detector = Some((format, Detector::new(format.law())));
        }
        let Some((_, detector)) = &mut self.detector else {
            return;
        };
        match detector.observe(clock, payload) {
            Some(Change::Tripped(finding)) if self.findings.len() < MAX_FINDINGS => {
                self.findings.push(finding);
            }
            Some(Change::Cleared(finding)) => self.settle(finding),
            Some(Change::Tripped(_)) | None => {}
        }
    }

    /// Every fault of a stream that lasted for `duration`, in the order of detection.
    pub(super) fn finish(mut self, duration: Duration) -> Vec<FaultReport> {
        self.close(duration);
        self.findings
            .iter()
            .map(|finding| FaultReport::new(finding, duration))
            .collect()
    }

    /// The detector's last word, when the stream ends or changes its format.
    fn close(&mut self, clock: Duration) {
        let finding = self
            .detector
            .take()
            .and_then(|(_, mut detector)| detector.finish(clock));
        if let Some(finding) = finding {
            self.settle(finding);
        }
    }

    /// A fault is over: what was noted when it tripped is replaced.
    fn settle(&mut self, finding: Finding) {
        let room = self.findings.len() < MAX_FINDINGS;
        let mut noted = self.findings.iter_mut().rev();
        match noted.find(|noted| noted.fault == finding.fault && noted.to.is_none()) {
            Some(noted) => *noted = finding,
            None if room => self.findings.push(finding),
            None => {}
        }
    }
}

/// A stream that alternates for hours must not fill the memory with findings.
const MAX_FINDINGS: usize = 1_000;
