//! What the detector says: which fault, of which kind, from when to when, how surely.

use super::Fault;
use squelch_g711::{ByteOrder, Law};
use std::fmt;
use std::time::Duration;

/// What [`Detector::observe`](super::Detector::observe) tells its caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A fault was found; the guard may act.
    Tripped(Finding),
    /// The fault is over, the audio is right again; `to` is filled in.
    Cleared(Finding),
    /// One fault took the place of another, which is closed.
    Replaced {
        /// What was reported till now; `to` is filled in.
        ended: Finding,
        /// What there is instead.
        found: Finding,
    },
}

impl Change {
    /// The fault that is over with it.
    pub fn ended(&self) -> Option<&Finding> {
        match self {
            Change::Tripped(_) => None,
            Change::Cleared(ended) | Change::Replaced { ended, .. } => Some(ended),
        }
    }

    /// The fault that was found with it.
    pub fn found(&self) -> Option<&Finding> {
        match self {
            Change::Cleared(_) => None,
            Change::Tripped(found) | Change::Replaced { found, .. } => Some(found),
        }
    }
}

/// One fault found in one stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// Which fault.
    pub fault: Fault,
    /// Which kind of it, as far as the payload tells.
    pub variant: Variant,
    /// When the fault began, as estimated. **Units**: the stream's clock, as are all three times.
    pub from: Duration,
    /// When it was found.
    pub detected_at: Duration,
    /// When it ended; `None` while it lasts.
    pub to: Option<Duration>,
    /// How surely, 0 to 1.
    pub confidence: f32,
}

impl Finding {
    /// The same, over `at`.
    pub(super) fn ended(self, at: Duration) -> Finding {
        Finding {
            to: Some(at),
            ..self
        }
    }
}

/// How the misread bytes are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Without gaps: static all the time, or PCM16 cut into packets of the usual size, less than real time each.
    Continuous,
    /// A short burst in each packet, then silence.
    Bursts,
    /// Packets grown by as much as the bytes need: everything arrives at real-time rate.
    RealTime,
}

/// What the bytes of a fault really are, or were taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// Samples of 16 bits.
    Pcm16,
    /// G.711 of this law, under the label of the other.
    Law(Law),
    /// The same, and transcoded to the label's law since.
    Transcoded(Law),
    /// G.711 of the label's law that this law's table was used on, and encoded as it should be since.
    Misread(Law),
    /// G.711 taken for samples and companded again, or expanded twice.
    Companded,
    /// No audio: ciphertext, compressed audio.
    Binary,
    /// No audio: printable characters.
    Text,
    /// One payload, over and over.
    Repeated,
    /// Samples that piled up at the extreme codes.
    Saturated,
    /// Samples that piled up at a level below.
    FlatTop,
    /// Samples that overflowed to the other end of the range.
    Wrapped,
    /// Nothing that can be heard.
    Silence,
    /// Samples at the rate that the variant names.
    Samples,
    /// The right samples, with timestamps of a clock at the rate that the variant names.
    Timestamps,
}

/// The kind of a fault: what a repair needs to know and a reader wants to. `None` is what the payload doesn't tell.
///
/// Displays as `pcm16le 24000`, `pcm16 24000 bursts`, `pcm16be`, `pcma`, `pcma transcoded`, `pcmu read as pcma`,
/// `companded`, `binary`, `text`, `repeated`, `saturated`, `flat_top`, `wrapped`, `silence`, `samples 24000`,
/// `timestamps 16000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// What the bytes are.
    pub what: What,
    /// Byte order of the PCM16.
    pub order: Option<ByteOrder>,
    /// Sample rate of the PCM16, or that of `wrong_rate`. **Units**: Hz.
    pub rate_hz: Option<u32>,
    /// How the bytes are paced.
    pub pace: Pace,
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.what, self.order) {
            (What::Pcm16, Some(ByteOrder::Little)) => "pcm16le",
            (What::Pcm16, Some(ByteOrder::Big)) => "pcm16be",
            (What::Pcm16, None) => "pcm16",
            (What::Law(Law::Mu), _) => "pcmu",
            (What::Law(Law::A), _) => "pcma",
            (What::Transcoded(Law::Mu), _) => "pcmu transcoded",
            (What::Transcoded(Law::A), _) => "pcma transcoded",
            (What::Misread(Law::Mu), _) => "pcma read as pcmu",
            (What::Misread(Law::A), _) => "pcmu read as pcma",
            (What::Companded, _) => "companded",
            (What::Binary, _) => "binary",
            (What::Text, _) => "text",
            (What::Repeated, _) => "repeated",
            (What::Saturated, _) => "saturated",
            (What::FlatTop, _) => "flat_top",
            (What::Wrapped, _) => "wrapped",
            (What::Silence, _) => "silence",
            (What::Samples, _) => "samples",
            (What::Timestamps, _) => "timestamps",
        })?;
        if let Some(rate_hz) = self.rate_hz {
            write!(f, " {rate_hz}")?;
        }
        if self.pace == Pace::Bursts {
            f.write_str(" bursts")?;
        }
        Ok(())
    }
}
