use super::*;

#[track_caller]
fn same(text: &str) -> Uri {
    let uri = Uri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(uri.to_string(), text);
    uri
}

#[test]
fn the_dot_in_a_user_part_stays_there() {
    let uri = same("sip:john.doe@x.example");
    assert_eq!(uri.user(), Some("john.doe"));
    assert_eq!(uri.host().as_deref(), Some("x.example"));
}

#[test]
fn ipv6_references_keep_their_brackets_and_ports() {
    let uri = same("sip:u@[2001:db8::10]:5070;transport=tls");
    assert_eq!(uri.ip(), "2001:db8::10".parse().ok());
    assert_eq!(uri.port(), Some(5070));
    assert_eq!(uri.param("TRANSPORT"), Some("tls"));
    assert_eq!(same("sip:[2001:db8::10:5070]").port(), None);
    same("sip:user@[2001:db8:::192.0.2.1]");
    assert_eq!(Uri::parse("sip:2001:db8::10"), Err(InvalidUri::Host));
}

#[test]
fn headers_are_kept_apart_from_the_host() {
    let uri = same("sip:u@h.example;a?Replaces=x%40y&b=c@d");
    assert_eq!(uri.host().as_deref(), Some("h.example"));
    assert_eq!(uri.headers(), Some("Replaces=x%40y&b=c@d"));
    assert_eq!(uri.without_headers().to_string(), "sip:u@h.example;a");
}

#[test]
fn other_schemes_are_text() {
    assert_eq!(same("tel:+1-555;phone-context=x").user(), Some("+1-555"));
    assert_eq!(same("soap.beep://192.0.2.103:3002").host(), None);
    assert!(!same("nobodyKnowsThisScheme:totallyopaquecontent").is_sip());
}

#[test]
fn rfc4475_semicolons_in_the_user_part() {
    let uri = same("sip:user;par=u%40example.net@example.com");
    assert_eq!(uri.user(), Some("user;par=u%40example.net"));
    assert_eq!(uri.param("par"), None);
}

#[test]
fn nothing_that_breaks_a_header_is_a_uri() {
    for text in [
        "sip:a b@h",
        "sip:a@h\r\nX: y",
        "sip:\"a\"@h",
        "<sip:a@h>",
        "sip:",
        "sip:@h",
        "sip:a@",
        "sip:a@h:",
        "sip:a@h:70000",
        "sip:a@h:+1",
        "sip:a@h;=x",
        "5060",
        "",
        ":",
        "sip:a@h\0",
        "sip:\u{e9}@h",
    ] {
        assert!(Uri::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_built_uri_escapes_its_user() {
    let uri = Uri::sip(Some("a b\r\n@\"<x"), "2001:db8::1", Some(5061));
    assert_eq!(
        uri.to_string(),
        "sip:a%20b%0D%0A%40%22%3Cx@[2001:db8::1]:5061"
    );
    assert_eq!(Uri::parse(&uri.to_string()).as_ref(), Ok(&uri));
    let uri = uri
        .with_param("transport", Some("tls"))
        .with_param("x", Some("a;b"));
    assert!(uri.to_string().ends_with(":5061;transport=tls"));
    assert_eq!(
        Uri::sip(None, "bad host\r\n", None).to_string(),
        "sip:anonymous.invalid"
    );
}

#[test]
fn a_user_that_was_read_is_written_as_it_was() {
    let read = Uri::parse("sip:al%20ice%40x@h").unwrap();
    let user = read.user().map(str::to_owned);
    assert_eq!(Uri::sip(user.as_deref(), "h", None), read);
    // A percent sign that begins no escape is escaped itself.
    assert_eq!(
        Uri::sip(Some("100%"), "h", None).to_string(),
        "sip:100%25@h"
    );
    assert_eq!(
        Uri::sip(Some("%4g%4"), "h", None).to_string(),
        "sip:%254g%254@h"
    );
}
