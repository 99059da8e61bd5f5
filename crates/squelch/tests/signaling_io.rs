//! SIP's sockets between two owners on loopback: datagrams, connections, TLS with its checks.

use std::sync::Arc;

use bytes::Bytes;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use squelch::config::{Authorities, Listen, ServerCertificate};
use squelch::signaling_io::{Arrival, SignalingConfig, SignalingIo, tls};
use squelch_sip::{ConnectionId, Protocol, TransportOutput};

fn certificate(name: &str) -> ServerCertificate {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    ServerCertificate {
        chain: vec![cert.der().clone()],
        key: PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key"),
    }
}

async fn bound(
    protocol: Protocol,
    shown: &ServerCertificate,
    trusted: &ServerCertificate,
) -> SignalingIo {
    let trusted = Authorities::Configured(trusted.chain.clone().into());
    SignalingIo::bind(SignalingConfig {
        listen: vec![Listen {
            protocol,
            address: "127.0.0.1:0".parse().expect("an address"),
        }],
        server: Some(tls::server(shown).expect("usable")),
        client: Arc::new(tls::client(&trusted).expect("usable")),
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
        client: Arc::new(tls::client(&Authorities::Public).expect("usable")),
        expected: Arc::new(|_| true),
    });
    let told = again.await.expect_err("taken").to_string();
    assert!(
        told.contains(&taken.to_string()) && told.contains("already taken"),
        "{told}"
    );
}
