//! Decoders of UTF-8 in chunks: ours, and functions that check whole slices, with the carrying of cut
//! characters that their users have to write.

use pushdown::PushParser;
use pushdown::text::{Replacing, Strict, Utf8};

/// Decodes UTF-8 that arrives in chunks.
pub trait Decoder {
    /// Takes the next chunk, and reports its text. Returns false if it is not UTF-8.
    fn decode(&mut self, chunk: &[u8], sink: &mut impl FnMut(&str)) -> bool;

    /// Ends the text. Returns false if a character is not whole.
    fn finish(&mut self) -> bool;
}

impl Decoder for Utf8 {
    #[inline]
    fn decode(&mut self, chunk: &[u8], sink: &mut impl FnMut(&str)) -> bool {
        Utf8::<Strict>::decode(self, chunk, sink).is_ok()
    }

    fn finish(&mut self) -> bool {
        PushParser::finish(self).is_ok()
    }
}

impl Decoder for Utf8<Replacing> {
    #[inline]
    fn decode(&mut self, chunk: &[u8], sink: &mut impl FnMut(&str)) -> bool {
        Utf8::<Replacing>::decode(self, chunk, sink);
        true
    }

    fn finish(&mut self) -> bool {
        PushParser::finish(self).is_ok()
    }
}

/// A function that checks whole slices. It says no without a place, so a cut character has to be
/// taken off first; an error is not located, and the text before it in its chunk not reported.
#[derive(Clone, Copy, Debug)]
pub struct Sliced<F> {
    check: F,
    cut: [u8; 4],
    len: usize,
}

/// `simdutf8::basic`.
pub fn simdutf8() -> impl Decoder {
    Sliced::new(|bytes| simdutf8::basic::from_utf8(bytes).ok())
}

/// `core::str::from_utf8`.
pub fn std() -> impl Decoder {
    Sliced::new(|bytes| core::str::from_utf8(bytes).ok())
}

impl<F: Fn(&[u8]) -> Option<&str>> Sliced<F> {
    fn new(check: F) -> Self {
        Self { check, cut: [0; 4], len: 0 }
    }
}

impl<F: Fn(&[u8]) -> Option<&str>> Decoder for Sliced<F> {
    #[inline]
    fn decode(&mut self, chunk: &[u8], sink: &mut impl FnMut(&str)) -> bool {
        let mut rest = chunk;
        while self.len > 0 {
            let Some((&byte, after)) = rest.split_first() else { return true };
            rest = after;
            self.cut[self.len] = byte;
            self.len += 1;
            match core::str::from_utf8(&self.cut[..self.len]) {
                Ok(character) => {
                    sink(character);
                    self.len = 0;
                }
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let (whole, cut) = rest.split_at(before_cut(rest));
        let Some(text) = (self.check)(whole) else { return false };
        if !text.is_empty() {
            sink(text);
        }
        self.len = cut.len();
        self.cut[..cut.len()].copy_from_slice(cut);
        true
    }

    fn finish(&mut self) -> bool {
        self.len == 0
    }
}

/// Returns the place of the first byte of a character that the end of the slice cuts, or the length.
fn before_cut(bytes: &[u8]) -> usize {
    let cut = (1..=bytes.len().min(3)).find(|back| bytes[bytes.len() - back] >= 0xc0);
    match cut {
        Some(1) => bytes.len() - 1,
        Some(back) if bytes[bytes.len() - back] >= if back == 2 { 0xe0 } else { 0xf0 } => {
            bytes.len() - back
        }
        _ => bytes.len(),
    }
}

/// `Utf8Chunks` of std, with U+FFFD for each of its faults. A chunk is taken for a text of its own, so a
/// character that it cuts is replaced twice.
#[derive(Clone, Copy, Debug)]
pub struct StdChunks;

impl Decoder for StdChunks {
    #[inline]
    fn decode(&mut self, chunk: &[u8], sink: &mut impl FnMut(&str)) -> bool {
        for part in chunk.utf8_chunks() {
            if !part.valid().is_empty() {
                sink(part.valid());
            }
            if !part.invalid().is_empty() {
                sink("\u{FFFD}");
            }
        }
        true
    }

    fn finish(&mut self) -> bool {
        true
    }
}
