//! Text into HTML.

use std::fmt;

/// Text that is escaped where it is written: fit for content and for quoted attributes.
///
/// Control characters (a capture may hold any) become U+FFFD.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_str(" ")?,
                // Overrides of the writing direction could make text read as what it is not.
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => f.write_str("\u{FFFD}")?,
                c if c.is_control() => f.write_str("\u{FFFD}")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}
