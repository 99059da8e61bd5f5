//! `[sip]` and `[media]`.

use crate::config::files::{Surroundings, named};
use crate::config::model::{Listen, PortRange, ShownCertificate, only_address};
use crate::config::section::Section;
use crate::config::values;
use rustls::pki_types::CertificateDer;
use squelch_sip::Protocol;
use std::net::IpAddr;
use std::sync::Arc;

pub(super) struct Sip {
    pub(super) listen: Vec<Listen>,
    pub(super) certificate: Option<ShownCertificate>,
    pub(super) client_authority: Option<Arc<[CertificateDer<'static>]>>,
    pub(super) public_host: Option<String>,
}

impl Sip {
    pub(super) fn listens_by_tls(&self) -> bool {
        let mut listen = self.listen.iter();
        listen.any(|one| one.protocol == Protocol::Tls)
    }
}

pub(super) fn sip(mut section: Section<'_>, around: Surroundings<'_>) -> Sip {
    let listen = section.list("listen", values::listen);
    let chain = named(&mut section, "certificate", |f| around.certificates(f));
    let key = named(&mut section, "key", |f| around.private_key(f));
    let client_authority = named(&mut section, "client_authority", |f| around.certificates(f));
    let client_authority: Option<Arc<[_]>> = client_authority.map(Into::into);
    let public_host = section.value("public_address", values::host);
    let listen = match listen {
        Some(listen) if listen.is_empty() => {
            let mend = "name an address such as \"udp:0.0.0.0:5060\"";
            section.error("listen", "names no address", mend);
            listen
        }
        Some(listen) => listen,
        None if section.has("listen") => Vec::new(),
        None => {
            let mend = "write listen = [\"udp:0.0.0.0:5060\"] in [sip]";
            section.missing("listen", mend);
            Vec::new()
        }
    };
    for (at, one) in listen.iter().enumerate() {
        if one.address.port() != 0 && listen.iter().take(at).any(|other| other == one) {
            section.error("listen", format!("\"{one}\" is there twice"), "keep one");
        }
    }
    if listen.iter().any(|one| one.protocol == Protocol::Tls) {
        for key in ["certificate", "key"] {
            if !section.has(key) {
                let mend = "name the PEM file, or leave out the \"tls:\" address";
                section.error(key, "missing, and a \"tls:\" address needs it", mend);
            }
        }
    } else if section.has("client_authority") {
        let message = "asks nobody for a certificate: no address of \"listen\" is \"tls:\"";
        section.error("client_authority", message, "leave it out, or add \"tls:\"");
    }
    if public_host.is_none()
        && !section.has("public_address")
        && listen.iter().any(|one| one.address.ip().is_unspecified())
    {
        let mend = "write public_address = \"...\", the address that carriers and OpenAI reach";
        let message = "missing, and an address of \"listen\" stands for all of the machine's";
        section.error("public_address", message, mend);
    }
    let certificate = match (chain, key) {
        (Some(chain), Some(key)) => {
            let certificate = ShownCertificate { chain, key };
            if let Err(error) = crate::signaling_io::tls::server(&certificate, None) {
                let mend = "name the certificate and the key that belong together";
                section.error("certificate", error.to_string(), mend);
            } else if let Err(error) =
                crate::signaling_io::tls::server(&certificate, client_authority.as_deref())
            {
                let mend = "name the certificate of an authority";
                section.error("client_authority", error.to_string(), mend);
            }
            Some(certificate)
        }
        _ => None,
    };
    section.finish();
    Sip {
        listen,
        certificate,
        client_authority,
        public_host,
    }
}

pub(super) struct Media {
    pub(super) ports: PortRange,
    pub(super) address: Option<IpAddr>,
    pub(super) workers: usize,
}

pub(super) fn media(mut section: Section<'_>, sip: &Sip, max_calls: u32) -> Media {
    let ports = section.value_or("ports", DEFAULT_PORTS, values::port_range);
    let named = section.value("public_address", values::address);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = section.value("workers", values::number(1, MAX_WORKERS));
    let from_sip = || sip.public_host.as_ref()?.parse().ok();
    let address = named
        .or_else(from_sip)
        .or_else(|| only_address(&sip.listen));
    if address.is_none() && !section.has("public_address") {
        let mend = "write public_address = \"...\" in [media], the address that RTP is sent to";
        section.missing("public_address", mend);
    }
    if ports.last >= EPHEMERAL {
        let message =
            format!("ports from {EPHEMERAL} up may be taken by other connections of this machine");
        section.warning("ports", message, "end below it, such as \"16384-32766\"");
    }
    let room = u32::from(ports.pairs() / 2);
    if room < max_calls {
        let message = format!("room for {room} calls, and limits.max_calls is {max_calls}");
        section.warning("ports", message, "a call takes four ports: widen the range");
    }
    section.finish();
    Media {
        ports,
        address,
        workers: workers.map_or(cores, |workers| workers as usize),
    }
}

/// Below the ports that Linux gives to outgoing connections.
const DEFAULT_PORTS: PortRange = PortRange {
    first: 16_384,
    last: 32_766,
};
/// The first of those: net.ipv4.ip_local_port_range begins here on Linux.
const EPHEMERAL: u16 = 32_768;
const MAX_WORKERS: u32 = 256;
