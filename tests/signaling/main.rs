//! Signalling, told as stories: two endpoints in virtual time, or one endpoint and a peer whose
//! every byte the test writes.

mod raw;
mod world;

mod basic_call;
mod bye_crossing;
mod cancel;
mod connections;
mod dialog_requests;
mod digest_client;
mod digest_server;
mod forged_requests;
mod forks;
mod keep_alive;
mod lost_messages;
mod options;
mod oracles;
mod overload;
mod refusals;
mod reinvite;
mod reliable;
mod response_routing;
mod routes;
mod session_timer;
mod streams;
mod torture;
