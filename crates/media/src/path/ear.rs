//! What the detector hears of a leg that does not speak G.711: its audio at 8 kHz, as mu-law.

use crate::audio::format::AudioFormat;
use crate::audio::transcode::Paced;
use crate::rtp::Ptime;
use crate::{Format, LegPlan};

/// The most that one payload comes to: 120 ms, and what the payload before left over. **Units**: bytes of mu-law.
const CODES: usize = 120 * 8 + 30 * 8;

/// Decodes a leg's payloads for the detector alone, in the order of arrival; nothing of it goes out.
///
/// A fault that came about before the leg's own encoding is found as in G.711. What 8 kHz and mu-law don't keep is not
/// judged, as with a recording that `inspect` reads.
///
/// **Shape**: fixed memory. **Cost**: nothing allocated after [`Ear::new`]; a decoding and a resampling a packet.
#[derive(Debug)]
pub(super) struct Ear {
    paced: Paced,
    codes: Box<[u8; CODES]>,
}

impl Ear {
    /// `None` where the leg speaks G.711, which is judged as it comes.
    pub(super) fn new(leg: &LegPlan) -> Option<Ear> {
        if leg.format.is_g711() {
            return None;
        }
        // Frames as short as there are: little waits for the next payload.
        let paced = Paced::new(
            leg.format.into(),
            AudioFormat::from(Format::Pcmu),
            leg.ptime,
            Ptime::MIN,
            1,
        );
        // A format that is not built in is not negotiated either.
        Some(Ear {
            paced: paced.ok()?,
            codes: Box::new([0; CODES]),
        })
    }

    /// What a payload comes to. Nothing of one that is malformed.
    pub(super) fn hear(&mut self, payload: &[u8]) -> &[u8] {
        let mut len = 0;
        if self.paced.take(payload, false).is_ok() {
            while let Some(count) = self
                .codes
                .get_mut(len..)
                .and_then(|room| self.paced.pop(room))
            {
                len += count;
            }
        }
        self.codes.get(..len).unwrap_or_default()
    }
}
