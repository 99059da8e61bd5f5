//! The session's ciphers: AES in counter mode with HMAC-SHA1, and AES-GCM.

use super::derive::{Purpose, Stream, derive};
use super::{MasterKey, SrtpError, Suite};
use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, Mac};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha1::Sha1;
use std::fmt;
use std::hint::black_box;
use zeroize::Zeroize;

/// GCM's tags (RFC 7714 section 5). **Units**: bytes.
pub(super) const GCM_TAG_BYTES: usize = 16;

/// The session keys of one direction's RTP or RTCP, made ready.
pub(super) enum Cipher {
    Counter {
        aes: Box<Aes128>,
        salt: [u8; 16],
        hmac: Box<Hmac<Sha1>>,
    },
    Galois {
        key: Box<LessSafeKey>,
        salt: [u8; 12],
    },
}

impl Cipher {
    pub(super) fn new(master: &MasterKey, stream: Stream) -> Cipher {
        match master.suite() {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => counter(master, stream),
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => galois(master, stream),
        }
    }

    /// Counter mode: encrypts or decrypts, which is the same.
    pub(super) fn apply_keystream(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        if let Cipher::Counter { aes, salt, .. } = self {
            // RFC 3711 section 4.1.1: (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16).
            let iv = u128::from_be_bytes(*salt) ^ u128::from(ssrc) << 64 ^ u128::from(index) << 16;
            let iv = iv.to_be_bytes();
            let core = CtrCore::<&Aes128, Ctr128BE>::inner_iv_init(aes, &iv.into());
            StreamCipherCoreWrapper::from_core(core).apply_keystream(bytes);
        }
    }

    /// HMAC-SHA1 over both parts, one behind the other.
    pub(super) fn tag(&self, bytes: &[u8], last: &[u8]) -> [u8; 20] {
        let Cipher::Counter { hmac, .. } = self else {
            return [0; 20];
        };
        let mut hmac = Hmac::clone(hmac);
        hmac.update(bytes);
        hmac.update(last);
        hmac.finalize().into_bytes().into()
    }

    /// Whether `tag` begins HMAC-SHA1 over both parts; takes the same time for each wrong one.
    pub(super) fn has_tag(&self, bytes: &[u8], last: &[u8], tag: &[u8]) -> bool {
        let Cipher::Counter { hmac, .. } = self else {
            return false;
        };
        let mut hmac = Hmac::clone(hmac);
        hmac.update(bytes);
        hmac.update(last);
        hmac.verify_truncated_left(tag).is_ok()
    }

    /// GCM: encrypts in place and gives the tag. `position` is what the nonce takes in beside the salt.
    pub(super) fn seal(
        &self,
        position: [u8; 12],
        aad: (&[u8], &[u8]),
        bytes: &mut [u8],
    ) -> Result<[u8; GCM_TAG_BYTES], SrtpError> {
        let Cipher::Galois { key, salt } = self else {
            return Err(SrtpError::Malformed);
        };
        let aad = Joined::new(aad)?;
        let tag = key
            .seal_in_place_separate_tag(nonce(salt, position), Aad::from(aad.bytes()), bytes)
            .map_err(|_| SrtpError::Malformed)?;
        tag.as_ref().try_into().map_err(|_| SrtpError::Malformed)
    }

    /// GCM: decrypts in place what has its tag behind it.
    pub(super) fn open(
        &self,
        position: [u8; 12],
        aad: (&[u8], &[u8]),
        bytes_and_tag: &mut [u8],
    ) -> Result<(), SrtpError> {
        let Cipher::Galois { key, salt } = self else {
            return Err(SrtpError::Malformed);
        };
        let aad = Joined::new(aad)?;
        key.open_in_place(nonce(salt, position), Aad::from(aad.bytes()), bytes_and_tag)
            .map(|_| ())
            .map_err(|_| SrtpError::Authentication)
    }
}

/// Additional data that is not in one piece: a header, and what SRTCP has at its end. An RTP header has 72 bytes with
/// 15 CSRCs, and what an extension adds.
struct Joined {
    bytes: [u8; Joined::MOST],
    len: usize,
}

impl Joined {
    const MOST: usize = 512;

    fn new((first, last): (&[u8], &[u8])) -> Result<Joined, SrtpError> {
        let len = first.len() + last.len();
        let mut bytes = [0; Joined::MOST];
        let (front, back) = bytes
            .get_mut(..len)
            .and_then(|all| all.split_at_mut_checked(first.len()))
            .ok_or(SrtpError::Malformed)?;
        front.copy_from_slice(first);
        back.copy_from_slice(last);
        Ok(Joined { bytes, len })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

fn counter(master: &MasterKey, stream: Stream) -> Cipher {
    let mut key = [0; 16];
    derive(master, stream, Purpose::Encryption, &mut key);
    let mut authentication = [0; 20];
    derive(master, stream, Purpose::Authentication, &mut authentication);
    let mut salt = [0; 16];
    if let Some(salt) = salt.get_mut(..14) {
        derive(master, stream, Purpose::Salt, salt);
    }
    let cipher = Cipher::Counter {
        aes: Box::new(Aes128::new(&key.into())),
        salt,
        hmac: Box::new(hmac_of(&authentication)),
    };
    key.zeroize();
    authentication.zeroize();
    cipher
}

fn hmac_of(key: &[u8; 20]) -> Hmac<Sha1> {
    // Shorter than a block: padded with zeros, which is what HMAC does with it (RFC 2104 section 2).
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let hmac = <Hmac<Sha1> as KeyInit>::new(&block.into());
    block.zeroize();
    hmac
}

fn galois(master: &MasterKey, stream: Stream) -> Cipher {
    let algorithm = match master.suite() {
        Suite::AeadAes256Gcm => &AES_256_GCM,
        _ => &AES_128_GCM,
    };
    let mut key = [0; 32];
    let key = key.get_mut(..algorithm.key_len()).unwrap_or_default();
    derive(master, stream, Purpose::Encryption, key);
    let mut salt = [0; 12];
    derive(master, stream, Purpose::Salt, &mut salt);
    let unbound = UnboundKey::new(algorithm, key);
    key.zeroize();
    match unbound {
        Ok(unbound) => Cipher::Galois {
            key: Box::new(LessSafeKey::new(unbound)),
            salt,
        },
        // The key is as long as the algorithm says.
        Err(_) => unreachable!("a key of the algorithm's own length"),
    }
}

fn nonce(salt: &[u8; 12], position: [u8; 12]) -> Nonce {
    let mut bytes = position;
    for (byte, salt) in bytes.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    Nonce::assume_unique_for_key(bytes)
}

/// What an RTP packet's nonce takes in (RFC 7714 section 8.1): two zeros, SSRC, rollover counter, sequence number.
pub(super) fn rtp_position(ssrc: u32, index: u64) -> [u8; 12] {
    let all = u128::from(ssrc) << 48 | u128::from(index);
    last_twelve(all)
}

/// An RTCP packet's (section 9.1): two zeros, SSRC, two zeros, index.
pub(super) fn rtcp_position(ssrc: u32, index: u32) -> [u8; 12] {
    let all = u128::from(ssrc) << 48 | u128::from(index);
    last_twelve(all)
}

fn last_twelve(all: u128) -> [u8; 12] {
    let bytes = all.to_be_bytes();
    let mut position = [0; 12];
    for (to, from) in position.iter_mut().zip(bytes.iter().skip(4)) {
        *to = *from;
    }
    position
}

/// What can be overwritten by its own means is; AES does so by itself, the others take a key that is none.
impl Drop for Cipher {
    fn drop(&mut self) {
        match self {
            Cipher::Counter { salt, hmac, .. } => {
                salt.zeroize();
                **hmac = hmac_of(&[0; 20]);
                black_box(hmac);
            }
            Cipher::Galois { key, salt } => {
                salt.zeroize();
                let algorithm = key.algorithm();
                let zeros = [0; 32];
                let zeros = zeros.get(..algorithm.key_len()).unwrap_or_default();
                if let Ok(none) = UnboundKey::new(algorithm, zeros) {
                    **key = LessSafeKey::new(none);
                }
                black_box(key);
            }
        }
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cipher::Counter { .. } => "Cipher::Counter",
            Cipher::Galois { .. } => "Cipher::Galois",
        })
    }
}
