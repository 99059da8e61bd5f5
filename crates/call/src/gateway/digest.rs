//! Digest asked of a trunk that has credentials: its INVITEs outside of calls.
//!
//! Requests inside a call are not asked: they belong to an INVITE that was, by tags of 128 bits,
//! and a carrier that does not answer a challenged BYE would leave its call standing. OPTIONS is
//! not asked either: it is how carriers look whether we are there. ACK and CANCEL cannot be
//! (RFC 3261 section 22.1).

use super::{Clock, Gateway};
use squelch_sip::{DialogId, DigestVerdict, IncomingInvite};

/// What becomes of an INVITE at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It may come in.
    Given,
    /// It was answered with 401; the trunk calls again.
    AskedFor,
    /// The user name or the password is wrong. There is no second try: who has the right ones needs
    /// none, and who looks for them gets one guess a round trip.
    Wrong,
}

impl Gateway {
    pub(super) fn proof_of(
        &mut self,
        clock: Clock,
        trunk: usize,
        dialog: DialogId,
        invite: &IncomingInvite,
    ) -> Proof {
        let settings = self.config.trunks.get(trunk);
        let Some(asked) = settings.and_then(|trunk| trunk.digest.as_ref()) else {
            return Proof::Given;
        };
        let source = invite.source.remote.ip();
        let verdict = self.digest.judge(
            clock.now,
            source,
            "INVITE",
            &invite.headers,
            &asked.credentials,
            &asked.algorithms,
        );
        *self.counters.digest.entry((trunk, verdict)).or_default() += 1;
        let stale = match verdict {
            DigestVerdict::Right => return Proof::Given,
            DigestVerdict::Wrong => return Proof::Wrong,
            DigestVerdict::Missing => false,
            DigestVerdict::Stale | DigestVerdict::Replayed => true,
        };
        let realm = asked.credentials.realm();
        let challenges = self
            .digest
            .challenges(clock.now, source, realm, &asked.algorithms, stale);
        self.endpoint.challenge(clock.now, dialog, challenges);
        Proof::AskedFor
    }
}
