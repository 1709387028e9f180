//! Tests for a parser that you already have: at every cut, and as a fuzz target.
//!
//! The parser need not use this crate, which is a dependency of its tests alone, with the feature `testing`.
//! A function of some lines feeds it, and [`Harness::foreign`](super::Harness::foreign) does the rest. The
//! function gets a chunk, or `None` at the end of the input. It writes to the [`Log`](super::Log) what the parser
//! reports, and returns a verdict: [`NeedMoreInput`](crate::Status::NeedMoreInput) while all is
//! well, [`BadInput`](crate::Status::BadInput) for an error, and [`Success`](crate::Status::Success)
//! for a complete value or, at the end, for an input that is accepted.
//!
//! # A parser written by hand
//! This one decodes `%41` to `A`. It was tested with whole strings, and passed.
//!
//! ```
//! use pushdown::Status;
//! use pushdown::testing::{self, Harness, Law, Log};
//!
//! /// Decodes percent signs as they come.
//! #[derive(Default)]
//! struct Percent {
//!     text: Vec<u8>,
//! }
//!
//! impl Percent {
//!     fn push(&mut self, mut chunk: &[u8]) {
//!         while let Some((&byte, rest)) = chunk.split_first() {
//!             chunk = rest;
//!             let digits = rest.get(..2).and_then(|two| str::from_utf8(two).ok());
//!             let decoded = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
//!             match (byte, decoded) {
//!                 (b'%', Some(decoded)) => {
//!                     self.text.push(decoded);
//!                     chunk = &rest[2..];
//!                 }
//!                 _ => self.text.push(byte),
//!             }
//!         }
//!     }
//! }
//!
//! let feed = |percent: &mut Percent, chunk: Option<&[u8]>, log: &mut Log| {
//!     let Some(chunk) = chunk else { return Status::Success };
//!     percent.push(chunk);
//!     log.text(&percent.text); // adjacent texts are joined
//!     percent.text.clear();
//!     Status::NeedMoreInput
//! };
//! let harness = Harness::new(testing::no_events).foreign("percent", Percent::default, feed);
//!
//! let violation = harness.check(b"The first%20cut").unwrap_err();
//! assert_eq!((violation.law(), violation.cutting().cuts()), (Law::Events, &[10][..]));
//!
//! let test = harness.shrink(violation).regression_test();
//! assert_eq!(
//!     test,
//!     r#"/// percent breaks a law: the events are the same for every cutting
//! #[test]
//! fn events_of_percent() {
//!     // 3 of 3 bytes, cut at 1, then finished
//!     let chunks: [&[u8]; 2] = [b"%", b"aa"];
//!     // expected: event 0: text b"\xaa"
//!     // found:    event 0: text b"%aa"
//!     harness().check_chunks(&chunks).unwrap();
//! }
//! "#
//! );
//! ```
//!
//! The cut at 10 lies behind the percent sign, whose digits are not there yet. The bytes around it did not
//! matter: [`shrink`](super::Harness::shrink) has removed them, and
//! [`regression_test`](super::Violation::regression_test) prints what is left as a test to keep.
//!
//! # A parser of nom
//! nom's `streaming` parsers answer `Incomplete`, and their caller keeps the input until there is more.
//! The caller is where cuts go wrong, so it belongs in the test. With the parsers of `complete`, which
//! take the end of a chunk for the end of the input, this test fails at the first cut.
//!
//! ```
//! use nom::bytes::streaming::{tag, take_until};
//! use nom::sequence::terminated;
//! use nom::{Err, IResult, Parser};
//! use pushdown::Status;
//! use pushdown::testing::{self, Harness, Log};
//!
//! fn line(input: &[u8]) -> IResult<&[u8], &[u8]> {
//!     terminated(take_until("\r\n"), tag("\r\n")).parse(input)
//! }
//!
//! let feed = |kept: &mut Vec<u8>, chunk: Option<&[u8]>, log: &mut Log| {
//!     let Some(chunk) = chunk else {
//!         return if kept.is_empty() { Status::Success } else { Status::BadInput };
//!     };
//!     kept.extend_from_slice(chunk);
//!     loop {
//!         match line(kept) {
//!             Ok((rest, line)) => {
//!                 log.event(line.escape_ascii());
//!                 let taken = kept.len() - rest.len();
//!                 kept.drain(..taken);
//!             }
//!             Err(Err::Incomplete(_)) => return Status::NeedMoreInput,
//!             Err(_) => return Status::BadInput,
//!         }
//!     }
//! };
//! let harness = Harness::new(testing::no_events).foreign("lines", Vec::new, feed);
//! for input in [&b"one\r\ntwo\r\n"[..], b"\r\n", b"no end", b"\r", b""] {
//!     harness.check(input)?;
//! }
//! # Ok::<(), pushdown::testing::Violation>(())
//! ```
//!
//! The engine [`combinator`](crate::engine::combinator) is such a caller: it makes a push parser of a nom
//! parser, and [`Harness::deferred`](super::Harness::deferred) holds it to the whole contract.
//!
//! # A codec of tokio
//! A `Decoder` is fed through its buffer, as `FramedRead` does.
//!
//! ```
//! use pushdown::Status;
//! use pushdown::testing::{self, Harness, Log};
//! use tokio_util::bytes::BytesMut;
//! use tokio_util::codec::{Decoder, LinesCodec};
//!
//! type State = (LinesCodec, BytesMut);
//!
//! let feed = |(codec, buffer): &mut State, chunk: Option<&[u8]>, log: &mut Log| {
//!     buffer.extend_from_slice(chunk.unwrap_or_default());
//!     loop {
//!         let line = match chunk {
//!             Some(_) => codec.decode(buffer),
//!             None => codec.decode_eof(buffer),
//!         };
//!         match line {
//!             Ok(Some(line)) => log.event(line),
//!             Ok(None) if chunk.is_some() => return Status::NeedMoreInput,
//!             Ok(None) => return Status::Success,
//!             Err(_) => return Status::BadInput,
//!         }
//!     }
//! };
//! let make = || (LinesCodec::new(), BytesMut::new());
//! let harness = Harness::new(testing::no_events).foreign("LinesCodec", make, feed);
//! for input in [&b"one\r\ntwo"[..], b"\r", b"\xff\n", "é\n".as_bytes(), b""] {
//!     harness.check(input)?;
//! }
//! # Ok::<(), pushdown::testing::Violation>(())
//! ```
//!
//! # Which inputs
//! Short ones: all strings of up to five bytes over the bytes that your grammar names find most
//! faults, and a violation in them needs no shrinking. Add bytes behind the value, an end inside it,
//! a character of several bytes, and one input longer than your buffers, with a
//! [`budget`](super::Harness::budget).
//!
//! # A second parser
//! A parser that is wrong in the same way for every cutting keeps the law. Add one that is right because
//! it is simple, or the parser that yours replaces: all parsers of a harness have to
//! [agree](super::Law::Agreement) on every prefix.
//!
//! # Fuzzing
//! `fuzz/template` in the repository is a package for cargo-fuzz: copy it to the folder `fuzz` of your crate,
//! and put your parser into its one file. A violation that it finds is shrunk, and printed as a test.
//!
//! # The whole contract
//! If you implement [`PushParser`](crate::PushParser), or write a body for an [engine](crate::engine), use
//! [`Harness::parser`](super::Harness::parser): offsets, errors, outputs, promptness, pauses and
//! resets are checked as well.
