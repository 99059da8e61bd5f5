//! The application of the seed: it sets its tools and says nothing of audio.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Opens the call's sideband WebSocket at OpenAI and sends the update that clobbers the formats.
/// Gives the formats of the session as OpenAI then tells them.
pub(super) async fn clobber(api: SocketAddr, key: &str, call: &str) -> Result<String, String> {
    let failed = |error: Error| format!("the application's WebSocket: {error}");
    let url = format!("ws://{api}/v1/realtime?call_id={call}");
    let mut request = url.into_client_request().map_err(failed)?;
    let token = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|e| e.to_string())?;
    request.headers_mut().insert("authorization", token);
    let (mut socket, _) = tokio_tungstenite::connect_async(request)
        .await
        .map_err(failed)?;
    let update = json!({
        "type": "session.update",
        "session": {
            "type": "realtime",
            "tools": [{
                "type": "function",
                "name": "look_up_order",
                "description": "Finds an order by its number.",
                "parameters": {"type": "object", "properties": {"number": {"type": "string"}}},
            }],
        },
    });
    let update = Message::Text(update.to_string().into());
    socket.send(update).await.map_err(failed)?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(failed)? else {
            continue;
        };
        let event: Value = serde_json::from_str(&text).unwrap_or_default();
        match event.get("type").and_then(Value::as_str) {
            Some("session.updated") => {
                let format = event.pointer("/session/audio/output/format");
                return Ok(format.map_or_else(String::new, Value::to_string));
            }
            Some("error") => return Err(format!("OpenAI refused the update: {text}")),
            _ => {}
        }
    }
    Err("OpenAI closed the WebSocket".into())
}
