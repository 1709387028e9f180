//! The operations of a task, whatever its body.

#[cfg(feature = "debug")]
use core::panic::Location;
use core::pin::Pin;

use crate::error::Error;
use crate::parser::{EventSink, Events, Progress, State};
#[cfg(doc)]
use crate::parser::{PushParser, Status};

/// The operations of a pinned [`Task`](super::Task), whatever its body: a trait object erases the body's type.
pub trait DynTask: sealed::Sealed {
    /// The events that the body emits.
    type Events: Events;
    /// The value's output.
    type Output;

    /// As [`PushParser::feed`] and [`PushParser::feed_dyn`].
    fn feed(
        self: Pin<&mut Self>,
        chunk: &[u8],
        sink: Option<&mut EventSink<'_, Self::Events>>,
    ) -> Progress;

    /// As [`PushParser::finish`] and [`PushParser::finish_dyn`].
    ///
    /// # Errors
    /// As [`PushParser::finish`].
    fn finish(
        self: Pin<&mut Self>,
        sink: Option<&mut EventSink<'_, Self::Events>>,
    ) -> Result<(), Error>;

    /// As [`PushParser::state`].
    fn state(&self) -> &State;

    /// As [`PushParser::reset_at`].
    fn reset_at(self: Pin<&mut Self>, offset: u64);

    /// Takes the value's output; `Some` once after [`Status::Success`].
    fn take_output(self: Pin<&mut Self>) -> Option<Self::Output>;

    /// The line of the read that the body waits in, half-way through a value.
    #[cfg(feature = "debug")]
    fn waits_at(&self) -> Option<&'static Location<'static>>;
}

pub(super) mod sealed {
    pub trait Sealed {
        #[cfg(feature = "testing")]
        fn work(&self) -> u64;
        #[cfg(feature = "testing")]
        fn steps(&self) -> u64;
    }
}
