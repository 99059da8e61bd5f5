//! The command `squelch answer`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use squelch_sim::load::{CalleePlan, Return, Says};
use squelch_sip::Protocol;
use tokio::sync::watch;

use super::answer_args::Args;
use super::library::{Library, Wanted};
use super::run::merge;
use super::share::{Order, Seen, Share, SidePlan};
use super::signals::Signals;
use super::{open_files, summary, trust};
use crate::cli::{FOUND, fail};
use crate::config::Authorities;
use crate::signaling_io::{self, SignalingConfig};

const NAME: &str = "squelch answer";

/// Takes calls until a signal, or until enough have been. Exit code 2 when it can't begin.
pub fn run(asked: &Args) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ran = match runtime {
        Ok(runtime) => runtime.block_on(answer(asked)),
        Err(error) => return fail(NAME, &error),
    };
    match ran {
        Ok(known) => {
            summary::tell(asked.format, &known, &[]);
            match known.tally.failures() {
                0 => ExitCode::SUCCESS,
                _ => ExitCode::from(FOUND),
            }
        }
        Err(error) => fail(NAME, &error),
    }
}

async fn answer(asked: &Args) -> Result<super::share::Known, String> {
    let mut signals = Signals::new().map_err(|error| error.to_string())?;
    let library = library(asked)?;
    let says = match (asked.echo, library.entries()) {
        (true, _) => Says::Echo,
        (false, []) => Says::Nothing,
        (false, entries) => Says::Play(entries.iter().map(|e| e.script.coding()).collect()),
    };
    let server = match (&asked.certificate, &asked.key) {
        (Some(certificate), Some(key)) => {
            let shown = trust::shown(certificate, key)?;
            let server = signaling_io::tls::server(&shown, None);
            Some(server.map_err(|error| format!("--certificate: {error}"))?)
        }
        _ => None,
    };
    if server.is_none() && asked.listen.iter().any(|l| l.protocol == Protocol::Tls) {
        return Err("a tls: listener needs --certificate and --key".into());
    }
    open_files::raise(Some(asked.concurrent));
    let client = signaling_io::tls::client(&Authorities::Public, None);
    let media = asked.listen.first().map(|listen| listen.address.ip());
    let media = media.ok_or("--listen is missing")?;
    let (order, orders) = watch::channel(Order::Run);
    let seen = Arc::new(Seen::default());
    let share = Share {
        epoch: Instant::now(),
        library: Arc::new(library),
        signaling: SignalingConfig {
            listen: asked.listen.clone(),
            server,
            client: Arc::new(client.map_err(|error| error.to_string())?),
            expected: Arc::new(|_| true),
        },
        media,
        side: SidePlan::Answers(CalleePlan {
            media_address: None,
            says,
            ring: asked.ring,
            talk: asked.talk,
            calls: asked.concurrent,
            impairment: None,
            misbehaviour: asked.misbehave,
            back: Return::Nothing,
        }),
        seen: Arc::clone(&seen),
        orders,
    };
    let share = share.bind().await.map_err(|error| error.to_string())?;
    for listen in share.listening() {
        tracing::info!("listening on {listen}");
    }
    let mut left = asked.calls;
    let stop = order.clone();
    let running = share.run(|_| {
        left = left.map(|left| left.saturating_sub(1));
        if left == Some(0) {
            stop.send_replace(Order::Stop);
        }
    });
    tokio::pin!(running);
    loop {
        tokio::select! {
            () = &mut running => break,
            () = signals.next() => {
                let next = match *order.borrow() {
                    Order::Run => Order::Stop,
                    _ => Order::GiveUp,
                };
                order.send_replace(next);
            }
        }
    }
    Ok(merge(&[seen]))
}

fn library(asked: &Args) -> Result<Library, String> {
    if asked.play.is_empty() {
        return Ok(Library::default());
    }
    let wanted = Wanted {
        paths: &asked.play,
        weights: &[],
        choice: asked.stream,
        pacing: squelch_sim::load::Pacing::Even,
    };
    Library::read(&wanted, false).map_err(|error| error.to_string())
}
