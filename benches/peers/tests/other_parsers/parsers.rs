//! The parsers, each fed as its documentation says.
//!
//! Most of them go on after an error, with the next line or the next item of a stream. Such an error is recorded
//! like an event, and the parser is fed on. For json-event-parser an error is the end.

use std::fmt::{Debug, Display};

use bytes::BytesMut;
use csv_core::ReadFieldResult::{End, Field, InputEmpty, OutputFull};
use csv_core::Reader;
use eventsource_stream::Eventsource;
use futures_util::stream::{Stream, StreamExt};
use json_event_parser::{JsonEvent, LowLevelJsonParser};
use pushdown::Status::{self, BadInput, NeedMoreInput, Success};
use pushdown::testing::{Harness, Log, Report, Violation};
use sse_stream::SseStream;
use sse_stream_0_3::SseByteStream;
use tokio_util::codec::{Decoder, LinesCodec};
use vte::{Params, Perform};

use crate::streams::{self, Chunks, Items};

/// Runs the harness with a parser on an input.
pub type Check = fn(&[u8]) -> Result<Report, Violation>;

/// Adds the parser to a harness of its own. `feed` is that of [`Harness::foreign`].
pub fn check<P>(
    input: &[u8],
    make: impl Fn() -> P,
    feed: impl Fn(&mut P, Option<&[u8]>, &mut Log) -> Status + Copy,
) -> Result<Report, Violation> {
    Harness::new(pushdown::testing::no_events).foreign("parser", make, feed).check(input)
}

/// Reads fields. The pieces of one that is cut are joined, and an empty chunk is given at the end alone.
pub fn csv_core(input: &[u8]) -> Result<Report, Violation> {
    check(input, Reader::new, |reader, chunk, log| {
        let (mut rest, mut buffer) = (chunk.unwrap_or_default(), [0; 64]);
        while !rest.is_empty() || chunk.is_none() {
            let (result, read, written) = reader.read_field(rest, &mut buffer);
            rest = &rest[read..];
            if written > 0 {
                log.text(&buffer[..written]);
            }
            match result {
                Field { record_end } => log.event(if record_end { "record" } else { "field" }),
                InputEmpty | OutputFull => {}
                End => return Success,
            }
        }
        NeedMoreInput
    })
}

/// Decodes lines without a limit.
pub fn lines(input: &[u8]) -> Result<Report, Violation> {
    lines_of(LinesCodec::new, input)
}

/// Decodes lines with a limit, which the documentation recommends.
pub fn limited_lines(input: &[u8]) -> Result<Report, Violation> {
    lines_of(|| LinesCodec::new_with_max_length(2), input)
}

/// Takes all lines from the buffer, as tokio-util's `FramedRead` does.
fn lines_of(codec: fn() -> LinesCodec, input: &[u8]) -> Result<Report, Violation> {
    let make = || (codec(), BytesMut::new());
    check(input, make, |(codec, buffer), chunk, log| {
        buffer.extend_from_slice(chunk.unwrap_or_default());
        loop {
            let line = match chunk {
                Some(_) => codec.decode(buffer),
                None => codec.decode_eof(buffer),
            };
            match line {
                Ok(Some(line)) => log.event(format_args!("{line:?}")),
                Ok(None) if chunk.is_none() => return Success,
                Ok(None) => return NeedMoreInput,
                Err(error) => log.event(error),
            }
        }
    })
}

/// Parses without a reader. The parser gets all bytes that it has not consumed.
pub fn json_event_parser(input: &[u8]) -> Result<Report, Violation> {
    check(input, <(LowLevelJsonParser, Vec<u8>)>::default, |(parser, buffer), chunk, log| {
        buffer.extend(chunk.unwrap_or_default());
        loop {
            let result = parser.parse_next(buffer, chunk.is_none());
            let consumed = result.consumed_bytes;
            match result.event {
                Some(Ok(JsonEvent::Eof)) => return Success,
                Some(Ok(event)) => log.event(format_args!("{event:?}")),
                Some(Err(error)) => {
                    log.event(error);
                    return BadInput;
                }
                None => {
                    buffer.drain(..consumed);
                    return NeedMoreInput;
                }
            }
            buffer.drain(..consumed);
        }
    })
}

/// Records the actions that vte's example `parselog` prints.
pub fn vte(input: &[u8]) -> Result<Report, Violation> {
    check(input, vte::Parser::new, |parser, chunk, log| match chunk {
        Some(chunk) => {
            parser.advance(&mut Actions(log), chunk);
            NeedMoreInput
        }
        None => Success,
    })
}

struct Actions<'l>(&'l mut Log);

impl Perform for Actions<'_> {
    fn print(&mut self, c: char) {
        self.0.event(format_args!("print {c:?}"));
    }

    fn execute(&mut self, byte: u8) {
        self.0.event(format_args!("execute {byte:02x}"));
    }

    fn hook(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.0.event(format_args!("hook {params:?} {intermediates:?} {ignore} {action:?}"));
    }

    fn put(&mut self, byte: u8) {
        self.0.event(format_args!("put {byte:02x}"));
    }

    fn unhook(&mut self) {
        self.0.event("unhook");
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], bell_terminated: bool) {
        self.0.event(format_args!("osc {params:?} {bell_terminated}"));
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.0.event(format_args!("csi {params:?} {intermediates:?} {ignore} {action:?}"));
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], ignore: bool, byte: u8) {
        self.0.event(format_args!("esc {intermediates:?} {ignore} {byte:02x}"));
    }
}

/// Reads the messages of a stream of chunks.
pub fn eventsource_stream(input: &[u8]) -> Result<Report, Violation> {
    streams::check(input, eventsource_stream_items)
}

/// Reads the messages of a stream of chunks.
pub fn sse_stream(input: &[u8]) -> Result<Report, Violation> {
    streams::check(input, sse_stream_items)
}

/// Reads the messages of a stream of chunks.
pub fn sse_stream_0_3(input: &[u8]) -> Result<Report, Violation> {
    streams::check(input, |chunks| shown(SseByteStream::new(chunks)))
}

/// The messages and errors of eventsource-stream.
pub fn eventsource_stream_items(chunks: Chunks) -> Items {
    shown(chunks.eventsource())
}

/// The messages and errors of sse-stream.
pub fn sse_stream_items(chunks: Chunks) -> Items {
    shown(SseStream::from_bytes_stream(chunks))
}

fn shown<M: Debug, E: Display>(items: impl Stream<Item = Result<M, E>> + 'static) -> Items {
    Box::pin(items.map(|item| match item {
        Ok(message) => format!("{message:?}"),
        Err(error) => error.to_string(),
    }))
}
