//! Bounds and choices, of a connection and of a single call.

use core::num::NonZeroUsize;
use core::time::Duration;
use std::sync::Arc;

/// Options of a single call.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::mux::CallOptions;
///
/// let options = CallOptions::new().tag(7_u16).timeout(Duration::from_secs(1));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct CallOptions<T> {
    pub(super) tag: Option<T>,
    pub(super) timeout: Option<Duration>,
    pub(super) cancel: bool,
}

impl<T> CallOptions<T> {
    /// An assigned tag, no timeout, and a cancel if the call is dropped.
    pub const fn new() -> Self {
        Self { tag: None, timeout: None, cancel: true }
    }

    /// Uses this tag instead of an assigned one.
    ///
    /// It is in use from the start of the call. The call fails if the tag already is.
    #[must_use]
    pub fn tag(self, tag: T) -> Self {
        Self { tag: Some(tag), ..self }
    }

    /// Limits the time of the whole call, from its first poll, including the wait to be sent.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Chooses whether the peer is [told](super::Protocol::cancel) if the call is dropped. Some
    /// protocols forbid it for some requests, such as MCP for `initialize`.
    #[must_use]
    pub fn cancel(self, cancel: bool) -> Self {
        Self { cancel, ..self }
    }
}

impl<T> Default for CallOptions<T> {
    fn default() -> Self {
        Self::new()
    }
}

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
    pub(super) overflow: Overflow,
    pub(super) name: Option<Arc<str>>,
}

/// The behaviour while the quarantine is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The connection ends when the quarantine would overflow: the peer is not answering.
    Fail,
    /// Calls wait until a late reply, or age, makes room. Their timeouts apply. If neither can come,
    /// no call is sent any more.
    Wait,
    /// The oldest tag leaves the quarantine.
    ///
    /// For protocols that do not answer cancelled calls and whose tags do not come round. With few tags
    /// a reply that comes after all may reach the wrong caller, once all other tags have been used. For a
    /// protocol that answers [in order](super::Protocol::IN_ORDER) it is [`Fail`](Self::Fail).
    Forget,
}

/// The treatment of unsolicited messages for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The message is counted and dropped.
    Discard,
    /// The connection ends. For protocols in which a lost message is a lost request of the peer.
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
    /// make us remember this many. It is at least as many as are in flight by default, so that the
    /// connection does not end because all callers lose patience at once.
    pub const DEFAULT_QUARANTINE: NonZeroUsize = bound(1024);

    /// Default of [`unsolicited`](Self::unsolicited): a peer that floods us with messages can make us
    /// hold this many.
    pub const DEFAULT_UNSOLICITED: NonZeroUsize = bound(1024);

    /// The default bounds, no age for the quarantine, [`WhenFull::Fail`], [`Unexpected::Count`] and
    /// [`Overflow::Discard`].
    pub const fn new() -> Self {
        Self {
            waiting: Self::DEFAULT_WAITING,
            in_flight: Self::DEFAULT_IN_FLIGHT,
            quarantine: Self::DEFAULT_QUARANTINE,
            quarantine_age: None,
            when_full: WhenFull::Fail,
            unexpected: Unexpected::Count,
            unsolicited: Self::DEFAULT_UNSOLICITED,
            overflow: Overflow::Discard,
            name: None,
        }
    }

    /// Limits the calls and messages that wait to be sent, and separately the answers. One more is
    /// refused.
    #[must_use]
    pub fn waiting(self, waiting: NonZeroUsize) -> Self {
        Self { waiting, ..self }
    }

    /// Limits the calls in flight. Others wait.
    #[must_use]
    pub fn in_flight(self, in_flight: NonZeroUsize) -> Self {
        Self { in_flight, ..self }
    }

    /// Limits the dropped calls in quarantine; see [`when_full`](Self::when_full).
    ///
    /// With [`WhenFull::Wait`] the limit stops new calls. Dropping the calls that are in flight then can
    /// still exceed it by their number.
    #[must_use]
    pub fn quarantine(self, quarantine: NonZeroUsize) -> Self {
        Self { quarantine, ..self }
    }

    /// Lets a tag leave the quarantine after this time even without a reply. By default it never
    /// does.
    ///
    /// This is a promise about the peer: calls that it has not answered by then it will not answer. If
    /// the promise is broken, a reply may reach the wrong caller once all other tags have been used. A
    /// protocol in which a cancelled call gets no reply needs an age. One that answers
    /// [in order](super::Protocol::IN_ORDER) has none.
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

    /// Limits the unsolicited messages that are kept until they are received; see
    /// [`overflow`](Self::overflow).
    #[must_use]
    pub fn unsolicited(self, unsolicited: NonZeroUsize) -> Self {
        Self { unsolicited, ..self }
    }

    /// Chooses the treatment of an unsolicited message that finds no room. It cannot wait, because
    /// replies must not wait behind it.
    #[must_use]
    pub fn overflow(self, overflow: Overflow) -> Self {
        Self { overflow, ..self }
    }

    /// Leaves out what a protocol [in order](super::Protocol::IN_ORDER) cannot allow.
    pub(super) fn in_order(self) -> Self {
        let when_full = match self.when_full {
            WhenFull::Forget => WhenFull::Fail,
            other => other,
        };
        Self { quarantine_age: None, when_full, ..self }
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
