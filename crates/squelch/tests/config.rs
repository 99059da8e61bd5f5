//! What is said of configuration files: every mistake by its key and line.

use std::path::Path;

use squelch::config::{Config, Problem, Severity, Surroundings, read};

/// The example beside the workspace, with its variables set.
const EXAMPLE: &str = include_str!("../../../squelch.example.toml");
const CANARY: &str = "sk-canary-5b0c";

fn check(text: &str) -> (Option<Config>, Vec<Problem>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let around = Surroundings {
        folder: &root,
        variable: &|name| match name {
            "OPENAI_API_KEY" | "OPENAI_WEBHOOK_SECRET" | "SQUELCH_ADMIN_TOKEN" => {
                Some(CANARY.into())
            }
            "EMPTY" => Some(String::new()),
            _ => None,
        },
    };
    read(text, around)
}

/// The example with one line replaced, and the number of that line.
fn mutated(line: &str, by: &str) -> (String, usize) {
    let at = EXAMPLE
        .lines()
        .position(|l| l.starts_with(line))
        .unwrap_or_else(|| panic!("the example has no line {line:?}"));
    let changed = EXAMPLE
        .lines()
        .enumerate()
        .map(|(n, l)| if n == at { by } else { l });
    (changed.collect::<Vec<_>>().join("\n"), at + 1)
}

#[test]
fn the_example_is_usable_as_it_is() {
    let (config, problems) = check(EXAMPLE);
    assert_eq!(problems, []);
    let config = config.expect("usable");
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.ports.pairs(), 8_191);
    assert_eq!(config.gateway.trunks.len(), 1);
    assert_eq!(config.gateway.openai.media_sources.len(), 4);
    assert_eq!(config.gateway.media_address, "203.0.113.7".parse().ok());
}

/// A line of the example, what is written instead, the key that is named, a part of what is said.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    ("[sip]", "[sip", "", ""),
    ("[sip]", "[sipp]", "sipp", "did you mean sip?"),
    (
        "listen = [\"udp",
        "listen = []",
        "sip.listen",
        "names no address",
    ),
    (
        "listen = [\"udp",
        "listen = [\"udp:5060\"]",
        "sip.listen",
        "udp:0.0.0.0:5060",
    ),
    (
        "listen = [\"udp",
        "listen = [\"ws:0.0.0.0:80\"]",
        "sip.listen",
        "no listening address",
    ),
    (
        "listen = [\"udp",
        "listen = \"udp:0.0.0.0:5060\"",
        "sip.listen",
        "where a list is due",
    ),
    (
        "listen = [\"udp",
        "listen = [\"tls:0.0.0.0:5061\"]",
        "sip.certificate",
        "needs it",
    ),
    (
        "listen = [\"udp",
        "listen = [\"udp:0.0.0.0:5060\", \"udp:0.0.0.0:5060\"]",
        "sip.listen",
        "twice",
    ),
    (
        "# certificate = ",
        "certificate = \"nowhere.pem\"",
        "sip.certificate",
        "nowhere.pem",
    ),
    (
        "# certificate = ",
        "certificate = \"Cargo.toml\"",
        "sip.certificate",
        "holds no certificate",
    ),
    (
        "# key = ",
        "key = \"Cargo.toml\"",
        "sip.key",
        "holds no private key",
    ),
    (
        "public_address = ",
        "public_address = \"0.0.0.0\"",
        "sip.public_address",
        "neither an IP address",
    ),
    (
        "public_address = ",
        "public_adress = \"203.0.113.7\"",
        "sip.public_adress",
        "did you mean public_address?",
    ),
    (
        "ports = ",
        "ports = \"16384\"",
        "media.ports",
        "no range of ports",
    ),
    ("ports = ", "ports = \"80-90\"", "media.ports", "system"),
    (
        "ports = ",
        "ports = \"20000-20002\"",
        "media.ports",
        "no room for one call",
    ),
    (
        "# workers = ",
        "workers = 0",
        "media.workers",
        "out of range",
    ),
    (
        "# workers = ",
        "workers = \"2\"",
        "media.workers",
        "whole number",
    ),
    ("name = ", "name = 7", "trunk.name", "put it in quotes"),
    (
        "sources = ",
        "sources = [\"198.51.100.7/24\"]",
        "trunk.sources",
        "198.51.100.0/24",
    ),
    (
        "sources = ",
        "sources = [\"carrier.example\"]",
        "trunk.sources",
        "no network",
    ),
    (
        "sources = ",
        "sources = []",
        "trunk.sources",
        "names no network",
    ),
    (
        "formats = ",
        "formats = [\"g729\"]",
        "trunk.formats",
        "unknown",
    ),
    (
        "formats = ",
        "formats = [\"pcmu\", \"pcmu\"]",
        "trunk.formats",
        "twice",
    ),
    (
        "srtp = ",
        "srtp = \"require\"",
        "trunk.srtp",
        "over TLS alone",
    ),
    ("srtp = ", "srtp = \"of\"", "trunk.srtp", "unknown"),
    (
        "transfer = ",
        "transfer = \"allow\"",
        "trunk.transfer",
        "+1415*",
    ),
    (
        "transfer = ",
        "transfer = [\"+1415*\", \"sip:+1@x\"]",
        "trunk.transfer",
        "beginning of one",
    ),
    ("transfer = ", "transfer = []", "trunk.transfer", "refuse"),
    (
        "transfer = ",
        "transfer = 5",
        "trunk.transfer",
        "list is due",
    ),
    (
        "transfer = ",
        "username = \"carrier\"",
        "trunk.password_env",
        "password_file",
    ),
    (
        "transfer = ",
        "password_env = \"OPENAI_API_KEY\"",
        "trunk.username",
        "missing",
    ),
    (
        "transfer = ",
        "password_env = \"NOWHERE\"\nusername = \"a\"",
        "trunk.password_env",
        "is not set",
    ),
    (
        "transfer = ",
        "username = 'a\"b'\npassword_env = \"OPENAI_API_KEY\"",
        "trunk.username",
        "quote",
    ),
    (
        "transfer = ",
        "digest = [\"sha-256\"]",
        "trunk.digest",
        "not given",
    ),
    (
        "transfer = ",
        "digest = [\"sha-1\"]",
        "trunk.digest",
        "sha-256",
    ),
    (
        "api_base",
        "username = \"squelch\"",
        "openai.route.realm",
        "realm",
    ),
    (
        "transfer = ",
        "session_expires = \"60s\"",
        "trunk.session_expires",
        "shorter than a session may be",
    ),
    (
        "max_calls_per_second",
        "max_calls_per_second = -1",
        "trunk.max_calls_per_second",
        "out of range",
    ),
    (
        "api_key_env",
        "api_key_env = \"NOT_SET\"",
        "openai.api_key_env",
        "NOT_SET is not set",
    ),
    (
        "api_key_env",
        "api_key_env = \"EMPTY\"",
        "openai.api_key_env",
        "EMPTY is empty",
    ),
    (
        "api_key_env",
        "api_key_file = \"nowhere.key\"",
        "openai.api_key_file",
        "nowhere.key",
    ),
    (
        "api_key_env",
        "api_key = \"sk-canary-5b0c\"",
        "openai.api_key",
        "unknown key",
    ),
    (
        "webhook_secret_envs",
        "webhook_secret_envs = [\"NOT_SET\"]",
        "openai.webhook_secret_envs",
        "NOT_SET",
    ),
    (
        "# certificate_authority",
        "certificate_authority = \"nowhere.pem\"",
        "openai.certificate_authority",
        "nowhere.pem",
    ),
    (
        "audio_format",
        "audio_format = \"keep\"",
        "openai.audio_format",
        "omit, pin, pass",
    ),
    (
        "at_expiry",
        "at_expiry = \"never\"",
        "openai.at_expiry",
        "warn, redial, end",
    ),
    (
        "session_file",
        "session_file = \"nowhere.json\"",
        "openai.session_file",
        "nowhere.json",
    ),
    (
        "session_file",
        "session_file = \"Cargo.toml\"",
        "openai.session_file",
        "it can't be read: expected value",
    ),
    (
        "session_file",
        "webhook_forward = \"app.example/webhook\"",
        "openai.webhook_forward",
        "no URL",
    ),
    (
        "session_file",
        "webhook_forward = \"https://app.example/\"\nsession_file = \"session.example.json\"",
        "openai.webhook_forward",
        "both accept",
    ),
    ("session_file", "", "openai.session_file", "webhook_forward"),
    (
        "sip_uri",
        "sip_uri = \"https://api.openai.com\"",
        "openai.route.sip_uri",
        "no SIP URI",
    ),
    (
        "sip_uri",
        "sip_uri = \"sip:proj@sip.api.openai.com\"",
        "openai.route.sip_uri",
        "transport=tls",
    ),
    (
        "api_base",
        "api_base = \"api.openai.com\"",
        "openai.route.api_base",
        "https://",
    ),
    (
        "action",
        "action = \"protekt\"",
        "guard.action",
        "did you mean \"protect\"?",
    ),
    (
        "on_static",
        "on_static = [\"mend\", \"shout\"]",
        "guard.on_static",
        "mend, redial, hang_up",
    ),
    (
        "hang_up_after",
        "hang_up_after = \"ten seconds\"",
        "guard.hang_up_after",
        "never",
    ),
    (
        "hang_up_after",
        "hang_up_after = 10",
        "guard.hang_up_after",
        "duration",
    ),
    ("hold", "hold = \"201ms\"", "guard.hold", "200ms"),
    ("hold", "hold = 40", "guard.hold", "duration"),
    ("setup", "setup = \"0s\"", "limits.setup", "zero"),
    (
        "setup",
        "setup = \"99999999999999999999h\"",
        "limits.setup",
        "duration",
    ),
    (
        "listen = \"127.0.0.1:8080\"",
        "listen = \"localhost\"",
        "http.listen",
        "127.0.0.1:8080",
    ),
    (
        "listen = \"127.0.0.1:8080\"",
        "token_env = \"NOBODY_SET_IT\"",
        "http.token_env",
        "NOBODY_SET_IT",
    ),
    (
        "listen = \"127.0.0.1:9090\"",
        "listen = \"0.0.0.0:9090\"",
        "admin.token_env",
        "other machines",
    ),
    (
        "path = ",
        "file = \"calls.jsonl\"",
        "records.file",
        "unknown key",
    ),
    (
        "transfer = ",
        "record = true",
        "trunk.record",
        "there is no [tap]",
    ),
    (
        "transfer = ",
        "record = \"yes\"",
        "trunk.record",
        "true or false",
    ),
    ("at_expiry", "probe = \"1s\"", "openai.probe", "too often"),
    (
        "at_expiry",
        "client_certificate = \"no.pem\"",
        "openai.client_certificate",
        "can't read",
    ),
    (
        "at_expiry",
        "client_key = \"no.key\"",
        "openai.client_certificate",
        "nothing without it",
    ),
    (
        "# key =",
        "client_authority = \"no.pem\"",
        "sip.client_authority",
        "asks nobody",
    ),
];

#[test]
fn every_mistake_is_told_by_key_and_line() {
    for (line, by, key, said) in MISTAKES {
        let (text, at) = mutated(line, by);
        let (config, problems) = check(&text);
        assert!(config.is_none(), "{by} was taken");
        let told = problems.iter().any(|problem| {
            let text = problem.to_string();
            problem.key == *key && text.contains(said) && problem.line.is_some()
        });
        assert!(told, "{by} at line {at}: {problems:#?}");
        // Where a neighbour is missing because of it, the section's line is told instead.
        if by.contains(key.rsplit('.').next().unwrap_or(key)) {
            let lines: Vec<_> = problems.iter().map(|p| p.line).collect();
            assert!(lines.contains(&Some(at)), "{by} at line {at}: {lines:?}");
        }
    }
}

#[test]
fn captures_have_a_folder_and_bounds() {
    let tap = |keys: &str| check(&format!("{EXAMPLE}\n[tap]\n{keys}\n"));
    let line = EXAMPLE.lines().count() + 3;
    for (keys, key, said) in [
        ("ring = \"2m\"", "tap.ring", "longer than a minute"),
        ("max_bytes = 5", "tap.max_bytes", "20000000 or more"),
        ("rings = \"1s\"", "tap.rings", "did you mean ring?"),
        ("ring = \"1s\"", "tap.path", "write path"),
    ] {
        let (config, problems) = tap(keys);
        assert!(config.is_none(), "{keys} was taken");
        let problem = problems.iter().find(|problem| problem.key == key);
        let problem = problem.unwrap_or_else(|| panic!("{keys}: {problems:#?}"));
        assert!(problem.to_string().contains(said), "{problem}");
        // What is missing is told at its section.
        let at = if key == "tap.path" { line - 1 } else { line };
        assert_eq!(problem.line, Some(at), "{problem}");
    }
    let (config, problems) = tap("path = \"captures\"");
    assert_eq!(problems, []);
    let tap = config.expect("usable").tap.expect("told");
    assert!(tap.path.ends_with("captures"));
    assert_eq!((tap.ring.as_secs(), tap.max_bytes), (10, 1_000_000_000));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = EXAMPLE
        .replace("setup = \"15s\"", "setup = \"soon\"")
        .replace("action = \"protect\"", "action = \"maybe\"")
        .replace("session_file = ", "# session_file = ");
    let (config, problems) = check(&text);
    assert!(config.is_none());
    let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(
        keys,
        ["openai.session_file", "guard.action", "limits.setup"]
    );
}

#[test]
fn an_empty_file_is_told_what_it_needs() {
    let (config, problems) = check("");
    assert!(config.is_none());
    let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
    for key in ["sip.listen", "trunk", "openai.route", "openai.session_file"] {
        assert!(keys.contains(&key), "{key} in {keys:?}");
    }
}

#[test]
fn what_is_risky_but_usable_is_warned_of() {
    for (line, by, key) in [
        (
            "sip_uri",
            "sip_uri = \"sip:p@127.0.0.1;transport=udp\"",
            "openai.route.sip_uri",
        ),
        (
            "api_base",
            "api_base = \"http://127.0.0.1:1/v1\"",
            "openai.route.api_base",
        ),
        ("ports", "ports = \"16384-40000\"", "media.ports"),
        ("ports", "ports = \"16384-16400\"", "media.ports"),
        ("sources", "sources = [\"0.0.0.0/0\"]", "trunk.sources"),
        (
            "transfer",
            "transfer = [\"+1415*\", \"*\"]",
            "trunk.transfer",
        ),
        (
            "transfer",
            "digest = [\"sha-256\", \"md5\"]\nusername = \"a\"\npassword_env = \"OPENAI_API_KEY\"",
            "trunk.digest",
        ),
    ] {
        let (text, at) = mutated(line, by);
        let (config, problems) = check(&text);
        assert!(config.is_some(), "{by}: {problems:?}");
        let warned = problems.iter().any(|problem| {
            problem.severity == Severity::Warning && problem.key == key && problem.line == Some(at)
        });
        assert!(warned, "{by}: {problems:?}");
    }
}

#[test]
fn passwords_of_a_trunk_and_a_route_are_read_and_shown_nowhere() {
    let digest =
        "username = \"squelch\"\nrealm = \"peer.example\"\npassword_env = \"OPENAI_API_KEY\"";
    let (text, _) = mutated("transfer = ", digest);
    let text = text.replace("api_base = ", &format!("{digest}\napi_base = "));
    let (config, problems) = check(&text);
    assert_eq!(problems, []);
    let config = config.expect("usable");
    assert!(!format!("{config:?}").contains(CANARY));
    let trunk = config.gateway.trunks[0].digest.as_ref().expect("digest");
    assert_eq!(trunk.algorithms, [squelch_sip::digest::Algorithm::Sha256]);
    let wanted = squelch_sip::Credentials::new("squelch", "peer.example", CANARY).ok();
    assert_eq!(config.gateway.openai.routes[0].credentials, wanted);
    assert_eq!(Some(trunk.credentials.clone()), wanted);
}

#[test]
fn a_trunk_has_its_name_and_its_sources_to_itself() {
    let again = "\n[[trunk]]\nname = \"carrier\"\nsources = [\"198.51.100.7\"]\n";
    let (config, problems) = check(&format!("{EXAMPLE}{again}"));
    assert!(config.is_none());
    let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["trunk.name", "trunk.sources"]);
}

#[test]
fn secrets_are_in_no_text() {
    let (config, _) = check(EXAMPLE);
    let shown = format!("{:?}", config.expect("usable"));
    assert!(!shown.contains(CANARY), "{shown}");
    for (line, by, ..) in MISTAKES {
        let (_, problems) = check(&mutated(line, by).0);
        assert!(!format!("{problems:?}").contains(CANARY), "{problems:?}");
    }
}

#[test]
fn ports_come_in_pairs_that_begin_even() {
    let ports = squelch::config::PortRange {
        first: 16_385,
        last: 16_390,
    };
    assert_eq!(ports.pairs(), 2);
    assert_eq!(ports.even_ports().collect::<Vec<_>>(), [16_386, 16_388]);
}

#[test]
fn numbers_that_may_be_dialled_are_read() {
    let (text, _) = mutated("transfer = ", "transfer = [\"+1415*\", \"100\"]");
    let (config, problems) = check(&text);
    assert_eq!(problems, []);
    let trunk = &config.expect("usable").gateway.trunks[0];
    let patterns = ["+1415*", "100"].map(|pattern| pattern.parse().unwrap());
    assert_eq!(
        trunk.transfer,
        squelch_call::Transfer::Numbers(patterns.into())
    );
}

#[test]
fn encryption_is_preferred_and_required_only_where_keys_are_safe() {
    use squelch_call::Srtp;
    let (config, _) = check(EXAMPLE);
    let gateway = config.expect("usable").gateway;
    assert_eq!(
        (gateway.trunks[0].srtp, gateway.openai.srtp),
        (Srtp::Prefer, Srtp::Prefer)
    );
    // Left out, it is the same.
    let (config, problems) = check(&EXAMPLE.replace("\nsrtp = ", "\n# srtp = "));
    assert_eq!(problems, []);
    assert_eq!(config.expect("usable").gateway.openai.srtp, Srtp::Prefer);

    let required = EXAMPLE.replace("\naudio_format", "\n# audio_format");
    let (before, after) = required.split_once("[openai]").expect("a section");
    let after = after.replace("srtp = \"prefer\"", "srtp = \"require\"");
    let required = format!("{before}[openai]{after}");
    let (config, problems) = check(&required);
    assert_eq!(problems, []);
    let openai = config.expect("usable").gateway.openai;
    assert_eq!(openai.srtp, Srtp::Require);
    let (config, problems) = check(&required.replace("transport=tls", "transport=tcp"));
    assert!(config.is_none());
    let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["openai.route.sip_uri"]);
}
