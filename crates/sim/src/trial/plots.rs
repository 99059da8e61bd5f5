//! The table of all stories.

use squelch_call::EndReason::*;

use super::plot::{Act, Api, Cue, Limit, Mark, Media, Offer, Plot};

const fn after(mark: Mark, least: u32, most: u32, act: Act) -> Cue {
    Cue {
        mark,
        least,
        most,
        act,
    }
}

const RING: Cue = after(Mark::Invited, 0, 300, Act::Ring);
const ANSWER: Cue = after(Mark::Admitted, 0, 2_000, Act::Answer);
const ANSWERS: &[Cue] = &[RING, ANSWER];
const HANG_UP: Cue = after(Mark::Up, 0, 20_000, Act::HangUp);
const HANGS_UP: &[Cue] = &[HANG_UP];
const LATER: Cue = after(Mark::Up, 15_000, 25_000, Act::HangUp);
const LONG: &[Cue] = &[after(Mark::Up, 60_000, 200_000, Act::HangUp)];
const VANISHES: &[Cue] = &[after(Mark::Up, 1_000, 30_000, Act::Vanish)];
const REFRESH: Act = Act::AskWith(
    "UPDATE",
    "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n",
);
const REFER: Cue = after(
    Mark::Up,
    1_000,
    3_000,
    Act::AskWith("REFER", "Refer-To: <tel:+14155550100>\r\n"),
);
const TRYING: Cue = after(
    Mark::Referred,
    0,
    500,
    Act::Notify("active;expires=60", "SIP/2.0 100 Trying"),
);
const TAKEN: Cue = after(
    Mark::Referred,
    1_000,
    2_000,
    Act::Notify("terminated;reason=noresource", "SIP/2.0 200 OK"),
);
const BUSY: Cue = after(
    Mark::Referred,
    1_000,
    2_000,
    Act::Notify("terminated;reason=noresource", "SIP/2.0 486 Busy Here"),
);
/// What the trunk is to know, where it is asked.
pub(super) const PASSWORD: &str = "right";
/// Long after the limit that ends the call.
const MUCH_LATER: &[Cue] = &[after(Mark::Up, 90_000, 90_000, Act::HangUp)];

/// What the others are told apart from.
const USUAL: Plot = Plot {
    name: "the caller hangs up",
    offer: Offer::Good,
    caller: HANGS_UP,
    callee: ANSWERS,
    forks: 1,
    first_refuses: None,
    api: Api::Good,
    limit: Limit::Usual,
    caller_says: "",
    callee_says: "",
    password: PASSWORD,
    challenged: false,
    caller_acknowledges: true,
    callee_hears: true,
    ends: &[CarrierHangup],
};

/// Refused by OpenAI with this status.
macro_rules! refused {
    ($status:literal, $end:ident) => {
        Plot {
            name: concat!("OpenAI refuses with ", $status),
            callee: &[RING, after(Mark::Invited, 100, 4_000, Act::Refuse($status))],
            ends: &[$end],
            ..USUAL
        }
    };
}

/// Something happens in a standing call, from the caller's side or from OpenAI's.
macro_rules! in_call {
    ($name:literal, $act:expr) => {
        [
            Plot {
                name: concat!("the caller: ", $name),
                caller: &[after(Mark::Up, 0, 12_000, $act), LATER],
                ..USUAL
            },
            Plot {
                name: concat!("OpenAI: ", $name),
                callee: &[RING, ANSWER, after(Mark::Up, 0, 12_000, $act)],
                caller: &[LATER],
                ..USUAL
            },
        ]
    };
}

/// Stories of one call. The same one may stand here twice to be told more often.
pub(super) const PLOTS: &[&[Plot]] = &[
    &[
        USUAL,
        USUAL,
        Plot {
            name: "OpenAI hangs up",
            caller: &[],
            callee: &[RING, ANSWER, HANG_UP],
            ends: &[OpenaiHangup],
            ..USUAL
        },
        Plot {
            name: "both hang up at once",
            caller: &[after(Mark::Up, 3_000, 3_100, Act::HangUp)],
            callee: &[RING, ANSWER, after(Mark::Up, 3_000, 3_100, Act::HangUp)],
            ends: &[CarrierHangup, OpenaiHangup],
            ..USUAL
        },
        Plot {
            name: "the caller hangs up at once",
            caller: &[after(Mark::Up, 0, 0, Act::HangUp)],
            ..USUAL
        },
        Plot {
            name: "OpenAI hangs up before the ACK",
            caller: &[],
            callee: &[
                RING,
                ANSWER,
                after(Mark::Admitted, 2_000, 3_000, Act::HangUp),
            ],
            ends: &[OpenaiHangup],
            ..USUAL
        },
    ],
    &[
        Plot {
            name: "cancelled while it rings",
            caller: &[after(Mark::Called, 0, 10_000, Act::Cancel)],
            callee: &[RING],
            ends: &[Cancelled],
            ..USUAL
        },
        Plot {
            name: "a BYE before the answer",
            caller: &[
                after(Mark::Rung, 0, 5_000, Act::EarlyBye),
                // Where no ringing was heard.
                after(Mark::Called, 8_000, 9_000, Act::Cancel),
            ],
            callee: &[RING],
            ends: &[Cancelled],
            ..USUAL
        },
        Plot {
            name: "CANCEL races the 200",
            caller: &[after(Mark::Called, 0, 3_000, Act::Cancel), HANG_UP],
            ends: &[Cancelled, CarrierHangup],
            ..USUAL
        },
        Plot {
            name: "CANCEL on the heels of ringing",
            caller: &[after(Mark::Rung, 0, 40, Act::Cancel), HANG_UP],
            callee: &[RING, after(Mark::Admitted, 0, 400, Act::Answer)],
            ends: &[Cancelled, CarrierHangup],
            ..USUAL
        },
    ],
    &[
        refused!(302, OpenaiRefused),
        refused!(403, OpenaiRefused),
        refused!(404, OpenaiRefused),
        refused!(408, OpenaiTimeout),
        refused!(480, OpenaiUnavailable),
        refused!(486, OpenaiBusy),
        refused!(487, OpenaiRefused),
        refused!(488, OpenaiNotAcceptable),
        refused!(500, OpenaiUnreachable),
        refused!(503, OpenaiUnreachable),
        refused!(600, OpenaiRefused),
        refused!(603, OpenaiDeclined),
        Plot {
            name: "the first route refuses",
            first_refuses: Some(503),
            ends: &[CarrierHangup, OpenaiUnreachable],
            ..USUAL
        },
        Plot {
            name: "a caller that never acknowledges is refused",
            callee: &[after(Mark::Invited, 0, 500, Act::Refuse(486))],
            caller_acknowledges: false,
            ends: &[OpenaiBusy],
            ..USUAL
        },
        Plot {
            name: "a refusal races the CANCEL",
            caller: &[after(Mark::Called, 0, 1_000, Act::Cancel)],
            callee: &[RING, after(Mark::Invited, 0, 1_000, Act::Refuse(486))],
            ends: &[Cancelled, OpenaiBusy],
            ..USUAL
        },
    ],
    &[
        Plot {
            name: "nobody answers",
            callee: &[RING],
            ends: &[RingTimeout],
            ..USUAL
        },
        Plot {
            name: "OpenAI says nothing at all",
            callee_hears: false,
            ends: &[SetupTimeout],
            ..USUAL
        },
        Plot {
            name: "OpenAI does not even ring",
            callee: &[],
            ends: &[SetupTimeout],
            ..USUAL
        },
        Plot {
            name: "the answer comes as the set-up time ends",
            callee: &[after(Mark::Admitted, 12_000, 17_000, Act::Answer)],
            ends: &[SetupTimeout, CarrierHangup],
            ..USUAL
        },
        Plot {
            name: "the answer comes as the ringing ends",
            callee: &[RING, after(Mark::Admitted, 57_000, 62_000, Act::Answer)],
            ends: &[RingTimeout, CarrierHangup],
            ..USUAL
        },
        Plot {
            name: "the caller never acknowledges",
            caller: &[],
            caller_acknowledges: false,
            ends: &[NoAck],
            ..USUAL
        },
        Plot {
            name: "early media",
            callee: &[after(Mark::Invited, 0, 300, Act::EarlyMedia), RING, ANSWER],
            ..USUAL
        },
        Plot {
            name: "two forks answer",
            forks: 2,
            ..USUAL
        },
        Plot {
            name: "three forks, and a caller in two minds",
            forks: 3,
            caller: &[after(Mark::Called, 0, 3_000, Act::Cancel), HANG_UP],
            ends: &[Cancelled, CarrierHangup],
            ..USUAL
        },
    ],
    &in_call!(
        "a re-INVITE that changes nothing",
        Act::Reinvite(Media::Same)
    ),
    &in_call!("hold", Act::Reinvite(Media::Hold)),
    &in_call!("hold by UPDATE", Act::Update(Media::Hold)),
    &in_call!("another codec by UPDATE", Act::Update(Media::OtherCodec)),
    &in_call!(
        "REFER",
        Act::AskWith("REFER", "Refer-To: <sip:+15550001111@192.0.2.2>\r\n")
    ),
    &in_call!(
        "NOTIFY",
        Act::AskWith("NOTIFY", "Event: refer\r\nSubscription-State: active\r\n")
    ),
    &[
        Plot {
            name: "held and resumed",
            caller: &[
                after(Mark::Up, 1_000, 2_000, Act::Reinvite(Media::Hold)),
                after(Mark::Up, 2_000, 9_000, Act::Reinvite(Media::Same)),
                LATER,
            ],
            ..USUAL
        },
        Plot {
            name: "both sides change the session",
            caller: &[
                after(Mark::Up, 1_000, 2_000, Act::Reinvite(Media::Hold)),
                after(Mark::Up, 1_000, 2_000, Act::Update(Media::Same)),
                LATER,
            ],
            callee: &[
                RING,
                ANSWER,
                after(Mark::Up, 1_000, 2_000, Act::Reinvite(Media::Hold)),
            ],
            ..USUAL
        },
        Plot {
            name: "squelch keeps the session alive",
            caller_says: "Supported: timer\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n\
                          Session-Expires: 90;refresher=uas\r\n",
            caller: LONG,
            ..USUAL
        },
        Plot {
            name: "squelch keeps the session alive by re-INVITE",
            caller_says: "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n",
            caller: LONG,
            ..USUAL
        },
        Plot {
            name: "a refresh and a re-INVITE cross",
            caller_says: "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n",
            caller: &[
                after(Mark::Up, 44_000, 46_000, Act::Reinvite(Media::Same)),
                after(Mark::Up, 120_000, 130_000, Act::HangUp),
            ],
            ..USUAL
        },
        Plot {
            name: "OpenAI wants to be kept in touch with",
            callee_says: "Require: timer\r\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n\
                          Session-Expires: 90;refresher=uac\r\n",
            caller: LONG,
            ..USUAL
        },
        Plot {
            // squelch sends no re-INVITE there, and lets the session run out.
            name: "OpenAI wants to be kept in touch with, and knows no UPDATE",
            callee_says: "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n",
            caller: LONG,
            ends: &[CarrierHangup, SessionExpired],
            ..USUAL
        },
        Plot {
            name: "OpenAI keeps the session alive",
            callee_says: "Require: timer\r\nSession-Expires: 90;refresher=uas\r\n",
            caller: LONG,
            callee: &[
                RING,
                ANSWER,
                after(Mark::Up, 40_000, 45_000, REFRESH),
                after(Mark::Up, 85_000, 90_000, REFRESH),
                after(Mark::Up, 130_000, 135_000, REFRESH),
                after(Mark::Up, 175_000, 180_000, REFRESH),
            ],
            ..USUAL
        },
        Plot {
            name: "OpenAI vanishes",
            callee_says: "Require: timer\r\nSession-Expires: 90;refresher=uas\r\n",
            caller: MUCH_LATER,
            callee: &[RING, ANSWER, after(Mark::Up, 1_000, 20_000, Act::Vanish)],
            ends: &[SessionExpired],
            ..USUAL
        },
        Plot {
            name: "the caller keeps the session alive",
            caller_says: "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n",
            caller: &[
                after(Mark::Up, 40_000, 45_000, REFRESH),
                after(Mark::Up, 85_000, 90_000, REFRESH),
                after(Mark::Up, 100_000, 130_000, Act::HangUp),
            ],
            ..USUAL
        },
        Plot {
            name: "a caller that squelch keeps in touch with vanishes",
            caller_says: "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n",
            caller: VANISHES,
            ends: &[SessionExpired, NoAck],
            ..USUAL
        },
        Plot {
            name: "a caller that should keep in touch vanishes",
            caller_says: "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n",
            caller: VANISHES,
            ends: &[SessionExpired, NoAck],
            ..USUAL
        },
    ],
    &[
        Plot {
            name: "transferred",
            callee: &[RING, ANSWER, REFER],
            caller: &[
                TRYING,
                TAKEN,
                after(Mark::Referred, 3_000, 4_000, Act::HangUp),
                LATER,
            ],
            ends: &[Transferred, CarrierHangup],
            ..USUAL
        },
        Plot {
            name: "transferred, and OpenAI hangs up at once",
            callee: &[
                RING,
                ANSWER,
                REFER,
                after(Mark::Up, 3_000, 4_000, Act::HangUp),
            ],
            caller: &[
                TRYING,
                TAKEN,
                after(Mark::Referred, 3_000, 4_000, Act::HangUp),
                LATER,
            ],
            ends: &[Transferred, CarrierHangup, OpenaiHangup],
            ..USUAL
        },
        Plot {
            name: "a transfer that is busy",
            callee: &[RING, ANSWER, REFER],
            caller: &[TRYING, BUSY, LATER],
            ..USUAL
        },
        Plot {
            name: "a transfer nobody tells about",
            callee: &[RING, ANSWER, REFER],
            caller: &[LATER],
            ends: &[Transferred, CarrierHangup],
            ..USUAL
        },
        Plot {
            name: "early media, acknowledged",
            caller_says: "Supported: 100rel\r\n",
            callee: &[
                after(Mark::Invited, 0, 300, Act::EarlyMedia),
                after(Mark::Admitted, 0, 2_000, Act::Answer),
            ],
            ..USUAL
        },
        Plot {
            name: "ringing, acknowledged",
            caller_says: "Require: 100rel\r\n",
            ..USUAL
        },
        Plot {
            name: "acknowledged ringing, cancelled",
            caller_says: "Require: 100rel\r\n",
            caller: &[after(Mark::Called, 0, 3_000, Act::Cancel), HANG_UP],
            ends: &[Cancelled, CarrierHangup],
            ..USUAL
        },
        Plot {
            name: "OpenAI's early media, acknowledged",
            caller_says: "Supported: 100rel\r\n",
            callee: &[
                after(Mark::Invited, 0, 300, Act::ReliableEarlyMedia),
                after(Mark::Admitted, 0, 2_000, Act::Answer),
            ],
            ..USUAL
        },
        Plot {
            name: "OpenAI's early media, acknowledged, and cancelled",
            caller: &[after(Mark::Called, 0, 3_000, Act::Cancel), HANG_UP],
            callee: &[
                after(Mark::Invited, 0, 300, Act::ReliableEarlyMedia),
                after(Mark::Admitted, 0, 2_000, Act::Answer),
            ],
            ends: &[Cancelled, CarrierHangup],
            ..USUAL
        },
        Plot {
            name: "OpenAI asks for digest",
            challenged: true,
            ..USUAL
        },
        Plot {
            name: "OpenAI asks for digest, the caller cancels",
            challenged: true,
            caller: &[after(Mark::Called, 0, 2_000, Act::Cancel), HANG_UP],
            ends: &[Cancelled, CarrierHangup],
            ..USUAL
        },
        Plot {
            name: "the trunk's password is wrong",
            password: "wrong",
            ends: &[BadCredentials],
            ..USUAL
        },
    ],
    &in_call!("another codec", Act::Reinvite(Media::OtherCodec)),
    &in_call!("OPTIONS", Act::Ask("OPTIONS")),
    &in_call!("INFO", Act::Ask("INFO")),
    &in_call!("UPDATE", Act::Ask("UPDATE")),
    &in_call!("MESSAGE", Act::Ask("MESSAGE")),
    &in_call!("a storm of repetitions", Act::Storm(20)),
    &[
        Plot {
            name: "re-INVITE and BYE on each other's heels",
            caller: &[
                after(Mark::Up, 2_000, 2_100, Act::Reinvite(Media::Same)),
                after(Mark::Up, 2_050, 2_200, Act::HangUp),
            ],
            callee: &[
                RING,
                ANSWER,
                after(Mark::Up, 2_000, 3_000, Act::Reinvite(Media::Hold)),
            ],
            ..USUAL
        },
        Plot {
            name: "a re-INVITE and OpenAI's BYE cross",
            caller: &[after(Mark::Up, 2_000, 2_300, Act::Reinvite(Media::Same))],
            callee: &[RING, ANSWER, after(Mark::Up, 2_000, 2_300, Act::HangUp)],
            ends: &[OpenaiHangup],
            ..USUAL
        },
        Plot {
            name: "a storm while it rings",
            caller: &[after(Mark::Called, 50, 500, Act::Storm(20)), HANG_UP],
            ..USUAL
        },
        Plot {
            name: "a storm after the end",
            caller: &[HANG_UP, after(Mark::Over, 0, 100, Act::Storm(5))],
            callee: &[RING, ANSWER, after(Mark::Over, 0, 100, Act::Storm(5))],
            ..USUAL
        },
    ],
    &[
        Plot {
            name: "the offer comes from squelch",
            offer: Offer::None,
            ..USUAL
        },
        Plot {
            name: "an unreadable offer",
            offer: Offer::Unreadable,
            ends: &[BadSdp],
            ..USUAL
        },
        Plot {
            name: "no common format",
            offer: Offer::NoCommonFormat,
            ends: &[NoCommonFormat],
            ..USUAL
        },
        Plot {
            name: "no hops left",
            offer: Offer::NoHops,
            ends: &[TooManyHops],
            ..USUAL
        },
        Plot {
            name: "the longest call",
            caller: MUCH_LATER,
            limit: Limit::MaxCall,
            ends: &[MaxCall],
            ..USUAL
        },
        Plot {
            name: "nobody is heard",
            caller: MUCH_LATER,
            limit: Limit::Silence,
            ends: &[MediaTimeout],
            ..USUAL
        },
    ],
    &[
        Plot {
            name: "the webhook comes late",
            api: Api::WebhookLate,
            ..USUAL
        },
        Plot {
            name: "the webhook comes twice",
            api: Api::WebhookTwice,
            ..USUAL
        },
        Plot {
            name: "the webhook never comes",
            api: Api::WebhookNever,
            ends: &[RingTimeout],
            ..USUAL
        },
        Plot {
            name: "the accept is refused",
            api: Api::Accepts(&[400]),
            ends: &[AcceptFailed],
            ..USUAL
        },
        Plot {
            name: "the accept is not answered, then overloaded, then taken",
            api: Api::Accepts(&[0, 503]),
            ..USUAL
        },
        Plot {
            name: "the accept fails for good",
            api: Api::Accepts(&[503, 500, 429, 409]),
            ends: &[AcceptFailed],
            ..USUAL
        },
        Plot {
            name: "the accept fails while the caller cancels",
            caller: &[after(Mark::Called, 0, 2_000, Act::Cancel)],
            api: Api::Accepts(&[503, 503, 400]),
            ends: &[AcceptFailed, Cancelled],
            ..USUAL
        },
        Plot {
            name: "the accept is answered late",
            api: Api::AcceptSlow,
            ..USUAL
        },
    ],
];
