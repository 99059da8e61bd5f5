//! RSeq and RAck (RFC 3262 sections 7.1 and 7.2).

use super::cseq::CSeq;
use super::text::trim;

/// What a PRACK acknowledges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RAck {
    /// The number of the provisional response.
    pub(crate) rseq: u32,
    /// The CSeq of the request it answers.
    pub(crate) cseq: CSeq,
}

impl RAck {
    /// Reads `776656 1 INVITE`. `None` where it is malformed.
    pub(crate) fn parse(text: &str) -> Option<RAck> {
        let (rseq, cseq) = trim(text).split_once([' ', '\t'])?;
        Some(RAck {
            rseq: parse_rseq(rseq)?,
            cseq: CSeq::parse(cseq)?,
        })
    }
}

/// Reads RSeq's number: 1 to 2^32 - 1.
pub(crate) fn parse_rseq(text: &str) -> Option<u32> {
    let digits = trim(text);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_and_what_it_answers_are_read() {
        let rack = RAck::parse("776656 \t1 INVITE").unwrap();
        assert_eq!(
            (rack.rseq, rack.cseq.to_string().as_str()),
            (776_656, "1 INVITE")
        );
        for broken in [
            "",
            "1",
            "1 2",
            "0 1 INVITE",
            "-1 1 INVITE",
            "4294967296 1 INVITE",
            "1 x INVITE",
        ] {
            assert_eq!(RAck::parse(broken), None, "{broken}");
        }
    }
}
