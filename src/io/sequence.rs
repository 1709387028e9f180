//! The rules of a stream of values, which every driver shares. They know nothing of where the bytes
//! come from: a driver tells what has come, and is told what came of it.

use std::io;

use crate::error::{Error, ErrorKind};
use crate::io::ReadError;
use crate::parser::{Progress, PushParser, Status};

/// A parser that reads one value after the other, and the end of them.
#[derive(Debug)]
pub(super) struct Sequence<P> {
    parser: P,
    /// Set when there are no more values: `Err` after bad input, which stays bad.
    end: Option<Result<(), Error>>,
}

/// The result of a read of a driver: an error of the source, a value or an error in it, or the end.
pub(super) type Read<T> = io::Result<Option<Result<T, Error>>>;

impl<P> Sequence<P> {
    pub(super) fn parser(&self) -> &P {
        &self.parser
    }

    pub(super) fn into_parser(self) -> P {
        self.parser
    }

    /// Returns true if a driver has nothing more to read.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }
}

impl<P: PushParser> Sequence<P> {
    /// A parser in the middle of a value goes on with it, and one that has ended with the next value.
    pub(super) fn new(mut parser: P) -> Self {
        begin(&mut parser);
        Self { parser, end: None }
    }

    /// Parses the chunk up to the end of the value, and returns the number of bytes that are used up,
    /// and the value, or why there is none. `None` means that the chunk is used up and the value goes on.
    ///
    /// After bad input, every call returns the same error. After the end of the input, more of it is read
    /// as the next value.
    pub(super) fn handle_chunk(
        &mut self,
        chunk: &[u8],
    ) -> (usize, Option<Result<P::Output, Error>>) {
        match self.end {
            Some(Err(error)) => return (0, Some(Err(error))),
            Some(Ok(())) => begin(&mut self.parser),
            None => {}
        }
        self.end = None;
        let Progress { consumed, status } = self.parser.feed(chunk);
        let result = match status {
            Status::NeedMoreInput => return (consumed, None),
            Status::Success if self.parser.has_begun() => {
                let output = self.parser.take_output();
                self.parser.next_value();
                Ok(output.expect("a parser that has succeeded has an output"))
            }
            // There would be no end of them.
            Status::Success => Err(Error::new(ErrorKind::NoProgress, self.parser.offset())),
            Status::BadInput => Err(*self.parser.error().expect("bad input has an error")),
        };
        self.end = result.as_ref().err().map(|error| Err(*error));
        (consumed, Some(result))
    }

    /// Ends the input, and returns the last value, or the error, if there is either.
    ///
    /// Between values that is the end of the sequence. In the middle of one the parser decides: it makes a
    /// value of it, refuses it, or discards it.
    pub(super) fn handle_end(&mut self) -> Option<Result<P::Output, Error>> {
        if self.end.is_none() {
            let begun = self.parser.has_begun();
            self.end = Some(if begun { self.parser.finish() } else { Ok(()) });
            if begun && self.end == Some(Ok(())) {
                return self.parser.take_output().map(Ok);
            }
        }
        self.end.and_then(Result::err).map(Err)
    }

    /// Makes the item of a stream of what a driver has read.
    pub(super) fn handle_read(
        &mut self,
        read: Read<P::Output>,
    ) -> Option<Result<P::Output, ReadError>> {
        let result = match read {
            Ok(Some(result)) => Some(result),
            Ok(None) => self.handle_end(),
            Err(error) => return Some(Err(error.into())),
        };
        result.map(|result| result.map_err(ReadError::Parse))
    }
}

/// Begins the next value, unless one is under way.
fn begin(parser: &mut impl PushParser) {
    if parser.status() != Status::NeedMoreInput {
        parser.next_value();
    }
}
