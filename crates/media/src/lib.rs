//! Everything a packet meets: RTP, detector, gate, repair, path and bridge.

pub mod detect;
