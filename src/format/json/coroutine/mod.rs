//! State as code, on a stack: the grammar as functions that call one another.
//!
//! # How this is built
//! `whole` reads what the [`Extent`] says; `rest_of_value` calls `object` and `array`, which call it for the
//! values inside. They go from token to token in a window, through what the chunk has whole, as the machine
//! does. For a token that the chunk cuts, or that is wrong, they leave the window (`outside!`) and call a
//! function that reads byte by byte: `rest_of_text`, `number`, `literal`. Any read there may wait for the
//! next chunk, with all local variables and all calls as they are, so nothing has to be stored.
//!
//! `json/machine` is the same grammar in the same order, with a name for every line where this may wait.

mod cut;

use core::ops::Range;
use std::io;

use cut::{cut_scalar, rest_of_text};

use super::token::{self, Kind, Rest};
use super::{Event, Extent, Json, Limits, Located, Marker, Options, is_space};
use crate::engine::coroutine::{self, Input};
use crate::engine::window::outside;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
use crate::scan::json as scan;

/// JSON as straight-line code on a stack of its own.
///
/// The stack is as large as the deepest value that the [`Options`] allow, so that the limit is a count, as
/// in the other engines. Only the pages that are used take memory.
#[derive(Debug)]
pub struct Coroutine<E: Marker = Json>(coroutine::Parser<E>);

super::parser! { Coroutine, local }

impl Coroutine {
    /// Creates a parser of one document, with the default [`Options`].
    ///
    /// # Panics
    /// If no stack can be allocated; [`with_options`](Self::with_options) returns that error.
    pub fn new() -> Self {
        match Self::with_options(Options::new()) {
            Ok(parser) => parser,
            Err(error) => panic!("no stack for a coroutine: {error}"),
        }
    }

    /// Creates a parser.
    ///
    /// # Errors
    /// If no stack can be allocated.
    pub fn with_options(options: Options) -> io::Result<Self> {
        Self::with_stack(options, stack(options))
    }

    /// Creates a parser, on a stack with these options. Their depth bounds that of the values, too, and a
    /// value that comes near the end of the stack is [`TooDeep`](ErrorKind::TooDeep).
    ///
    /// # Errors
    /// If no stack can be allocated.
    pub fn with_stack(options: Options, stack: coroutine::Options) -> io::Result<Self> {
        make(options, stack).map(Self)
    }
}

impl Coroutine<Located> {
    /// Creates a parser whose events have their places in the input.
    ///
    /// # Errors
    /// If no stack can be allocated.
    pub fn located(options: Options) -> io::Result<Self> {
        make(options, stack(options)).map(Self)
    }
}

impl Default for Coroutine {
    fn default() -> Self {
        Self::new()
    }
}

fn make<E: Marker>(
    options: Options,
    stack: coroutine::Options,
) -> io::Result<coroutine::Parser<E>> {
    stack.parser(move |input: &mut Input<'_, E>| whole(input, options))
}

/// Bytes of stack for a level. An object was seen to take 530, and 15 KiB in a build that does not optimise;
/// sanitizers take more. (`json/depth.rs: the_bracket_that_is_one_too_deep_is_to_blame_in_every_engine`)
const LEVEL: usize = if cfg!(debug_assertions) { 32 << 10 } else { 1 << 10 };

/// A stack for the deepest value.
fn stack(options: Options) -> coroutine::Options {
    let depth = options.limits.depth;
    let levels = usize::try_from(depth).map_or(usize::MAX, |depth| depth.saturating_mul(LEVEL));
    coroutine::Options::new()
        .stack_size(coroutine::DEFAULT_STACK_SIZE.saturating_add(levels))
        .max_depth(depth)
}

/// The part of the input that the options say.
fn whole<E: Marker>(input: &mut Input<'_, E>, options: Options) -> Result<(), Failure> {
    let Options { limits, extent } = options;
    // Set after a value: true if it was neither an array nor an object.
    let mut after_scalar = None;
    loop {
        let end = input.offset();
        let read = match extent {
            Extent::Value => input.skip_between(is_space),
            Extent::Document | Extent::Stream => space(input),
        };
        let byte = match read {
            Ok(byte) => byte,
            Err(End::Finished) if after_scalar.is_some() || extent == Extent::Stream => {
                return Ok(());
            }
            Err(end) => return Err(end.into()),
        };
        let is_scalar = !matches!(byte, b'{' | b'[');
        if !extent.allows(is_scalar, after_scalar, input.offset() > end) {
            return Err(input.fail_here(ErrorKind::UnexpectedByte));
        }
        value_here(input, 0, limits, E::event)?;
        if extent == Extent::Value {
            return Ok(());
        }
        after_scalar = Some(is_scalar);
    }
}

/// Reads a value, and the white space before it, inside a body of the `coroutine` engine.
///
/// `event` makes one of the caller's events from each event of the value and the span of its bytes.
///
/// ```
/// use pushdown::engine::coroutine::{Input, Parser};
/// use pushdown::json::{Json, Limits, value};
/// use pushdown::{Failure, PushParser, Status};
///
/// /// `data: ` and a value, up to the end of the line.
/// fn line(input: &mut Input<'_, Json>) -> Result<(), Failure> {
///     input.expect_all(b"data: ")?;
///     value(input, Limits::new().max_depth(16), |event, _span| event)?;
///     input.expect(b'\n')
/// }
///
/// let mut events = 0;
/// let progress = Parser::new(line).feed_with(b"data: [1, 2]\n\n", |_| events += 1);
/// assert_eq!((progress.status, progress.consumed, events), (Status::Success, 13, 4));
/// ```
///
/// # Errors
/// As the [module](super) says. Values that nest deeper than the limits allow, or than
/// [`nested`](Input::nested) bodies may, are [`TooDeep`](ErrorKind::TooDeep).
#[inline]
pub fn value<E: Events>(
    input: &mut Input<'_, E>,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    space(input)?;
    value_here(input, 0, limits, event)
}

/// Skips white space, and returns the byte after it: in a window, and outside of it if that is used up.
macro_rules! space {
    ($input:ident, $window:ident) => {
        match token::space(&mut $window) {
            Some(byte) => byte,
            None => outside!($input, $window, space($input)?),
        }
    };
}

/// Fails: the grammar does not allow the byte at the position of the window.
macro_rules! unexpected {
    ($input:ident, $window:ident) => {{
        let at = $window.at;
        $input.seek(at);
        return Err($input.fail_here(ErrorKind::UnexpectedByte));
    }};
}

/// Reads a value that begins with the next byte, at this depth.
fn value_here<E: Events>(
    input: &mut Input<'_, E>,
    depth: u32,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    let byte = input.peek()?;
    let mut window = input.window();
    let read = token::value(&mut window, byte, limits, event);
    let at = window.at;
    input.seek(at);
    match read {
        Ok(()) => Ok(()),
        Err(rest) => rest_of_value(input, rest, at, depth, limits, event),
    }
}

/// Reads a value that the chunk does not have whole: an array, an object, one that the chunk cuts, or one
/// that is wrong.
#[inline(always)]
fn rest_of_value<E: Events>(
    input: &mut Input<'_, E>,
    rest: Rest,
    at: usize,
    depth: u32,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    match rest {
        Rest::Object | Rest::Array if depth == limits.depth => {
            Err(input.fail_here(ErrorKind::TooDeep))
        }
        Rest::Object => input.nested(|input| object(input, at, depth + 1, limits, event)),
        Rest::Array => input.nested(|input| array(input, at, depth + 1, limits, event)),
        Rest::Text(open) => rest_of_text(input, open, event),
        Rest::Value => cut_scalar(input, limits, event),
    }
}

/// Reads an object whose bracket is at this position: that of the input, which would be loaded again.
fn object<E: Events>(
    input: &mut Input<'_, E>,
    at: usize,
    depth: u32,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    let mut window = input.window();
    window.at = at;
    token::bracket(&mut window, Event::BeginObject, event);
    let mut byte = space!(input, window);
    if byte != b'}' {
        loop {
            if byte != b'"' {
                unexpected!(input, window);
            }
            if let Err(open) = token::string(&mut window, Kind::Key, limits, event) {
                outside!(input, window, rest_of_text(input, open, event)?);
            }
            if space!(input, window) != b':' {
                unexpected!(input, window);
            }
            window.at += 1;
            byte = space!(input, window);
            if let Err(rest) = token::value(&mut window, byte, limits, event) {
                let at = window.at;
                outside!(input, window, rest_of_value(input, rest, at, depth, limits, event)?);
            }
            match space!(input, window) {
                b',' => window.at += 1,
                b'}' => break,
                _ => unexpected!(input, window),
            }
            byte = space!(input, window);
        }
    }
    token::bracket(&mut window, Event::EndObject, event);
    let at = window.at;
    input.seek(at);
    Ok(())
}

/// Reads an array whose bracket is at this position.
fn array<E: Events>(
    input: &mut Input<'_, E>,
    at: usize,
    depth: u32,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    let mut window = input.window();
    window.at = at;
    token::bracket(&mut window, Event::BeginArray, event);
    let mut byte = space!(input, window);
    if byte != b']' {
        loop {
            if let Err(rest) = token::value(&mut window, byte, limits, event) {
                let at = window.at;
                outside!(input, window, rest_of_value(input, rest, at, depth, limits, event)?);
            }
            match space!(input, window) {
                b',' => window.at += 1,
                b']' => break,
                _ => unexpected!(input, window),
            }
            byte = space!(input, window);
        }
    }
    token::bracket(&mut window, Event::EndArray, event);
    let at = window.at;
    input.seek(at);
    Ok(())
}

/// Skips white space, and returns the next byte without taking it.
#[inline(always)]
fn space<E: Events>(input: &mut Input<'_, E>) -> Result<u8, End> {
    loop {
        input.peek()?;
        let mut window = input.window();
        window.at = scan::past_space(window.chunk, window.at);
        let (at, byte) = (window.at, window.byte());
        input.seek(at);
        if let Some(byte) = byte {
            return Ok(byte);
        }
    }
}
