//! What listens to a stream's payloads, and keeps what it found.

use std::time::Duration;

use squelch_media::Format;
use squelch_media::detect::{Change, Finding, Packet, Watch};

use super::report::FaultReport;

/// A watch for the format that the stream has now, and the findings so far.
#[derive(Debug, Default)]
pub(super) struct Listener {
    watch: Option<(Format, Watch)>,
    findings: Vec<Finding>,
    talk_due: bool,
}

impl Listener {
    /// A listener that is told whether somebody ought to be heard.
    pub(super) fn new(talk_due: bool) -> Self {
        Self {
            talk_due,
            ..Self::default()
        }
    }

    /// Takes one packet; its time counts from the stream's first.
    pub(super) fn listen(&mut self, format: Format, packet: Packet<'_>) {
        if self.watch.as_ref().is_none_or(|(law, _)| *law != format) {
            self.close(packet.at);
            let mut watch = Watch::new(format.law());
            watch.set_talk_due(self.talk_due);
            self.watch = Some((format, watch));
        }
        let Some((_, watch)) = &mut self.watch else {
            return;
        };
        let change = watch.observe(packet);
        if let Some(finding) = change.as_ref().and_then(Change::ended) {
            self.settle(*finding);
        }
        if let Some(finding) = change.as_ref().and_then(Change::found)
            && self.findings.len() < MAX_FINDINGS
        {
            self.findings.push(*finding);
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

    /// The watch's last word, when the stream ends or changes its format.
    fn close(&mut self, clock: Duration) {
        let finding = self
            .watch
            .take()
            .and_then(|(_, mut watch)| watch.finish(clock));
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
