//! The tokens that a chunk has whole, and what the engines share of those that it cuts.
//!
//! A function here only accepts. What it does not accept it leaves unread, and the byte by byte code of
//! the engine accepts it or blames it: so the kind and the place of an error do not depend on cuts.

use core::ops::Range;

use super::escape::{Decoded, escape};
use super::{Event, Limits, Text};
use crate::engine::window::{Out, Window};
use crate::error::ErrorKind;
use crate::parser::Events;
use crate::scan::{MAX_LOOKAHEAD, json as scan};
use crate::text::{Cut, Extended};

/// The kinds of events that carry text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    String,
    Number,
}

impl Kind {
    #[inline(always)]
    pub(super) fn event(self, text: &str, more: bool) -> Event<'_> {
        let text = Text { text, more };
        match self {
            Self::Key => Event::Key(text),
            Self::String => Event::String(text),
            Self::Number => Event::Number(text),
        }
    }

    /// The bytes that a text of this kind may have.
    #[inline(always)]
    fn limit(self, limits: Limits) -> u64 {
        match self {
            Self::Key | Self::String => limits.string,
            Self::Number => limits.number,
        }
    }
}

/// The part of a value that is left to read.
pub(super) enum Rest {
    /// An object, all of it.
    Object,
    /// An array, all of it.
    Array,
    /// Any other value, all of it.
    Value,
    /// A text whose quote has been read.
    Text(OpenText),
}

/// A text of which a part has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenText {
    pub(super) kind: Kind,
    /// The offset at which the next piece begins: that of the token, or the end of the last piece.
    from: u64,
    /// The bytes that the text may still have.
    left: u64,
}

impl OpenText {
    /// A text whose token begins at this offset.
    #[inline(always)]
    pub(super) fn new(kind: Kind, from: u64, limits: Limits) -> Self {
        Self { kind, from, left: kind.limit(limits) }
    }

    /// Counts bytes of the text, unless they are too many.
    #[inline(always)]
    #[must_use]
    pub(super) fn count(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes as u64) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// Returns true if the text may have this many bytes more.
    #[inline(always)]
    pub(super) fn allows(&self, bytes: usize) -> bool {
        bytes as u64 <= self.left
    }

    /// The span of a piece that ends at this offset.
    #[inline(always)]
    pub(super) fn span(&mut self, to: u64) -> Range<u64> {
        core::mem::replace(&mut self.from, to)..to
    }

    /// The part of the chunk that the limit allows to be text.
    #[inline(always)]
    pub(super) fn allowed<'c>(&self, chunk: &'c [u8], at: usize) -> &'c [u8] {
        match usize::try_from(self.left) {
            Ok(left) if left < chunk.len() - at => &chunk[..at + left],
            _ => chunk,
        }
    }

    /// Reports a piece that ends at the position of the window. The bytes have been counted.
    #[inline(always)]
    pub(super) fn report<E: Events, O: Out<Events = E>>(
        &mut self,
        window: &mut Window<'_, O>,
        text: &str,
        more: bool,
        event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t>,
    ) {
        let span = self.span(window.offset());
        let kind = self.kind;
        window.emit(|| event(kind.event(text, more), span));
    }
}

/// Skips white space. Returns the byte after it, or `None` if the chunk ends before that.
#[inline(always)]
pub(super) fn space<O: Out>(window: &mut Window<'_, O>) -> Option<u8> {
    window.at = scan::past_space(window.chunk, window.at);
    window.byte()
}

/// The span of a byte that has just been read.
#[inline(always)]
pub(super) fn byte_before(to: u64) -> Range<u64> {
    to.saturating_sub(1)..to
}

/// Takes a bracket, and reports it.
#[inline(always)]
pub(super) fn bracket<E: Events, O: Out<Events = E>>(
    window: &mut Window<'_, O>,
    bracket: Event<'static>,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) {
    window.at += 1;
    let span = byte_before(window.offset());
    window.emit(|| event(bracket, span));
}

/// Reads a value that is whole in the chunk, and neither an array nor an object, and reports it. Of a
/// string that is not whole it reads and reports what there is.
#[inline(always)]
pub(super) fn value<E: Events, O: Out<Events = E>>(
    window: &mut Window<'_, O>,
    byte: u8,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Rest> {
    let whole = match byte {
        b'"' => return string(window, Kind::String, limits, event).map_err(Rest::Text),
        b'{' => return Err(Rest::Object),
        b'[' => return Err(Rest::Array),
        b'-' | b'0'..=b'9' => number(window, limits, event),
        _ => Literal::beginning_with(byte).is_some_and(|found| literal(window, found, event)),
    };
    if whole { Ok(()) } else { Err(Rest::Value) }
}

/// Reads a string or a name from its quote on, as far as the chunk has it. If the chunk cuts it, returns
/// what is known of it.
#[inline(always)]
pub(super) fn string<E: Events, O: Out<Events = E>>(
    window: &mut Window<'_, O>,
    kind: Kind,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), OpenText> {
    let mut open = OpenText::new(kind, window.offset(), limits);
    window.at += 1;
    if text(window, &mut open, event) { Ok(()) } else { Err(open) }
}

/// Reads a string or a name up to the end of what the chunk has of it, whole characters and escapes,
/// and reports that. Returns true if the closing quote has been read.
#[inline(always)]
pub(super) fn text<E: Events, O: Out<Events = E>>(
    window: &mut Window<'_, O>,
    open: &mut OpenText,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> bool {
    let (chunk, at) = (window.chunk, window.at);
    let run = scan::text(open.allowed(chunk, at), at);
    let end = at + run.len();
    window.count(scan::looked_ahead(run.len()).min(chunk.len() - end));
    if chunk.get(end) == Some(&b'"') {
        window.at = end + 1;
        open.report(window, run, false, event);
        return true;
    }
    rest_of_text(window, open, run, event)
}

/// Runs between two escapes that are copied, so that they are reported with the escapes.
const SHORT: usize = 48;

/// Reads on from a run of text that the closing quote does not follow.
#[inline(never)]
fn rest_of_text<'c, E: Events, O: Out<Events = E>>(
    window: &mut Window<'c, O>,
    open: &mut OpenText,
    mut run: &'c str,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> bool {
    let mut decoded = Decoded::new();
    loop {
        // The run has been scanned, and begins at the position.
        let is_short = !decoded.is_empty() && run.len() <= SHORT;
        if !is_short && !decoded.is_empty() {
            open.report(window, decoded.text(), true, event);
            decoded.clear();
            if window.byte().is_none() {
                return false; // paused, or at the end
            }
        }
        let counted = open.count(run.len());
        debug_assert!(counted, "the run is within the limit");
        window.at += run.len();
        let closes = window.byte() == Some(b'"');
        window.at += usize::from(closes);
        if is_short {
            decoded.push(run);
            if closes {
                open.report(window, decoded.text(), false, event);
                return true;
            }
        } else if closes || !run.is_empty() {
            open.report(window, run, !closes, event);
            if closes {
                return true;
            }
        }
        // Escapes that are whole, and not too long.
        let mut stuck = true;
        while let Some((character, len)) = escape(&window.chunk[window.at..])
            && decoded.has_room(4)
            && open.count(character.len_utf8())
        {
            window.at += len;
            decoded.push_char(character);
            stuck = false;
        }
        if stuck {
            if !decoded.is_empty() {
                open.report(window, decoded.text(), true, event);
            }
            return false;
        }
        if !decoded.has_room(SHORT + 4) {
            open.report(window, decoded.text(), true, event);
            decoded.clear();
        }
        let allowed = open.allowed(window.chunk, window.at);
        run = match scan::short_text(allowed, window.at) {
            Some(run) => run,
            None => {
                let run = scan::text(allowed, window.at);
                let rest = allowed.len() - window.at - run.len();
                window.count(scan::SHORT + scan::looked_ahead(run.len()).min(rest));
                run
            }
        };
    }
}

/// Reads on in a character of several bytes that a chunk has cut, or in one that is wrong or too long, and
/// reports it. Returns true if it is whole.
#[inline]
pub(super) fn character<E: Events, O: Out<Events = E>>(
    window: &mut Window<'_, O>,
    open: &mut OpenText,
    cut: &mut Cut,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<bool, ErrorKind> {
    let rest = &open.allowed(window.chunk, window.at)[window.at..];
    if rest.is_empty() {
        // The next byte is one too many, unless it is wrong.
        return match window.byte().map(|byte| cut.extend(&[byte]).0) {
            None => Ok(false),
            Some(Extended::Invalid) => Err(ErrorKind::InvalidUtf8),
            Some(_) => Err(ErrorKind::TooLong),
        };
    }
    let (extended, taken) = cut.extend(rest);
    let counted = open.count(taken);
    debug_assert!(counted, "within the limit");
    window.at += taken;
    match extended {
        Extended::Cut => Ok(false),
        Extended::Invalid => Err(ErrorKind::InvalidUtf8),
        Extended::Whole(character) => {
            open.report(window, character.encode_utf8(&mut [0; 4]), true, event);
            Ok(true)
        }
    }
}

/// Reads a number that is whole in the chunk, together with the byte after it, and reports it. Returns
/// false, and reads nothing, if there is no such number.
#[inline(always)]
fn number<E: Events, O: Out<Events = E>>(
    window: &mut Window<'_, O>,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> bool {
    let (chunk, at) = (window.chunk, window.at);
    let Some(text) = scan::number(chunk, at) else {
        window.count((chunk.len() - at).min(MAX_LOOKAHEAD));
        return false;
    };
    window.count((chunk.len() - at - text.len()).min(scan::NUMBER));
    let mut open = OpenText::new(Kind::Number, window.offset(), limits);
    if !open.count(text.len()) {
        return false;
    }
    window.at += text.len();
    open.report(window, text, false, event);
    true
}

/// Reports a piece of a number: from this place to the position of the window. A piece that more follows is
/// not reported if it is empty.
#[inline]
pub(super) fn piece<E: Events, O: Out<Events = E>>(
    window: &mut Window<'_, O>,
    open: &mut OpenText,
    from: usize,
    more: bool,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) {
    let piece = &window.chunk[from..window.at];
    let counted = open.count(piece.len());
    debug_assert!(counted && piece.is_ascii(), "bytes of a number, within the limit");
    if !(more && piece.is_empty()) {
        open.report(window, str::from_utf8(piece).unwrap_or_default(), more, event);
    }
}

/// Reads a literal that is whole in the chunk, and reports it. Returns false, and reads nothing, if it is
/// not.
#[inline(always)]
fn literal<E: Events, O: Out<Events = E>>(
    window: &mut Window<'_, O>,
    literal: Literal,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> bool {
    let bytes = literal.bytes();
    if !window.chunk[window.at..].starts_with(bytes) {
        return false;
    }
    window.at += bytes.len();
    let to = window.offset();
    window.emit(|| literal.reported(to, event));
    true
}

/// The three literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    False,
    True,
    Null,
}

impl Literal {
    #[inline(always)]
    pub(super) fn beginning_with(byte: u8) -> Option<Self> {
        Some(match byte {
            b'f' => Self::False,
            b't' => Self::True,
            b'n' => Self::Null,
            _ => return None,
        })
    }

    #[inline(always)]
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::False => b"false",
            Self::True => b"true",
            Self::Null => b"null",
        }
    }

    /// The event of the literal that ends at this offset.
    #[inline(always)]
    pub(super) fn reported<T>(
        self,
        to: u64,
        event: impl FnOnce(Event<'static>, Range<u64>) -> T,
    ) -> T {
        let from = to.saturating_sub(self.bytes().len() as u64);
        event(
            match self {
                Self::False => Event::Bool(false),
                Self::True => Event::Bool(true),
                Self::Null => Event::Null,
            },
            from..to,
        )
    }
}
