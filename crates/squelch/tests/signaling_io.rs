//! SIP's sockets between two owners on loopback: datagrams, connections, TLS with its checks.

use std::sync::Arc;

use bytes::Bytes;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use squelch::config::{Authorities, Listen, ShownCertificate};
use squelch::signaling_io::{Arrival, SignalingConfig, SignalingIo, tls};
use squelch_sip::{ConnectionId, Protocol, TransportOutput};

fn certificate(name: &str) -> ShownCertificate {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    ShownCertificate {
        chain: vec![cert.der().clone()],
        key: PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key"),
    }
}

async fn bound(
    protocol: Protocol,
    shown: &ShownCertificate,
    trusted: &ShownCertificate,
) -> SignalingIo {
    let trusted = Authorities::Configured(trusted.chain.clone().into());
    SignalingIo::bind(SignalingConfig {
        listen: vec![Listen {
            protocol,
            address: "127.0.0.1:0".parse().expect("an address"),
        }],
        server: Some(tls::server(shown, None).expect("usable")),
        client: Arc::new(tls::client(&trusted, None).expect("usable")),
        expected: Arc::new(|_| true),
    })
    .await
    .expect("bound")
}

fn connect(to: &SignalingIo, protocol: Protocol, name: &str) -> TransportOutput {
    TransportOutput::Connect {
        connection: ConnectionId::Opened(7),
        protocol,
        remote: to.bound()[0].address,
        server_name: Some(name.into()),
    }
}

#[tokio::test]
async fn datagrams_go_both_ways_from_the_listeners_port() {
    let certificate = certificate("peer.example");
    let mut here = bound(Protocol::Udp, &certificate, &certificate).await;
    let mut there = bound(Protocol::Udp, &certificate, &certificate).await;
    let (a, b) = (here.bound()[0].address, there.bound()[0].address);
    here.send(TransportOutput::Datagram {
        local: a,
        to: b,
        bytes: Bytes::from_static(b"one"),
    });
    let Arrival::Datagram { local, from, bytes } = there.next().await else {
        panic!("no datagram");
    };
    assert_eq!((local, from, &bytes[..]), (b, a, &b"one"[..]));
    there.send(TransportOutput::Datagram {
        local: b,
        to: from,
        bytes: Bytes::from_static(b"two"),
    });
    assert!(matches!(here.next().await, Arrival::Datagram { .. }));
}

async fn a_connection_lives_and_ends(protocol: Protocol) {
    let certificate = certificate("peer.example");
    let mut here = bound(protocol, &certificate, &certificate).await;
    let mut there = bound(protocol, &certificate, &certificate).await;
    here.send(connect(&there, protocol, "peer.example"));
    let Arrival::Accepted {
        connection: theirs,
        remote,
        ..
    } = there.next().await
    else {
        panic!("not accepted");
    };
    let Arrival::Connected {
        connection: ours,
        local,
    } = here.next().await
    else {
        panic!("not connected");
    };
    assert_eq!(remote, local);
    assert_eq!(here.ends(ours), Some((local, there.bound()[0].address)));
    here.send(TransportOutput::Stream {
        connection: ours,
        bytes: Bytes::from_static(b"over the wire"),
    });
    here.send(TransportOutput::Close { connection: ours });
    let mut read = Vec::new();
    loop {
        match there.next().await {
            Arrival::StreamBytes { connection, bytes } if connection == theirs => {
                read.extend_from_slice(&bytes);
            }
            Arrival::Closed { connection, .. } if connection == theirs => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read, b"over the wire", "written before the close");
    assert_eq!(there.ends(theirs), None);
}

#[tokio::test]
async fn a_tcp_connection_lives_and_ends() {
    a_connection_lives_and_ends(Protocol::Tcp).await;
}

#[tokio::test]
async fn a_tls_connection_lives_and_ends() {
    a_connection_lives_and_ends(Protocol::Tls).await;
}

#[tokio::test]
async fn a_certificate_of_another_name_or_authority_is_refused() {
    let (shown, other) = (certificate("peer.example"), certificate("peer.example"));
    let there = bound(Protocol::Tls, &shown, &shown).await;
    for (trusted, name) in [(&shown, "other.example"), (&other, "peer.example")] {
        let mut here = bound(Protocol::Tls, &shown, trusted).await;
        here.send(connect(&there, Protocol::Tls, name));
        let Arrival::Closed { reason, .. } = here.next().await else {
            panic!("{name} was connected to");
        };
        assert!(reason.contains("certificate"), "{reason}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let certificate = certificate("peer.example");
    let first = bound(Protocol::Tcp, &certificate, &certificate).await;
    let taken = first.bound()[0];
    let again = SignalingIo::bind(SignalingConfig {
        listen: vec![taken],
        server: None,
        client: Arc::new(tls::client(&Authorities::Public, None).expect("usable")),
        expected: Arc::new(|_| true),
    });
    let told = again.await.expect_err("taken").to_string();
    assert!(
        told.contains(&taken.to_string()) && told.contains("already taken"),
        "{told}"
    );
}

/// Two owners over TLS: what the listener asks for, what the other shows, by which versions.
async fn meet(
    asks_for: Option<&ShownCertificate>,
    shown: Option<&ShownCertificate>,
    version: &'static rustls::SupportedProtocolVersion,
) -> Result<(), String> {
    let own = certificate("squelch.example");
    let address = "127.0.0.1:0".parse().expect("an address");
    let protocol = Protocol::Tls;
    let asked = asks_for.map(|authority| authority.chain.as_slice());
    let mut there = SignalingIo::bind(SignalingConfig {
        listen: vec![Listen { protocol, address }],
        server: Some(tls::server(&own, asked).expect("usable")),
        client: Arc::new(tls::client(&Authorities::Public, None).expect("usable")),
        expected: Arc::new(|_| true),
    })
    .await
    .expect("bound");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(own.chain[0].clone()).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("known")
        .with_root_certificates(roots);
    let client = match shown {
        Some(shown) => builder
            .with_client_auth_cert(shown.chain.clone(), shown.key.clone_key())
            .expect("usable"),
        None => builder.with_no_client_auth(),
    };
    let mut here = SignalingIo::bind(SignalingConfig {
        listen: Vec::new(),
        server: None,
        client: Arc::new(client),
        expected: Arc::new(|_| true),
    })
    .await
    .expect("bound");
    here.send(connect(&there, protocol, "squelch.example"));
    let connection = ConnectionId::Opened(7);
    // TLS 1.3 lets a client think that it is in before its certificate is judged: what it writes
    // must arrive.
    loop {
        tokio::select! {
            arrival = here.next() => match arrival {
                Arrival::Connected { .. } => here.send(TransportOutput::Stream {
                    connection,
                    bytes: Bytes::from_static(b"hello"),
                }),
                Arrival::Closed { reason, .. } => return Err(reason),
                other => panic!("{other:?}"),
            },
            arrival = there.next() => match arrival {
                Arrival::StreamBytes { .. } => return Ok(()),
                Arrival::Accepted { .. } => {}
                Arrival::Closed { reason, .. } => return Err(reason),
                other => panic!("{other:?}"),
            },
        }
    }
}

#[tokio::test]
async fn a_listener_that_asks_for_certificates_lets_in_who_shows_the_right_one() {
    let (carrier, stranger) = (certificate("carrier.example"), certificate("other.example"));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let asked = Some(&carrier);
        assert_eq!(meet(asked, Some(&carrier), version).await, Ok(()));
        let told = meet(asked, None, version)
            .await
            .expect_err("no certificate");
        assert!(told.to_lowercase().contains("certificate"), "{told}");
        meet(asked, Some(&stranger), version)
            .await
            .expect_err("another's certificate");
        // Who is not asked may have one all the same.
        assert_eq!(meet(None, Some(&stranger), version).await, Ok(()));
        assert_eq!(meet(None, None, version).await, Ok(()));
    }
}
