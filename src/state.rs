//! The answers of a parser, and where it stands: the part of the contract that every parser shares.

use core::fmt;
use core::mem;

use crate::engine::error_start::ErrorStart;
use crate::error::{Error, ErrorKind};

/// The parser's answer to the input so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a parser that has ended consumes nothing more"]
pub enum Status {
    /// The value goes on, and the whole chunk was consumed, unless the sink has paused the parser.
    NeedMoreInput,
    /// The value is complete.
    Success,
    /// The input is not in the format; [`PushParser::error`](crate::PushParser::error) says why and
    /// where.
    BadInput,
}

/// The result of one call of [`feed`](crate::PushParser::feed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "the bytes after `consumed` have not been read"]
pub struct Progress {
    /// The number of bytes of the chunk that the value used. The rest follows the value.
    pub consumed: usize,
    /// The status after this chunk.
    pub status: Status,
}

/// Status, error and offset of a parser, with the sticky end.
///
/// Every engine keeps one. A parser written by hand keeps one too, and then has four methods to
/// write: [`PushParser`](crate::PushParser) derives the others from them.
///
/// ```
/// use pushdown::events::Bytes;
/// use pushdown::{Error, ErrorKind, EventSink, Progress, PushParser, State, Status};
///
/// /// A line of ASCII text, reported without its line feed.
/// #[derive(Default)]
/// struct Line {
///     state: State,
/// }
///
/// impl PushParser for Line {
///     type Events = Bytes;
///     type Output = ();
///
///     fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Bytes>) -> Progress {
///         self.state.feed(chunk, |state| {
///             let end = chunk.iter().position(|byte| *byte == b'\n' || !byte.is_ascii());
///             let text = &chunk[..end.unwrap_or(chunk.len())];
///             if !text.is_empty() {
///                 let _ = sink(text); // a pause makes no difference: the line is reported at once
///             }
///             match end {
///                 None => state.need_more(chunk.len()),
///                 Some(at) if chunk[at] == b'\n' => state.succeed(at + 1),
///                 Some(at) => state.fail(at, ErrorKind::UnexpectedByte),
///             }
///         })
///     }
///
///     fn finish_dyn(&mut self, _: &mut EventSink<'_, Bytes>) -> Result<(), Error> {
///         self.state.finish()
///     }
///
///     fn state(&self) -> &State {
///         &self.state
///     }
///
///     fn reset_at(&mut self, offset: u64) {
///         self.state = State::at(offset);
///     }
///
///     fn take_output(&mut self) -> Option<()> {
///         self.state.take_success().then_some(())
///     }
/// }
///
/// let mut line = Line::default();
/// let mut text = Vec::<u8>::new();
/// assert_eq!(line.feed(b"no ").status, Status::NeedMoreInput);
/// assert_eq!(line.feed_with(b"news\nNext", |piece| text.extend(piece)).consumed, 5);
/// assert_eq!(text, b"news");
/// assert_eq!(line.feed(b"Next").consumed, 0, "the end is sticky");
/// # // The harness holds it to the whole contract.
/// # #[cfg(feature = "testing")]
/// # {
/// # use pushdown::testing::{Harness, Log};
/// # let harness = Harness::new(|log: &mut Log, text: &[u8]| log.text(text));
/// # let harness = harness.parser("line", Line::default);
/// # for input in [&b""[..], b"\n", b"ab\nc", b"ab", b"a\xffb\n"] {
/// #     harness.check(input).unwrap();
/// # }
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct State {
    status: Status,
    /// Its offset is the running one, because the two are equal whenever the error can be seen. Its
    /// kind has a meaning only after `BadInput`.
    error: Error,
    /// The offset at which the value begins: bytes between values lie before it.
    value_start: u64,
    /// Set when [`take_success`](Self::take_success) has told the success.
    success_taken: bool,
}

impl State {
    /// The state of a parser at offset 0.
    pub const fn new() -> Self {
        Self::at(0)
    }

    /// The state of a parser that counts offsets from `offset`.
    pub const fn at(offset: u64) -> Self {
        Self {
            status: Status::NeedMoreInput,
            error: Error::new(ErrorKind::UnexpectedEnd, offset),
            value_start: offset,
            success_taken: false,
        }
    }

    /// The parser's status.
    #[inline]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The error; `Some` exactly when the status is [`Status::BadInput`].
    #[inline]
    pub fn error(&self) -> Option<&Error> {
        matches!(self.status, Status::BadInput).then_some(&self.error)
    }

    /// The number of bytes consumed, counted from the offset that the state was made at.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.error.offset
    }

    /// The answer of [`PushParser::finish`](crate::PushParser::finish) once the parser has ended:
    /// the error, if there is one.
    ///
    /// # Errors
    /// As [`error`](Self::error).
    pub fn result(&self) -> Result<(), Error> {
        self.error().map_or(Ok(()), |error| Err(*error))
    }

    /// Runs `parse` on a chunk, unless the chunk is empty or the parser has ended: those repeat the
    /// status and consume nothing.
    ///
    /// `parse` ends with one of [`need_more`](Self::need_more), [`succeed`](Self::succeed) and
    /// [`fail`](Self::fail). If it panics, the parser has ended with [`ErrorKind::Panicked`].
    #[inline]
    pub fn feed(&mut self, chunk: &[u8], parse: impl FnOnce(&mut Self) -> Progress) -> Progress {
        struct PanicGuard<'a>(&'a mut State);

        impl Drop for PanicGuard<'_> {
            fn drop(&mut self) {
                let _ = self.0.fail(0, ErrorKind::Panicked);
            }
        }

        if let Some(refusal) = self.refuse(chunk) {
            return refusal;
        }
        let guard = PanicGuard(self);
        let progress = parse(guard.0);
        mem::forget(guard);
        progress
    }

    /// Ends the input of a parser that does not accept an end in the middle of a value: fails with
    /// [`ErrorKind::UnexpectedEnd`] unless the parser has ended, and returns the
    /// [result](Self::result).
    ///
    /// # Errors
    /// As [`error`](Self::error).
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.status == Status::NeedMoreInput {
            let _ = self.fail(0, ErrorKind::UnexpectedEnd);
        }
        self.result()
    }

    /// Returns true once after the parser has succeeded: when
    /// [`take_output`](crate::PushParser::take_output) gives the output.
    pub fn take_success(&mut self) -> bool {
        self.status == Status::Success && !mem::replace(&mut self.success_taken, true)
    }

    /// Returns true once a byte of the value has been consumed. Bytes that were
    /// [skipped between](Self::skip_between) values do not count.
    #[inline]
    pub fn has_begun(&self) -> bool {
        self.offset() > self.value_start
    }

    /// Declares that the value has not begun: all bytes consumed so far lie between values.
    pub fn skip_between(&mut self) {
        self.value_start = self.offset();
    }

    /// The value begins no earlier than here.
    pub(crate) fn set_value_start(&mut self, offset: u64) {
        self.value_start = offset;
    }

    /// Counts the bytes of a chunk, in the middle of a value. They are all of it, unless the sink has
    /// paused the parser.
    #[inline]
    pub fn need_more(&mut self, consumed: usize) -> Progress {
        self.advance(consumed);
        Progress { consumed, status: Status::NeedMoreInput }
    }

    /// Ends the value after `consumed` bytes of the chunk.
    #[inline]
    pub fn succeed(&mut self, consumed: usize) -> Progress {
        self.advance(consumed);
        self.status = Status::Success;
        Progress { consumed, status: Status::Success }
    }

    /// Ends with an error at the byte after the `consumed` first bytes of the chunk.
    #[inline]
    pub fn fail(&mut self, consumed: usize, kind: ErrorKind) -> Progress {
        self.advance(consumed);
        self.error.kind = kind;
        self.status = Status::BadInput;
        Progress { consumed, status: Status::BadInput }
    }

    /// Like [`fail`](Self::fail), and records where the part began that the error is about.
    pub fn fail_from(&mut self, consumed: usize, kind: ErrorKind, start: u64) -> Progress {
        self.error.start = Some(start);
        self.fail(consumed, kind)
    }

    /// Like [`fail`](Self::fail), and records the start that the body told, if it belongs to this error.
    #[cold]
    #[inline(never)]
    pub(crate) fn fail_about(
        &mut self,
        consumed: usize,
        kind: ErrorKind,
        about: Option<ErrorStart>,
    ) -> Progress {
        let progress = self.fail(consumed, kind);
        self.error.start = about.and_then(|about| about.of(self.offset()));
        progress
    }

    /// The answer to a chunk that must not reach the body: an empty one, or one after the end.
    #[inline]
    pub(crate) fn refuse(&self, chunk: &[u8]) -> Option<Progress> {
        let ended = !matches!(self.status, Status::NeedMoreInput);
        (ended || chunk.is_empty()).then_some(Progress { consumed: 0, status: self.status })
    }

    /// Saturates: an offset near the largest comes from [`at`](Self::at), not from input.
    #[inline]
    fn advance(&mut self, consumed: usize) {
        self.error.offset = self.error.offset.saturating_add(consumed as u64);
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("status", &self.status)
            .field("offset", &self.offset())
            .field("error", &self.error().map(|error| error.kind))
            .finish()
    }
}
