//! Prometheus while a run lasts (`--metrics`). docs/LOAD.md lists what it reads.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use super::share::Known;
use crate::http_server;

type Labels = Vec<(&'static str, String)>;

/// Where the run's figures are shown.
#[derive(Debug)]
pub(super) struct Metrics(watch::Sender<String>);

impl Metrics {
    /// Serves from now on, until the runtime ends.
    ///
    /// **Errors**: the address is taken.
    pub(super) async fn serve(at: SocketAddr) -> Result<Metrics, String> {
        let listener = http_server::listen("--metrics", at).await;
        let listener = listener.map_err(|error| error.to_string())?;
        let (sender, receiver) = watch::channel(text(&Known::default()));
        let router = Router::new()
            .route("/metrics", get(shown))
            .with_state(receiver);
        tokio::spawn(http_server::serve(listener, router));
        Ok(Metrics(sender))
    }

    /// Shows these figures from now on.
    pub(super) fn set(&self, known: &Known) {
        self.0.send_replace(text(known));
    }
}

async fn shown(State(text): State<watch::Receiver<String>>) -> Response {
    let text = text.borrow().clone();
    ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response()
}

fn text(known: &Known) -> String {
    let tally = &known.tally;
    let mut registry = Registry::with_prefix("squelch_load");
    let active: Gauge = Gauge::default();
    active.set(known.active as i64);
    registry.register("calls_active", "Calls at present", active);
    for (name, help, count) in [
        (
            "calls_started",
            "Calls whose INVITE was sent",
            tally.started,
        ),
        ("calls_answered", "Calls that were answered", tally.answered),
        ("calls_ended", "Calls that are over", tally.ended),
        (
            "calls_listened",
            "Calls whose audio was compared",
            tally.listened,
        ),
        ("packets_sent", "RTP packets sent", tally.sent),
        (
            "packets_received",
            "Distinct RTP packets received",
            tally.received,
        ),
        ("packets_lost", "RTP packets lost", tally.lost),
    ] {
        let counter: Counter = Counter::default();
        counter.inner().store(count, Ordering::Relaxed);
        registry.register(name, help, counter);
    }
    let statuses = tally.statuses.iter().map(|(k, n)| (k.to_string(), *n));
    counts(
        &mut registry,
        "responses",
        "Final responses to INVITE",
        "status",
        statuses,
    );
    for (name, help, label, map) in [
        ("calls_failed", "Calls that failed", "reason", &tally.failed),
        (
            "faults",
            "Calls with a fault of audio",
            "fault",
            &tally.faults,
        ),
        (
            "content_problems",
            "Calls with other audio than was due",
            "problem",
            &tally.problems,
        ),
    ] {
        let named = map.iter().map(|(k, n)| ((*k).to_owned(), *n));
        counts(&mut registry, name, help, label, named);
    }
    quantiles(&mut registry, known);
    let mut text = String::new();
    if text::encode(&mut text, &registry).is_err() {
        tracing::error!("metrics could not be written");
    }
    text
}

fn counts(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
    label: &'static str,
    counts: impl Iterator<Item = (String, u64)>,
) {
    let family: Family<Labels, Counter> = Family::default();
    for (value, count) in counts {
        let counter = family.get_or_create(&vec![(label, value)]);
        counter.inner().store(count, Ordering::Relaxed);
    }
    registry.register(name, help, family);
}

/// Percentiles of the run so far, as they are: an HDR histogram is exact where buckets are not.
fn quantiles(registry: &mut Registry, known: &Known) {
    let spread = &known.tally.spread;
    for (name, help, spread, scale) in [
        ("setup_seconds", "INVITE to 200", &spread.setup, 1e6),
        (
            "post_dial_delay_seconds",
            "INVITE to ringing or answer",
            &spread.post_dial_delay,
            1e6,
        ),
        (
            "media_start_seconds",
            "200 to the first RTP packet",
            &spread.media_start,
            1e6,
        ),
        (
            "jitter_seconds",
            "Mean jitter of a call",
            &spread.jitter,
            1e6,
        ),
        (
            "lateness_seconds",
            "How late packets left",
            &spread.lateness,
            1e6,
        ),
        ("mos", "MOS of a call", &spread.mos, 1e3),
    ] {
        let family: Family<Labels, Gauge<f64, AtomicU64>> = Family::default();
        for share in [0.01, 0.5, 0.95, 0.99] {
            if let Some(value) = spread.quantile(share) {
                let labels = vec![("quantile", share.to_string())];
                family.get_or_create(&labels).set(value as f64 / scale);
            }
        }
        registry.register(name, help, family);
    }
}

/// What Prometheus asks for first and `prometheus-client` writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
