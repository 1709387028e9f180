//! The cut and equality harness: checks that a push parser keeps the law, ours or yours.
//!
//! It is for tests, so the feature `testing` belongs in the `[dev-dependencies]`.
//!
//! # Testing a parser of your own
//! Give a [`Harness`] a function that records an event, a constructor of your parser, and inputs.
//! The function `a_line_can_be_cut_anywhere` is the whole test:
//!
//! ```
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::events::Bytes;
//! use pushdown::testing::{Harness, Log, Violation};
//!
//! async fn line(input: &mut Input<'_, Bytes>) -> Result<(), pushdown::Failure> {
//!     input.text_until(b'\n', |piece| piece).await?;
//!     Ok(())
//! }
//!
//! fn a_line_can_be_cut_anywhere() -> Result<(), Violation> {
//!     let record = |log: &mut Log, piece: &[u8]| log.text(piece);
//!     let harness = Harness::new(record).with_work("line", || Parser::new(line));
//!     for input in [&b"one\ntwo"[..], b"\n", b"no end", b""] {
//!         println!("{}", harness.check(input)?);
//!     }
//!     Ok(())
//! }
//! # a_line_can_be_cut_anywhere().unwrap();
//! ```
//!
//! The [`guide`] starts from a parser that you already have: written by hand, of nom, or a codec of tokio.
//!
//! A second parser for the same format, in another engine or a naive one, is added to the same
//! harness and has to agree with the first:
//!
//! ```
//! use pushdown::quoted::{self, Event};
//! use pushdown::testing::{Harness, Log};
//!
//! let report = Harness::new(|log: &mut Log, Event::Text(piece): Event<'_>| log.text(piece))
//!     .with_work("machine", quoted::Machine::new)
//!     .with_work("stackless", quoted::Stackless::new)
//!     .check(br#""a\"b" rest"#)?;
//! println!("{report}");
//! # Ok::<(), pushdown::testing::Violation>(())
//! ```
//!
//! # A parser that breaks the law
//! The step of this machine reads twice, so the first read is forgotten at a cut between the two.
//! The [`Violation`] names the cut:
//!
//! ```
//! use core::ops::ControlFlow::{self, Break};
//! use pushdown::Failure;
//! use pushdown::engine::machine::{Input, Machine, Parser};
//! use pushdown::testing::{self, Harness, Law};
//!
//! struct MinusOne;
//!
//! impl Machine for MinusOne {
//!     type Events = ();
//!     type Output = ();
//!
//!     fn step(&mut self, input: &mut Input<'_>) -> Result<ControlFlow<()>, Failure> {
//!         input.expect(b'-')?;
//!         input.expect(b'1')?;
//!         Ok(Break(()))
//!     }
//!
//!     fn reset(&mut self) {}
//! }
//!
//! let harness = Harness::new(testing::no_events).parser("-1", || Parser::new(MinusOne));
//! let violation = harness.check(b"-1").unwrap_err();
//! assert_eq!(violation.law(), Law::Status);
//! assert_eq!(violation.cutting().cuts(), [1]);
//! assert_eq!(
//!     violation.to_string(),
//!     r#"-1 breaks a law: the status is the same for every cutting
//!   input:    b"-1"
//!   fed:      2 of 2 bytes, cut at 1, then finished
//!   seed:     0
//!   expected: Success
//!   found:    BadInput"#
//! );
//! ```
//!
//! # What is checked
//! Every [`Law`]. The parser is first run on the input in one chunk, and this outcome is expected
//! from new parsers that are run
//!
//! * with every 2-way cut, in single bytes, in single bytes with empty chunks between them, in chunks
//!   of 2 to 8 bytes in every phase (so that each pair and each triple of adjacent bytes is once a chunk
//!   of its own), and with 64 random cuttings, each with and without a sink;
//! * character by character, and through pointers;
//! * with a sink that pauses after every event, and with 16 that pause after random ones, on the
//!   whole input and on random cuttings: a pause is a cut;
//! * with a sink that comes after the first chunk, for every length of that chunk;
//! * after an earlier use that fed any prefix, called `finish` or not, and ended with a reset.
//!
//! After each chunk of all these runs, status, `has_begun` and events so far have to be those that another cutting
//! of the same prefix has shown: a parser is prompt.
//!
//! Every prefix is also an input of its own: it is fed whole and in single bytes (of a long one,
//! only the last 256 are), and finished. Several parsers have to agree on every prefix: on what they
//! report before the end, at it, and on the output. One that reports late is added as
//! [`deferred`](Harness::deferred), and compared where it succeeds.
//!
//! A success has to come with the last byte of its value, neither in sight of the next nor after
//! it: give inputs with bytes behind the value. 32 other bytes are tried in place of the last. What a
//! parser does otherwise on purpose is [declared](Harness#declarations). Work at depth is checked by
//! [`Harness::check_depth`], on values that the caller makes.
//!
//! Some laws need no second run, so a parser that waits without consuming is reported as well. Only a
//! call that does not return can block the harness.
//!
//! # Foreign parsers
//! A parser that keeps no offsets, and does not implement [`PushParser`](crate::PushParser), is checked
//! by [`Harness::foreign`]: verdict and events have to be the same for every cutting, and those of the
//! other parsers of the harness.
//!
//! # What it costs
//! About 12 runs for each byte of an input of up to 4,096 bytes, of which every 2-way cut is tried, and
//! 1,024 prefixes, spread evenly. The time for a longer input is linear: positions are sampled so that
//! no more bytes are fed for them, and at least 64 are tried; chunks of 64 bytes, in every phase, cut
//! it at each position. The [`Report`] has the numbers. Memory is linear. [`Harness::budget`] limits
//! the time, and [`Harness::progress`] follows it.
//!
//! # Limits
//! A parser that is wrong in the same way for every cutting keeps the law: add a second parser. So does
//! one that takes a certain byte behind its value, as if that byte ended it.
//! With `panic = "abort"` the first panic ends the program.
//!
#![cfg_attr(all(feature = "combinator", feature = "codec"), doc = "[`guide`]: guide")]
#![cfg_attr(not(all(feature = "combinator", feature = "codec")), doc = "[`guide`]: crate#features")]

mod agreement;
mod alone;
mod budget;
mod candidate;
mod check;
mod cuttings;
mod declared;
mod depth;
mod ends;
mod excerpt;
#[cfg(all(feature = "combinator", feature = "codec"))]
pub mod guide;
mod harness;
mod law;
mod log;
mod loose;
mod outcome;
mod random;
mod report;
mod run;
mod scenario;
mod seen;
mod shrink;
mod subject;
mod violation;
mod work;

pub use crate::scan::kernel::Kernel;
pub use budget::Checking;
pub use cuttings::Cutting;
pub use depth::{CheckedDepth, DepthReport};
pub use harness::{Harness, no_events};
pub use law::Law;
pub use log::Log;
pub use report::{Checked, Report};
pub use subject::Recorder;
pub use violation::Violation;
pub use work::Work;
