//! The connection to a NATS server, and its work queue.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions};

use super::{GATHERING, SILENCE};

/// A server with JetStream.
pub(super) struct Server {
    pub(super) client: Client,
    pub(super) jetstream: Context,
    queue: Stream,
}

impl Server {
    /// Connects, and makes the work queue where it is not there yet.
    ///
    /// **Errors**: a sentence that says what is missing; within ten seconds.
    pub(super) async fn connect(url: &str) -> Result<Server, String> {
        let options = ConnectOptions::new().connection_timeout(CONNECTING);
        let client = options.connect(url).await;
        let client = client.map_err(|error| format!("{url}: no NATS server answers: {error}"))?;
        let jetstream = jetstream::new(client.clone());
        let queue = jetstream.get_or_create_stream(Config {
            name: QUEUE.into(),
            subjects: vec![format!("{SHARES}.>")],
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::Memory,
            // A share that nobody took by then is of a run that was given up.
            max_age: 2 * GATHERING,
            ..Config::default()
        });
        let queue = tokio::time::timeout(ANSWERING, queue).await;
        let without = |why: String| {
            format!("{url}: the NATS server has no JetStream ({why}); start it with -js")
        };
        let queue = queue
            .map_err(|_| without("it does not answer".into()))?
            .map_err(|error| without(error.to_string()))?;
        Ok(Server {
            client,
            jetstream,
            queue,
        })
    }

    /// The next share of whatever run; none if there is none in time.
    pub(super) async fn take(&self) -> Result<Option<jetstream::Message>, String> {
        use futures_util::StreamExt;
        let consumer = self.queue.get_or_create_consumer(
            WORKERS,
            pull::Config {
                durable_name: Some(WORKERS.into()),
                ack_policy: AckPolicy::Explicit,
                ack_wait: SILENCE,
                ..pull::Config::default()
            },
        );
        let consumer = consumer.await.map_err(|error| error.to_string())?;
        let batch = consumer.fetch().max_messages(1).expires(ASKING);
        let mut batch = batch.messages().await.map_err(|error| error.to_string())?;
        match batch.next().await {
            Some(message) => message.map(Some).map_err(|error| error.to_string()),
            None => Ok(None),
        }
    }

    /// Takes back a run's shares that nobody has taken.
    pub(super) async fn forget(&self, run: &str) {
        let all = format!("{SHARES}.{run}.>");
        // They go by themselves after a while.
        let _ = self.queue.purge().filter(all).await;
    }
}

/// Where a run's shares are put.
pub(super) fn share_subject(run: &str, index: u32) -> String {
    format!("{SHARES}.{run}.{index}")
}

/// Where a run's `what` is said.
pub(super) fn subject(run: &str, what: &str) -> String {
    format!("squelch.load.{run}.{what}")
}

const QUEUE: &str = "SQUELCH_LOAD";
const SHARES: &str = "squelch.load.share";
const WORKERS: &str = "workers";
const CONNECTING: Duration = Duration::from_secs(5);
const ANSWERING: Duration = Duration::from_secs(5);
/// One question for a share; then it is asked again.
const ASKING: Duration = Duration::from_secs(5);
