//! The order of SRV records (RFC 2782): by priority, and by lot within one, as their weights say.

use rand_core::Rng;

use super::records::Srv;

/// The records in the order they are tried.
///
/// **Source**: RFC 2782, "Weight": of those left, running sums of the weights, those of weight zero
/// first, and the first whose sum is not below a number drawn from zero to the total.
pub(super) fn in_order<'a>(records: Vec<&'a Srv>, random: &mut impl Rng) -> Vec<&'a Srv> {
    let mut left = records;
    // A stable sort: what is equal stays as the DNS server turned it.
    left.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(priority) = left.first().map(|record| record.priority) {
        let alike = left.iter().take_while(|r| r.priority == priority);
        let total: u64 = alike.map(|record| u64::from(record.weight)).sum();
        let drawn = u64::from(random.next_u32()) % (total + 1);
        let mut sum = 0;
        let at = left.iter().position(|record| {
            sum += u64::from(record.weight);
            sum >= drawn
        });
        ordered.push(left.remove(at.unwrap_or(0)));
    }
    ordered
}
