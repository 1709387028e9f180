//! The messages that [`Messages`](super::Messages) makes, and those that [`LentMessages`](super::LentMessages) lends.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::parser::Events;

/// A message of an event stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// The type: `message`, unless the stream names another.
    pub event: Cow<'static, str>,
    /// The `data` fields, with line feeds between them.
    pub data: String,
    /// The `id`, if the stream has sent one since the message before. It may be empty: then there is none
    /// to go on from after a reconnection.
    pub id: Option<String>,
    /// Milliseconds before a reconnection, if the stream has said so since the message before.
    pub retry: Option<u64>,
}

/// A message that is lent. Its fields are those of a [`Message`], into which it converts.
///
/// They are slices of the chunk, unless a chunk has cut them or the data have more than one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageRef<'a> {
    /// The type: `message`, unless the stream names another.
    pub event: &'a str,
    /// The `data` fields, with line feeds between them.
    pub data: &'a str,
    /// The `id`, if the stream has sent one since the message before.
    pub id: Option<&'a str>,
    /// Milliseconds before a reconnection, if the stream has said so since the message before.
    pub retry: Option<u64>,
}

/// The type of a message whose stream names none.
pub(super) const DEFAULT_EVENT: &str = "message";

/// Makes the type of a message, without an allocation for the common one.
#[inline]
pub(super) fn event_type(event: &str) -> Cow<'static, str> {
    match event {
        DEFAULT_EVENT => Cow::Borrowed(DEFAULT_EVENT),
        event => Cow::Owned(event.into()),
    }
}

impl From<MessageRef<'_>> for Message {
    fn from(MessageRef { event, data, id, retry }: MessageRef<'_>) -> Self {
        Self { event: event_type(event), data: data.into(), id: id.map(Into::into), retry }
    }
}

/// The event type of [`LentMessages`](super::LentMessages), for [`PushParser::Events`](crate::PushParser::Events).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lent {}

impl Events for Lent {
    type Event<'a> = MessageRef<'a>;
}
