//! What the packets that speak for a fault have in common: whether its repair would mend them, and of which kind it
//! is.

use super::Fault;
use super::alphabet::Alphabets;
use super::features::{self, Features};
use super::finding::{Pace, Variant, What};
use super::readings::{self, Room};
use squelch_g711::{ByteOrder, Law};

/// The payload size before any was heard: 20 ms of G.711.
const USUAL_BYTES: usize = 160;

/// So many bits a byte shorter must a reading be, on average, to be believed rather than the label.
const SHORTER: f32 = 0.0;

/// Static of samples that were never resampled can be predicted once its upper bytes are taken for G.711; this much
/// better than as it is. **Units**: decades of power.
const FOLDED: f32 = 0.15;

/// A law mismatch is over after four good packets: the fifth with bytes that no transcoding gives is none of these.
const UNTOUCHED: u32 = 5;

/// The packets so far, added up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clues {
    packets: u32,
    bursts: u32,
    texts: u32,
    /// By how many bits a byte the payloads are longer as labelled than as the other law, and than as PCM16 in either
    /// byte order.
    longer_than_other: f32,
    longer_than_little: f32,
    longer_than_big: f32,
    /// By how many they are longer as little-endian PCM16 than as big-endian.
    little_less_big: f32,
    /// Their means, against full scale; how much of them is silent; how much better they are predicted folded.
    means: f32,
    silent: f32,
    folded: f32,
    /// How much better they are predicted once the other law's table, wrongly used on the way, is undone.
    misread: f32,
    /// By how many bits a byte they are longer as the other law's than with that table undone.
    longer_than_misread: f32,
    /// Of those that speak for a law mismatch, packets with bytes that no transcoding between the laws gives.
    untouched: u32,
    /// Whether they have the codes of audio that was companded twice.
    alphabets: Alphabets,
    /// The payload size while the stream was good, and now.
    usual_bytes: usize,
    bytes: usize,
}

impl Clues {
    /// None yet, of a stream whose payloads have `usual_bytes`.
    pub(super) fn new(usual_bytes: usize) -> Clues {
        Clues {
            packets: 0,
            bursts: 0,
            texts: 0,
            longer_than_other: 0.0,
            longer_than_little: 0.0,
            longer_than_big: 0.0,
            little_less_big: 0.0,
            means: 0.0,
            silent: 0.0,
            folded: 0.0,
            misread: 0.0,
            longer_than_misread: 0.0,
            untouched: 0,
            alphabets: Alphabets::default(),
            usual_bytes,
            bytes: usual_bytes,
        }
    }

    /// Adds a packet; `order` says by how much its bytes are longer as little-endian PCM16 than as big-endian,
    /// `other_law` whether it speaks for a law mismatch.
    pub(super) fn add(
        &mut self,
        law: Law,
        payload: &[u8],
        figures: &Features,
        order: f32,
        other_law: bool,
    ) {
        self.packets += 1;
        self.alphabets.add(law, payload);
        self.bursts += u32::from(figures[features::BURST] > 0.5);
        self.texts += u32::from(figures[features::PRINTABLE] > 0.9);
        self.longer_than_other += figures[features::LONGER_THAN_OTHER];
        self.longer_than_little += figures[features::LONGER_THAN_LITTLE];
        self.longer_than_big += figures[features::LONGER_THAN_BIG];
        self.little_less_big += order;
        self.means += mean(figures);
        self.silent += figures[features::SILENT];
        let folded = figures[features::FOLDED].max(figures[features::FOLDED + 1]);
        self.folded += folded - figures[features::GAIN];
        self.misread += figures[features::MISREAD];
        if other_law {
            self.longer_than_misread += longer_than_misread(law, payload);
            let transcoded = &TRANSCODED[law as usize];
            let untouched = payload.iter().any(|byte| !transcoded[usize::from(*byte)]);
            self.untouched = self.untouched.saturating_add(u32::from(untouched));
        }
        self.bytes = payload.len();
    }

    /// Adds a packet that is soft PCM16 for certain: its upper bytes say nothing that its lower ones don't.
    pub(super) fn add_extended(&mut self, payload: &[u8], order: ByteOrder) {
        /// Half of the bits.
        const SHORTER: f32 = 4.0;
        self.packets += 1;
        match order {
            ByteOrder::Little => self.longer_than_little += SHORTER,
            ByteOrder::Big => self.longer_than_big += SHORTER,
        }
        self.little_less_big += match order {
            ByteOrder::Little => -SHORTER,
            ByteOrder::Big => SHORTER,
        };
        self.bytes = payload.len();
    }

    /// Whether the packets have the codes of audio that was companded twice, and no others; `None` where that tells
    /// nothing.
    pub(super) fn is_companded_twice(&self) -> Option<bool> {
        self.alphabets.is_one()
    }

    /// Whether the samples' mean lies off zero by more than `share` of full scale, or most packets are short bursts:
    /// what nothing but static does for long.
    pub(super) fn is_off_zero(&self, share: f32) -> bool {
        self.means.abs() > share * self.packets as f32 || self.many(self.bursts)
    }

    /// Whether the packets, mended as the fault asks for, would be more like speech than as they are. A fault that
    /// can't be mended has nothing to show.
    pub(super) fn bear_out(&self, fault: Fault) -> bool {
        let least = SHORTER * self.packets as f32;
        match fault {
            Fault::Pcm16AsG711 => self.longer_than_little.max(self.longer_than_big) > least,
            Fault::LawMismatch => self.longer_than_other.max(self.misread) > least,
            _ => true,
        }
    }

    /// Of which kind the fault is.
    pub(super) fn variant(&self, fault: Fault, law: Law) -> Variant {
        let mut variant = Variant {
            what: What::Pcm16,
            order: None,
            rate_hz: None,
            pace: Pace::Continuous,
        };
        match fault {
            Fault::G711AsPcm16 if self.many(self.bursts) => {
                variant.pace = Pace::Bursts;
                variant.rate_hz = Some(self.rate_of_bursts());
            }
            Fault::G711AsPcm16 if self.folded > FOLDED * self.packets as f32 => {
                variant.rate_hz = Some(8_000);
            }
            Fault::Pcm16AsG711 => {
                // Shifted by a byte, the wrong order looks almost as good: the packets vote.
                variant.order = Some(match self.little_less_big <= 0.0 {
                    true => ByteOrder::Little,
                    false => ByteOrder::Big,
                });
                // Payloads that grew by as much as PCM16 needs say the rate, and that everything arrives in time.
                variant.rate_hz = [(2, 8_000), (4, 16_000), (6, 24_000)]
                    .into_iter()
                    .find(|(times, _)| self.bytes == times * self.usual_bytes)
                    .map(|(_, rate_hz)| rate_hz);
                if variant.rate_hz.is_some() {
                    variant.pace = Pace::RealTime;
                }
            }
            Fault::LawMismatch => {
                variant.what = match self.untouched {
                    _ if self.longer_than_misread > 0.0 => What::Misread(law.other()),
                    0 => What::Transcoded(law.other()),
                    _ => What::Law(law.other()),
                };
            }
            Fault::DoubleEncoded => variant.what = What::Companded,
            Fault::Opaque if self.many(self.texts) => variant.what = What::Text,
            Fault::Opaque => variant.what = What::Binary,
            _ => {}
        }
        variant
    }

    /// Whether so many packets had bytes that no transcoding gives that no good audio among them can be why.
    pub(super) fn is_untouched(&self) -> bool {
        self.untouched >= UNTOUCHED
    }

    fn many(&self, count: u32) -> bool {
        count * 2 > self.packets
    }

    /// 80 samples, what 160 bytes make, take a sixth of the 20 ms at 24 kHz, a quarter at 16 kHz, half at 8 kHz.
    fn rate_of_bursts(&self) -> u32 {
        let sounding = 1.0 - self.silent / self.packets as f32;
        match sounding {
            ..0.21 => 24_000,
            0.21..0.375 => 16_000,
            _ => 8_000,
        }
    }
}

impl Default for Clues {
    fn default() -> Clues {
        Clues::new(USUAL_BYTES)
    }
}

/// By how many bits a byte a payload is longer as the other law's than as one that the other law's table was used on.
/// The two are close: used twice, a wrong table undoes itself in all but soft sounds.
fn longer_than_misread(law: Law, payload: &[u8]) -> f32 {
    let mut room = Room::new();
    let other = law.other();
    let (shape, _) = room.shape(payload.iter().map(|code| other.decode_sample(*code)));
    let as_other = readings::bits(other, payload, &shape);
    let mut codes = [0; readings::MAX_BYTES];
    let mut length = 0;
    for (slot, code) in codes.iter_mut().zip(payload) {
        *slot = other.encode_sample(law.decode_sample(*code));
        length += 1;
    }
    let codes = codes.get(..length).unwrap_or_default();
    let (shape, _) = room.shape(codes.iter().map(|code| law.decode_sample(*code)));
    as_other - readings::bits(law, codes, &shape)
}

/// The mean of a packet against full scale, from the shares of the eighths of the range.
fn mean(figures: &Features) -> f32 {
    let levels = figures.iter().skip(features::LEVELS);
    let middles = [-0.875, -0.625, -0.375, -0.125, 0.125, 0.375, 0.625, 0.875];
    levels
        .zip(middles)
        .map(|(share, middle)| share * middle)
        .sum()
}

/// For mu-law, then A-law: whether a byte can come of being brought to the other law and back again, by way of samples
/// or by the Recommendation's tables.
static TRANSCODED: [[bool; 256]; 2] = [transcoded(Law::Mu), transcoded(Law::A)];

const fn transcoded(law: Law) -> [bool; 256] {
    let other = law.other();
    let mut given = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let across = other.encode_sample(law.decode_sample(byte as u8));
        given[law.encode_sample(other.decode_sample(across)) as usize] = true;
        let across = squelch_g711::convert_code(law, other, byte as u8);
        given[squelch_g711::convert_code(other, law, across) as usize] = true;
        byte += 1;
    }
    given
}
