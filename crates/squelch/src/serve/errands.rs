//! What takes a while: names and HTTP requests. Each runs as a task of its own, with an end.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustls::ClientConfig;
use squelch_call::{FetchId, http};
use squelch_sip::locate::{Answer, Question};
use tokio::sync::mpsc;

use super::StartError;
use super::names::Names;

/// An errand's outcome.
#[derive(Debug)]
pub(super) enum Done {
    /// A name was looked up.
    Resolved {
        question: Question,
        result: Result<Answer, String>,
    },
    /// An HTTP request was answered or failed.
    Fetched {
        fetch: FetchId,
        result: Result<http::Response, String>,
    },
}

/// Starts errands, hears their outcome. There are a few a call at most.
#[derive(Debug)]
pub(super) struct Errands {
    client: reqwest::Client,
    names: Names,
    tell: mpsc::Sender<Done>,
    done: mpsc::Receiver<Done>,
}

impl Errands {
    /// TLS goes by the same authorities as SIP's.
    pub(super) fn new(tls: &ClientConfig) -> Result<Errands, StartError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .connect_timeout(CONNECT)
            .timeout(FETCH)
            // The key must go nowhere but where the configuration sends it.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| StartError::System(format!("no HTTP client: {error}")))?;
        let (tell, done) = mpsc::channel(OUTCOMES);
        let names = Names::of_the_system();
        Ok(Errands {
            client,
            names,
            tell,
            done,
        })
    }

    /// Waits for an outcome. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> Done {
        match self.done.recv().await {
            Some(done) => done,
            // Not reached: this owner holds a sender itself.
            None => std::future::pending().await,
        }
    }

    /// Asks the DNS.
    pub(super) fn resolve(&self, question: Question) {
        let (names, tell) = (self.names.clone(), self.tell.clone());
        tokio::spawn(async move {
            let result = names.ask(&question).await;
            let _ = tell.send(Done::Resolved { question, result }).await;
        });
    }

    /// Sends a request.
    pub(super) fn fetch(&self, fetch: FetchId, request: http::Request) {
        let (client, tell) = (self.client.clone(), self.tell.clone());
        tokio::spawn(async move {
            let result = exchange(&client, request).await;
            let _ = tell.send(Done::Fetched { fetch, result }).await;
        });
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: http::Request,
) -> Result<http::Response, String> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|error| error.to_string())?;
    let mut asked = client.request(method, &request.target).body(request.body);
    for (name, value) in request.headers {
        asked = asked.header(name, value);
    }
    let mut response = asked.send().await.map_err(|error| told(&error))?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| told(&error))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(format!("the answer is longer than {MAX_BODY} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    let text = |value: &reqwest::header::HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    };
    Ok(http::Response {
        status: response.status().as_u16(),
        headers: (response.headers().iter())
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: Bytes::from(body),
    })
}

/// The error with what caused it: its first line alone says little.
fn told(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

const CONNECT: Duration = Duration::from_secs(3);
/// OpenAI answers an accept in well under a second; a call that waits longer is better tried again.
const FETCH: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 1024 * 1024;
/// Outcomes that wait; errands whose outcome finds no room wait with it.
const OUTCOMES: usize = 256;
