//! What a run must keep to, and where it is shown: options of `squelch load`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use squelch_sim::load::content::Expected;
use squelch_sim::load::{Return, Thresholds};

use super::spans::span;

/// What is to come back, thresholds, and where to look.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Evidence {
    /// What the far end is to send; all but nothing and packets is listened to
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    expect: Expect,
    /// Listen to one call in N: the others are only counted
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) listen_to: u32,
    /// So many calls may fail
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = THRESHOLDS)]
    max_failed: u64,
    /// In so many calls a fault of audio may be heard
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = THRESHOLDS)]
    max_faults: u64,
    /// So many calls may have other audio than is due
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = THRESHOLDS)]
    max_bad_content: u64,
    /// Not more than one call in a hundred has a lower MOS
    #[arg(long, value_name = "X", value_parser = mos, help_heading = THRESHOLDS)]
    min_mos: Option<f64>,
    /// At least this share of calls is answered, as in 99.5%
    #[arg(long, value_name = "SHARE", value_parser = percent, help_heading = THRESHOLDS)]
    min_answered: Option<f64>,
    /// INVITE to 200, in 95 of 100 calls
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = THRESHOLDS)]
    max_setup: Option<Duration>,
    /// INVITE to ringing or answer, in 95 of 100 calls
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = THRESHOLDS)]
    max_post_dial_delay: Option<Duration>,
    /// 200 to the first RTP packet, in 95 of 100 calls
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = THRESHOLDS)]
    max_media_start: Option<Duration>,
    /// This share of packets may be lost, as in 0.1%
    #[arg(long, value_name = "SHARE", value_parser = percent, help_heading = THRESHOLDS)]
    max_loss: Option<f64>,
    /// Mean jitter, in 95 of 100 calls
    #[arg(long, value_name = "TIME", value_parser = span, help_heading = THRESHOLDS)]
    max_jitter: Option<Duration>,
    /// Write an HTML report with the run's curves
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,
    /// Serve Prometheus at http://ADDR/metrics while the run lasts
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) metrics: Option<SocketAddr>,
}

/// `--expect`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Expect {
    /// Nothing need come
    Nothing,
    /// Packets, that are counted
    #[default]
    Packets,
    /// Audio without faults
    Audio,
    /// The same audio that is sent, with the call's own mark
    Echo,
    /// The same capture, played by the far end
    Played,
}

impl Evidence {
    pub(super) fn back(&self) -> Return {
        match self.expect {
            Expect::Nothing => Return::Nothing,
            Expect::Packets => Return::Packets,
            Expect::Audio => Return::Audio(Expected::Anything),
            Expect::Echo => Return::Audio(Expected::Echo),
            Expect::Played => Return::Audio(Expected::Played),
        }
    }

    pub(super) fn thresholds(&self) -> Thresholds {
        Thresholds {
            max_failed: Some(self.max_failed),
            max_faults: Some(self.max_faults),
            max_bad_content: Some(self.max_bad_content),
            min_mos: self.min_mos,
            min_answered: self.min_answered,
            max_setup: self.max_setup,
            max_post_dial_delay: self.max_post_dial_delay,
            max_media_start: self.max_media_start,
            max_loss: self.max_loss,
            max_jitter: self.max_jitter,
        }
    }
}

fn mos(text: &str) -> Result<f64, String> {
    let mos = text.parse().ok().filter(|mos| (1.0..=5.0).contains(mos));
    mos.ok_or_else(|| format!("{text:?}: a MOS is from 1 to 5, and at best 4.41 here"))
}

/// `1%`, `0.1%`, as a share of 1.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|n| n.trim().parse().ok());
    let number = number.filter(|n| (0.0..=100.0).contains(n));
    number
        .map(|n: f64| n / 100.0)
        .ok_or_else(|| format!("{text:?} is no share: write it as in 0.5%"))
}

const THRESHOLDS: &str = "Thresholds";
