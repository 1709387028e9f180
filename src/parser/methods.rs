//! The methods that every implementation of [`PushParser`] writes the same way.

use super::{LocalParser, PushParser};

/// The methods of [`PushParser`] for a type with another parser inside: `delegate!(self => self.0)`.
/// All are forwarded, also those that are provided, because the other parser may override them.
macro_rules! delegate {
    ($self:ident => $inner:expr) => {
        #[inline]
        fn feed(&mut $self, chunk: &[u8]) -> $crate::Progress {
            $crate::PushParser::feed(&mut $inner, chunk)
        }

        fn feed_dyn(
            &mut $self,
            chunk: &[u8],
            sink: &mut $crate::EventSink<'_, Self::Events>,
        ) -> $crate::Progress {
            $crate::PushParser::feed_dyn(&mut $inner, chunk, sink)
        }

        fn finish(&mut $self) -> Result<(), $crate::Error> {
            $crate::PushParser::finish(&mut $inner)
        }

        fn finish_dyn(
            &mut $self,
            sink: &mut $crate::EventSink<'_, Self::Events>,
        ) -> Result<(), $crate::Error> {
            $crate::PushParser::finish_dyn(&mut $inner, sink)
        }

        #[inline]
        fn state(&$self) -> &$crate::State {
            $crate::PushParser::state(&$inner)
        }

        #[inline]
        fn status(&$self) -> $crate::Status {
            $crate::PushParser::status(&$inner)
        }

        fn error(&$self) -> Option<&$crate::Error> {
            $crate::PushParser::error(&$inner)
        }

        fn offset(&$self) -> u64 {
            $crate::PushParser::offset(&$inner)
        }

        fn has_begun(&$self) -> bool {
            $crate::PushParser::has_begun(&$inner)
        }

        fn take_output(&mut $self) -> Option<Self::Output> {
            $crate::PushParser::take_output(&mut $inner)
        }

        fn reset_at(&mut $self, offset: u64) {
            $crate::PushParser::reset_at(&mut $inner, offset);
        }
    };
}
pub(crate) use delegate;

/// The methods of [`PushParser`] for an engine, from its `parse(chunk, Option<sink>)`, its
/// `close(Option<sink>)` and its field `state`. Only `reset_at` is left to write.
macro_rules! engine_methods {
    ($events:ty) => {
        #[inline]
        fn feed(&mut self, chunk: &[u8]) -> $crate::Progress {
            self.parse(chunk, None)
        }

        fn feed_dyn(
            &mut self,
            chunk: &[u8],
            sink: &mut $crate::EventSink<'_, $events>,
        ) -> $crate::Progress {
            self.parse(chunk, Some(sink))
        }

        fn finish(&mut self) -> Result<(), $crate::Error> {
            self.close(None)
        }

        fn finish_dyn(
            &mut self,
            sink: &mut $crate::EventSink<'_, $events>,
        ) -> Result<(), $crate::Error> {
            self.close(Some(sink))
        }

        #[inline]
        fn state(&self) -> &$crate::State {
            &self.state
        }
    };
}
pub(crate) use engine_methods;

/// The sinks without the `Send` bound, for an engine whose `parse` and `close` take a [`LocalSink`].
macro_rules! local_methods {
    ($events:ty) => {
        /// [`PushParser::feed_with`](crate::PushParser::feed_with) for sinks that stay on this thread.
        pub fn feed_local(
            &mut self,
            chunk: &[u8],
            mut sink: impl for<'e> FnMut(<$events as $crate::Events>::Event<'e>),
        ) -> $crate::Progress {
            self.parse(
                chunk,
                Some(&mut |event| {
                    sink(event);
                    core::ops::ControlFlow::Continue(())
                }),
            )
        }

        /// [`PushParser::feed_until`](crate::PushParser::feed_until) for sinks that stay on this
        /// thread.
        pub fn feed_until_local(
            &mut self,
            chunk: &[u8],
            mut sink: impl for<'e> FnMut(
                <$events as $crate::Events>::Event<'e>,
            ) -> core::ops::ControlFlow<()>,
        ) -> $crate::Progress {
            self.parse(chunk, Some(&mut sink))
        }

        /// [`PushParser::finish_with`](crate::PushParser::finish_with) for sinks that stay on this
        /// thread.
        ///
        /// # Errors
        /// As [`PushParser::finish`](crate::PushParser::finish).
        pub fn finish_local(
            &mut self,
            mut sink: impl for<'e> FnMut(<$events as $crate::Events>::Event<'e>),
        ) -> Result<(), $crate::Error> {
            self.close(Some(&mut |event| {
                sink(event);
                core::ops::ControlFlow::Continue(())
            }))
        }
    };
}
pub(crate) use local_methods;

/// The methods of [`LocalParser`]: for an engine, from its `parse` and `close`, or for a type with
/// another parser inside.
macro_rules! local_parser {
    ($events:ty) => {
        fn feed_local_dyn(
            &mut self,
            chunk: &[u8],
            sink: &mut $crate::LocalSink<'_, $events>,
        ) -> $crate::Progress {
            self.parse(chunk, Some(sink))
        }

        fn finish_local_dyn(
            &mut self,
            sink: &mut $crate::LocalSink<'_, $events>,
        ) -> Result<(), $crate::Error> {
            self.close(Some(sink))
        }
    };

    ($self:ident => $inner:expr) => {
        fn feed_local_dyn(
            &mut $self,
            chunk: &[u8],
            sink: &mut $crate::LocalSink<'_, Self::Events>,
        ) -> $crate::Progress {
            $crate::LocalParser::feed_local_dyn(&mut $inner, chunk, sink)
        }

        fn finish_local_dyn(
            &mut $self,
            sink: &mut $crate::LocalSink<'_, Self::Events>,
        ) -> Result<(), $crate::Error> {
            $crate::LocalParser::finish_local_dyn(&mut $inner, sink)
        }
    };
}
pub(crate) use local_parser;

impl<P: PushParser + ?Sized> PushParser for &mut P {
    type Events = P::Events;
    type Output = P::Output;
    delegate!(self => **self);
}

impl<P: LocalParser + ?Sized> LocalParser for &mut P {
    local_parser!(self => **self);
}

#[cfg(feature = "alloc")]
impl<P: PushParser + ?Sized> PushParser for alloc::boxed::Box<P> {
    type Events = P::Events;
    type Output = P::Output;
    delegate!(self => **self);
}

#[cfg(feature = "alloc")]
impl<P: LocalParser + ?Sized> LocalParser for alloc::boxed::Box<P> {
    local_parser!(self => **self);
}
