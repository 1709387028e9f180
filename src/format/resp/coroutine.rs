//! State as code, on a stack: the grammar as a function that calls itself for what an aggregate holds.
//!
//! # How this is built
//! `whole` reads what the [`Extent`] says; `elements` reads a number of values, and calls itself for each aggregate
//! among them. The number is all that says where an aggregate ends: a machine has to carry one for each level, and
//! here it is a local variable. `elements` goes from value to value in a window, through what the chunk has whole, as
//! the machine does. For a value that the chunk cuts, or that is rare or wrong, it leaves the window (`outside!`) and
//! calls `rest_of_value`, where any read may wait for the next chunk.
//!
//! `machine.rs` is the same grammar in the same order, with a name for every line where this may wait.

use std::io;

use super::consumer::{Consumer, Report};
use super::line::{Complete, Line};
use super::nesting::Level;
use super::text::{OpenBulk, OpenText};
use super::token::{self, Place, Rest, Token};
use super::{Event, Extent, Options, Resp};
use crate::engine::coroutine::{self, Input};
use crate::engine::window::outside;
use crate::error::{End, Failure};

/// RESP as straight-line code on a stack of its own.
///
/// The stack is as large as the deepest value that the [`Options`] allow, so that the limit is a count, as
/// in the other engines. Only the pages that are used take memory.
#[derive(Debug)]
pub struct Coroutine(coroutine::Parser<Resp>);

impl Coroutine {
    /// Creates a parser of one value, with the default [`Options`].
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
    /// value that comes near the end of the stack is [`TooDeep`](crate::ErrorKind::TooDeep).
    ///
    /// # Errors
    /// If no stack can be allocated.
    pub fn with_stack(options: Options, stack: coroutine::Options) -> io::Result<Self> {
        let body = move |input: &mut Input<'_, Resp>| whole(input, &options);
        stack.parser(body).map(Self)
    }
}

crate::format::parser! { @local Coroutine, Resp }
crate::format::parser! { @common Coroutine, Resp }

/// Bytes of stack for a level. (`resp/depth.rs: the_aggregate_that_is_one_too_deep_is_to_blame_in_every_engine`)
const LEVEL: usize = if cfg!(debug_assertions) { 32 << 10 } else { 1 << 10 };

/// A stack for the deepest value.
fn stack(options: Options) -> coroutine::Options {
    let depth = options.depth;
    let levels = usize::try_from(depth).map_or(usize::MAX, |depth| depth.saturating_mul(LEVEL));
    coroutine::Options::new()
        .stack_size(coroutine::DEFAULT_STACK_SIZE.saturating_add(levels))
        .max_depth(depth)
}

/// The part of the input that the options say.
fn whole(input: &mut Input<'_, Resp>, options: &Options) -> Result<(), Failure> {
    let level = match options.extent {
        Extent::Value => Level::ONE,
        Extent::Stream => Level::OUTERMOST,
    };
    elements(input, level, 0, options)
}

/// Reads the elements of a level, up to its end. Around the outermost values, at a depth of zero, is no aggregate whose
/// end there would be to report.
fn elements(
    input: &mut Input<'_, Resp>,
    mut level: Level,
    depth: u32,
    options: &Options,
) -> Result<(), Failure> {
    let mut window = input.window();
    while !level.is_complete() {
        let byte = match window.byte() {
            Some(byte) => byte,
            None => match outside!(input, window, input.peek()) {
                Err(End::Finished) if depth == 0 && level.may_end() => return Ok(()),
                read => read?,
            },
        };
        let place = Place { level: &level, depth, has_no_memory: false };
        let token =
            match token::value(&mut window, byte, place, options, options.limits, &mut Report) {
                Ok(token) => token,
                Err(rest) => outside!(input, window, rest_of_value(input, rest, options)?),
            };
        match token {
            Token::Scalar => level.count(),
            Token::Aggregate(aggregate, length) => {
                let inner = Level::new(aggregate, length, aggregate.max_count(options.limits));
                let body = |input: &mut Input<'_, Resp>| elements(input, inner, depth + 1, options);
                outside!(input, window, input.nested(body)?);
                level.count_aggregate(aggregate);
            }
            Token::End => break,
        }
    }
    if depth > 0 {
        Report.take(&mut window, Event::End);
    }
    let at = window.at;
    input.seek(at);
    Ok(())
}

/// Reads a value that the chunk does not have whole, or one that is rare or wrong; of an aggregate the line with its
/// length.
#[cfg_attr(not(debug_assertions), inline(always))]
fn rest_of_value(
    input: &mut Input<'_, Resp>,
    rest: Rest,
    options: &Options,
) -> Result<Token, Failure> {
    let line = match rest {
        Rest::Line(line) => rest_of_line(input, line)?,
        Rest::Text(text) => {
            rest_of_text(input, text)?;
            return Ok(Token::Scalar);
        }
        Rest::Bulk(bulk) => Complete::Bulk(bulk),
        Rest::Wrong(kind) => return Err(input.fail_here(kind)),
    };
    match line {
        Complete::Scalar(event) => report(input, event),
        Complete::Bulk(mut bulk) => content(input, &mut bulk)?,
        Complete::Verbatim(length) => {
            let mut bulk = OpenBulk::new(b'=', length);
            bulk.format = input.array()?;
            input.expect(b':')?;
            content(input, &mut bulk)?;
        }
        Complete::Streamed => {
            let mut bulk = OpenBulk::streamed(options.limits);
            loop {
                input.expect(b';')?;
                let line = Line::of_length(bulk.left_streamed, options);
                match rest_of_line(input, line)? {
                    Complete::Part(length @ 1..) => {
                        bulk.begin_part(length);
                        content(input, &mut bulk)?;
                    }
                    _ => break,
                }
            }
            report(input, bulk.event(&[], false));
        }
        Complete::Aggregate(aggregate, length) => {
            report(input, aggregate.event(length));
            return Ok(Token::Aggregate(aggregate, length));
        }
        Complete::End | Complete::Part(_) => return Ok(Token::End),
    }
    Ok(Token::Scalar)
}

/// Reads on in a line that is not a text.
#[cfg_attr(not(debug_assertions), inline(always))]
fn rest_of_line(input: &mut Input<'_, Resp>, mut line: Line) -> Result<Complete, Failure> {
    loop {
        input.peek()?;
        let mut window = input.window();
        let read = line.read(&mut window);
        let at = window.at;
        input.seek(at);
        match read {
            Ok(true) => return Ok(line.complete()),
            Ok(false) => {}
            Err(kind) => return Err(input.fail_here(kind)),
        }
    }
}

/// Reads on in a line that is a text.
#[cfg_attr(not(debug_assertions), inline(always))]
fn rest_of_text(input: &mut Input<'_, Resp>, mut text: OpenText) -> Result<(), Failure> {
    loop {
        input.peek()?;
        let mut window = input.window();
        let read = text.read(&mut window, &mut Report);
        let at = window.at;
        input.seek(at);
        match read {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(kind) => return Err(input.fail_here(kind)),
        }
    }
}

/// Reads on in a content, and reports it, up to the line end behind it.
#[cfg_attr(not(debug_assertions), inline(always))]
fn content(input: &mut Input<'_, Resp>, bulk: &mut OpenBulk) -> Result<(), Failure> {
    loop {
        let mut window = input.window();
        let is_whole = bulk.read(&mut window, &mut Report);
        let at = window.at;
        input.seek(at);
        if is_whole {
            break;
        }
        input.peek()?;
    }
    input.expect(b'\r')?;
    input.expect(b'\n')
}

/// Reports an event at the cursor.
fn report(input: &mut Input<'_, Resp>, event: Event<'_>) {
    let mut window = input.window();
    Report.take(&mut window, event);
    let at = window.at;
    input.seek(at);
}
