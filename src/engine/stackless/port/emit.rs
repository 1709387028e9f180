//! The way of events to the sink. The invariants are those of the [port](super).

use super::{PAUSED, Port};
use crate::engine::window::Out;
use crate::parser::Events;

impl<E: Events> Port<E> {
    #[inline(always)]
    pub(in crate::engine::stackless) fn has_sink(&self) -> bool {
        self.sink.get().is_some()
    }

    #[inline(always)]
    pub(in crate::engine::stackless) fn emit(&self, event: E::Event<'_>) {
        if let Some(mut sink) = self.sink.get() {
            // SAFETY: I1: a sink that is set is lent to the poll under way. I6: no other `&mut` to it is
            // alive.
            if unsafe { sink.as_mut()(event) }.is_break() {
                self.pause();
            }
        }
    }
}

/// The way from a window to the sink. A pause hides the rest of the chunk, which [`Port::seek`] allows for.
pub(crate) struct ToSink<'w, E: Events>(pub(in crate::engine::stackless) &'w Port<E>);

impl<E: Events> Out for ToSink<'_, E> {
    type Events = E;

    #[inline(always)]
    fn has_sink(&self) -> bool {
        self.0.has_sink()
    }

    #[inline(always)]
    fn emit(&mut self, at: usize, event: E::Event<'_>) -> bool {
        self.0.told.set(at);
        self.0.emit(event);
        self.0.is(PAUSED)
    }

    #[inline(always)]
    fn count(&mut self, bytes: usize) {
        self.0.overshoot.set(self.0.overshoot.get().more(bytes));
    }
}
