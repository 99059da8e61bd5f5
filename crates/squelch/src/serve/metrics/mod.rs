//! What Prometheus reads. docs/METRICS.md lists it.
//!
//! The gateway's task owns all of it. What the gateway, the endpoint and the sockets count is copied
//! from there when somebody asks; only distributions are kept here.

mod captures;
mod media;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use squelch_call::{CallId, CallRecord, Gateway};
use squelch_media::{BridgeStats, MediaEvent};

use crate::captures::Counts as CaptureCounts;
use crate::signaling_io::Lost;
use captures::Captures;
use media::Media;

/// Names and values; every value comes from a closed set or from the configuration.
type Labels = Vec<(&'static str, String)>;
type Counts = Family<Labels, Counter>;
type Seconds = Family<Labels, Counter<f64, AtomicU64>>;
type Distributions = Family<Labels, Histogram, fn() -> Histogram>;

/// Every metric.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    calls_active: Family<Labels, Gauge>,
    calls: Counts,
    call_setup: Histogram,
    mismatches: Counts,
    faults: Counts,
    one_way: Counts,
    session_guard: Counts,
    proxied: Counts,
    disagreements: Counts,
    webhooks: Counts,
    strangers: Counter,
    digest: Counts,
    transfers: Counts,
    infos: Counts,
    sip_messages: Counts,
    sip_retransmissions: Counter,
    sip_dropped: Counts,
    captures: Captures,
    media: Media,
}

impl Metrics {
    pub(super) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("squelch");
        let mut metrics = Metrics {
            calls_active: Family::default(),
            calls: Counts::default(),
            call_setup: Histogram::new(SETUP),
            mismatches: Counts::default(),
            faults: Counts::default(),
            one_way: Counts::default(),
            session_guard: Counts::default(),
            proxied: Counts::default(),
            disagreements: Counts::default(),
            webhooks: Counts::default(),
            strangers: Counter::default(),
            digest: Counts::default(),
            transfers: Counts::default(),
            infos: Counts::default(),
            sip_messages: Counts::default(),
            sip_retransmissions: Counter::default(),
            sip_dropped: Counts::default(),
            captures: Captures::new(&mut registry),
            media: Media::new(&mut registry),
            registry: Registry::default(),
        };
        let to = &mut registry;
        to.register(
            "calls_active",
            "Calls at present",
            metrics.calls_active.clone(),
        );
        to.register("calls", "Calls that ended", metrics.calls.clone());
        let help = "From INVITE to answer";
        to.register("call_setup_seconds", help, metrics.call_setup.clone());
        let help = "Faults found, by the leg the audio came from";
        to.register("faults", help, metrics.faults.clone());
        let help = "Calls' legs whose media differ from what their SDP agreed on, by what differs";
        to.register("media_mismatches", help, metrics.mismatches.clone());
        let help = "Times that a leg was not heard, or did not hear, by cause";
        to.register("one_way", help, metrics.one_way.clone());
        let help = "Sessions that the session guard judged";
        to.register("session_guard", help, metrics.session_guard.clone());
        let help = "Requests of the application about calls, by what became of them";
        to.register("proxy_requests", help, metrics.proxied.clone());
        let help = "Times that a witness of a call's format disagreed with SIP";
        to.register("witness_disagreements", help, metrics.disagreements.clone());
        let help = "Webhooks, by what became of them";
        to.register("webhooks", help, metrics.webhooks.clone());
        let help = "SIP datagrams and connections from a source in no trunk";
        to.register("sip_strangers", help, metrics.strangers.clone());
        let help = "INVITEs of trunks with credentials, by what theirs were worth";
        to.register("sip_digest", help, metrics.digest.clone());
        let help = "REFERs, by what became of them";
        to.register("sip_transfers", help, metrics.transfers.clone());
        let help = "INFOs, by the leg they came from and what became of them";
        to.register("sip_infos", help, metrics.infos.clone());
        let help = "SIP messages, repeated ones included";
        to.register("sip_messages", help, metrics.sip_messages.clone());
        let help = "SIP messages that squelch sent again";
        to.register(
            "sip_retransmissions",
            help,
            metrics.sip_retransmissions.clone(),
        );
        let help = "SIP messages and connections that were dropped or refused";
        to.register("sip_dropped", help, metrics.sip_dropped.clone());
        metrics.registry = registry;
        metrics
    }

    /// A call was answered.
    pub(super) fn answered(&self, setup: Duration) {
        self.call_setup.observe(setup.as_secs_f64());
    }

    /// A call is over.
    pub(super) fn ended(&self, record: &CallRecord) {
        self.media.ended(record);
    }

    pub(super) fn media_event(&self, event: &MediaEvent) {
        self.media.event(event);
    }

    pub(super) fn media_stats(&mut self, call: CallId, stats: &BridgeStats, last: bool) {
        self.media.stats(call, stats, last);
    }

    pub(super) fn relayed(&self, times: &[Duration]) {
        self.media.relayed(times);
    }

    /// All of it in the text format.
    pub(super) fn text(
        &self,
        gateway: &Gateway,
        lost: &Arc<Lost>,
        captures: Option<&Arc<CaptureCounts>>,
    ) -> String {
        self.copy_calls(gateway);
        self.copy_sip(gateway.sip_counters(), lost);
        self.media.copy();
        self.captures.copy(captures);
        let mut text = String::new();
        if text::encode(&mut text, &self.registry).is_err() {
            tracing::error!("metrics could not be written");
        }
        text
    }

    fn copy_calls(&self, gateway: &Gateway) {
        let counters = gateway.counters();
        let trunks: Vec<String> = gateway
            .config()
            .trunks
            .iter()
            .map(|t| t.name.clone())
            .collect();
        for (number, name) in trunks.iter().enumerate() {
            let active = counters.active.get(&number).copied().unwrap_or(0);
            let labels = vec![("trunk", name.clone())];
            self.calls_active
                .get_or_create(&labels)
                .set(i64::from(active));
        }
        for ((trunk, reason), count) in &counters.ended {
            let name = trunks.get(*trunk).cloned().unwrap_or_default();
            let labels = vec![
                ("trunk", name),
                ("result", reason.result().name().to_owned()),
                ("reason", reason.name().to_owned()),
            ];
            set(&self.calls, labels, *count);
        }
        for ((leg, fault), count) in &counters.faults {
            set(
                &self.faults,
                labels([("leg", leg), ("fault", fault)]),
                *count,
            );
        }
        for ((leg, what), count) in &counters.mismatches {
            let labels = labels([("leg", leg), ("what", what)]);
            set(&self.mismatches, labels, *count);
        }
        for ((leg, cause), count) in &counters.one_way {
            let labels = labels([("leg", leg), ("cause", cause)]);
            set(&self.one_way, labels, *count);
        }
        for ((event, verdict), count) in &counters.session_guard {
            let labels = labels([("event", event), ("verdict", verdict)]);
            set(&self.session_guard, labels, *count);
        }
        for ((operation, verdict), count) in &counters.proxied {
            let labels = labels([("operation", operation), ("verdict", verdict)]);
            set(&self.proxied, labels, *count);
        }
        for (witness, count) in &counters.disagreements {
            set(&self.disagreements, labels([("witness", witness)]), *count);
        }
        for (verdict, count) in &counters.webhooks {
            set(&self.webhooks, labels([("verdict", verdict)]), *count);
        }
        for ((trunk, verdict), count) in &counters.digest {
            let name = trunks.get(*trunk).cloned().unwrap_or_default();
            let labels = vec![("trunk", name), ("verdict", verdict.name().to_owned())];
            set(&self.digest, labels, *count);
        }
        for ((trunk, verdict), count) in &counters.transfers {
            let name = trunks.get(*trunk).cloned().unwrap_or_default();
            let labels = vec![("trunk", name), ("verdict", (*verdict).to_owned())];
            set(&self.transfers, labels, *count);
        }
        for ((leg, verdict), count) in &counters.infos {
            let labels = labels([("leg", leg), ("verdict", verdict)]);
            set(&self.infos, labels, *count);
        }
        let strangers = self.strangers.inner();
        strangers.store(counters.strangers, Ordering::Relaxed);
    }

    fn copy_sip(&self, sip: &squelch_sip::Counters, lost: &Lost) {
        let received = sip.requests_received + sip.responses_received;
        for (direction, count) in [("received", received), ("sent", sip.messages_sent)] {
            set(
                &self.sip_messages,
                labels([("direction", direction)]),
                count,
            );
        }
        let repeated = self.sip_retransmissions.inner();
        repeated.store(sip.retransmissions, Ordering::Relaxed);
        for (reason, count) in [
            ("malformed", sip.dropped_malformed),
            ("refused_malformed", sip.refused_malformed),
            ("stray_response", sip.dropped_stray_responses),
            ("stray_ack", sip.dropped_stray_acks),
            ("unknown_dialog", sip.refused_unknown_dialog),
            ("overload", sip.refused_overload),
            ("connections", sip.refused_connections + lost.refused()),
            ("queue_full", lost.arrivals()),
            ("not_sent", lost.datagrams_out()),
            ("peer_not_reading", lost.connections()),
        ] {
            set(&self.sip_dropped, labels([("reason", reason)]), count);
        }
    }
}

fn labels<const N: usize>(pairs: [(&'static str, &str); N]) -> Labels {
    pairs
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}

/// Copies a total that is counted elsewhere.
fn set(family: &Counts, labels: Labels, value: u64) {
    let counter = family.get_or_create(&labels);
    counter.inner().store(value, Ordering::Relaxed);
}

/// Seconds from INVITE to answer: OpenAI waits for an accept, carriers give up after a minute.
const SETUP: [f64; 10] = [0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0, 10.0, 20.0, 60.0];
