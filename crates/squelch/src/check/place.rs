//! The line on which a JSON path stands.

use squelch_call::control::session_guard::Step;

/// The line, from 1, of what `steps` lead to in `text`; of the innermost thing on the way that is
/// there, where the last is not.
///
/// `text` is JSON that was read without an error. Nothing else makes it panic, but what it says
/// then means nothing.
pub(super) fn line_of(text: &[u8], steps: &[Step]) -> usize {
    let mut cursor = Cursor { text, at: 0 };
    cursor.skip_blanks();
    let mut found = cursor.at;
    for step in steps {
        let there = match step {
            Step::Key(key) => cursor.enter_key(key),
            Step::Item(index) => cursor.enter_item(*index),
        };
        match there {
            Some(at) => found = at,
            None => break,
        }
    }
    let before = text.get(..found).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// Goes to the value of a key of the object at the cursor, and says where the key stands.
    fn enter_key(&mut self, key: &str) -> Option<usize> {
        self.take(b'{')?;
        loop {
            self.skip_blanks();
            let start = self.at;
            let name = self.string()?;
            self.skip_blanks();
            self.take(b':')?;
            self.skip_blanks();
            if name == key {
                return Some(start);
            }
            self.skip_value();
            self.skip_blanks();
            self.take(b',')?;
        }
    }

    /// Goes to an item of the array at the cursor, and says where it stands.
    fn enter_item(&mut self, index: usize) -> Option<usize> {
        self.take(b'[')?;
        for _ in 0..index {
            self.skip_value();
            self.skip_blanks();
            self.take(b',')?;
        }
        self.skip_blanks();
        (self.peek()? != b']').then_some(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// The string at the cursor, its escapes resolved.
    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.skip_string();
        serde_json::from_slice(self.text.get(start..self.at)?).ok()
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }

    /// Goes behind the value at the cursor.
    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' if depth == 0 => return,
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = br#"{
  "a \" } [": {"x": [1, "]", {"y": 2}]},
  "tools": [
    {"type": "function", "name": "f"},
    {
      "type": "web_search"
    }
  ],
  "t\u0079pe": "realtime"
}"#;

    fn line(steps: &[Step]) -> usize {
        line_of(TEXT, steps)
    }

    fn key(key: &str) -> Step {
        Step::Key(key.into())
    }

    #[test]
    fn a_value_is_found_behind_whatever_stands_before_it() {
        assert_eq!(line(&[key("tools"), Step::Item(1), key("type")]), 6);
        assert_eq!(line(&[key("tools"), Step::Item(0), key("name")]), 4);
        assert_eq!(line(&[key("type")]), 9, "its name has an escape");
        let in_the_first = [key("a \" } ["), key("x"), Step::Item(2), key("y")];
        assert_eq!(line(&in_the_first), 2);
    }

    #[test]
    fn what_is_missing_is_told_at_what_it_is_missing_from() {
        assert_eq!(line(&[key("tools"), Step::Item(1), key("name")]), 5);
        assert_eq!(line(&[key("tools"), Step::Item(7)]), 3);
        assert_eq!(line(&[key("audio"), key("input")]), 1);
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in [
            &b"{"[..],
            b"",
            b"[",
            b"{\"",
            b"{\"a\\",
            b"{\"a\":",
            b"\"",
            b"{\"a\"}",
        ] {
            line_of(text, &[key("a"), Step::Item(1), key("b")]);
        }
    }
}
