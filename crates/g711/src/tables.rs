//! The two laws, written from the Recommendation's definition and tabulated at compile time.

/// Added to a mu-law magnitude (14-bit scale) so that every segment starts at a power of two.
const MU_BIAS: u16 = 33;

/// The largest mu-law magnitude before the bias, 14-bit scale: 8,191 - 33, so that the biased one keeps to 13 bits.
const MU_CLIP: u16 = 8_158;

pub(crate) const MU_DECODE: [i16; 256] = tabulate_mu();
pub(crate) const A_DECODE: [i16; 256] = tabulate_a();

/// One 16-bit sample to mu-law. The two low bits are dropped first: G.711's mu-law is defined over 14 bits.
pub(crate) const fn encode_mu(sample: i16) -> u8 {
    // One's complement keeps -32,768 in range, as G.191 does.
    let magnitude = (if sample < 0 { !sample } else { sample } as u16) >> 2;
    let biased = (if magnitude > MU_CLIP {
        MU_CLIP
    } else {
        magnitude
    }) + MU_BIAS;
    let segment = 10 - biased.leading_zeros() as u16;
    let step = (biased >> (segment + 1)) & 0x0F;
    let sign = if sample < 0 { 0x00 } else { 0x80 };
    sign | (!(segment << 4 | step) as u8 & 0x7F)
}

/// One 16-bit sample to A-law. The four low bits are dropped first: the encoder works on 12 bits.
pub(crate) const fn encode_a(sample: i16) -> u8 {
    let magnitude = (if sample < 0 { !sample } else { sample } as u16) >> 4;
    let code = if magnitude < 32 {
        // The first two segments share one step size.
        magnitude
    } else {
        let segment = 12 - magnitude.leading_zeros() as u16;
        segment << 4 | ((magnitude >> (segment - 1)) & 0x0F)
    };
    let sign = if sample < 0 { 0x00 } else { 0x80 };
    // Every second bit is inverted on the line (G.711 table 1, note 2).
    (sign | code as u8) ^ 0x55
}

const fn tabulate_mu() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let magnitude = !(code as u8) & 0x7F;
        let segment = (magnitude >> 4) as u16;
        let step = (magnitude & 0x0F) as u16;
        let biased = ((step << 1) + MU_BIAS) << segment;
        let value = ((biased - MU_BIAS) << 2) as i16;
        table[code] = if code & 0x80 != 0 { value } else { -value };
        code += 1;
    }
    table
}

const fn tabulate_a() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let plain = code as u8 ^ 0x55;
        let segment = (plain >> 4 & 0x07) as u16;
        let step = (plain & 0x0F) as u16;
        // The middle of the step; the first two segments share one step size.
        let magnitude = match segment {
            0 => (step << 1) + 1,
            _ => ((step << 1) + 33) << (segment - 1),
        };
        let value = (magnitude << 3) as i16;
        table[code] = if plain & 0x80 != 0 { value } else { -value };
        code += 1;
    }
    table
}
