//! A format of your own, netstrings, written in three ways, each tested against the law and the
//! others.
//!
//! A netstring is its length in decimal, a colon, its content and a comma: `5:hello,`.
//!
//! ```text
//! $ cargo run -q --features testing --example own_format
//! "5:hello,": 3 parsers agree in 867 runs
//! "0:,": 3 parsers agree in 651 runs
//! "3:a:b,1:c,": 3 parsers agree in 924 runs
//! "5:hello;": 3 parsers agree in 867 runs
//! "05:hello,": 3 parsers agree in 849 runs
//! ":,": 3 parsers agree in 618 runs
//! "10000:a": 3 parsers agree in 783 runs
//! "": 3 parsers agree in 552 runs
//! ```

use core::ops::ControlFlow::{self, Break, Continue};

use pushdown::engine::{coroutine, machine, stackless};
use pushdown::events::Bytes;
use pushdown::testing::{Harness, Log, Violation};
use pushdown::{ErrorKind, Failure};

/// The most bytes of content.
const LONGEST: usize = 9999;

/// Returns the length with one more digit. Leading zeros are errors.
fn longer(len: Option<usize>, digit: u8) -> Result<usize, ErrorKind> {
    if !digit.is_ascii_digit() || len == Some(0) {
        return Err(ErrorKind::UnexpectedByte);
    }
    let len = 10 * len.unwrap_or(0) + usize::from(digit - b'0');
    if len > LONGEST { Err(ErrorKind::TooLong) } else { Ok(len) }
}

/// State as data.
#[derive(Clone, Copy)]
enum Machine {
    /// Before the colon: the length so far.
    Length(Option<usize>),
    /// After the colon: the bytes of content still missing.
    Content(usize),
}

impl machine::Machine for Machine {
    type Events = Bytes;
    type Output = ();

    fn step(&mut self, input: &mut machine::Input<'_, Bytes>) -> Result<ControlFlow<()>, Failure> {
        *self = match *self {
            Self::Length(len) => match (input.next()?, len) {
                (b':', Some(len)) => Self::Content(len),
                (digit, len) => match longer(len, digit) {
                    Ok(len) => Self::Length(Some(len)),
                    Err(kind) => return Err(input.fail(kind)),
                },
            },
            Self::Content(0) => return input.expect(b',').map(Break),
            Self::Content(left) => Self::Content(left - input.take_text(left, |piece| piece)?),
        };
        Ok(Continue(()))
    }

    fn reset(&mut self) {
        *self = Self::Length(None);
    }
}

/// State as code, on a stack.
fn netstring(input: &mut coroutine::Input<'_, Bytes>) -> Result<(), Failure> {
    let mut digits = None;
    let mut left = loop {
        match (input.next()?, digits) {
            (b':', Some(len)) => break len,
            (digit, len) => {
                digits = Some(longer(len, digit).map_err(|kind| input.fail(kind))?);
            }
        }
    };
    while left > 0 {
        left -= input.take_text(left, |piece| piece)?;
    }
    input.expect(b',')
}

/// State as code, in a future: the same with `.await`.
async fn netstring_async(input: &mut stackless::Input<'_, Bytes>) -> Result<(), Failure> {
    let mut digits = None;
    let mut left = loop {
        match (input.next().await?, digits) {
            (b':', Some(len)) => break len,
            (digit, len) => {
                digits = Some(longer(len, digit).map_err(|kind| input.fail(kind))?);
            }
        }
    };
    while left > 0 {
        left -= input.take_text(left, |piece| piece).await?;
    }
    input.expect(b',').await
}

fn main() -> Result<(), Violation> {
    let harness = Harness::new(|log: &mut Log, content: &[u8]| log.text(content))
        .with_work("machine", || machine::Parser::new(Machine::Length(None)))
        .with_work("coroutine", || coroutine::Parser::new(netstring))
        .with_work("stackless", || stackless::Parser::new(netstring_async));
    for input in ["5:hello,", "0:,", "3:a:b,1:c,", "5:hello;", "05:hello,", ":,", "10000:a", ""] {
        let report = harness.check(input.as_bytes())?;
        let runs: u64 = report.parsers.iter().map(|parser| parser.runs).sum();
        println!("{input:?}: {} parsers agree in {runs} runs", report.parsers.len());
    }
    Ok(())
}
