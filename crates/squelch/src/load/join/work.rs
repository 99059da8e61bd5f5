//! A worker: takes one share, does it, tells of it.

use std::future::Future;
use std::time::{Duration, Instant};

use async_nats::jetstream::AckKind;
use clap::Parser;
use futures_util::StreamExt;
use tokio::sync::watch;

use super::server::{Server, subject};
use super::wire::{Job, told};
use super::{GATHERING, START, TELLING};
use crate::load::args::Args;
use crate::load::share::Known;

/// A run's command line as it comes over NATS.
#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Takes a share from the queue at `url` and does it by `run`, which is given what is asked, the share, and where to
/// tell what is known so far. What became of the share.
///
/// **Errors**: no server, no share or no word to start in time, or the share can't be done here.
pub(in crate::load) async fn work<R, F>(url: &str, run: R) -> Result<(Args, Known), String>
where
    R: FnOnce(Args, squelch_sim::load::Share, watch::Sender<Known>) -> Result<F, String>,
    F: Future<Output = Result<Known, String>>,
{
    let server = Server::connect(url).await?;
    let until = Instant::now() + GATHERING;
    let message = loop {
        if let Some(message) = server.take().await? {
            break message;
        }
        if Instant::now() >= until {
            return Err(format!(
                "{url}: no share of a load test within {} s",
                GATHERING.as_secs()
            ));
        }
    };
    let job = match Job::parse(&message.payload) {
        Ok(job) => job,
        Err(error) => {
            let _ = message.ack_with(AckKind::Term).await;
            return Err(error);
        }
    };
    let line = Line::try_parse_from(
        ["squelch load"]
            .into_iter()
            .chain(job.arguments.iter().map(String::as_str)),
    );
    let args = line
        .map_err(|error| format!("the share can't be understood: {error}"))?
        .args;
    let mut go = subscribe(&server, &subject(&job.run, "go")).await?;
    let (tell, known) = watch::channel(Known::default());
    // Before it says that it is ready: what is wrong here is found out now.
    let share = run(args.clone(), job.share, tell)?;
    let index = job.share.index;
    let say = async |what: &str, text: String| {
        let said = server
            .client
            .publish(subject(&job.run, what), text.into())
            .await;
        said.map_err(|error| error.to_string())
    };
    let alive = async {
        let mut seconds = tokio::time::interval(TELLING);
        loop {
            seconds.tick().await;
            // The server notices by itself where this does not arrive.
            let _ = message.ack_with(AckKind::Progress).await;
            let text = told(index, &known.borrow());
            let _ = say("seen", text).await;
        }
    };
    let doing = async {
        say("ready", index.to_string()).await?;
        let word = tokio::time::timeout(GATHERING, go.next()).await;
        let missing = || format!("no word to start within {} s", GATHERING.as_secs());
        word.map_err(|_| missing())?.ok_or_else(missing)?;
        tokio::time::sleep(START).await;
        share.await
    };
    let done = tokio::select! {
        done = doing => done,
        () = alive => Err("unreachable".to_owned()),
    };
    if let Ok(known) = &done {
        say("done", told(index, known)).await?;
    }
    let _ = message.double_ack().await;
    let _ = tokio::time::timeout(Duration::from_secs(5), server.client.flush()).await;
    done.map(|known| (args, known))
}

async fn subscribe(server: &Server, subject: &str) -> Result<async_nats::Subscriber, String> {
    let subscribed = server.client.subscribe(subject.to_owned()).await;
    let subscriber = subscribed.map_err(|error| error.to_string())?;
    server
        .client
        .flush()
        .await
        .map_err(|error| error.to_string())?;
    Ok(subscriber)
}
