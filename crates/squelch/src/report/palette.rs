//! The colours of levels in a spectrogram.

/// Red, green, blue for each of 256 levels, dark to bright: perceptually even, and
/// readable by those who don't tell red from green.
pub(super) fn levels() -> [[u8; 3]; 256] {
    std::array::from_fn(|level| {
        let position = level as f32 / 255.0 * (STOPS.len() - 1) as f32;
        let lower = (position as usize).min(STOPS.len() - 2);
        let share = position - lower as f32;
        let (from, to) = (STOPS[lower], STOPS[lower + 1]);
        std::array::from_fn(|channel| {
            let (from, to) = (f32::from(from[channel]), f32::from(to[channel]));
            (from + (to - from) * share).round() as u8
        })
    })
}

/// Nine points of matplotlib's "inferno" (CC0).
const STOPS: [[u8; 3]; 9] = [
    [0, 0, 4],
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];
