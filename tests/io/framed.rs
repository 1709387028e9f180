//! Streams of values from an `AsyncRead`, which gives its bytes in pieces cut anywhere.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use pushdown::engine::stackless::{DynTask, Input, Parser};
use pushdown::io::ReadError;
use pushdown::io::framed::Reader;
use pushdown::{End, Error, ErrorKind, Failure};
use tokio::io::{AsyncRead, ReadBuf};

/// A reader that gives one piece a call.
struct Pieces<'i>(std::vec::IntoIter<&'i [u8]>);

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffer.put_slice(self.0.find(|piece| !piece.is_empty()).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

/// The values of a stream, and the error that ends it.
type Values = (Vec<u32>, Option<Error>);

fn read<P>(pieces: Vec<&[u8]>, parser: Parser<P>) -> Values
where
    P: DynTask<Events = (), Output = u32> + Send + 'static,
{
    let mut reader = pin!(Reader::new(Pieces(pieces.into_iter()), parser));
    let mut next = move || {
        let read = pin!(poll_fn(|cx| reader.as_mut().poll_next(cx)));
        match read.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("the pieces are always ready"),
        }
    };
    let mut values = Vec::new();
    let error = loop {
        match next() {
            Some(Ok(value)) => values.push(value),
            Some(Err(ReadError::Parse(error))) => break Some(error),
            Some(Err(ReadError::Io(error))) => panic!("{error}"),
            None => break None,
        }
        assert!(values.len() < 100, "the stream has no end");
    };
    assert!(next().is_none(), "the end is the last item");
    (values, error)
}

/// Asserts that the stream has these values and this end, however it is cut.
fn check<P>(parser: impl Fn() -> Parser<P>, input: &[u8], values: &[u32], error: Option<Error>)
where
    P: DynTask<Events = (), Output = u32> + Send + 'static,
{
    let expected = (values.to_vec(), error);
    for cut in 0..=input.len() {
        let (first, second) = input.split_at(cut);
        assert_eq!(read(vec![first, second], parser()), expected, "cut at {cut}");
    }
    assert_eq!(read(input.chunks(1).collect(), parser()), expected, "single bytes");
}

/// The digits there are, perhaps none.
async fn digits(input: &mut Input<'_>) -> Result<u32, Failure> {
    let mut value = 0;
    loop {
        match input.next_if(|byte| byte.is_ascii_digit()).await {
            Ok(Some(digit)) => value = 10 * value + u32::from(digit - b'0'),
            Ok(None) | Err(End::Finished) => return Ok(value),
            Err(end) => return Err(end.into()),
        }
    }
}

/// A number and its semicolon, after spaces.
async fn number(input: &mut Input<'_>) -> Result<u32, Failure> {
    input.skip_between(|byte| byte == b' ').await?;
    let value = digits(input).await?;
    input.expect(b';').await?;
    Ok(value)
}

#[test]
fn a_value_of_no_bytes_is_an_error_and_not_an_endless_stream() {
    let nothing = || Parser::new(async |_: &mut Input<'_>| Ok(7));
    check(nothing, b"", &[], None);
    check(nothing, b"x", &[], Some(Error::new(ErrorKind::NoProgress, 0)));

    let digits = || Parser::new(digits);
    check(digits, b"12x", &[12], Some(Error::new(ErrorKind::NoProgress, 2)));
    check(digits, b"x12", &[], Some(Error::new(ErrorKind::NoProgress, 0)));
}

#[test]
fn the_end_of_the_reader_may_end_a_value() {
    check(|| Parser::new(digits), b"12", &[12], None);
}

#[test]
fn a_stream_may_end_between_values_and_what_is_skipped_there() {
    let number = || Parser::new(number);
    check(number, b"", &[], None);
    check(number, b"  ", &[], None);
    check(number, b"1; 2;", &[1, 2], None);
    check(number, b" 1;2;   ", &[1, 2], None);
    check(number, b"1; 23", &[1], Some(Error::new(ErrorKind::UnexpectedEnd, 5)));
    check(number, b"1; x;", &[1], Some(Error::new(ErrorKind::UnexpectedByte, 3)));
}
