//! What a mismatch of the laws did to a stream's codes, undone.
//!
//! Three things go by that name. Each maps the 256 codes:
//!
//! | what | a code of the one law was | codes that come back for certain |
//! |---|---|---|
//! | [`What::Law`] | given the other law's label, and left alone | 256 |
//! | [`What::Transcoded`] | decoded by the other law, encoded and decoded by its own, encoded by the other | 225 (A-law), 224 (mu-law) |
//! | [`What::Misread`] | decoded by the other law, and encoded by its own | 225 (A-law), 224 (mu-law) |
//!
//! The last two give 240 different codes: fifteen or sixteen of them stand for two, one even for three. These lie
//! next to each other in the law that they were decoded by, and may lie far apart in their own: at worst they are of
//! different signs (+848 and -848 of A-law are the two zeros of mu-law), or +3,260 and +21,884. Which of two it was
//! only the sample before tells: the nearer one is taken.

use crate::detect::What;
use squelch_g711::Law;

/// Gives the codes of one stream back.
///
/// **Cost**: a look-up a code; nothing allocated.
#[derive(Clone, Copy, Debug)]
pub struct Undo {
    /// The law of the codes that come out.
    law: Law,
    /// `None` where they only have to be read as what they are.
    map: Option<&'static Map>,
    /// Whether a code that the map does not give shows that nothing was ever done to the codes.
    may_be_whole: bool,
    /// The sample given last.
    before: i16,
}

/// For each code that comes, the two that it may have been, the same twice where it can be but one; and whether it
/// comes at all of what is said to have happened.
#[derive(Debug)]
struct Map {
    choices: [[u8; 2]; 256],
    comes: [bool; 256],
}

impl Undo {
    /// For a stream under the label of `labelled`; none where it is not the laws that were confused.
    pub fn new(labelled: Law, what: What) -> Option<Undo> {
        let (law, map) = match what {
            What::Law(law) => (law, None),
            What::Transcoded(law) => (law, Some(&TRANSCODED[law as usize])),
            // The table was the other one; the codes are the label's.
            What::Misread(_) => (labelled, Some(&MISREAD[labelled as usize])),
            _ => return None,
        };
        Some(Undo {
            law,
            map,
            may_be_whole: matches!(what, What::Transcoded(_)),
            before: 0,
        })
    }

    /// The law of the codes that come out.
    pub fn law(&self) -> Law {
        self.law
    }

    /// Whether every code comes back.
    pub fn is_exact(&self) -> bool {
        self.map.is_none()
    }

    /// Gives the codes of a payload back, in place; they are [`Undo::law`]'s.
    ///
    /// What is called transcoded and has codes that come of no transcoding is left alone from there: the detector had
    /// heard too little of it, or it was brought over by the Recommendation's tables, which lose less.
    pub fn apply(&mut self, codes: &mut [u8]) {
        let Some(map) = self.map else {
            return;
        };
        for code in codes {
            let [likely, other] = map.choices[usize::from(*code)];
            if !map.comes[usize::from(*code)] && self.may_be_whole {
                self.map = None;
                return;
            }
            *code = likely;
            let mut sample = self.law.decode_sample(likely);
            if other != likely {
                let second = self.law.decode_sample(other);
                if second.abs_diff(self.before) < sample.abs_diff(self.before) {
                    (*code, sample) = (other, second);
                }
            }
            self.before = sample;
        }
    }
}

/// By the law of the codes that were transcoded, mu-law first.
static TRANSCODED: [Map; 2] = [transcoded(Law::Mu), transcoded(Law::A)];

/// By the law of the codes that were misread, mu-law first.
static MISREAD: [Map; 2] = [misread(Law::Mu), misread(Law::A)];

const fn transcoded(law: Law) -> Map {
    let (mut came, mut plain) = ([0; 256], [0; 256]);
    let mut code = 0;
    while code < 256 {
        let wrong = law.encode_sample(law.other().decode_sample(code as u8));
        came[code] = law.other().encode_sample(law.decode_sample(wrong));
        // The way there and back moves sixteen codes by a step of the label's law, and leaves the others alone.
        plain[code] = code as u8;
        code += 1;
    }
    turned_round(law, came, plain)
}

const fn misread(law: Law) -> Map {
    let (mut came, mut plain) = ([0; 256], [0; 256]);
    let mut code = 0;
    while code < 256 {
        came[code] = law.encode_sample(law.other().decode_sample(code as u8));
        plain[code] = law.other().encode_sample(law.decode_sample(code as u8));
        code += 1;
    }
    turned_round(law, came, plain)
}

/// The map from what was (codes of `law`) to what `came`, turned round: `plain` first, which is right wherever one
/// code was, and beside it the farthest of the others.
const fn turned_round(law: Law, came: [u8; 256], plain: [u8; 256]) -> Map {
    let (mut choices, mut comes) = ([[0; 2]; 256], [false; 256]);
    let mut code = 0;
    while code < 256 {
        choices[code] = [plain[code]; 2];
        code += 1;
    }
    let mut was = 0;
    while was < 256 {
        comes[came[was] as usize] = true;
        let [likely, other] = choices[came[was] as usize];
        let likely = law.decode_sample(likely);
        let farthest = law.decode_sample(other).abs_diff(likely);
        if law.decode_sample(was as u8).abs_diff(likely) > farthest {
            choices[came[was] as usize][1] = was as u8;
        }
        was += 1;
    }
    Map { choices, comes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a code of `law` on the way that `what` tells; by the laws' definition, not the tables above.
    fn confused(what: What, code: u8) -> u8 {
        let read = |law: Law, code| law.decode_sample(code);
        match what {
            What::Transcoded(law) => {
                let wrong = law.encode_sample(read(law.other(), code));
                law.other().encode_sample(read(law, wrong))
            }
            What::Misread(table) => table.other().encode_sample(read(table, code)),
            _ => code,
        }
    }

    /// For each law of the codes as they were: the label that they came under, and what went wrong.
    fn cases(law: Law) -> [(Law, What); 3] {
        [
            (law.other(), What::Law(law)),
            (law.other(), What::Transcoded(law)),
            (law, What::Misread(law.other())),
        ]
    }

    #[test]
    fn as_many_codes_come_back_as_can() {
        for (law, certain) in [(Law::Mu, 224), (Law::A, 225)] {
            for (label, what) in cases(law) {
                let undone = |before: i16, code: u8| {
                    let mut undo = Undo::new(label, what).expect("a mismatch");
                    assert_eq!(undo.law(), law);
                    undo.before = before;
                    let mut codes = [confused(what, code)];
                    undo.apply(&mut codes);
                    codes[0]
                };
                let always = (0..=255)
                    .filter(|code| (-128..128).all(|at| undone(at * 256, *code) == *code))
                    .count();
                let exact = Undo::new(label, what).is_some_and(|undo| undo.is_exact());
                assert_eq!(always, if exact { 256 } else { certain }, "{what:?}");
                assert_eq!(exact, matches!(what, What::Law(_)));
                // Where the sample before was the same, so is this: but for one of three that share a code.
                let near = (0..=255)
                    .filter(|code| undone(law.decode_sample(*code), *code) == *code)
                    .count();
                assert!(near >= 255, "{what:?}: {near}");
            }
        }
    }

    #[test]
    fn other_faults_are_not_undone() {
        assert!(Undo::new(Law::Mu, What::Companded).is_none());
    }
}
