//! `[http]`, `[admin]`, `[records]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::files::{Surroundings, named};
use crate::config::model::Admin;
use crate::config::section::Section;
use crate::config::values;
use squelch_call::Secret;

/// `[http]` as it was read.
pub(super) struct Http {
    pub(super) listen: Option<SocketAddr>,
    pub(super) token: Option<Secret>,
}

pub(super) fn http(mut section: Section<'_>, around: Surroundings<'_>) -> Http {
    if !section.is_there() {
        let message = "missing: OpenAI's webhooks reach nobody, so squelch accepts no call";
        let mend = "write [http] with listen = \"127.0.0.1:8080\"";
        section.warning("listen", message, mend);
        return Http {
            listen: None,
            token: None,
        };
    }
    let listen = section.value_or("listen", HTTP, values::socket_address);
    let token = named(&mut section, "token_env", |name| around.secret(name));
    section.finish();
    Http {
        listen: Some(listen),
        token,
    }
}

pub(super) fn admin(mut section: Section<'_>, around: Surroundings<'_>) -> Option<Admin> {
    if !section.is_there() {
        return None;
    }
    let listen = section.value_or("listen", ADMIN, values::socket_address);
    let token = named(&mut section, "token_env", |name| around.secret(name));
    if !listen.ip().is_loopback() && !section.has("token_env") {
        let message = format!("missing, and {listen} is reached from other machines");
        let mend = "write token_env = \"SQUELCH_ADMIN_TOKEN\", or listen on 127.0.0.1";
        section.error("token_env", message, mend);
    }
    section.finish();
    Some(Admin { listen, token })
}

pub(super) fn records(mut section: Section<'_>, around: Surroundings<'_>) -> Option<PathBuf> {
    if !section.is_there() {
        return None;
    }
    let mend = "write path = \"calls.jsonl\"";
    let path = section.required("path", mend, values::text);
    section.finish();
    path.map(|path| around.path(&path))
}

const HTTP: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8_080);
const ADMIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9_090);
