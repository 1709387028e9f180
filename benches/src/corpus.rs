//! Quoted strings to parse. `benches/data/README.md` describes each.

use crate::text;

/// One quoted string, from the opening quote to the closing one.
pub struct Corpus {
    pub name: &'static str,
    pub string: Vec<u8>,
}

/// The length of each corpus.
pub const LEN: usize = 64 << 10;

/// The bytes that follow the backslashes of escapes, in turn.
const ESCAPED: &[u8] = b"n\"\\t";

impl Corpus {
    /// All of them, [`LEN`] bytes each.
    pub fn all() -> [Self; 5] {
        [
            Self::plain(LEN),
            Self::escapes_2(),
            Self::escapes_half(),
            Self::backslashes(),
            Self::random(),
        ]
    }

    pub fn plain(len: usize) -> Self {
        Self::new("plain", len, prose)
    }

    fn escapes_2() -> Self {
        Self::new("escapes-2%", LEN, |at| match at % 50 {
            0 => b'\\',
            1 => ESCAPED[at / 50 % ESCAPED.len()],
            _ => prose(at),
        })
    }

    fn escapes_half() -> Self {
        Self::new("escapes-half", LEN, |at| match at % 2 {
            0 => b'\\',
            _ => ESCAPED[at / 2 % ESCAPED.len()],
        })
    }

    fn backslashes() -> Self {
        Self::new("backslashes", LEN, |_| b'\\')
    }

    fn random() -> Self {
        // Xorshift: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8, 2003.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut byte = || loop {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let byte = state.to_le_bytes()[7];
            if byte != b'"' {
                return byte;
            }
        };
        // A backslash as the last byte would escape the closing quote.
        Self::new("random", LEN, |at| if at == LEN - 3 { b'.' } else { byte() })
    }

    /// A document of JSON, twice, as a string of JSON.
    pub fn document() -> Self {
        Self { name: "document", string: quote(&text::document("twitter").repeat(2)) }
    }

    /// The same as a string in that string.
    pub fn nested_document() -> Self {
        Self { name: "nested-document", string: quote(&Self::document().string) }
    }

    /// Creates a quoted string of `len` bytes in all. `byte` returns its content by index.
    fn new(name: &'static str, len: usize, byte: impl FnMut(usize) -> u8) -> Self {
        let mut string = vec![b'"'];
        string.extend((0..len - 2).map(byte));
        string.push(b'"');
        Self { name, string }
    }
}

fn prose(at: usize) -> u8 {
    const TEXT: &[u8] = b"the program counter and the call stack are the state; ";
    TEXT[at % TEXT.len()]
}

/// Writes a text as a string of JSON.
fn quote(text: &[u8]) -> Vec<u8> {
    let mut string = vec![b'"'];
    for &byte in text {
        match byte {
            b'"' | b'\\' => string.extend([b'\\', byte]),
            b'\n' => string.extend(*b"\\n"),
            _ => string.push(byte),
        }
    }
    string.push(b'"');
    string
}
