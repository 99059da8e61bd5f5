//! One buffer for both sides gives what two give.

use crate::{ByteOrder, Law, swap_in_place};
use std::vec::Vec;

/// Around the blocks that are worked on at once.
const LENGTHS: [usize; 12] = [0, 1, 2, 63, 160, 511, 512, 513, 1_023, 1_024, 1_025, 3_000];

#[test]
fn decoding_in_place_is_decoding() {
    for (law, order) in both() {
        for length in LENGTHS {
            let codes: Vec<u8> = (0..length).map(|i| (i * 89 % 251) as u8).collect();
            let mut want = std::vec![0; 2 * length];
            law.decode_bytes(order, &codes, &mut want);
            let mut buffer = codes;
            buffer.resize(2 * length, 0xEE);
            law.decode_in_place(order, &mut buffer);
            assert!(buffer == want, "{law:?} {order:?} {length}");
        }
    }
}

#[test]
fn encoding_in_place_is_encoding() {
    for (law, order) in both() {
        for length in LENGTHS {
            let mut buffer: Vec<u8> = (0..2 * length).map(|i| (i * 89 % 251) as u8).collect();
            let mut want = std::vec![0; length];
            law.encode_bytes(order, &buffer, &mut want);
            assert!(
                law.encode_in_place(order, &mut buffer) == want,
                "{law:?} {order:?} {length}"
            );
        }
    }
}

#[test]
fn an_odd_byte_is_left_alone() {
    let mut buffer = [0xFF, 0xFF, 7, 7, 9];
    Law::Mu.decode_in_place(ByteOrder::Big, &mut buffer);
    assert_eq!(buffer, [0, 0, 0, 0, 9]);
    assert_eq!(
        Law::Mu.encode_in_place(ByteOrder::Big, &mut buffer),
        [0xFF, 0xFF]
    );
    let mut pcm = [1, 2, 3];
    swap_in_place(&mut pcm);
    assert_eq!(pcm, [2, 1, 3]);
}

fn both() -> impl Iterator<Item = (Law, ByteOrder)> {
    let orders = [ByteOrder::Little, ByteOrder::Big];
    [Law::Mu, Law::A]
        .into_iter()
        .flat_map(move |law| orders.map(|order| (law, order)))
}
