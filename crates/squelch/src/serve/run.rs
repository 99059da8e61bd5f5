//! The command: configuration, start, signals, stop.

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Args, Running, start};
use crate::cli::{NOT_DONE, fail};
use crate::config::{self, Config, Severity};

const NAME: &str = "squelch serve";

/// Runs the gateway until a signal. Exit code 2 when it can't start.
pub fn run(asked: &Args) -> ExitCode {
    let config = match load(asked) {
        Ok(config) => config,
        Err(line) => return fail(NAME, &line),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("signalling")
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(config)),
        Err(error) => fail(NAME, &error),
    }
}

/// The configuration, or one line: the first mistake and how many more there are.
fn load(asked: &Args) -> Result<Config, String> {
    let name = asked.config.display();
    let (config, problems) =
        config::load(&asked.config).map_err(|error| format!("{name}: {error}"))?;
    for problem in &problems {
        if problem.severity == Severity::Warning {
            tracing::warn!("{name}: {problem}");
        }
    }
    if let Some(config) = config {
        return Ok(config);
    }
    let mut errors = problems.iter().filter(|p| p.severity == Severity::Error);
    let first = errors.next().map_or_else(String::new, ToString::to_string);
    Err(match errors.count() {
        0 => format!("{name}: {first}"),
        more => format!("{name}: {first} (and {more} more: squelch check config {name})"),
    })
}

async fn serve(config: Config) -> ExitCode {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return fail(NAME, &error),
    };
    let mut running = match start(config).await {
        Ok(running) => running,
        Err(error) => return fail(NAME, &error),
    };
    announce(&running);
    tokio::select! {
        () = signals.stop() => {}
        () = running.broken() => return fail(NAME, &"the gateway broke; its log says how"),
    }
    tracing::info!("stopping; once more to stop at once");
    tokio::select! {
        () = running.stop() => ExitCode::SUCCESS,
        () = signals.stop() => {
            tracing::warn!("stopped before all calls were over");
            ExitCode::from(NOT_DONE)
        }
    }
}

fn announce(running: &Running) {
    for listen in running.sip() {
        tracing::info!("SIP on {listen}");
    }
    if let Some(address) = running.http() {
        tracing::info!("webhooks on http://{address}/webhooks/openai");
    }
    if let Some(address) = running.admin() {
        tracing::info!("metrics on http://{address}/metrics");
    }
    tracing::info!("ready");
}

/// The signals that squelch heeds.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the word to stop.
    async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {
                    tracing::warn!("SIGHUP: the configuration is only read at the start; restart squelch");
                }
            }
        }
    }
}
