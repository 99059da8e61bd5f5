//! Random bytes of the operating system, through the provider that TLS has them from.

/// The system gave none.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandom;

/// Fills `bytes`.
///
/// **Errors**: the system gives none.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), NoRandom> {
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(bytes).map_err(|_| NoRandom)
}
