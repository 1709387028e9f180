//! What can be chosen.

use std::num::NonZeroUsize;
use std::time::Duration;

/// When another server is asked although the last one may still answer.
///
/// Counted from the last attempt. An error does not wait for it: then the next server is asked at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hedge {
    /// Only after an error.
    Never,
    /// After this time. Zero asks all servers at once, as far as the [`Budget`] allows.
    After(Duration),
    /// When the server takes longer than it usually does.
    Percentile {
        /// How many of a hundred answers usually come sooner: 1 to 99.
        percentile: u8,
        /// The shortest delay.
        at_least: Duration,
        /// The longest delay; also the one for a server of which too little is known.
        at_most: Duration,
    },
}

impl Default for Hedge {
    /// After 100 ms.
    fn default() -> Self {
        Self::After(Duration::from_millis(100))
    }
}

/// How many requests may be made because a server is slow, beyond one for each call.
///
/// A bucket of tokens, full at first. So a client whose servers are all slow does not double their
/// load. A call that finds it empty looks again after its delay. Asking another server after an
/// *error* is free: the one that failed has nothing more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many extra requests a hundred calls bring in.
    pub percent: u32,
    /// How many a second brings in. Without any, a client with few calls and no deadline may wait for
    /// a server that has stopped until others make calls.
    pub per_second: u32,
    /// How many can be saved up.
    pub burst: u32,
}

impl Budget {
    /// As many as there are servers to ask.
    pub const UNLIMITED: Self = Self { percent: u32::MAX, per_second: u32::MAX, burst: u32::MAX };
}

impl Default for Budget {
    /// One for ten calls, one a second, and ten saved up.
    fn default() -> Self {
        Self { percent: 10, per_second: 1, burst: 10 }
    }
}

/// What becomes of attempts that are running when their call is over or dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Losers {
    /// They are dropped at once.
    #[default]
    Cancel,
    /// They go on as tasks of the runtime that the call was waiting in; without one they are dropped.
    Finish {
        /// How many of them there may be. Further ones are dropped at once.
        at_most: NonZeroUsize,
        /// For how long. Then they are dropped.
        within: Duration,
    },
}

/// What is special about one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallOptions {
    /// Whether it does no harm if several servers carry it out, or one of them twice. If not, one
    /// server is asked, and another only after an error that means [`DidNotHappen`]
    /// (see [`Builder::effect`]).
    ///
    /// [`DidNotHappen`]: crate::pattern::Effect::DidNotHappen
    /// [`Builder::effect`]: super::Builder::effect
    pub idempotent: bool,
    /// How long the call may take. `None` stands for the client's own [`deadline`].
    ///
    /// [`deadline`]: super::Builder::deadline
    pub deadline: Option<Duration>,
}

impl Default for CallOptions {
    /// Idempotent, with the client's deadline.
    fn default() -> Self {
        Self { idempotent: true, deadline: None }
    }
}
