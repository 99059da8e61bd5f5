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
        Ok(runtime) => runtime.block_on(serve(asked, config)),
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

async fn serve(asked: &Args, config: Config) -> ExitCode {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return fail(NAME, &error),
    };
    let mut running = match start(config.clone()).await {
        Ok(running) => running,
        Err(error) => return fail(NAME, &error),
    };
    announce(&running);
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Wanted::Stop => break,
                Wanted::Reload => reload(asked, &config, &running).await,
            },
            () = running.broken() => return fail(NAME, &"the gateway broke; its log says how"),
        }
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

/// Reads the configuration anew. One that is wrong changes nothing.
async fn reload(asked: &Args, started: &Config, running: &Running) {
    let new = match load(asked) {
        Ok(new) => new,
        Err(line) => {
            tracing::error!("SIGHUP: the old configuration stays: {line}");
            return;
        }
    };
    for key in super::reload::fixed(started, &new) {
        tracing::warn!("SIGHUP: {key} is another, which takes a restart");
    }
    running.reload(new).await;
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

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Stop,
    /// Read the configuration anew.
    Reload,
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

    /// Waits for the next.
    async fn next(&mut self) -> Wanted {
        tokio::select! {
            _ = self.terminate.recv() => Wanted::Stop,
            _ = self.interrupt.recv() => Wanted::Stop,
            _ = self.hang_up.recv() => Wanted::Reload,
        }
    }

    /// Waits for the word to stop.
    async fn stop(&mut self) {
        while self.next().await != Wanted::Stop {}
    }
}
