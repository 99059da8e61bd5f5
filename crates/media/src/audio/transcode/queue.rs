//! Bytes that wait to be a frame, in the order they came.

/// **Shape**: a fixed number of bytes; the rest moves to the front when more comes.
#[derive(Debug)]
pub(super) struct Queue {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Queue {
        Queue {
            bytes: vec![0; capacity].into(),
            start: 0,
            end: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Room for `count` more bytes, at the end; `None` if they do not fit.
    pub(super) fn grow(&mut self, count: usize) -> Option<&mut [u8]> {
        if self.end + count > self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = self.bytes.get_mut(self.end..self.end + count)?;
        self.end += count;
        Some(room)
    }

    /// The first `count` bytes, which are no longer kept; `None` if there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Option<&[u8]> {
        if count > self.len() {
            return None;
        }
        let taken = self.start..self.start + count;
        self.start += count;
        self.bytes.get(taken)
    }
}
