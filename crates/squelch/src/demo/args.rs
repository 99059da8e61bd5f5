//! What `squelch demo` is asked.

use std::path::PathBuf;

use squelch_sim::peer::openai::SimFault;

use crate::inspect::OutputFormat;

/// Hear the static and what squelch makes of it: one call on loopback, no account needed.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  squelch demo
  squelch demo --fault pcm16_as_g711 --out raw
  squelch demo --format json | jq .with_squelch

It writes without-squelch.wav, with-squelch.wav, call.pcap, report.html and calls.jsonl. In call.pcap
SIP that went over TLS stands in the clear, as datagrams.

Exit code: 0 squelch found the static and the caller heard at most 200 ms of it, 1 it did not,
2 the demo could not be run.")]
pub struct Args {
    /// What goes wrong: g711_as_pcm16 (the static), pcm16_as_g711
    #[arg(long, value_name = "FAULT", default_value = "g711_as_pcm16", value_parser = fault)]
    pub fault: SimFault,
    /// The folder for the files; it is made if need be
    #[arg(long, value_name = "DIR", default_value = "squelch-demo")]
    pub out: PathBuf,
    /// How to tell the result on standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
}

fn fault(text: &str) -> Result<SimFault, String> {
    SimFault::parse(text).map_err(|error| error.to_string())
}
