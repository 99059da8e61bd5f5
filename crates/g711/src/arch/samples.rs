//! Samples as the bytes that they are.

#![expect(unsafe_code, reason = "a slice of samples seen as a slice of bytes")]

pub(super) fn bytes(samples: &[i16]) -> &[u8] {
    // SAFETY: any byte may be looked at, an `i16` is two of them without padding, and the slice's length in bytes
    // is what the samples take.
    unsafe { core::slice::from_raw_parts(samples.as_ptr().cast(), size_of_val(samples)) }
}

pub(super) fn bytes_mut(samples: &mut [i16]) -> &mut [u8] {
    // SAFETY: as above; every pair of bytes is an `i16`, so whatever is written leaves samples.
    unsafe { core::slice::from_raw_parts_mut(samples.as_mut_ptr().cast(), size_of_val(samples)) }
}
