//! The coordinator: puts the shares into the queue, says when to start, adds up what workers tell.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use squelch_sim::load::Share;

use super::server::{Server, share_subject, subject};
use super::wire::{Job, known};
use super::{GATHERING, SILENCE};
use crate::load::share::Known;
use crate::random;

/// What became of a run's shares.
#[derive(Debug, Default)]
pub(in crate::load) struct Gathered {
    /// All of them together, what lost ones had told included.
    pub(in crate::load) known: Known,
    /// Shares whose worker fell silent.
    pub(in crate::load) lost: Vec<u32>,
}

/// This process's arguments as a worker is to have them: without what is the coordinator's own.
pub(in crate::load) fn arguments(own: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut own = own.skip_while(|argument| argument != "load").skip(1);
    while let Some(argument) = own.next() {
        let name = argument.split('=').next().unwrap_or_default();
        if !OWN.contains(&name) {
            kept.push(argument);
        } else if name == argument {
            own.next();
        }
    }
    kept
}

/// Options with a value that are not a worker's.
const OWN: [&str; 6] = [
    "--share",
    "--shares",
    "--report",
    "--metrics",
    "--format",
    "--log",
];

/// One share, as far as it is known.
#[derive(Default)]
struct Part {
    ready: bool,
    done: bool,
    lost: bool,
    known: Known,
    heard: Option<Instant>,
}

/// Has `arguments` done by `of` workers; `show` is called each second.
///
/// **Errors**: no server, or fewer workers than shares in time.
pub(in crate::load) async fn coordinate(
    url: &str,
    of: u32,
    arguments: Vec<String>,
    mut show: impl FnMut(Duration, &Known),
) -> Result<Gathered, String> {
    let server = Server::connect(url).await?;
    let mut id = [0; 8];
    random::fill(&mut id).map_err(|error| error.to_string())?;
    let run: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let all = server.client.subscribe(subject(&run, "*")).await;
    let mut all = all.map_err(|error| error.to_string())?;
    server
        .client
        .flush()
        .await
        .map_err(|error| error.to_string())?;
    for index in 0..of {
        let job = Job {
            run: run.clone(),
            share: Share { index, of },
            arguments: arguments.clone(),
        };
        let put = server
            .jetstream
            .publish(share_subject(&run, index), job.to_json().into());
        let put = put.await.map_err(|error| error.to_string())?;
        put.await
            .map_err(|error| format!("{url}: the share was not taken: {error}"))?;
    }
    let mut parts: Vec<Part> = (0..of).map(|_| Part::default()).collect();
    let gathered = gather(&server, &run, &mut all, &mut parts, &mut show).await;
    server.forget(&run).await;
    gathered?;
    let mut gathered = Gathered::default();
    for (index, part) in (0..).zip(&parts) {
        gathered.known.add(&part.known);
        if part.lost {
            gathered.lost.push(index);
        }
    }
    Ok(gathered)
}

async fn gather(
    server: &Server,
    run: &str,
    all: &mut async_nats::Subscriber,
    parts: &mut [Part],
    show: &mut impl FnMut(Duration, &Known),
) -> Result<(), String> {
    let asked = Instant::now();
    let mut started: Option<Instant> = None;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    while !parts.iter().all(|part| part.done || part.lost) {
        tokio::select! {
            message = all.next() => {
                let message = message.ok_or("the NATS server closed the connection")?;
                take(parts, &message);
            }
            _ = seconds.tick() => {
                if let Some(started) = started {
                    show(started.elapsed(), &together(parts));
                }
            }
        }
        let now = Instant::now();
        match started {
            None if parts.iter().all(|part| part.ready) => {
                let said = server.client.publish(subject(run, "go"), "".into()).await;
                said.map_err(|error| error.to_string())?;
                server
                    .client
                    .flush()
                    .await
                    .map_err(|error| error.to_string())?;
                started = Some(now);
                parts.iter_mut().for_each(|part| part.heard = Some(now));
            }
            None if asked.elapsed() > GATHERING => {
                let ready = parts.iter().filter(|part| part.ready).count();
                return Err(format!(
                    "{ready} of {} workers came within {} s: start them with squelch load --join",
                    parts.len(),
                    GATHERING.as_secs()
                ));
            }
            None => {}
            Some(_) => {
                for part in parts.iter_mut().filter(|part| !part.done) {
                    let silent = part.heard.is_some_and(|heard| now - heard > SILENCE);
                    part.lost |= silent;
                }
            }
        }
    }
    show(
        started.map_or(Duration::ZERO, |at| at.elapsed()),
        &together(parts),
    );
    Ok(())
}

/// Takes what a worker said.
fn take(parts: &mut [Part], message: &async_nats::Message) {
    let now = Instant::now();
    let what = message
        .subject
        .as_str()
        .rsplit('.')
        .next()
        .unwrap_or_default();
    if what == "ready" {
        let index = std::str::from_utf8(&message.payload).ok();
        let index = index.and_then(|text| text.parse::<usize>().ok());
        if let Some(part) = index.and_then(|index| parts.get_mut(index)) {
            part.ready = true;
        }
        return;
    }
    let Some((index, known)) = known(&message.payload) else {
        return;
    };
    if let Some(part) = parts
        .get_mut(index as usize)
        .filter(|part| !part.done && !part.lost)
    {
        part.known = known;
        part.heard = Some(now);
        part.done = what == "done";
    }
}

fn together(parts: &[Part]) -> Known {
    let mut all = Known::default();
    parts.iter().for_each(|part| all.add(&part.known));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_gets_the_run_and_not_what_is_the_coordinators() {
        let own = "squelch --log debug load 127.0.0.1 --share nats://x --shares=3 --pcap a.pcap --format json --calls 3";
        let kept = arguments(own.split(' ').map(str::to_owned));
        assert_eq!(kept.join(" "), "127.0.0.1 --pcap a.pcap --calls 3");
    }
}
