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
/// # let _ = options;
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

/// The behaviour while the quarantine is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Calls wait until a late reply, or age, makes room. Their timeouts apply.
    Wait,
    /// The connection ends when the quarantine would overflow: the peer is not answering.
    Fail,
}

/// The treatment of replies to no call, and of second replies to the same call.
///
/// The late reply to a dropped call is not unexpected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexpected {
    /// The reply is counted and dropped.
    Count,
    /// The reply is counted and delivered with the unsolicited messages.
    Deliver,
    /// The connection ends.
    Fail,
}

const fn bound(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("no bound is zero")
}

impl Options {
    /// Default of [`waiting`](Self::waiting): each waiting call holds its request, so a peer that
    /// reads nothing must not make callers pile up without end.
    pub const DEFAULT_WAITING: NonZeroUsize = bound(1 << 16);

    /// Default of [`in_flight`](Self::in_flight): enough to keep a connection busy, and few enough
    /// that a stuck peer can lose no more than these.
    pub const DEFAULT_IN_FLIGHT: NonZeroUsize = bound(1024);

    /// Default of [`quarantine`](Self::quarantine): a peer that leaves dropped calls unanswered can
    /// make us remember this many tags, and then as many as are in flight.
    pub const DEFAULT_QUARANTINE: NonZeroUsize = bound(1024);

    /// Default of [`unsolicited`](Self::unsolicited): a peer that floods us with messages can make us
    /// hold this many.
    pub const DEFAULT_UNSOLICITED: NonZeroUsize = bound(1024);

    /// The default bounds, no age for the quarantine, [`WhenFull::Wait`] and [`Unexpected::Count`].
    pub const fn new() -> Self {
        Self {
            waiting: Self::DEFAULT_WAITING,
            in_flight: Self::DEFAULT_IN_FLIGHT,
            quarantine: Self::DEFAULT_QUARANTINE,
            quarantine_age: None,
            when_full: WhenFull::Wait,
            unexpected: Unexpected::Count,
            unsolicited: Self::DEFAULT_UNSOLICITED,
            name: None,
        }
    }

    /// Limits the calls that wait to be sent. One more is refused.
    #[must_use]
    pub fn waiting(self, waiting: NonZeroUsize) -> Self {
        Self { waiting, ..self }
    }

    /// Limits the calls in flight. Others wait.
    #[must_use]
    pub fn in_flight(self, in_flight: NonZeroUsize) -> Self {
        Self { in_flight, ..self }
    }

    /// Limits the tags of dropped calls in quarantine; see [`when_full`](Self::when_full).
    ///
    /// The limit stops new calls. Dropping the calls that are in flight then can still exceed it by
    /// their number.
    #[must_use]
    pub fn quarantine(self, quarantine: NonZeroUsize) -> Self {
        Self { quarantine, ..self }
    }

    /// Lets a tag leave the quarantine after this time even without a reply. By default it never
    /// does.
    ///
    /// This is a promise about the peer: calls that it has not answered by then it will not answer. If
    /// the promise is broken, a reply may reach the wrong caller once all other tags have been used. A
    /// protocol in which a cancelled call gets no reply needs an age.
    #[must_use]
    pub fn quarantine_age(self, age: Duration) -> Self {
        Self { quarantine_age: Some(age), ..self }
    }

    /// Chooses the behaviour while the quarantine is full.
    #[must_use]
    pub fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// Chooses the treatment of replies to no call.
    #[must_use]
    pub fn unexpected(self, unexpected: Unexpected) -> Self {
        Self { unexpected, ..self }
    }

    /// Limits the unsolicited messages that are kept until they are received. One more is counted and
    /// dropped, because replies must not wait behind it.
    #[must_use]
    pub fn unsolicited(self, unsolicited: NonZeroUsize) -> Self {
        Self { unsolicited, ..self }
    }

    /// Names the connection in the list of waiters that the feature `debug` offers. Without a name it
    /// is listed by a number.
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
