//! What the detector's training and judging need of it: reads a folder of `tools/detector/cases.py`.
//!
//! - `detector features CASES` measures every payload and writes `features.bin` beside them;
//! - `detector verdicts CASES [LOSS]` runs the detector, with so many percent of the packets left out;
//! - `detector baselines CASES` runs the two rules that it is compared with.

mod baselines;
mod cases;
mod features;
mod verdicts;

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["features", folder] => features::write(Path::new(folder)),
        ["verdicts", folder] => verdicts::write(Path::new(folder), 0),
        ["verdicts", folder, loss] => {
            let loss = loss
                .parse()
                .map_err(|_| wrong("LOSS is a whole percentage"))?;
            verdicts::write(Path::new(folder), loss)
        }
        ["baselines", folder] => baselines::write(Path::new(folder)),
        _ => Err(wrong(
            "usage: detector features CASES | verdicts CASES [LOSS] | baselines CASES",
        )),
    }
}

fn wrong(text: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, text.to_owned())
}
