//! Lines, as far as a chunk has them. The engines go on where a chunk ends.

use core::hint::cold_path;

use super::receiver::{Block, Receiver};
use super::{Field, Text};
use crate::engine::window::{Out, Window};
use crate::scan::line::{self, Line, NEAR};
use crate::scan::{MAX_LOOKAHEAD, utf8::split_valid};
use crate::text::{Cut, Extended, REPLACEMENT, is_start};

pub(super) const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

impl Field {
    #[inline(always)]
    pub(super) const fn name(self) -> &'static [u8] {
        match self {
            Self::Event => b"event",
            Self::Data => b"data",
            Self::Id => b"id",
            Self::Retry => b"retry",
        }
    }
}

/// The place in a line where a chunk ends, or where a sink has paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At the beginning of a line.
    Line,
    /// Behind a `\r`, which has ended a line. A `\n` belongs to it.
    LineFeed,
    /// In a line of which nothing is reported.
    Ignored,
    /// In the name of a field, after so many bytes, or behind all of it.
    Name(Field, u8),
    /// Behind the colon.
    Colon(Field),
    /// In the value.
    Value(Field),
}

/// Reads lines that the chunk has whole, and reports what they have. Returns the place of what it leaves: the end of the
/// chunk, or the beginning of a value that is not text, or too long to be found at once.
#[inline(always)]
pub(super) fn lines<'w, O: Out<Events = R::Events>, R: Receiver<'w>>(
    window: &mut Window<'w, O>,
    to: &mut R,
    block: &mut Block,
) -> Place {
    // A window of its own, whose address nothing takes: it stays in registers.
    let mut inner = window.reborrow();
    let place = loop {
        let Some(first) = inner.byte() else { break Place::Line };
        let named = match first {
            b'\r' | b'\n' => {
                inner.at += 1;
                if let Some(blank) = block.end() {
                    to.blank(&mut inner, blank);
                }
                if first == b'\r' && !line_feed(&mut inner) {
                    break Place::LineFeed;
                }
                continue;
            }
            b'd' => name(&mut inner, Field::Data),
            b'e' => name(&mut inner, Field::Event),
            b'i' => name(&mut inner, Field::Id),
            b'r' => name(&mut inner, Field::Retry),
            _ => Named::Other,
        };
        let end = match named {
            Named::Field(field) => {
                let Some(end) = whole_value(&mut inner, to, field) else {
                    break Place::Value(field);
                };
                block.add(field);
                end
            }
            Named::Other => {
                let Some(end) = ignored(&mut inner) else { break Place::Ignored };
                end
            }
            Named::Cut(place) => break place,
        };
        if end == b'\r' && !line_feed(&mut inner) {
            break Place::LineFeed;
        }
    };
    let (chunk, at) = (inner.chunk, inner.at);
    (window.chunk, window.at) = (chunk, at);
    place
}

/// The name of a line.
enum Named {
    /// It is this one, and the position is at the value.
    Field(Field),
    /// It is another.
    Other,
    /// The chunk ends before the value.
    Cut(Place),
}

/// Reads the name that begins at the position, up to the value, if it is that of the field.
#[inline(always)]
fn name<O: Out>(window: &mut Window<'_, O>, field: Field) -> Named {
    let len = field.name().len();
    if let Some(word) = window.chunk[window.at..].first_chunk() {
        let word = u64::from_le_bytes(*word);
        if word & mask(len + 1) == with_colon(field) {
            window.at += len + 1;
            if (word >> (8 * (len + 1))) as u8 == b' ' {
                window.at += 1;
            } else {
                cold_path();
            }
            return Named::Field(field);
        }
    }
    let (named, at) = rare_name(window.chunk, window.at, field);
    window.at = at;
    named
}

/// The bits of so many bytes of a word, from the first.
const fn mask(len: usize) -> u64 {
    (1 << (8 * len)) - 1
}

/// The name of a field and a colon as a word.
#[inline(always)]
const fn with_colon(field: Field) -> u64 {
    let name = field.name();
    let (mut word, mut at) = ((b':' as u64) << (8 * name.len()), 0);
    while at < name.len() {
        word |= (name[at] as u64) << (8 * at);
        at += 1;
    }
    word
}

/// Reads a name without a colon, or at the end of the chunk.
#[inline(never)]
fn rare_name(chunk: &[u8], at: usize, field: Field) -> (Named, usize) {
    let (name, rest) = (field.name(), &chunk[at..]);
    let behind = match rest.strip_prefix(name) {
        Some([]) => return (Named::Cut(Place::Name(field, name.len() as u8)), chunk.len()),
        Some([b':']) => return (Named::Cut(Place::Colon(field)), chunk.len()),
        Some([b':', b' ', ..]) => 2,
        Some([b':', ..]) => 1,
        Some([b'\r' | b'\n', ..]) => 0,
        None if name.starts_with(rest) => {
            return (Named::Cut(Place::Name(field, rest.len() as u8)), chunk.len());
        }
        _ => return (Named::Other, at),
    };
    (Named::Field(field), at + name.len() + behind)
}

/// Reads a value that is text, if its end is near. Returns the byte that ends the line.
#[inline(always)]
fn whole_value<'w, O: Out<Events = R::Events>, R: Receiver<'w>>(
    window: &mut Window<'w, O>,
    to: &mut R,
    field: Field,
) -> Option<u8> {
    let chunk = window.chunk;
    let text = match line::near(chunk, window.at) {
        Line::Ascii(text) => text,
        Line::Other(bytes) => match split_valid(bytes) {
            (text, []) => text,
            _ => return None,
        },
    };
    let at = window.at + text.len();
    let end = chunk.get(at).copied().filter(|end| matches!(end, b'\r' | b'\n'))?;
    window.count((chunk.len() - at).min(MAX_LOOKAHEAD));
    window.at = at + 1;
    to.whole(window, field, text);
    Some(end)
}

/// Takes a `\n` behind a `\r`. Returns false if the chunk ends before it can come.
#[inline(always)]
fn line_feed<O: Out>(window: &mut Window<'_, O>) -> bool {
    match window.byte() {
        Some(b'\n') => {
            window.at += 1;
            true
        }
        next => {
            cold_path();
            next.is_some()
        }
    }
}

/// Reads on in a line of which nothing is reported. Returns the byte that ends it, if the chunk has that.
#[inline(always)]
pub(super) fn ignored<O: Out>(window: &mut Window<'_, O>) -> Option<u8> {
    let rest = &window.chunk[window.at..];
    let found = end_of_ignored(rest);
    if let Some(at) = found {
        window.count((rest.len() - at).min(at & !(PROBED - 1)).min(MAX_LOOKAHEAD));
    }
    window.at += found.map_or(rest.len(), |at| at + 1);
    found.map(|at| rest[at])
}

/// Bytes that are looked at one by one.
const PROBED: usize = 16;

/// Looks for the end of a line in windows of which each is as long as all before it. So it looks at no more
/// bytes behind the end than there are before: many short comments are not many scans of a block.
#[inline(never)]
fn end_of_ignored(line: &[u8]) -> Option<usize> {
    let probed = &line[..line.len().min(PROBED)];
    if let Some(at) = probed.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        return Some(at);
    }
    let mut from = probed.len();
    while from < line.len() {
        let to = if from < MAX_LOOKAHEAD { line.len().min(2 * from) } else { line.len() };
        if let Some(at) = memchr::memchr2(b'\r', b'\n', &line[from..to]) {
            return Some(from + at);
        }
        from = to;
    }
    None
}

/// Reads on in a value, and reports what the chunk has of it. Returns the byte that ends the line once that has
/// been read. It may return before: if the sink has paused, or what is not text has been replaced.
#[inline(always)]
pub(super) fn value<'w, O: Out<Events = R::Events>, R: Receiver<'w>>(
    window: &mut Window<'w, O>,
    to: &mut R,
    field: Field,
    cut: &mut Cut,
) -> Option<u8> {
    if !cut.is_empty() {
        rest_of_character(window, to, field, cut);
        return None;
    }
    let chunk = window.chunk;
    let (text, len) = match line::near(chunk, window.at) {
        Line::Ascii(text) => (text, text.len()),
        Line::Other(bytes) => (split_valid(bytes).0, bytes.len()),
    };
    let end = chunk.get(window.at + len).copied();
    let is_near = matches!(end, None | Some(b'\r' | b'\n'));
    if is_near && text.len() == len {
        window.count((chunk.len() - window.at - len).min(MAX_LOOKAHEAD));
        window.at += len + usize::from(end.is_some());
        if end.is_some() || !text.is_empty() {
            to.piece(window, field, Text { text, more: end.is_none() });
        }
        return end;
    }
    rare_value(window, to, field, cut, is_near.then_some((len, end.is_some())))
}

/// Reads on in a value that is longer than most, or not text. `line` is what [`end_of_text`] would find, if that is known.
#[inline(never)]
fn rare_value<'w, O: Out<Events = R::Events>, R: Receiver<'w>>(
    window: &mut Window<'w, O>,
    to: &mut R,
    field: Field,
    cut: &mut Cut,
    line: Option<(usize, bool)>,
) -> Option<u8> {
    let rest = &window.chunk[window.at..];
    let (len, is_end) = line.unwrap_or_else(|| end_of_text(rest));
    window.count((rest.len() - len).min(MAX_LOOKAHEAD));
    let (text, not_text) = split_valid(&rest[..len]);
    if not_text.is_empty() {
        window.at += len + usize::from(is_end);
        if is_end || !text.is_empty() {
            to.piece(window, field, Text { text, more: !is_end });
        }
        return is_end.then(|| rest[len]);
    }
    window.at += text.len();
    if !text.is_empty() {
        to.piece(window, field, Text { text, more: true });
        window.byte()?;
    }
    replace(window, to, field, cut, not_text.len(), is_end);
    None
}

/// Looks for the end of a line. Returns its place and true, or the end of what was searched.
///
/// It goes on, as far again each time, only behind text. So what a call looks at beyond the next piece is not
/// more than the piece has, or `NEAR`: a sink that pauses after each of many pieces does not have the rest of
/// the chunk searched again and again.
fn end_of_text(rest: &[u8]) -> (usize, bool) {
    let near = &rest[..rest.len().min(NEAR)];
    match memchr::memchr2(b'\r', b'\n', near) {
        Some(at) => return (at, true),
        None if near.len() == rest.len() => return (rest.len(), false),
        None => {}
    }
    let (mut searched, mut text) = (NEAR, 0);
    while searched < rest.len() {
        let (valid, not_text) = split_valid(&rest[text..searched]);
        text += valid.len();
        if !not_text.is_empty() && !is_start(not_text) {
            break;
        }
        let to = rest.len().min(2 * searched);
        if let Some(at) = memchr::memchr2(b'\r', b'\n', &rest[searched..to]) {
            return (searched + at, true);
        }
        searched = to;
    }
    (searched, false)
}

/// Reads on in a character that an earlier chunk has begun.
#[inline(never)]
fn rest_of_character<'w, O: Out<Events = R::Events>, R: Receiver<'w>>(
    window: &mut Window<'w, O>,
    to: &mut R,
    field: Field,
    cut: &mut Cut,
) {
    let (extended, taken) = cut.extend(&window.chunk[window.at..]);
    window.at += taken;
    match extended {
        Extended::Cut => {}
        Extended::Whole(character) => {
            let mut bytes = [0; 4];
            let text = character.encode_utf8(&mut bytes);
            to.piece(window, field, Text { text, more: true });
        }
        Extended::Invalid => {
            *cut = Cut::NONE;
            to.piece(window, field, Text { text: REPLACEMENT, more: true });
        }
    }
}

/// Replaces what is not UTF-8 in the next bytes, up to `len`, behind which the line ends if `is_end`. A
/// character that is not whole, but may be so with the bytes behind `len`, is left, or is cut by the chunk.
fn replace<'w, O: Out<Events = R::Events>, R: Receiver<'w>>(
    window: &mut Window<'w, O>,
    to: &mut R,
    field: Field,
    cut: &mut Cut,
    len: usize,
    is_end: bool,
) {
    /// With one fault there are often more. Behind the last of them the search is for text again.
    const WINDOW: usize = 64;
    let (chunk, end) = (window.chunk, window.at + len.min(WINDOW));
    let is_end = is_end && len <= WINDOW;
    for part in chunk[window.at..end].utf8_chunks() {
        let (text, fault) = (part.valid(), part.invalid());
        if !text.is_empty() {
            window.at += text.len();
            to.piece(window, field, Text { text, more: true });
        }
        if fault.is_empty() || window.byte().is_none() {
            return;
        }
        if window.at + fault.len() == end && !is_end && is_start(fault) {
            if end == chunk.len() {
                window.at = end;
                let _ = cut.extend(fault);
            }
            return;
        }
        window.at += fault.len();
        to.piece(window, field, Text { text: REPLACEMENT, more: true });
        if window.byte().is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_end_of_a_line_is_found_behind_text_of_any_length() {
        let mut cases = 0;
        for background in ["a", "é", "€", "😀"] {
            for len in (0..40).chain(230..280).chain(500..530).chain(1000..1050).chain([5000]) {
                let text: Vec<u8> = background.bytes().cycle().take(len).collect();
                for end in [b'\r', b'\n'] {
                    let line = [&text[..], &[end], b"next\n"].concat();
                    assert_eq!(end_of_text(&line), (len, true));
                    cases += 1;
                }
                assert_eq!(end_of_text(&text), (len, false), "{background}");
            }
        }
        assert_eq!(cases, 4 * 2 * 171);
    }

    #[test]
    fn no_more_than_the_piece_again_is_searched_behind_what_is_not_text() {
        for background in ["a", "é", "€", "😀"] {
            for len in 0..3000 {
                let mut bytes: Vec<u8> = background.bytes().cycle().take(len).collect();
                bytes.push(0xff);
                bytes.resize(20_000, b'a');
                bytes.push(b'\n');
                let (searched, is_end) = end_of_text(&bytes);
                assert!(!is_end && searched > len, "{len}");
                assert!(searched <= NEAR.max(2 * (len + 4)), "{searched} for {len}");
            }
        }
    }
}
