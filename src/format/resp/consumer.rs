//! The receivers of events.

use super::options::Limits;
use super::{Event, Resp};
use crate::engine::window::{Out, Window};
use crate::parser::Events;

/// The receiver of the events: a sink, or what makes a value of them.
pub(super) trait Consumer {
    /// The events that reach a sink.
    type Events: Events;
    /// The output of a value.
    type Output;

    /// Takes an event that ends at the position of the window.
    fn take<O: Out<Events = Self::Events>>(&mut self, window: &mut Window<'_, O>, event: Event<'_>);

    /// Narrows the limits to the memory that is left. `None` if there is none for a value.
    #[inline(always)]
    fn limits(&self, limits: Limits) -> Option<Limits> {
        Some(limits)
    }

    /// Takes the output, when the outermost value has ended.
    fn output(&mut self) -> Self::Output;

    /// Forgets the last value.
    fn reset(&mut self) {}
}

/// Reports the events to the sink.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report;

impl Consumer for Report {
    type Events = Resp;
    type Output = ();

    #[inline(always)]
    fn take<O: Out<Events = Resp>>(&mut self, window: &mut Window<'_, O>, event: Event<'_>) {
        window.emit(|| event);
    }

    fn output(&mut self) {}
}
