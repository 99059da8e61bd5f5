//! Telephone numbers, and which of them may be dialled.

use std::fmt;
use std::str::FromStr;

/// The longest number. **Source**: ITU-T E.164 section 6.1.
const MAX_DIGITS: usize = 15;

/// A trunk's policy for REFER from OpenAI's side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Transfer {
    /// Refused.
    #[default]
    Refuse,
    /// Relayed to the carrier for these numbers.
    Numbers(Vec<NumberPattern>),
}

impl Transfer {
    /// Whether this number may be dialled.
    pub(crate) fn allows(&self, number: &Number) -> bool {
        match self {
            Transfer::Refuse => false,
            Transfer::Numbers(patterns) => patterns.iter().any(|pattern| pattern.fits(number)),
        }
    }
}

/// A number, or with `*` at its end all that begin so: `+14155550100`, `+1415*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPattern {
    start: String,
    open: bool,
}

/// The text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidPattern;

impl NumberPattern {
    /// Whether it lets every number of the world be dialled.
    pub fn is_anything(&self) -> bool {
        self.open && !self.start.bytes().any(|b| b.is_ascii_digit())
    }

    fn fits(&self, number: &Number) -> bool {
        if self.open {
            number.0.starts_with(&self.start)
        } else {
            number.0 == self.start
        }
    }
}

impl FromStr for NumberPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<NumberPattern, InvalidPattern> {
        let (start, open) = match text.strip_suffix('*') {
            Some(start) => (start, true),
            None => (text, false),
        };
        let digits = start.strip_prefix('+').unwrap_or(start);
        let enough = open || !digits.is_empty();
        if !enough || digits.len() > MAX_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidPattern);
        }
        Ok(NumberPattern {
            start: start.to_owned(),
            open,
        })
    }
}

impl fmt::Display for NumberPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.open { "*" } else { "" };
        write!(f, "{}{star}", self.start)
    }
}

/// A number: digits, a plus before them where it is a global one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number(String);

impl Number {
    /// Reads a number, visual separators left out (RFC 3966 section 5.1.1).
    pub(crate) fn parse(text: &str) -> Option<Number> {
        let (plus, rest) = match text.strip_prefix('+') {
            Some(rest) => ("+", rest),
            None => ("", text),
        };
        let mut number = String::from(plus);
        for c in rest.chars() {
            match c {
                '0'..='9' => number.push(c),
                '-' | '.' | '(' | ')' => {}
                _ => return None,
            }
        }
        let digits = number.len() - plus.len();
        (1..=MAX_DIGITS).contains(&digits).then_some(Number(number))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(patterns: &[&str], number: &str) -> bool {
        let patterns = patterns.iter().map(|pattern| pattern.parse().unwrap());
        Transfer::Numbers(patterns.collect()).allows(&Number::parse(number).unwrap())
    }

    #[test]
    fn a_pattern_is_a_number_or_the_beginning_of_many() {
        assert!(allows(&["+1415*"], "+14155550100"));
        assert!(allows(&["+1415*"], "+1-415-555.0100"));
        assert!(allows(&["+1900*", "+14155550100"], "+14155550100"));
        assert!(!allows(&["+14155550100"], "+141555501001"));
        assert!(!allows(&["+1415*"], "+1416"));
        assert!(!allows(&["+1415*"], "14155550100"), "another plan");
        assert!(!allows(&[], "+14155550100"));
        assert!(!Transfer::Refuse.allows(&Number::parse("1").unwrap()));
        assert!(allows(&["*"], "100"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "+",
            "+1*5",
            "**",
            "+1415 *",
            "tel:+1",
            "+1a",
            "1234567890123456",
            "+１*",
            "1+",
        ] {
            assert_eq!(
                text.parse::<NumberPattern>(),
                Err(InvalidPattern),
                "{text:?}"
            );
        }
        assert!("+*".parse::<NumberPattern>().unwrap().is_anything());
        assert!(!"+1*".parse::<NumberPattern>().unwrap().is_anything());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "+",
            "-",
            "+1;ext=2",
            "1*",
            "1%32",
            "++1",
            "1234567890123456",
            "１",
        ] {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
    }
}
