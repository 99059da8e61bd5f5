//! The faults in plain words.

use squelch_media::detect::Fault;

/// What a fault is called by people, what happens, and what helps.
pub(super) struct Explanation {
    pub(super) heading: &'static str,
    pub(super) text: &'static str,
}

pub(super) fn explain(fault: Fault) -> Explanation {
    let (heading, text) = match fault {
        Fault::G711AsPcm16 => (
            "Static: telephone bytes played as raw samples",
            "The far end took G.711 bytes, one a sample, for PCM16, two a sample and usually at \
             24 kHz, and encoded the result as G.711 again. What is left is loud noise at a level \
             that hardly depends on how loud the talker was. The packets look perfectly normal: \
             only their content tells. It can't be undone, so squelch puts silence in its place; the \
             cause is most often a session whose audio format was lost, for example by an update \
             that names tools and leaves the audio out.",
        ),
        Fault::Pcm16AsG711 => (
            "Raw samples sent as if they were G.711",
            "PCM16 bytes travel under a payload type that says G.711. The ear gets harsh noise. \
             All bytes are there, so where they arrive at real-time rate squelch puts the speech \
             together again; where they arrive too slowly for that, it mutes.",
        ),
        Fault::LawMismatch => (
            "A-law bytes under mu-law, or the reverse",
            "Speech is there but loud and rough, since the other law's table was used. \
             Decoding with the right table brings it back.",
        ),
        Fault::ByteSwapped => (
            "PCM16 with its bytes swapped or shifted",
            "The two bytes of each sample changed places before the audio was encoded, which \
             turns speech into noise. Encoding it lost what a repair would need.",
        ),
        Fault::DoubleEncoded => (
            "Companded or expanded twice",
            "The audio went through the G.711 tables once too often, which distorts it badly.",
        ),
        Fault::Opaque => (
            "Bytes that are no audio",
            "Ciphertext, compressed audio or text is played as if it were G.711: steady noise.",
        ),
        Fault::Stuck => (
            "One packet for ever",
            "The same bytes come again and again: a buzz or a tone that never ends.",
        ),
        Fault::WrongRate => (
            "The wrong sample rate",
            "The samples are right, but they are played too slowly or too fast.",
        ),
        Fault::DeadAir => (
            "Packets without sound",
            "Packets flow, and nothing is heard where talk is due.",
        ),
        Fault::Clipping => (
            "Overdriven audio",
            "The level is beyond what the format can carry for a long time. It is understood, but unpleasant.",
        ),
    };
    Explanation { heading, text }
}
