//! Lines, as far as a chunk has them. The engines go on where a chunk ends.

use super::{Event, Field, Sse, Text};
use crate::engine::window::{Out, Window};
use crate::scan::{MAX_LOOKAHEAD, utf8::split_valid};
use crate::text::{Cut, Extended, REPLACEMENT};

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

/// The place in a line where a chunk ends.
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

/// Reads on in a value, and reports what the chunk has of it. Returns the byte that ends the line, if the
/// chunk has that.
#[inline(always)]
pub(super) fn value<O: Out<Events = Sse>>(
    window: &mut Window<'_, O>,
    field: Field,
    cut: &mut Cut,
) -> Option<u8> {
    let rest = &window.chunk[window.at..];
    let found = memchr::memchr2(b'\r', b'\n', rest);
    let len = found.unwrap_or(rest.len());
    window.count((rest.len() - len).min(MAX_LOOKAHEAD));
    if !cut.is_empty() {
        return decode(window, field, cut, len);
    }
    let (text, not_text) = split_valid(&rest[..len]);
    if !not_text.is_empty() {
        window.at += text.len();
        if !text.is_empty() {
            report(window, field, text, true);
        }
        return decode(window, field, cut, not_text.len());
    }
    window.at += len + usize::from(found.is_some());
    if found.is_some() || !text.is_empty() {
        report(window, field, text, found.is_none());
    }
    found.map(|at| rest[at])
}

/// Reads on in a value whose next bytes are not text: the rest of a character that an earlier chunk has
/// begun, one that this chunk does not end, or what is not UTF-8. The line goes on for `len` bytes in the
/// chunk, unless the sink has paused.
#[inline(never)]
fn decode<O: Out<Events = Sse>>(
    window: &mut Window<'_, O>,
    field: Field,
    cut: &mut Cut,
    len: usize,
) -> Option<u8> {
    window.byte()?;
    let (chunk, end) = (window.chunk, window.at + len);
    if !cut.is_empty() {
        let (extended, taken) = cut.extend(&chunk[window.at..]);
        window.at += taken;
        match extended {
            Extended::Cut => return None,
            Extended::Whole(character) => {
                report(window, field, character.encode_utf8(&mut [0; 4]), true);
            }
            Extended::Invalid => {
                *cut = Cut::NONE;
                report(window, field, REPLACEMENT, true);
            }
        }
        window.byte()?;
    }
    for part in chunk[window.at..end].utf8_chunks() {
        if !part.valid().is_empty() {
            window.at += part.valid().len();
            report(window, field, part.valid(), true);
            window.byte()?;
        }
        let fault = part.invalid();
        if !fault.is_empty() {
            window.at += fault.len();
            if window.at == chunk.len()
                && let (Extended::Cut, _) = cut.extend(fault)
            {
                return None;
            }
            *cut = Cut::NONE;
            report(window, field, REPLACEMENT, true);
            window.byte()?;
        }
    }
    window.at += 1;
    report(window, field, "", false);
    Some(chunk[end])
}

/// Reports a piece that ends at the position.
#[inline(always)]
fn report<O: Out<Events = Sse>>(window: &mut Window<'_, O>, name: Field, text: &str, more: bool) {
    window.emit(|| Event::Field { name, value: Text { text, more } });
}
