//! What the file points at: secrets in the environment or in files, certificates, the session.

use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::problem::Wrong;
use super::section::Section;
use super::values::text;
use squelch_call::Secret;
use squelch_call::control::session_guard;

/// Where variables and files are looked for.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The folder that relative paths start from: the configuration file's.
    pub folder: &'a Path,
    /// The environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The environment holds secrets.
        f.debug_struct("Surroundings")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Surroundings<'_> {
    pub(super) fn path(&self, named: &str) -> PathBuf {
        self.folder.join(named)
    }

    /// The secret that the variable called `name` holds.
    pub(super) fn secret(&self, name: &str) -> Result<Secret, Wrong> {
        match (self.variable)(name) {
            Some(value) if !value.trim().is_empty() => Ok(Secret::new(value.trim())),
            Some(_) => Err(Wrong::new(
                format!("the environment variable {name} is empty"),
                "put the secret into it",
            )),
            None => Err(Wrong::new(
                format!("the environment variable {name} is not set"),
                format!("set it, such as: export {name}=..."),
            )),
        }
    }

    /// The secret in the file called `name`, without the line's end.
    pub(super) fn secret_file(&self, name: &str) -> Result<Secret, Wrong> {
        let bytes = self.read(name, MAX_SECRET)?;
        match std::str::from_utf8(&bytes).map(str::trim) {
            Ok(secret) if !secret.is_empty() && !secret.contains(char::is_control) => {
                Ok(Secret::new(secret))
            }
            _ => Err(Wrong::new(
                format!("{} holds no secret", self.path(name).display()),
                "the file must hold one line of text",
            )),
        }
    }

    pub(super) fn certificates(&self, name: &str) -> Result<Vec<CertificateDer<'static>>, Wrong> {
        let bytes = self.read(name, MAX_PEM)?;
        let read: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
        let found = read.map_err(|error| self.no_pem(name, &error))?;
        if found.is_empty() {
            return Err(Wrong::new(
                format!("{} holds no certificate", self.path(name).display()),
                "it must be PEM: -----BEGIN CERTIFICATE-----",
            ));
        }
        Ok(found)
    }

    pub(super) fn private_key(&self, name: &str) -> Result<PrivateKeyDer<'static>, Wrong> {
        let bytes = self.read(name, MAX_PEM)?;
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
            pem::Error::NoItemsFound => Wrong::new(
                format!("{} holds no private key", self.path(name).display()),
                "it must be PEM without a passphrase: -----BEGIN PRIVATE KEY-----",
            ),
            error => self.no_pem(name, &error),
        })
    }

    /// The session: JSON, unjudged.
    pub(super) fn session(&self, name: &str) -> Result<serde_json::Value, Wrong> {
        let bytes = self.read(name, MAX_SESSION)?;
        let shown = self.path(name);
        session_guard::read(&bytes).map_err(|found| {
            Wrong::new(
                format!("{}: {}", shown.display(), found.problem),
                found.mend,
            )
        })
    }

    fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, Wrong> {
        use std::io::Read;
        let path = self.path(name);
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            std::fs::File::open(&path)?
                .take(most + 1)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) if bytes.len() as u64 > most => Err(Wrong::new(
                format!("{} is larger than {most} bytes", path.display()),
                "name the right file",
            )),
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(Wrong::new(
                format!("can't read {}: {error}", path.display()),
                match error.kind() {
                    io::ErrorKind::PermissionDenied => "let squelch's user read it",
                    _ => "put the file there or name another",
                },
            )),
        }
    }

    fn no_pem(&self, name: &str, error: &pem::Error) -> Wrong {
        Wrong::new(
            format!("{} is broken PEM: {error}", self.path(name).display()),
            "make the file anew",
        )
    }
}

/// The value of a key that names a file or a variable; `read` gets what it names.
pub(super) fn named<T>(
    section: &mut Section<'_>,
    key: &'static str,
    read: impl Fn(&str) -> Result<T, Wrong>,
) -> Option<T> {
    section.value(key, |value| read(&text(value)?))
}

/// A secret that either `env` names a variable of or `file` a file.
pub(super) fn secret(
    section: &mut Section<'_>,
    env: &'static str,
    file: &'static str,
    around: Surroundings<'_>,
) -> Option<Secret> {
    if section.has(env) && section.has(file) {
        section.error(file, format!("given beside {env}"), "keep one of the two");
    }
    let from_env = named(section, env, |name| around.secret(name));
    let from_file = named(section, file, |name| around.secret_file(name));
    from_env.or(from_file)
}

const MAX_SECRET: u64 = 64 * 1024;
/// A bundle of all public authorities is some 220 KB.
const MAX_PEM: u64 = 4 * 1024 * 1024;
/// OpenAI's own limit on a session is below this.
const MAX_SESSION: u64 = 1024 * 1024;
