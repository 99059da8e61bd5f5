//! What an endpoint counts.

/// Totals since the endpoint was made. They only rise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests read, retransmissions included.
    pub requests_received: u64,
    /// Responses read, retransmissions included.
    pub responses_received: u64,
    /// Messages written, retransmissions included.
    pub messages_sent: u64,
    /// Messages sent again by a timer or for a repeated request or response.
    pub retransmissions: u64,
    /// Bytes that were no SIP message and could not be answered.
    pub dropped_malformed: u64,
    /// Malformed requests answered with a 4xx or 5xx.
    pub refused_malformed: u64,
    /// Responses that match no transaction.
    pub dropped_stray_responses: u64,
    /// ACKs that match neither a transaction nor a dialog.
    pub dropped_stray_acks: u64,
    /// In-dialog requests answered 481: no such dialog, or from another address than its peer's.
    pub refused_unknown_dialog: u64,
    /// New requests answered 503 because a table was full.
    pub refused_overload: u64,
    /// Connections closed at once because the table was full.
    pub refused_connections: u64,
    /// Headers of a command that were not sent: no token as name, reserved, or control characters.
    pub refused_headers: u64,
}
