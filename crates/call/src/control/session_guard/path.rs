//! Where something stands in a JSON text, written as OpenAI writes it: `session.tools[0].type`.

use std::fmt;

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The value of a key.
    Key(String),
    /// The item of an array, counted from 0.
    Item(usize),
}

/// The way from the message's root to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Step>);

impl Path {
    /// The path of a key of the message itself.
    pub fn root(key: &str) -> Path {
        Path(vec![Step::Key(key.into())])
    }

    /// The path of a key of the object that stands here.
    #[must_use]
    pub fn key(&self, key: &str) -> Path {
        self.then(Step::Key(key.into()))
    }

    /// The path of an item of the array that stands here.
    #[must_use]
    pub fn item(&self, index: usize) -> Path {
        self.then(Step::Item(index))
    }

    /// The steps, from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    fn then(&self, step: Step) -> Path {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
