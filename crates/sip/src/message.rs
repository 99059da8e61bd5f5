//! SIP messages over rsip's types: rsip is the vocabulary and the writer, never the parser of
//! bytes off the wire (docs/assumptions/sip.md says what its parser gets wrong).

mod header;
mod host;
mod name_addr;
mod params;
mod text;
mod uri;

pub use header::{Headers, InvalidHeader};
pub use name_addr::NameAddr;
pub use params::Params;
pub use uri::{InvalidUri, Uri};
