//! Comfort noise as a payload (RFC 3389): what a peer sends while nobody talks.

/// The loudest that is believed. **Units**: dBov. A peer that says more says it of no room.
const LOUDEST_DBOV: f32 = -30.0;

/// The level that a comfort noise payload tells; `None` where it is empty. **Units**: dBov.
///
/// Its spectrum (the reflection coefficients behind the level) is not rendered: the noise is white.
///
/// **Source**: RFC 3389 section 3.1: the first byte, its high bit 0, is the level as -dBov.
pub(crate) fn level_dbov(payload: &[u8]) -> Option<f32> {
    let first = payload.first()?;
    Some((-f32::from(first & 0x7F)).min(LOUDEST_DBOV))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3389_3_1_level() {
        assert_eq!(level_dbov(&[]), None);
        assert_eq!(level_dbov(&[66, 1, 2]), Some(-66.0));
        assert_eq!(level_dbov(&[127]), Some(-127.0));
        assert_eq!(level_dbov(&[0]), Some(LOUDEST_DBOV));
    }
}
