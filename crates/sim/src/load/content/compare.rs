//! Received samples against those of the reference, frame by frame and window by window.

use super::reference::{FRAME, Reference};

/// What was heard so far, in windows of 100 ms.
#[derive(Debug, Clone, Default)]
pub(super) struct Compare {
    frame: Option<(i64, Sums)>,
    window: Option<(i64, Window)>,
    pub(super) judged: u32,
    pub(super) same: u32,
    pub(super) silent: u32,
    /// Windows in a row that were neither the same nor silent.
    pub(super) strange: u32,
    /// Frames of the first word that were heard, from its first one; the first word has fewer than 32.
    heard_first: u32,
    /// The frame furthest on.
    furthest: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    xx: f32,
    xy: f32,
    yy: f32,
    count: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    sums: Sums,
    /// Frames of it in which the reference speaks, and of which enough arrived.
    frames: u32,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.xx += other.xx;
        self.xy += other.xy;
        self.yy += other.yy;
        self.count += other.count;
    }

    fn likeness(&self) -> f32 {
        self.xy / (self.xx * self.yy).sqrt().max(1.0)
    }

    fn is_silent(&self) -> bool {
        self.yy < SILENT * self.xx
    }
}

impl Compare {
    /// Takes one frame's samples or less: the first stands at `position`, counted on where the reference loops.
    /// How loud they are over the reference, where that is known.
    pub(super) fn add(
        &mut self,
        reference: &Reference,
        position: i64,
        samples: &[i16],
    ) -> Option<f32> {
        let mut all = Sums::default();
        let (mut at, mut rest) = (position, samples);
        while !rest.is_empty() {
            let frame = at.div_euclid(FRAME as i64);
            let left = ((frame + 1) * FRAME as i64 - at) as usize;
            let (piece, after) = rest.split_at(rest.len().min(left));
            let sums = sums(reference, at, piece);
            all.add(sums);
            match &mut self.frame {
                Some((open, total)) if *open == frame => total.add(sums),
                _ => {
                    self.close_frame(reference);
                    self.frame = Some((frame, sums));
                }
            }
            at += piece.len() as i64;
            rest = after;
        }
        let gain = all.xy / all.xx.max(1.0);
        (all.xx > 0.0 && (1.0 / MOST_GAIN..MOST_GAIN).contains(&gain)).then_some(gain)
    }

    /// The audio that comes next does not go on from here.
    pub(super) fn close(&mut self, reference: &Reference) {
        self.close_frame(reference);
        self.close_window();
    }

    fn close_frame(&mut self, reference: &Reference) {
        let Some((frame, sums)) = self.frame.take() else {
            return;
        };
        self.furthest = self.furthest.max(frame);
        let window = frame.div_euclid(WINDOW);
        if self.window.is_none_or(|(open, _)| open != window) {
            self.close_window();
            self.window = Some((window, Window::default()));
        }
        let index = reference.index(frame * FRAME as i64);
        let voiced = index.is_some_and(|at| reference.is_voiced(at / FRAME));
        if sums.count < FRAME as u32 / 2 || !voiced {
            return;
        }
        // Only the first time round: `frame` goes on counting where the reference loops.
        if let Some(first) = reference.first_word()
            && let Ok(frame) = usize::try_from(frame)
            && first.contains(&frame)
            && sums.likeness() >= SAME_FRAME
        {
            self.heard_first |= 1 << (frame - first.start);
        }
        if let Some((_, window)) = &mut self.window {
            window.sums.add(sums);
            window.frames += 1;
        }
    }

    fn close_window(&mut self) {
        let Some((_, window)) = self.window.take() else {
            return;
        };
        if window.frames < LEAST_FRAMES {
            return;
        }
        self.judged += 1;
        if window.sums.likeness() >= SAME {
            self.same += 1;
            self.strange = 0;
        } else if window.sums.is_silent() {
            self.silent += 1;
            self.strange = 0;
        } else {
            self.strange += 1;
        }
    }

    /// Takes back the last windows that were judged: they were compared with the wrong place.
    pub(super) fn forgive(&mut self) {
        self.judged -= self.strange;
        self.strange = 0;
    }

    /// Whether what was compared went on behind the first word.
    pub(super) fn is_past_first_word(&self, reference: &Reference) -> bool {
        let end = reference
            .first_word()
            .map_or(i64::MAX, |frames| frames.end as i64);
        self.furthest >= end
    }

    /// Frames at the beginning of the first word that were not heard, if any of it was.
    pub(super) fn first_word_missing(&self) -> Option<u32> {
        (self.heard_first != 0).then(|| self.heard_first.trailing_zeros())
    }
}

/// Products of a piece of one frame with the reference.
fn sums(reference: &Reference, at: i64, piece: &[i16]) -> Sums {
    let sent = reference.index(at);
    let sent = sent.and_then(|at| reference.samples().get(at..at + piece.len()));
    // Eight sums side by side: one alone would wait for each addition.
    let (mut xx, mut xy, mut yy) = ([0.0_f32; 8], [0.0_f32; 8], [0.0_f32; 8]);
    for (x8, y8) in sent.unwrap_or_default().chunks(8).zip(piece.chunks(8)) {
        let lanes = xx.iter_mut().zip(&mut xy).zip(&mut yy);
        for (((xx, xy), yy), (x, y)) in lanes.zip(x8.iter().zip(y8)) {
            let (x, y) = (f32::from(*x), f32::from(*y));
            *xx += x * x;
            *xy += x * y;
            *yy += y * y;
        }
    }
    Sums {
        xx: xx.iter().sum(),
        xy: xy.iter().sum(),
        yy: yy.iter().sum(),
        count: piece.len() as u32,
    }
}

/// Frames in a window: 100 ms, a syllable.
const WINDOW: i64 = 5;
/// So many of them must speak and have arrived.
const LEAST_FRAMES: u32 = 3;
/// Correlation from which on a window holds the same sound: measured, docs/LOAD.md.
const SAME: f32 = 0.6;
/// The same for a single frame.
const SAME_FRAME: f32 = 0.6;
/// Power against the reference's, below which nothing is heard: -20 dB.
const SILENT: f32 = 0.01;
/// Gains beyond are taken for no gain.
const MOST_GAIN: f32 = 4.0;
