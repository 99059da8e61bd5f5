//! What is received: authenticated, then decrypted. Until a packet is authentic nothing is learned from it.

use super::cipher::{Cipher, GCM_TAG_BYTES, rtcp_position, rtp_position};
use super::derive::Stream;
use super::index::{MAX_RTP_INDEX, Window, guess};
use super::packet::{RTCP_HEADER_BYTES, four, rtcp_ssrc, rtp_head};
use super::{MasterKey, SrtpError, Suite};

/// SSRCs remembered of one peer, so that one that comes back is not taken for a replay, nor its packets for new ones.
/// A call has one at a time; hold and transfer change it.
const MAX_STREAMS: usize = 4;

/// SRTCP's flag that says "encrypted" (RFC 3711 section 3.4).
const ENCRYPTED: u32 = 1 << 31;

/// One direction of a leg, from the peer.
#[derive(Debug)]
pub struct Unprotector {
    suite: Suite,
    rtp: Cipher,
    rtcp: Cipher,
    /// The one heard last comes first.
    streams: [Option<Received>; MAX_STREAMS],
    /// The key is a later one of a stream that goes on: its rollover counter may, too.
    inherited: Option<(u32, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Received {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
}

impl Unprotector {
    /// May allocate; nothing after it does.
    pub fn new(key: &MasterKey) -> Unprotector {
        Unprotector {
            suite: key.suite(),
            rtp: Cipher::new(key, Stream::Rtp),
            rtcp: Cipher::new(key, Stream::Rtcp),
            streams: [None; MAX_STREAMS],
            inherited: None,
        }
    }

    /// The same peer with a new key (a re-INVITE). A new key does not set the rollover counter back (RFC 3711
    /// section 3.3.1), but some peers do: of the stream heard last either is believed, once, by its tag.
    pub fn rekeyed(&self, key: &MasterKey) -> Unprotector {
        let last = self.streams.iter().flatten().next();
        Unprotector {
            inherited: last.and_then(|known| Some((known.ssrc, known.rtp.highest()?))),
            ..Unprotector::new(key)
        }
    }

    /// Unprotects the SRTP packet in `buffer[..len]`; gives its length now.
    ///
    /// **Errors**: what is no packet, was altered, or was here before. The packet is then of no use.
    pub fn unprotect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = buffer.get_mut(..len).ok_or(SrtpError::Malformed)?;
        let end = len
            .checked_sub(self.suite.tag_bytes())
            .ok_or(SrtpError::Malformed)?;
        let head = rtp_head(packet.get(..end).unwrap_or_default()).ok_or(SrtpError::Malformed)?;
        let known = self.find(head.ssrc);
        let window = known.map(|known| known.rtp).unwrap_or_default();
        let (index, second) = match (window.highest(), self.inherited) {
            (Some(highest), _) => (guess(highest, head.sequence), None),
            (None, Some((ssrc, highest))) if ssrc == head.ssrc => (
                guess(highest, head.sequence),
                Some(u64::from(head.sequence)),
            ),
            (None, _) => (head.sequence.into(), None),
        };
        let opened = self.open_rtp(packet, head.ssrc, head.bytes, index, &window);
        let index = match (opened, second) {
            (Ok(()), _) => index,
            // Counter mode leaves a packet that is not authentic as it was; GCM does not.
            (Err(SrtpError::Authentication), Some(second))
                if second != index && matches!(self.rtp, Cipher::Counter { .. }) =>
            {
                self.open_rtp(packet, head.ssrc, head.bytes, second, &window)?;
                second
            }
            (Err(error), _) => return Err(error),
        };
        self.heard(head.ssrc).rtp.mark(index);
        Ok(end)
    }

    /// Unprotects the SRTCP packet in `buffer[..len]`; gives its length now.
    ///
    /// **Errors**: as [`Unprotector::unprotect_rtp`].
    pub fn unprotect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = buffer.get_mut(..len).ok_or(SrtpError::Malformed)?;
        let tag_bytes = self.suite.rtcp_tag_bytes();
        let end = len
            .checked_sub(tag_bytes + 4)
            .filter(|end| *end >= RTCP_HEADER_BYTES)
            .ok_or(SrtpError::Malformed)?;
        let ssrc = rtcp_ssrc(packet).ok_or(SrtpError::Malformed)?;
        let at = match self.rtcp {
            Cipher::Counter { .. } => end,
            Cipher::Galois { .. } => end + tag_bytes,
        };
        let trailer = four(packet, at).ok_or(SrtpError::Malformed)?;
        let index = trailer & !ENCRYPTED;
        let window = self.find(ssrc).map(|known| known.rtcp).unwrap_or_default();
        window.check(index.into())?;
        let is_encrypted = trailer & ENCRYPTED != 0;
        match &self.rtcp {
            Cipher::Counter { .. } => {
                let (bytes, tag) = packet.split_at_mut(end + 4);
                if !self.rtcp.has_tag(bytes, &[], tag) {
                    return Err(SrtpError::Authentication);
                }
                if is_encrypted && let Some(payload) = bytes.get_mut(RTCP_HEADER_BYTES..end) {
                    self.rtcp.apply_keystream(ssrc, index.into(), payload);
                }
            }
            Cipher::Galois { .. } => {
                let position = rtcp_position(ssrc, index);
                let trailer = trailer.to_be_bytes();
                let (bytes, _) = packet.split_at_mut(end + GCM_TAG_BYTES);
                // What is not encrypted is authenticated all the same (RFC 7714 section 9.3).
                let clear = if is_encrypted { RTCP_HEADER_BYTES } else { end };
                let (clear, sealed) = bytes.split_at_mut(clear);
                self.rtcp.open(position, (clear, &trailer), sealed)?;
            }
        }
        self.heard(ssrc).rtcp.mark(index.into());
        Ok(end)
    }

    fn open_rtp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        header_bytes: usize,
        index: u64,
        window: &Window,
    ) -> Result<(), SrtpError> {
        if index > MAX_RTP_INDEX {
            return Err(SrtpError::Exhausted);
        }
        window.check(index)?;
        match &self.rtp {
            Cipher::Counter { .. } => {
                let end = packet.len() - self.suite.tag_bytes();
                let (bytes, tag) = packet.split_at_mut(end);
                let rollover = (index >> 16) as u32;
                if !self.rtp.has_tag(bytes, &rollover.to_be_bytes(), tag) {
                    return Err(SrtpError::Authentication);
                }
                if let Some(payload) = bytes.get_mut(header_bytes..) {
                    self.rtp.apply_keystream(ssrc, index, payload);
                }
                Ok(())
            }
            Cipher::Galois { .. } => {
                let (header, sealed) = packet.split_at_mut(header_bytes);
                self.rtp
                    .open(rtp_position(ssrc, index), (header, &[]), sealed)
            }
        }
    }

    fn find(&self, ssrc: u32) -> Option<&Received> {
        self.streams
            .iter()
            .flatten()
            .find(|known| known.ssrc == ssrc)
    }

    /// The stream that an authentic packet belongs to. It comes to the front; a new one pushes out the one silent the
    /// longest.
    fn heard(&mut self, ssrc: u32) -> &mut Received {
        let is_it = |known: &Option<Received>| known.is_some_and(|known| known.ssrc == ssrc);
        let place = self.streams.iter().position(is_it);
        let place = place.unwrap_or(MAX_STREAMS - 1);
        if let Some(front) = self.streams.get_mut(..=place) {
            front.rotate_right(1);
        }
        let [first, ..] = &mut self.streams;
        if !is_it(first) {
            *first = None;
        }
        first.get_or_insert(Received {
            ssrc,
            rtp: Window::default(),
            rtcp: Window::default(),
        })
    }
}
