//! Session keys from a master key (RFC 3711 section 4.3.1; RFC 6188 for AES-256).

use super::master_key::{MAX_SALT_BYTES, MasterKey};
use aes::{Aes128, Aes256};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};

/// Whose session keys: the labels of RFC 3711 section 4.3.2 count from here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Rtp = 0,
    Rtcp = 3,
}

/// What a session key is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Encryption = 0,
    Authentication = 1,
    Salt = 2,
}

/// Fills `out` with a session key. The key derivation rate is zero, as RFC 4568 has it: one derivation a key.
pub(super) fn derive(master: &MasterKey, stream: Stream, purpose: Purpose, out: &mut [u8]) {
    let mut iv = [0; 16];
    for (to, from) in iv.iter_mut().zip(master.salt()) {
        *to = *from;
    }
    // The label stands 48 bits before the salt's end, above the index of zero.
    if let Some(byte) = iv.get_mut(MAX_SALT_BYTES - 7) {
        *byte ^= stream as u8 + purpose as u8;
    }
    out.fill(0);
    if let Ok(mut keystream) = Ctr128BE::<Aes256>::new_from_slices(master.key(), &iv) {
        keystream.apply_keystream(out);
    } else if let Ok(mut keystream) = Ctr128BE::<Aes128>::new_from_slices(master.key(), &iv) {
        keystream.apply_keystream(out);
    }
}
