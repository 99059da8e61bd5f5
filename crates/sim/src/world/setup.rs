//! What a world is made of.

use std::time::{Duration, SystemTime};

use squelch_call::{
    AtExpiry, AudioFormatPolicy, GatewayConfig, Guard, Limits, OpenAi, Route, Secret, Srtp, Trunk,
};
use squelch_media::{Format, GuardAction};

use super::places::{CARRIER, GATEWAY, OPENAI, endpoint, listener, tls, tls_listener};
use crate::peer::openai::{OpenAiConfig, Speech};

/// The configuration of everybody, to be changed before the world is made.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where all dice begin.
    pub seed: [u8; 32],
    /// The date at the beginning.
    pub wall: SystemTime,
    /// The gateway's. squelch accepts the calls itself, with a session that says nothing of formats.
    pub gateway: GatewayConfig,
    /// The stand-in's.
    pub openai: OpenAiConfig,
}

impl Setup {
    /// The application accepts the calls, through squelch.
    pub fn with_application(mut self) -> Setup {
        self.gateway.openai.session = None;
        self.gateway.openai.webhook_forward = Some(format!("{APPLICATION}webhook"));
        self
    }

    /// The usual: one trunk, one route, protection on, calls go on with static muted.
    pub fn new(seed: u8, speech: Speech) -> Setup {
        let seed = [seed; 32];
        let mut openai = OpenAiConfig::new(endpoint(seed, 3, OPENAI), OPENAI.ip(), speech);
        openai.webhook_url = Some("http://192.0.2.2:8080/webhooks/openai".into());
        openai.api_key = API_KEY.into();
        let gateway = GatewayConfig {
            http_token: None,
            user_agent: "squelch".into(),
            listeners: vec![listener(GATEWAY)],
            media_address: None,
            trunks: vec![Trunk {
                record: false,
                name: "carrier".into(),
                sources: vec![CARRIER.ip().into()],
                media_sources: vec![CARRIER.ip().into()],
                formats: vec![Format::Pcmu, Format::Pcma],
                srtp: Srtp::Off,
                session_expires: None,
                max_calls: None,
                max_calls_per_second: None,
                transfer: Default::default(),
                digest: None,
            }],
            openai: OpenAi {
                routes: vec![Route {
                    sip_uri: format!("sip:proj_test@{OPENAI};transport=udp"),
                    api_base: "https://api.example/v1".into(),
                    server_name: None,
                    credentials: None,
                }],
                probe: None,
                api_key: Some(Secret::new(API_KEY)),
                webhook_secrets: vec![Secret::new(openai.webhook_secret.as_str())],
                media_sources: vec![OPENAI.ip().into()],
                formats: vec![Format::Pcmu, Format::Pcma],
                srtp: Srtp::Off,
                audio_format: AudioFormatPolicy::Omit,
                at_expiry: AtExpiry::Warn,
                webhook_forward: None,
                session: Some(serde_json::json!({"type": "realtime", "model": "gpt-realtime"})),
            },
            guard: Guard {
                action: GuardAction::Protect,
                hold: Duration::ZERO,
                on_static: Vec::new(),
                hang_up_after: None,
            },
            limits: Limits::default(),
        };
        Setup {
            seed,
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000),
            gateway,
            openai,
        }
    }

    /// The gateway takes calls by TLS too, and places its own by it.
    pub fn over_tls(mut self) -> Setup {
        self.gateway.listeners.push(tls_listener(GATEWAY));
        for route in &mut self.gateway.openai.routes {
            route.sip_uri = format!("sip:proj_test@{};transport=tls", tls(OPENAI));
        }
        self
    }
}

/// Where the customer's program listens for webhooks.
pub(super) const APPLICATION: &str = "https://application.example/";

/// Known to gateway, stand-in and application.
pub(super) const API_KEY: &str = "sk-world";
