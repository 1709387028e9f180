//! Lines, as far as a chunk has them. The engines go on where a chunk ends.

use super::{Event, Field, Sse, Text};
use crate::engine::window::{Out, Window};
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

/// The fields of a block so far, as far as its blank line depends on them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Block {
    #[default]
    Other,
    /// `event`, and no `data`.
    Event,
    Data,
}

impl Block {
    /// A field has ended.
    #[inline(always)]
    pub(super) fn add(&mut self, field: Field) {
        *self = match (field, *self) {
            (Field::Data, _) => Self::Data,
            (Field::Event, Self::Other) => Self::Event,
            (_, block) => block,
        };
    }
}

/// Reads lines up to the end of the chunk, and reports what they have. `cut` is empty but within a value.
#[inline(always)]
pub(super) fn lines<O: Out<Events = Sse>>(
    window: &mut Window<'_, O>,
    block: &mut Block,
    cut: &mut Cut,
) -> Place {
    loop {
        let Some(first) = window.byte() else { return Place::Line };
        let named = match first {
            b'\r' | b'\n' => {
                blank(window, block);
                if first == b'\r' && !line_feed(window) {
                    return Place::LineFeed;
                }
                continue;
            }
            b'd' => name(window, Field::Data),
            b'e' => name(window, Field::Event),
            b'i' => name(window, Field::Id),
            b'r' => name(window, Field::Retry),
            _ => Named::Other,
        };
        let end = match named {
            Named::Field(field) => {
                let Some(end) = value(window, field, cut) else { return Place::Value(field) };
                block.add(field);
                end
            }
            Named::Other => {
                let Some(end) = ignored(window) else { return Place::Ignored };
                end
            }
            Named::Cut(place) => return place,
        };
        if end == b'\r' && !line_feed(window) {
            return Place::LineFeed;
        }
    }
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
    let (name, rest) = (field.name(), &window.chunk[window.at..]);
    match rest.split_at_checked(name.len()) {
        Some((first, [b':', ..])) if first == name => window.at += name.len() + 1,
        Some((first, [b'\r' | b'\n', ..])) if first == name => {
            window.at += name.len();
            return Named::Field(field);
        }
        _ if name.starts_with(rest) || rest == name => {
            window.at = window.chunk.len();
            return Named::Cut(Place::Name(field, rest.len() as u8));
        }
        _ => return Named::Other,
    }
    match window.byte() {
        None => return Named::Cut(Place::Colon(field)),
        Some(b' ') => window.at += 1,
        Some(_) => {}
    }
    Named::Field(field)
}

/// Takes the end of a blank line, and reports what it means.
#[inline(always)]
fn blank<O: Out<Events = Sse>>(window: &mut Window<'_, O>, block: &mut Block) {
    window.at += 1;
    match core::mem::take(block) {
        Block::Data => window.emit(|| Event::Dispatch),
        Block::Event => window.emit(|| Event::Discard),
        Block::Other => {}
    }
}

/// Takes a `\n` behind a `\r`. Returns false if the chunk ends before it can come.
#[inline(always)]
fn line_feed<O: Out>(window: &mut Window<'_, O>) -> bool {
    let next = window.byte();
    window.at += usize::from(next == Some(b'\n'));
    next.is_some()
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
pub(super) fn value<O: Out<Events = Sse>>(
    window: &mut Window<'_, O>,
    field: Field,
    cut: &mut Cut,
) -> Option<u8> {
    if !cut.is_empty() {
        rest_of_character(window, field, cut);
        return None;
    }
    let rest = &window.chunk[window.at..];
    let (len, is_end) = end_of_text(rest);
    window.count((rest.len() - len).min(MAX_LOOKAHEAD));
    let (text, not_text) = split_valid(&rest[..len]);
    if not_text.is_empty() {
        window.at += len + usize::from(is_end);
        if is_end || !text.is_empty() {
            report(window, field, text, !is_end);
        }
        return is_end.then(|| rest[len]);
    }
    window.at += text.len();
    if !text.is_empty() {
        report(window, field, text, true);
        window.byte()?;
    }
    replace(window, field, cut, not_text.len(), is_end);
    None
}

/// Bytes that are searched for the end of a line at first: most lines are not longer.
const NEAR: usize = 256;

/// Looks for the end of a line. Returns its place and true, or the end of what was searched.
///
/// It goes on, as far again each time, only behind text. So what a call looks at beyond the next piece is not
/// more than the piece has, or `NEAR`: a sink that pauses after each of many pieces does not have the rest of
/// the chunk searched again and again.
#[inline(always)]
fn end_of_text(rest: &[u8]) -> (usize, bool) {
    let near = &rest[..rest.len().min(NEAR)];
    match memchr::memchr2(b'\r', b'\n', near) {
        Some(at) => (at, true),
        None if near.len() == rest.len() => (rest.len(), false),
        None => end_of_long_text(rest),
    }
}

#[inline(never)]
fn end_of_long_text(rest: &[u8]) -> (usize, bool) {
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
fn rest_of_character<O: Out<Events = Sse>>(
    window: &mut Window<'_, O>,
    field: Field,
    cut: &mut Cut,
) {
    let (extended, taken) = cut.extend(&window.chunk[window.at..]);
    window.at += taken;
    match extended {
        Extended::Cut => {}
        Extended::Whole(character) => {
            report(window, field, character.encode_utf8(&mut [0; 4]), true);
        }
        Extended::Invalid => {
            *cut = Cut::NONE;
            report(window, field, REPLACEMENT, true);
        }
    }
}

/// Replaces what is not UTF-8 in the next bytes, up to `len`, behind which the line ends if `is_end`. A
/// character that is not whole, but may be so with the bytes behind `len`, is left, or is cut by the chunk.
#[inline(never)]
fn replace<O: Out<Events = Sse>>(
    window: &mut Window<'_, O>,
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
            report(window, field, text, true);
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
        report(window, field, REPLACEMENT, true);
        if window.byte().is_none() {
            return;
        }
    }
}

/// Reports a piece that ends at the position.
#[inline(always)]
fn report<O: Out<Events = Sse>>(window: &mut Window<'_, O>, name: Field, text: &str, more: bool) {
    window.emit(|| Event::Field { name, value: Text { text, more } });
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
