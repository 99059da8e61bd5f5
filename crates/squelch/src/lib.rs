//! The squelch binary: sockets, media workers, HTTP, metrics, configuration and commands.
