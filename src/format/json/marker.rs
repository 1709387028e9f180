//! The two types of events: with and without spans.

use core::ops::Range;

use super::Event;
use crate::parser::Events;

/// The events of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Json {}

impl Events for Json {
    type Event<'a> = Event<'a>;
}

/// The events of JSON, each with the span of its bytes in the input.
///
/// The spans of a text's pieces follow one another without a gap. The first begins with the opening
/// quote, and the last ends after the closing one; that of a number that a chunk has cut may be empty.
/// So a value spans from the start of its first event to the end of its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located {}

impl Events for Located {
    type Event<'a> = (Event<'a>, Range<u64>);
}

/// [`Json`] or [`Located`].
pub trait Marker: sealed::Marker {}

impl<M: sealed::Marker> Marker for M {}

pub(super) mod sealed {
    use core::ops::Range;

    use super::{Event, Events, Json, Located};

    pub trait Marker: Events {
        fn event(event: Event<'_>, span: Range<u64>) -> Self::Event<'_>;
    }

    impl Marker for Json {
        #[inline(always)]
        fn event(event: Event<'_>, _: Range<u64>) -> Event<'_> {
            event
        }
    }

    impl Marker for Located {
        #[inline(always)]
        fn event(event: Event<'_>, span: Range<u64>) -> (Event<'_>, Range<u64>) {
            (event, span)
        }
    }
}
