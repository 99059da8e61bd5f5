//! TLS: what squelch shows to those who connect, what it asks of those it connects to.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::{Authorities, ServerCertificate};

/// The server's side. TLS 1.2 and 1.3; clients show no certificate.
///
/// **Errors**: the key does not belong to the certificate, or is of a kind that TLS does not take.
pub fn server(certificate: &ServerCertificate) -> Result<Arc<ServerConfig>, rustls::Error> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_no_client_auth()
        .with_single_cert(certificate.chain.clone(), certificate.key.clone_key())?;
    Ok(Arc::new(config))
}

/// The client's side. The peer's certificate is always checked, its name too.
///
/// **Errors**: no usable authority among those configured.
pub fn client(authorities: &Authorities) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Authorities::Public => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Authorities::Configured(certificates) => {
            for certificate in certificates.iter() {
                roots.add(certificate.clone())?;
            }
        }
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Some carriers are still at TLS 1.2.
const VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];
