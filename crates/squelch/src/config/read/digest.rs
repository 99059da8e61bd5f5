//! `username`, `realm`, `password_env` and `password_file` of a trunk or a route.

use squelch_sip::Credentials;

use crate::config::files::{Surroundings, secret};
use crate::config::section::Section;
use crate::config::values;

/// What proves who one is, where the section has any of it. `realm` is what is taken where the
/// section names none; `None` asks for it.
pub(super) fn credentials(
    section: &mut Section<'_>,
    realm: Option<&str>,
    around: Surroundings<'_>,
) -> Option<Credentials> {
    let username = section.value("username", values::text);
    let named_realm = section.value("realm", values::text);
    let password = secret(section, "password_env", "password_file", around);
    let there: Vec<&str> = KEYS.into_iter().filter(|key| section.has(key)).collect();
    let first = there.first()?;
    if !section.has("username") {
        let message = format!("missing, and {first} is for digest");
        section.error("username", message, "write username = \"...\"");
    }
    if !section.has("password_env") && !section.has("password_file") {
        let message = format!("missing, and {first} is for digest");
        let mend = "write password_env = \"...\", a variable that holds it, or password_file";
        section.error("password_env", message, mend);
    }
    if realm.is_none() && !section.has("realm") {
        let message = "missing: a password is shown to no realm but the one it is for";
        let mend = "write realm = \"...\", as the other side's challenge says it";
        section.error("realm", message, mend);
    }
    let realm = named_realm.or(realm.map(str::to_owned))?;
    match Credentials::new(username?, realm, password?.expose()) {
        Ok(credentials) => Some(credentials),
        Err(error) => {
            section.error("username", error.to_string(), "write it without");
            None
        }
    }
}

const KEYS: [&str; 4] = ["username", "realm", "password_env", "password_file"];
