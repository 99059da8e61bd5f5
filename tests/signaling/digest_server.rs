//! What a challenge of ours leaves behind, and what credentials are worth whatever is written in them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use squelch_sip::digest::Algorithm;
use squelch_sip::{
    Credentials, DigestServer, DigestVerdict, Endpoint, EndpointConfig, Event, Headers, Listener,
    Output, Protocol, Rejection, TransportInput, TransportOutput,
};

use crate::raw::{PEER, US, alone, request, statuses};

#[test]
fn a_challenged_invite_may_come_again_under_the_same_number() {
    let (mut world, node) = alone();
    // Kamailio's uac_auth does so; its branch is another.
    for branch in ["first", "second"] {
        let text = request("INVITE", branch, 1, "", "");
        assert_eq!(statuses(&mut world, &text), [100], "{branch}");
        let Event::Invite { dialog, .. } = world.event(node) else {
            panic!()
        };
        world.tell(node, |endpoint, now| {
            endpoint.reject(now, dialog, Rejection::status(401))
        });
    }
    world.assert_idle();
}

/// An endpoint at 192.0.2.1, driven by hand: the user answers before the next output is taken.
fn bare() -> Endpoint {
    let mut config = EndpointConfig::new([1; 32], "squelch-test");
    config.listeners = vec![Listener {
        protocol: Protocol::Udp,
        local: US.parse().unwrap(),
        advertised_host: "192.0.2.1".into(),
        advertised_port: 5060,
    }];
    Endpoint::new(config)
}

fn hear(endpoint: &mut Endpoint, now: Instant, text: &str) {
    let input = TransportInput::Datagram {
        local: US.parse().unwrap(),
        from: PEER.parse().unwrap(),
        bytes: text.as_bytes(),
    };
    endpoint.handle_transport(now, input);
}

/// The messages that go out, each INVITE challenged at once.
fn challenged(endpoint: &mut Endpoint, now: Instant) -> Vec<String> {
    let mut sent = Vec::new();
    while let Some(output) = endpoint.poll_output() {
        match output {
            Output::Event(Event::Invite { dialog, .. }) => {
                endpoint.challenge(now, dialog, vec!["Digest realm=\"us\"".into()]);
            }
            Output::Event(other) => panic!("{other:?}"),
            Output::Transport(TransportOutput::Datagram { bytes, .. }) => {
                sent.push(String::from_utf8(bytes.to_vec()).unwrap());
            }
            Output::Transport(other) => panic!("{other:?}"),
        }
    }
    sent
}

#[test]
fn a_challenge_keeps_nothing_and_is_never_repeated() {
    let (mut endpoint, now) = (bare(), Instant::now());
    let invite = request("INVITE", "first", 1, "", "");
    // The second is the first once more: its answer was lost.
    let mut tags = Vec::new();
    for _ in 0..2 {
        hear(&mut endpoint, now, &invite);
        let sent = challenged(&mut endpoint, now);
        let [answer] = sent.as_slice() else {
            panic!("{sent:?}")
        };
        assert!(answer.starts_with("SIP/2.0 401 "), "{answer}");
        assert!(
            answer.contains("\r\nWWW-Authenticate: Digest realm=\"us\"\r\n"),
            "{answer}"
        );
        assert!(endpoint.is_idle(), "{endpoint:#?}");
        let to = answer.lines().find(|line| line.starts_with("To:")).unwrap();
        tags.push(to.split(";tag=").nth(1).unwrap().to_owned());
    }
    assert_eq!(tags[0], tags[1], "RFC 3261 section 8.2.7: the same To tag");
    hear(
        &mut endpoint,
        now,
        &request("ACK", "first", 1, &tags[0], ""),
    );
    assert!(challenged(&mut endpoint, now).is_empty());
    assert_eq!(endpoint.counters().dropped_stray_acks, 0);
    endpoint.handle_timeout(now + Duration::from_secs(60));
    assert!(endpoint.poll_output().is_none());
}

#[test]
fn who_has_a_100_already_gets_a_challenge_that_is_repeated() {
    let (mut endpoint, now) = (bare(), Instant::now());
    hear(&mut endpoint, now, &request("INVITE", "first", 1, "", ""));
    let mut dialog = None;
    while let Some(output) = endpoint.poll_output() {
        if let Output::Event(Event::Invite { dialog: id, .. }) = output {
            dialog = Some(id);
        }
    }
    endpoint.challenge(
        now,
        dialog.expect("an INVITE"),
        vec!["Digest realm=\"us\"".into()],
    );
    assert_eq!(challenged(&mut endpoint, now).len(), 1);
    endpoint.handle_timeout(now + Duration::from_millis(500));
    assert_eq!(challenged(&mut endpoint, now).len(), 1, "timer G");
}

#[test]
fn who_answers_at_once_sends_no_100() {
    let (mut endpoint, now) = (bare(), Instant::now());
    hear(&mut endpoint, now, &request("INVITE", "first", 1, "", ""));
    let mut sent = 0;
    while let Some(output) = endpoint.poll_output() {
        match output {
            Output::Event(Event::Invite { dialog, .. }) => {
                endpoint.reject(now, dialog, Rejection::status(486));
            }
            _ => sent += 1,
        }
    }
    assert_eq!(sent, 1);
}

const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn judged(server: &mut DigestServer, value: &str) -> DigestVerdict {
    let mut headers = Headers::default();
    if headers.push("Authorization", value).is_err() {
        return DigestVerdict::Missing;
    }
    let ours = Credentials::new("carrier", "squelch", "right").unwrap();
    let algorithms = [Algorithm::Sha256];
    server.judge(
        Instant::now(),
        SOURCE,
        "INVITE",
        &headers,
        &ours,
        &algorithms,
    )
}

#[test]
fn a_challenge_tells_realm_nonce_algorithm_and_quality() {
    let mut server = DigestServer::new([1; 32]);
    let all = [Algorithm::Sha512_256, Algorithm::Sha256, Algorithm::Md5];
    let now = Instant::now();
    let challenges = server.challenges(now, SOURCE, "squelch", &all, false);
    let names: Vec<_> = challenges
        .iter()
        .map(|challenge| challenge.split("algorithm=").nth(1).unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "SHA-512-256, qop=\"auth\"",
            "SHA-256, qop=\"auth\"",
            "MD5, qop=\"auth\""
        ]
    );
    let again = server.challenges(now, SOURCE, "squelch", &all, true);
    assert_ne!(challenges[0], again[0], "a nonce is given out once");
    assert!(again[0].contains(", stale=true,") && !challenges[0].contains("stale"));
    // Days later there are still nonces.
    let later = now + Duration::from_secs(400 * 86_400);
    assert_eq!(
        server
            .challenges(later, SOURCE, "squelch", &all, false)
            .len(),
        3
    );
}

proptest! {
    #[test]
    fn no_credentials_but_the_right_ones_are_right(value in "\\PC{0,300}") {
        let mut server = DigestServer::new([1; 32]);
        let verdict = judged(&mut server, &value);
        prop_assert!(matches!(verdict, DigestVerdict::Missing | DigestVerdict::Wrong), "{verdict:?}");
    }

    #[test]
    fn fields_in_the_right_form_are_no_proof(
        nonce in "[0-9a-f]{0,60}", response in "[0-9a-f]{64}", nc in "[0-9a-f]{0,9}",
        cnonce in "[ -~&&[^\"\\\\]]{0,20}", qop in "auth|auth-int|x",
    ) {
        let mut server = DigestServer::new([1; 32]);
        let value = format!(
            "Digest username=\"carrier\", realm=\"squelch\", nonce=\"{nonce}\", uri=\"sip:x\", \
             response=\"{response}\", algorithm=SHA-256, qop={qop}, nc={nc}, cnonce=\"{cnonce}\""
        );
        prop_assert_eq!(judged(&mut server, &value), DigestVerdict::Wrong);
    }
}
