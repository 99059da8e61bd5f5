//! What is said of one call's audio in the end.

use std::fmt;
use std::time::Duration;

use super::Mark;

/// What came back, against what was expected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContentVerdict {
    /// What was wrong; nothing where there is none.
    pub problems: Vec<Problem>,
    /// Windows of 100 ms in which the reference speaks and enough arrived to judge.
    pub judged: u32,
    /// Of these, those in which the same was heard.
    pub same: u32,
    /// Of these, those in which nothing was heard.
    pub silent: u32,
    /// How long after it was sent the audio was heard, where what is sent comes back.
    pub delay: Option<Duration>,
    /// How often that changed.
    pub delay_changes: u32,
    /// How much of the first word's beginning was missing; none where nothing tells.
    pub first_word_missing: Option<Duration>,
    /// Times that the expected mark was read.
    pub own_marks: u32,
    /// Stretches with enough speech in which no mark could be read: cross-talk would not have been noticed there.
    pub unread_marks: u32,
}

impl ContentVerdict {
    /// Whether nothing was wrong.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

/// What may be wrong with a call's audio: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Problem {
    /// Not one packet came back.
    OneWay,
    /// Payloads of another format than was agreed.
    WrongFormat,
    /// Nothing to hear where speech was due.
    Silence,
    /// Something else to hear than what was due.
    OtherSpeech,
    /// The beginning of the first word was missing.
    FirstWordClipped,
    /// The speech of another call, by its mark.
    CrossTalk(Mark),
    /// Its own speech came back where the far end's was due.
    OwnVoice,
}

impl Problem {
    /// Every problem's word, in the order of the documents.
    pub const NAMES: [&'static str; 7] = [
        "one_way",
        "wrong_format",
        "silence",
        "other_speech",
        "first_word_clipped",
        "cross_talk",
        "own_voice",
    ];

    /// The problem's word in reports and labels.
    pub const fn name(self) -> &'static str {
        match self {
            Problem::OneWay => "one_way",
            Problem::WrongFormat => "wrong_format",
            Problem::Silence => "silence",
            Problem::OtherSpeech => "other_speech",
            Problem::FirstWordClipped => "first_word_clipped",
            Problem::CrossTalk(_) => "cross_talk",
            Problem::OwnVoice => "own_voice",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::CrossTalk(mark) => write!(f, "cross_talk with call {mark}"),
            other => f.write_str(other.name()),
        }
    }
}
