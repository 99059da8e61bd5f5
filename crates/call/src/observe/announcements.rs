//! What SDP said of the streams to come.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use squelch_media::rtp::View;

use super::encoding::Encoding;
use super::recognise::StreamKey;
use super::sdp::Announced;

/// What was said last of each address that media are to be sent to, and in which dialog.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    by_address: BTreeMap<SocketAddr, (Announced, String)>,
}

impl Announcements {
    pub(super) fn insert(&mut self, media: Announced, call_id: &str) {
        let room = self.by_address.len() < MAX_ADDRESSES;
        if room || self.by_address.contains_key(&media.address) {
            let address = media.address;
            self.by_address.insert(address, (media, call_id.to_owned()));
        }
    }

    /// The dialog that announced the stream.
    pub(super) fn call_id(&self, key: StreamKey) -> Option<&str> {
        let either = [key.destination, key.source];
        let (_, call_id) = either.iter().find_map(|end| self.by_address.get(end))?;
        Some(call_id)
    }

    /// Whether the payload is ciphertext.
    pub(super) fn is_encrypted(&self, key: StreamKey) -> bool {
        let either = [key.destination, key.source];
        let mut known = either.iter().filter_map(|end| self.by_address.get(end));
        known.any(|(media, _)| media.encrypted)
    }

    /// What the payload type means: as the receiver's SDP says, else the sender's, else by
    /// RFC 3551; a dynamic one with payloads of an event's shape is telephone-event.
    pub(super) fn encoding(&self, key: StreamKey, packet: &View<'_>) -> Encoding {
        let payload_type = packet.payload_type().number();
        let announced = [key.destination, key.source].into_iter().find_map(|end| {
            let (media, _) = self.by_address.get(&end)?;
            let formats = &media.formats;
            let (_, encoding) = formats.iter().find(|(number, _)| *number == payload_type)?;
            (*encoding != Encoding::Unknown).then_some(*encoding)
        });
        announced.unwrap_or_else(|| match Encoding::of_static(payload_type) {
            Encoding::Unknown if payload_type >= FIRST_DYNAMIC && is_event(packet.payload()) => {
                Encoding::TelephoneEvent
            }
            known => known,
        })
    }
}

/// RFC 4733, 2.3: event, E and R bits and volume, duration. R is zero.
fn is_event(payload: &[u8]) -> bool {
    matches!(payload, [event, flags, _, _] if *event <= 16 && flags & 0x40 == 0)
}

/// RFC 3551, 6.
const FIRST_DYNAMIC: u8 = 96;
/// Addresses that are remembered; what is announced beyond is judged by its payload type alone.
const MAX_ADDRESSES: usize = 65_536;
