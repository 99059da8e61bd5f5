//! The speech of pcap-samples, as mu-law codes.

use squelch_media::rtp::View;
use squelch_pcap::Reader;

/// All payloads of `clean-pcmu.pcap`, one after the other.
pub(crate) fn mu_law() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/pcap-samples/clean-pcmu.pcap");
    let file = std::fs::File::open(path).expect("the sample is there");
    Reader::new(file)
        .expect("the sample is a capture")
        .flat_map(|packet| {
            let packet = packet.expect("the sample is whole");
            let view = View::parse(&packet.payload).expect("the sample is RTP");
            view.payload().to_vec()
        })
        .collect()
}
