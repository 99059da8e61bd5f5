//! What caller and assistant say: speech out of the project's own samples (pcap-samples/README.md).

use squelch_pcap::Reader;
use squelch_pcap::replay::{Choice, Schedule, schedule};
use squelch_sim::peer::carrier::Script;
use squelch_sim::peer::openai::Speech;
use squelch_sim::peer::recording::Recording;

/// What the caller says, over and over.
pub fn caller() -> Script {
    let script = stream(CALLER).map(|stream| Script::from_capture(&stream));
    script.unwrap_or_default().repeated()
}

/// What the assistant says.
pub fn assistant() -> Speech {
    let mut recording = Recording::default();
    for (at, packet) in stream(ASSISTANT).into_iter().flat_map(|s| s.packets) {
        recording.push(at, &packet);
    }
    Speech::from_8k(recording.samples())
}

/// The one stream of an embedded capture; a test holds that it can be read.
fn stream(capture: &[u8]) -> Option<Schedule> {
    let packets = Reader::new(capture).ok()?.map_while(Result::ok);
    schedule(packets, Choice::Longest)
}

const CALLER: &[u8] = include_bytes!("../../../../pcap-samples/clean-pcma.pcap");
const ASSISTANT: &[u8] = include_bytes!("../../../../pcap-samples/clean-pcmu.pcap");

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn both_have_something_to_say() {
        assert!(caller().duration() > Duration::from_secs(5));
        let stream = stream(ASSISTANT).expect("readable");
        assert!(stream.packets.len() > 250);
    }
}
