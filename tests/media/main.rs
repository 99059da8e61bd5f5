//! Media, told as stories: one bridge in virtual time and two peers whose every byte the test writes.

mod call;
mod libsrtp;

mod agreed;
mod allocation;
mod behind;
mod comfort_noise;
mod detector;
mod digits;
mod encrypted;
mod formats;
mod guard;
mod hostile;
mod lanes;
mod laws;
mod look_back;
mod malformed;
mod relay;
mod resampling;
mod rtcp;
mod rules;
mod silence;
mod sources;
mod srtp;
mod stuck;
mod talk;
mod tampered;
mod tapped;
mod transcoding;
