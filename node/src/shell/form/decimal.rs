//! An amount in JSON: a string, and nothing else.
//!
//! A number is kept apart instead of failing at once, so that it gets its own code (1009) and names its field.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// What stands where an amount should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// A string, canonical or not.
    Text(String),
    /// A JSON number.
    Number,
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number => Err(serde::ser::Error::custom("a number is no amount")),
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount as a decimal string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        Ok(Decimal::Text(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Decimal, E> {
        Ok(Decimal::Number)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Decimal, E> {
        Ok(Decimal::Number)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Decimal, E> {
        Ok(Decimal::Number)
    }
}

impl PartialSchema for Decimal {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "An amount as a canonical decimal string with exactly the currency's decimals.",
            ))
            .pattern(Some("^(0|[1-9][0-9]*)(\\.[0-9]+)?$"))
            .into()
    }
}

impl ToSchema for Decimal {
    fn name() -> Cow<'static, str> {
        "Decimal".into()
    }
}
