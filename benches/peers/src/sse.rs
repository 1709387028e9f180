//! Readers of event streams: whole messages from chunks that are there already.
//!
//! | reader | allocates for a message | leaves out |
//! |---|---|---|
//! | `machine-messages`, ours | its data, and type and `id` if it has them | |
//! | `machine-lent`, ours | nothing | messages that outlive the call of the sink |
//! | `machine`, `coroutine`, `stackless`, `generator`, ours | nothing | whole messages: fields are lent in pieces |
//! | eventsource-stream | data, growing; type, `id` twice; for each line all of the chunk that is left | what is not UTF-8 is an error; keeps the last `id` for every message |
//! | sse-stream | data, growing for each line; type, `id` | what is not UTF-8 is an error, and so is a field that comes twice; its type and data are optional |
//!
//! All check UTF-8 once.
//!
//! The two peers are streams over a stream of chunks, which is polled without an executor and is always ready.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures_util::stream::{self, Stream};
use pushdown::PushParser;
use pushdown::sse::{
    Coroutine, Event, Field, Generator, LentMessages, Machine, Messages, Sse, Stackless,
};
use sse_stream::SseStream;

/// The number of messages, and of the bytes of their data.
pub type Counts = (usize, usize);

/// Reads a stream that comes in chunks.
pub type Reader = fn(&[Bytes]) -> Counts;

/// Every reader.
pub const READERS: [(&str, Reader); 8] = [
    ("machine", |chunks| events(Machine::new(), chunks)),
    ("coroutine", |chunks| events(Coroutine::new(), chunks)),
    ("stackless", |chunks| events(Stackless::new(), chunks)),
    ("generator", |chunks| events(Generator::new(), chunks)),
    ("machine-lent", lent),
    ("machine-messages", messages),
    ("peer-eventsource-stream", eventsource_stream),
    ("peer-sse-stream", sse_stream),
];

fn events(mut parser: impl PushParser<Events = Sse>, chunks: &[Bytes]) -> Counts {
    let (mut messages, mut bytes, mut lines) = (0, 0, 0);
    for chunk in chunks {
        let _ = parser.feed_with(chunk, |event| match event {
            Event::Field { name: Field::Data, value } => {
                bytes += value.text.len();
                lines += usize::from(!value.more);
            }
            Event::Field { .. } | Event::Discard => {}
            Event::Dispatch => messages += 1,
        });
    }
    (messages, bytes + lines - messages)
}

fn lent(chunks: &[Bytes]) -> Counts {
    let (mut parser, mut counts) = (LentMessages::new(), (0, 0));
    for chunk in chunks {
        let _ = parser.feed_with(chunk, |message| {
            counts = (counts.0 + 1, counts.1 + message.data.len());
        });
    }
    counts
}

fn messages(chunks: &[Bytes]) -> Counts {
    let (mut parser, mut counts) = (Messages::new(), (0, 0));
    for mut chunk in chunks.iter().map(|chunk| &chunk[..]) {
        loop {
            let progress = parser.feed(chunk);
            chunk = &chunk[progress.consumed..];
            let Some(message) = parser.take_output() else { break };
            counts = (counts.0 + 1, counts.1 + message.data.len());
            parser.next_value();
        }
    }
    counts
}

fn eventsource_stream(chunks: &[Bytes]) -> Counts {
    count(ready(chunks).eventsource(), |message| message.expect("a message").data.len())
}

fn sse_stream(chunks: &[Bytes]) -> Counts {
    let stream = SseStream::from_bytes_stream(ready(chunks));
    count(stream, |message| message.expect("a message").data.map_or(0, |data| data.len()))
}

fn ready(chunks: &[Bytes]) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(chunks.iter().cloned().map(Ok))
}

/// Polls a stream to its end.
fn count<S: Stream>(stream: S, data: impl Fn(S::Item) -> usize) -> Counts {
    let (mut stream, mut counts) = (pin!(stream), (0, 0));
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(message)) = stream.as_mut().poll_next(&mut context) {
        counts = (counts.0 + 1, counts.1 + data(message));
    }
    counts
}
