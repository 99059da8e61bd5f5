//! Whatever is done to an encrypted packet on its way: it is not heard, and the next one is.

use crate::call::{BUFFER_BYTES, address, packet};
use crate::encrypted::encrypted;
use proptest::prelude::*;
use squelch_media::srtp::Suite;
use squelch_media::{Forward, Side};

/// One change to a packet.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Append(Vec<u8>),
    Replace(Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    use prop::sample::Index;
    prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => prop::collection::vec(any::<u8>(), 1..40).prop_map(Change::Append),
        1 => prop::collection::vec(any::<u8>(), 0..BUFFER_BYTES).prop_map(Change::Replace),
    ]
}

fn apply(change: &Change, bytes: &mut Vec<u8>) {
    match change {
        Change::Flip(at, bit) => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Change::Append(more) => bytes.extend(more),
        Change::Replace(other) => bytes.clone_from(other),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_packet_is_never_heard_and_harms_no_other(
        at in 0_usize..4,
        changes in prop::collection::vec(change(), 1..30),
    ) {
        let (mut call, _, mut carrier, _) = encrypted(Suite::ALL[at]);
        for (sequence, change) in (0_u16..).zip(&changes) {
            let sealed = carrier.seal(&packet(0, 2 * sequence, 7, &[0x21; 160]));
            let mut changed = sealed.clone();
            apply(change, &mut changed);
            let (forward, _) = call.forward(Side::Carrier, address(Side::Carrier), &changed);
            prop_assert!(matches!(forward, Forward::Drop(_)), "{change:?}: {forward:?}");
            let sealed = carrier.seal(&packet(0, 2 * sequence + 1, 7, &[0x21; 160]));
            let (forward, _) = call.forward(Side::Carrier, address(Side::Carrier), &sealed);
            prop_assert!(matches!(forward, Forward::Send { .. }), "{change:?}: {forward:?}");
        }
    }
}
