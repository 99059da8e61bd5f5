//! SRTP on a path: the packets of a leg with keys are opened when they come and sealed when they leave.

use crate::hold::MAX_DATAGRAM_BYTES;
use crate::srtp::{MasterKey, Protector, SrtpError, Unprotector};
use crate::stats::DropReason;

/// What opens the packets of the incoming leg.
#[derive(Debug)]
pub(crate) struct Opening {
    key: MasterKey,
    now: Unprotector,
    /// After a new key: what opens packets that left the peer before it took our answer. Gone with the first
    /// packet under the new key.
    before: Option<Unprotector>,
}

impl Opening {
    /// May allocate.
    pub(crate) fn new(key: &MasterKey) -> Opening {
        Opening {
            key: key.clone(),
            now: Unprotector::new(key),
            before: None,
        }
    }

    /// Takes a signalled key. The same one changes nothing: rollover counter and replay window go on.
    pub(crate) fn update(&mut self, key: &MasterKey) {
        if self.key == *key {
            return;
        }
        let new = self.now.rekeyed(key);
        self.before = Some(std::mem::replace(&mut self.now, new));
        self.key = key.clone();
    }

    /// Opens a datagram in place; gives the packet's length.
    pub(crate) fn open(&mut self, datagram: &mut [u8]) -> Result<usize, DropReason> {
        let len = datagram.len();
        let Some(before) = &mut self.before else {
            return self.now.unprotect_rtp(datagram, len).map_err(reason);
        };
        // A key that does not fit may leave nothing of the packet, so the old one gets a copy.
        let mut copy = [0; MAX_DATAGRAM_BYTES];
        let copy = copy.get_mut(..len).ok_or(DropReason::Size)?;
        copy.copy_from_slice(datagram);
        match self.now.unprotect_rtp(datagram, len) {
            Ok(len) => {
                self.before = None;
                Ok(len)
            }
            Err(SrtpError::Authentication) => {
                let opened = before.unprotect_rtp(copy, len).map_err(reason)?;
                datagram.copy_from_slice(copy);
                Ok(opened)
            }
            Err(error) => Err(reason(error)),
        }
    }
}

impl Opening {
    /// Opens a compound packet of the leg's RTCP in place; gives its length.
    pub(crate) fn open_rtcp(&mut self, datagram: &mut [u8]) -> Result<usize, DropReason> {
        let len = datagram.len();
        let Some(before) = &mut self.before else {
            return self.now.unprotect_rtcp(datagram, len).map_err(reason);
        };
        let mut copy = [0; MAX_DATAGRAM_BYTES];
        let copy = copy.get_mut(..len).ok_or(DropReason::Size)?;
        copy.copy_from_slice(datagram);
        match self.now.unprotect_rtcp(datagram, len) {
            // The old key goes with the first RTP packet under the new one.
            Err(SrtpError::Authentication) => {
                let opened = before.unprotect_rtcp(copy, len).map_err(reason)?;
                datagram.copy_from_slice(copy);
                Ok(opened)
            }
            opened => opened.map_err(reason),
        }
    }
}

/// What seals the packets for the outgoing leg.
#[derive(Debug)]
pub(crate) struct Sealing {
    key: MasterKey,
    protector: Protector,
}

impl Sealing {
    /// May allocate.
    pub(crate) fn new(key: &MasterKey) -> Sealing {
        Sealing {
            key: key.clone(),
            protector: Protector::new(key),
        }
    }

    /// Takes a signalled key. The same one changes nothing.
    pub(crate) fn update(&mut self, key: &MasterKey) {
        if self.key != *key {
            self.protector = self.protector.rekeyed(key);
            self.key = key.clone();
        }
    }

    /// Seals the packet in `buffer[..len]`; gives its length now.
    pub(crate) fn seal(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, DropReason> {
        self.protector.protect_rtp(buffer, len).map_err(reason)
    }

    /// The same for a compound packet of RTCP.
    pub(crate) fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, DropReason> {
        self.protector.protect_rtcp(buffer, len).map_err(reason)
    }
}

fn reason(error: SrtpError) -> DropReason {
    match error {
        SrtpError::Malformed => DropReason::Malformed,
        SrtpError::Room => DropReason::Size,
        SrtpError::Authentication => DropReason::Authentication,
        SrtpError::Replayed => DropReason::Replay,
        SrtpError::Exhausted => DropReason::KeyUsedUp,
    }
}
