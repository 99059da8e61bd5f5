//! SRTP beside libsrtp2: the same bytes out, and each takes what the other made.

use crate::libsrtp::{Libsrtp, Task};
use squelch_media::srtp::{MasterKey, Protector, Suite, Unprotector};

fn key(suite: Suite) -> MasterKey {
    let bytes: Vec<u8> = (0..suite.key_bytes() + suite.salt_bytes())
        .map(|at| (at as u8).wrapping_mul(37) ^ 0x5A)
        .collect();
    MasterKey::new(suite, &bytes).unwrap()
}

/// A pair of libsrtp2's sessions; `None` where it can't be had, which continuous integration does not accept.
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn libsrtp(key: &MasterKey) -> Option<Libsrtp> {
    match Libsrtp::new(key) {
        Ok(peer) => Some(peer),
        Err(lacking) => {
            assert!(std::env::var_os("CI").is_none(), "{lacking}");
            eprintln!("skipped: {lacking}");
            None
        }
    }
}

fn rtp(sequence: u16, ssrc: u32, csrcs: u8, extension: bool, payload: usize) -> Vec<u8> {
    let mut packet = vec![0x80 | csrcs, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(std::iter::repeat_n(3, usize::from(csrcs) * 4));
    if extension {
        packet[0] |= 0x10;
        packet.extend([0xBE, 0xDE, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
    packet.extend((0..payload).map(|at| (at * 7) as u8 ^ sequence as u8));
    packet
}

#[test]
fn rtp_is_byte_for_byte_libsrtp2s_over_three_wraps() {
    for suite in Suite::ALL {
        let key = key(suite);
        let Some(mut theirs) = libsrtp(&key) else {
            return;
        };
        let (mut out, mut back) = (Protector::new(&key), Unprotector::new(&key));
        let mut compared = 0;
        for step in 0..200_000_u32 {
            let sequence = (65_500 + step) as u16;
            let is_near_wrap = !(30..65_506).contains(&sequence);
            if !is_near_wrap && step % 4_001 != 0 {
                continue;
            }
            let shape = step % 5;
            let packet = rtp(
                sequence,
                0xCAFE,
                shape as u8,
                shape > 2,
                33 * shape as usize + 20,
            );
            let mut ours = packet.clone();
            ours.resize(packet.len() + suite.tag_bytes(), 0);
            let len = out.protect_rtp(&mut ours, packet.len()).unwrap();
            assert_eq!(len, ours.len());
            let made = theirs.run(Task::ProtectRtp, &packet).unwrap();
            assert_eq!(ours, made, "{suite:?} {sequence} at step {step}");
            assert_eq!(
                theirs.run(Task::UnprotectRtp, &ours).as_ref(),
                Some(&packet)
            );
            let len = back.unprotect_rtp(&mut ours, made.len()).unwrap();
            assert_eq!(&ours[..len], packet);
            compared += 1;
        }
        assert!(compared > 200, "{compared}");
    }
}

#[test]
fn rtcp_is_taken_both_ways() {
    for suite in Suite::ALL {
        let key = key(suite);
        let Some(mut theirs) = libsrtp(&key) else {
            return;
        };
        let (mut out, mut back) = (Protector::new(&key), Unprotector::new(&key));
        let mut first = Vec::new();
        for round in 0..20_u8 {
            let mut report = vec![0x80, 200, 0, 6, 0, 0, 0xCA, 0xFE];
            report.extend([round; 20]);
            let mut ours = report.clone();
            ours.resize(100, 0);
            let len = out.protect_rtcp(&mut ours, report.len()).unwrap();
            ours.truncate(len);
            let made = theirs.run(Task::ProtectRtcp, &report).unwrap();
            first.push(made.clone());
            assert_eq!(
                theirs.run(Task::UnprotectRtcp, &ours).as_ref(),
                Some(&report),
                "{suite:?} {round}"
            );
            let mut made = made;
            let len = made.len();
            let len = back.unprotect_rtcp(&mut made, len).unwrap();
            assert_eq!(&made[..len], report, "{suite:?} {round}");
        }
        // RFC 3711 section 3.4 begins at zero, libsrtp2 at one: its first packet is our second, byte for byte.
        let mut out = Protector::new(&key);
        let mut report = vec![0x80, 200, 0, 6, 0, 0, 0xCA, 0xFE];
        report.extend([0; 20]);
        let mut ours = [0; 100];
        for _ in 0..2 {
            ours[..28].copy_from_slice(&report);
            let len = out.protect_rtcp(&mut ours, 28).unwrap();
            assert_eq!(len, first[0].len());
        }
        assert_eq!(ours[..first[0].len()], first[0]);
    }
}
