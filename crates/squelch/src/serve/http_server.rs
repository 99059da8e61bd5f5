//! A small HTTP/1.1 server around a router: so many connections, so much patience.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::StartError;
use crate::signaling_io::explain;

/// Binds the address that `key` names.
pub(super) async fn listen(
    key: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| StartError::Http {
        key,
        address,
        why: explain(&error),
    })
}

/// Serves until the task is aborted. Connections beyond [`CONNECTIONS`] wait to be accepted.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting an HTTP connection failed");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new()).http1_only();
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            match tokio::time::timeout(CONNECTION, connection).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(error)) => tracing::debug!(%error, "an HTTP connection failed"),
            }
            drop(permit);
        });
    }
}

/// Connections of one server at once.
const CONNECTIONS: usize = 256;
/// For a request's headers, and for the next request of an idle connection.
const HEADERS: Duration = Duration::from_secs(10);
/// The longest a connection lasts; clients open another.
const CONNECTION: Duration = Duration::from_secs(300);
/// Between attempts to accept when one failed.
const PAUSE: Duration = Duration::from_millis(100);
