//! A peer's encryption: its lines in SDP (RFC 4568), read and written a second time here, and its two ways of SRTP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::Rng;
use squelch_media::srtp::{MasterKey, Protector, Suite, Unprotector};

/// One `a=crypto` line. Peers of tests have nothing to hide, and still show no keys.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) tag: u32,
    pub(crate) suite: String,
    key_and_salt: Vec<u8>,
}

impl Line {
    /// A line with a new key.
    pub(crate) fn fresh(tag: u32, suite: Suite, dice: &mut impl Rng) -> Line {
        let mut key_and_salt = vec![0; suite.key_bytes() + suite.salt_bytes()];
        dice.fill_bytes(&mut key_and_salt);
        Line {
            tag,
            suite: suite.name().to_owned(),
            key_and_salt,
        }
    }

    /// Reads `1 AES_CM_128_HMAC_SHA1_80 inline:...`.
    pub(crate) fn parse(text: &str) -> Option<Line> {
        let mut words = text.split(' ');
        let tag = words.next()?.parse().ok()?;
        let suite = words.next()?.to_owned();
        let key = words.next()?.strip_prefix("inline:")?;
        let key = key.split('|').next()?;
        Some(Line {
            tag,
            suite,
            key_and_salt: STANDARD.decode(key).ok()?,
        })
    }

    pub(crate) fn write(&self) -> String {
        let key = STANDARD.encode(&self.key_and_salt);
        format!("{} {} inline:{key}", self.tag, self.suite)
    }

    fn key(&self) -> Option<MasterKey> {
        MasterKey::new(Suite::named(&self.suite)?, &self.key_and_salt)
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({} {})", self.tag, self.suite)
    }
}

/// Both ways of an encrypted leg.
#[derive(Debug)]
pub(crate) struct Secured {
    out: Protector,
    back: Unprotector,
    theirs: Line,
}

impl Secured {
    /// What `ours` sends and `theirs` brings.
    pub(crate) fn new(ours: &Line, theirs: &Line) -> Option<Secured> {
        Some(Secured {
            out: Protector::new(&ours.key()?),
            back: Unprotector::new(&theirs.key()?),
            theirs: theirs.clone(),
        })
    }

    /// From now on `ours` sends, and `theirs` may have changed.
    pub(crate) fn rekey(&mut self, ours: &Line, theirs: &Line) {
        if let Some(key) = ours.key() {
            self.out = self.out.rekeyed(&key);
        }
        if let (true, Some(key)) = (*theirs != self.theirs, theirs.key()) {
            self.back = self.back.rekeyed(&key);
            self.theirs = theirs.clone();
        }
    }

    pub(crate) fn seal(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        let len = packet.len();
        packet.resize(len + self.out.overhead(), 0);
        // A packet of a peer's own is one, and has its room.
        let sealed = self.out.protect_rtp(&mut packet, len).unwrap_or(0);
        packet.truncate(sealed);
        packet
    }

    /// The packet, unless it is not authentic.
    pub(crate) fn open(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let mut packet = packet.to_vec();
        let len = packet.len();
        let opened = self.back.unprotect_rtp(&mut packet, len).ok()?;
        packet.truncate(opened);
        Some(packet)
    }
}
