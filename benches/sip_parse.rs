//! Our door beside rsip's own parser, rsipstack's and ezk's on the same INVITE.
//!
//! rsip's parser reads less: it takes headers as they stand, ignores Content-Length and leaves
//! From, Via and the rest unread, so its fair counterpart is `door/read`. `door/read_mandatory`
//! adds what every request needs before it can be matched; `rsip/parse_typed` does the same with
//! rsip's typed headers, `rsipstack/` and `ezk/` with those of their crates.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ezk_sip_types::header::typed as ezk;
use ezk_sip_types::msg::{Line, MessageLine, PullParser};
use ezk_sip_types::parse::Parse;
use ezk_sip_types::{Headers, Name};
use rsip::message::HeadersExt;
use rsip::prelude::ToTypedHeader;
use squelch_sip::message::{Framer, Framing, Mandatory, Message};

const BODY: &str = "v=0\r\no=- 20518 0 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n\
m=audio 54400 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

fn invite() -> Vec<u8> {
    format!(
        "INVITE sip:15559870000@192.0.2.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK74bf9a3c11d2;rport\r\n\
         Max-Forwards: 69\r\n\
         Record-Route: <sip:198.51.100.7;lr;ftag=9fxced76sl>\r\n\
         From: \"Alice\" <sip:15551230001@198.51.100.7>;tag=9fxced76sl\r\n\
         To: <sip:15559870000@192.0.2.1>\r\n\
         Call-ID: 3848276298220188511@198.51.100.7\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:15551230001@198.51.100.7:5060>\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\n\
         Supported: timer, 100rel\r\n\
         User-Agent: carrier/1.0\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    )
    .into_bytes()
}

fn by_rsipstack(bytes: &[u8]) -> Option<impl Sized> {
    use rsipstack::sip::SipMessage;
    use rsipstack::sip::prelude::{HeadersExt, ToTypedHeader};
    let SipMessage::Request(request) = rsipstack::sip::parser::parse_message(bytes).ok()? else {
        return None;
    };
    Some((
        request.top_via_header().ok()?.typed().ok()?,
        request.from_header().ok()?.typed().ok()?,
        request.to_header().ok()?.typed().ok()?,
        request.cseq_header().ok()?.typed().ok()?,
    ))
}

fn ezk_headers(bytes: &Bytes) -> Option<Headers> {
    let mut lines = PullParser::new(bytes, 0);
    let first = std::str::from_utf8(lines.next()?.ok()?).ok()?;
    MessageLine::parse(bytes)(first).ok()?;
    let mut headers = Headers::new();
    for line in lines {
        let text = std::str::from_utf8(line.ok()?).ok()?;
        let (_, line) = Line::parse(bytes, text).ok()?;
        headers.insert(line.name, line.value);
    }
    Some(headers)
}

fn by_ezk(bytes: &Bytes) -> Option<impl Sized> {
    let headers = ezk_headers(bytes)?;
    Some((
        headers.get::<Vec<ezk::Via>>(Name::VIA).ok()?,
        headers.get::<ezk::FromTo>(Name::FROM).ok()?,
        headers.get::<ezk::FromTo>(Name::TO).ok()?,
        headers.get_named::<ezk::CSeq>().ok()?,
    ))
}

fn parse(c: &mut Criterion) {
    let bytes = invite();
    let Ok(Message::Request(request)) = Message::read(&bytes, Framing::Datagram) else {
        panic!("the INVITE is read");
    };
    assert!(rsip::Request::try_from(bytes.as_slice()).is_ok());

    let mut group = c.benchmark_group("sip_parse");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("door/read", |b| {
        b.iter(|| Message::read(black_box(&bytes), Framing::Datagram));
    });
    group.bench_function("door/read_mandatory", |b| {
        b.iter(
            || match Message::read(black_box(&bytes), Framing::Datagram) {
                Ok(Message::Request(request)) => Mandatory::of_request(&request).ok(),
                _ => None,
            },
        );
    });
    group.bench_function("door/frame", |b| {
        b.iter(|| {
            let mut framer = Framer::default();
            framer.push(black_box(&bytes));
            framer.next_frame()
        });
    });
    group.bench_function("door/write", |b| b.iter(|| black_box(&request).write()));
    group.bench_function("rsip/parse", |b| {
        b.iter(|| rsip::Request::try_from(black_box(bytes.as_slice())));
    });
    group.bench_function("rsip/parse_typed", |b| {
        b.iter(|| {
            let request = rsip::Request::try_from(black_box(bytes.as_slice())).ok()?;
            Some((
                request.via_header().ok()?.clone().typed().ok()?,
                request.from_header().ok()?.clone().typed().ok()?,
                request.to_header().ok()?.clone().typed().ok()?,
                request.cseq_header().ok()?.clone().typed().ok()?,
            ))
        });
    });
    group.bench_function("rsipstack/parse", |b| {
        b.iter(|| rsipstack::sip::parser::parse_message(black_box(&bytes)));
    });
    group.bench_function("rsipstack/parse_typed", |b| {
        b.iter(|| by_rsipstack(black_box(&bytes)));
    });
    let shared = Bytes::from(bytes.clone());
    assert!(by_rsipstack(&bytes).is_some() && by_ezk(&shared).is_some());
    group.bench_function("ezk/parse", |b| b.iter(|| ezk_headers(black_box(&shared))));
    group.bench_function("ezk/parse_typed", |b| b.iter(|| by_ezk(black_box(&shared))));
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
