//! Writing a compound packet into a buffer.

use super::compound::{
    BYE, EXTENDED_REPORT, HEADER_BYTES, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION,
};
use super::{ReportBlock, SenderInfo, VoipMetrics};
use crate::rtp::Ssrc;

/// Writes packets one behind the other. What finds no room leaves the rest unwritten, and there is no packet in
/// the end.
///
/// **Shape**: [`MAX_COMPOUND_BYTES`](super::MAX_COMPOUND_BYTES) are always enough for what squelch says.
#[derive(Debug)]
pub struct Builder<'a> {
    buffer: &'a mut [u8],
    len: usize,
    full: bool,
}

impl<'a> Builder<'a> {
    /// Nothing written yet.
    pub fn new(buffer: &'a mut [u8]) -> Builder<'a> {
        Builder {
            buffer,
            len: 0,
            full: false,
        }
    }

    /// The compound's length; `None` if the buffer was too short.
    pub fn finish(self) -> Option<usize> {
        (!self.full && self.len > 0).then_some(self.len)
    }

    /// A sender report, or a receiver report without `info`.
    pub fn report(&mut self, ssrc: Ssrc, info: Option<SenderInfo>, block: Option<ReportBlock>) {
        let kind = match info {
            Some(_) => SENDER_REPORT,
            None => RECEIVER_REPORT,
        };
        let start = self.begin(u8::from(block.is_some()), kind, ssrc);
        if let Some(info) = info {
            self.put(&info.write());
        }
        if let Some(block) = block {
            self.put(&block.write());
        }
        self.end(start);
    }

    /// A source description with a CNAME alone.
    pub fn source_description(&mut self, ssrc: Ssrc, cname: &[u8]) {
        let cname = cname.get(..cname.len().min(255)).unwrap_or_default();
        let start = self.begin(1, SOURCE_DESCRIPTION, ssrc);
        self.put(&[1, cname.len() as u8]);
        self.put(cname);
        // One null at least ends the items, and more fill the word.
        let fill = 4 - self.len % 4;
        self.put([0; 4].get(..fill).unwrap_or_default());
        self.end(start);
    }

    /// An extended report of VoIP metrics (RFC 3611 sections 2 and 4.7).
    pub fn voip_metrics(&mut self, ssrc: Ssrc, metrics: &VoipMetrics) {
        let start = self.begin(0, EXTENDED_REPORT, ssrc);
        let body = metrics.write();
        let words = (body.len() / 4) as u16;
        let [high, low] = words.to_be_bytes();
        self.put(&[VoipMetrics::BLOCK_TYPE, 0, high, low]);
        self.put(&body);
        self.end(start);
    }

    /// A BYE without a reason.
    pub fn bye(&mut self, ssrc: Ssrc) {
        let start = self.begin(1, BYE, ssrc);
        self.end(start);
    }

    fn begin(&mut self, count: u8, kind: u8, ssrc: Ssrc) -> usize {
        let start = self.len;
        self.put(&[0x80 | count & 0x1F, kind, 0, 0]);
        self.put(&ssrc.0.to_be_bytes());
        start
    }

    fn end(&mut self, start: usize) {
        let words = ((self.len - start).saturating_sub(HEADER_BYTES) / 4) as u16;
        let place = self.buffer.get_mut(start + 2..start + 4);
        if let Some(place) = place.filter(|_| !self.full) {
            place.copy_from_slice(&words.to_be_bytes());
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(place) if !self.full => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            _ => self.full = true,
        }
    }
}
