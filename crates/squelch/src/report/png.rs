//! Pictures with a palette as PNG (ISO/IEC 15948), stored without compression.

/// A picture of `width` columns, one byte a pixel, top row first.
pub(super) fn encode(width: usize, pixels: &[u8], palette: &[[u8; 3]; 256]) -> Vec<u8> {
    let height = pixels.len() / width.max(1);
    let mut scanlines = Vec::with_capacity(pixels.len() + height);
    for row in pixels.chunks_exact(width.max(1)) {
        scanlines.push(FILTER_NONE);
        scanlines.extend_from_slice(row);
    }
    let mut header = Vec::with_capacity(13);
    header.extend((width as u32).to_be_bytes());
    header.extend((height as u32).to_be_bytes());
    // Depth 8, palette, deflate, adaptive filtering, not interlaced.
    header.extend([8, 3, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1A\n".to_vec();
    chunk(&mut out, b"IHDR", &header);
    chunk(&mut out, b"PLTE", palette.as_flattened());
    chunk(&mut out, b"IDAT", &zlib_stored(&scanlines));
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    out.extend((content.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend(kind);
    out.extend(content);
    let sum = crc32(&out[start..]);
    out.extend(sum.to_be_bytes());
}

/// RFC 1950 around RFC 1951's stored blocks.
fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

/// RFC 1950, 8.2.
fn adler32(data: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for &byte in data {
        low = (low + u32::from(byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}

/// ISO/IEC 15948, annex D.
fn crc32(data: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for &byte in data {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            let carry = 0xEDB8_8320 & (sum & 1).wrapping_neg();
            sum = sum >> 1 ^ carry;
        }
    }
    !sum
}

const FILTER_NONE: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_as_the_standards_give_them() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }
}
