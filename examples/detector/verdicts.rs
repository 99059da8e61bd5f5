//! Runs the detector. For each stream a line: its number, the packet that tripped first (or `-`), the fault, the
//! packets with sound in them from the fault's start to there.

use crate::cases::Cases;
use squelch_media::detect::{Change, Fault, Packet, Watch};
use std::io::{Result, Write};
use std::path::Path;
use std::time::Duration;

/// What varies by no more than this is no sound, wherever its mean lies: digital silence read by the wrong table is
/// a constant. **Units**: PCM16's scale, from peak to peak; a sine of -44 dBov.
const SOUND: u16 = 400;

/// Writes the lines, with `loss` percent of the packets left out.
pub(crate) fn write(folder: &Path, loss: u32) -> Result<()> {
    let cases = Cases::read(folder)?;
    let mut random = 1_u32;
    let mut out = std::io::stdout().lock();
    for (number, stream) in cases.streams().enumerate() {
        let stream = stream?;
        let mut watch = Watch::new(stream.law);
        let (mut first, mut active) = (None, 0);
        for (packet, payload) in (0_u32..).zip(stream.payloads) {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if (random >> 16) % 100 < loss {
                continue;
            }
            let samples = || payload.iter().map(|code| stream.law.decode_sample(*code));
            let (highest, lowest) = (samples().max(), samples().min());
            let sounds = highest
                .zip(lowest)
                .is_some_and(|(h, l)| h.abs_diff(l) > SOUND);
            active += u32::from(packet >= stream.onset && sounds);
            let change = watch.observe(Packet {
                at: Duration::from_millis(20 * u64::from(packet)),
                numbers: None,
                payload,
            });
            // What is only reported makes way for what is acted on.
            let found = change
                .as_ref()
                .and_then(Change::found)
                .map(|found| found.fault);
            let better = match (first, found) {
                (None, Some(_)) => true,
                (Some((_, Fault::Clipping, _)), Some(found)) => found != Fault::Clipping,
                _ => false,
            };
            if let (true, Some(fault)) = (better, found) {
                first = Some((packet, fault, active));
            }
        }
        match first {
            Some((packet, fault, active)) => writeln!(out, "{number} {packet} {fault} {active}")?,
            None => writeln!(out, "{number} - none 0")?,
        }
    }
    Ok(())
}
