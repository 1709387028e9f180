//! Push parsers for bytes that arrive in pieces: feed each piece as it comes, cut anywhere, and get
//! events and a status: *need more input*, *success* or *bad input*.
//!
//! ```
//! use pushdown::engine::coroutine::{Input, Parser};
//! use pushdown::{Events, Failure, PushParser, Status};
//!
//! /// Reports the fields of a line.
//! enum Line {}
//!
//! enum Event<'a> {
//!     Text(&'a [u8]),
//!     EndOfField,
//! }
//!
//! impl Events for Line {
//!     type Event<'a> = Event<'a>;
//! }
//!
//! /// Parses fields separated by commas, up to the end of the line.
//! fn line(input: &mut Input<'_, Line>) -> Result<(), Failure> {
//!     loop {
//!         let stop = input.text_until([b',', b'\n'], |piece| Event::Text(piece))?;
//!         input.emit(Event::EndOfField);
//!         if stop == b'\n' {
//!             return Ok(());
//!         }
//!     }
//! }
//!
//! let (mut fields, mut field) = (Vec::new(), Vec::new());
//! let mut parser = Parser::new(line);
//! for chunk in ["ap", "ple,pe", "ar\n"] {
//!     let progress = parser.feed_with(chunk.as_bytes(), |event| match event {
//!         Event::Text(piece) => field.extend_from_slice(piece),
//!         Event::EndOfField => fields.push(std::mem::take(&mut field)),
//!     });
//!     assert_eq!(progress.consumed, chunk.len());
//! }
//! assert_eq!(parser.status(), Status::Success);
//! assert_eq!(fields, [&b"apple"[..], b"pear"]);
//! ```
//!
//! The body `line` is straight-line code. If it needs a byte that has not arrived, it is suspended,
//! and the next `feed` resumes it. The same parser can be an explicit state machine or an `async`
//! function: the module [`engine`] has five ways to hold a parser's state, behind the one interface
//! [`PushParser`], and advice on choosing.
//!
//! | engine | a body is | its state is | allocates | `no_std` | `Send` |
//! |---|---|---|---|---|---|
//! | [`machine`](engine::machine) | a step over an enum | the enum | never | yes | yes |
//! | [`coroutine`](engine::coroutine) | a plain `fn` | a call stack of its own | a stack, reused | no | no |
//! | [`stackless`](engine::stackless) | an `async fn` | the compiled future | once, or never if you pin it | yes | if the body is |
//! | [`generator`](engine::generator) | the same `async fn` | the same, in a genawaiter generator | 3 times | no | no |
//! | [`combinator`](engine::combinator) | a nom 8 parser | a copy of the input, parsed again with each chunk | yes | with `alloc` | if the parser is |
//!
//! Measured times are in the README, and for JSON on the page of [`json`].
//!
//! # The law
//! *Any cutting of the same bytes gives the same events (adjacent pieces of a text joined), the same
//! final status, output and total consumed, and the same error at the same offset, in every engine.*
//!
//! [`testing`] tests any [`PushParser`] against it. `combinator` keeps it within the
//! [limits in its documentation](engine::combinator#limits).
//!
//! # What to use
//! | you want | take |
//! |---|---|
//! | JSON (RFC 8259): one value, JSON Lines, parts of a large document, events | [`json`] |
//! | RESP, the protocol of Redis: replies, requests, events | [`resp`] |
//! | server-sent events: messages, or fields as they come | [`sse`] |
//! | `&str` of UTF-8 that is cut anywhere | [`text::Utf8`] |
//! | values from a socket, a file, a codec or a stream of chunks | [`io`] |
//! | to feed a parser by hand | [`PushParser`] |
//! | to write a parser | [`engine`], with the markers of [`events`] and the scans of [`scan`]; [`quoted`] is a small one in every engine |
//! | to test a parser at every cut, of this crate or not | [`testing`] (feature `testing`) |
//! | to see where parsers wait | [`debug`] (feature `debug`) |
//!
//! # When not to use it
//! If the whole input is in memory, a parser over a slice is simpler and often faster. For a grammar
//! of three states with nothing to collect, so is a hand-written enum.
//!
//! # Limits
//! * A slice of the input is lent until the next read. Text that spans chunks comes as several
//!   events.
//! * An error blames the byte read last. It can name where the part began that it is about
//!   ([`Error::start`]).
//! * An `async` body may wait for its input alone.
//! * The body of a coroutine and its sinks run on a stack of fixed size, and must not wait inside
//!   [a call that ties data to the thread](engine::coroutine#safety-of-code-that-ties-data-to-a-call).
//!
//! # Features
//! | feature | default | adds |
//! |---|---|---|
//! | `std` | yes | scan kernels chosen at run time, `pushdown::io` |
//! | `alloc` | with `std` | `stackless::Parser` and `quoted::Stackless`, boxed; `scan::Delimiter`; consumers of `json` that hold text; messages of `sse`; values and requests of `resp` |
//! | `coroutine`, `generator`, `combinator` | yes | the engine of that name, with its dependency |
//! | `tokio` | no | `pushdown::io::tokio` and `io::framed`: values from async readers, and a sink of messages |
//! | `codec` | no | `pushdown::io::codec`: a parser as a decoder of tokio-util |
//! | `futures` | no | `pushdown::io::stream`: values from a stream of chunks |
//! | `serde` | no | `json::Item::parse` and `json::Typed`: JSON into types that serde reads |
//! | `debug` | no | `pushdown::debug`: where the live parsers of a thread wait, by line or by stack |
//! | `testing` | no | the cut and equality harness |
//!
//! `machine` and `stackless` are always there. With `default-features = false` the crate depends on
//! memchr alone and needs nothing but `core`. A feature adds names and never changes a parser's
//! results. The minimum supported Rust version is the package's `rust-version`.
//!
#![cfg_attr(feature = "debug", doc = "[`debug`]: crate::debug")]
#![cfg_attr(not(feature = "debug"), doc = "[`debug`]: #features")]
#![cfg_attr(feature = "testing", doc = "[`testing`]: crate::testing")]
#![cfg_attr(not(feature = "testing"), doc = "[`testing`]: #features")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(doctest)]
mod compile_fail;
mod error;
mod format;
mod parser;
mod state;

#[cfg(feature = "debug")]
pub mod debug;
pub mod engine;
pub mod events;
#[cfg(feature = "std")]
pub mod io;
pub mod scan;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;

pub use error::{End, Error, ErrorKind, Failure};
pub use format::{json, quoted, resp, sse};
pub use parser::{DynParser, EventSink, Events, LocalParser, LocalSink, PushParser};
pub use state::{Progress, State, Status};

/// Compiles and runs the README, which needs these features.
#[cfg(all(doctest, feature = "coroutine", feature = "serde"))]
#[cfg(all(feature = "testing", feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
