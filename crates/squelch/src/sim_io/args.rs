//! What `squelch sim` is asked.

use std::net::SocketAddr;
use std::path::PathBuf;

use squelch_sim::peer::openai::{Profile, ScheduledFault, Security};

/// Play another party.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub(super) party: Party,
}

#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Party {
    /// The stand-in for OpenAI Realtime: SIP over TLS, REST, webhooks, sideband WebSocket
    Openai(OpenAiArgs),
}

/// The stand-in for OpenAI Realtime.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  squelch sim openai --certificate-out ca.pem --webhook http://127.0.0.1:8080/webhooks/openai
  squelch sim openai --fault g711_as_pcm16@5        static from the fifth second of every call
  squelch sim openai --profile current              formats stay SIP's whatever a session says

It says where it listens, the API key and the webhooks' secret that go with it, and runs until
SIGTERM or SIGINT. It is for tests: the key and the secret are known to everybody.")]
pub(super) struct OpenAiArgs {
    /// Where it listens for SIP over TLS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5081")]
    pub(super) listen: SocketAddr,
    /// Where it listens for REST and WebSocket
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5088")]
    pub(super) api: SocketAddr,
    /// Where it announces calls
    #[arg(long, value_name = "URL")]
    pub(super) webhook: Option<String>,
    /// The environment variable with the API key that it wants [default: the key sk-sim]
    #[arg(long, value_name = "NAME")]
    pub(super) api_key_env: Option<String>,
    /// The environment variable with the webhooks' secret [default: a secret that it tells]
    #[arg(long, value_name = "NAME")]
    pub(super) webhook_secret_env: Option<String>,
    /// seed: a session without formats can lose them, as it was seen; current: it can't
    #[arg(long, value_name = "PROFILE", default_value = "seed", value_parser = profile)]
    pub(super) profile: Profile,
    /// off: RTP/AVP alone; prefer: as the offer is; require: RTP/SAVP alone
    #[arg(long, value_name = "SRTP", default_value = "prefer", value_parser = srtp)]
    pub(super) srtp: Security,
    /// A fault of every call, so many seconds after its first packet; may be given again
    #[arg(long = "fault", value_name = "FAULT@SECONDS", value_parser = fault)]
    pub(super) faults: Vec<ScheduledFault>,
    /// Write its certificate to this file, for those who are to trust it
    #[arg(long, value_name = "FILE")]
    pub(super) certificate_out: Option<PathBuf>,
}

fn profile(text: &str) -> Result<Profile, String> {
    Profile::parse(text).ok_or_else(|| "seed or current".into())
}

fn srtp(text: &str) -> Result<Security, String> {
    Security::parse(text).ok_or_else(|| "off, prefer or require".into())
}

fn fault(text: &str) -> Result<ScheduledFault, String> {
    ScheduledFault::parse(text).map_err(|error| error.to_string())
}
