//! Digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760): what proves that one knows a
//! password without sending it.
//!
//! Client: [`Credentials`] go with [`OutgoingInvite`](crate::OutgoingInvite), the rest is the
//! endpoint's. Server: [`DigestServer`] writes challenges and judges what comes back; who is asked
//! is the user's to say.
//!
//! Of the qualities of protection only `auth` is spoken: `auth-int` covers the body, which every
//! SIP hop may rewrite. `-sess` and `userhash` are not: nobody in the field asks for them.

mod algorithm;
mod challenge;
mod client;
mod credentials;
mod fields;
mod nonces;
mod server;

pub use algorithm::Algorithm;
pub use credentials::{Credentials, InvalidCredentials};
pub use server::{DigestServer, DigestVerdict};

pub(crate) use client::{Asker, ClientDigest, Taken, Tries};
