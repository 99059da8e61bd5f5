//! Master keys, as the signalling gives them (RFC 4568 section 6.1).

use super::Suite;
use std::fmt;
use zeroize::Zeroize;

/// The longest master key: AES-256. **Units**: bytes.
pub(super) const MAX_KEY_BYTES: usize = 32;
/// The longest master salt: AES-CM's 112 bits. **Units**: bytes.
pub(super) const MAX_SALT_BYTES: usize = 14;

/// A suite with its master key and salt. Overwritten when dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    key: [u8; MAX_KEY_BYTES],
    /// Zeros behind a shorter one (RFC 7714 section 11).
    salt: [u8; MAX_SALT_BYTES],
}

impl MasterKey {
    /// Key and salt, one behind the other, as an `inline:` holds them; `None` where they are not exactly as long
    /// as the suite's.
    pub fn new(suite: Suite, key_and_salt: &[u8]) -> Option<MasterKey> {
        let (key, salt) = key_and_salt.split_at_checked(suite.key_bytes())?;
        if salt.len() != suite.salt_bytes() {
            return None;
        }
        let mut made = MasterKey {
            suite,
            key: [0; MAX_KEY_BYTES],
            salt: [0; MAX_SALT_BYTES],
        };
        made.key.get_mut(..key.len())?.copy_from_slice(key);
        made.salt.get_mut(..salt.len())?.copy_from_slice(salt);
        Some(made)
    }

    /// The suite.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Key and salt, one behind the other, to be written into an `inline:`; the caller overwrites what it makes of
    /// them.
    pub fn expose(&self) -> impl Iterator<Item = u8> + '_ {
        let key = self.key.iter().take(self.suite.key_bytes());
        key.chain(self.salt.iter().take(self.suite.salt_bytes()))
            .copied()
    }

    pub(super) fn key(&self) -> &[u8] {
        self.key.get(..self.suite.key_bytes()).unwrap_or_default()
    }

    pub(super) fn salt(&self) -> &[u8; MAX_SALT_BYTES] {
        &self.salt
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.salt.zeroize();
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.suite.name())
    }
}
