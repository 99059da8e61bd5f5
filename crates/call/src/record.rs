//! Call records: one JSON line a call.

use crate::termination::EndReason;
use serde::Serialize;
use squelch_media::{Format, LegStats, MediaPlan, Side};
use squelch_sip::Uri;
use std::time::{Duration, Instant, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Events kept for one call. What is over it is dropped; faults come in tens at most.
const MAX_EVENTS: usize = 200;

/// One call, from INVITE to end, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallRecord {
    /// Random, the call's own.
    pub id: String,
    /// The trunk's name.
    pub trunk: String,
    /// What OpenAI called it, as far as known.
    pub openai_call_ids: Vec<String>,
    /// The caller, masked.
    pub from: String,
    /// The called number, masked.
    pub to: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub answered_at: Option<String>,
    /// RFC 3339.
    pub ended_at: String,
    /// `completed`, `rejected`, `failed`, `interrupted`.
    pub result: &'static str,
    /// One of [`EndReason`]'s names.
    pub reason: &'static str,
    /// What the guard did.
    pub guard: GuardRecord,
    /// What happened, in order.
    pub events: Vec<EventRecord>,
    /// The legs.
    pub legs: LegsRecord,
}

/// The guard's part of a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GuardRecord {
    /// Faults found, by name, in order.
    pub faults: Vec<&'static str>,
    /// **Units**: milliseconds.
    pub muted_ms: u64,
    /// **Units**: milliseconds.
    pub repaired_ms: u64,
    /// Sessions mended.
    pub session_mended: u32,
}

/// One event of a record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventRecord {
    /// Since the INVITE. **Units**: milliseconds.
    pub at_ms: u64,
    /// Its kind.
    pub event: &'static str,
    /// For people.
    pub detail: String,
}

/// Both legs' part of a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LegsRecord {
    /// Towards the carrier.
    pub carrier: LegRecord,
    /// Towards OpenAI.
    pub openai: LegRecord,
}

/// A leg's part of a record: what came from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LegRecord {
    /// `pcmu` or `pcma`, once negotiated.
    pub format: Option<&'static str>,
    /// Whether its media were encrypted.
    pub srtp: bool,
    /// Packets received.
    pub packets: u64,
    /// Packets lost.
    pub lost: u64,
    /// The mean interarrival jitter. **Units**: milliseconds.
    pub jitter_ms: f64,
    /// By the E-model, over the call; `null` before the first packet.
    pub mos: Option<f64>,
    /// Its last second; `null` before the first.
    pub recent: Option<RecentRecord>,
    /// G.107's burst ratio of the losses: 1 where they fell by chance.
    pub burst_ratio: f64,
    /// The mean round-trip time, by RTCP. **Units**: milliseconds.
    pub round_trip_ms: Option<f64>,
    /// How the peer says it receives what squelch sends, once its reports do.
    pub peer: Option<PeerRecord>,
    /// Why the leg was not heard, or did not hear, each cause once, in order.
    pub one_way: Vec<&'static str>,
}

/// A leg's last second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecentRecord {
    /// Packets lost, as a fraction.
    pub loss: f64,
    /// **Units**: milliseconds.
    pub jitter_ms: f64,
    /// By the E-model; `null` where no packet was due.
    pub mos: Option<f64>,
}

/// What a peer says of the packets sent to it (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeerRecord {
    /// Packets lost on the way to it.
    pub lost: u64,
    /// The part lost since its report before.
    pub loss: f64,
    /// **Units**: milliseconds.
    pub jitter_ms: f64,
    /// By its own VoIP metrics (RFC 3611), if it sends any.
    pub mos: Option<f64>,
}

impl LegRecord {
    pub(crate) fn new(
        plan: Option<&MediaPlan>,
        side: Side,
        stats: &LegStats,
        one_way: &[&'static str],
    ) -> LegRecord {
        let hundredths = |value: f64| (value * 100.0).round() / 100.0;
        let ms = |span: Duration| hundredths(span.as_secs_f64() * 1_000.0);
        let metrics = stats.rtcp.peer_metrics;
        let recent = &stats.recent;
        LegRecord {
            format: plan.map(|plan| Format::name(plan.leg(side).format)),
            srtp: plan.is_some_and(|plan| plan.leg(side).srtp.is_some()),
            packets: stats.packets,
            lost: stats.lost,
            jitter_ms: ms(stats.mean_jitter),
            mos: (stats.packets > 0).then(|| hundredths(stats.mos)),
            recent: (stats.packets > 0).then(|| RecentRecord {
                loss: hundredths(recent.loss),
                jitter_ms: ms(recent.jitter),
                mos: recent.mos.map(hundredths),
            }),
            burst_ratio: hundredths(stats.bursts.ratio),
            round_trip_ms: stats.rtcp.mean_round_trip().map(ms),
            peer: stats.rtcp.peer.map(|peer| PeerRecord {
                lost: peer.lost,
                loss: hundredths(peer.loss),
                jitter_ms: ms(peer.jitter),
                mos: metrics.and_then(|m| Some(f64::from(m.mos_cq.or(m.mos_lq)?) / 10.0)),
            }),
            one_way: one_way.to_vec(),
        }
    }
}

/// What a call writes down while it lives.
#[derive(Debug, Clone)]
pub(crate) struct Diary {
    pub(crate) started: Instant,
    pub(crate) started_wall: SystemTime,
    pub(crate) answered_wall: Option<SystemTime>,
    pub(crate) events: Vec<EventRecord>,
    pub(crate) faults: Vec<&'static str>,
    /// Causes of one-way audio, the carrier's leg first.
    pub(crate) one_way: [Vec<&'static str>; Side::ALL.len()],
}

impl Diary {
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Diary {
        Diary {
            started: now,
            started_wall: wall,
            answered_wall: None,
            events: Vec::new(),
            faults: Vec::new(),
            one_way: [Vec::new(), Vec::new()],
        }
    }

    pub(crate) fn one_way(&self, side: Side) -> &[&'static str] {
        let [carrier, openai] = &self.one_way;
        match side {
            Side::Carrier => carrier,
            Side::Openai => openai,
        }
    }

    pub(crate) fn one_way_mut(&mut self, side: Side) -> &mut Vec<&'static str> {
        let [carrier, openai] = &mut self.one_way;
        match side {
            Side::Carrier => carrier,
            Side::Openai => openai,
        }
    }

    pub(crate) fn note(&mut self, now: Instant, event: &'static str, detail: impl Into<String>) {
        if self.events.len() < MAX_EVENTS {
            let at_ms = now.saturating_duration_since(self.started).as_millis() as u64;
            self.events.push(EventRecord {
                at_ms,
                event,
                detail: detail.into(),
            });
        }
    }

    pub(crate) fn ended_wall(&self, now: Instant) -> SystemTime {
        // From the start and the steady clock: a jump of the wall clock changes no call's length.
        self.started_wall + now.saturating_duration_since(self.started)
    }
}

/// A date as RFC 3339 in UTC, to the millisecond.
pub(crate) fn rfc3339(wall: SystemTime) -> String {
    let since = wall
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let nanos = i128::try_from(since.as_millis()).unwrap_or(0) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// A caller or called party with its middle masked: `+1555***4567`.
pub(crate) fn masked(uri: &Uri) -> String {
    let text = uri.to_string();
    let user = uri
        .user()
        .map_or_else(|| text.trim_start_matches("tel:").to_owned(), str::to_owned);
    let characters: Vec<char> = user.chars().filter(|c| !c.is_control()).collect();
    let count = characters.len();
    if count < 8 {
        return "***".into();
    }
    let (head, tail) = (count.min(12) - 7, 4);
    let text = |part: &[char]| part.iter().collect::<String>();
    format!(
        "{}***{}",
        text(characters.get(..head).unwrap_or_default()),
        text(characters.get(count - tail..).unwrap_or_default())
    )
}

impl CallRecord {
    /// The reason and its result, as the record names them.
    pub(crate) fn ending(reason: EndReason) -> (&'static str, &'static str) {
        (reason.result().name(), reason.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_as_the_contract_shows() {
        let masked = |text| masked(&Uri::parse(text).unwrap());
        assert_eq!(masked("sip:+15551234567@carrier.example"), "+1555***4567");
        assert_eq!(masked("sip:100@carrier.example"), "***");
        assert_eq!(masked("tel:+15551234567"), "+1555***4567");
    }

    #[test]
    fn dates_are_rfc_3339() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_750_287_078_250);
        assert_eq!(rfc3339(wall), "2025-06-18T22:51:18.25Z");
    }
}
