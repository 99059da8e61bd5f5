//! What a challenge of ours leaves behind, and what credentials are worth whatever is written in them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use squelch_sip::digest::Algorithm;
use squelch_sip::{Credentials, DigestServer, DigestVerdict, Event, Headers, Rejection};

use crate::raw::{alone, request, statuses};

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
