//! Placeholder of the gateway's configuration types until the call crate has them.
#![allow(missing_docs)]

use ipnet::IpNet;
use squelch_media::{Format, GuardAction};
use squelch_sip::Listener;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Clone)]
pub struct Secret(String);
impl Secret {
    pub fn expose(&self) -> &str {
        &self.0
    }
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }
}
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    pub listeners: Vec<Listener>,
    pub media_address: IpAddr,
    pub trunks: Vec<Trunk>,
    pub openai: OpenAi,
    pub guard: Guard,
    pub limits: Limits,
    pub user_agent: String,
}
#[derive(Debug, Clone)]
pub struct Trunk {
    pub name: String,
    pub sources: Vec<IpNet>,
    pub media_sources: Vec<IpNet>,
    pub formats: Vec<Format>,
    pub max_calls: Option<u32>,
    pub max_calls_per_second: Option<u32>,
}
#[derive(Debug, Clone)]
pub struct OpenAi {
    pub routes: Vec<Route>,
    pub api_key: Option<Secret>,
    pub webhook_secrets: Vec<Secret>,
    pub media_sources: Vec<IpNet>,
    pub audio_format: AudioFormatPolicy,
    pub session: Option<serde_json::Value>,
}
#[derive(Debug, Clone)]
pub struct Route {
    pub sip_uri: String,
    pub api_base: String,
    pub server_name: Option<String>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioFormatPolicy {
    Omit,
    Pin,
    Pass,
}
#[derive(Debug, Clone)]
pub struct Guard {
    pub action: GuardAction,
    pub on_static: Vec<OnStatic>,
    pub hang_up_after: Option<Duration>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStatic {
    HangUp,
}
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub setup: Duration,
    pub ring: Duration,
    pub media_timeout: Duration,
    pub max_call: Duration,
    pub drain: Duration,
    pub max_calls: u32,
}
