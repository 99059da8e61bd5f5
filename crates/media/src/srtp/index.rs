//! Packet indices: the rollover counter and the replay window of a stream (RFC 3711 sections 3.3.1 and 3.3.2).

use super::SrtpError;

/// An RTP index has 48 bits: 32 of rollover counter, 16 of sequence number.
pub(super) const MAX_RTP_INDEX: u64 = (1 << 48) - 1;

/// Which indices were here. 64 at least (section 3.3.2); 128 forgive more reordering for the same cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    /// One more than the highest index that was here; 0 before the first.
    next: u64,
    /// Bit n: the highest less n.
    seen: u128,
}

impl Window {
    /// The highest index that was here.
    pub(super) fn highest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// **Errors**: an index that was here, or is older than the window.
    pub(super) fn check(&self, index: u64) -> Result<(), SrtpError> {
        let Some(back) = self.highest().and_then(|top| top.checked_sub(index)) else {
            return Ok(());
        };
        if back >= 128 || self.seen >> back & 1 != 0 {
            return Err(SrtpError::Replayed);
        }
        Ok(())
    }

    /// Takes in an index that was authenticated.
    pub(super) fn mark(&mut self, index: u64) {
        match self.highest().and_then(|top| top.checked_sub(index)) {
            Some(back) if back < 128 => self.seen |= 1 << back,
            Some(_) => {}
            None => {
                let ahead = (index + 1) - self.next;
                self.seen = if ahead < 128 { self.seen << ahead } else { 0 };
                self.seen |= 1;
                self.next = index + 1;
            }
        }
    }
}

/// The index that a sequence number most likely stands for, next to the highest that was here: the rollover counter
/// one lower, the same or one higher (RFC 3711 section 3.3.1 and its appendix A).
pub(super) fn guess(highest: u64, sequence: u16) -> u64 {
    let rollover = highest >> 16;
    let last = highest as u16;
    let ahead = sequence.wrapping_sub(last) < 0x8000;
    let rollover = if ahead && sequence < last {
        rollover + 1
    } else if !ahead && sequence > last {
        // Before the very first there is nothing to roll back to.
        rollover.checked_sub(1).unwrap_or(rollover)
    } else {
        rollover
    };
    rollover << 16 | u64::from(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_is_taken_once_and_old_ones_never() {
        let mut window = Window::default();
        for index in [5, 7, 6, 0, 130, 8] {
            assert_eq!(window.check(index), Ok(()), "{index}");
            window.mark(index);
            assert_eq!(window.check(index), Err(SrtpError::Replayed), "{index}");
        }
        assert_eq!(window.check(2), Err(SrtpError::Replayed), "128 back");
        assert_eq!(window.check(3), Ok(()), "127 back");
        window.mark(10_000);
        assert_eq!(window.check(9_873), Ok(()));
        assert_eq!(window.check(9_872), Err(SrtpError::Replayed));
    }

    #[test]
    fn the_rollover_counter_follows_the_sequence_number() {
        let at = |rollover: u64, sequence: u64| rollover << 16 | sequence;
        assert_eq!(guess(at(0, 65_535), 0), at(1, 0));
        assert_eq!(guess(at(1, 0), 65_535), at(0, 65_535), "late");
        assert_eq!(guess(at(1, 2), 1), at(1, 1));
        assert_eq!(guess(at(1, 100), 32_867), at(1, 32_867));
        assert_eq!(guess(at(1, 100), 32_868), at(0, 32_868));
        assert_eq!(
            guess(at(0, 100), 40_000),
            at(0, 40_000),
            "nothing before it"
        );
        assert_eq!(guess(at(5, 40_000), 100), at(6, 100));
    }
}
