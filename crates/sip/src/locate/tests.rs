//! A resolver by script, and time that a test moves.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Answer, LAST_GOOD, Located, Locator, Naptr, PATIENCE, Question, Record, Srv};
use crate::command::Target;
use crate::message::Uri;

/// What the DNS says to whom; a question that is not in it has no records.
struct Dns {
    zone: BTreeMap<Question, Result<Answer, String>>,
    asked: Vec<Question>,
    is_dead: bool,
}

struct Stage {
    locator: Locator,
    dns: Dns,
    now: Instant,
}

#[test]
fn an_address_needs_no_dns() {
    let mut stage = Stage::new(&[]);
    assert_eq!(stage.of("sip:x@192.0.2.1"), ["udp 192.0.2.1:5060"]);
    assert_eq!(
        stage.of("sip:x@[2001:db8::1];transport=tls"),
        ["tls [2001:db8::1]:5061"]
    );
    assert_eq!(stage.of("sips:192.0.2.1:99"), ["tls 192.0.2.1:99"]);
    assert!(stage.dns.asked.is_empty());
}

#[test]
fn a_port_leads_straight_to_the_addresses() {
    let zone = [address("a.example", &["192.0.2.1", "192.0.2.2"])];
    let mut stage = Stage::new(&zone);
    assert_eq!(
        stage.of("sip:x@A.example.:99;transport=tcp"),
        ["tcp 192.0.2.1:99", "tcp 192.0.2.2:99"]
    );
    assert_eq!(stage.dns.asked, [Question::Address("a.example".into())]);
}

#[test]
fn rfc3263_4_2_a_transport_without_port_asks_for_srv_first() {
    let zone = [
        srv(
            "_sips._tcp.a.example",
            &[(20, 0, 7, "far.example"), (10, 0, 5, "near.example")],
        ),
        address("near.example", &["192.0.2.1"]),
        address("far.example", &["192.0.2.2", "2001:db8::2"]),
        address("a.example", &["192.0.2.9"]),
    ];
    let mut stage = Stage::new(&zone);
    assert_eq!(
        stage.of("sip:x@a.example;transport=tls"),
        [
            "tls 192.0.2.1:5 for a.example",
            "tls 192.0.2.2:7 for a.example",
            "tls [2001:db8::2]:7 for a.example"
        ]
    );
}

#[test]
fn rfc3263_4_2_without_srv_the_addresses_serve_on_the_usual_port() {
    let mut stage = Stage::new(&[address("a.example", &["192.0.2.9"])]);
    assert_eq!(
        stage.of("sip:x@a.example;transport=tls"),
        ["tls 192.0.2.9:5061 for a.example"]
    );
}

#[test]
fn rfc3263_4_1_without_a_transport_naptr_chooses() {
    let naptr = |order, service: &str, replacement: &str| {
        Record::Naptr(Naptr {
            order,
            preference: 0,
            flags: "S".into(),
            service: service.into(),
            replacement: replacement.into(),
        })
    };
    let records = vec![
        naptr(50, "SIP+D2U", "_sip._udp.a.example."),
        naptr(10, "SIPS+D2T", "_sips._tcp.a.example."),
        naptr(1, "E2U+sip", "elsewhere.example."),
    ];
    let zone = [
        answer(Question::Naptr("a.example".into()), records),
        srv("_sips._tcp.a.example", &[(1, 1, 5061, "t.example")]),
        srv("_sip._udp.a.example", &[(1, 1, 5060, "u.example")]),
        address("t.example", &["192.0.2.1"]),
        address("u.example", &["192.0.2.2"]),
    ];
    let mut stage = Stage::new(&zone);
    assert_eq!(
        stage.of("sip:x@a.example"),
        ["tls 192.0.2.1:5061 for a.example", "udp 192.0.2.2:5060"]
    );
    // sips takes nothing but TLS, whatever the domain offers.
    assert_eq!(
        stage.of("sips:x@a.example"),
        ["tls 192.0.2.1:5061 for a.example"]
    );
}

#[test]
fn rfc2782_weights_share_the_calls() {
    let zone = [
        srv(
            "_sip._tcp.a.example",
            &[(1, 30, 1, "b.example"), (1, 10, 2, "b.example")],
        ),
        address("b.example", &["192.0.2.1"]),
    ];
    let mut stage = Stage::new(&zone);
    let mut first = 0;
    for _ in 0..1_000 {
        let targets = stage.of("sip:x@a.example;transport=tcp");
        assert_eq!(targets.len(), 2);
        first += usize::from(targets[0].ends_with(":1"));
    }
    // Three of four, and one part in 41 more: the lot includes both its ends.
    assert!((690..=830).contains(&first), "{first}");
}

#[test]
fn a_service_that_is_said_not_to_be_there_is_not_looked_for_elsewhere() {
    let zone = [
        srv("_sips._tcp.a.example", &[(0, 0, 0, ".")]),
        address("a.example", &["192.0.2.9"]),
    ];
    let mut stage = Stage::new(&zone);
    let nowhere = stage.of("sip:x@a.example;transport=tls");
    assert!(nowhere[0].contains("no such service"), "{nowhere:?}");
}

#[test]
fn localhost_is_not_a_domain_with_services() {
    let mut stage = Stage::new(&[address("localhost", &["127.0.0.1"])]);
    assert_eq!(
        stage.of("sip:x@localhost;transport=tcp"),
        ["tcp 127.0.0.1:5060"]
    );
    assert_eq!(stage.dns.asked, [Question::Address("localhost".into())]);
}

#[test]
fn an_answer_serves_while_it_is_asked_for_anew() {
    let mut stage = Stage::new(&[address("a.example", &["192.0.2.1"])]);
    assert_eq!(stage.of("sip:a.example:1"), ["udp 192.0.2.1:1"]);
    stage
        .dns
        .zone
        .extend([address("a.example", &["192.0.2.2"])]);
    stage.now += Duration::from_secs(61);
    let uri = Uri::parse("sip:a.example:1").unwrap();
    // The call does not wait; the next one gets the new answer.
    let now = stage.now;
    assert_eq!(shown(stage.locator.locate(now, &uri)), ["udp 192.0.2.1:1"]);
    stage.answer();
    assert_eq!(stage.of("sip:a.example:1"), ["udp 192.0.2.2:1"]);
}

#[test]
fn a_fresh_answer_is_fetched_before_anybody_asks() {
    let mut stage = Stage::new(&[address("a.example", &["192.0.2.1"])]);
    stage.locator.keep_fresh();
    stage.of("sip:a.example:1");
    stage
        .dns
        .zone
        .extend([address("a.example", &["192.0.2.2"])]);
    stage.pass(Duration::from_secs(61));
    let uri = Uri::parse("sip:a.example:1").unwrap();
    let now = stage.now;
    assert_eq!(shown(stage.locator.locate(now, &uri)), ["udp 192.0.2.2:1"]);
}

#[test]
fn a_dead_dns_leaves_the_last_good_answer_for_a_day() {
    let uri = "sip:x@a.example;transport=tls";
    let zone = [
        srv("_sips._tcp.a.example", &[(1, 1, 5, "b.example")]),
        address("b.example", &["192.0.2.1"]),
    ];
    for keeps_fresh in [false, true] {
        let mut stage = Stage::new(&zone);
        if keeps_fresh {
            stage.locator.keep_fresh();
        }
        assert_eq!(stage.of(uri), ["tls 192.0.2.1:5 for a.example"]);
        stage.dns.is_dead = true;
        stage.pass(LAST_GOOD - Duration::from_secs(3_600));
        assert_eq!(stage.of(uri), ["tls 192.0.2.1:5 for a.example"]);
        stage.pass(Duration::from_secs(3_700));
        let nowhere = stage.of(uri);
        assert!(nowhere[0].contains("does not answer"), "{nowhere:?}");
        stage.dns.is_dead = false;
        stage.pass(Duration::from_secs(20));
        stage.of(uri);
        assert_eq!(stage.of(uri), ["tls 192.0.2.1:5 for a.example"]);
    }
}

#[test]
fn a_dns_that_lost_the_service_but_not_the_host_does_not_move_the_calls() {
    let uri = "sip:x@a.example;transport=tls";
    let question = Question::Srv("_sips._tcp.a.example".into());
    let zone = [
        srv("_sips._tcp.a.example", &[(1, 1, 5, "b.example")]),
        address("b.example", &["192.0.2.1"]),
        address("a.example", &["192.0.2.9"]),
    ];
    let mut stage = Stage::new(&zone);
    stage.of(uri);
    stage.dns.zone.insert(question, Err("SERVFAIL".into()));
    stage.now += Duration::from_secs(61);
    stage.of(uri);
    stage.answer();
    assert_eq!(stage.of(uri), ["tls 192.0.2.1:5 for a.example"]);
    // Without anything better the host's own address is worth a try.
    let mut fresh = Stage::new(&[]);
    fresh.dns.zone = stage.dns.zone.clone();
    assert_eq!(fresh.of(uri), ["tls 192.0.2.9:5061 for a.example"]);
}

#[test]
fn a_slow_dns_costs_the_first_call_its_patience_and_no_more() {
    let mut stage = Stage::new(&[]);
    stage.dns.is_dead = true;
    let began = stage.now;
    let nowhere = stage.of("sip:x@a.example;transport=tls");
    assert!(nowhere[0].contains("does not answer"), "{nowhere:?}");
    assert!(stage.now - began <= PATIENCE * 2);
    // An answer that comes after all is for nobody, and the question is not asked in a row.
    let late = Question::Address("a.example".into());
    stage
        .locator
        .handle_answer(stage.now, &late, Ok(Answer::default()));
    let asked = stage.dns.asked.len();
    stage.of("sip:x@a.example;transport=tls");
    assert_eq!(stage.dns.asked.len(), asked);
}

#[test]
fn a_lying_dns_gets_nowhere() {
    let many: Vec<String> = (0..10_000)
        .map(|n| format!("10.0.{}.{}", n / 250, 1 + n % 250))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut zone = vec![
        address("many.example", &many),
        address(
            "none.example",
            &["0.0.0.0", "224.0.0.1", "255.255.255.255", "::"],
        ),
        // Of the wrong kind, and in a circle.
        answer(
            Question::Address("odd.example".into()),
            vec![Record::Srv(Srv {
                priority: 0,
                weight: 0,
                port: 1,
                target: "odd.example".into(),
            })],
        ),
        srv(
            "_sip._udp.odd.example",
            &[(0, 0, 1, "_sip._udp.odd.example")],
        ),
    ];
    zone.iter_mut().for_each(|(_, answer)| {
        if let Ok(answer) = answer {
            answer.ttl = Duration::ZERO;
        }
    });
    let mut stage = Stage::new(&zone);
    assert_eq!(stage.of("sip:many.example:1").len(), 16);
    let asked = stage.dns.asked.len();
    // A time to live of none does not mean a question a call.
    stage.of("sip:many.example:1");
    assert_eq!(stage.dns.asked.len(), asked);
    for host in ["none", "odd"] {
        let nowhere = stage.of(&format!("sip:{host}.example;transport=udp"));
        assert!(nowhere[0].contains("no address"), "{nowhere:?}");
    }
}

#[test]
fn what_cannot_be_reached_says_why() {
    let mut stage = Stage::new(&[]);
    for (uri, why) in [
        ("tel:+15551234", "have no server"),
        ("sip:a.example;transport=sctp", "not spoken here"),
        ("sips:a.example;transport=udp", "not spoken here"),
        ("sip:a.example:1", "a.example has no address"),
    ] {
        let nowhere = stage.of(uri);
        assert!(nowhere[0].contains(why), "{uri}: {nowhere:?}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's time begins somewhere, and only its differences count"
)]
impl Stage {
    fn new(zone: &[(Question, Result<Answer, String>)]) -> Stage {
        Stage {
            locator: Locator::new([7; 32]),
            dns: Dns {
                zone: zone.iter().cloned().collect(),
                asked: Vec::new(),
                is_dead: false,
            },
            now: Instant::now(),
        }
    }

    /// The targets of a URI, when all is answered or given up.
    fn of(&mut self, uri: &str) -> Vec<String> {
        let uri = Uri::parse(uri).unwrap();
        for _ in 0..100 {
            let located = self.locator.locate(self.now, &uri);
            self.answer();
            match located {
                Located::Waits => {
                    if let Some(at) = self.locator.poll_timeout().filter(|_| self.dns.is_dead) {
                        self.now = at;
                        self.locator.handle_timeout(at);
                    }
                }
                located => return shown(located),
            }
        }
        panic!("it waits for ever");
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.locator.poll_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.locator.handle_timeout(at);
            self.answer();
        }
        self.now = end;
    }

    fn answer(&mut self) {
        while let Some(question) = self.locator.poll_question() {
            self.dns.asked.push(question.clone());
            if self.dns.is_dead {
                continue;
            }
            let answer = self.dns.zone.get(&question).cloned();
            let answer = answer.unwrap_or(Ok(Answer::default()));
            self.locator.handle_answer(self.now, &question, answer);
        }
    }
}

fn shown(located: Located) -> Vec<String> {
    let one = |target: &Target| {
        let server_name = target.server_name.as_ref();
        let name = server_name.map_or_else(String::new, |name| format!(" for {name}"));
        format!("{} {}{name}", target.protocol, target.addr)
    };
    match located {
        Located::Targets(targets) => targets.iter().map(one).collect(),
        Located::Nowhere(why) => vec![why],
        Located::Waits => vec!["waits".into()],
    }
}

type Line = (Question, Result<Answer, String>);

fn answer(question: Question, records: Vec<Record>) -> Line {
    let ttl = Duration::from_secs(60);
    (question, Ok(Answer { records, ttl }))
}

fn address(name: &str, addresses: &[&str]) -> Line {
    let record = |ip: &&str| Record::Address(ip.parse::<IpAddr>().unwrap());
    let records = addresses.iter().map(record).collect();
    answer(Question::Address(name.into()), records)
}

fn srv(name: &str, records: &[(u16, u16, u16, &str)]) -> Line {
    let record = |(priority, weight, port, target): &(u16, u16, u16, &str)| {
        Record::Srv(Srv {
            priority: *priority,
            weight: *weight,
            port: *port,
            target: (*target).into(),
        })
    };
    let records = records.iter().map(record).collect();
    answer(Question::Srv(name.into()), records)
}
