//! The decisions of RFC 3263 section 4, over what is known at the moment.

use std::net::{IpAddr, SocketAddr};

use rand_core::Rng;

use super::place::{Host, Place};
use super::records::{Naptr, Question, Record, Srv, plain};
use super::weigh;
use crate::command::Target;
use crate::transport::Protocol;

/// The most addresses of one URI that are worth trying.
const MAX_TARGETS: usize = 16;
/// The most servers of one service whose addresses are asked for.
const MAX_SERVERS: usize = 8;

/// What is known of a question.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'a> {
    /// The DNS answered, maybe that there is nothing.
    Records(&'a [Record]),
    /// It did not, or only that it can't.
    Failed(&'a str),
    /// It is still asked.
    NotYet,
}

/// Why there is no list of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lacking {
    /// Answers; the questions were noted.
    Answers,
    /// Anything to send to.
    Targets(String),
}

/// One pass over what is known. `look` notes each question that mattered.
pub(super) struct Pass<'a, L, R> {
    pub(super) place: &'a Place,
    pub(super) look: L,
    pub(super) random: &'a mut R,
    /// A failed question was passed over: what is found may not be what the domain wants.
    pub(super) guessed: bool,
}

impl<'k, L: FnMut(Question) -> Known<'k>, R: Rng> Pass<'_, L, R> {
    /// The targets of the place, the first to be tried first.
    pub(super) fn targets(&mut self) -> Result<Vec<Target>, Lacking> {
        let name = match &self.place.host {
            Host::Address(ip) => {
                let protocol = self.place.protocol.unwrap_or(Protocol::Udp);
                let port = self.place.port.unwrap_or(protocol.default_port());
                return Ok(vec![Target {
                    protocol,
                    addr: SocketAddr::new(*ip, port),
                    server_name: None,
                }]);
            }
            Host::Name(name) => name.clone(),
        };
        let mut found = Vec::new();
        let mut why = None;
        match (self.place.protocol, self.place.port) {
            (Some(protocol), Some(port)) => {
                self.addresses(&name, protocol, port, &mut found, &mut why)?;
            }
            (Some(protocol), None) => {
                let service = (protocol, service_name(protocol, &name));
                if !self.services(vec![service], &mut found, &mut why)? {
                    let port = protocol.default_port();
                    self.addresses(&name, protocol, port, &mut found, &mut why)?;
                }
            }
            (None, _) => {
                let services = self.named_services(&name)?;
                if !self.services(services, &mut found, &mut why)? {
                    let protocol = self.last_resort();
                    let port = protocol.default_port();
                    self.addresses(&name, protocol, port, &mut found, &mut why)?;
                }
            }
        }
        found.truncate(MAX_TARGETS);
        if found.is_empty() {
            let nothing = || format!("{name} has no address");
            return Err(Lacking::Targets(why.unwrap_or_else(nothing)));
        }
        Ok(found)
    }

    /// Section 4.1: the services that the domain names, else those that are spoken here.
    fn named_services(&mut self, name: &str) -> Result<Vec<(Protocol, String)>, Lacking> {
        let mut named: Vec<(&Naptr, Protocol)> = match self.ask(Question::Naptr(name.into()))? {
            Known::Records(records) => records
                .iter()
                .filter_map(|record| match record {
                    Record::Naptr(naptr) => Some((naptr, self.spoken(naptr)?)),
                    _ => None,
                })
                .collect(),
            _ => {
                self.guessed = true;
                Vec::new()
            }
        };
        named.sort_by_key(|(naptr, _)| (naptr.order, naptr.preference));
        if !named.is_empty() {
            let service = |(naptr, protocol): (&Naptr, _)| (protocol, plain(&naptr.replacement));
            return Ok(named.into_iter().map(service).collect());
        }
        let spoken: &[Protocol] = if self.place.is_secure {
            &[Protocol::Tls]
        } else {
            &[Protocol::Udp, Protocol::Tcp, Protocol::Tls]
        };
        let service = |protocol: &Protocol| (*protocol, service_name(*protocol, name));
        Ok(spoken.iter().map(service).collect())
    }

    fn spoken(&self, naptr: &Naptr) -> Option<Protocol> {
        let protocol = match naptr.service.to_ascii_uppercase().as_str() {
            "SIPS+D2T" => Protocol::Tls,
            "SIP+D2T" => Protocol::Tcp,
            "SIP+D2U" => Protocol::Udp,
            _ => return None,
        };
        let is_service = naptr.flags.eq_ignore_ascii_case("s");
        let is_allowed = !self.place.is_secure || protocol == Protocol::Tls;
        (is_service && is_allowed && !plain(&naptr.replacement).is_empty()).then_some(protocol)
    }

    /// Section 4.2: the servers of each service in turn. Whether there was any SRV record; a
    /// service that is said not to be there counts as one.
    fn services(
        &mut self,
        services: Vec<(Protocol, String)>,
        found: &mut Vec<Target>,
        why: &mut Option<String>,
    ) -> Result<bool, Lacking> {
        // RFC 6761 section 6.3: there is no service behind this machine's own name.
        if matches!(&self.place.host, Host::Name(name) if is_localhost(name)) {
            return Ok(false);
        }
        // All at once, so that one slow answer is waited for and not three.
        let questions: Vec<_> = (services.into_iter())
            .map(|(protocol, name)| (protocol, (self.look)(Question::Srv(name.clone())), name))
            .collect();
        let mut any = false;
        for (protocol, known, service) in questions {
            let records = match known {
                Known::NotYet => return Err(Lacking::Answers),
                Known::Failed(reason) => {
                    *why = Some(reason.to_owned());
                    self.guessed = true;
                    continue;
                }
                Known::Records(records) => records,
            };
            let servers: Vec<&Srv> = records
                .iter()
                .filter_map(|record| match record {
                    Record::Srv(srv) => Some(srv),
                    _ => None,
                })
                .collect();
            any |= !servers.is_empty();
            let usable = |srv: &&Srv| srv.port != 0 && !plain(&srv.target).is_empty();
            let servers: Vec<&Srv> = servers.into_iter().filter(usable).collect();
            if servers.is_empty() && any {
                *why = Some(format!("{service} says that there is no such service"));
            }
            let mut servers = weigh::in_order(servers, self.random);
            servers.truncate(MAX_SERVERS);
            // Asked for together too.
            for server in &servers {
                (self.look)(Question::Address(plain(&server.target)));
            }
            for server in servers {
                self.addresses(&plain(&server.target), protocol, server.port, found, why)?;
            }
        }
        Ok(any)
    }

    fn addresses(
        &mut self,
        host: &str,
        protocol: Protocol,
        port: u16,
        found: &mut Vec<Target>,
        why: &mut Option<String>,
    ) -> Result<(), Lacking> {
        let records = match self.ask(Question::Address(host.to_owned()))? {
            Known::Records(records) => records,
            Known::Failed(reason) => {
                *why = Some(reason.to_owned());
                return Ok(());
            }
            Known::NotYet => return Err(Lacking::Answers),
        };
        // RFC 5922 section 7.2: a certificate speaks for the domain that was meant, not for the
        // host that the DNS, which anybody may forge, came up with.
        let server_name = match &self.place.host {
            Host::Name(name) if protocol == Protocol::Tls => Some(name.clone()),
            _ => None,
        };
        for ip in alternating(records) {
            let target = Target {
                protocol,
                addr: SocketAddr::new(ip, port),
                server_name: server_name.clone(),
            };
            if !found.contains(&target) {
                found.push(target);
            }
        }
        Ok(())
    }

    fn ask(&mut self, question: Question) -> Result<Known<'k>, Lacking> {
        match (self.look)(question) {
            Known::NotYet => Err(Lacking::Answers),
            known => Ok(known),
        }
    }

    fn last_resort(&self) -> Protocol {
        if self.place.is_secure {
            Protocol::Tls
        } else {
            Protocol::Udp
        }
    }
}

fn service_name(protocol: Protocol, host: &str) -> String {
    match protocol {
        Protocol::Udp => format!("_sip._udp.{host}"),
        Protocol::Tcp => format!("_sip._tcp.{host}"),
        Protocol::Tls => format!("_sips._tcp.{host}"),
    }
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Both families by turns, beginning with the first record's, so that one family that leads
/// nowhere costs every other try and not all (RFC 8305 section 4). What nobody can be reached at
/// is left out.
fn alternating(records: &[Record]) -> Vec<IpAddr> {
    let usable = |record: &Record| match record {
        Record::Address(ip) => {
            let ip = ip.to_canonical();
            let is_broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
            (!ip.is_unspecified() && !ip.is_multicast() && !is_broadcast).then_some(ip)
        }
        _ => None,
    };
    let all: Vec<IpAddr> = records.iter().filter_map(usable).collect();
    let first = all.first().is_some_and(IpAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|ip| ip.is_ipv6() == first);
    let mut both = Vec::with_capacity(one.len() + other.len());
    let mut other = other.into_iter();
    for ip in one {
        both.push(ip);
        both.extend(other.next());
    }
    both.extend(other);
    both
}
