//! Many calls' RTP at once, for benches/density/run.py: a bare relay, squelch's media workers, and the two ends of
//! every call.
//!
//! - `density relay CALLS connected|unconnected` relays without a look at the packets;
//! - `density gateway CALLS plain|srtp|carrier-srtp|transcode` relays with squelch's media workers, one
//!   thread, the plans made here instead of by SIP;
//! - `density load PORTS --pid PID ...` sends what the calls' ends send to the ports in the file PORTS, takes what
//!   comes back, and tells CPU time, loss and added latency as one line of JSON.
//!
//! A relay prints a line a call, `CARRIER_ADDRESS OPENAI_ADDRESS`, where it takes packets, then `ready`, and runs until its
//! standard input ends. The ends of call n are [`carrier`] and [`openai`]: every relay knows them.

#![expect(clippy::print_stdout, reason = "a command")]

mod gateway;
mod load;
mod relay;
mod rtp;

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

/// The carrier's end of a call.
pub(crate) fn carrier(call: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 2], FIRST_END + 2 * call))
}

/// OpenAI's end of a call.
pub(crate) fn openai(call: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 3], FIRST_END + 2 * call))
}

/// Even ones, as RTP's are.
const FIRST_END: u16 = 30_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["relay", calls, sockets @ ("connected" | "unconnected")] => {
            relay::run(number(calls)?, *sockets == "connected")
        }
        ["gateway", calls, way] => gateway::run(number(calls)?, way),
        ["load", ports, options @ ..] => load::run(ports, options),
        _ => Err(wrong("see the first lines of examples/density/main.rs")),
    }
}

pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| wrong(&format!("{text} is no number that fits here")))
}

pub(crate) fn wrong(text: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, text.to_owned())
}

/// Tells the script that the ports it was told of are open, and waits until it has had enough.
pub(crate) fn ready() -> Result<()> {
    println!("ready");
    std::io::read_to_string(std::io::stdin())?;
    Ok(())
}
