//! Options of a client and of a call.

use std::boxed::Box;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::Effect;

pub(super) type EffectOf<E> = Box<dyn Fn(&E) -> Effect + Send + Sync>;

/// Options of a [`Client`](super::Client) whose requests fail with `E`.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::replicated::{Client, Hedge, Losers, Options};
///
/// let options = Options::new()
///     .hedge(Hedge::After(Duration::from_millis(20)))
///     .timeout(Duration::from_secs(1))
///     .losers(Losers::Cancel);
/// let client = Client::new([1, 2, 3], async |_, ()| Ok::<_, ()>(()), options);
/// # client.unwrap();
/// ```
pub struct Options<E> {
    pub(super) prefer: Prefer,
    pub(super) hedge: Hedge,
    pub(super) budget: Budget,
    pub(super) timeout: Option<Duration>,
    pub(super) losers: Losers,
    pub(super) effect: EffectOf<E>,
    pub(super) name: Option<Arc<str>>,
}

impl<E> Options<E> {
    /// Creates the default options: the defaults of [`Prefer`], [`Hedge`], [`Budget`] and [`Losers`], no
    /// timeout, and any error may have had an effect.
    pub fn new() -> Self {
        Self {
            prefer: Prefer::default(),
            hedge: Hedge::default(),
            budget: Budget::default(),
            timeout: None,
            losers: Losers::default(),
            effect: Box::new(|_| Effect::MayHaveHappened),
            name: None,
        }
    }

    /// Sets which server is asked first.
    #[must_use]
    pub fn prefer(self, prefer: Prefer) -> Self {
        Self { prefer, ..self }
    }

    /// Sets when another server is asked although the last one may still answer.
    #[must_use]
    pub fn hedge(self, hedge: Hedge) -> Self {
        Self { hedge, ..self }
    }

    /// Limits the extra requests that hedging may make.
    #[must_use]
    pub fn budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Sets the default time limit for a call, from its first poll, covering everything it waits for.
    /// Without one, a call can wait for ever.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets the treatment of attempts that are running when their call ends or is dropped.
    #[must_use]
    pub fn losers(self, losers: Losers) -> Self {
        Self { losers, ..self }
    }

    /// Sets the function that tells from an error what the server may have done. After
    /// [`Effect::DidNotHappen`] even a call that is not idempotent is tried elsewhere.
    #[must_use]
    pub fn effect(self, effect: impl Fn(&E) -> Effect + Send + Sync + 'static) -> Self {
        Self { effect: Box::new(effect), ..self }
    }

    /// Names the client in the list of waiters and in events (features `debug` and `tracing`). Without a name
    /// it has a number.
    #[must_use]
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

impl<E> Default for Options<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Options<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("prefer", &self.prefer)
            .field("hedge", &self.hedge)
            .field("budget", &self.budget)
            .field("timeout", &self.timeout)
            .field("losers", &self.losers)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The server that is asked first.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use pushdown_patterns::replicated::{Client, Options, Prefer};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
/// # let is_up = Arc::new(AtomicBool::new(false));
/// # let up = is_up.clone();
/// # let get = move |server: Arc<&'static str>, ()| {
/// #     let up = *server != "primary" || up.load(Relaxed);
/// #     async move { if up { Ok(*server) } else { Err("refused") } }
/// # };
/// let options = Options::new().prefer(Prefer::First { probe: Duration::from_secs(5) });
/// let client = Client::new(["primary", "copy"], get, options).unwrap();
/// assert_eq!(client.call(()).await.unwrap(), "copy"); // the primary is down
/// # is_up.store(true, Relaxed);
/// // It is up again.
/// assert_eq!(client.call(()).await.unwrap(), "copy");
/// tokio::time::sleep(Duration::from_secs(5)).await;
/// assert_eq!(client.call(()).await.unwrap(), "primary");
/// assert_eq!(client.stats().probes, 1);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prefer {
    /// The one that won last. A server that was slow or failed is asked first again only after the
    /// others have failed.
    #[default]
    Sticky,
    /// The first one in the list, as long as it answers. After another one has won, that one is asked
    /// first, and the first one is *probed*.
    ///
    /// A probe is a call that asks the first server first, and the preferred one after the delay of the
    /// [`Hedge`], or as soon as the first one has failed. If the first one wins, it is preferred again.
    /// So a probe costs its caller that delay at most, which is why it needs a hedge. It costs a token
    /// of the [`Budget`], with which its hedge is paid. Without a token, or while other calls wait for
    /// one, it is put off. Calls that are not idempotent never probe.
    First {
        /// The shortest time between two probes, and between the loss of the preference and the first
        /// probe. A server that becomes the first of the list is probed by the next call.
        probe: Duration,
    },
}

/// The delay before another server is asked although the last one may still answer.
///
/// It counts from the last attempt. An error does not wait for it: the next server is then asked at
/// once.
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
    /// Ask another server only after an error.
    Never,
    /// Wait for this time. Zero asks all servers at once, as far as the [`Budget`] allows.
    After(Duration),
    /// Wait for as long as the server usually takes. If it has never been waited for to the end, that
    /// is no more than the time it [is known](super::Latency) to take at least.
    Percentile {
        /// The percentage of answers that usually come sooner: 1 to 99.
        percentile: u8,
        /// The shortest delay.
        at_least: Duration,
        /// The longest delay, and the one for a server of which too little is known.
        at_most: Duration,
    },
}

impl Default for Hedge {
    /// After 100 ms.
    fn default() -> Self {
        Self::After(Duration::from_millis(100))
    }
}

/// A limit on the requests made because a server is slow, beyond one for each call.
///
/// A token bucket, full at first. It keeps a client whose servers are all slow from doubling their
/// load. Calls that find it empty wait in line for the next token; one that is kept but not polled
/// loses its place. Asking another server after an *error* is free: the server that failed has nothing
/// left to do.
///
/// ```
/// use pushdown_patterns::replicated::Budget;
///
/// let careful = Budget { percent: 1, ..Budget::default() };
/// assert_eq!((careful.percent, careful.per_second, careful.burst), (1, 1, 10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Extra requests earned by a hundred calls.
    pub percent: u32,
    /// Extra requests earned in a second. If zero, a client that makes few calls and has no timeout
    /// may wait for a stopped server until others make calls.
    pub per_second: u32,
    /// Extra requests that can be saved up.
    pub burst: u32,
}

impl Budget {
    /// As many extra requests as there are servers to ask.
    pub const UNLIMITED: Self = Self { percent: u32::MAX, per_second: u32::MAX, burst: u32::MAX };
}

impl Default for Budget {
    /// One for ten calls, one a second, and ten saved up.
    fn default() -> Self {
        Self { percent: 10, per_second: 1, burst: 10 }
    }
}

/// The treatment of attempts that are running when their call ends or is dropped.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use std::time::Duration;
/// use pushdown_patterns::Shutdown;
/// use pushdown_patterns::replicated::{Client, Hedge, Losers, Options};
/// use tokio::time::sleep;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let call = |millis: Arc<u64>, ()| async move {
///     sleep(Duration::from_millis(*millis)).await;
///     Ok::<_, ()>(*millis)
/// };
/// let at_most = NonZeroUsize::new(100).unwrap();
/// let options = Options::new()
///     .hedge(Hedge::After(Duration::from_millis(5)))
///     .losers(Losers::Finish { at_most, within: Duration::from_secs(10) });
/// let client = Client::new([20, 1], call, options).unwrap();
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
    /// They carry on as tasks of the runtime that the call was waiting in. Without a runtime they are
    /// dropped.
    Finish {
        /// The most of them that there may be. Further ones are dropped at once.
        at_most: NonZeroUsize,
        /// Time limit for each, from the end of its call. Then it is dropped.
        within: Duration,
    },
}

/// Options of one call.
///
/// ```
/// use std::sync::Arc;
/// use pushdown_patterns::Effect;
/// use pushdown_patterns::replicated::{CallOptions, Client, Options};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let pay = async |server: Arc<&str>, amount: u32| match *server {
///     "closed" => Err("no connection"),
///     _ => Ok(amount),
/// };
/// let options = Options::new().effect(|error| match *error {
///     "no connection" => Effect::DidNotHappen,
///     _ => Effect::MayHaveHappened,
/// });
/// let client = Client::new(["closed", "open"], pay, options).unwrap();
///
/// // Paid once. The second server is asked because the first one cannot have been paid.
/// let once = CallOptions::new().idempotent(false);
/// assert_eq!(client.call_with(100, once).await.unwrap(), 100);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallOptions {
    pub(super) idempotent: bool,
    pub(super) timeout: Option<Duration>,
}

impl CallOptions {
    /// Creates the default options: idempotent, with the timeout of the client.
    pub const fn new() -> Self {
        Self { idempotent: true, timeout: None }
    }

    /// Sets whether the call may be carried out by several servers, or twice by one. If not, one server
    /// is asked, and another only after an error that means [`Effect::DidNotHappen`], as told by
    /// [`Options::effect`].
    #[must_use]
    pub const fn idempotent(self, idempotent: bool) -> Self {
        Self { idempotent, ..self }
    }

    /// Sets the time limit for the call, instead of that of the [client](Options::timeout).
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        Self::new()
    }
}
