//! A carrier that places one call.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use squelch_sim::peer::carrier::{CallPlan, Carrier, Input, Outcome, Output};
use squelch_sip::{EndpointConfig, Protocol};

use super::ports::Ports;
use super::tap::Tap;
use crate::config::{Authorities, Listen, ShownCertificate};
use crate::random::{self, NoRandom};
use crate::signaling_io::{self, Arrival, BindError, SignalingConfig, SignalingIo};

/// A call that could not be placed.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// No UDP port.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// The certificates can't be used.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// It did not end when it should have.
    #[error("the call did not end within {} s", .0.as_secs())]
    Endless(Duration),
}

/// A call to be placed.
#[derive(Debug)]
pub struct Call {
    /// Where the carrier is.
    pub address: IpAddr,
    /// Who vouches for squelch where the call goes over TLS.
    pub trust: Authorities,
    /// What is shown where squelch asks for a certificate.
    pub shown: Option<ShownCertificate>,
    /// The call.
    pub plan: CallPlan,
    /// Given up after this long.
    pub at_most: Duration,
}

/// Places a call and stays with it until it is over and its last message answered.
///
/// **Errors**: no port, or the call does not end.
pub async fn place_call(call: Call, tap: Tap) -> Result<Outcome, CarrierError> {
    let signaling = SignalingIo::bind(SignalingConfig {
        listen: vec![Listen {
            protocol: Protocol::Udp,
            address: SocketAddr::new(call.address, 0),
        }],
        server: None,
        client: Arc::new(signaling_io::tls::client(&call.trust, call.shown.as_ref())?),
        expected: Arc::new(|_| true),
    })
    .await?;
    let mut seed = [0; 32];
    random::fill(&mut seed)?;
    let mut config = EndpointConfig::new(seed, "squelch-carrier");
    config.listeners = crate::serve::listeners(signaling.bound(), None);
    let mut driver = Driver {
        carrier: Carrier::new(config),
        signaling,
        ports: Ports::new(tap.clone()),
        tap,
        address: call.address,
        outcome: None,
    };
    driver.carrier.call(call.plan);
    let run = tokio::time::timeout(call.at_most, driver.run());
    let Ok(outcome) = run.await else {
        return Err(CarrierError::Endless(call.at_most));
    };
    Ok(outcome)
}

struct Driver {
    carrier: Carrier,
    signaling: SignalingIo,
    ports: Ports<squelch_sim::peer::carrier::CallKey>,
    tap: Tap,
    address: IpAddr,
    outcome: Option<Outcome>,
}

enum Happened {
    Sip(Arrival),
    Rtp(squelch_sim::peer::carrier::CallKey, bytes::Bytes),
    Timeout,
}

impl Driver {
    async fn run(&mut self) -> Outcome {
        self.settle();
        loop {
            if let Some(outcome) = self.outcome.take() {
                return outcome;
            }
            let at = self.carrier.poll_timeout();
            let timeout = async {
                match at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let happened = tokio::select! {
                arrival = self.signaling.next() => Happened::Sip(arrival),
                (call, bytes) = self.ports.next() => Happened::Rtp(call, bytes),
                () = timeout => Happened::Timeout,
            };
            let now = Instant::now();
            match happened {
                Happened::Sip(arrival) => {
                    self.tap.arrival(&self.signaling, &arrival);
                    self.carrier
                        .handle_input(now, Input::Sip(arrival.as_input()));
                }
                Happened::Rtp(call, bytes) => {
                    let bytes = &bytes;
                    self.carrier.handle_input(now, Input::Rtp { call, bytes });
                }
                Happened::Timeout => self.carrier.handle_timeout(now),
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        while let Some(output) = self.carrier.poll_output() {
            match output {
                Output::Sip(output) => {
                    self.tap.departure(&self.signaling, &output);
                    self.signaling.send(output);
                }
                Output::BindPort { call } => match self.ports.bind(call, self.address) {
                    Ok(local) => {
                        let input = Input::PortBound { call, local };
                        self.carrier.handle_input(Instant::now(), input);
                    }
                    Err(error) => tracing::error!(%error, "no RTP port for the carrier"),
                },
                Output::Rtp { call, to, bytes } => self.ports.send(call, to, bytes),
                Output::Ended { call, outcome } => {
                    self.ports.close(call);
                    self.outcome = Some(outcome);
                }
            }
        }
    }
}
