//! A certificate made on the spot.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;

use crate::config::ShownCertificate;

/// A self-made certificate, for a peer that nobody outside needs to trust.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What the server shows.
    pub certificate: ShownCertificate,
    /// The same as PEM, for those who are to trust it.
    pub pem: String,
}

impl Identity {
    /// Makes one for these host names and addresses.
    ///
    /// **Errors**: a name is no host name, or the system gives no random bytes.
    pub fn new(names: &[&str]) -> Result<Identity, rcgen::Error> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names)?;
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        Ok(Identity {
            pem: cert.pem(),
            certificate: ShownCertificate {
                chain: vec![cert.der().clone()],
                key,
            },
        })
    }
}
