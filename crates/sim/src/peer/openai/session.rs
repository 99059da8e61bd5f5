//! The Realtime session of a call: what `accept` and `session.update` say of it, what it says of
//! itself.

use serde_json::{Map, Value, json};

use super::config::Profile;
use super::refusal::Refusal;
use super::schema;
use crate::sound::Law;

/// The encoding and rate of a session's audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioFormat {
    /// `{"type":"audio/pcm","rate":24000}`.
    Pcm24k,
    /// `{"type":"audio/pcmu"}` or `{"type":"audio/pcma"}`.
    G711(Law),
}

impl AudioFormat {
    /// As a session writes it.
    pub fn to_json(self) -> Value {
        match self {
            AudioFormat::Pcm24k => json!({"type": "audio/pcm", "rate": 24_000}),
            AudioFormat::G711(Law::Mu) => json!({"type": "audio/pcmu"}),
            AudioFormat::G711(Law::A) => json!({"type": "audio/pcma"}),
        }
    }

    /// Of a format that [`schema`] has let pass.
    fn from_json(value: &Value) -> Option<AudioFormat> {
        match value.get("type")?.as_str()? {
            "audio/pcm" => Some(AudioFormat::Pcm24k),
            "audio/pcmu" => Some(AudioFormat::G711(Law::Mu)),
            "audio/pcma" => Some(AudioFormat::G711(Law::A)),
            _ => None,
        }
    }
}

/// A call's session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    profile: Profile,
    /// The law SIP negotiated.
    law: Law,
    /// The session without its audio formats.
    fields: Value,
    input: AudioFormat,
    output: AudioFormat,
}

impl Session {
    /// As it is before anything is said of it.
    pub(super) fn new(profile: Profile, law: Law, id: &str, expires_at: u64) -> Session {
        Session {
            profile,
            law,
            fields: json!({
                "type": "realtime",
                "object": "realtime.session",
                "id": id,
                "expires_at": expires_at,
                "model": "gpt-realtime",
                "output_modalities": ["audio"],
                "instructions": "",
                "tools": [],
                "tool_choice": "auto",
                "max_output_tokens": "inf",
                "tracing": null,
                "truncation": "auto",
                "prompt": null,
                "audio": {
                    "input": {
                        "noise_reduction": null,
                        "transcription": null,
                        "turn_detection": {
                            "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300,
                            "silence_duration_ms": 500, "create_response": true,
                            "interrupt_response": true,
                        },
                    },
                    "output": {"voice": "alloy", "speed": 1.0},
                },
            }),
            input: AudioFormat::G711(law),
            output: AudioFormat::G711(law),
        }
    }

    /// What the session's input is read as.
    pub(super) fn input(&self) -> AudioFormat {
        self.input
    }

    /// What the session's output is written as.
    pub(super) fn output(&self) -> AudioFormat {
        self.output
    }

    /// The whole effective configuration, formats and all.
    pub(super) fn to_json(&self) -> Value {
        let mut all = self.fields.clone();
        all["audio"]["input"]["format"] = self.input.to_json();
        all["audio"]["output"]["format"] = self.output.to_json();
        all
    }

    /// The output part of a response: format and voice.
    pub(super) fn response_output(&self, format: AudioFormat) -> Value {
        json!({"format": format.to_json(), "voice": self.fields["audio"]["output"]["voice"]})
    }

    /// Applies what `accept` (flat) or `session.update` says: a patch, objects merged to any depth.
    ///
    /// **Errors**: the patch is not applied at all; in the seed's profile the formats may be lost
    /// all the same.
    pub(super) fn patch(
        &mut self,
        patch: &Map<String, Value>,
        rules: &PatchRules<'_>,
    ) -> Result<(), Refusal> {
        if let Err(refusal) =
            schema::check(patch, rules.prompts).and_then(|()| self.frozen(patch, rules))
        {
            if self.profile == Profile::Seed && refusal.clobbers {
                self.lose_formats();
            }
            return Err(refusal);
        }
        let mut rest = Value::Object(patch.clone());
        let input = take_format(&mut rest, "input");
        let output = take_format(&mut rest, "output");
        merge(&mut self.fields, rest);
        if self.profile == Profile::Current && (input.is_some() || output.is_some()) {
            self.input = AudioFormat::G711(self.law);
            self.output = AudioFormat::G711(self.law);
        } else if self.profile == Profile::Seed {
            // The hole of the seed: tools without formats lose the formats SIP had set.
            let lost = patch.contains_key("tools").then_some(AudioFormat::Pcm24k);
            self.input = input.or(lost).unwrap_or(self.input);
            self.output = output.or(lost).unwrap_or(self.output);
        }
        Ok(())
    }

    /// The format a `response.create` asks for, where the profile heeds it.
    pub(super) fn override_format(&self, asked: Option<&Value>) -> AudioFormat {
        match self.profile {
            Profile::Seed => asked
                .and_then(AudioFormat::from_json)
                .unwrap_or(self.output),
            Profile::Current => AudioFormat::G711(self.law),
        }
    }

    /// Falls back to the API's default formats, which are not SIP's.
    pub(super) fn lose_formats(&mut self) {
        self.input = AudioFormat::Pcm24k;
        self.output = AudioFormat::Pcm24k;
    }

    /// What an update may not change.
    fn frozen(&self, patch: &Map<String, Value>, rules: &PatchRules<'_>) -> Result<(), Refusal> {
        if rules.initial {
            return Ok(());
        }
        let changed = |was: &Value, is: Option<&Value>| is.is_some_and(|is| is != was);
        if changed(&self.fields["model"], patch.get("model")) {
            return Err(Refusal::invalid(
                "Cannot update a session's model.",
                "session.model",
            ));
        }
        let voice = patch
            .get("audio")
            .and_then(|audio| audio.pointer("/output/voice"));
        if rules.has_spoken && changed(&self.fields["audio"]["output"]["voice"], voice) {
            return Err(Refusal::invalid(
                "Cannot update a conversation's voice if assistant audio is present.",
                "session.audio.output.voice",
            ));
        }
        Ok(())
    }
}

/// What a patch is judged by, besides the session itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct PatchRules<'a> {
    /// It is `accept`'s, not `session.update`'s.
    pub(super) initial: bool,
    /// The session has sent audio.
    pub(super) has_spoken: bool,
    /// The prompts the key may read.
    pub(super) prompts: &'a [String],
}

/// Takes `audio.{side}.format` out of a patch.
fn take_format(patch: &mut Value, side: &str) -> Option<AudioFormat> {
    let side = patch.get_mut("audio")?.get_mut(side)?.as_object_mut()?;
    AudioFormat::from_json(&side.remove("format")?)
}

/// Objects merge; everything else, null and arrays too, replaces.
fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATE: PatchRules<'static> = PatchRules {
        initial: false,
        has_spoken: true,
        prompts: &[],
    };
    const G711: AudioFormat = AudioFormat::G711(Law::Mu);

    fn tools() -> Value {
        json!({"type": "realtime", "tools": [{"type": "function", "name": "end_call"}]})
    }

    fn patched(profile: Profile, patches: &[Value]) -> Session {
        let mut session = Session::new(profile, Law::Mu, "sess_1", 1_750_003_600);
        for patch in patches {
            let _ = session.patch(patch.as_object().unwrap(), &UPDATE);
        }
        session
    }

    #[test]
    fn tools_without_formats_lose_the_formats_in_the_seed_only() {
        let session = patched(Profile::Seed, &[tools()]);
        assert_eq!(
            (session.input(), session.output()),
            (AudioFormat::Pcm24k, AudioFormat::Pcm24k)
        );
        let session = patched(Profile::Current, &[tools()]);
        assert_eq!((session.input(), session.output()), (G711, G711));
    }

    #[test]
    fn tools_with_formats_keep_them() {
        let mut patch = tools();
        let format = json!({"format": {"type": "audio/pcmu"}});
        patch["audio"] = json!({"input": format, "output": format});
        let session = patched(Profile::Seed, &[patch]);
        assert_eq!((session.input(), session.output()), (G711, G711));
    }

    #[test]
    fn a_later_update_with_the_right_formats_mends() {
        let format = json!({"format": {"type": "audio/pcmu"}});
        let mend = json!({"type": "realtime", "audio": {"input": format, "output": format}});
        let session = patched(Profile::Seed, &[tools(), mend]);
        assert_eq!((session.input(), session.output()), (G711, G711));
        assert_eq!(session.to_json()["tools"][0]["name"], "end_call");
    }

    #[test]
    fn an_invalid_tool_loses_the_formats_even_where_they_are_said() {
        let format = json!({"format": {"type": "audio/pcmu"}});
        let patch = json!({"type": "realtime", "tools": [{"type": "web_search"}],
            "audio": {"input": format, "output": format}});
        let session = patched(Profile::Seed, &[patch]);
        assert_eq!(session.output(), AudioFormat::Pcm24k);
        assert_eq!(session.to_json()["tools"], json!([]));
    }

    #[test]
    fn an_unreadable_prompt_loses_the_formats() {
        let patch = json!({"type": "realtime", "prompt": {"id": "pmpt_1"}});
        assert_eq!(
            patched(Profile::Seed, &[patch]).output(),
            AudioFormat::Pcm24k
        );
    }

    #[test]
    fn an_update_is_a_patch_to_any_depth() {
        let patch = json!({"type": "realtime", "audio": {"input": {"turn_detection": null}}});
        let session = patched(Profile::Seed, &[patch]).to_json();
        assert_eq!(session["audio"]["input"]["turn_detection"], Value::Null);
        assert_eq!(
            session["audio"]["input"]["format"],
            json!({"type": "audio/pcmu"})
        );
        assert_eq!(session["audio"]["output"]["voice"], "alloy");
    }

    #[test]
    fn the_voice_is_frozen_once_it_was_heard() {
        let patch = json!({"type": "realtime", "audio": {"output": {"voice": "cedar"}}});
        let session = patched(Profile::Current, &[patch]).to_json();
        assert_eq!(session["audio"]["output"]["voice"], "alloy");
    }
}
