//! The faults in plain words: what was heard, why squelch believes it, what usually causes it, what to change.

use serde::Serialize;
use squelch_call::observe::FaultReport;
use squelch_media::detect::Fault;

/// What is known of a fault whatever stream it was found in.
pub(crate) struct Explanation {
    /// What people call it.
    pub(crate) heading: &'static str,
    /// What was heard.
    pub(crate) heard: &'static str,
    /// What squelch sees in the payload, as the end of "from 3.00 s on ...".
    sign: &'static str,
    /// What usually causes it.
    pub(crate) cause: &'static str,
    /// What to change.
    pub(crate) change: &'static str,
}

/// The explanation of one finding, as JSON has it.
#[derive(Serialize)]
pub(crate) struct Explained {
    heard: &'static str,
    why: String,
    cause: &'static str,
    change: &'static str,
}

impl Explained {
    pub(crate) fn new(found: &FaultReport) -> Self {
        let known = explain(found.fault);
        Self {
            heard: known.heard,
            why: why(found),
            cause: known.cause,
            change: known.change,
        }
    }
}

/// Why squelch believes that the fault is there: a sentence with the figures of this finding.
pub(crate) fn why(found: &FaultReport) -> String {
    let after = found.detected_at.saturating_sub(found.from).as_millis();
    // Never all of it: a sequential test leaves a rest.
    let sure_percent = ((found.confidence * 1_000.0).floor() / 10.0).clamp(0.0, 99.9);
    format!(
        "From {:.2} s to {:.2} s {}; variant {}, confidence {sure_percent} % or more, found {after} ms \
         after the onset.",
        found.from.as_secs_f64(),
        found.to.as_secs_f64(),
        explain(found.fault).sign,
        found.variant,
    )
}

/// What there is to say of each fault.
pub(crate) fn explain(fault: Fault) -> Explanation {
    match fault {
        Fault::G711AsPcm16 => Explanation {
            heading: "Static: telephone bytes played as raw samples",
            heard: "Loud static, about as loud whether the talker spoke softly or not.",
            sign: "the decoded audio jumps between the extremes with the sign of speech in it, \
                   too loud and too rough for a voice, and often off centre, while the packets \
                   look perfectly normal",
            cause: "G.711 bytes, one a sample, were taken for PCM16, two a sample and usually at \
                    24 kHz, and encoded as G.711 again: most often a session whose audio format \
                    was lost, by an accept or a session.update that names tools or other \
                    properties and leaves the audio out, or that a framework filled with its own \
                    default of pcm16.",
            change: "Look at the session's audio.input.format and audio.output.format in \
                     session.created and session.updated: both must say audio/pcmu (or audio/pcma, \
                     as the call does). Name both in every accept and session.update, or neither, \
                     and stop the framework from sending its own. The static itself can't be undone.",
        },
        Fault::Pcm16AsG711 => Explanation {
            heading: "Raw samples sent as if they were G.711",
            heard: "Harsh noise, sometimes with the rhythm of speech under it.",
            sign: "pairs of payload bytes make smooth audio when read as PCM16, and noise when read \
                   as the G.711 that the payload type promises",
            cause: "The sender put PCM16 into packets labelled G.711: a model or synthesizer that \
                    answers in PCM16 at 24 kHz though G.711 was asked for, or a bridge that fell \
                    back to PCM16 without saying so.",
            change: "Ask for audio/pcmu or audio/pcma as the output format and check that the \
                     answer says the same; else resample to 8 kHz and encode before sending. \
                     inspect --repair writes what was said.",
        },
        Fault::LawMismatch => Explanation {
            heading: "A-law bytes under mu-law, or the reverse",
            heard: "Speech that can be made out, but loud, rough and crackling.",
            sign: "the payload decoded with the other law's table is smoother than with the one \
                   that its payload type names",
            cause: "One side sends the law that it likes best, whatever the SDP settled on: a trunk \
                    set to PCMA towards an application that knows PCMU only, or a payload type \
                    number taken for the other.",
            change: "Let both sides agree on one law: restrict the trunk's codecs to it, and compare \
                     the SDP answer with the payload type that is sent. inspect --repair gives \
                     the speech back, all of it where only the label is wrong.",
        },
        Fault::ByteSwapped => Explanation {
            heading: "PCM16 with its bytes swapped or shifted",
            heard: "Loud hiss that follows the speech; no word can be made out.",
            sign: "the decoded audio has the coarse steps and the roughness that PCM16 gets when \
                   its upper and lower bytes change places",
            cause: "PCM16 crossed from a little-endian interface to a big-endian one (L16 on the \
                    network is big-endian), or a stream was cut at an odd byte so that every sample \
                    is shifted by one, and then it was encoded.",
            change: "Swap the bytes where the audio enters the encoder, and cut buffers at whole \
                     samples only. The encoding lost what a repair would need.",
        },
        Fault::DoubleEncoded => Explanation {
            heading: "Companded or expanded twice",
            heard: "Distorted, harsh speech, or a voice squeezed to one loudness.",
            sign: "the levels are spread as only a second pass through the G.711 tables spreads them",
            cause: "Two parts of the chain both encode or both decode: audio that was G.711 already \
                    was given to an encoder that expects linear samples.",
            change: "Follow the audio from its source and leave one of the two conversions out; \
                     say at each interface whether it carries G.711 or linear samples.",
        },
        Fault::Opaque => Explanation {
            heading: "Bytes that are no audio",
            heard: "Steady, loud noise without any rhythm of speech.",
            sign: "the payload's bytes are spread as ciphertext, compressed audio or text spread \
                   them, and no reading of them is audio",
            cause: "SRTP that was not decrypted (or RTP that one side takes for SRTP), another codec \
                    such as Opus or G.729 under a G.711 payload type, or base64 or JSON sent in the \
                    place of what it carries.",
            change: "Compare both ends' SDP: RTP/AVP or RTP/SAVP, keys, and the codec of the payload \
                     type; decode base64 before the audio is put into packets.",
        },
        Fault::Stuck => Explanation {
            heading: "One packet for ever",
            heard: "A buzz or a tone that never ends.",
            sign: "the same bytes come again and again, and they are no silence",
            cause: "The sender's source stopped, and its timer goes on with the last buffer: a \
                    crashed playback, an underrun, or a concealment that never gives up.",
            change: "Look at the sender's log at that time; let it send silence (0xFF for mu-law, \
                     0xD5 for A-law) when it has nothing to play.",
        },
        Fault::WrongRate => Explanation {
            heading: "The wrong sample rate",
            heard: "Speech that is too slow and deep, or too fast and high.",
            sign: "payload sizes, timestamps and the packets' pace don't go together at 8,000 \
                   samples a second, second after second",
            cause: "Audio at 16 or 24 kHz was encoded without being resampled to 8 kHz, 8 kHz audio \
                    was taken for another rate, or timestamps are counted by another clock than \
                    G.711's.",
            change: "Resample to 8 kHz before encoding, send 160 samples for each 20 ms, and let \
                     the timestamp grow by as many as there are bytes.",
        },
        Fault::DeadAir => Explanation {
            heading: "Packets without sound",
            heard: "Nothing, for longer than a pause in a talk lasts.",
            sign: "packets flow and carry silence where talk is due",
            cause: "The model's answer never reached the call (no response was created, its audio \
                    went elsewhere, or an audio format that the call can't carry was forced on \
                    it), or the talker's side is muted.",
            change: "Look for error events in the session, and whether a response was created and \
                     has audio; remove forced audio formats; check turn detection and mute.",
        },
        Fault::Clipping => Explanation {
            heading: "Overdriven audio",
            heard: "Speech that is understood, but loud and crackling.",
            sign: "much of the audio stands at one highest level, or overflows from one end of the \
                   range to the other",
            cause: "A gain too high at the source, or a gain control after it.",
            change: "Lower the gain before the encoder by 6 dB or more, and let sums of samples \
                     saturate instead of wrapping around.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_all_its_sentences_and_none_another_one_s() {
        let mut seen = std::collections::BTreeSet::new();
        for fault in Fault::ALL {
            let known = explain(fault);
            for text in [known.heard, known.cause, known.change] {
                assert!(text.ends_with('.') && text.len() > 20, "{fault}: {text}");
                assert!(!text.contains("  "), "{fault}: {text}");
                assert!(seen.insert(text), "{fault}: {text}");
            }
            assert!(known.sign.len() > 20 && seen.insert(known.sign), "{fault}");
            assert!(
                known.heading.len() > 5 && seen.insert(known.heading),
                "{fault}"
            );
        }
    }
}
