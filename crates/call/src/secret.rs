//! Secrets that no output can show.

use std::fmt;

/// A key, token or webhook secret. Its Debug shows nothing; there is no Display.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes a secret over.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Secret {
        Secret(bytes.into().into())
    }

    /// The secret itself, for the one place that must use it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // Best effort: the compiler may see through it, and copies made while reading are not ours.
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}
