//! The documents, which `tests/data/json/README.md` describes.

use std::fs;
use std::path::Path;

/// Their names, in the order of the tables.
pub const DOCUMENTS: [&str; 8] = [
    "twitter",
    "citm_catalog",
    "canada",
    "github_events",
    "synthea_fhir",
    "golang_source",
    "twitterescaped",
    "string_unicode",
];

/// A document in memory, for as long as the process lives: some peers borrow it in types without a
/// lifetime.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// The name of its file.
    pub name: &'static str,
    /// Its text.
    pub bytes: &'static [u8],
}

impl Document {
    /// Reads the document from the repository.
    pub fn read(name: &'static str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/json");
        let path = folder.join(name).with_extension("json");
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name, bytes: bytes.leak() }
    }
}
