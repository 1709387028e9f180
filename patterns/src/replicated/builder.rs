//! How a client is put together.

use std::boxed::Box;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use std::vec::Vec;

use super::attempt::Request;
use super::core::Replicas;
use super::error::BuildError;
use super::options::{Budget, Hedge, Losers};
use super::state::{Shared, State};
use super::{Client, Service};
use crate::Effect;

/// A [`Client`] in the making, from [`Client::builder`].
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use pushdown_patterns::replicated::{BuildError, Client, Hedge};
///
/// let builder = || Client::builder(async |server: Arc<u16>, ()| Ok::<_, ()>(*server));
/// let hedge = Hedge::After(Duration::from_millis(20));
/// let client = builder().servers([1, 2, 3]).hedge(hedge).build().unwrap();
/// assert_eq!(client.servers().len(), 3);
/// assert_eq!(builder().build().unwrap_err(), BuildError::NoServers);
/// ```
pub struct Builder<S, A, R, E> {
    call: Box<dyn Fn(Arc<S>, A) -> Request<R, E> + Send + Sync>,
    effect: Box<dyn Fn(&E) -> Effect + Send + Sync>,
    servers: Vec<Arc<S>>,
    hedge: Hedge,
    budget: Budget,
    deadline: Option<Duration>,
    losers: Losers,
}

impl<S, A, R, E> Builder<S, A, R, E> {
    pub(super) fn new<F, Fut>(call: F) -> Self
    where
        F: Fn(Arc<S>, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        Self {
            call: Box::new(move |server, args| Box::pin(call(server, args))),
            effect: Box::new(|_| Effect::MayHaveHappened),
            servers: Vec::new(),
            hedge: Hedge::default(),
            budget: Budget::default(),
            deadline: None,
            losers: Losers::default(),
        }
    }

    /// Adds a server to the list. The first one is preferred at first.
    #[must_use]
    pub fn server(self, server: S) -> Self {
        self.servers([server])
    }

    /// Adds servers to the list.
    #[must_use]
    pub fn servers(mut self, servers: impl IntoIterator<Item = S>) -> Self {
        self.servers.extend(servers.into_iter().map(Arc::new));
        self
    }

    /// When another server is asked although the last one may still answer.
    #[must_use]
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.hedge = hedge;
        self
    }

    /// How many extra requests that may bring.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// How long a call may take that names no time of its own, counted from when it is first polled.
    /// Everything counts that the call waits for. Without a deadline a call can wait for ever.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What becomes of attempts that are running when their call is over or dropped.
    #[must_use]
    pub fn losers(mut self, losers: Losers) -> Self {
        self.losers = losers;
        self
    }

    /// Tells from an error what the server may have done. If it did nothing, then even a call that is
    /// not idempotent is tried elsewhere. Without this, any error may mean that it did something.
    #[must_use]
    pub fn effect(mut self, effect: impl Fn(&E) -> Effect + Send + Sync + 'static) -> Self {
        self.effect = Box::new(effect);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// There is no server, or the [`Hedge`] makes no sense.
    pub fn build(self) -> Result<Client<S, A, R, E>, BuildError> {
        let count = NonZeroUsize::new(self.servers.len()).ok_or(BuildError::NoServers)?;
        if let Hedge::Percentile { percentile, at_least, at_most } = self.hedge
            && (!(1..=99).contains(&percentile) || at_least > at_most)
        {
            return Err(BuildError::Percentile);
        }
        let replicas = Replicas::new(count, self.hedge, self.budget);
        Ok(Client::new(Service {
            servers: self.servers,
            call: self.call,
            effect: self.effect,
            deadline: self.deadline,
            losers: self.losers,
            shared: Arc::new(Shared::new(State::new(replicas))),
        }))
    }
}

impl<S: fmt::Debug, A, R, E> fmt::Debug for Builder<S, A, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("servers", &self.servers)
            .field("hedge", &self.hedge)
            .field("budget", &self.budget)
            .field("deadline", &self.deadline)
            .field("losers", &self.losers)
            .finish_non_exhaustive()
    }
}
