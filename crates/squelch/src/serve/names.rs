//! The DNS, asked through `hickory-resolver`: its one door.
//!
//! What the system says of itself holds: `/etc/resolv.conf` names the servers, `/etc/hosts` comes
//! before them. What is known for how long is the gateway's matter; nothing is kept here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{RData, RecordType};
use squelch_sip::locate::{Answer, Naptr, PATIENCE, Question, Record, Srv};

/// Asks the DNS.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// `None` where the system names no DNS server: then only its own resolver is left.
    resolver: Option<Arc<TokioResolver>>,
}

impl Names {
    /// By the system's settings, as they are at the start.
    pub(super) fn of_the_system() -> Names {
        let built = TokioResolver::builder_tokio().and_then(|mut builder| {
            let options = builder.options_mut();
            options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            options.cache_size = 0;
            options.timeout = TRY;
            options.attempts = TRIES;
            builder.build()
        });
        match built {
            Ok(resolver) => Names {
                resolver: Some(Arc::new(resolver)),
            },
            Err(error) => {
                tracing::warn!(%error, "no DNS server is known: names get addresses, but no SRV");
                Names { resolver: None }
            }
        }
    }

    /// The answer, or why there is none.
    pub(super) async fn ask(&self, question: &Question) -> Result<Answer, String> {
        let told = |error: &dyn std::fmt::Display| format!("{question}: {error}");
        let asked = async {
            match (&self.resolver, question) {
                (Some(resolver), _) => match ask(resolver, question).await {
                    Ok(lookup) => Ok(answer(lookup.answers(), lookup.valid_until())),
                    Err(error) if error.is_no_records_found() => Ok(nothing()),
                    Err(error) => Err(told(&error)),
                },
                (None, Question::Address(host)) => {
                    let found = tokio::net::lookup_host((host.as_str(), 0)).await;
                    let found = found.map_err(|error| told(&error))?;
                    let records = found.map(|address| Record::Address(address.ip()));
                    Ok(Answer {
                        records: records.collect(),
                        ttl: UNTOLD,
                    })
                }
                (None, _) => Ok(nothing()),
            }
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(told(&"the resolver does not answer")),
        }
    }
}

async fn ask(resolver: &TokioResolver, question: &Question) -> Result<Lookup, NetError> {
    match question {
        // As it is: a service is never one of the search list's domains.
        Question::Naptr(name) => resolver.lookup(format!("{name}."), RecordType::NAPTR).await,
        Question::Srv(name) => resolver.lookup(format!("{name}."), RecordType::SRV).await,
        // Hosts without a dot may be of the hosts file or of the search list.
        Question::Address(name) => {
            let found = resolver.lookup_ip(name.as_str()).await?;
            Ok(found.as_lookup().clone())
        }
    }
}

fn answer(records: &[hickory_resolver::proto::rr::Record], until: Instant) -> Answer {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let read = |record: &hickory_resolver::proto::rr::Record| match &record.data {
        RData::A(address) => Some(Record::Address(address.0.into())),
        RData::AAAA(address) => Some(Record::Address(address.0.into())),
        RData::SRV(srv) => Some(Record::Srv(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: srv.target.to_ascii(),
        })),
        RData::NAPTR(naptr) => Some(Record::Naptr(Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            replacement: naptr.replacement.to_ascii(),
        })),
        // CNAME on the way.
        _ => None,
    };
    Answer {
        records: records.iter().filter_map(read).collect(),
        ttl: until.saturating_duration_since(Instant::now()),
    }
}

fn nothing() -> Answer {
    Answer {
        records: Vec::new(),
        ttl: UNTOLD,
    }
}

/// One question to one server, and how often it is asked: two of them fit into [`PATIENCE`].
const TRY: Duration = Duration::from_secs(2);
const TRIES: usize = 2;
/// How long an answer holds of which nobody says it.
const UNTOLD: Duration = Duration::from_secs(60);
