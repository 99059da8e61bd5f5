//! PCM16 and its codes in one buffer.

use crate::{ByteOrder, Kernel, Law};

/// What is worked on at once, beside the buffer. **Units**: samples.
const BLOCK: usize = 512;

impl Law {
    /// Decodes the codes in the first half of `buffer` into PCM16 that fills all of it.
    ///
    /// **Shape**: the count of codes is half of the buffer's length; a last odd byte is left alone.
    pub fn decode_in_place(self, order: ByteOrder, buffer: &mut [u8]) {
        let kernel = Kernel::best();
        let mut end = buffer.len() / 2;
        // From the end: where samples are written, no code waits that was not read.
        while end > 0 {
            let start = end.saturating_sub(BLOCK);
            let mut codes = [0; BLOCK];
            let codes = &mut codes[..end - start];
            codes.copy_from_slice(&buffer[start..end]);
            kernel.decode_bytes(self, order, codes, &mut buffer[2 * start..2 * end]);
            end = start;
        }
    }

    /// Encodes PCM16 into the first half of the same buffer; gives the codes.
    ///
    /// **Shape**: half as many codes as bytes, rounded down; what is behind them is what was left of the samples.
    pub fn encode_in_place(self, order: ByteOrder, buffer: &mut [u8]) -> &mut [u8] {
        let kernel = Kernel::best();
        let count = buffer.len() / 2;
        for start in (0..count).step_by(BLOCK) {
            let end = count.min(start + BLOCK);
            let mut codes = [0; BLOCK];
            let codes = &mut codes[..end - start];
            kernel.encode_bytes(self, order, &buffer[2 * start..2 * end], codes);
            buffer[start..end].copy_from_slice(codes);
        }
        &mut buffer[..count]
    }
}
