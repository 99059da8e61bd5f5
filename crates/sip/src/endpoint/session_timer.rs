//! Session timers (RFC 4028): a call whose peer has vanished without a BYE does not live for ever.

use std::time::{Duration, Instant};

use crate::command::Reason;
use crate::dialog::State;
use crate::event::{EndCause, Event};
use crate::message::{
    self, Headers, Method, Refresher, Request, Response, SessionExpires, parse_min_se,
};
use crate::schedule::Owner;
use crate::timers::Timer;

use super::checks::Refused;
use super::client::ClientUser;
use super::compose::ALLOW;
use super::{DialogId, Endpoint};

/// The shortest interval taken, and the least any may ask for (RFC 4028 section 5).
pub(crate) const MIN_SE: Duration = Duration::from_secs(90);

/// How long before the end the one that does not refresh gives up: 32 s or a third of the
/// interval, whichever is less (RFC 4028 section 10).
const GIVE_UP_BEFORE: Duration = Duration::from_secs(32);

/// After a refresh that failed for another cause than the peer's not knowing the call.
const REFRESH_AGAIN: Duration = Duration::from_secs(10);

/// How long a dialog's session lives without a refresh.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// What our user would like.
    wish: Option<Duration>,
    /// The shortest interval that the peer, or a proxy between, has asked for.
    least: Duration,
    /// What both sides settled.
    settled: Option<Settled>,
    /// The peer's Allow names UPDATE.
    by_update: bool,
    /// The peer's Allow names INFO, where it said Allow at all.
    takes_info: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Settled {
    interval: Duration,
    we_refresh: bool,
}

impl Session {
    /// Takes in what the peer says it can.
    pub(crate) fn hear(&mut self, headers: &Headers) {
        if headers.get("Allow").is_some() {
            self.by_update = message::names(headers, "Allow", "UPDATE");
            self.takes_info = Some(message::names(headers, "Allow", "INFO"));
        }
        if let Some(least) = headers.get("Min-SE").and_then(parse_min_se) {
            self.least = least;
        }
    }
}

impl Endpoint {
    /// Whether the peer's Allow names INFO; `None` where it said nothing of methods, or is not known.
    pub fn takes_info(&self, dialog: DialogId) -> Option<bool> {
        self.dialogs.get(&dialog)?.session.takes_info
    }

    /// Says how long this dialog's session shall live without a refresh. What comes of it is
    /// settled with the peer: never longer than it asks for, never shorter than it, or RFC 4028's
    /// 90 s, allow. Takes effect with the next answer.
    pub fn keep_alive(&mut self, dialog: DialogId, interval: Duration) {
        if let Some(dialog) = self.dialogs.get_mut(&dialog) {
            dialog.session.wish = Some(interval.max(MIN_SE));
        }
    }

    /// As caller: offers a timer in our INVITE.
    pub(crate) fn offer_session_timer(
        &mut self,
        id: DialogId,
        interval: Duration,
        headers: &mut Headers,
    ) {
        self.keep_alive(id, interval);
        headers.remove("Supported");
        headers.set("Supported", message::SUPPORTED.join(", "));
        let wanted = SessionExpires {
            interval: interval.max(MIN_SE),
            refresher: None,
        };
        headers.set("Session-Expires", wanted.to_string());
    }

    /// Puts what is settled into a request of ours that refreshes.
    pub(crate) fn add_session_timer(&self, id: DialogId, headers: &mut Headers) {
        let Some(session) = self.dialogs.get(&id).map(|dialog| &dialog.session) else {
            return;
        };
        let Some(interval) = session.settled.map(|s| s.interval).or(session.wish) else {
            return;
        };
        let wanted = SessionExpires {
            interval: interval.max(session.least),
            refresher: Some(Refresher::Uac),
        };
        headers.set("Session-Expires", wanted.to_string());
        if session.least > MIN_SE {
            headers.set("Min-SE", session.least.as_secs().to_string());
        }
    }

    /// As callee: settles the session with a request, in our 2xx to it (section 9).
    pub(crate) fn settle_session(
        &mut self,
        now: Instant,
        id: DialogId,
        request: &Headers,
        response: &mut Response,
    ) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let asked = request
            .get("Session-Expires")
            .and_then(SessionExpires::parse);
        let least = request.get("Min-SE").and_then(parse_min_se);
        let least = least.unwrap_or(MIN_SE).max(MIN_SE);
        let knows = [("Supported"), ("Require")]
            .iter()
            .any(|header| message::names(request, header, message::TIMER));
        let interval = match (asked, dialog.session.wish) {
            (Some(asked), Some(wish)) => asked.interval.min(wish).max(least),
            (Some(asked), None) => asked.interval.max(least),
            (None, Some(wish)) => wish.max(least),
            (None, None) => return self.forget_session(id),
        };
        // Table 2: the peer's word counts; without one, whoever can.
        let refresher = match asked.and_then(|asked| asked.refresher) {
            Some(refresher) if knows => refresher,
            None if knows => Refresher::Uac,
            _ => Refresher::Uas,
        };
        dialog.session.least = least;
        let settled = SessionExpires {
            interval,
            refresher: Some(refresher),
        };
        response.headers.set("Session-Expires", settled.to_string());
        if refresher == Refresher::Uac {
            response.headers.set("Require", message::TIMER);
        }
        let we_refresh = refresher == Refresher::Uas;
        self.start_session(
            now,
            id,
            Settled {
                interval,
                we_refresh,
            },
        );
    }

    /// As caller: takes in what the peer settled in its 2xx to a request of ours (section 7.2).
    pub(crate) fn take_session(&mut self, now: Instant, id: DialogId, response: &Headers) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        dialog.session.hear(response);
        let said = response
            .get("Session-Expires")
            .and_then(SessionExpires::parse);
        let settled = match (said, dialog.session.settled, dialog.session.wish) {
            (Some(said), ..) => Settled {
                interval: said.interval.max(MIN_SE),
                we_refresh: said.refresher != Some(Refresher::Uas),
            },
            // The peer knows nothing of timers: we alone keep to it.
            (None, Some(before), _) => Settled {
                we_refresh: true,
                ..before
            },
            (None, None, Some(interval)) => Settled {
                interval,
                we_refresh: true,
            },
            (None, None, None) => return,
        };
        self.start_session(now, id, settled);
    }

    fn start_session(&mut self, now: Instant, id: DialogId, settled: Settled) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        dialog.session.settled = Some(settled);
        let Settled {
            interval,
            we_refresh,
        } = settled;
        if we_refresh {
            self.set_timer(now, Owner::Dialog(id), Timer::Refresh, interval / 2);
            self.set_timer(now, Owner::Dialog(id), Timer::SessionExpired, interval);
        } else {
            self.schedule.clear(Owner::Dialog(id), Timer::Refresh);
            let end = interval - GIVE_UP_BEFORE.min(interval / 3);
            self.set_timer(now, Owner::Dialog(id), Timer::SessionExpired, end);
        }
    }

    fn forget_session(&mut self, id: DialogId) {
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.session.settled = None;
        }
        self.schedule.clear(Owner::Dialog(id), Timer::Refresh);
        self.schedule
            .clear(Owner::Dialog(id), Timer::SessionExpired);
    }

    /// It is ours to refresh, and time: by UPDATE, or the user's re-INVITE.
    pub(crate) fn refresh(&mut self, now: Instant, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        if !matches!(dialog.state, State::Confirmed) || dialog.session.settled.is_none() {
            return;
        }
        if !dialog.session.by_update {
            // Where the user cannot, or does not, it is asked again.
            self.set_timer(now, Owner::Dialog(id), Timer::Refresh, REFRESH_AGAIN);
            return self.event(Event::RefreshDue { dialog: id });
        }
        let cseq = dialog.next_cseq();
        let Ok(flow) = self.dialog_flow(now, id) else {
            return self.refreshed(now, id, 503, &Headers::default());
        };
        let branch = self.random.branch();
        let Some(mut update) = self.dialog_request(id, Method::UPDATE, cseq, flow, &branch) else {
            return;
        };
        self.add_contact(id, &mut update.headers);
        update.headers.set("Allow", ALLOW);
        update
            .headers
            .set("Supported", message::SUPPORTED.join(", "));
        self.add_session_timer(id, &mut update.headers);
        self.start_client(now, update, &branch, flow, ClientUser::Refresh(id));
    }

    /// What came of a refresh (section 10).
    pub(crate) fn refreshed(&mut self, now: Instant, id: DialogId, status: u16, headers: &Headers) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        if dialog.session.settled.is_none() || !matches!(dialog.state, State::Confirmed) {
            return;
        }
        let again = match status {
            200..=299 => return self.take_session(now, id, headers),
            408 | 481 => return self.expire_session(now, id),
            405 | 501 => {
                dialog.session.by_update = false;
                Duration::ZERO
            }
            422 => {
                let least = headers.get("Min-SE").and_then(parse_min_se);
                match least.filter(|least| *least > dialog.session.least) {
                    Some(least) => {
                        dialog.session.least = least;
                        Duration::ZERO
                    }
                    None => REFRESH_AGAIN,
                }
            }
            491 => {
                let ours = dialog.is_caller;
                self.random.after_glare(ours)
            }
            _ => REFRESH_AGAIN,
        };
        self.set_timer(now, Owner::Dialog(id), Timer::Refresh, again);
    }

    pub(crate) fn expire_session(&mut self, now: Instant, id: DialogId) {
        if !self.dialogs.contains_key(&id) {
            return;
        }
        let reason = Reason {
            protocol: "SIP".into(),
            cause: 408,
            text: Some("session expired".into()),
        };
        self.send_bye(now, id, Some(reason), ClientUser::Nobody);
        self.end_dialog(id, EndCause::SessionExpired);
    }
}

/// 422 for a session that short, where the peer would understand it (section 9).
pub(crate) fn check_session_interval(request: &Request) -> Result<(), Refused> {
    if request.method != Method::INVITE && request.method != Method::UPDATE {
        return Ok(());
    }
    let headers = &request.headers;
    let knows = ["Supported", "Require"]
        .iter()
        .any(|header| message::names(headers, header, message::TIMER));
    let asked = headers
        .get("Session-Expires")
        .and_then(SessionExpires::parse);
    match asked {
        Some(asked) if knows && asked.interval < MIN_SE => Err(Refused::SessionInterval),
        _ => Ok(()),
    }
}
