//! Cuts a stream into messages by Content-Length (RFC 3261 section 18.3) at any split.

use bytes::{Buf, Bytes, BytesMut};

use super::error::MessageError;
use super::head::{Head, content_length};
use super::read::Refusal;
use super::{MAX_STREAM_MESSAGE_BYTES, Message};

/// Collects the bytes of one connection. Holds at most one message and what came with it.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: BytesMut,
    /// Where to go on looking for the blank line.
    searched: usize,
    /// The whole length of the message at the front, once its head is there.
    length: Option<usize>,
    /// Line ends since the last message: two are a ping (RFC 5626 section 3.5.1).
    line_ends: u8,
    /// A ping of ours is out: the next line end between messages is its pong.
    pong_due: bool,
}

/// What a stream holds next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The bytes of one message.
    Message(Bytes),
    /// A keep-alive; wants one CRLF as answer.
    Ping,
    /// The answer to a keep-alive of ours.
    Pong,
    /// The stream cannot be followed any further: answer the refusal, then close.
    Lost(Refusal),
}

impl Framer {
    /// Takes in what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// A ping was sent.
    pub fn expect_pong(&mut self) {
        self.pong_due = true;
    }

    /// Whether part of a message has arrived and the rest is missing.
    pub fn is_incomplete(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next frame; call until `None`. After [`Frame::Lost`] nothing more comes.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let length = match self.length {
            Some(length) => length,
            None => {
                if let Some(frame) = self.take_line_ends() {
                    return Some(frame);
                }
                let head = self.find_head()?;
                match head.and_then(|end| self.message_length(end)) {
                    Ok(length) => *self.length.insert(length),
                    Err(error) => {
                        let refusal = Message::refuse(&self.buffer, error);
                        self.buffer.clear();
                        return Some(Frame::Lost(refusal));
                    }
                }
            }
        };
        if self.buffer.len() < length {
            return None;
        }
        self.length = None;
        self.searched = 0;
        self.line_ends = 0;
        Some(Frame::Message(self.buffer.split_to(length).freeze()))
    }

    /// Takes line ends before a message away: one is a pong where one is due, two are a ping.
    fn take_line_ends(&mut self) -> Option<Frame> {
        loop {
            let taken = match (self.buffer.first(), self.buffer.get(1)) {
                (Some(b'\n'), _) => 1,
                (Some(b'\r'), Some(b'\n')) => 2,
                // A CR before anything else than LF is no start of a message either.
                (Some(b'\r'), Some(_)) => 1,
                _ => return None,
            };
            self.buffer.advance(taken);
            self.searched = 0;
            if std::mem::take(&mut self.pong_due) {
                return Some(Frame::Pong);
            }
            self.line_ends += 1;
            if self.line_ends == 2 {
                self.line_ends = 0;
                return Some(Frame::Ping);
            }
        }
    }

    /// The length of the head with its blank line; `None` while it is incomplete.
    fn find_head(&mut self) -> Option<Result<usize, MessageError>> {
        while let Some(at) = self
            .buffer
            .get(self.searched..)
            .and_then(|rest| rest.iter().position(|b| *b == b'\n'))
        {
            let line_end = self.searched + at + 1;
            match (self.buffer.get(line_end), self.buffer.get(line_end + 1)) {
                (Some(b'\n'), _) => return Some(Ok(line_end + 1)),
                (Some(b'\r'), Some(b'\n')) => return Some(Ok(line_end + 2)),
                (None, _) | (Some(b'\r'), None) => {
                    // The blank line may still come; look at this line end again then.
                    self.searched += at;
                    return self.within_cap();
                }
                _ => self.searched = line_end,
            }
        }
        self.searched = self.buffer.len();
        self.within_cap()
    }

    fn within_cap(&self) -> Option<Result<usize, MessageError>> {
        (self.buffer.len() > MAX_STREAM_MESSAGE_BYTES).then_some(Err(MessageError::TooLong))
    }

    fn message_length(&self, head_length: usize) -> Result<usize, MessageError> {
        let head = self.buffer.get(..head_length).unwrap_or_default();
        let body_length = content_length(&Head::split(head))
            .map_err(|()| MessageError::ContentLength)?
            .ok_or(MessageError::NoContentLength)?;
        usize::try_from(body_length)
            .ok()
            .and_then(|body| head_length.checked_add(body))
            .filter(|length| *length <= MAX_STREAM_MESSAGE_BYTES)
            .ok_or(MessageError::TooLong)
    }
}

#[cfg(test)]
mod tests;
