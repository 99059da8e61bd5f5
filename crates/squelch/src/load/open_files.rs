//! How many files the process may have open: every call takes a socket.

/// Asks the system for as many as it grants, and warns when they are too few for so many calls at once.
pub(super) fn raise(calls: Option<u32>) {
    let wanted = calls.map_or(USUAL, |calls| u64::from(calls) + OTHERS);
    // A failed request leaves what there was.
    let granted = rlimit::increase_nofile_limit(wanted)
        .or_else(|_| rlimit::Resource::NOFILE.get_soft())
        .unwrap_or(0);
    if calls.is_some() && granted < wanted {
        tracing::warn!(
            granted,
            wanted,
            "too few open files for so many calls at once: raise the limit (ulimit -n), or give --concurrent"
        );
    }
}

/// SIP's sockets, threads' pollers, captures, logs.
const OTHERS: u64 = 640;
/// What systemd gives its services as the upper limit.
const USUAL: u64 = 524_288;
