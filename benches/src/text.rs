//! Texts to decode. `benches/data/README.md` describes each.

use std::fs;
use std::path::Path;

/// A text in UTF-8, or what should be one.
pub struct Text {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// The length of each text that is generated.
pub const LEN: usize = 64 << 10;

impl Text {
    /// All that are UTF-8.
    pub fn all() -> [Self; 6] {
        [
            Self::of("ascii", "the program counter and the call stack are the state; "),
            Self::of("latin", "Befehlszähler und Aufrufstapel sind der Zustand, nur größer; "),
            Self::of("cjk", "程序计数器和调用栈就是状态。"),
            Self::of("emoji", "😀🎉🚀🌍👍🏽"),
            Self::document("string_unicode"),
            Self::document("twitter"),
        ]
    }

    /// `latin` in Latin-1: a byte that is not UTF-8 for each letter that is not ASCII.
    pub fn latin1() -> Self {
        let [_, latin, ..] = Self::all();
        let text = String::from_utf8(latin.bytes).expect("UTF-8");
        Self { name: "latin1", bytes: text.chars().map(|c| c as u8).collect() }
    }

    /// Repeats `unit`, up to a whole character.
    fn of(name: &'static str, unit: &str) -> Self {
        let mut text = unit.repeat(LEN / unit.len() + 1);
        text.truncate(text.floor_char_boundary(LEN));
        Self { name, bytes: text.into_bytes() }
    }

    fn document(name: &'static str) -> Self {
        Self { name, bytes: document(name) }
    }
}

/// Reads a document of `tests/data/json`.
pub fn document(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/json");
    let path = folder.join(name).with_extension("json");
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
