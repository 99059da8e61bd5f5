//! What ties a message to its transaction (RFC 3261 sections 17.1.3 and 17.2.3).

use std::net::IpAddr;

use crate::message::{Mandatory, Method, Request};

/// A response belongs to the request whose branch and method it carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientKey {
    branch: String,
    method: String,
}

impl ClientKey {
    pub(crate) fn new(branch: &str, method: &Method) -> Self {
        ClientKey {
            branch: branch.to_owned(),
            method: method.name().to_owned(),
        }
    }
}

/// A request belongs to the transaction with the same branch, sent-by and method, where ACK counts
/// as INVITE. We also want the same address: nobody else may end another's transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerKey {
    /// Branch and sent-by; or, from RFC 2543 peers, all that identifies their request.
    identity: String,
    method: String,
    source: IpAddr,
}

impl ServerKey {
    /// The key of `request` as if its method were `method`: CANCEL looks for its INVITE.
    pub(crate) fn new(
        request: &Request,
        fields: &Mandatory,
        method: &Method,
        source: IpAddr,
    ) -> Self {
        let identity = match fields.via.unique_branch() {
            Some(branch) => format!("{branch} {}", fields.via.sent_by()),
            // Section 17.2.3, second half. The To tag is left out: the ACK has one, the INVITE
            // has not.
            None => format!(
                "{} {} {} {} {}",
                request.uri,
                fields.from.tag().unwrap_or_default(),
                fields.call_id,
                fields.cseq.number,
                fields.via,
            ),
        };
        let method = if *method == Method::ACK {
            &Method::INVITE
        } else {
            method
        };
        ServerKey {
            identity,
            method: method.name().to_owned(),
            source: source.to_canonical(),
        }
    }
}

/// What two copies of one request that came on two ways share (RFC 3261 section 8.2.2.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MergeKey {
    call_id: String,
    from_tag: String,
    cseq: u32,
    method: String,
}

impl MergeKey {
    pub(crate) fn new(fields: &Mandatory) -> Self {
        MergeKey {
            call_id: fields.call_id.clone(),
            from_tag: fields.from.tag().unwrap_or_default().to_owned(),
            cseq: fields.cseq.number,
            method: fields.cseq.method.name().to_owned(),
        }
    }
}
