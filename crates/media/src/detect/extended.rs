//! PCM16 so soft that its upper bytes are nothing but signs: 0x00 or 0xFF, whichever the lower byte's highest bit
//! says. G.711 bytes are not in pairs, and no sound makes them look so for a whole packet.

use squelch_g711::ByteOrder;

/// So many pairs must say something: their lower byte is no sign too. Of bytes that are in no pairs, each pair would
/// be one by chance in 256.
const TELLING: usize = 12;

/// As many upper bytes must be 0x00, which is loud in both laws: a line's idle noise wavers between two soft codes,
/// and 0xFF may be one of them.
const LOUD: usize = 4;

/// In which byte order the whole payload is soft PCM16, if it is, from whichever byte its samples begin.
///
/// **Cost**: a pair or two of bytes where it is anything else.
pub(super) fn order(payload: &[u8]) -> Option<ByteOrder> {
    [0, 1].into_iter().find_map(|offset| {
        let (pairs, _) = payload.get(offset..)?.as_chunks::<2>();
        let is_soft = |upper: usize| {
            let mut pairs_left = pairs.iter();
            let (mut telling, mut loud) = (0, 0);
            pairs_left.all(|pair| {
                let (upper, lower) = (pair[upper], pair[1 - upper]);
                let sign = (lower.cast_signed() >> 7).cast_unsigned();
                telling += usize::from(lower != sign);
                loud += usize::from(upper == 0);
                upper == sign
            }) && telling >= TELLING
                && loud >= LOUD
        };
        match (is_soft(1), is_soft(0)) {
            (true, _) => Some(ByteOrder::Little),
            (_, true) => Some(ByteOrder::Big),
            _ => None,
        }
    })
}
