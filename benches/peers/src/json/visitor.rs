//! serde_json with a visitor that takes every value and keeps none.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Seen;

pub(super) fn read(document: &'static [u8], _: usize) -> Seen {
    let mut seen = Seen::default();
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    Values(&mut seen).deserialize(&mut deserializer).expect("a document");
    deserializer.end().expect("a document");
    seen
}

/// A value, and all that it contains.
struct Values<'s>(&'s mut Seen);

/// The name of a member.
struct Key<'s>(&'s mut Seen);

impl Values<'_> {
    fn number<E>(self, bits: u64) -> Result<(), E> {
        self.0.event();
        self.0.first = self.0.first.wrapping_add(bits);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.0.event();
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.event();
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(number as u64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.number(number.to_bits())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.0.event();
        while access.next_element_seed(Values(self.0))?.is_some() {}
        self.0.event();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.0.event();
        while access.next_key_seed(Key(self.0))?.is_some() {
            access.next_value_seed(Values(self.0))?;
        }
        self.0.event();
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text);
        Ok(())
    }
}
