//! How many files the process may have open: every call takes four sockets.

/// Asks the system for as many as it grants, and warns when they are too few for `calls`.
pub(super) fn raise(calls: u32) {
    let wanted = u64::from(calls) * SOCKETS_A_CALL + OTHERS;
    // A failed request leaves what there was.
    let granted = rlimit::increase_nofile_limit(wanted.max(USUAL))
        .or_else(|_| rlimit::Resource::NOFILE.get_soft())
        .unwrap_or(0);
    if granted < wanted {
        tracing::warn!(
            granted,
            wanted,
            "too few open files for limits.max_calls: raise the limit (ulimit -n, LimitNOFILE=)"
        );
    }
}

/// RTP and RTCP, towards the carrier and towards OpenAI.
const SOCKETS_A_CALL: u64 = 4;
/// SIP's connections (512 at most), listeners, HTTP, logs, records; and the ports that rest behind their calls.
const OTHERS: u64 = 640 + 4_096;
/// What systemd gives its services as the upper limit.
const USUAL: u64 = 524_288;
