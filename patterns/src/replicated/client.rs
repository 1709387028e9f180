//! Handles of a client.

use std::boxed::Box;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::vec::Vec;

use super::call::CallDriver;
use super::error::{BuildError, CallError};
use super::membership::Membership;
use super::options::{CallOptions, Hedge, Options, Prefer};
use super::proto::{Replicas, Stats};
use super::report::Report;
use super::service::Service;
use super::shared::SharedState;
use super::shutdown::ShutdownWaiter;
use crate::Shutdown;
use crate::sync::Mutex;
use crate::trace::{self, Event, Source};
use crate::wait::{self, Clock, Step};
use crate::waits::{At, Peer, Site};

static CALL: Site = Site::wait("replicated", "call", "a reply").peers("server");
static SHUTDOWN: Site = Site::wait("replicated", "shutdown", "calls");

/// A client of servers `S` that take arguments `A` and answer `R`, or fail with `E`. The
/// [module](super) states the rules and has an example.
///
/// Clones are handles to the same client. Dropping the last one ends everything that is running.
pub struct Client<S, A, R, E> {
    service: Arc<Service<S, A, R, E>>,
}

/// Calls and attempts that are running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Running {
    /// Calls that have begun.
    pub calls: usize,
    /// Attempts that have outlived their calls.
    pub losers: usize,
}

impl<S, A, R, E> Client<S, A, R, E> {
    /// Creates a client of these servers that makes its requests with `call`. The first server is
    /// preferred at first. Others may [join](Self::membership) later.
    ///
    /// A request that is no longer needed is dropped at the point where it waits. A request that
    /// panics counts as failed.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use pushdown_patterns::replicated::{BuildError, Client, Options};
    ///
    /// let call = async |server: Arc<u16>, ()| Ok::<_, ()>(*server);
    /// let client = Client::new([1, 2, 3], call, Options::new()).unwrap();
    /// assert_eq!(client.servers().len(), 3);
    /// assert_eq!(Client::new([], call, Options::new()).unwrap_err(), BuildError::NoServers);
    /// ```
    ///
    /// # Errors
    /// If there is no server, the [`Hedge`] is inconsistent, or missing where
    /// [`Prefer::First`](super::Prefer::First) needs one.
    pub fn new<F, Fut>(
        servers: impl IntoIterator<Item = S>,
        call: F,
        options: Options<E>,
    ) -> Result<Self, BuildError>
    where
        F: Fn(Arc<S>, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        let servers: Vec<_> = servers.into_iter().map(Arc::new).collect();
        let count = NonZeroUsize::new(servers.len()).ok_or(BuildError::NoServers)?;
        let Options { prefer, hedge, budget, timeout, losers, effect, name } = options;
        if let Hedge::Percentile { percentile, at_least, at_most } = hedge
            && (!(1..=99).contains(&percentile) || at_least > at_most)
        {
            return Err(BuildError::Percentile);
        }
        if matches!(prefer, Prefer::First { .. }) && hedge == Hedge::Never {
            return Err(BuildError::ProbeWithoutHedge);
        }
        let name = Peer::unique(name);
        let source = Source::of(&name);
        let replicas = Replicas::new(count, prefer, hedge, budget);
        let state = SharedState::new(replicas, servers, source.clone());
        Ok(Self {
            service: Arc::new(Service {
                call: Box::new(move |server, args| Box::pin(call(server, args))),
                effect,
                timeout,
                losers,
                name,
                source,
                shared: Arc::new(Mutex::new(state)),
            }),
        })
    }

    /// Returns the servers with their numbers, in list order.
    pub fn servers(&self) -> Vec<(usize, Arc<S>)> {
        self.service.shared.lock().list().0
    }

    /// Returns a handle to the list of servers, which may change while calls are running.
    pub fn membership(&self) -> Membership<S>
    where
        S: Send + Sync + 'static,
        A: 'static,
        R: Send + 'static,
        E: Send + 'static,
    {
        Membership::new(&self.service)
    }

    /// Returns the number of the server that is asked first. `None` while there is no server.
    pub fn preferred(&self) -> Option<usize> {
        self.service.shared.lock().replicas.preferred()
    }

    /// Returns what the client and its servers have done so far.
    pub fn stats(&self) -> Stats {
        self.service.shared.lock().replicas.stats()
    }

    /// Returns how many calls and losers are running.
    pub fn running(&self) -> Running {
        let state = self.service.shared.lock();
        Running { calls: state.calls, losers: state.losers }
    }

    /// Closes the client, for all its handles, and waits until nothing is running any more. If the
    /// future is dropped while it waits, the client stays closed and what is running carries on to
    /// its end.
    ///
    /// A second shutdown waits as well; the earlier deadline holds. An abort drops the requests of
    /// calls and losers that nothing polls at the moment, and waits for a poll that is under way. It
    /// does not depend on another poll. The aborted call learns of it when it is polled again.
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> {
        let at = SHUTDOWN.here().of(&self.service.name);
        async move {
            self.service.source.emit(|| Event::ClientShutdown { how: trace::how(how) });
            let mut waiter = ShutdownWaiter::new(&self.service.shared, how, Clock::TOKIO.now());
            let report = wait::wait(at, |cx, clock| waiter.step(cx, clock)).await;
            self.service.source.emit(|| report.event());
            report
        }
    }
}

impl<S, A, R, E> Client<S, A, R, E>
where
    S: Send + Sync + 'static,
    A: Clone,
    R: Send + 'static,
    E: Send + 'static,
{
    /// Makes an idempotent call and returns the first reply of any server.
    ///
    /// A call that is dropped before its first poll has done nothing. Dropped later, it leaves nothing
    /// behind but [losers](super::Losers) that may finish.
    ///
    /// # Errors
    /// If no server replied. The error has the failure of each server that was asked, and the
    /// arguments.
    ///
    /// # Panics
    /// If there is a delay or a timeout to wait for, and the call is polled outside of tokio or in a
    /// runtime without timers.
    #[track_caller]
    pub fn call(&self, args: A) -> impl Future<Output = Result<R, CallError<A, E>>> {
        self.call_with(args, CallOptions::new())
    }

    /// Makes a call with options of its own. Otherwise the same as [`call`](Self::call).
    ///
    /// # Errors
    /// If no server replied. The error has the failure of each server that was asked, and the
    /// arguments.
    ///
    /// # Panics
    /// If there is a delay or a timeout to wait for, and the call is polled outside of tokio or in a
    /// runtime without timers.
    #[track_caller]
    pub fn call_with(
        &self,
        args: A,
        options: CallOptions,
    ) -> impl Future<Output = Result<R, CallError<A, E>>> {
        self.run(args, options, CALL.here().of(&self.service.name))
    }

    async fn run(
        &self,
        args: A,
        mut options: CallOptions,
        at: At<'_>,
    ) -> Result<R, CallError<A, E>> {
        options.timeout = options.timeout.or(self.service.timeout);
        let now = Clock::TOKIO.now();
        let mut driver = CallDriver::new(&self.service, args, options, now);
        wait::wait_why(at, |cx, clock, why| {
            let step = driver.step(cx, clock);
            if matches!(step, Step::Wait { .. }) {
                driver.name_wait(why);
            }
            step
        })
        .await
    }
}

impl<S, A, R, E> Clone for Client<S, A, R, E> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone() }
    }
}

impl<S: fmt::Debug, A, R, E> fmt::Debug for Client<S, A, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("servers", &self.servers())
            .field("preferred", &self.preferred())
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}
