//! One conversation: texts between the application and OpenAI, each past its watcher.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use squelch_call::control::sideband::{Passage, Watcher};
use squelch_call::{SidebandEvent, SidebandId};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, interval_at, timeout};
use tokio_tungstenite::tungstenite;

use super::Told;
use super::connect::Upstream;

/// A WebSocket to OpenAI, and who watches it.
#[derive(Debug)]
pub(in crate::serve) struct Conversation {
    upstream: Upstream,
    watcher: Watcher,
    injected: mpsc::Receiver<String>,
    pulse: Interval,
    /// OpenAI sent something since the last ping.
    heard: bool,
    ending: Ending,
}

/// Tells that the conversation is over, whatever ended it: also when nobody ever began it.
#[derive(Debug)]
struct Ending {
    sideband: SidebandId,
    tell: mpsc::Sender<Told>,
    why: String,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let event = SidebandEvent::Closed(std::mem::take(&mut self.why));
        let (tell, told) = (self.tell.clone(), Told::Event(self.sideband, event));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { tell.send(told).await });
        }
    }
}

/// Whether it goes on; else who ended it.
type Turn = Result<(), String>;

impl Conversation {
    pub(super) fn new(
        sideband: SidebandId,
        upstream: Upstream,
        watcher: Watcher,
        injected: mpsc::Receiver<String>,
        tell: mpsc::Sender<Told>,
    ) -> Conversation {
        Conversation {
            upstream,
            watcher,
            injected,
            pulse: interval_at(Instant::now() + PING, PING),
            heard: true,
            ending: Ending {
                sideband,
                tell,
                why: "the application went before it was open".into(),
            },
        }
    }

    /// squelch listens by itself.
    pub(super) async fn alone(mut self) {
        self.ending.why = loop {
            let turn = tokio::select! {
                message = self.upstream.0.next() => self.openai_said(message, None).await,
                text = self.injected.recv() => self.inject(text).await,
                _ = self.pulse.tick() => self.ping().await,
            };
            if let Err(why) = turn {
                break why;
            }
        };
        let _ = timeout(WRITE, self.upstream.0.close(None)).await;
    }

    /// The application and OpenAI speak with each other.
    pub(in crate::serve) async fn between(mut self, mut application: WebSocket) {
        self.ending.why = loop {
            let turn = tokio::select! {
                message = self.upstream.0.next() => {
                    self.openai_said(message, Some(&mut application)).await
                }
                message = application.recv() => self.application_said(message, &mut application).await,
                text = self.injected.recv() => self.inject(text).await,
                _ = self.pulse.tick() => self.ping().await,
            };
            if let Err(why) = turn {
                break why;
            }
        };
        let _ = timeout(WRITE, self.upstream.0.close(None)).await;
    }

    async fn openai_said(
        &mut self,
        message: Option<Result<tungstenite::Message, tungstenite::Error>>,
        application: Option<&mut WebSocket>,
    ) -> Turn {
        use tungstenite::Message as Theirs;
        self.heard = true;
        let (passed, ended) = match message {
            Some(Ok(Theirs::Text(text))) => {
                let report = self.watcher.openai_said(&text);
                self.tell(report.map(SidebandEvent::Report)).await;
                (Message::Text(text.as_str().into()), None)
            }
            Some(Ok(Theirs::Binary(bytes))) => (Message::Binary(bytes), None),
            // Each connection answers its own pings.
            Some(Ok(Theirs::Ping(_) | Theirs::Pong(_) | Theirs::Frame(_))) => return Ok(()),
            Some(Ok(Theirs::Close(frame))) => {
                let why = match &frame {
                    Some(frame) => format!("OpenAI closed it: {}", u16::from(frame.code)),
                    None => "OpenAI closed it".into(),
                };
                let frame = frame.map(|frame| CloseFrame {
                    code: frame.code.into(),
                    reason: frame.reason.as_str().into(),
                });
                (Message::Close(frame), Some(why))
            }
            Some(Err(error)) => (Message::Close(None), Some(format!("OpenAI's end: {error}"))),
            None => (Message::Close(None), Some("OpenAI went".into())),
        };
        if let Some(application) = application {
            to_application(application, passed).await?;
        }
        ended.map_or(Ok(()), Err)
    }

    async fn application_said(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        application: &mut WebSocket,
    ) -> Turn {
        use tungstenite::Message as Theirs;
        let passed = match message {
            Some(Ok(Message::Text(text))) => {
                let (passage, report) = self.watcher.application_said(&text);
                self.tell(report.map(SidebandEvent::Report)).await;
                match passage {
                    Passage::Pass => Theirs::Text(text.as_str().into()),
                    Passage::Rewrite(text) => Theirs::Text(text.into()),
                    Passage::Refuse(answer) => {
                        return to_application(application, Message::Text(answer.into())).await;
                    }
                }
            }
            Some(Ok(Message::Binary(bytes))) => Theirs::Binary(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(frame))) => {
                let frame = frame.map(|frame| tungstenite::protocol::CloseFrame {
                    code: frame.code.into(),
                    reason: frame.reason.as_str().into(),
                });
                let _ = timeout(WRITE, self.upstream.0.close(frame)).await;
                return Err("the application closed it".into());
            }
            Some(Err(error)) => return Err(format!("the application's end: {error}")),
            None => return Err("the application went".into()),
        };
        self.say(passed).await
    }

    /// Asks whether OpenAI is still there: a connection that was cut without a word is silent for ever.
    async fn ping(&mut self) -> Turn {
        if !std::mem::take(&mut self.heard) {
            return Err("OpenAI answers no ping".into());
        }
        self.say(tungstenite::Message::Ping(Bytes::new())).await
    }

    async fn inject(&mut self, text: Option<String>) -> Turn {
        match text {
            Some(text) => self.say(tungstenite::Message::Text(text.into())).await,
            None => Err("the call is over".into()),
        }
    }

    async fn say(&mut self, message: tungstenite::Message) -> Turn {
        match timeout(WRITE, self.upstream.0.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("OpenAI's end: {error}")),
            Err(_) => Err("OpenAI does not read".into()),
        }
    }

    async fn tell(&mut self, event: Option<SidebandEvent>) {
        if let Some(event) = event {
            let told = Told::Event(self.ending.sideband, event);
            let _ = self.ending.tell.send(told).await;
        }
    }
}

async fn to_application(application: &mut WebSocket, message: Message) -> Turn {
    match timeout(WRITE, application.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the application's end: {error}")),
        Err(_) => Err("the application does not read".into()),
    }
}

/// The largest event is an `input_audio_buffer.append` of 15 MiB.
pub(in crate::serve) const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// A peer that takes nothing for so long is gone.
const WRITE: Duration = Duration::from_secs(10);
/// Between pings to OpenAI; one without any answer until the next ends the conversation.
const PING: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use squelch_call::AudioFormatPolicy;
    use squelch_call::control::session_guard::Context;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    /// squelch's own socket to a peer that does as `peer` does; why it ended.
    async fn ended(peer: impl AsyncFnOnce(WebSocketStream<tokio::io::DuplexStream>)) -> String {
        let (near, far) = tokio::io::duplex(4_096);
        let client = WebSocketStream::from_raw_socket(Box::new(near) as _, Role::Client, None);
        let far = WebSocketStream::from_raw_socket(far, Role::Server, None);
        let (tell, mut told) = mpsc::channel(8);
        let (_texts, injected) = mpsc::channel(1);
        let watcher = Watcher::new(Context {
            policy: AudioFormatPolicy::Omit,
            negotiated: None,
        });
        let upstream = Upstream(client.await);
        let mut conversation = Conversation::new(SidebandId(1), upstream, watcher, injected, tell);
        let often = Duration::from_millis(20);
        conversation.pulse = interval_at(Instant::now() + often, often);
        tokio::join!(conversation.alone(), peer(far.await));
        match told.recv().await {
            Some(Told::Event(_, SidebandEvent::Closed(why))) => why,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_peer_that_is_silent_for_ever_is_given_up() {
        // It is there, and reads nothing.
        let why = ended(async |far| {
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(far);
        });
        assert_eq!(why.await, "OpenAI answers no ping");
    }

    #[tokio::test]
    async fn a_peer_that_answers_pings_stays() {
        // Five pings long; then it says good-bye.
        let why = ended(async |mut far| {
            let mut pings = 0;
            while let Some(Ok(message)) = far.next().await {
                pings += u32::from(message.is_ping());
                if pings == 5 {
                    let _ = far.close(None).await;
                }
            }
        });
        assert_eq!(why.await, "OpenAI closed it");
    }
}
