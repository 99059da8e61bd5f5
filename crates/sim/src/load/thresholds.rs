//! What a run must keep to, and where it did not.

use std::fmt;
use std::time::Duration;

use super::Tally;
use super::tally::Distribution;

/// What a run must keep to; what is none is not asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// Calls that may fail.
    pub max_failed: Option<u64>,
    /// Calls in which a fault may be found (all but `clipping`).
    pub max_faults: Option<u64>,
    /// Calls in whose content something may be wrong.
    pub max_bad_content: Option<u64>,
    /// The least MOS that one call in a hundred may be below.
    pub min_mos: Option<f64>,
    /// The least share of calls that are answered, 0 to 1.
    pub min_answered: Option<f64>,
    /// The 95th percentile of INVITE to 200.
    pub max_setup: Option<Duration>,
    /// The 95th percentile of INVITE to the far end's first word.
    pub max_post_dial_delay: Option<Duration>,
    /// The 95th percentile of 200 to the first RTP packet.
    pub max_media_start: Option<Duration>,
    /// The share of packets lost over all calls, 0 to 1.
    pub max_loss: Option<f64>,
    /// The 95th percentile of calls' mean jitter.
    pub max_jitter: Option<Duration>,
}

impl Default for Thresholds {
    /// Nothing may go wrong; how fast it goes is not asked.
    fn default() -> Self {
        Thresholds {
            max_failed: Some(0),
            max_faults: Some(0),
            max_bad_content: Some(0),
            min_mos: None,
            min_answered: None,
            max_setup: None,
            max_post_dial_delay: None,
            max_media_start: None,
            max_loss: None,
            max_jitter: None,
        }
    }
}

/// A threshold that a run did not keep to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The option that asked for it.
    pub option: &'static str,
    /// What was asked and what was, in a sentence.
    pub said: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.option, self.said)
    }
}

impl Thresholds {
    /// Where the run did not keep to them; nothing where it did. What was never measured did not keep to it.
    pub fn breaches(&self, tally: &Tally) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for (option, most, count, what) in [
            (
                "--max-failed",
                self.max_failed,
                tally.failures(),
                "calls failed",
            ),
            (
                "--max-faults",
                self.max_faults,
                tally.acting_faults(),
                "faults of audio were heard",
            ),
            (
                "--max-bad-content",
                self.max_bad_content,
                tally.bad_content,
                "calls did not have the audio that was due",
            ),
        ] {
            if let Some(most) = most.filter(|most| count > *most) {
                breach(&mut breaches, option, format!("{count} {what}; {most} may"));
            }
        }
        self.quality(tally, &mut breaches);
        let spread = &tally.spread;
        for (option, most, spread, what) in [
            ("--max-setup", self.max_setup, &spread.setup, "setup"),
            (
                "--max-post-dial-delay",
                self.max_post_dial_delay,
                &spread.post_dial_delay,
                "post-dial delay",
            ),
            (
                "--max-media-start",
                self.max_media_start,
                &spread.media_start,
                "media start",
            ),
            ("--max-jitter", self.max_jitter, &spread.jitter, "jitter"),
        ] {
            if let Some(most) = most {
                time(&mut breaches, option, most, spread, what);
            }
        }
        breaches
    }

    fn quality(&self, tally: &Tally, breaches: &mut Vec<Breach>) {
        if let Some(least) = self.min_mos {
            // Told in thousandths, and of a histogram's three digits.
            let mos = tally.spread.mos.quantile(0.01).map(|mos| mos as f64 / 1e3);
            match mos {
                None => breach(breaches, "--min-mos", "no call had media to judge".into()),
                Some(mos) if mos < least - 0.005 => {
                    let said =
                        format!("the worst hundredth of calls has {mos:.2}, less than {least}");
                    breach(breaches, "--min-mos", said);
                }
                Some(_) => {}
            }
        }
        if let Some(least) = self.min_answered {
            let share = tally.answered as f64 / tally.started.max(1) as f64;
            if share < least {
                let (answered, started) = (tally.answered, tally.started);
                let said = format!("{answered} of {started} calls were answered");
                breach(breaches, "--min-answered", said);
            }
        }
        if let Some(most) = self.max_loss {
            let expected = tally.received + tally.lost;
            let share = tally.lost as f64 / expected.max(1) as f64;
            if expected == 0 {
                breach(breaches, "--max-loss", "no packet was expected".into());
            } else if share > most {
                let said = format!(
                    "{:.3} % of packets were lost, more than {:.3} %",
                    100.0 * share,
                    100.0 * most
                );
                breach(breaches, "--max-loss", said);
            }
        }
    }
}

fn time(
    breaches: &mut Vec<Breach>,
    option: &'static str,
    most: Duration,
    spread: &Distribution,
    what: &str,
) {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    match spread.time_at(0.95) {
        None => breach(breaches, option, format!("no call had a {what}")),
        Some(time) if time > most => {
            let said = format!(
                "the {what} of one call in twenty is over {:.1} ms, more than {:.1} ms",
                milliseconds(time),
                milliseconds(most)
            );
            breach(breaches, option, said);
        }
        Some(_) => {}
    }
}

fn breach(breaches: &mut Vec<Breach>, option: &'static str, said: String) {
    breaches.push(Breach { option, said });
}
