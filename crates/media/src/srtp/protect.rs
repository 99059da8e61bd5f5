//! What is sent: encrypted, then authenticated.

use super::cipher::{Cipher, GCM_TAG_BYTES, rtcp_position, rtp_position};
use super::derive::Stream;
use super::index::{MAX_RTP_INDEX, guess};
use super::packet::{RTCP_HEADER_BYTES, rtcp_ssrc, rtp_head};
use super::{MasterKey, SrtpError, Suite};

/// An SRTCP index has 31 bits; above it stands the flag that says "encrypted" (RFC 3711 section 3.4).
const ENCRYPTED: u32 = 1 << 31;

/// One direction of a leg, towards the peer: one SSRC at a time.
#[derive(Debug)]
pub struct Protector {
    suite: Suite,
    rtp: Cipher,
    rtcp: Cipher,
    /// The stream sent now, and its highest index.
    stream: Option<(u32, u64)>,
    next_rtcp_index: u32,
}

impl Protector {
    /// May allocate; nothing after it does.
    pub fn new(key: &MasterKey) -> Protector {
        Protector {
            suite: key.suite(),
            rtp: Cipher::new(key, Stream::Rtp),
            rtcp: Cipher::new(key, Stream::Rtcp),
            stream: None,
            next_rtcp_index: 0,
        }
    }

    /// The same stream with a new key: the rollover counter goes on (RFC 3711 section 3.3.1).
    pub fn rekeyed(&self, key: &MasterKey) -> Protector {
        Protector {
            stream: self.stream,
            ..Protector::new(key)
        }
    }

    /// By how much an RTP packet grows. **Units**: bytes.
    pub fn overhead(&self) -> usize {
        self.suite.tag_bytes()
    }

    /// Protects the RTP packet in `buffer[..len]`; gives its length now.
    ///
    /// **Errors**: what is no RTP packet, a buffer without room for the tag, and a key that is used up.
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let head = rtp_head(buffer.get(..len).ok_or(SrtpError::Malformed)?);
        let head = head.ok_or(SrtpError::Malformed)?;
        let index = match self.stream {
            Some((ssrc, highest)) if ssrc == head.ssrc => guess(highest, head.sequence),
            // A stream of ours that is new begins with no rollover (RFC 3711 section 3.3.1).
            _ => head.sequence.into(),
        };
        if index > MAX_RTP_INDEX {
            return Err(SrtpError::Exhausted);
        }
        let tag_bytes = self.suite.tag_bytes();
        let packet = buffer.get_mut(..len + tag_bytes).ok_or(SrtpError::Room)?;
        let (packet, tag) = packet.split_at_mut(len);
        let (header, payload) = packet
            .split_at_mut_checked(head.bytes)
            .ok_or(SrtpError::Malformed)?;
        match &self.rtp {
            Cipher::Counter { .. } => {
                self.rtp.apply_keystream(head.ssrc, index, payload);
                let rollover = (index >> 16) as u32;
                let made = self.rtp.tag(packet, &rollover.to_be_bytes());
                copy_start(tag, &made);
            }
            Cipher::Galois { .. } => {
                let position = rtp_position(head.ssrc, index);
                let made = self.rtp.seal(position, (header, &[]), payload)?;
                tag.copy_from_slice(&made);
            }
        }
        self.stream = match self.stream {
            Some((ssrc, highest)) if ssrc == head.ssrc => Some((ssrc, highest.max(index))),
            _ => Some((head.ssrc, index)),
        };
        Ok(len + tag_bytes)
    }

    /// Protects the RTCP packet in `buffer[..len]`; gives its length now.
    ///
    /// **Errors**: as [`Protector::protect_rtp`].
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = buffer.get(..len).ok_or(SrtpError::Malformed)?;
        let ssrc = rtcp_ssrc(packet).ok_or(SrtpError::Malformed)?;
        let index = self.next_rtcp_index;
        if index >= ENCRYPTED {
            return Err(SrtpError::Exhausted);
        }
        let trailer = (ENCRYPTED | index).to_be_bytes();
        let grown = len + 4 + self.suite.rtcp_tag_bytes();
        let packet = buffer.get_mut(..grown).ok_or(SrtpError::Room)?;
        let (packet, rest) = packet.split_at_mut(len);
        let (header, payload) = packet
            .split_at_mut_checked(RTCP_HEADER_BYTES)
            .ok_or(SrtpError::Malformed)?;
        match &self.rtcp {
            Cipher::Counter { .. } => {
                self.rtcp.apply_keystream(ssrc, index.into(), payload);
                let made = self.rtcp.tag(packet, &trailer);
                // The index, then the tag (RFC 3711 section 3.4).
                let (at, tag) = rest.split_at_mut(4);
                at.copy_from_slice(&trailer);
                copy_start(tag, &made);
            }
            Cipher::Galois { .. } => {
                let position = rtcp_position(ssrc, index);
                let made = self.rtcp.seal(position, (header, &trailer), payload)?;
                // The tag belongs to the ciphertext, then the index (RFC 7714 section 9.2).
                let (tag, at) = rest.split_at_mut(GCM_TAG_BYTES);
                tag.copy_from_slice(&made);
                at.copy_from_slice(&trailer);
            }
        }
        self.next_rtcp_index += 1;
        Ok(grown)
    }
}

fn copy_start(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
