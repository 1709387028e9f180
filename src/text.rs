//! Text from bytes that are cut anywhere: [`Utf8`] decodes it, and [`Text`] is how formats report it.

use core::fmt;
use core::marker::PhantomData;
use core::ops::ControlFlow::{self, Continue};
use core::str;

use crate::error::{Error, ErrorKind};
use crate::parser::{EventSink, Events, LocalParser, LocalSink, PushParser};
use crate::scan::utf8::split_valid;
use crate::state::{Progress, State, Status};

/// A piece of a text that a format reports.
///
/// A text ends with exactly one piece whose `more` is false, and which may be empty. A piece that is
/// followed by more of its text is never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Text<'a> {
    /// The piece, decoded. No character is cut.
    pub text: &'a str,
    /// True if the text goes on in the next event, which is of the same kind.
    pub more: bool,
}

/// Decodes UTF-8 (RFC 3629) that arrives in pieces, and reports it as `&str`.
///
/// A character that the end of a chunk cuts, at most three bytes, is kept until the rest of it
/// arrives. Everything else is reported at once, as a slice of the chunk. Nothing is allocated.
///
/// * [`Utf8::strict`] stops at the first byte that cannot continue the text, after reporting what
///   comes before. The [error](ErrorKind::InvalidUtf8) blames that byte, not the start of its
///   character, and has the start as [`Error::start`]: in `61 E2 28` the byte 28, at offset 2.
/// * [`Utf8::replacing`] reports U+FFFD in place of what is not UTF-8, once for each maximal subpart,
///   as the Encoding Standard and [`String::from_utf8_lossy`] do. `61 E2 28` is `a\u{FFFD}(`.
///
/// [`String::from_utf8_lossy`]: https://doc.rust-lang.org/std/string/struct.String.html#method.from_utf8_lossy
///
/// # Texts that a parser reports in pieces
/// [`decode`](Utf8::decode) takes one piece, in the sink. `finish` says that the text ends.
///
/// ```
/// use pushdown::{PushParser, quoted, text::Utf8};
///
/// let mut parser = quoted::Machine::new();
/// let (mut utf8, mut text) = (Utf8::strict(), String::new());
/// for chunk in [&b"\"gr\xc3"[..], b"\xbc\xc3\x9f", b"e\""] {
///     parser.try_feed_with(chunk, |quoted::Event::Text(piece)| {
///         utf8.decode(piece, |piece| text.push_str(piece))
///     }).1?;
/// }
/// utf8.finish()?;
/// assert_eq!(text, "grüße");
/// # Ok::<(), pushdown::Error>(())
/// ```
///
/// The error of a strict decoder pauses a parser that is fed with `try_feed_with`; the decoder
/// repeats it until it is reset. For the next text, [`reset`](PushParser::reset) it. Offsets count the
/// bytes of the text.
///
/// # As a parser
/// The decoder is a [`PushParser`], which only `finish` ends. So it can decode a whole stream, and a
/// part of a larger input, whose offsets its errors then have:
///
/// ```
/// use pushdown::engine::coroutine::{Input, Parser};
/// use pushdown::text::{Pieces, Utf8};
/// use pushdown::{Failure, PushParser};
///
/// /// A byte that gives the length of a text, and the text.
/// fn text(input: &mut Input<'_, Pieces>) -> Result<(), Failure> {
///     let length = input.next()?;
///     input.frame(length.into()).run(&mut Utf8::strict(), |piece, out| out.emit(piece))?;
///     Ok(())
/// }
///
/// let mut decoded = String::new();
/// let mut parser = Parser::new(text);
/// let _ = parser.feed_with(b"\x07gr\xc3", |piece| decoded.push_str(piece));
/// assert_eq!(decoded, "gr");
/// let _ = parser.feed_with(b"\xbc\xc3\x9fe and more", |piece| decoded.push_str(piece));
/// assert_eq!((decoded.as_str(), parser.offset()), ("grüße", 8));
/// ```
#[derive(Clone)]
pub struct Utf8<M = Strict> {
    state: State,
    cut: Cut,
    mode: PhantomData<M>,
}

/// The [mode](Utf8::strict) of a decoder that stops at a byte that is not UTF-8.
#[derive(Clone, Copy, Debug)]
pub enum Strict {}

/// The [mode](Utf8::replacing) of a decoder that reports U+FFFD in place of what is not UTF-8.
#[derive(Clone, Copy, Debug)]
pub enum Replacing {}

/// [`Strict`] or [`Replacing`].
pub trait Mode: sealed::Mode {}

impl<M: sealed::Mode> Mode for M {}

mod sealed {
    pub trait Mode: 'static {
        const REPLACES: bool;
    }

    impl Mode for super::Strict {
        const REPLACES: bool = false;
    }

    impl Mode for super::Replacing {
        const REPLACES: bool = true;
    }
}

/// The events of [`Utf8`]: pieces of a text, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {}

impl Events for Pieces {
    type Event<'a> = &'a str;
}

impl Utf8 {
    /// Creates a decoder that stops at the first byte that cannot continue the text.
    pub const fn strict() -> Self {
        Self::new()
    }

    /// Decodes the next piece of the text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUtf8`] at the byte that cannot continue the text, after reporting what comes
    /// before; from then on the same again. If the decoder has been finished, its result.
    #[inline]
    pub fn decode(&mut self, piece: &[u8], mut sink: impl FnMut(&str)) -> Result<(), Error> {
        let progress = self.parse(piece, &mut |text| {
            sink(text);
            Continue(())
        });
        if progress.status == Status::BadInput { self.state.result() } else { Ok(()) }
    }

    /// Turns a sink of text into a sink of bytes, for parsers whose events are pieces of one text.
    ///
    /// ```
    /// use pushdown::engine::stackless::{Input, Parser};
    /// use pushdown::events::Bytes;
    /// use pushdown::text::Utf8;
    /// use pushdown::{Failure, PushParser};
    ///
    /// async fn line(input: &mut Input<'_, Bytes>) -> Result<(), Failure> {
    ///     input.text_until(b'\n', |piece| piece).await?;
    ///     Ok(())
    /// }
    ///
    /// let (mut parser, mut utf8, mut text) = (Parser::new(line), Utf8::strict(), String::new());
    /// for chunk in [&b"na\xc3"[..], b"\xafve\n"] {
    ///     parser.try_feed_with(chunk, utf8.sink(|piece| text.push_str(piece))).1?;
    /// }
    /// utf8.finish()?;
    /// assert_eq!(text, "naïve");
    /// # Ok::<(), pushdown::Error>(())
    /// ```
    pub fn sink(&mut self, mut sink: impl FnMut(&str)) -> impl FnMut(&[u8]) -> Result<(), Error> {
        move |piece| self.decode(piece, &mut sink)
    }
}

impl Utf8<Replacing> {
    /// Creates a decoder that reports U+FFFD in place of what is not UTF-8.
    ///
    /// ```
    /// use pushdown::{PushParser, text::Utf8};
    ///
    /// let (mut utf8, mut text) = (Utf8::replacing(), String::new());
    /// for piece in [&b"caf\xe9, \xe2\x82"[..], b"\xac 3 \xf0\x9f"] {
    ///     utf8.decode(piece, |piece| text.push_str(piece));
    /// }
    /// assert_eq!(text, "caf\u{FFFD}, € 3 ");
    /// utf8.finish_with(|piece| text.push_str(piece)).unwrap();
    /// assert_eq!(text, "caf\u{FFFD}, € 3 \u{FFFD}");
    /// ```
    pub const fn replacing() -> Self {
        Self::new()
    }

    /// Decodes the next piece of the text. Does nothing if the decoder has been finished.
    #[inline]
    pub fn decode(&mut self, piece: &[u8], mut sink: impl FnMut(&str)) {
        let _ = self.parse(piece, &mut |text| {
            sink(text);
            Continue(())
        });
    }

    /// Turns a sink of text into a sink of bytes, for parsers whose events are pieces of one text.
    pub fn sink(&mut self, mut sink: impl FnMut(&str)) -> impl FnMut(&[u8]) {
        move |piece| self.decode(piece, &mut sink)
    }
}

/// Stands for what is not UTF-8.
pub(crate) const REPLACEMENT: &str = "\u{FFFD}";

impl<M: Mode> Utf8<M> {
    const fn new() -> Self {
        Self { state: State::new(), cut: Cut::NONE, mode: PhantomData }
    }

    /// Reports text as slices of the chunk, between a character that was cut and one that is.
    #[inline]
    fn parse(&mut self, chunk: &[u8], sink: &mut impl FnMut(&str) -> ControlFlow<()>) -> Progress {
        let Self { state, cut, .. } = self;
        state.feed(chunk, |state| {
            let (text, rest) = if cut.is_empty() { split_valid(chunk) } else { ("", chunk) };
            let progress = state.need_more(text.len());
            let answer = if text.is_empty() { Continue(()) } else { sink(text) };
            if rest.is_empty() || answer.is_break() {
                return progress;
            }
            let mut rest = Rest { bytes: rest, len: rest.len(), state };
            let status = Self::parse_between(cut, &mut rest, sink);
            let consumed = text.len() + rest.consumed();
            drop(rest);
            if status == Status::BadInput {
                let start = state.offset().saturating_sub(cut.len() as u64);
                let _ = state.fail_from(0, ErrorKind::InvalidUtf8, start);
            }
            Progress { consumed, status }
        })
    }

    /// Parses the rest of a chunk that begins within a character, or with one that is not whole.
    ///
    /// Not inlined, so that a chunk without one does not pay for it.
    #[inline(never)]
    fn parse_between(
        cut: &mut Cut,
        rest: &mut Rest<'_, '_>,
        sink: &mut impl FnMut(&str) -> ControlFlow<()>,
    ) -> Status {
        loop {
            let (extended, taken) = cut.extend(rest.bytes);
            rest.take(taken);
            let mut answer = match extended {
                Extended::Cut => return Status::NeedMoreInput,
                Extended::Whole(character) => sink(character.encode_utf8(&mut [0; 4])),
                Extended::Invalid if M::REPLACES => {
                    if cut.is_empty() {
                        rest.take(1);
                    }
                    *cut = Cut::NONE;
                    match sink(REPLACEMENT) {
                        Continue(()) => replace(rest, sink),
                        pause => pause,
                    }
                }
                Extended::Invalid => return Status::BadInput,
            };
            if answer.is_continue() {
                let (text, _) = split_valid(rest.bytes);
                rest.take(text.len());
                if !text.is_empty() {
                    answer = sink(text);
                }
            }
            if rest.bytes.is_empty() || answer.is_break() {
                return Status::NeedMoreInput;
            }
        }
    }

    fn close(&mut self, sink: impl FnOnce(&str) -> ControlFlow<()>) -> Result<(), Error> {
        if self.state.status() == Status::NeedMoreInput {
            let cut = core::mem::replace(&mut self.cut, Cut::NONE);
            let _ = if cut.is_empty() {
                self.state.succeed(0)
            } else if M::REPLACES {
                // Stands if the sink panics.
                let _ = self.state.fail(0, ErrorKind::Panicked);
                let _ = sink(REPLACEMENT);
                self.state.succeed(0)
            } else {
                let start = self.state.offset().saturating_sub(cut.len() as u64);
                self.state.fail_from(0, ErrorKind::UnexpectedEnd, start)
            };
        }
        self.state.result()
    }
}

/// The rest of a chunk. What was taken of it is counted when it is dropped, as it is if a sink panics.
struct Rest<'c, 's> {
    bytes: &'c [u8],
    /// The number of bytes before any were taken.
    len: usize,
    state: &'s mut State,
}

impl Rest<'_, '_> {
    #[inline]
    fn take(&mut self, count: usize) {
        self.bytes = &self.bytes[count..];
    }

    fn consumed(&self) -> usize {
        self.len - self.bytes.len()
    }
}

impl Drop for Rest<'_, '_> {
    fn drop(&mut self) {
        let _ = self.state.need_more(self.consumed());
    }
}

/// Decodes `rest` with std, up to so many bytes without a fault: where there is one, there are often
/// more, and a kernel is not called for the few bytes between two.
fn replace(
    rest: &mut Rest<'_, '_>,
    sink: &mut impl FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    const WINDOW: usize = 64;
    let mut faults = true;
    while faults {
        faults = false;
        let window = &rest.bytes[..rest.bytes.len().min(WINDOW)];
        let end = rest.bytes.len() - window.len();
        for part in window.utf8_chunks() {
            let (text, fault) = (part.valid(), part.invalid());
            rest.take(text.len());
            if !text.is_empty() {
                sink(text)?;
            }
            // A character that the end of the window may have cut is left to the caller.
            let at_end = rest.bytes.len() - fault.len() == end;
            if fault.is_empty() || (at_end && is_start(fault)) {
                break;
            }
            rest.take(fault.len());
            faults = true;
            sink(REPLACEMENT)?;
        }
    }
    Continue(())
}

/// Tells if the bytes begin a character and do not end it.
pub(crate) fn is_start(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

impl<M: Mode> PushParser for Utf8<M> {
    type Events = Pieces;
    type Output = ();

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Pieces>) -> Progress {
        self.parse(chunk, &mut |text| sink(text))
    }

    /// Ends the text. A character that is cut is [`ErrorKind::UnexpectedEnd`], or is replaced.
    fn finish_dyn(&mut self, sink: &mut EventSink<'_, Pieces>) -> Result<(), Error> {
        self.close(sink)
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        *self = Self { state: State::at(offset), ..Self::new() };
    }

    fn take_output(&mut self) -> Option<()> {
        self.state.take_success().then_some(())
    }
}

impl<M: Mode> LocalParser for Utf8<M> {
    fn feed_local_dyn(&mut self, chunk: &[u8], sink: &mut LocalSink<'_, Pieces>) -> Progress {
        self.parse(chunk, &mut |text| sink(text))
    }

    fn finish_local_dyn(&mut self, sink: &mut LocalSink<'_, Pieces>) -> Result<(), Error> {
        self.close(sink)
    }
}

impl<M: Mode> fmt::Debug for Utf8<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Utf8")
            .field("state", &self.state)
            .field("cut", &self.cut.bytes())
            .field("replaces", &M::REPLACES)
            .finish()
    }
}

/// The first bytes of a character whose other bytes have not come, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    bytes: [u8; 4],
    len: u8,
}

pub(crate) enum Extended {
    /// The input has been used up before the end of the character.
    Cut,
    /// The character is whole, and nothing is cut any more.
    Whole(char),
    /// The next byte cannot continue the character, and has not been taken.
    Invalid,
}

impl Cut {
    pub(crate) const NONE: Self = Self { bytes: [0; 4], len: 0 };

    pub(crate) fn is_empty(self) -> bool {
        self.len == 0
    }

    fn len(self) -> usize {
        self.len.into()
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len()]
    }

    /// Adds bytes of `rest`, which is not empty, to the character, and returns their number. If nothing
    /// is cut, `rest` does not begin with a whole character.
    pub(crate) fn extend(&mut self, rest: &[u8]) -> (Extended, usize) {
        let had = self.len();
        let first = if had == 0 { rest[0] } else { self.bytes[0] };
        let width = match first {
            0xf0.. => 4,
            0xe0.. => 3,
            _ => 2,
        };
        let taken = rest.len().min(width - had);
        self.bytes[had..had + taken].copy_from_slice(&rest[..taken]);
        let (extended, len) = match str::from_utf8(&self.bytes[..had + taken]) {
            Ok(text) => (Extended::Whole(text.chars().next().unwrap_or_default()), 0),
            Err(error) => match error.error_len() {
                None => (Extended::Cut, had + taken),
                // The length of what may begin a character. It is 1 as well if nothing may.
                Some(valid) => (Extended::Invalid, if may_begin(first) { valid } else { 0 }),
            },
        };
        let end = if matches!(extended, Extended::Invalid) { len } else { had + taken };
        self.len = len as u8;
        (extended, end - had)
    }
}

/// Tells if the byte is the first of a character of two bytes or more.
fn may_begin(byte: u8) -> bool {
    matches!(byte, 0xc2..=0xf4)
}
