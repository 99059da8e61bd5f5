//! squelch's media workers with plans made here: what `squelch serve` starts once SIP has agreed on them.

use crate::{carrier, openai, ready, rtp, wrong};
use squelch::config::PortRange;
use squelch::media_io::MediaIo;
use squelch_call::CallId;
use squelch_media::rtp::{PayloadType, Ptime, RtpTime, Ssrc};
use squelch_media::{
    Direction, Format, GuardAction, GuardPlan, LegPlan, MediaPlan, Side, SrtpPlan,
};
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(crate) fn run(calls: u16, way: &str) -> Result<()> {
    let (encrypted, openai_format): (&[Side], Format) = match way {
        "plain" => (&[], Format::Pcmu),
        "srtp" => (&Side::ALL, Format::Pcmu),
        "carrier-srtp" => (&[Side::Carrier], Format::Pcmu),
        "transcode" => (&[], Format::Pcma),
        _ => return Err(wrong("plain, srtp, carrier-srtp or transcode")),
    };
    let range = PortRange {
        first: 10_000,
        last: 29_999,
    };
    let mut media = MediaIo::start([127, 0, 0, 1].into(), range, 1)?;
    for call in 0..calls {
        let id = CallId(u64::from(call));
        let (one, other) = media.bind(Instant::now(), id).map_err(Error::other)?;
        let plan = MediaPlan {
            carrier: leg(Side::Carrier, Format::Pcmu, carrier(call), encrypted),
            openai: leg(Side::Openai, openai_format, openai(call), encrypted),
            guard: GuardPlan {
                action: GuardAction::Protect,
                hold: Duration::ZERO,
            },
        };
        media.relay(id, Box::new(plan));
        println!("{one} {other}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    // The figures and events that the gateway's task would take.
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                media.next().await;
            }
        })
    });
    ready()
}

fn leg(side: Side, format: Format, remote: SocketAddr, encrypted: &[Side]) -> LegPlan {
    let srtp = encrypted.contains(&side).then(|| {
        let (receive, send) = rtp::keys(side);
        SrtpPlan {
            send,
            receive,
            confidential: false,
        }
    });
    LegPlan {
        rtcp: None,
        format,
        payload_type: format.offered_payload_type(),
        telephone_event: PayloadType::new(101),
        comfort_noise: None,
        ptime: Ptime::DEFAULT,
        direction: Direction::SendRecv,
        remote,
        media_sources: vec!["127.0.0.0/8".parse().expect("a network")],
        fec: false,
        srtp,
        dialog: 0,
        ssrc: Ssrc(0x5157_3100),
        sequence: 1,
        timestamp: RtpTime(1),
    }
}
