//! G.711 by its piecewise-linear definition, one value at a time, no tables.

/// One of the two companding laws of ITU-T G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// Mu-law: PCMU, payload type 0 (RFC 3551 section 6).
    Mu,
    /// A-law: PCMA, payload type 8.
    A,
}

impl Law {
    /// The static RTP payload type (RFC 3551 table 4).
    pub const fn payload_type(self) -> u8 {
        match self {
            Law::Mu => 0,
            Law::A => 8,
        }
    }

    /// The encoding name of the rtpmap attribute.
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Law::Mu => "PCMU",
            Law::A => "PCMA",
        }
    }

    /// The other law.
    pub const fn other(self) -> Law {
        match self {
            Law::Mu => Law::A,
            Law::A => Law::Mu,
        }
    }

    /// The code that stands for silence.
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xFF,
            Law::A => 0xD5,
        }
    }

    /// PCM16 sample -> code.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => encode_mu(i32::from(sample)),
            Law::A => encode_a(i32::from(sample)),
        }
    }

    /// Code -> PCM16 sample, the middle of the code's interval.
    pub fn decode(self, code: u8) -> i16 {
        let value = match self {
            Law::Mu => decode_mu(code),
            Law::A => decode_a(code),
        };
        value as i16
    }

    /// PCM16 samples -> codes.
    pub fn encode_all(self, samples: &[i16]) -> Vec<u8> {
        samples.iter().map(|&s| self.encode(s)).collect()
    }

    /// Codes -> PCM16 samples.
    pub fn decode_all(self, codes: &[u8]) -> Vec<i16> {
        codes.iter().map(|&c| self.decode(c)).collect()
    }
}

/// G.711 table 2: eight chords of sixteen steps over a 14-bit magnitude with a bias of 33.
fn encode_mu(sample: i32) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let mut rest = (sample.abs() / 4).min(MU_CLIP) + MU_BIAS;
    let mut chord = 0_u8;
    while rest > 63 {
        rest /= 2;
        chord += 1;
    }
    let step = rest - 32;
    !(sign | chord << 4 | (step / 2) as u8)
}

fn decode_mu(code: u8) -> i32 {
    let bits = i32::from(!code);
    let (chord, step) = (bits >> 4 & 7, bits & 15);
    let magnitude = ((2 * step + 33) << chord) - MU_BIAS;
    let value = magnitude * 4;
    if bits & 0x80 == 0 { value } else { -value }
}

/// G.711 table 1: the lowest two chords share one slope; even bits inverted on the wire.
fn encode_a(sample: i32) -> u8 {
    let positive = sample >= 0;
    let magnitude = if positive { sample } else { -1 - sample };
    let mut rest = magnitude / 16;
    let mut chord = 0_u8;
    if rest > 15 {
        chord = 1;
        while rest > 31 {
            rest /= 2;
            chord += 1;
        }
        rest -= 16;
    }
    let sign = if positive { 0x80 } else { 0 };
    (sign | chord << 4 | rest as u8) ^ 0x55
}

fn decode_a(code: u8) -> i32 {
    let bits = i32::from(code ^ 0x55);
    let (chord, step) = (bits >> 4 & 7, bits & 15);
    let magnitude = match chord {
        0 => 2 * step + 1,
        _ => (2 * step + 33) << (chord - 1),
    };
    if bits & 0x80 == 0 {
        -8 * magnitude
    } else {
        8 * magnitude
    }
}

/// G.711 section 3.2: 8,159 is the virtual decision value of mu-law in 14 bits.
const MU_CLIP: i32 = 8_158;
/// Half of the first chord's span: makes all chord borders powers of two.
const MU_BIAS: i32 = 33;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_codes_encode_to_themselves() {
        for code in 0..=255 {
            // Mu-law has two zeros; the negative one comes back as the positive one.
            let expected = if code == 0x7F { 0xFF } else { code };
            assert_eq!(Law::Mu.encode(Law::Mu.decode(code)), expected);
            assert_eq!(Law::A.encode(Law::A.decode(code)), code);
        }
    }

    #[test]
    fn the_ends_of_the_scale_are_those_of_g711() {
        assert_eq!(Law::Mu.decode(0x80), 32_124);
        assert_eq!(Law::Mu.decode(0x00), -32_124);
        assert_eq!(Law::A.decode(0xAA), 32_256);
        assert_eq!(Law::A.decode(0x2A), -32_256);
        assert_eq!(Law::Mu.encode(i16::MIN), 0x00);
        assert_eq!(Law::A.encode(i16::MIN), 0x2A);
        assert_eq!(Law::Mu.decode(Law::Mu.silence()), 0);
        assert_eq!(Law::A.decode(Law::A.silence()), 8);
    }

    #[test]
    fn encoding_is_off_by_at_most_half_a_step() {
        for law in [Law::Mu, Law::A] {
            for sample in (-32_000_i16..32_000).step_by(7) {
                let error = (i32::from(law.decode(law.encode(sample))) - i32::from(sample)).abs();
                assert!(
                    error <= i32::from(sample).abs() / 16 + 16,
                    "{law:?} {sample} {error}"
                );
            }
        }
    }
}
