//! From the text of the file to the configuration, section by section.

mod digest;
mod formats;
mod guard;
mod openai;
mod servers;
mod sip;
mod tap;
mod trunk;

use toml::de::DeTable;

use super::files::Surroundings;
use super::model::Config;
use super::problem::{Problem, Report, Wrong};
use super::section::Section;
use squelch_call::GatewayConfig;

/// Reads `text`. All that is wrong with it is told in one go.
///
/// **Errors**: no configuration when a problem is an error; warnings come with one.
pub fn read(text: &str, around: Surroundings<'_>) -> (Option<Config>, Vec<Problem>) {
    let report = Report::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let message = error.message().replace('\n', ", ");
        let wrong = Wrong::new(message, "mend the TOML");
        report.error(error.span(), "", wrong);
    }
    // What follows a broken line is guesswork, and would be told as unknown keys.
    let config = match errors.is_empty() {
        true => sections(Section::root(document.get_ref(), &report), around),
        false => None,
    };
    let config = config.filter(|_| !report.has_errors());
    (config, report.finish())
}

fn sections(mut root: Section<'_>, around: Surroundings<'_>) -> Option<Config> {
    let sip = sip::sip(root.section("sip"), around);
    let limits = guard::limits(root.section("limits"));
    let media = sip::media(root.section("media"), &sip, limits.max_calls);
    let (by_tls, taps) = (sip.listens_by_tls(), root.has("tap"));
    let trunks = trunk::trunks(root.sections("trunk"), by_tls, taps, around);
    if !root.has("trunk") {
        root.missing("trunk", "add [[trunk]] with the carrier's name and sources");
    }
    let openai = openai::openai(root.section("openai"), around);
    let guard = guard::guard(root.section("guard"));
    let http = servers::http(root.section("http"), around);
    let admin = servers::admin(root.section("admin"), around);
    let records = servers::records(root.section("records"), around);
    let tap = tap::tap(root.section("tap"), around);
    root.finish();
    Some(Config {
        listen: sip.listen,
        certificate: sip.certificate,
        client_authority: sip.client_authority,
        public_host: sip.public_host,
        ports: media.ports,
        workers: media.workers,
        authorities: openai.authorities,
        client_certificate: openai.client_certificate,
        gateway: GatewayConfig {
            listeners: Vec::new(),
            media_address: media.address,
            trunks,
            openai: openai.settings,
            http_token: http.token,
            guard,
            limits,
            user_agent: USER_AGENT.to_owned(),
        },
        tap,
        http: http.listen,
        admin,
        records,
    })
}

/// What squelch calls itself in User-Agent and Server.
const USER_AGENT: &str = concat!("squelch/", env!("CARGO_PKG_VERSION"));
