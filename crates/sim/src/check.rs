//! The static meter: how much of a recording is static, by other means than squelch's detector.
//!
//! The detector reads G.711 codes of a live stream; the meter reads the PCM samples of a finished
//! recording, frame by frame, and may look ahead. A frame is suspicious when it is loud, crosses
//! zero often and cannot be predicted: speech may be any two of these, hardly ever all three.
//! Suspicious frames count once they come in company.

use std::time::Duration;

/// What the meter saw.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticMeter {
    /// One entry a frame of 20 ms: is it static?
    pub frames: Vec<bool>,
}

impl StaticMeter {
    /// Measures PCM16 samples at 8 kHz.
    pub fn measure(samples: &[i16]) -> StaticMeter {
        let suspicious: Vec<bool> = samples.chunks_exact(FRAME).map(is_suspicious).collect();
        let frames = (0..suspicious.len())
            .map(|i| suspicious[i] && company(&suspicious, i))
            .collect();
        StaticMeter { frames }
    }

    /// How long static lasts, all in all.
    pub fn total(&self) -> Duration {
        FRAME_TIME * self.frames.iter().filter(|&&f| f).count() as u32
    }

    /// When it is first heard.
    pub fn first(&self) -> Option<Duration> {
        let at = self.frames.iter().position(|&f| f)?;
        Some(FRAME_TIME * at as u32)
    }

    /// Static between two instants of the recording.
    pub fn within(&self, from: Duration, to: Duration) -> Duration {
        let inside = |i: &usize| (from..to).contains(&(FRAME_TIME * *i as u32));
        let found = (0..self.frames.len())
            .filter(inside)
            .filter(|&i| self.frames[i]);
        FRAME_TIME * found.count() as u32
    }
}

/// How much of 8 kHz PCM16 `samples` is static.
pub fn static_time(samples: &[i16]) -> Duration {
    StaticMeter::measure(samples).total()
}

/// At least three suspicious frames among the five around this one, or among the five that begin
/// or end with it (the edges of a stretch).
fn company(suspicious: &[bool], at: usize) -> bool {
    (at.saturating_sub(4)..=at).any(|from| {
        let window = suspicious.iter().skip(from).take(5);
        window.filter(|&&s| s).count() >= 3
    })
}

fn is_suspicious(frame: &[i16]) -> bool {
    is_continuous_static(frame) || is_burst(frame)
}

/// Loud, hissing and unpredictable all along.
fn is_continuous_static(frame: &[i16]) -> bool {
    level_dbfs(frame) > MIN_LEVEL_DBFS
        && crossings(frame) > MIN_CROSSINGS
        && prediction_gain_db(frame) < MAX_GAIN_DB
}

/// A loud crack of a few milliseconds in a frame that is otherwise silent: static whose bytes come
/// in real time and so fill a sixth of it.
fn is_burst(frame: &[i16]) -> bool {
    let silent = frame.iter().filter(|s| s.abs() <= SILENT).count();
    let loud: Vec<i16> = frame.iter().copied().filter(|s| s.abs() > SILENT).collect();
    silent * 10 >= frame.len() * 6 && loud.len() >= 12 && level_dbfs(&loud) > MIN_LEVEL_DBFS
}

/// Level over full scale, without the mean.
fn level_dbfs(frame: &[i16]) -> f64 {
    let mean = mean(frame);
    let power = frame
        .iter()
        .map(|&s| (f64::from(s) - mean).powi(2))
        .sum::<f64>();
    10.0 * (power / frame.len() as f64 / 32_768.0_f64.powi(2))
        .max(1e-12)
        .log10()
}

/// Crossings of the mean, a sample.
fn crossings(frame: &[i16]) -> f64 {
    let mean = mean(frame);
    let above = |s: &i16| f64::from(*s) >= mean;
    let count = frame
        .windows(2)
        .filter(|w| above(&w[0]) != above(&w[1]))
        .count();
    count as f64 / (frame.len() - 1) as f64
}

/// How much better than nothing a linear predictor of order [`ORDER`] does, in dB
/// (autocorrelation method, Levinson and Durbin).
fn prediction_gain_db(frame: &[i16]) -> f64 {
    let mean = mean(frame);
    let x: Vec<f64> = frame.iter().map(|&s| f64::from(s) - mean).collect();
    let r: [f64; ORDER + 1] =
        std::array::from_fn(|lag| x.iter().zip(&x[lag..]).map(|(a, b)| a * b).sum());
    if r[0] <= 0.0 {
        return 0.0;
    }
    let mut error = r[0];
    let mut a = [0.0; ORDER + 1];
    for i in 1..=ORDER {
        let sum: f64 = (1..i).map(|j| a[j] * r[i - j]).sum();
        let reflection = (r[i] - sum) / error;
        let before = a;
        a[i] = reflection;
        for j in 1..i {
            a[j] = before[j] - reflection * before[i - j];
        }
        error *= 1.0 - reflection * reflection;
    }
    10.0 * (r[0] / error.max(r[0] * 1e-9)).log10()
}

fn mean(frame: &[i16]) -> f64 {
    frame.iter().map(|&s| f64::from(s)).sum::<f64>() / frame.len().max(1) as f64
}

/// 20 ms at 8 kHz.
const FRAME: usize = 160;
const FRAME_TIME: Duration = Duration::from_millis(20);
/// The quietest tenth of static frames is at about -11 dBFS, hissing sounds of speech stay below.
const MIN_LEVEL_DBFS: f64 = -16.0;
/// Static crosses zero 0.41 times a sample, a loud vowel less than 0.2 times.
const MIN_CROSSINGS: f64 = 0.2;
/// Static gives a predictor 1 to 3 dB, clean speech 10 dB and more.
const MAX_GAIN_DB: f64 = 6.0;
const ORDER: usize = 4;
/// Comfort noise and the codes next to zero.
const SILENT: i16 = 64;
