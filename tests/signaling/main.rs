//! Signalling, told as stories: two endpoints in virtual time, or one endpoint and a peer whose
//! every byte the test writes.

mod world;

mod basic_call;
