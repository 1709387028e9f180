//! Other people's software, and our engines, behind one interface: recognise a quoted string,
//! `/"([^"\\]|\\.)*"/`, that comes in pieces.
//!
//! The interface asks for a status and nothing more, so that each peer can be used the way its own
//! documentation recommends. None of them has what ours do besides: text handed out as events,
//! offsets, an end that is sticky, an answer to the end of the input. What else each leaves out is
//! written on its type.

mod combine;
mod corosensei;
mod genawaiter;
mod memchr;
mod nom;
#[cfg(ragel)]
#[allow(unsafe_code, reason = "calls a function in C")]
mod ragel;
mod regex_automata;
mod resumed;
mod threads;
mod unread;
mod winnow;

use pushdown::PushParser;
pub use pushdown::Status;

pub use self::combine::{Combine, CombineRanges};
pub use self::corosensei::corosensei;
pub use self::genawaiter::{genawaiter_rc, genawaiter_stack, genawaiter_sync};
pub use self::memchr::Memchr;
pub use self::nom::Nom;
#[cfg(ragel)]
pub use self::ragel::Ragel;
pub use self::regex_automata::RegexAutomata;
pub use self::threads::threads;
pub use self::winnow::Winnow;

/// Recognises a quoted string that comes in pieces.
pub trait Recogniser {
    /// Takes the next piece. What comes after the end of the string is not looked at.
    fn feed(&mut self, chunk: &[u8]) -> Status;

    /// Takes the next character.
    #[inline]
    fn process_char(&mut self, c: char) -> Status {
        self.feed(c.encode_utf8(&mut [0; 4]).as_bytes())
    }

    /// Goes back to the start after the end of a string.
    fn reset(&mut self);
}

/// Ours.
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

/// What limits how much a peer can be given to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The same for every byte.
    Linear,
    /// The same for every byte, but it has no way to take many at once.
    ByChar,
    /// It parses again what came before.
    Quadratic,
    /// Thousands of times as slow as the others, and by character.
    Threads,
}

/// Calls `$visit` with name, [`Pace`] and constructor of every [`Recogniser`].
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
