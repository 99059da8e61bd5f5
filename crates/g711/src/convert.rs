//! One law to the other, by the tables that the Recommendation has for it.

use crate::{Kernel, Law};

/// Converts codes of one law to the other.
///
/// **Shape**: as many codes as the shorter of the two slices holds; the rest of the longer is left alone.
/// **Source**: ITU-T G.711 section 3.5 and tables 3 and 4. They match levels in dBm0 (a full mu-law signal has
/// 3.17, a full A-law one 3.14), and leave bits 1 to 7 as they were after the way there and back. That is not the
/// same as [`Law::decode`] and [`Law::encode`] one after the other, which differ in 46 codes from mu-law to A-law
/// and in 34 from A-law to mu-law.
pub fn convert(from: Law, to: Law, codes: &[u8], converted: &mut [u8]) {
    Kernel::best().convert(from, to, codes, converted);
}

/// As [`convert`], in place.
pub fn convert_in_place(from: Law, to: Law, codes: &mut [u8]) {
    Kernel::best().convert_in_place(from, to, codes);
}

/// As [`convert`], one code.
pub const fn convert_code(from: Law, to: Law, code: u8) -> u8 {
    match (from, to) {
        (Law::Mu, Law::A) => MU_TO_A.whole[code as usize],
        (Law::A, Law::Mu) => A_TO_MU.whole[code as usize],
        (Law::Mu, Law::Mu) | (Law::A, Law::A) => code,
    }
}

/// A conversion of codes that leaves their sign bit, bit 7, as it is.
pub(crate) struct Table {
    /// For every code.
    pub(crate) whole: [u8; 256],
    /// For the codes whose bit 7 is clear.
    pub(crate) half: [u8; 128],
    /// Rows of sixteen of `half`, each but the first xored with the one before: xored together up to a code's row,
    /// they are that row.
    pub(crate) chain: [u8; 128],
}

/// The table from one law to the other; none where they are the same.
pub(crate) fn table(from: Law, to: Law) -> Option<&'static Table> {
    match (from, to) {
        (Law::Mu, Law::A) => Some(&MU_TO_A),
        (Law::A, Law::Mu) => Some(&A_TO_MU),
        (Law::Mu, Law::Mu) | (Law::A, Law::A) => None,
    }
}

static MU_TO_A: Table = tabulate(Law::Mu);
static A_TO_MU: Table = tabulate(Law::A);

/// Codes by codes, from value numbers by value numbers.
const fn tabulate(from: Law) -> Table {
    let mut table = Table {
        whole: [0; 256],
        half: [0; 128],
        chain: [0; 128],
    };
    let mut code = 0;
    while code < 128 {
        let bits = code as u8;
        let converted = match from {
            // Mu-law counts its values from 0, A-law from 1. On the line mu-law inverts all seven bits of the
            // number, A-law every second of all eight (tables 1 and 2, note 2).
            Law::Mu => (TABLE_3[(!bits & 0x7F) as usize] - 1) ^ 0x55,
            Law::A => !TABLE_4[(bits ^ 0x55) as usize] & 0x7F,
        };
        table.whole[code] = converted;
        table.whole[code | 0x80] = converted | 0x80;
        table.half[code] = converted;
        let before = if code < 16 { 0 } else { table.half[code - 16] };
        table.chain[code] = converted ^ before;
        code += 1;
    }
    table
}

/// Table 3: the A-law value number of each mu-law value number, from 0.
#[rustfmt::skip]
const TABLE_3: [u8; 128] = [
      1,   1,   2,   2,   3,   3,   4,   4,   5,   5,   6,   6,   7,   7,   8,   8,
      9,  10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,
     25,  27,  29,  31,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,  43,  44,
     46,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,
     64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,
     81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,  95,  96,
     97,  98,  99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
    113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128,
];

/// Table 4: the mu-law value number of each A-law value number, from 1.
#[rustfmt::skip]
const TABLE_4: [u8; 128] = [
      1,   3,   5,   7,   9,  11,  13,  15,  16,  17,  18,  19,  20,  21,  22,  23,
     24,  25,  26,  27,  28,  29,  30,  31,  32,  32,  33,  33,  34,  34,  35,  35,
     36,  37,  38,  39,  40,  41,  42,  43,  44,  45,  46,  47,  48,  48,  49,  49,
     50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,  63,  64,  64,
     65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  79,
     80,  81,  82,  83,  84,  85,  86,  87,  88,  89,  90,  91,  92,  93,  94,  95,
     96,  97,  98,  99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];
