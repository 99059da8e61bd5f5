//! Our side of a challenge: what was asked in a dialog, and how often it was answered.

use crate::message::Headers;

use super::algorithm::Algorithm;
use super::challenge::Challenge;
use super::credentials::Credentials;

/// Who asks (RFC 3261 sections 22.2 and 22.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The other user agent, with 401.
    Server,
    /// A proxy on the way, with 407.
    Proxy,
}

/// The answers one request has had, its repeats together. So no peer can keep us asking.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tries {
    server: Answered,
    proxy: Answered,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Answered {
    #[default]
    Never,
    Once,
    /// And once more, because the first answer's nonce was stale.
    Again,
}

/// A challenge that may be answered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The algorithm.
    pub(crate) algorithm: Algorithm,
}

/// The credentials of a dialog and the challenges they answer. Once challenged, every request of
/// the dialog carries them (RFC 3261 section 22.1), counted under the nonce.
#[derive(Debug, Clone)]
pub(crate) struct ClientDigest {
    credentials: Credentials,
    server: Option<Held>,
    proxy: Option<Held>,
    /// What the INVITE carried: its ACK carries the same.
    of_invite: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone)]
struct Held {
    challenge: Challenge,
    /// Requests sent under its nonce.
    count: u32,
}

impl Asker {
    pub(crate) fn of(status: u16) -> Option<Asker> {
        match status {
            401 => Some(Asker::Server),
            407 => Some(Asker::Proxy),
            _ => None,
        }
    }

    fn challenge_header(self) -> &'static str {
        match self {
            Asker::Server => "WWW-Authenticate",
            Asker::Proxy => "Proxy-Authenticate",
        }
    }

    fn answer_header(self) -> &'static str {
        match self {
            Asker::Server => "Authorization",
            Asker::Proxy => "Proxy-Authorization",
        }
    }
}

impl Tries {
    /// Counts one more answer; false where there was enough of it.
    fn take(&mut self, asker: Asker, stale: bool) -> bool {
        let answered = match asker {
            Asker::Server => &mut self.server,
            Asker::Proxy => &mut self.proxy,
        };
        let next = match answered {
            Answered::Never => Answered::Once,
            Answered::Once if stale => Answered::Again,
            Answered::Once | Answered::Again => return false,
        };
        *answered = next;
        true
    }
}

impl ClientDigest {
    pub(crate) fn new(credentials: Credentials) -> Self {
        ClientDigest {
            credentials,
            server: None,
            proxy: None,
            of_invite: Vec::new(),
        }
    }

    /// Takes in the challenges of a 401 or 407: of those for our realm the strongest. `None` where
    /// the request is not to be repeated.
    pub(crate) fn take(
        &mut self,
        asker: Asker,
        tries: &mut Tries,
        headers: &Headers,
    ) -> Option<Taken> {
        let challenge = headers
            .all(asker.challenge_header())
            .filter_map(Challenge::parse)
            .filter(|challenge| challenge.is_for(&self.credentials))
            // The first of equals: the peer's own order of preference (RFC 8760 section 2.3).
            .reduce(|best, other| {
                if other.algorithm > best.algorithm {
                    other
                } else {
                    best
                }
            })?;
        if !tries.take(asker, challenge.stale) {
            return None;
        }
        let taken = Taken {
            algorithm: challenge.algorithm,
        };
        let held = Some(Held {
            challenge,
            count: 0,
        });
        match asker {
            Asker::Server => self.server = held,
            Asker::Proxy => self.proxy = held,
        }
        Some(taken)
    }

    /// Whether there is anything to write.
    pub(crate) fn is_challenged(&self) -> bool {
        self.server.is_some() || self.proxy.is_some()
    }

    /// Writes the credentials of a request into its headers, in place of older ones.
    pub(crate) fn write(&mut self, method: &str, uri: &str, cnonce: &str, headers: &mut Headers) {
        let askers = [Asker::Server, Asker::Proxy];
        for asker in askers {
            headers.remove(asker.answer_header());
        }
        if method == "ACK" {
            for (name, value) in &self.of_invite {
                headers.set(name, value);
            }
            return;
        }
        let mut written = Vec::new();
        for (asker, held) in askers.into_iter().zip([&mut self.server, &mut self.proxy]) {
            let Some(held) = held else { continue };
            held.count = held.count.saturating_add(1);
            let value = held
                .challenge
                .answer(&self.credentials, method, uri, held.count, cnonce);
            headers.set(asker.answer_header(), &value);
            written.push((asker.answer_header(), value));
        }
        if method == "INVITE" {
            self.of_invite = written;
        }
    }
}
