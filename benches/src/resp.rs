//! Replies and requests of RESP. `benches/data/README.md` describes each.

use std::fs;
use std::path::Path;

use pushdown::resp::{Blob, Value};

/// Values that follow one another.
pub struct Corpus {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// Their number.
    pub values: usize,
}

impl Corpus {
    pub fn all() -> [Self; 10] {
        let pairs = || (0..1_000).map(|n| (bulk(format!("f{n}")), bulk(format!("v{}", 31 * n))));
        [
            Self::one("lrange", Value::Array((0..2_000).map(element).collect())),
            Self::one("hgetall", Value::Map(pairs().collect())),
            Self::one(
                "hgetall-resp2",
                Value::Array(pairs().flat_map(|(field, value)| [field, value]).collect()),
            ),
            Self::one("integers", Value::Array((0..5_000).map(integer).collect())),
            Self::one("large", Value::Bulk(vec![b'x'; 10 << 20].into())),
            Self::one("lrange-large", Value::Array((0..400_000).map(element).collect())),
            Self::transcript("bulk-resp3.replies", 8),
            Self::transcript("mixed-resp2.replies", 145),
            Self::transcript("mixed-resp3.replies", 145),
            Self::transcript("pipeline-requests.requests", 3_000),
        ]
    }

    /// Returns true if one reading takes as long as all of a small corpus.
    pub fn is_large(&self) -> bool {
        self.bytes.len() > 1 << 20
    }

    fn one(name: &'static str, value: Value) -> Self {
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        Self { name, bytes, values: 1 }
    }

    fn transcript(name: &'static str, values: usize) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/resp/transcripts");
        let path = folder.join(format!("{name}.resp"));
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name, bytes, values }
    }
}

fn bulk(text: String) -> Value {
    Value::Bulk(Blob::from(text))
}

fn element(number: usize) -> Value {
    bulk(format!("element:{number:08}"))
}

/// A number of up to six digits, which the one before does not tell.
fn integer(number: i64) -> Value {
    Value::Integer(number * 2_654_435_761 % 1_000_003)
}
