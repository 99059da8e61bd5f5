//! The part of the capture that is in memory.

use std::io::{ErrorKind, Read};

use crate::PcapError;

/// A buffer that is filled from the front of a byte source and emptied by the record.
///
/// **Cost**: holds no more than the largest record asked for plus one chunk.
pub(crate) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    /// Offset in the capture of `buffer[start]`.
    offset: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            offset: 0,
            ended: false,
        }
    }

    /// Where the next unread byte is in the capture.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next `count` bytes, or as many as are left when the capture ends before them.
    pub(crate) fn peek(&mut self, count: usize) -> Result<&[u8], PcapError> {
        while self.buffer.len() - self.start < count && !self.ended {
            self.fill()?;
        }
        let end = self.buffer.len().min(self.start + count);
        Ok(&self.buffer[self.start..end])
    }

    /// Passes over `count` bytes; gives how many of them there were.
    pub(crate) fn skip(&mut self, count: u64) -> Result<u64, PcapError> {
        let mut left = count;
        while left > 0 {
            if self.start == self.buffer.len() {
                if self.ended {
                    break;
                }
                self.fill()?;
                continue;
            }
            let held = self.buffer.len() - self.start;
            let step = held.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.start += step;
            self.offset += step as u64;
            left -= step as u64;
        }
        Ok(count - left)
    }

    fn fill(&mut self) -> Result<(), PcapError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK_BYTES, 0);
        let outcome = loop {
            match self.source.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = *outcome.as_ref().unwrap_or(&0);
        self.buffer.truncate(held + read.min(CHUNK_BYTES));
        match outcome {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(source) => {
                self.ended = true;
                return Err(PcapError::Read {
                    offset: self.offset + held as u64,
                    source,
                });
            }
        }
        Ok(())
    }
}

/// One read's worth: large enough that system calls don't show in a profile.
const CHUNK_BYTES: usize = 65_536;
