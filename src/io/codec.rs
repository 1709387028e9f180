//! A parser as a `Decoder` of tokio-util, for `FramedRead` and `Framed`.
//!
//! ```
//! use pushdown::{io::codec::Codec, json::Raw};
//! use tokio_util::codec::FramedRead;
//!
//! fn framed<R: tokio::io::AsyncRead>(socket: R) -> FramedRead<R, Codec<Raw>> {
//!     FramedRead::new(socket, Codec::new(Raw::new()))
//! }
//! # let _ = framed(&b""[..]);
//! ```

use tokio_util::bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;

use crate::io::ReadError;
use crate::io::sequence::Sequence;
use crate::parser::PushParser;

/// Decodes the values that a parser finds in a buffer, one after the other. Where they end is [described
/// here](crate::io#streams-of-values).
///
/// Bytes that a value uses are taken out of the buffer at once, also before the value is whole: the buffer holds
/// what follows the last value, and nothing else.
///
/// ```
/// use pushdown::{io::codec::Codec, json::Raw};
/// use tokio_util::bytes::BytesMut;
/// use tokio_util::codec::Decoder;
///
/// let mut codec = Codec::new(Raw::new());
/// let mut buffer = BytesMut::from(&b"[1, 2] tr"[..]);
/// assert_eq!(codec.decode(&mut buffer)?.as_deref(), Some("[1, 2]"));
/// assert_eq!(codec.decode(&mut buffer)?, None);
/// assert!(buffer.is_empty());
///
/// buffer.extend_from_slice(b"ue!");
/// assert_eq!(codec.decode(&mut buffer)?.as_deref(), Some("true"));
/// assert_eq!(codec.decode(&mut buffer).unwrap_err().to_string(), "unexpected byte at offset 11");
/// assert_eq!(&buffer[..], b"!");
/// # Ok::<(), pushdown::io::ReadError>(())
/// ```
///
/// # Errors
/// After bad input the buffer begins with the offending byte, and every further call returns the same error.
/// A `FramedRead` ends with it: it gives the error, and then `None`. To go on, make a codec of the parser
/// that [`into_parts`](Self::into_parts) returns; `FramedRead::map_decoder` does so in place, but decodes what
/// is in the buffer only after another read.
///
/// # The end
/// In the middle of a value the parser decides, in `decode_eof`. A `FramedRead` whose reader has more after
/// its end, such as a file that grows, goes on with the next value.
#[derive(Debug)]
pub struct Codec<P> {
    sequence: Sequence<P>,
}

impl<P> Codec<P> {
    /// The parser, whose offset counts the bytes taken out of the buffer.
    pub fn parser(&self) -> &P {
        self.sequence.parser()
    }

    /// Returns the parser. What it has not read is in the buffer.
    pub fn into_parts(self) -> P {
        self.sequence.into_parser()
    }
}

impl<P: PushParser> Codec<P> {
    /// Creates a codec. A parser in the middle of a value goes on with it, and one that has ended with the
    /// next value.
    pub fn new(parser: P) -> Self {
        Self { sequence: Sequence::new(parser) }
    }
}

impl<P: PushParser> Decoder for Codec<P> {
    type Item = P::Output;
    type Error = ReadError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<P::Output>, ReadError> {
        let (consumed, result) = self.sequence.handle_chunk(buffer);
        buffer.advance(consumed);
        Ok(result.transpose()?)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<P::Output>, ReadError> {
        match self.decode(buffer)? {
            Some(value) => Ok(Some(value)),
            None => Ok(self.sequence.handle_end().transpose()?),
        }
    }
}
