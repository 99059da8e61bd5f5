//! Two rules that need no model, over windows of 512 samples, to compare the detector with. For each stream a line:
//! its number, then for each rule the window that fired first (or `-`), and how many of how many fired before the
//! fault's start.
//!
//! - Zero crossings of even and of odd bytes: the more frequent more than half as often again as the rarer, and that
//!   in less than half of the samples. The bytes of PCM16 differ so, upper from lower.
//! - Root mean square: read as mu-law more than 50 and more than half as much again as read as PCM16.

use crate::cases::Cases;
use squelch_g711::Law;
use std::io::{Result, Write};
use std::path::Path;

/// Samples of a window.
const WINDOW: usize = 512;

/// Writes the lines.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let cases = Cases::read(folder)?;
    let mut out = std::io::stdout().lock();
    for (number, stream) in cases.streams().enumerate() {
        let stream = stream?;
        let bytes = stream.payloads.concat();
        // Bytes before the fault's start.
        let before: usize = stream
            .payloads
            .iter()
            .take(stream.onset as usize)
            .map(|payload| payload.len())
            .sum();
        write!(out, "{number}")?;
        for rule in [zero_crossings, levels] {
            let fired: Vec<bool> = bytes
                .chunks_exact(WINDOW)
                .map(|window| rule(stream.law, window))
                .collect();
            let good = before / WINDOW;
            let first = fired.iter().skip(good).position(|fired| *fired);
            let first = first.map_or("-".to_owned(), |first| first.to_string());
            let early = fired.iter().take(good).filter(|fired| **fired).count();
            let all = fired.iter().filter(|fired| **fired).count();
            write!(out, " {first} {early} {good} {all} {}", fired.len())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn zero_crossings(law: Law, window: &[u8]) -> bool {
    let share = |side: usize| {
        let mut signs = window
            .iter()
            .skip(side)
            .step_by(2)
            .map(|code| law.decode_sample(*code) < 0);
        let Some(mut before) = signs.next() else {
            return 0.0;
        };
        let crossings = signs.filter(|sign| std::mem::replace(&mut before, *sign) != *sign);
        crossings.count() as f32 / (WINDOW / 2) as f32
    };
    let (even, odd) = (share(0), share(1));
    let (most, least) = (even.max(odd), even.min(odd));
    most > 1.5 * least && least < 0.5
}

fn levels(_: Law, window: &[u8]) -> bool {
    let level = |samples: &mut dyn Iterator<Item = i16>| {
        let (mut squares, mut count) = (0.0, 0.0_f64);
        for sample in samples {
            squares += f64::from(sample) * f64::from(sample);
            count += 1.0;
        }
        (squares / count.max(1.0)).sqrt()
    };
    let mu_law = level(&mut window.iter().map(|code| Law::Mu.decode_sample(*code)));
    let pairs = window.as_chunks::<2>().0;
    let pcm16 = level(&mut pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
    mu_law > f64::max(50.0, 1.5 * pcm16)
}
