//! Faults by the clock: `g711_as_pcm16@5`.

use std::time::Duration;

/// A fault the stand-in can produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimFault {
    /// The seed's static: G.711 bytes taken for PCM16 at 24 kHz.
    G711AsPcm16,
    /// PCM16 bytes at 24 kHz sent as if they were G.711.
    Pcm16AsG711,
}

impl SimFault {
    /// All of them.
    pub const ALL: [SimFault; 2] = [SimFault::G711AsPcm16, SimFault::Pcm16AsG711];

    /// The fault's name.
    pub const fn name(self) -> &'static str {
        match self {
            SimFault::G711AsPcm16 => "g711_as_pcm16",
            SimFault::Pcm16AsG711 => "pcm16_as_g711",
        }
    }

    /// Reads a fault's name.
    ///
    /// **Errors**: names what can be had.
    pub fn parse(name: &str) -> Result<SimFault, InvalidFault> {
        let known = SimFault::ALL.into_iter().find(|fault| fault.name() == name);
        known.ok_or_else(|| InvalidFault::Unknown(name.to_owned()))
    }
}

/// A fault from a time of the call on, until the next one of the schedule or the call's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduledFault {
    /// Which.
    pub fault: SimFault,
    /// Counted from the first packet sent.
    pub at: Duration,
}

impl ScheduledFault {
    /// Reads `FAULT@SECONDS`, the seconds with or without a fraction.
    pub fn parse(text: &str) -> Result<ScheduledFault, InvalidFault> {
        let (name, seconds) = text
            .split_once('@')
            .ok_or_else(|| InvalidFault::NoTime(text.to_owned()))?;
        let at = seconds
            .parse()
            .ok()
            .and_then(|s| Duration::try_from_secs_f64(s).ok());
        Ok(ScheduledFault {
            fault: SimFault::parse(name)?,
            at: at.ok_or_else(|| InvalidFault::Time(seconds.to_owned()))?,
        })
    }
}

/// What is wrong with a fault's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFault {
    /// Not one the stand-in can produce.
    #[error("the stand-in cannot produce the fault `{0}`; it can: g711_as_pcm16, pcm16_as_g711")]
    Unknown(String),
    /// No `@`.
    #[error("`{0}` has no time; write FAULT@SECONDS, e.g. g711_as_pcm16@5")]
    NoTime(String),
    /// No number of seconds.
    #[error("`{0}` is no number of seconds; write FAULT@SECONDS, e.g. g711_as_pcm16@5")]
    Time(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_name_and_a_time() {
        let fault = ScheduledFault::parse("g711_as_pcm16@2.5").unwrap();
        assert_eq!(fault.fault, SimFault::G711AsPcm16);
        assert_eq!(fault.at, Duration::from_millis(2_500));
    }

    #[test]
    fn what_cannot_be_produced_is_refused_by_name() {
        let message = |text| ScheduledFault::parse(text).unwrap_err().to_string();
        assert!(message("law_mismatch@1").contains("`law_mismatch`"));
        assert!(message("g711_as_pcm16").contains("no time"));
        assert!(message("g711_as_pcm16@-1").contains("`-1`"));
        assert!(message("g711_as_pcm16@inf").contains("`inf`"));
    }
}
