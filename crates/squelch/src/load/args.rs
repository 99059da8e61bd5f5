//! What `squelch load` is asked.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use squelch_sim::impair::Impairment;
use squelch_sim::load::Misbehaviour;

use super::evidence::Evidence;
use super::library::Choice;
use super::spans::{impairment, span};
use crate::inspect::OutputFormat;

/// Place calls whose media come from captures, and measure what becomes of them.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  squelch load 192.0.2.1:5060 --pcap call.pcap --calls 100 --rate 10
  squelch load 'sip:+15550100@192.0.2.1;transport=tls' --ca ca.pem --srtp --pcap call.pcap
  squelch load 192.0.2.1 --pcap captures/ --weight busy.pcap=3 --rate 50 --ramp 30s --duration 10m
  squelch load 192.0.2.1 --pcap call.pcap --calls 9000 --rate 90 --share nats://192.0.2.9:4222 --shares 3
  squelch load --join nats://192.0.2.9:4222
  squelch load 127.0.0.1:5080 --pcap call.pcap --talk 10s --concurrent 500 --duration 1m --rate 100

Each call plays one stream of a capture, with SDP, SSRC, sequence numbers and timestamps of its own.
A call is one of the capture's calls; several are played in turn.

Exit code: 0 all went well, 1 calls failed or a threshold was broken, 2 could not begin.")]
pub struct Args {
    /// Who is called: sip:user@host:port;transport=udp|tcp|tls, or host:port
    #[arg(value_name = "TARGET", default_value = "", hide_default_value = true)]
    pub target: String,
    /// What is played: captures (pcap, pcapng), or folders of them; may be given again
    #[arg(long, required_unless_present = "join", value_name = "PATH", num_args = 1..)]
    pub pcap: Vec<PathBuf>,
    /// How often a capture is played in proportion to the others, by file name; may be given again
    #[arg(long, value_name = "NAME=N", value_parser = weight)]
    pub weight: Vec<(String, u32)>,
    /// Which streams: callers (of each call the caller's), longest, all, an SSRC, or ADDRESS:PORT
    #[arg(long, value_name = "STREAM", default_value = "callers", value_parser = Choice::parse)]
    pub(super) stream: Choice,
    /// Packets leave as they were captured, or evenly by their timestamps
    #[arg(long, value_enum, default_value_t, value_name = "PACING")]
    pub(super) pacing: Pace,
    /// So many calls [default: 1, or as many as --duration has time for]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls: Option<u64>,
    /// So many calls a second
    #[arg(long, value_name = "CPS", default_value = "10", value_parser = rate)]
    pub rate: f64,
    /// At most so many calls at once; one that is due waits for another's end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrent: Option<u32>,
    /// Begin calls for so long
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub duration: Option<Duration>,
    /// Reach the rate in so long, evenly from nothing
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "0s")]
    pub ramp: Duration,
    /// How long an answered call lasts; its capture is cut or played again [default: the capture]
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub talk: Option<Duration>,
    /// How long a call may ring
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "30s")]
    pub ring: Duration,
    /// Threads that place calls [default: the cores, or fewer for few calls]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub workers: Option<u32>,
    /// The caller's SIP URI
    #[arg(long, value_name = "URI")]
    pub from: Option<String>,
    /// The address of this machine that calls come from [default: the one on the way to TARGET]
    #[arg(long, value_name = "ADDRESS")]
    pub local: Option<IpAddr>,
    /// Who vouches for a TLS target, as PEM [default: the public authorities]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Encrypt media (SRTP, keys in the SDP)
    #[arg(long)]
    pub srtp: bool,
    /// The user name that challenges are answered with, of whatever realm; needs --password-env
    #[arg(long, value_name = "NAME", requires = "password_env")]
    pub username: Option<String>,
    /// The environment variable with the password
    #[arg(long, value_name = "NAME", requires = "username")]
    pub password_env: Option<String>,
    /// Spoil what is sent: loss=1%,jitter=20ms,reorder=0.5%,duplicate=0.1%,delay=50ms
    #[arg(long, value_name = "HOW", value_parser = impairment)]
    pub impair: Option<Impairment>,
    /// Where --impair's dice begin
    #[arg(long, value_name = "N", default_value = "1")]
    pub seed: u64,
    /// What calls do wrong: abandon, no-ack, no-bye, reinvite-storm
    #[arg(long, value_name = "HOW", value_parser = misbehaviour)]
    pub misbehave: Option<Misbehaviour>,
    /// How to tell the result on standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    #[command(flatten)]
    pub(super) evidence: Evidence,
    /// Have it done by workers that join at this NATS server (with JetStream); this process adds up what they tell
    #[arg(
        long,
        value_name = "nats://HOST:PORT",
        requires = "shares",
        conflicts_with = "join"
    )]
    pub(super) share: Option<String>,
    /// How many workers share it
    #[arg(long, value_name = "N", requires = "share", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) shares: Option<u32>,
    /// Be such a worker: take one share, do it, end. The captures must be here under the same names
    #[arg(long, value_name = "nats://HOST:PORT")]
    pub(super) join: Option<String>,
}

/// `--pacing`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Pace {
    /// With the capture's jitter, gaps and order
    #[default]
    Captured,
    /// By the RTP timestamps
    Even,
}

impl Pace {
    pub(super) fn pacing(self) -> squelch_sim::load::Pacing {
        match self {
            Pace::Captured => squelch_sim::load::Pacing::Captured,
            Pace::Even => squelch_sim::load::Pacing::Even,
        }
    }
}

fn weight(text: &str) -> Result<(String, u32), String> {
    let wrong = || format!("{text:?}: write the file's name and its weight, as in busy.pcap=3");
    let (name, weight) = text.rsplit_once('=').ok_or_else(wrong)?;
    Ok((name.to_owned(), weight.parse().map_err(|_| wrong())?))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().unwrap_or(f64::NAN);
    let known = rate > 0.0 && rate <= MOST_A_SECOND;
    known
        .then_some(rate)
        .ok_or_else(|| format!("a number above 0, up to {MOST_A_SECOND}"))
}

fn misbehaviour(text: &str) -> Result<Misbehaviour, String> {
    Misbehaviour::named(text).ok_or_else(|| {
        let names = Misbehaviour::ALL.map(Misbehaviour::name);
        names.join(", ")
    })
}

/// More than any SIP endpoint on one machine takes.
const MOST_A_SECOND: f64 = 100_000.0;
