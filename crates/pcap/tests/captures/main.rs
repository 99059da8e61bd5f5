//! What the reader makes of captures, and what the writer makes for others to read.

mod build;
mod damage;
mod formats;
mod links;
mod replay;
mod writer;
