//! Several bytes in a row as a stop, and what is remembered of them at a cut.
//!
//! ```text
//! text so far    …  a b - - x - | - b o u n          delimiter --bound
//!                             ↑ ↑         ↑
//!                      withheld cut       withheld: the longest end of the text that begins the
//!                                         delimiter
//! ```
//!
//! The bytes withheld are the beginning of the delimiter, so their number is all that is remembered,
//! and those that turn out to be text are reported from the delimiter's own bytes.
//!
//! ```text
//! byte by byte:
//!     match the byte; where the match fails, fall back to the longest border of what is matched
//!     if all is matched: the delimiter ends here
//!     if the match begins in this chunk, and the chunk goes on for long enough:
//!         find the delimiter from there on
//!         if it is not there, go on byte by byte with the last bytes, fewer than the delimiter has
//! report the bytes withheld before that are text, and the text of this chunk
//! ```
//!
//! A border of a string is a beginning of it that is also its end. Falling back along borders is the
//! search of D. E. Knuth, J. H. Morris and V. R. Pratt ("Fast Pattern Matching in Strings", SIAM
//! Journal on Computing 6, 1977), which is linear for every delimiter.

use alloc::boxed::Box;
use alloc::vec;
use core::mem;

use memchr::memmem::Finder;

use super::MAX_LOOKAHEAD;
use crate::error::End;

/// Several bytes in a row that end a text: a multipart boundary, an empty line.
///
/// The reads [`text_before`, `scan_before` and `skip_before`](crate::engine#the-reads) take everything
/// up to and with the delimiter, wherever it is cut. They report no byte of it, and withhold no more of
/// the text than could be its beginning. A delimiter remembers what is withheld, so the body that
/// reads owns it.
///
/// ```
/// use pushdown::engine::coroutine::{Input, Parser};
/// use pushdown::scan::Delimiter;
/// use pushdown::{Events, Failure, PushParser, Status};
///
/// /// The parts of a multipart body: RFC 2046, section 5.1.1. Each has a head and a content.
/// enum Multipart {}
///
/// enum Event<'a> {
///     Head(&'a [u8]),
///     Content(&'a [u8]),
///     EndOfPart,
/// }
///
/// impl Events for Multipart {
///     type Event<'a> = Event<'a>;
/// }
///
/// fn multipart(input: &mut Input<'_, Multipart>, boundary: &str) -> Result<(), Failure> {
///     let mut empty_line = Delimiter::new("\r\n\r\n");
///     let mut boundary = Delimiter::new(format!("\r\n--{boundary}"));
///     input.skip_before(&mut boundary)?; // the preamble
///     loop {
///         if input.next_if(|byte| byte == b'-')?.is_some() {
///             return input.expect(b'-');
///         }
///         input.text_before(&mut empty_line, |text| Event::Head(text))?;
///         input.text_before(&mut boundary, |text| Event::Content(text))?;
///         input.emit(Event::EndOfPart);
///     }
/// }
///
/// let mut parser = Parser::new(|input: &mut Input<'_, Multipart>| multipart(input, "frontier"));
/// let (mut parts, mut content) = (Vec::new(), Vec::new());
/// // A false boundary, and a true one that is cut.
/// for chunk in ["\r\n--frontier\r\nA: b\r\n\r\nx\r\n--fr", "ont y\r\n--front", "ier--\r\n"] {
///     let _ = parser.feed_with(chunk.as_bytes(), |event| match event {
///         Event::Head(_) => {}
///         Event::Content(text) => content.extend_from_slice(text),
///         Event::EndOfPart => parts.push(std::mem::take(&mut content)),
///     });
/// }
/// assert_eq!(parser.status(), Status::Success);
/// assert_eq!(parts, [b"x\r\n--front y"]);
/// ```
///
/// The search is linear for every delimiter and every cutting: a byte is inspected at most three times,
/// where a match fails at a cut, and once in the middle of a chunk.
#[derive(Clone, Debug)]
pub struct Delimiter {
    finder: Finder<'static>,
    /// The length of the longest border of each beginning of the delimiter.
    borders: Box<[usize]>,
    /// The number of bytes withheld: the longest beginning of the delimiter, but not all of it, that
    /// the text ends with.
    matched: usize,
    /// The offset of the byte after them.
    offset: u64,
}

/// The part of a chunk that a search has taken.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) count: usize,
    /// The delimiter ends there.
    pub(crate) found: bool,
    /// The search was paused there.
    pub(crate) paused: bool,
    /// Bytes inspected besides each byte taken once.
    pub(crate) inspected_more: usize,
}

/// The number of delimiters that must fit into the rest of a chunk for a search of it. The search
/// inspects up to two delimiters of bytes once more, and a pause one more.
const WORTHWHILE: usize = 4;

impl Delimiter {
    /// Creates a delimiter of these bytes.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        assert!(!bytes.is_empty(), "a delimiter has at least one byte");
        let mut delimiter = Self {
            finder: Finder::new(bytes).into_owned(),
            borders: vec![0; bytes.len()].into(),
            matched: 0,
            offset: 0,
        };
        let mut border = 0;
        for (at, byte) in bytes.iter().enumerate().skip(1) {
            border = delimiter.step(border, *byte);
            delimiter.borders[at] = border;
        }
        delimiter
    }

    /// The bytes of the delimiter.
    pub fn bytes(&self) -> &[u8] {
        self.finder.needle()
    }

    /// The bytes withheld: they are text unless the delimiter goes on.
    pub fn withheld(&self) -> &[u8] {
        &self.bytes()[..self.matched]
    }

    /// Forgets the bytes withheld.
    ///
    /// The reads of straight-line bodies begin with this. A
    /// [`Machine`](crate::engine::machine::Machine) that owns a delimiter calls it in its `reset`.
    pub fn reset(&mut self) {
        self.matched = 0;
    }

    /// Searches a chunk, with what earlier chunks ended with. Returns the index of the byte after the
    /// delimiter, and is then ready for the next text.
    ///
    /// `text` is given what is certain to be text, in pieces that are never empty: bytes withheld
    /// before, and bytes of the chunk. At the end of the input the bytes [`withheld`](Self::withheld)
    /// are text, too.
    ///
    /// ```
    /// use pushdown::scan::Delimiter;
    ///
    /// let mut delimiter = Delimiter::new("aab");
    /// let mut text = Vec::new();
    /// assert_eq!(delimiter.find(b"xaa", |piece| text.extend(piece)), None);
    /// assert_eq!((&text[..], delimiter.withheld()), (&b"x"[..], &b"aa"[..]));
    /// assert_eq!(delimiter.find(b"abcd", |piece| text.extend(piece)), Some(2));
    /// assert_eq!((&text[..], delimiter.withheld()), (&b"xa"[..], &b""[..]));
    /// ```
    pub fn find(&mut self, chunk: &[u8], mut text: impl FnMut(&[u8])) -> Option<usize> {
        let taken = self.search(self.offset, chunk, |piece| {
            text(piece);
            false
        });
        taken.found.then_some(taken.count)
    }

    /// Searches a chunk that begins at this offset.
    ///
    /// `report` returns true to pause. The search then ends where the piece became certain to be text,
    /// as it does at the end of a chunk that ends there.
    pub(crate) fn search(
        &mut self,
        offset: u64,
        chunk: &[u8],
        mut report: impl FnMut(&[u8]) -> bool,
    ) -> Taken {
        self.resume(offset);
        let (len, before) = (self.bytes().len(), self.matched);
        let (mut at, mut matched, mut inspected) = (0, before, 0);
        while at < chunk.len() && matched < len {
            match at.checked_sub(matched) {
                Some(start) if chunk.len() - start >= WORTHWHILE * len => {
                    if let Some(place) = self.finder.find(&chunk[start..]) {
                        at = start + place + len;
                        matched = len;
                        inspected += at - start + MAX_LOOKAHEAD.min(chunk.len() - at);
                    } else {
                        inspected += chunk.len() - start;
                        at = chunk.len() - (len - 1);
                        matched = 0;
                    }
                }
                _ => {
                    matched = self.step(matched, chunk[at]);
                    at += 1;
                    inspected += 1;
                }
            }
        }
        let mut found = matched == len;
        // Positions in the text count from the first byte withheld before.
        let mut end = before + at - matched;
        let released = end.min(before);
        let mut paused = released > 0 && report(&self.bytes()[..released]);
        if paused {
            // Bytes of the chunk may have become certain together with those.
            (at, matched) = self.certain(before, chunk, released, &mut inspected);
            end = before + at - matched;
        }
        if end > before && report(&chunk[..end - before]) && !paused {
            paused = true;
            (at, matched) = self.certain(before, chunk, end, &mut inspected);
        }
        found &= !paused;
        self.matched = if found { 0 } else { matched };
        self.offset = offset.saturating_add(at as u64);
        Taken { count: at, found, paused, inspected_more: inspected - at }
    }

    /// Returns the number of bytes of the chunk that made it certain that there are `count` bytes of
    /// text, and what is withheld there.
    #[cold]
    fn certain(
        &self,
        before: usize,
        chunk: &[u8],
        count: usize,
        inspected: &mut usize,
    ) -> (usize, usize) {
        // A match that is open where the text ends begins at most that far before.
        let window = self.bytes().len() - 1;
        let (mut at, mut matched) = match count.checked_sub(before + window) {
            Some(start) => (start, 0),
            None => (0, before),
        };
        while before + at - matched < count {
            matched = self.step(matched, chunk[at]);
            at += 1;
            *inspected += 1;
        }
        (at, matched)
    }

    /// Returns the bytes withheld if the end of a read makes them text, and forgets them.
    pub(crate) fn release(&mut self, offset: u64, end: End) -> &[u8] {
        if end == End::InputEmpty {
            return &[];
        }
        self.resume(offset);
        let withheld = mem::take(&mut self.matched);
        match end {
            End::Finished | End::TooLong | End::Truncated => &self.bytes()[..withheld],
            // The text is given up.
            End::Abandoned | End::Stalled | End::InputEmpty => &[],
        }
    }

    /// Goes on at this offset: what is withheld at another belongs to a text that was given up.
    fn resume(&mut self, offset: u64) {
        if self.offset != offset {
            self.reset();
        }
    }

    /// Returns the length of the longest beginning of the delimiter that the text ends with, if `matched`
    /// was that before `byte`.
    #[inline]
    fn step(&self, mut matched: usize, byte: u8) -> usize {
        let bytes = self.bytes();
        while bytes[matched] != byte {
            match matched.checked_sub(1) {
                Some(last) => matched = self.borders[last],
                None => return 0,
            }
        }
        matched + 1
    }
}
