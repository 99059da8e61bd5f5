//! A user name, the realm it is known in, and the password.

use std::fmt;

use zeroize::Zeroize;

/// What a challenge of `realm` is answered with. The password is in no output and is overwritten
/// when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(crate) username: String,
    pub(crate) realm: String,
    password: Box<[u8]>,
}

/// Credentials that cannot stand in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCredentials {
    /// The user name.
    #[error("the user name is empty, or holds a quote, a backslash or a control character")]
    Username,
    /// The realm.
    #[error("the realm is empty, or holds a quote, a backslash or a control character")]
    Realm,
    /// The password.
    #[error("the password is empty")]
    Password,
}

impl Credentials {
    /// **Errors**: whatever would need escapes, which peers hash in different ways, and nothing.
    pub fn new(
        username: impl Into<String>,
        realm: impl Into<String>,
        password: impl Into<Vec<u8>>,
    ) -> Result<Self, InvalidCredentials> {
        let credentials = Credentials {
            username: username.into(),
            realm: realm.into(),
            password: password.into().into(),
        };
        if !is_plain(&credentials.username) {
            return Err(InvalidCredentials::Username);
        }
        if !is_plain(&credentials.realm) {
            return Err(InvalidCredentials::Realm);
        }
        if credentials.password.is_empty() {
            return Err(InvalidCredentials::Password);
        }
        Ok(credentials)
    }

    /// Credentials for whatever realm the peer names. Whoever is called then learns a hash of the password under a
    /// realm and nonce of its choice: for peers that one trusts with it.
    ///
    /// **Errors**: as [`Credentials::new`].
    pub fn of_any_realm(
        username: impl Into<String>,
        password: impl Into<Vec<u8>>,
    ) -> Result<Self, InvalidCredentials> {
        let mut credentials = Credentials::new(username, "any", password)?;
        credentials.realm.clear();
        Ok(credentials)
    }

    /// Whether they are for this realm.
    pub(super) fn is_for(&self, realm: &str) -> bool {
        self.realm.is_empty() || self.realm == realm
    }

    /// The same for this one realm.
    pub(super) fn in_realm(&self, realm: &str) -> Credentials {
        Credentials {
            username: self.username.clone(),
            realm: realm.to_owned(),
            password: self.password.clone(),
        }
    }

    /// The user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// For the one formula that needs it.
    pub(super) fn password(&self) -> &[u8] {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_control() || matches!(c, '"' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_password() {
        let credentials = Credentials::new("alice", "example.org", "hunter2").unwrap();
        let shown = format!("{credentials:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("alice"),
            "{shown}"
        );
    }

    #[test]
    fn of_any_realm_they_fit_all_and_others_fit_their_own() {
        let any = Credentials::of_any_realm("alice", "hunter2").unwrap();
        assert!(any.is_for("example.org") && any.is_for("example.net"));
        let one = Credentials::new("alice", "example.org", "hunter2").unwrap();
        assert!(one.is_for("example.org") && !one.is_for("example.net"));
    }

    #[test]
    fn what_would_need_escapes_is_refused() {
        for name in ["", "a\"b", "a\\b", "a\r\nVia: x"] {
            assert_eq!(
                Credentials::new(name, "r", "p"),
                Err(InvalidCredentials::Username)
            );
            assert_eq!(
                Credentials::new("u", name, "p"),
                Err(InvalidCredentials::Realm)
            );
        }
        assert_eq!(
            Credentials::new("u", "r", ""),
            Err(InvalidCredentials::Password)
        );
    }
}
