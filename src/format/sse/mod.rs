//! Server-sent events: the event stream of the HTML standard (section 9.2), from input that arrives in
//! pieces.
//!
//! ```
//! use pushdown::{PushParser, sse::Messages};
//!
//! let mut messages = Vec::<(String, String)>::new();
//! let mut parser = Messages::new();
//! for mut chunk in [&b"event: add\ndata: caf\xc3"[..], b"\xa9\n\ndata: 73", b"857\r\r"] {
//!     loop {
//!         let progress = parser.feed(chunk);
//!         chunk = &chunk[progress.consumed..];
//!         let Some(message) = parser.take_output() else { break };
//!         messages.push((message.event.into(), message.data));
//!         parser.next_value();
//!     }
//! }
//! assert_eq!(messages[0], ("add".to_string(), "café".to_string()));
//! assert_eq!(messages[1], ("message".to_string(), "73857".to_string()));
//! ```
//!
//! # How to choose
//! * [`Messages`] is a parser of one message, whose output is the [`Message`]: for everything that reads
//!   values one after the other, and for messages that are kept. Each of its texts is an allocation.
//! * [`LentMessages`] lends each message to the sink, as a [`MessageRef`]: for messages that are used where they
//!   arrive. It allocates only for what a chunk cuts.
//!
//! Both hold a message, up to a limit.
//!
//! The others report the fields as [events](Event), in pieces, as they come. They hold nothing but a
//! character that a chunk cuts, and they never succeed: a stream has no end of its own, and `finish` is
//! `Ok` anywhere. They report the same at every cut; take [`Machine`] unless you have a reason not to.
//!
//! | parser | the grammar is | `Send` | `no_std` |
//! |---|---|---|---|
//! | [`Machine`] | an enum, and a step over it | yes | yes |
//! | [`Coroutine`] | functions that call one another | no | no |
//! | [`Stackless`] | `async` functions | yes | with `alloc` |
//! | [`Generator`] | the same `async` functions | no | no |
//!
//! # The grammar
//! ```text
//! stream  = [ EF BB BF ] *block
//! block   = *( comment / field / other ) end           other: a field of another name
//! comment = ":" *any end
//! field   = name [ ":" [ " " ] *any ] end              any: all but CR and LF
//! name    = "event" / "data" / "id" / "retry"          in this very case
//! end     = CR LF / CR / LF
//! ```
//!
//! The places where a chunk may end; "end" is `\n` or `\r`:
//!
//! ```text
//! Start ─┬─ a byte order mark, or none ──► Line
//!        └─ a part of one ──► Ignored
//!
//! Line ─┬─ 'd', 'e', 'i', 'r' ──► Name ─┬─ ':' ──► Colon ── ' ', or any other ──► Value
//!       │                               ├─ end ──► Value, which has ended
//!       │                               └─ a byte of no such name ──► Ignored
//!       ├─ end: Dispatch, Discard or nothing ──► after
//!       └─ any other ──► Ignored
//!
//! Value, Ignored ── end ──► after
//!
//! after ─┬─ '\n' ──► Line
//!        └─ '\r' ──► LineFeed ── '\n', or any other ──► Line
//! ```
//!
//! # Promptness
//! Servers keep connections open between messages, so a message that is late is wrong. A message is
//! reported with the byte that completes it. `\r` ends a line at once; a `\n` right behind it belongs to
//! the same end, in whichever chunk it comes. Of a value, all that has come has been reported when `feed`
//! returns, but for a character that is itself cut. The end of the input adds nothing: a value that it cuts has
//! no last piece, because the standard discards its block.
//!
//! # Text
//! The stream is UTF-8. A byte order mark at offset 0 is no part of it, and U+FFFD stands for what is not
//! UTF-8, as [`Utf8::replacing`](crate::text::Utf8::replacing) has it. So no stream is an error, but for a
//! message that is too long.
//!
//! # Differences from the HTML standard
//! None in what a stream means. Where the standard leaves it to the client:
//! * [`Event`] reports `id` and `retry` as they come. That an `id` with NUL is ignored, and a `retry` that
//!   is not a number, is up to the consumer; the parsers of messages do so.
//! * A `retry` of digits that is too large for 64 bits is [`u64::MAX`]: the standard has no largest number.
//!   An empty one is no number, and is ignored.
//! * Reconnecting, and keeping the last `id` until then, is left to the caller. A message has an `id` if the
//!   stream has sent one since the message before.
//! * A message has at most 1 MiB, or as [`Messages::max_len`] and [`LentMessages::max_len`] say.

#[cfg(feature = "coroutine")]
mod coroutine;
#[cfg(feature = "alloc")]
mod draft;
#[cfg(feature = "generator")]
mod generator;
mod line;
mod machine;
#[cfg(feature = "alloc")]
mod message;
#[cfg(feature = "alloc")]
mod messages;
mod receiver;
#[cfg(feature = "alloc")]
mod stackless;

use crate::parser::Events;
pub use crate::text::Text;
#[cfg(feature = "coroutine")]
pub use coroutine::Coroutine;
#[cfg(feature = "generator")]
pub use generator::Generator;
pub use machine::Machine;
#[cfg(feature = "alloc")]
pub use message::{Lent, Message, MessageRef};
#[cfg(feature = "alloc")]
pub use messages::{LentMessages, Messages};
#[cfg(feature = "alloc")]
pub use stackless::Stackless;

/// The event type of an event stream, for [`PushParser::Events`](crate::PushParser::Events).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sse {}

impl Events for Sse {
    type Event<'a> = Event<'a>;
}

/// An event of an event stream.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::sse::{Event, Field, Machine};
///
/// let (mut data, mut messages) = (String::new(), 0);
/// let mut parser = Machine::new();
/// for chunk in [&b": a comment\ndata: in pi"[..], b"eces\n", b"id: 7\n\n"] {
///     let _ = parser.feed_with(chunk, |event| match event {
///         Event::Field { name: Field::Data, value } => data.push_str(value.text),
///         Event::Field { .. } | Event::Discard => {}
///         Event::Dispatch => messages += 1,
///     });
/// }
/// assert_eq!((data.as_str(), messages), ("in pieces", 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event<'a> {
    /// A piece of the value of a field, decoded, without the space behind the colon.
    Field {
        /// The name of the field.
        name: Field,
        /// The piece.
        value: Text<'a>,
    },
    /// The blank line of a block that has a `data` field: the message is complete.
    Dispatch,
    /// The blank line of a block that has an `event` field and no `data`: the type of the message to come
    /// is not that of this block. An `id` or a `retry` of the block stays.
    Discard,
}

/// The fields that have a meaning. Others, and comments, are not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `event`: the type of the message.
    Event,
    /// `data`: a line of the message.
    Data,
    /// `id`: where to go on after a reconnection.
    Id,
    /// `retry`: the time before a reconnection, in milliseconds.
    Retry,
}
