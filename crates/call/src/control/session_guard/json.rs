//! Reading JSON that will be judged: what the guard has read must be what OpenAI reads.

use super::finding::{Code, Finding, Weight};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Reads a JSON text.
///
/// A key that stands twice in one object is refused: of two formats the guard would judge one and
/// OpenAI might take the other.
///
/// # Errors
/// What is wrong, with line and column. Nesting deeper than 128 is refused too.
pub fn read(text: &[u8]) -> Result<Value, Finding> {
    match serde_json::from_slice::<Unambiguous>(text) {
        Ok(Unambiguous(value)) => Ok(value),
        Err(error) => Err(Finding {
            weight: Weight::Refused,
            code: Code::InvalidJson,
            path: None,
            problem: format!("it can't be read: {error}"),
            mend: "send one JSON object, each key once".into(),
        }),
    }
}

/// A value none of whose objects has a key twice.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Builder).map(Unambiguous)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unambiguous(item)) = from.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "the key '{key}' is there twice"
                )));
            }
            let Unambiguous(value) = from.next_value()?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}
