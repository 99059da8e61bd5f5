//! Our door against rsip's own parser on the same INVITE.
//!
//! rsip's parser reads less: it takes headers as they stand, ignores Content-Length and leaves
//! From, Via and the rest unread, so its fair counterpart is `door/read`. `door/read_mandatory`
//! adds what every request needs before it can be matched; `rsip/parse_typed` does the same with
//! rsip's typed headers.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
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
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
