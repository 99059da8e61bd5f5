//! Captures: bytes to datagrams with times, and back.
