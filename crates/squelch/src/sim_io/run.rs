//! The command `squelch sim openai`.

use std::process::ExitCode;

use squelch_sim::peer::openai::OpenAiConfig;
use squelch_sip::Protocol;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{Args, OpenAiArgs, Party};
use super::identity::Identity;
use super::openai::{OpenAiServer, OpenAiServerConfig};
use super::tap::Tap;
use crate::cli::fail;
use crate::config::Listen;
use crate::demo::voices;

const NAME: &str = "squelch sim openai";

/// Runs the party until a signal. Exit code 2 when it can't start.
pub fn run(asked: &Args) -> ExitCode {
    let Party::Openai(asked) = &asked.party;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => match runtime.block_on(openai(asked)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(line) => fail(NAME, &line),
        },
        Err(error) => fail(NAME, &error),
    }
}

async fn openai(asked: &OpenAiArgs) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let key = secret(asked.api_key_env.as_deref())?;
    let secret = secret(asked.webhook_secret_env.as_deref())?;
    let ip = asked.listen.ip().to_string();
    let identity = Identity::new(&["localhost", &ip]).map_err(|e| format!("certificate: {e}"))?;
    if let Some(path) = &asked.certificate_out {
        std::fs::write(path, &identity.pem)
            .map_err(|error| format!("can't write {}: {error}", path.display()))?;
    }
    let server = OpenAiServer::bind(OpenAiServerConfig {
        sip: Listen {
            protocol: Protocol::Tls,
            address: asked.listen,
        },
        api: asked.api,
        identity,
    });
    let server = server.await.map_err(|error| error.to_string())?;
    let (sip, api) = (server.sip(), server.api());
    let mut told = (String::new(), String::new());
    let configure = |endpoint| {
        let mut config = OpenAiConfig::new(endpoint, asked.listen.ip(), voices::assistant());
        config.profile = asked.profile;
        config.srtp = asked.srtp;
        config.faults.clone_from(&asked.faults);
        config.webhook_url.clone_from(&asked.webhook);
        config.api_key = key.clone().unwrap_or(config.api_key);
        config.webhook_secret = secret.clone().unwrap_or(config.webhook_secret);
        told = (config.api_key.clone(), config.webhook_secret.clone());
        config
    };
    let running = server.run(configure, Tap::default());
    let running = running.map_err(|error| error.to_string())?;
    tracing::info!("SIP on sip:proj_sim@{sip};transport=tls");
    tracing::info!("API on http://{api}/v1");
    if key.is_none() && secret.is_none() {
        tracing::info!("API key {}, webhooks' secret {}", told.0, told.1);
    }
    tracing::info!("ready");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(running);
    Ok(())
}

fn secret(variable: Option<&str>) -> Result<Option<String>, String> {
    let Some(name) = variable else {
        return Ok(None);
    };
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    let missing = || format!("the environment variable {name} is not set");
    value.map(Some).ok_or_else(missing)
}
