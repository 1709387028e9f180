//! Lines from a socket, cut into any pieces.

use std::error::Error;
use std::fmt;
use std::io;

use pushdown::engine::stackless::{DynTask, Input, Parser};
use pushdown::{End, ErrorKind, Failure, PushParser, Status};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;

/// The longest line in bytes, which bounds the memory for a client that sends a line without an end.
pub(crate) const LONGEST: usize = 8 << 10;

/// Why a line cannot be read.
#[derive(Debug)]
pub(crate) enum LineError {
    NotUtf8,
    /// No line follows: the start of the next one is not known.
    TooLong,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("the line is not UTF-8"),
            Self::TooLong => write!(f, "the line has more than {LONGEST} bytes"),
        }
    }
}

impl Error for LineError {}

/// The body of the parser: state as code. The last line needs no line end.
async fn line(input: &mut Input<'_>) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    loop {
        match input.next().await {
            Ok(b'\n') => return Ok(Some(line)),
            Ok(_) if line.len() == LONGEST => return Err(input.fail(ErrorKind::TooLong)),
            Ok(byte) => line.push(byte),
            Err(End::Finished) => return Ok((!line.is_empty()).then_some(line)),
            Err(end) => return Err(end.into()),
        }
    }
}

/// The reading half of a connection.
pub(crate) struct Lines {
    socket: BufReader<OwnedReadHalf>,
    parser: Parser<dyn DynTask<Events = (), Output = Option<Vec<u8>>> + Send>,
}

impl Lines {
    pub(crate) fn new(socket: OwnedReadHalf) -> Self {
        Self { socket: BufReader::new(socket), parser: Parser::new(line).erase() }
    }

    /// Reads the next line, without its `\n` or `\r\n`, or `None` after the last. If the future is
    /// dropped, nothing is lost: the parser keeps what it was fed.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Result<String, LineError>>> {
        // The parser has ended only if the previous line was too long. Otherwise it was reset.
        if self.parser.status() == Status::BadInput {
            return Ok(None);
        }
        while self.parser.status() == Status::NeedMoreInput {
            let chunk = self.socket.fill_buf().await?;
            if chunk.is_empty() {
                self.parser.finish().expect("the end of the input ends a line");
                break;
            }
            let progress = self.parser.feed(chunk);
            self.socket.consume(progress.consumed);
        }
        if self.parser.status() == Status::BadInput {
            return Ok(Some(Err(LineError::TooLong)));
        }
        let Some(mut line) = self.parser.take_output().flatten() else { return Ok(None) };
        self.parser.reset();
        line.pop_if(|byte| *byte == b'\r');
        Ok(Some(String::from_utf8(line).map_err(|_| LineError::NotUtf8)))
    }

    /// Returns the socket, for reading that is not by lines.
    pub(crate) fn into_inner(self) -> BufReader<OwnedReadHalf> {
        self.socket
    }
}
