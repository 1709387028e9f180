//! The decoders of `text` compared with std, at every cut. The fuzz targets use it too.

use std::str;

use pushdown::text::Utf8;
use pushdown::{Error, ErrorKind, PushParser};

/// The answer of std to some bytes, as the start of a text: the text that a decoder has reported, and
/// its error.
type Answer = (String, Option<Error>);

/// The answer of a strict decoder.
///
/// The offending byte is the last one of the shortest prefix that std refuses.
fn strict(bytes: &[u8]) -> Answer {
    let Err(error) = str::from_utf8(bytes) else {
        return (String::from_utf8(bytes.to_vec()).unwrap(), None);
    };
    let start = error.valid_up_to();
    let refused = |end: &usize| {
        str::from_utf8(&bytes[start..=*end]).is_err_and(|error| error.error_len().is_some())
    };
    let offset = (start..bytes.len()).find(refused);
    let error = offset.map(|offset| error_at(ErrorKind::InvalidUtf8, offset, start));
    (String::from_utf8(bytes[..start].to_vec()).unwrap(), error)
}

/// The answer of a strict decoder that has been finished.
fn strict_finished(bytes: &[u8]) -> Answer {
    let (text, error) = strict(bytes);
    let cut = || error_at(ErrorKind::UnexpectedEnd, bytes.len(), text.len());
    let error = error.or_else(|| (text.len() < bytes.len()).then(cut));
    (text, error)
}

/// The text that a replacing decoder has reported: without a character that the end cuts.
fn replaced(bytes: &[u8]) -> String {
    let last = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let is_cut = str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
    let end = if is_cut { bytes.len() - last.len() } else { bytes.len() };
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn error_at(kind: ErrorKind, offset: usize, start: usize) -> Error {
    let mut error = Error::new(kind, offset as u64);
    error.start = Some(start as u64);
    error
}

/// Feeds the chunks to both decoders. After each chunk, and at the end, they have answered as std
/// answers all bytes so far.
pub fn check(chunks: &[&[u8]]) {
    let bytes = chunks.concat();
    let (mut strict_text, mut replaced_text) = (String::new(), String::new());
    let (mut utf8, mut replacing) = (Utf8::strict(), Utf8::replacing());
    let mut fed = 0;
    let message = |fed: usize| format!("after {fed} bytes of {chunks:x?}");
    for chunk in chunks {
        fed += chunk.len();
        let error = utf8.decode(chunk, |piece| push(&mut strict_text, piece)).err();
        same((&strict_text, error), strict(&bytes[..fed]), || message(fed));
        replacing.decode(chunk, |piece| push(&mut replaced_text, piece));
        assert_eq!(replaced_text, replaced(&bytes[..fed]), "{}", message(fed));
    }
    let error = utf8.finish_with(|piece| push(&mut strict_text, piece)).err();
    same((&strict_text, error), strict_finished(&bytes), || message(fed));
    replacing.finish_with(|piece| push(&mut replaced_text, piece)).unwrap();
    assert_eq!(replaced_text, String::from_utf8_lossy(&bytes), "{}", message(fed));
    assert_eq!(replacing.offset(), bytes.len() as u64);
}

fn push(text: &mut String, piece: &str) {
    assert!(!piece.is_empty());
    text.push_str(piece);
}

fn same((text, error): (&str, Option<Error>), expected: Answer, message: impl Fn() -> String) {
    let start = |error: Option<Error>| error.and_then(|error| error.start);
    assert!(
        (text, error, start(error)) == (&*expected.0, expected.1, start(expected.1)),
        "{}: {:?} instead of {expected:?}",
        message(),
        (text, error)
    );
}
