//! The engines and other software behind one interface: recognise a quoted string,
//! `/"([^"\\]|\\.)*"/`, that arrives in chunks.
//!
//! The interface returns a status and nothing more, so that each peer can be used as its own
//! documentation recommends. No peer reports text as events, counts offsets, stays ended after the
//! end, or handles the end of the input, as the engines do. The docs of each type list what else it
//! leaves out.

mod combine;
mod corosensei;
mod genawaiter;
#[cfg(hiredis)]
#[allow(unsafe_code, reason = "calls functions in C")]
mod hiredis;
pub mod json;
mod memchr;
mod nom;
#[cfg(ragel)]
#[allow(unsafe_code, reason = "calls a function in C")]
mod ragel;
mod regex_automata;
mod resumed;
pub mod sse;
mod threads;
mod unread;
pub mod utf8;
mod winnow;

use pushdown::PushParser;
pub use pushdown::Status;

pub use self::combine::{Combine, CombineRanges};
pub use self::corosensei::corosensei;
pub use self::genawaiter::{genawaiter_rc, genawaiter_stack, genawaiter_sync};
#[cfg(hiredis)]
pub use self::hiredis::Hiredis;
pub use self::memchr::Memchr;
pub use self::nom::Nom;
#[cfg(ragel)]
pub use self::ragel::Ragel;
pub use self::regex_automata::RegexAutomata;
pub use self::threads::threads;
pub use self::winnow::Winnow;

/// Recognises a quoted string that arrives in chunks.
pub trait Recogniser {
    /// Takes the next chunk. Bytes after the end of the string are ignored.
    fn feed(&mut self, chunk: &[u8]) -> Status;

    /// Takes the next character.
    #[inline]
    fn process_char(&mut self, c: char) -> Status {
        self.feed(c.encode_utf8(&mut [0; 4]).as_bytes())
    }

    /// Returns to the start after the end of a string.
    fn reset(&mut self);
}

impl<P: PushParser> Recogniser for P {
    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        PushParser::feed(self, chunk).status
    }

    #[inline]
    fn process_char(&mut self, c: char) -> Status {
        PushParser::process_char(self, c)
    }

    #[inline]
    fn reset(&mut self) {
        PushParser::reset(self);
    }
}

/// The speed class of a recogniser, which limits the input it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Linear time.
    Linear,
    /// Linear time, but no way to take many bytes at once.
    ByChar,
    /// Quadratic time: it parses earlier chunks again.
    Quadratic,
    /// Thousands of times slower than the others, and by character.
    Threads,
}

/// Calls `$visit` with the name, [`Pace`] and constructor of each [`Recogniser`].
#[macro_export]
macro_rules! each_recogniser {
    ($visit:ident($($argument:expr),*)) => {{
        use $crate::Pace::{ByChar, Linear, Quadratic, Threads};
        use pushdown::quoted::{Combinator, Coroutine, Generator, Machine, Stackless};
        $visit("machine", Linear, Machine::new, $($argument),*);
        $visit("coroutine", Linear, Coroutine::new, $($argument),*);
        $visit("stackless", Linear, Stackless::new, $($argument),*);
        $visit("generator", Linear, Generator::new, $($argument),*);
        $visit("combinator", Quadratic, Combinator::new, $($argument),*);
        $visit("peer-memchr", Linear, $crate::Memchr::default, $($argument),*);
        #[cfg(ragel)]
        $visit("peer-ragel", Linear, $crate::Ragel::default, $($argument),*);
        $visit("peer-regex-automata", Linear, $crate::RegexAutomata::default, $($argument),*);
        $visit("peer-combine", Linear, $crate::Combine::default, $($argument),*);
        $visit("peer-combine-ranges", Quadratic, $crate::CombineRanges::default, $($argument),*);
        $visit("peer-nom", Quadratic, $crate::Nom::default, $($argument),*);
        $visit("peer-winnow", Quadratic, $crate::Winnow::default, $($argument),*);
        $visit("peer-corosensei", ByChar, $crate::corosensei, $($argument),*);
        $visit("peer-genawaiter-stack", ByChar, $crate::genawaiter_stack, $($argument),*);
        $visit("peer-genawaiter-rc", ByChar, $crate::genawaiter_rc, $($argument),*);
        $visit("peer-genawaiter-sync", ByChar, $crate::genawaiter_sync, $($argument),*);
        $visit("peer-threads", Threads, $crate::threads, $($argument),*);
    }};
}
