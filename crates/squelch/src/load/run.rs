//! The command `squelch load`: what is asked, the shares, signals, the end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use squelch_media::srtp::Suite;
use squelch_sim::load::{Breach, CallerPlan, Part, Return, Schedule, Share as Part_};
use squelch_sip::{Credentials, Protocol, Uri};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::args::Args;
use super::join;
use super::library::{Library, Wanted};
use super::metrics::Metrics;
use super::share::{Known, Order, Seen, Share, SidePlan};
use super::signals::Signals;
use super::target::Called;
use super::trust;
use super::view::View;
use super::{open_files, report, summary};
use crate::cli::{FOUND, fail};
use crate::config::Listen;
use crate::signaling_io::{self, SignalingConfig};

const NAME: &str = "squelch load";

/// Runs the load test. Exit code 2 when it can't begin.
pub fn run(asked: &Args) -> ExitCode {
    if let Some(url) = &asked.join {
        return join(url);
    }
    if asked.target.is_empty() {
        return fail(
            NAME,
            &"who is called? Name a TARGET, as in squelch load 192.0.2.1:5060 --pcap call.pcap",
        );
    }
    if let (Some(url), Some(shares)) = (&asked.share, asked.shares) {
        return share_out(asked, url, shares);
    }
    let prepared = match Prepared::new(asked) {
        Ok(prepared) => prepared,
        Err(error) => return fail(NAME, &error),
    };
    // Before the first call: a run whose report can't be kept is not begun.
    let report = match asked
        .evidence
        .report
        .as_deref()
        .map(File::create)
        .transpose()
    {
        Ok(report) => report,
        Err(error) => return fail(NAME, &format!("--report: {error}")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => match runtime.block_on(watched(asked, prepared)) {
            Ok(known) => finish(asked, &known, &[], report),
            Err(error) => fail(NAME, &error),
        },
        Err(error) => fail(NAME, &error),
    }
}

/// Runs it, and shows it each second.
async fn watched(asked: &Args, prepared: Prepared) -> Result<Known, String> {
    let metrics = match asked.evidence.metrics {
        Some(at) => Some(Metrics::serve(at).await?),
        None => None,
    };
    let mut view = View::new();
    let show = |elapsed: Duration, known: &Known| {
        view.draw(elapsed, known);
        if let Some(metrics) = &metrics {
            metrics.set(known);
        }
    };
    prepared.run(show).await
}

/// Does a share of somebody else's run.
fn join(url: &str) -> ExitCode {
    let work = join::work(url, |args, share, tell| {
        let prepared = Prepared::new(&args)?.of_run(&args, share);
        Ok(async move {
            let mut view = View::new();
            let show = |elapsed: Duration, known: &Known| {
                view.draw(elapsed, known);
                tell.send_replace(known.clone());
            };
            prepared.run(show).await
        })
    });
    match block_on(work) {
        // Whether the whole run is good, its coordinator says.
        Ok((args, known)) => finish(&args, &known, &[], None),
        Err(error) => fail(NAME, &error),
    }
}

/// Has the run done by workers.
fn share_out(asked: &Args, url: &str, shares: u32) -> ExitCode {
    let threads = shares.saturating_mul(asked.workers.unwrap_or(1));
    if asked.concurrent.is_some_and(|most| most < threads) {
        let most = "--concurrent is less than one call for each thread of the shares";
        return fail(NAME, &most);
    }
    let report = match asked
        .evidence
        .report
        .as_deref()
        .map(File::create)
        .transpose()
    {
        Ok(report) => report,
        Err(error) => return fail(NAME, &format!("--report: {error}")),
    };
    let gathered = block_on(async {
        let metrics = match asked.evidence.metrics {
            Some(at) => Some(Metrics::serve(at).await?),
            None => None,
        };
        let mut view = View::new();
        let show = |elapsed: Duration, known: &Known| {
            view.draw(elapsed, known);
            if let Some(metrics) = &metrics {
                metrics.set(known);
            }
        };
        join::coordinate(url, shares, join::arguments(std::env::args()), show).await
    });
    match gathered {
        Ok(gathered) => {
            let lost: Vec<Breach> = (!gathered.lost.is_empty())
                .then(|| Breach {
                    option: "--shares",
                    said: format!(
                        "{} of {shares} shares were lost ({:?}): their workers fell silent; what they told before counts",
                        gathered.lost.len(),
                        gathered.lost
                    ),
                })
                .into_iter()
                .collect();
            finish(asked, &gathered.known, &lost, report)
        }
        Err(error) => fail(NAME, &error),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(|error| error.to_string())?.block_on(work)
}

/// Tells the result; `more` is what was not kept to besides the thresholds.
fn finish(asked: &Args, known: &Known, more: &[Breach], report: Option<File>) -> ExitCode {
    let mut breaches = asked.evidence.thresholds().breaches(&known.tally);
    breaches.extend_from_slice(more);
    summary::tell(asked.format, known, &breaches);
    if let Some(file) = report {
        let mut out = BufWriter::new(file);
        let written = report::write(&asked.target, known, &breaches, &mut out);
        if let Err(error) = written.and_then(|()| out.flush()) {
            return fail(NAME, &format!("--report: {error}"));
        }
    }
    match breaches.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FOUND),
    }
}

/// A run, all that could be wrong with it looked at.
struct Prepared {
    library: Arc<Library>,
    plan: CallerPlan,
    signaling: SignalingConfig,
    local: IpAddr,
    workers: u32,
    /// Which part of a run of several machines it is.
    part: Part_,
}

impl Prepared {
    fn new(asked: &Args) -> Result<Prepared, String> {
        let called = Called::parse(&asked.target).map_err(|error| error.to_string())?;
        if asked.srtp && called.target.protocol != Protocol::Tls {
            tracing::warn!("--srtp without TLS: whoever reads the SIP reads the keys");
        }
        let wanted = Wanted {
            paths: &asked.pcap,
            weights: &asked.weight,
            choice: asked.stream,
            pacing: asked.pacing.pacing(),
        };
        let library = Library::read(&wanted, matches!(asked.evidence.back(), Return::Audio(_)))
            .map_err(|error| error.to_string())?;
        let local = match asked.local {
            Some(local) => local,
            None => called.local_address().map_err(|error| error.to_string())?,
        };
        let from = match &asked.from {
            Some(uri) => Uri::parse(uri).ok().filter(Uri::is_sip).ok_or_else(|| {
                format!("--from {uri}: no SIP URI, such as sip:alice@example.org")
            })?,
            None => Uri::sip(Some("squelch"), &local.to_string(), None),
        };
        let authorities = trust::authorities(asked.ca.as_deref())?;
        let client =
            signaling_io::tls::client(&authorities, None).map_err(|e| format!("--ca: {e}"))?;
        let schedule = Schedule {
            rate: asked.rate,
            ramp: asked.ramp,
            calls: match (asked.calls, asked.duration) {
                (None, None) => Some(1),
                (calls, _) => calls,
            },
            duration: asked.duration,
        };
        let parts = library.entries().iter().map(|entry| Part {
            coding: entry.script.coding(),
            duration: entry.script.duration(),
            ptime_ms: u16::try_from(entry.script.ptime().as_millis()).unwrap_or(20),
            weight: entry.weight,
            turns: Vec::new(),
        });
        let plan = CallerPlan {
            request_uri: called.request_uri,
            from,
            target: called.target,
            credentials: credentials(asked)?,
            media_address: local,
            schedule,
            share: Part_::WHOLE,
            concurrent: asked.concurrent,
            parts: parts.collect(),
            talk: asked.talk,
            ring: asked.ring,
            suites: match asked.srtp {
                true => vec![Suite::AesCm128HmacSha1_80],
                false => Vec::new(),
            },
            impairment: asked.impair,
            seed: asked.seed,
            misbehaviour: asked.misbehave,
            back: asked.evidence.back(),
            listen_to: asked.evidence.listen_to,
        };
        Ok(Prepared {
            library: Arc::new(library),
            signaling: SignalingConfig {
                listen: vec![Listen {
                    protocol: Protocol::Udp,
                    address: SocketAddr::new(local, 0),
                }],
                server: None,
                client: Arc::new(client),
                expected: Arc::new(|_| true),
            },
            local,
            workers: workers(asked, &plan),
            plan,
            part: Part_::WHOLE,
        })
    }

    /// Only this share of it. Every share has as many threads, so that each call is one thread's.
    fn of_run(self, asked: &Args, part: Part_) -> Prepared {
        Prepared {
            workers: asked.workers.unwrap_or(1),
            part,
            ..self
        }
    }

    /// Runs all shares, each on a thread of its own, until their calls are over.
    ///
    /// `show` is called each second, and once more at the end, with the time since the first call was due.
    async fn run(self, mut show: impl FnMut(Duration, &Known)) -> Result<Known, String> {
        let mut signals = Signals::new().map_err(|error| error.to_string())?;
        open_files::raise(self.plan.concurrent);
        let (order, orders) = watch::channel(Order::Run);
        // A moment ahead, so that all shares are there when the first call is due.
        let epoch = Instant::now() + STARTING;
        let mut seen = Vec::new();
        let mut threads = Vec::new();
        let (bound, mut bindings) = tokio::sync::mpsc::channel(64);
        for index in 0..self.workers {
            let mut plan = self.plan.clone();
            plan.share = Part_ {
                index: self.part.index * self.workers + index,
                of: self.part.of * self.workers,
            };
            let known = Arc::new(Seen::default());
            seen.push(Arc::clone(&known));
            let share = Share {
                epoch,
                library: Arc::clone(&self.library),
                signaling: self.signaling.clone(),
                media: self.local,
                side: SidePlan::Calls(Box::new(plan)),
                seen: known,
                orders: orders.clone(),
            };
            let bound = bound.clone();
            let (over, joined) = tokio::sync::oneshot::channel::<()>();
            std::thread::Builder::new()
                .name("load-sip".into())
                .spawn(move || {
                    run_share(share, &bound);
                    let _ = over.send(());
                })
                .map_err(|error| format!("the system grants no thread: {error}"))?;
            threads.push(joined);
        }
        drop(bound);
        for _ in 0..self.workers {
            match bindings.recv().await {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    order.send_replace(Order::GiveUp);
                    return Err(error);
                }
                None => break,
            }
        }
        let all = async {
            for thread in threads {
                // One that has panicked is over as well.
                let _ = thread.await;
            }
        };
        tokio::pin!(all);
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = &mut all => break,
                _ = seconds.tick() => show(epoch.elapsed(), &merge(&seen)),
                () = signals.next() => {
                    let next = match *order.borrow() {
                        Order::Run => Order::Stop,
                        _ => Order::GiveUp,
                    };
                    if next == Order::Stop {
                        tracing::warn!("hanging up; once more to leave at once");
                    }
                    order.send_replace(next);
                }
            }
        }
        let known = merge(&seen);
        show(epoch.elapsed(), &known);
        Ok(known)
    }
}

/// The thread of one share.
fn run_share(share: Share, bound: &tokio::sync::mpsc::Sender<Result<(), String>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = bound.blocking_send(Err(error.to_string()));
            return;
        }
    };
    runtime.block_on(async {
        match share.bind().await {
            Ok(share) => {
                let _ = bound.send(Ok(())).await;
                share.run(|_| {}).await;
            }
            Err(error) => {
                let _ = bound.send(Err(error.to_string())).await;
            }
        }
    });
}

/// What challenges are answered with.
fn credentials(asked: &Args) -> Result<Option<Credentials>, String> {
    let (Some(username), Some(variable)) = (&asked.username, &asked.password_env) else {
        return Ok(None);
    };
    let password = std::env::var(variable)
        .map_err(|_| format!("--password-env {variable}: this environment variable is not set"))?;
    let credentials = Credentials::of_any_realm(username, password);
    credentials
        .map(Some)
        .map_err(|error| format!("--username, --password-env: {error}"))
}

/// What all shares know together.
pub(super) fn merge(shares: &[Arc<Seen>]) -> Known {
    let mut all = Known::default();
    for share in shares {
        all.add(&share.lock());
    }
    all
}

/// One a core, but none for less than a handful of calls.
fn workers(asked: &Args, plan: &CallerPlan) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let most = plan.schedule.total().unwrap_or(u64::MAX);
    let most = most.min(u64::from(plan.concurrent.unwrap_or(u32::MAX)));
    let useful = u32::try_from(most.div_ceil(CALLS_A_WORKER)).unwrap_or(u32::MAX);
    let workers = asked.workers.unwrap_or_else(|| cores.min(useful));
    // A share without a call at once would never place one.
    workers.min(u32::try_from(most).unwrap_or(u32::MAX)).max(1)
}

/// How long threads have to start.
const STARTING: Duration = Duration::from_millis(50);
/// Fewer calls are no work for another thread.
const CALLS_A_WORKER: u64 = 250;
