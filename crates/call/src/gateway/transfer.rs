//! Transfers: OpenAI's REFER goes to the carrier, how it goes on comes back (RFC 3515).
//!
//! ```text
//! REFER of OpenAI's, allowed -> Asked -> Taken -> Done -> the call ends as `transferred`
//!                                 |        |
//!                                 +--------+---> refused, failed or too late: the call goes on
//! ```
//!
//! OpenAI has been seen to hang up right after its REFER. The carrier's leg then stays until the transfer is through.

use super::{Clock, Gateway};
use crate::call::{Call, State};
use crate::io::{CallId, Output};
use crate::record::masked;
use crate::termination::EndReason;
use crate::timers::Timer;
use crate::transfer::{Progress, Target, Transfer as Policy};
use squelch_media::{Direction, Side};
use squelch_sip::{
    Body, DialogId, DialogMethod, Headers, NameAddr, OutgoingRequest, RequestId, Response, Uri,
};
use std::time::Duration;

/// How long a carrier that has told of success may take for its BYE; then we send ours. RFC 5589 section 6.1 leaves
/// it to either.
const AFTER_SUCCESS: Duration = Duration::from_secs(5);

/// A transfer under way.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// Our REFER, and its number once the carrier has answered it.
    request: RequestId,
    cseq: Option<u32>,
    stage: Stage,
}

/// What a transfer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The carrier's answer to our REFER, or its first NOTIFY.
    Asked,
    /// Success or failure.
    Taken,
    /// The carrier's BYE.
    Done,
}

/// OpenAI's subscription to how its REFER goes on.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// The REFER's number, where NOTIFYs must name it.
    id: Option<u32>,
    /// What it lives from now.
    expires: Duration,
    /// The NOTIFY that waits for its answer. One at a time, so that none overtakes another.
    telling: Option<RequestId>,
    /// What is told next.
    untold: Option<News>,
    /// What was told last.
    told: u16,
}

/// What a NOTIFY of ours says.
#[derive(Debug, Clone, Copy)]
struct News {
    status: u16,
    /// Why nothing follows, if so (RFC 6665 section 4.1.3).
    last: Option<&'static str>,
}

impl News {
    fn more(status: u16) -> News {
        News { status, last: None }
    }

    fn last(status: u16) -> News {
        News {
            status,
            last: Some("noresource"),
        }
    }
}

/// Why a REFER is refused.
struct Declined {
    status: u16,
    why: &'static str,
}

impl Gateway {
    /// REFER of either peer.
    pub(super) fn refer(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        headers: &Headers,
    ) {
        let Some((id, side)) = self.dialogs.get(&dialog).copied() else {
            return self.respond(clock, request, 481);
        };
        let checked = match side {
            // Whom OpenAI talks to is not the caller's to choose.
            Side::Carrier => Err(Declined {
                status: 603,
                why: "the carrier asked for it",
            }),
            Side::Openai => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.openai.refers += 1;
                }
                self.check_refer(id, headers)
            }
        };
        match checked {
            Ok(target) => self.transfer(clock, id, request, headers, &target),
            Err(Declined { status, why }) => {
                self.count_transfer(id, "declined");
                let detail = format!("from the {} leg, {status}: {why}", side.name());
                self.note(clock, id, "transfer_declined", detail);
                self.respond(clock, request, status);
            }
        }
    }

    fn check_refer(&self, id: CallId, headers: &Headers) -> Result<Target, Declined> {
        let no = |status, why| Err(Declined { status, why });
        let Some(call) = self.calls.get(&id) else {
            return no(481, "the call is over");
        };
        let trunk = self.config.trunks.get(call.trunk);
        let Some((trunk, Policy::Numbers(_))) = trunk.map(|trunk| (trunk, &trunk.transfer)) else {
            return no(603, "the trunk's transfer says \"refuse\"");
        };
        let target = match Target::read(headers, &trunk.sources) {
            Ok(target) => target,
            Err(unfit) => return no(unfit.status(), unfit.text()),
        };
        if !trunk.transfer.allows(&target.number) {
            return no(603, "the number is none of the trunk's transfer");
        }
        if !matches!(call.state, State::Bridged) || !call.carrier.answered || call.carrier.gone {
            return no(603, "the call is not up");
        }
        // Not for ever, as 603 would say: it may be asked again when the first has failed.
        if call.transfer.is_some() || call.openai.subscription.is_some() {
            return no(491, "another transfer is under way");
        }
        Ok(target)
    }

    /// Takes a REFER of OpenAI's and hands it to the carrier.
    fn transfer(
        &mut self,
        clock: Clock,
        id: CallId,
        request: RequestId,
        headers: &Headers,
        target: &Target,
    ) {
        let Some(call) = self.calls.get(&id) else {
            return self.respond(clock, request, 481);
        };
        let carrier = call.carrier.dialog;
        let host = self.config.listeners.first();
        let host = host.map_or("anonymous.invalid", |listener| {
            listener.advertised_host.as_str()
        });
        let referrer = NameAddr::new(Uri::sip(call.carrier.called.as_deref(), host, None));
        let refer = OutgoingRequest {
            method: DialogMethod::Refer,
            headers: vec![
                ("Refer-To".into(), target.refer_to()),
                ("Referred-By".into(), referrer.to_string()),
            ],
            body: None,
        };
        let Some(sent) = self.endpoint.request(clock.now, carrier, refer) else {
            return self.respond(clock, request, 603);
        };
        let wants_none = headers
            .get("Refer-Sub")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        let mut taken = Response {
            status: 202,
            ..Response::default()
        };
        if wants_none {
            taken.headers.push(("Refer-Sub".into(), "false".into()));
        }
        self.endpoint.respond(clock.now, request, taken);
        let expires = self.config.limits.ring;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let detail = masked(&Uri::sip(Some(target.number.as_str()), host, None));
        call.diary.note(clock.now, "transfer_asked", detail);
        call.transfer = Some(Transfer {
            request: sent,
            cseq: None,
            stage: Stage::Asked,
        });
        // RFC 3515 section 2.4.6: from the second on they are told apart.
        let id_of_it = cseq(headers).filter(|_| call.openai.refers > 1);
        call.openai.subscription = (!wants_none).then_some(Subscription {
            id: id_of_it,
            expires,
            telling: None,
            untold: None,
            told: 100,
        });
        self.timers.set(id, Timer::Transfer, clock.now + expires);
        self.tell(clock, id, News::more(100));
    }

    /// The carrier's answer to our REFER.
    pub(super) fn refer_answered(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        status: u16,
        headers: &Headers,
    ) {
        let Some((id, Side::Carrier)) = self.dialogs.get(&dialog).copied() else {
            return;
        };
        let call = self.calls.get_mut(&id);
        let Some((call, transfer)) = call.and_then(|call| {
            let transfer = call.transfer.take_if(|known| known.request == request)?;
            Some((call, transfer))
        }) else {
            return;
        };
        if !(200..=299).contains(&status) {
            return self.transfer_failed(clock, id, News::last(status));
        }
        let stage = match transfer.stage {
            Stage::Asked => Stage::Taken,
            further => further,
        };
        call.transfer = Some(Transfer {
            cseq: cseq(headers),
            stage,
            ..transfer
        });
        call.diary
            .note(clock.now, "transfer_taken", format!("{status}"));
    }

    /// NOTIFY of either peer.
    pub(super) fn notified(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        headers: &Headers,
        body: Option<&Body>,
    ) {
        let known = self.dialogs.get(&dialog).copied();
        let id = known.and_then(|(id, side)| (side == Side::Carrier).then_some(id));
        let transfer = id.and_then(|id| self.calls.get_mut(&id)?.transfer.as_mut());
        let (Some(id), Some(transfer)) = (id, transfer) else {
            // Nothing was asked for, or not any more (RFC 6665 section 4.1.3).
            return self.respond(clock, request, 481);
        };
        let event = headers.get("Event").unwrap_or_default();
        let (package, params) = event.split_once(';').unwrap_or((event, ""));
        if !package.trim().eq_ignore_ascii_case("refer") {
            let refused = Response {
                status: 489,
                headers: vec![("Allow-Events".into(), "refer".into())],
                body: None,
            };
            return self.endpoint.respond(clock.now, request, refused);
        }
        let number = params.split(';').find_map(|param| {
            let (name, value) = param.split_once('=')?;
            let named = name.trim().eq_ignore_ascii_case("id");
            named.then(|| value.trim().parse::<u32>().ok())
        });
        if let (Some(number), Some(_)) = (number, transfer.cseq)
            && number != transfer.cseq
        {
            return self.respond(clock, request, 481);
        }
        let progress = match Progress::read(headers, body) {
            Ok(progress) => progress,
            Err(status) => return self.respond(clock, request, status),
        };
        let was_done = transfer.stage == Stage::Done;
        if !was_done {
            transfer.stage = Stage::Taken;
        }
        self.respond(clock, request, 200);
        if !was_done {
            self.transfer_goes_on(clock, id, progress);
        }
    }

    fn transfer_goes_on(&mut self, clock: Clock, id: CallId, progress: Progress) {
        match progress.status {
            Some(status @ 300..) => self.transfer_failed(clock, id, News::last(status)),
            Some(status @ 200..) => {
                self.note(clock, id, "transfer_done", status.to_string());
                if let Some(transfer) = self.calls.get_mut(&id).and_then(|c| c.transfer.as_mut()) {
                    transfer.stage = Stage::Done;
                }
                self.tell(clock, id, News::last(status));
                self.timers
                    .set(id, Timer::Transfer, clock.now + AFTER_SUCCESS);
            }
            // Some carriers follow their call no further than this. Their BYE tells that it came through.
            status if progress.last => {
                let told = self.subscription(id).map_or(100, |known| known.told);
                self.tell(clock, id, News::last(status.unwrap_or(told)));
            }
            Some(status) => self.tell(clock, id, News::more(status)),
            None => {}
        }
    }

    /// The call goes on, if there is anybody left to hold it.
    fn transfer_failed(&mut self, clock: Clock, id: CallId, news: News) {
        self.timers.clear(id, Timer::Transfer);
        self.count_transfer(id, "failed");
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.transfer = None;
        call.diary
            .note(clock.now, "transfer_failed", news.status.to_string());
        if call.openai.dialog.is_none() {
            return self.end(clock, id, EndReason::OpenaiHangup);
        }
        self.tell(clock, id, news);
    }

    /// It took too long: the target's ringing, or the carrier's BYE after success.
    pub(super) fn transfer_over(&mut self, clock: Clock, id: CallId) {
        let stage = self.calls.get(&id).and_then(|call| call.transfer.as_ref());
        match stage.map(|transfer| transfer.stage) {
            Some(Stage::Done) => self.end(clock, id, EndReason::Transferred),
            Some(Stage::Asked | Stage::Taken) => {
                let news = News {
                    status: 408,
                    last: Some("timeout"),
                };
                self.transfer_failed(clock, id, news);
            }
            None => {}
        }
    }

    /// OpenAI has hung up. Whether the carrier's leg stays, for the transfer that it asked for just before.
    pub(super) fn stays_for_transfer(&mut self, clock: Clock, id: CallId) -> bool {
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        call.openai.subscription = None;
        let stage = call.transfer.as_ref().map(|transfer| transfer.stage);
        let (Some(Stage::Asked | Stage::Taken), Some(plan)) = (stage, &mut call.plan) else {
            return false;
        };
        // Nobody is there to send to, and no packet is due.
        plan.openai.direction = Direction::Inactive;
        let plan = plan.clone();
        let detail = "openai has hung up, the carrier is waited for";
        call.diary.note(clock.now, "transfer_waits", detail);
        self.outputs
            .push_back(Output::UpdateMedia { call: id, plan });
        true
    }

    /// What a call ends for when its subscription is still open: OpenAI hears the end before the BYE.
    pub(super) fn end_transfer(&mut self, clock: Clock, id: CallId, ending: EndReason) {
        if ending == EndReason::Transferred {
            self.count_transfer(id, "transferred");
        }
        let Some(known) = self.subscription(id) else {
            return;
        };
        known.telling = None;
        let status = known.untold.take().map_or(known.told, |news| news.status);
        self.tell(clock, id, News::last(status));
    }

    /// The answer to a NOTIFY of ours.
    pub(super) fn news_heard(
        &mut self,
        clock: Clock,
        dialog: DialogId,
        request: RequestId,
        status: u16,
    ) {
        let Some((id, Side::Openai)) = self.dialogs.get(&dialog).copied() else {
            return;
        };
        let Some(known) = self.subscription(id) else {
            return;
        };
        if known.telling.take_if(|sent| *sent == request).is_none() {
            return;
        }
        match known.untold.take() {
            // RFC 6665 section 4.2.2: nobody wants to know any more.
            _ if status >= 300 => self.unsubscribe(id),
            Some(news) => self.tell(clock, id, news),
            None => {}
        }
    }

    /// NOTIFY to OpenAI; while one is on its way the newest waits.
    fn tell(&mut self, clock: Clock, id: CallId, news: News) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (Some(dialog), Some(known)) = (call.openai.dialog, &mut call.openai.subscription)
        else {
            return;
        };
        if known.telling.is_some() {
            known.untold = Some(news);
            return;
        }
        let event = match known.id {
            Some(id) => format!("refer;id={id}"),
            None => "refer".to_owned(),
        };
        let state = match news.last {
            Some(reason) => format!("terminated;reason={reason}"),
            None => format!("active;expires={}", known.expires.as_secs()),
        };
        let words = squelch_sip::message::phrase(news.status);
        let notify = OutgoingRequest {
            method: DialogMethod::Notify,
            headers: vec![
                ("Event".into(), event),
                ("Subscription-State".into(), state),
            ],
            body: Some(Body {
                content_type: "message/sipfrag;version=2.0".into(),
                bytes: format!("SIP/2.0 {} {words}\r\n", news.status).into(),
            }),
        };
        known.told = news.status;
        known.telling = self.endpoint.request(clock.now, dialog, notify);
        if news.last.is_some() {
            self.unsubscribe(id);
        }
    }

    fn subscription(&mut self, id: CallId) -> Option<&mut Subscription> {
        self.calls.get_mut(&id)?.openai.subscription.as_mut()
    }

    fn unsubscribe(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.openai.subscription = None;
        }
    }

    fn count_transfer(&mut self, id: CallId, verdict: &'static str) {
        if let Some(call) = self.calls.get(&id) {
            let key = (call.trunk, verdict);
            *self.counters.transfers.entry(key).or_default() += 1;
        }
    }
}

/// What a carrier's BYE means: the transfer came through where it had taken it, whatever it told of it since.
pub(super) fn ending_of(call: &Call) -> EndReason {
    let stage = call.transfer.as_ref().map(|transfer| transfer.stage);
    match stage {
        Some(Stage::Taken | Stage::Done) => EndReason::Transferred,
        Some(Stage::Asked) | None => EndReason::CarrierHangup,
    }
}

/// A message's number (RFC 3261 section 20.16).
fn cseq(headers: &Headers) -> Option<u32> {
    headers.get("CSeq")?.split_whitespace().next()?.parse().ok()
}
