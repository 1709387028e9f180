//! Bounds and choices of a client.

use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;
use std::sync::Arc;

use crate::mux;

/// The bounds and choices of a [`Reconnect`](super::Reconnect).
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::mux::reconnect::{Options, WhenDown};
///
/// let options = Options::new()
///     .backoff(Duration::from_millis(50), Duration::from_secs(5))
///     .when_down(WhenDown::Fail)
///     .name("cache");
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) backoff: (Duration, Duration),
    pub(super) seed: Option<u64>,
    pub(super) connect_timeout: Duration,
    pub(super) connect_attempts: Option<NonZeroU32>,
    pub(super) healthy_after: Option<Duration>,
    pub(super) when_down: WhenDown,
    pub(super) waiting: NonZeroUsize,
    pub(super) attempts: NonZeroU32,
    pub(super) name: Option<Arc<str>>,
}

/// The treatment of calls while there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenDown {
    /// They wait for the next one. Their timeouts apply.
    Wait,
    /// They fail at once with [`NotConnected`](mux::CallErrorKind::NotConnected), and so does a call
    /// whose connection has ended, instead of being sent again. There is no connection before the first
    /// one is made.
    Fail,
}

impl Options {
    /// Default of [`backoff`](Self::backoff): soon enough after a restart, and few enough attempts at a
    /// server that is away for hours.
    pub const DEFAULT_BACKOFF: (Duration, Duration) =
        (Duration::from_millis(100), Duration::from_secs(10));

    /// Default of [`connect_timeout`](Self::connect_timeout): a peer that accepts a connection and says
    /// nothing must not stop all calls.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Default of [`waiting`](Self::waiting): each waiting call holds its request, so a server that is
    /// away must not make callers pile up without end.
    pub const DEFAULT_WAITING: NonZeroUsize = mux::Options::DEFAULT_WAITING;

    /// Default of [`attempts`](Self::attempts): a request that makes its server crash takes no more
    /// connections than these from other callers.
    pub const DEFAULT_ATTEMPTS: NonZeroU32 = NonZeroU32::new(3).expect("three is not zero");

    /// The shortest delay between two attempts to connect: whatever the options say, no client keeps a
    /// core busy with them.
    pub const MIN_DELAY: Duration = Duration::from_millis(1);

    /// The default bounds, [`WhenDown::Wait`], and no limit of attempts to connect.
    pub const fn new() -> Self {
        Self {
            backoff: Self::DEFAULT_BACKOFF,
            seed: None,
            connect_timeout: Self::DEFAULT_CONNECT_TIMEOUT,
            connect_attempts: None,
            healthy_after: None,
            when_down: WhenDown::Wait,
            waiting: Self::DEFAULT_WAITING,
            attempts: Self::DEFAULT_ATTEMPTS,
            name: None,
        }
    }

    /// Delays the next attempt to connect: by `min` after the first failure and after the end of a
    /// connection, twice as long after each further failure, and at most by `max`. The second half of each
    /// delay is random, so that the clients of a server that restarts do not all come back at once. No
    /// delay is shorter than half of [`MIN_DELAY`](Self::MIN_DELAY).
    #[must_use]
    pub fn backoff(self, min: Duration, max: Duration) -> Self {
        let min = min.max(Self::MIN_DELAY);
        Self { backoff: (min, max.max(min)), ..self }
    }

    /// Seeds the random part of the [delays](Self::backoff), so that a test can repeat them.
    #[must_use]
    pub fn jitter_seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Limits the time of an attempt to connect, with the calls that it makes itself. One that takes longer
    /// is dropped, and has failed.
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// Limits the failures in a row: of attempts to connect, and of connections that were
    /// [soon over](Self::healthy_after). After the last one the client
    /// [gives up](mux::CloseReason::GaveUp), and its calls fail.
    #[must_use]
    pub fn connect_attempts(self, limit: NonZeroU32) -> Self {
        Self { connect_attempts: Some(limit), ..self }
    }

    /// Sets how long a connection must live not to count as a failure. By default the longest
    /// [delay](Self::backoff).
    #[must_use]
    pub fn healthy_after(self, age: Duration) -> Self {
        Self { healthy_after: Some(age), ..self }
    }

    /// Chooses the treatment of calls while there is no connection.
    #[must_use]
    pub fn when_down(self, when_down: WhenDown) -> Self {
        Self { when_down, ..self }
    }

    /// Limits the calls that wait for a connection. One more is refused.
    #[must_use]
    pub fn waiting(self, waiting: NonZeroUsize) -> Self {
        Self { waiting, ..self }
    }

    /// Limits how often an [idempotent call](super::Reconnect::call_idempotent) is sent. Attempts that
    /// were not sent do not count.
    #[must_use]
    pub fn attempts(self, limit: NonZeroU32) -> Self {
        Self { attempts: limit, ..self }
    }

    /// Names the client in the list of waiters that the feature `debug` offers. Without a name it is
    /// listed by a number. Its connections have [names](mux::Options::name) of their own.
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
