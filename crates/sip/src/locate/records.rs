//! Questions for the DNS and its answers, as far as RFC 3263 needs them.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A question for the DNS. Names are in lower case, without the dot at their end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// The services of a domain (RFC 3403).
    Naptr(String),
    /// The servers of a service, such as `_sips._tcp.example.com` (RFC 2782).
    Srv(String),
    /// The addresses of a host, A and AAAA; a hosts file may answer it too.
    Address(String),
}

impl Question {
    /// The name asked for.
    pub fn name(&self) -> &str {
        match self {
            Question::Naptr(name) | Question::Srv(name) | Question::Address(name) => name,
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Question::Naptr(_) => "NAPTR",
            Question::Srv(_) => "SRV",
            Question::Address(_) => "A/AAAA",
        };
        write!(f, "{} ({kind})", self.name())
    }
}

/// What the DNS said. No record at all: there is no such name, or nothing of that kind under it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// In the order they came.
    pub records: Vec<Record>,
    /// How long they hold; what is unreasonable is brought within bounds.
    pub ttl: Duration,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A service of the domain.
    Naptr(Naptr),
    /// A server of the service.
    Srv(Srv),
    /// An address of the host.
    Address(IpAddr),
}

/// A NAPTR record (RFC 3403); its regular expression has no use here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naptr {
    /// The lowest first.
    pub order: u16,
    /// Within one order the lowest first.
    pub preference: u16,
    /// `s`: the replacement is asked for as SRV.
    pub flags: String,
    /// Such as `SIPS+D2T`.
    pub service: String,
    /// The name that is asked for next.
    pub replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// The lowest first.
    pub priority: u16,
    /// Its share among those of the same priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `.` says that there is no such service.
    pub target: String,
}

/// A name as it is asked for and compared.
pub(super) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
