//! The place where a parser waits, for the module `debug`. Without that feature all of this is nothing.

cfg_select! {
    feature = "debug" => {
        pub(crate) use crate::debug::{Entry, Site};
    }
    _ => {
        /// The line of a body that has called a read.
        #[derive(Clone, Copy)]
        pub(crate) struct Site;

        impl Site {
            #[inline(always)]
            pub(crate) fn caller() -> Self {
                Self
            }

            #[inline(always)]
            pub(crate) fn note(self) {}
        }

        /// A parser that runs.
        pub(crate) struct Running;

        /// The entry of a parser in the list of its thread.
        pub(crate) struct Entry;

        impl Entry {
            pub(crate) const fn new(_engine: &'static str) -> Self {
                Self
            }

            #[inline(always)]
            pub(crate) fn run(&mut self) -> Running {
                Running
            }

            #[inline(always)]
            pub(crate) fn leave(&mut self) {}

            #[inline(always)]
            pub(crate) fn wait(&mut self) {}
        }
    }
}
