//! Bounds and choices.

use core::num::NonZeroUsize;
use core::time::Duration;
use std::sync::Arc;

/// The bounds and choices of a multiplexer.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
/// use pushdown_patterns::mux::{Options, Unexpected};
///
/// let options = Options::new()
///     .in_flight(NonZeroUsize::new(100).unwrap())
///     .quarantine_age(Duration::from_secs(60))
///     .unexpected(Unexpected::Fail);
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) waiting: NonZeroUsize,
    pub(super) in_flight: NonZeroUsize,
    pub(super) quarantine: NonZeroUsize,
    pub(super) quarantine_age: Option<Duration>,
    pub(super) when_full: WhenFull,
    pub(super) unexpected: Unexpected,
    pub(super) unsolicited: NonZeroUsize,
    pub(super) name: Option<Arc<str>>,
}

/// What happens while the quarantine is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Calls wait until a late reply, or age, makes room. They have their deadlines.
    Wait,
    /// The connection ends when one tag more comes in: whoever is behind it does not answer.
    Fail,
}

/// What happens with a reply to nothing: a second reply to the same call, or one to no call.
///
/// The late reply to a dropped call is not one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexpected {
    /// It is counted and dropped.
    Count,
    /// It is counted and handed out with the unsolicited messages.
    Deliver,
    /// The connection ends.
    Fail,
}

const fn bound(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("no bound is zero")
}

impl Options {
    /// 65,536 calls may wait and 1,024 be in flight; 1,024 tags may be in quarantine, for as long as it
    /// takes, and calls wait while there are; unexpected replies are counted; 1,024 unsolicited
    /// messages are kept.
    pub const fn new() -> Self {
        Self {
            waiting: bound(1 << 16),
            in_flight: bound(1024),
            quarantine: bound(1024),
            quarantine_age: None,
            when_full: WhenFull::Wait,
            unexpected: Unexpected::Count,
            unsolicited: bound(1024),
            name: None,
        }
    }

    /// How many calls may wait to be sent. One more is refused.
    #[must_use]
    pub fn waiting(self, waiting: NonZeroUsize) -> Self {
        Self { waiting, ..self }
    }

    /// How many calls may be in flight. The others wait.
    #[must_use]
    pub fn in_flight(self, in_flight: NonZeroUsize) -> Self {
        Self { in_flight, ..self }
    }

    /// How many tags of dropped calls may be in quarantine before [it is full](Self::when_full).
    ///
    /// More can come in then, but no more than were in flight.
    #[must_use]
    pub fn quarantine(self, quarantine: NonZeroUsize) -> Self {
        Self { quarantine, ..self }
    }

    /// After what time a tag leaves the quarantine even without a reply. Without an age it never does.
    ///
    /// This is a promise about the other side: what it has not answered by then it will not answer. If
    /// it is broken, a reply may reach the wrong caller once all other tags have been used. A protocol
    /// in which a cancelled call gets no reply needs an age.
    #[must_use]
    pub fn quarantine_age(self, age: Duration) -> Self {
        Self { quarantine_age: Some(age), ..self }
    }

    /// What happens while the quarantine is full.
    #[must_use]
    pub fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// What happens with a reply to nothing.
    #[must_use]
    pub fn unexpected(self, unexpected: Unexpected) -> Self {
        Self { unexpected, ..self }
    }

    /// How many unsolicited messages are kept for whoever takes them. One more is counted and dropped,
    /// for replies must not wait behind it.
    #[must_use]
    pub fn unsolicited(self, unsolicited: NonZeroUsize) -> Self {
        Self { unsolicited, ..self }
    }

    /// How the connection is called in the list of what waits, the feature `debug`. Otherwise it has a
    /// number.
    #[must_use]
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
