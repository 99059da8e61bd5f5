//! TLS: what squelch shows to those who connect, what it asks of those it connects to.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::{Authorities, ShownCertificate};

/// The server's side. TLS 1.2 and 1.3. With `clients`, whoever connects must show a certificate that
/// one of these vouches for; without, none is asked for.
///
/// **Errors**: the key does not belong to the certificate, or is of a kind that TLS does not take; an
/// authority can't be used.
pub fn server(
    certificate: &ShownCertificate,
    clients: Option<&[CertificateDer<'static>]>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder =
        ServerConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS)?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let roots = Arc::new(roots(authorities)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            builder.with_client_cert_verifier(
                verifier.map_err(|error| rustls::Error::General(error.to_string()))?,
            )
        }
    };
    let config =
        builder.with_single_cert(certificate.chain.clone(), certificate.key.clone_key())?;
    Ok(Arc::new(config))
}

/// The client's side. The peer's certificate is always checked, its name too; `shown` is ours, for
/// peers that ask for one.
///
/// **Errors**: no usable authority among those configured; the key does not belong to `shown`.
pub fn client(
    authorities: &Authorities,
    shown: Option<&ShownCertificate>,
) -> Result<ClientConfig, rustls::Error> {
    let roots = match authorities {
        Authorities::Public => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
        Authorities::Configured(certificates) => roots(certificates)?,
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_root_certificates(roots);
    match shown {
        None => Ok(builder.with_no_client_auth()),
        Some(shown) => builder.with_client_auth_cert(shown.chain.clone(), shown.key.clone_key()),
    }
}

fn roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone())?;
    }
    Ok(roots)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Some carriers are still at TLS 1.2.
const VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];
