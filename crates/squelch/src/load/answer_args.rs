//! What `squelch answer` is asked.

use std::path::PathBuf;
use std::time::Duration;

use squelch_sim::load::AnswerMisbehaviour;
use squelch_sip::Protocol;

use super::library::Choice;
use super::spans::span;
use crate::config::Listen;
use crate::inspect::OutputFormat;

/// Take the calls of a load test.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  squelch answer --listen 127.0.0.1:5080 --echo
  squelch answer --listen tls:0.0.0.0:5061 --certificate cert.pem --key key.pem --play greeting.pcap
  squelch answer --listen 127.0.0.1:5080 --misbehave reject=503

It runs until SIGINT or SIGTERM, or until --calls have been; then it tells what it saw.

Exit code: 0 all went well, 1 calls failed, 2 could not begin.")]
pub struct Args {
    /// Where it listens: ADDRESS:PORT, with udp:, tcp: or tls: before it; may be given again
    #[arg(long, required = true, value_name = "ADDR", value_parser = listen)]
    pub listen: Vec<Listen>,
    /// Send back what is heard
    #[arg(long, conflicts_with = "play")]
    pub echo: bool,
    /// Play a capture's stream, again and again; one for each format, may be given again
    #[arg(long, value_name = "FILE")]
    pub play: Vec<PathBuf>,
    /// Which stream of it: callers, longest, all, an SSRC, or ADDRESS:PORT
    #[arg(long, value_name = "STREAM", default_value = "longest", value_parser = Choice::parse)]
    pub(super) stream: Choice,
    /// Ring so long before the answer
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "0s")]
    pub ring: Duration,
    /// Hang up so long after the answer [default: the caller does]
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub talk: Option<Duration>,
    /// End after so many calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls: Option<u64>,
    /// At most so many calls at once; one more is busy (486)
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrent: u32,
    /// The certificate that a tls: listener shows, as PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// Its private key, as PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// Do wrong: reject=STATUS, no-answer, no-ring, bad-answer, no-bye, reinvite-storm, flood
    #[arg(long, value_name = "HOW", value_parser = misbehaviour)]
    pub misbehave: Option<AnswerMisbehaviour>,
    /// How to tell the result on standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
}

fn listen(text: &str) -> Result<Listen, String> {
    let (protocol, address) = match text.split_once(':') {
        Some(("udp", rest)) => (Protocol::Udp, rest),
        Some(("tcp", rest)) => (Protocol::Tcp, rest),
        Some(("tls", rest)) => (Protocol::Tls, rest),
        _ => (Protocol::Udp, text),
    };
    let wrong = |_| "write it as 127.0.0.1:5080, tcp:[::1]:5080 or tls:0.0.0.0:5061".to_owned();
    Ok(Listen {
        protocol,
        address: address.parse().map_err(wrong)?,
    })
}

fn misbehaviour(text: &str) -> Result<AnswerMisbehaviour, String> {
    AnswerMisbehaviour::named(text).ok_or_else(|| AnswerMisbehaviour::NAMES.to_owned())
}
