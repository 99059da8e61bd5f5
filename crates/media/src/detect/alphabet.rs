//! Which codes audio that was companded twice can have at all: few, whatever was said. Static is not so choosy, for its
//! samples have lower bytes.

use super::readings;
use squelch_g711::Law;

/// Where the wrong second step leaves its mark, each with codes of its own.
const KINDS: usize = 3;

/// What the packets so far had of each kind's codes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alphabets {
    /// Packets that had other codes.
    others: [u32; KINDS],
    /// Bits of evidence in those that had none: what the codes would have missed by chance.
    bits: [u32; KINDS],
    packets: u32,
}

/// Bits of evidence below which the codes tell nothing.
const TELLING: u32 = 8;

impl Alphabets {
    /// Takes a packet.
    pub(super) fn add(&mut self, law: Law, payload: &[u8]) {
        let mut seen = [false; 256];
        for code in payload {
            seen[usize::from(*code)] = true;
        }
        self.packets += 1;
        let kinds = self.others.iter_mut().zip(&mut self.bits);
        for ((others, bits), reached) in kinds.zip(&REACHED[law as usize]) {
            let codes = seen.iter().zip(reached).zip(0_u8..=255);
            let seen = codes.filter(|((seen, _), _)| **seen);
            // Each code once: a tone of few codes is no evidence, however long it lasts.
            let sum = seen.map(|((_, reached), code)| reached.then(|| bits_of(law, code)));
            match sum.sum::<Option<u32>>() {
                Some(sum) => *bits += sum,
                None => *others += 1,
            }
        }
    }

    /// Whether three packets of four have a kind's codes and no others; `None` where few sounds would have others.
    pub(super) fn is_one(&self) -> Option<bool> {
        let kinds = self.others.iter().zip(&self.bits);
        let fitting = kinds.filter(|(others, _)| **others * 4 <= self.packets);
        match fitting.map(|(_, bits)| *bits).max() {
            None => Some(false),
            Some(bits) => (bits >= TELLING).then_some(true),
        }
    }
}

/// Bits that a multiple of 256 among a law's levels is worth: its step's width in 256 would be one by chance. Of codes
/// whose steps are wider each is.
fn bits_of(law: Law, code: u8) -> u32 {
    const MULTIPLE: u32 = 8;
    MULTIPLE.saturating_sub(readings::log2_step(law, code))
}

/// For mu-law, then A-law: the codes of each kind.
static REACHED: [[[bool; 256]; KINDS]; 2] = [reached(Law::Mu), reached(Law::A)];

const fn reached(law: Law) -> [[bool; 256]; KINDS] {
    let mut all = [[false; 256]; KINDS];
    let mut code = 0;
    while code < 256 {
        // Codes taken for samples of eight bits, with a sign or without.
        all[0][law.encode_sample((code as i16 - 128) * 256) as usize] = true;
        // Codes taken for samples as they are.
        all[1][law.encode_sample(code as i16) as usize] = true;
        // Upper bytes of samples taken for codes, and expanded.
        let upper = law.decode_sample(code as u8) >> 8;
        let again = law.decode_sample(upper as u8);
        all[2][law.encode_sample(again) as usize] = true;
        code += 1;
    }
    all
}
