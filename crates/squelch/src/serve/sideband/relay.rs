//! One conversation: texts between the application and OpenAI, each past its watcher.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{SinkExt, StreamExt};
use squelch_call::control::sideband::{Passage, Watcher};
use squelch_call::{SidebandEvent, SidebandId};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;

use super::Told;
use super::connect::Upstream;

/// A WebSocket to OpenAI, and who watches it.
#[derive(Debug)]
pub(in crate::serve) struct Conversation {
    upstream: Upstream,
    watcher: Watcher,
    injected: mpsc::Receiver<String>,
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
