//! Forged and stray messages. None of them may change anything.

use bytes::Bytes;

use super::{Flight, Stage};
use crate::trial::phone::Role;
use crate::world::{carrier_address, gateway_address, openai_address, stranger_address};

impl Stage {
    /// Something arrives that nobody who belongs to a call has sent.
    pub(super) fn stranger(&mut self) {
        let victim = self.dice.below(self.phones.len() as u32) as usize;
        let Some(phone) = self.phones.get(victim) else {
            return;
        };
        let remote = phone.remote_tag.clone().unwrap_or_default();
        let (call_id, local) = (phone.call_id.clone(), phone.local_tag.clone());
        let role = phone.role;
        let overheard = self.overheard.len() as u32;
        let echo = self
            .overheard
            .get(self.dice.below(overheard) as usize)
            .cloned();
        let (own, other) = match role {
            Role::Caller => (carrier_address(), openai_address()),
            Role::Callee => (openai_address(), carrier_address()),
        };
        let number = self.dice.number();
        let kind = self.dice.below(6);
        let (from, bytes) = match kind {
            // All that a stranger overheard, from where he is.
            0 => (stranger_address(), echo.unwrap_or_default()),
            1 => (
                stranger_address(),
                forged(number, "BYE", &call_id, &local, &remote),
            ),
            // The other leg's peer, which is known, in a dialog that is not its own.
            2 => (other, forged(number, "BYE", &call_id, &local, &remote)),
            // The right address with wrong tags.
            3 => (own, forged(number, "BYE", &call_id, "wrong", &remote)),
            4 => (own, forged(number, "ACK", &call_id, &local, "wrong")),
            _ => (own, Bytes::from_static(b"\r\n\r\n")),
        };
        let since = self.now - self.start;
        self.ladder
            .message(since, &format!("forged, from {from}"), &bytes, "");
        let to = gateway_address();
        self.at(self.now, Flight::Datagram { from, to, bytes });
    }
}

fn forged(number: u64, method: &str, call_id: &str, from: &str, to: &str) -> Bytes {
    format!(
        "{method} sip:squelch@192.0.2.2 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKforged{number};rport\r\n\
         From: <sip:x@192.0.2.99>;tag={from}\r\nTo: <sip:y@192.0.2.2>;tag={to}\r\n\
         Call-ID: {call_id}\r\nCSeq: 9999 {method}\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into()
}
