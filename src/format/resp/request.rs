//! Requests: what a server reads.

use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::ops::ControlFlow::{self, Break};

use super::inline::Inline;
use super::line::{Complete, Line};
use super::options::Limits;
use super::token::number;
use super::values::DEFAULT_MAX_MEMORY;
use super::{Blob, Length, Options, Version};
use crate::engine::machine::{Input, Machine, Parser};
use crate::engine::window::{Out, Window};
use crate::error::{ErrorKind, Failure};
use crate::parser::{LocalParser, PushParser, delegate, local_parser};

/// A request: the name of a command, and its arguments.
///
/// One without any, such as an empty line, asks for nothing, and a server does not answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Request {
    args: Vec<Blob>,
}

impl Request {
    /// The command and its arguments.
    pub fn args(&self) -> &[Blob] {
        &self.args
    }

    /// Returns the command and its arguments.
    pub fn into_args(self) -> Vec<Blob> {
        self.args
    }
}

impl<A: Into<Blob>> FromIterator<A> for Request {
    fn from_iter<I: IntoIterator<Item = A>>(args: I) -> Self {
        Self { args: args.into_iter().map(Into::into).collect() }
    }
}

/// A parser of one request, whose output it is: an array of bulk strings, or an inline command.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::resp::{Request, Requests};
///
/// let mut parser = Requests::new();
/// let mut requests = Vec::new();
/// for mut chunk in [&b"*2\r\n$3\r\nGET\r\n$3\r\nk"[..], b"ey\r\nset \"a key\" '\\x'\r\n"] {
///     while !chunk.is_empty() {
///         chunk = &chunk[parser.feed(chunk).consumed..];
///         if let Some(request) = parser.take_output() {
///             requests.push(request);
///             parser.next_value();
///         }
///     }
/// }
/// assert_eq!(requests[0], Request::from_iter(["GET", "key"]));
/// assert_eq!(requests[1], Request::from_iter(["set", "a key", "\\x"]));
/// ```
///
/// # Inline commands
/// A request that does not begin with `*` is a line of words between white space, ended by a line feed. A word may have
/// quotes in it, which nothing but white space may follow:
///
/// | | |
/// |---|---|
/// | `"…"` | anything but a line feed, with the escapes `\n`, `\r`, `\t`, `\b`, `\a`, `\xHH`; any other byte behind a backslash stands for itself |
/// | `'…'` | anything but a line feed, with the escape `\'` |
///
/// These are the rules of a Redis server (`sdssplitargs`), with one difference: a zero byte, at which that stops
/// reading, is an error.
///
/// # Limits
/// The options limit the bytes of an inline command, those of an argument of an array, and their number; the memory of an
/// array is limited by [`max_memory`](Self::max_memory).
#[derive(Clone, Debug)]
pub struct Requests(Parser<Grammar>);

impl Requests {
    /// Creates a parser with the default [`Options`].
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser with the limits of these options.
    pub fn with_options(options: Options) -> Self {
        Self::make(options, DEFAULT_MAX_MEMORY)
    }

    /// Limits the memory of an array: the bytes of its arguments, and the size of a [`Blob`] for each. The digit with which
    /// a declared length goes beyond it is [`TooLong`](ErrorKind::TooLong). 1 GiB, unless it is set.
    #[must_use]
    pub fn max_memory(self, bytes: u64) -> Self {
        Self::make(self.0.machine().options, bytes)
    }

    fn make(options: Options, max_memory: u64) -> Self {
        // Neither streamed lengths nor types of RESP3.
        let options = options.version(Version::Resp2);
        Self(Parser::new(Grammar {
            state: State::Start,
            line: Line::new(b'*', &options, options.limits),
            inline: Inline::new(options.limits.line),
            args: Vec::new(),
            left: 0,
            content: 0,
            text: Vec::new(),
            memory: max_memory,
            max_memory,
            options,
        }))
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self::new()
    }
}

impl PushParser for Requests {
    type Events = ();
    type Output = Request;
    delegate!(self => self.0);
}

impl LocalParser for Requests {
    local_parser!(self => self.0);
}

#[cfg(feature = "testing")]
impl crate::testing::Work for Requests {
    fn work(&self) -> u64 {
        crate::testing::Work::work(&self.0)
    }

    fn steps(&self) -> u64 {
        crate::testing::Work::steps(&self.0)
    }
}

/// The memory of an argument.
const SIZE: u64 = size_of::<Blob>() as u64;

/// The place in the grammar.
///
/// ```text
/// Start ─┬─ '*' ──► Count ─┬─ zero or -1 ──► Success
///        │                 └─ a count ──► Arg ─┬─ '$' ──► Length ──► Content ──► Cr ──► Lf ──► Arg
///        │                                     └─ all have been read ──► Success
///        └─ any other byte ──► Inline ── line feed ──► Success
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Count,
    /// Before an argument.
    Arg,
    Length,
    Content,
    Cr,
    Lf,
    Inline,
}

#[derive(Clone)]
struct Grammar {
    state: State,
    /// In [`State::Count`] and [`State::Length`].
    line: Line,
    /// In [`State::Inline`].
    inline: Inline,
    args: Vec<Blob>,
    /// Arguments that are still to come.
    left: u64,
    /// Bytes that are still to come of the content.
    content: u64,
    /// The bytes of an argument that a chunk has cut, or of one with quotes.
    text: Vec<u8>,
    /// Bytes that may still be taken.
    memory: u64,
    max_memory: u64,
    options: Options,
}

impl Machine for Grammar {
    type Events = ();
    type Output = Request;

    #[inline]
    fn step(&mut self, input: &mut Input<'_>) -> Result<ControlFlow<Request>, Failure> {
        loop {
            match self.state {
                State::Start => {
                    let byte = input.peek()?;
                    let mut window = input.window();
                    self.state = State::Inline;
                    if byte == b'*' {
                        self.begin(&mut window);
                    }
                    let at = window.at;
                    input.seek(at);
                }
                State::Arg => {
                    let mut window = input.window();
                    self.args(&mut window);
                    let at = window.at;
                    input.seek(at);
                    if self.left == 0 {
                        return Ok(Break(self.take()));
                    }
                    input.expect(b'$')?;
                    let max = self.options.limits.bulk.min(self.memory);
                    self.line = Line::of_length(max, &self.options);
                    self.state = State::Length;
                }
                State::Count | State::Length => {
                    input.peek()?;
                    let mut window = input.window();
                    let read = self.line.read(&mut window);
                    let at = window.at;
                    input.seek(at);
                    match read {
                        Ok(true) => self.after_line(),
                        Ok(false) => {}
                        Err(kind) => return Err(input.fail_here(kind)),
                    }
                }
                State::Content => {
                    let taken = if self.content == 0 { &[] } else { input.chunk()? };
                    let len =
                        usize::try_from(self.content).map_or(taken.len(), |n| n.min(taken.len()));
                    self.text.extend_from_slice(&taken[..len]);
                    input.advance(len);
                    self.content -= len as u64;
                    if self.content == 0 {
                        self.state = State::Cr;
                    }
                }
                State::Cr => {
                    input.expect(b'\r')?;
                    self.state = State::Lf;
                }
                State::Lf => {
                    input.expect(b'\n')?;
                    self.add_text();
                    self.left -= 1;
                    self.state = State::Arg;
                }
                State::Inline => {
                    input.peek()?;
                    let mut window = input.window();
                    let read = self.inline(&mut window);
                    let at = window.at;
                    input.seek(at);
                    match read {
                        Ok(true) => return Ok(Break(self.take())),
                        Ok(false) => {}
                        Err(kind) => return Err(input.fail_here(kind)),
                    }
                }
            }
        }
    }

    fn reset(&mut self) {
        self.state = State::Start;
        self.inline = Inline::new(self.options.limits.line);
        self.args.clear();
        self.text.clear();
        self.memory = self.max_memory;
    }
}

impl Grammar {
    /// Reads the first line of an array, which begins at the position.
    #[inline(always)]
    fn begin<O: Out>(&mut self, window: &mut Window<'_, O>) {
        let limits = Limits { values: self.memory / SIZE, ..self.options.limits };
        match number(window, window.at + 1, limits) {
            Some((count, end)) if count <= limits.elements.min(limits.values) => {
                window.at = end;
                self.count(count);
            }
            _ => {
                window.at += 1;
                self.line = Line::new(b'*', &self.options, limits);
                self.state = State::Count;
            }
        }
    }

    fn count(&mut self, count: u64) {
        self.left = count;
        self.memory -= count * SIZE;
        self.state = State::Arg;
    }

    fn after_line(&mut self) {
        match self.line.complete() {
            Complete::Aggregate(_, Length::Counted(count)) => self.count(count),
            Complete::Part(length) => {
                self.memory -= length;
                self.content = length;
                self.state = State::Content;
            }
            // A null array.
            _ => self.count(0),
        }
    }

    /// Reads arguments, as many as the chunk has whole.
    #[inline(always)]
    fn args<O: Out>(&mut self, window: &mut Window<'_, O>) {
        while self.left > 0 && window.byte() == Some(b'$') {
            let limits = self.options.limits;
            let Some((length, from)) = number(window, window.at + 1, limits) else { return };
            let rest = &window.chunk[from..];
            if length <= limits.bulk.min(self.memory)
                && let Ok(len) = usize::try_from(length)
                && let Some((content, [b'\r', b'\n', ..])) = rest.split_at_checked(len)
            {
                self.args.push(content.into());
                self.memory -= length;
                self.left -= 1;
                window.at = from + len + 2;
            } else {
                window.count(from - window.at);
                return;
            }
        }
    }

    /// Reads on in an inline command. Returns true at its end.
    fn inline<O: Out>(&mut self, window: &mut Window<'_, O>) -> Result<bool, ErrorKind> {
        while let Some(byte) = window.byte() {
            let is_ended = self.inline.take(byte, &mut self.text, &mut self.args)?;
            window.at += 1;
            if is_ended {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds an argument.
    fn add_text(&mut self) {
        let text = mem::take(&mut self.text);
        self.args.push(text.into());
    }

    fn take(&mut self) -> Request {
        Request { args: mem::take(&mut self.args) }
    }
}

impl fmt::Debug for Grammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grammar").field("state", &self.state).finish_non_exhaustive()
    }
}
