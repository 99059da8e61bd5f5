//! Certificates of the command line.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{Authorities, ShownCertificate};

/// Who may vouch for the far end.
///
/// **Errors**: the file can't be read or holds no certificate.
pub(super) fn authorities(file: Option<&Path>) -> Result<Authorities, String> {
    match file {
        None => Ok(Authorities::Public),
        Some(file) => Ok(Authorities::Configured(certificates(file)?.into())),
    }
}

/// What is shown to those who connect.
///
/// **Errors**: a file can't be read, or does not hold what it should.
pub(super) fn shown(certificate: &Path, key: &Path) -> Result<ShownCertificate, String> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        format!(
            "{}: {error}; it must be a private key as PEM",
            key.display()
        )
    })?;
    Ok(ShownCertificate { chain, key })
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = file.display();
    let read = CertificateDer::pem_file_iter(file)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>());
    let found = read.map_err(|error| format!("{name}: {error}; it must be PEM"))?;
    if found.is_empty() {
        return Err(format!("{name} holds no certificate; it must be PEM"));
    }
    Ok(found)
}
