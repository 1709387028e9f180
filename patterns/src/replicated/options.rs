//! What can be chosen.

use std::num::NonZeroUsize;
use std::time::Duration;

/// When another server is asked although the last one may still answer.
///
/// Counted from the last attempt. An error does not wait for it: then the next server is asked at once.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::replicated::Hedge;
///
/// let (at_least, at_most) = (Duration::from_millis(2), Duration::from_millis(50));
/// let one_in_twenty = Hedge::Percentile { percentile: 95, at_least, at_most };
/// # assert_ne!(one_in_twenty, Hedge::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hedge {
    /// Only after an error.
    Never,
    /// After this time. Zero asks all servers at once, as far as the [`Budget`] allows.
    After(Duration),
    /// When the server takes longer than it usually does. If it was never waited for to the end, that
    /// is no more than it [is known](super::Latency) to take at least.
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
///
/// ```
/// use pushdown_patterns::replicated::Budget;
///
/// let careful = Budget { percent: 1, ..Budget::default() };
/// assert_eq!((careful.percent, careful.per_second, careful.burst), (1, 1, 10));
/// ```
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
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use std::time::Duration;
/// use pushdown_patterns::Shutdown;
/// use pushdown_patterns::replicated::{Client, Hedge, Losers};
/// use tokio::time::sleep;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let at_most = NonZeroUsize::new(100).unwrap();
/// let client = Client::builder(|server: Arc<u64>, ()| async move {
///     sleep(Duration::from_millis(*server)).await;
///     Ok::<_, ()>(*server)
/// })
/// .servers([20, 1])
/// .hedge(Hedge::After(Duration::from_millis(5)))
/// .losers(Losers::Finish { at_most, within: Duration::from_secs(10) })
/// .build()
/// .unwrap();
///
/// assert_eq!(client.call(()).await.unwrap(), 1);
/// assert_eq!(client.running().losers, 1);
/// let report = client.shutdown(Shutdown::Drain { timeout: Duration::from_secs(10) }).await;
/// assert_eq!((report.losers.finished, report.losers.aborted), (1, 0));
/// # }
/// ```
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
///
/// ```
/// use std::sync::Arc;
/// use pushdown_patterns::Effect;
/// use pushdown_patterns::replicated::{CallOptions, Client};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let client = Client::builder(async |server: Arc<&str>, amount: u32| match *server {
///     "closed" => Err("no connection"),
///     _ => Ok(amount),
/// })
/// .servers(["closed", "open"])
/// .effect(|error| match *error {
///     "no connection" => Effect::DidNotHappen,
///     _ => Effect::MayHaveHappened,
/// })
/// .build()
/// .unwrap();
///
/// // Paid once. The second server is asked because the first one cannot have been paid.
/// let once = CallOptions { idempotent: false, ..CallOptions::default() };
/// assert_eq!(client.call_with(100, once).await.unwrap(), 100);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallOptions {
    /// Whether it does no harm if several servers carry it out, or one of them twice. If not, one
    /// server is asked, and another only after an error that means [`DidNotHappen`]
    /// (see [`Builder::effect`]).
    ///
    /// [`DidNotHappen`]: crate::Effect::DidNotHappen
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
