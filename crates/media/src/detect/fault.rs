//! The closed set of faults.

use std::fmt;

/// One named kind of broken audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// G.711 bytes taken for PCM16 samples, then encoded as G.711 again.
    G711AsPcm16,
    /// PCM16 bytes sent as if they were G.711.
    Pcm16AsG711,
    /// A-law bytes under mu-law, or the reverse.
    LawMismatch,
    /// PCM16 with bytes swapped or shifted by one, then encoded properly.
    ByteSwapped,
    /// Companded twice, or expanded twice.
    DoubleEncoded,
    /// Bytes that are no audio: ciphertext, compressed audio, text.
    Opaque,
    /// One packet or one byte for ever.
    Stuck,
    /// Right samples at the wrong rate.
    WrongRate,
    /// Packets flow, nothing is heard where talk is due.
    DeadAir,
    /// Overdriven for long.
    Clipping,
}

impl Fault {
    /// Every fault, in the order of the documents.
    pub const ALL: [Fault; 10] = [
        Fault::G711AsPcm16,
        Fault::Pcm16AsG711,
        Fault::LawMismatch,
        Fault::ByteSwapped,
        Fault::DoubleEncoded,
        Fault::Opaque,
        Fault::Stuck,
        Fault::WrongRate,
        Fault::DeadAir,
        Fault::Clipping,
    ];

    /// The fault's word in reports, labels and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::G711AsPcm16 => "g711_as_pcm16",
            Fault::Pcm16AsG711 => "pcm16_as_g711",
            Fault::LawMismatch => "law_mismatch",
            Fault::ByteSwapped => "byte_swapped",
            Fault::DoubleEncoded => "double_encoded",
            Fault::Opaque => "opaque",
            Fault::Stuck => "stuck",
            Fault::WrongRate => "wrong_rate",
            Fault::DeadAir => "dead_air",
            Fault::Clipping => "clipping",
        }
    }

    /// Whether the guard mutes or repairs it (the contract's table); the others it only reports.
    pub const fn is_gated(self) -> bool {
        !matches!(self, Fault::WrongRate | Fault::DeadAir | Fault::Clipping)
    }

    /// Whether the fault counts as something wrong (exit code 1, `--max-faults`): all but the advisory `clipping`.
    pub const fn acts(self) -> bool {
        !matches!(self, Fault::Clipping)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
