//! What of a configuration holds until the next start.

use crate::config::{Authorities, Config};

/// The keys in which `new` differs from what was started with, and that can't be changed under calls: what is bound,
/// what is opened, what was handed to the servers.
pub(super) fn fixed(started: &Config, new: &Config) -> Vec<&'static str> {
    let chain = |config: &Config| config.certificate.as_ref().map(|shown| shown.chain.clone());
    let client = |config: &Config| {
        let shown = config.client_certificate.as_ref();
        shown.map(|shown| shown.chain.clone())
    };
    let admin = |config: &Config| config.admin.as_ref().map(|admin| admin.listen);
    let token = |config: &Config| {
        let token = config.admin.as_ref().and_then(|admin| admin.token.as_ref());
        token.map(|token| token.expose().to_vec())
    };
    let folder = |config: &Config| config.tap.as_ref().map(|tap| tap.path.clone());
    let authorities = |config: &Config| match &config.authorities {
        Authorities::Public => None,
        Authorities::Configured(those) => Some(those.clone()),
    };
    [
        ("sip.listen", started.listen != new.listen),
        ("sip.certificate", chain(started) != chain(new)),
        (
            "sip.client_authority",
            started.client_authority != new.client_authority,
        ),
        ("sip.public_address", started.public_host != new.public_host),
        ("media.ports", started.ports != new.ports),
        ("media.workers", started.workers != new.workers),
        (
            "media.public_address",
            started.gateway.media_address != new.gateway.media_address,
        ),
        (
            "openai.certificate_authority",
            authorities(started) != authorities(new),
        ),
        ("openai.client_certificate", client(started) != client(new)),
        ("tap.path", folder(started) != folder(new)),
        ("http.listen", started.http != new.http),
        ("admin.listen", admin(started) != admin(new)),
        ("admin.token_env", token(started) != token(new)),
        ("records.path", started.records != new.records),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}
