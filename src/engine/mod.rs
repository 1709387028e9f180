//! The five ways to hold a parser's state. Each has a `Parser` that turns a body you write into a
//! [`PushParser`](crate::PushParser).
//!
//! | engine | a body is | state lives in | choose it |
//! |---|---|---|---|
//! | [`machine`] | a [`Machine`](machine::Machine): a step over an explicit state | the state, an enum for instance | for a handful of states; for parsers that are cloned, compared or stored in the middle of their input; for millions of parsers |
//! | [`coroutine`] | a plain function | a call stack of its own | if the grammar nests, or the code exists as ordinary functions, and the parser may stay on its thread |
//! | [`stackless`] | an `async` function | a future, boxed or pinned by its owner | for the same straight-line code, if parsers must be `Send`, numerous or free of `std`: for anything on a socket |
//! | [`generator`] | the same `async` function | a boxed future inside a genawaiter generator | to measure a generator crate |
//! | [`combinator`] | a nom parser | a copy of the input so far, parsed again | to reuse a nom parser; its time is quadratic in the number of chunks |
//!
//! A body that reads a line of at most 80 bytes, and reports it piece by piece:
//!
//! ```
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::events::Bytes;
//! use pushdown::{Failure, PushParser};
//!
//! async fn line(input: &mut Input<'_, Bytes>) -> Result<(), Failure> {
//!     input.at_most(80).text_until(b'\n', |piece| piece).await?;
//!     Ok(())
//! }
//!
//! let mut text = Vec::<u8>::new();
//! let mut parser = Parser::new(line);
//! let _ = parser.feed_with(b"one ", |piece| text.extend(piece));
//! assert_eq!(parser.feed_with(b"line\nanother", |piece| text.extend(piece)).consumed, 5);
//! assert_eq!(text, b"one line");
//! ```
//!
//! # The reads
//! A body reads through the `Input` of its engine. The inputs have the same methods; those that wait
//! are awaited in `stackless` and `generator`, and return
//! [`End::InputEmpty`](crate::End::InputEmpty) in a machine.
//!
//! | method | |
//! |---|---|
//! | `next()` | Takes the next byte. |
//! | `peek()` | Returns the next byte without taking it. |
//! | `next_if(test)` | Takes the next byte if it passes the test; otherwise leaves it and returns `None`. |
//! | `expect(byte)` | Takes this byte; any other fails with [`UnexpectedByte`](crate::ErrorKind::UnexpectedByte) and is blamed. |
//! | `take(n)` | Takes 1 to `n` bytes as a slice: as many as this chunk has. If `n` is zero, the slice is empty and the read does not wait. |
//! | `take_text(n, event)` | Like `take`, but emits the bytes (unless empty) and returns their count. |
//! | `skip_until(stop)` | Skips everything before a [stop](crate::scan::Stop), takes the stop byte and returns it. |
//! | `scan_until(stop, take)` | Like `skip_until`, but passes what lies before the stop to a closure, in pieces that are never empty. |
//! | `text_until(stop, event)` | Like `skip_until`, but emits what lies before the stop, one event per piece. Without a sink it may [skip](crate::scan::Stop::skip) stops. |
//! | `skip_before(delimiter)`, `scan_before(delimiter, take)`, `text_before(delimiter, event)` | Like the three above, up to several bytes in a row: a [`Delimiter`](crate::scan::Delimiter), which is taken and not reported. |
//! | `text_while(set, event)` | Emits bytes while they belong to the [set](crate::scan::Set), and returns the first that does not without taking it. |
//! | `array::<N>()` | Takes `N` bytes. |
//! | `expect_all(bytes)` | Takes these bytes; the first that differs is blamed, as by `expect`, and the [start](crate::Error::start) is that of the first. |
//! | `read_until(stop, to, max)` | Like `skip_until`, but appends what lies before the stop to a `Vec`, which gets no longer than `max`: the next byte is [`TooLong`](crate::ErrorKind::TooLong). |
//! | `chunk()`, `advance(n)` | Lends the rest of the chunk, at least one byte; takes bytes of it. |
//! | `skip_between(test)` | Skips bytes between values, and returns the next byte without taking it. A value has not [begun](crate::PushParser::has_begun) with them. |
//! | `at_most(n)`, `frame(n)` | [Bounds](#bounds) what is read. |
//! | `nested(body)` | Calls a body [one level deeper](#depth). Not in machines, whose state is a stack of their own. |
//! | `run(parser, sink)` | Runs [another parser](#another-parser-inside) on the input. |
//! | `emit(event)` | Reports an event. |
//! | `wants_events()` | Returns true if there is a sink. A body may skip building events without one. |
//! | `offset()` | The offset of the next byte. |
//! | `fail(kind)` | Creates the error for bad input, and puts the cursor before the byte to blame. |
//! | `fail_from(start, kind)` | Like `fail`, and records where the part began that the error is about. |
//!
//! In a machine, which is called again after a cut, `array` and `expect_all` have an argument more: what
//! they have read so far is [kept in the machine](machine::Partial).
//!
//! The arguments that make events are closures. A bare constructor, as in `text_until(b':', Event::Name)`,
//! is refused as "not general enough", because it makes events of one lifetime: write `|text|
//! Event::Name(text)`. A closure may count and trim, but it is not called if there is no sink; to see every
//! byte, use `scan_until` or `chunk`. The test of `skip_between` is a closure, too: `|byte|
//! SPACES.contains(byte)`.
//!
//! A read that takes no byte returns an [`End`](crate::End): the input is finished, or the body has
//! to stop. Propagate it with `?`. After the end every further read returns the same, up to
//! [`READS_AFTER_END`] times.
//!
//! # Which byte an error blames
//! `fail` blames the byte last consumed by `next` or a scan; after `peek` and `text_while`, the byte
//! they return; after `take`, `advance`, `array` and `expect_all`, the next one. A body cannot point further back,
//! because an earlier byte may have come in a chunk that is gone. It can name the start of a token with
//! `fail_from`. Another read after `next` therefore loses the chance to blame that byte: use `peek`,
//! `next_if` or `expect` where the decision needs two bytes. A second `fail` blames the same byte
//! again. At a bound, as at the end of the input, the next byte is blamed.
//!
//! ```
//! use pushdown::engine::coroutine::{Input, Parser};
//! use pushdown::{ErrorKind, Failure, PushParser};
//!
//! /// A word of lower-case letters, in parentheses.
//! fn word(input: &mut Input<'_>) -> Result<(), Failure> {
//!     let start = input.offset();
//!     input.expect(b'(')?;
//!     while input.next_if(|byte| byte.is_ascii_lowercase())?.is_some() {}
//!     if input.peek()? != b')' {
//!         return Err(input.fail_from(start, ErrorKind::UnexpectedByte));
//!     }
//!     input.expect(b')')
//! }
//!
//! let mut parser = Parser::new(word);
//! let _ = parser.feed(b"(ab");
//! let _ = parser.feed(b"C)");
//! let error = parser.error().unwrap();
//! assert_eq!((error.offset, error.start), (3, Some(0)));
//! ```
//!
//! # Bounds
//! `at_most(n)` bounds what is read from here on: a read beyond `n` bytes returns
//! [`End::TooLong`](crate::End::TooLong), and no more than `n` bytes reach the sink. `frame(n)` makes
//! the next `n` bytes an input of their own, whose end is [`End::Finished`](crate::End::Finished). A
//! read at a bound answers at once, so the error has the same offset for every cut.
//!
//! A bound inside another cannot be wider: the one that comes first holds. A frame that goes past the
//! frame around it, or that the end of the input cuts short, ends with
//! [`End::Truncated`](crate::End::Truncated), which a body that accepts `Finished` does not accept.
//!
//! In the straight-line engines the bound is a guard, through which the part is read, and dropping it
//! lifts the bound. In a machine it is data: `at_most` and `frame` return the [`Limit`] before, which
//! the machine keeps, and gives to `set_limit` at the end of the part.
//!
//! ```
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::{End, ErrorKind, Failure, PushParser};
//!
//! /// A byte that gives the length of a frame, in which the number before the first space counts.
//! async fn record(input: &mut Input<'_>) -> Result<u32, Failure> {
//!     let length = input.next().await?;
//!     let mut frame = input.frame(length.into());
//!     let mut number = 0;
//!     loop {
//!         match frame.next().await {
//!             Ok(digit @ b'0'..=b'9') => number = 10 * number + u32::from(digit - b'0'),
//!             Ok(b' ') | Err(End::Finished) => break,
//!             Ok(_) => return Err(frame.fail(ErrorKind::UnexpectedByte)),
//!             Err(end) => return Err(end.into()),
//!         }
//!     }
//!     frame.skip_rest().await?;
//!     Ok(number)
//! }
//!
//! let mut parser = Parser::new(record);
//! assert_eq!(parser.feed(b"\x0642 abcrest").consumed, 7);
//! assert_eq!(parser.take_output(), Some(42));
//! ```
//!
//! # Depth
//! A grammar that nests is a body that calls itself through `nested`. The levels are counted, so that
//! hostile nesting is [`TooDeep`](crate::ErrorKind::TooDeep) at the same offset in every engine, and
//! neither a stack overflow nor a cost that grows with the depth: at most [`DEFAULT_MAX_DEPTH`], or as
//! the `Options` of the engine say.
//!
//! ```
//! use pushdown::engine::stackless::{Input, Options};
//! use pushdown::{ErrorKind, Failure, PushParser, Status};
//!
//! /// Balanced parentheses.
//! async fn group(input: &mut Input<'_>) -> Result<(), Failure> {
//!     input.expect(b'(').await?;
//!     while input.peek().await? == b'(' {
//!         input.nested(group).await?;
//!     }
//!     input.expect(b')').await
//! }
//!
//! let mut parser = Options::new().max_depth(10_000).parser(group);
//! assert_eq!(parser.feed(&[b'('; 10_000]).status, Status::NeedMoreInput);
//! assert_eq!(parser.feed(b"((").status, Status::BadInput);
//! let error = parser.error().unwrap();
//! assert_eq!((error.kind, error.offset), (ErrorKind::TooDeep, 10_001));
//! ```
//!
//! A body with arguments is called through a closure: `input.nested(|input| group(input, depth, &mut
//! longest))`. In `stackless` and `generator` the call is a frame on the heap: only the innermost is
//! polled, and a second run allocates nothing. Await it where it is made. In a box, or in a future that
//! is boxed, it is an ordinary future, and 64 of those on top of one another are too deep. Beside a
//! call, in a `select`, nothing else is polled until the call ends.
//!
//! # Another parser inside
//! `run` feeds the input to another [`PushParser`](crate::PushParser) until that ends, and returns its
//! output. Its errors are errors of this input, at the right offset. The sink is given each event, and
//! the means to report events of the outer parser; it is not called if that one has no sink.
//!
//! In a machine the other parser is a [field](machine::Input::run), and one whose sink may stay on the thread:
//! a [`LocalParser`](crate::LocalParser), such as another machine.
//!
//! ```
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::events::Bytes;
//! use pushdown::{Failure, PushParser, quoted};
//!
//! /// A quoted string in parentheses.
//! async fn body(input: &mut Input<'_, Bytes>) -> Result<(), Failure> {
//!     input.expect(b'(').await?;
//!     let mut string = quoted::Machine::new();
//!     input.run(&mut string, |quoted::Event::Text(piece), out| out.emit(piece)).await?;
//!     input.expect(b')').await
//! }
//!
//! let mut text = Vec::new();
//! let mut parser = Parser::new(body);
//! let progress = parser.feed_with(br#"("inner") outer"#, |piece| text.extend(piece));
//! assert_eq!((progress.consumed, text), (9, b"inner".to_vec()));
//! ```
//!
//! # What a body may wait for
//! Its input. An `async` body may await anything that is ready at once, and may join or select futures
//! as long as a read of its input is among those that are pending; the details are
//! [here](stackless#what-a-body-may-wait-for). A body of `coroutine` waits in its reads alone.
//!
//! # What a body's stack holds
//! The future of a `stackless` body has the variables that live across an `await`, and no stack; a sink
//! runs on the stack of the caller. A body of `coroutine` and its sink run on a stack of
//! [their own](coroutine#stacks), which is small, and guarded.

#[cfg(feature = "combinator")]
pub mod combinator;
mod composed;
#[cfg(feature = "coroutine")]
#[allow(unsafe_code, reason = "switches stacks, and reads what the other side of the switch wrote")]
pub mod coroutine;
pub(crate) mod error_start;
#[cfg(feature = "generator")]
#[allow(unsafe_code, reason = "passes a call through the generator, which takes no borrows")]
pub mod generator;
mod limit;
pub mod machine;
pub(crate) mod overshoot;
mod site;
#[allow(unsafe_code, reason = "pins a future beside what it borrows")]
pub mod stackless;
pub(crate) mod window;

pub use limit::Limit;

/// The number of reads of a body that answer [`End`](crate::End) after the input has ended.
///
/// A loop like `while let Ok(byte) = input.next()`, and the `?` of the code after it, must both
/// work. A body that goes on reading after that many never ends: it is dropped where it stands, or
/// unwound if it has a stack.
pub const READS_AFTER_END: u8 = 64;

/// The number of levels that the `nested` bodies of every straight-line engine may go down, unless its options
/// say otherwise.
pub const DEFAULT_MAX_DEPTH: u32 = 128;
