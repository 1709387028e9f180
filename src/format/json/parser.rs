//! The parts of the parsers that do not depend on the engine.

/// Declares the methods of a parser over that of its engine, `self.0`. With `local`, also those for sinks
/// without the `Send` bound.
macro_rules! parser {
    ($name:ident, local) => {
        impl<E: Marker> $name<E> {
            /// [`PushParser::feed_with`](crate::PushParser::feed_with) for sinks that stay on this
            /// thread.
            pub fn feed_local(
                &mut self,
                chunk: &[u8],
                sink: impl for<'e> FnMut(E::Event<'e>),
            ) -> $crate::Progress {
                self.0.feed_local(chunk, sink)
            }

            /// [`PushParser::finish_with`](crate::PushParser::finish_with) for sinks that stay on this
            /// thread.
            ///
            /// # Errors
            /// As [`PushParser::finish`](crate::PushParser::finish).
            pub fn finish_local(
                &mut self,
                sink: impl for<'e> FnMut(E::Event<'e>),
            ) -> Result<(), $crate::Error> {
                self.0.finish_local(sink)
            }
        }

        impl<E: Marker> $crate::LocalParser for $name<E> {
            $crate::parser::local_parser!(self => self.0);
        }

        $crate::format::json::parser! { $name }
    };

    ($name:ident) => {
        impl<E: Marker> $crate::PushParser for $name<E> {
            type Events = E;
            type Output = ();
            $crate::parser::delegate!(self => self.0);
        }

        #[cfg(feature = "testing")]
        impl<E: Marker> $crate::testing::Work for $name<E> {
            fn work(&self) -> u64 {
                $crate::testing::Work::work(&self.0)
            }

            fn steps(&self) -> u64 {
                $crate::testing::Work::steps(&self.0)
            }
        }
    };
}
pub(crate) use parser;
