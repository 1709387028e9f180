//! A client of a service that several servers offer: it asks the one that answered last, and others
//! too when that one is slow or fails.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use pushdown_patterns::replicated::{Client, Hedge};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let client = Client::builder(|server: Arc<String>, key: &'static str| async move {
//!     if *server == "stopped" {
//!         std::future::pending::<()>().await;
//!     }
//!     Ok::<_, std::io::Error>(format!("{key} from {server}"))
//! })
//! .servers(["stopped".to_owned(), "running".to_owned()])
//! .hedge(Hedge::After(Duration::from_millis(10)))
//! .deadline(Duration::from_secs(1))
//! .build()
//! .unwrap();
//!
//! assert_eq!(client.call("apple").await.unwrap(), "apple from running"); // after 10 ms
//! assert_eq!(client.call("pear").await.unwrap(), "pear from running"); // at once
//! assert_eq!(client.stats().servers[0].cancelled, 1);
//! # }
//! ```
//!
//! It is the third system of Russ Cox's lecture on concurrency in Go (MIT 6.824), with these rules:
//!
//! * The preferred server is asked first, then the others in the order of the list, each once at
//!   most: one more whenever the last has not answered within the [`Hedge`]'s delay, and one more at
//!   once for each that fails. Then the call waits for the first answer, until its deadline.
//! * **The first reply wins.** An error never does, as long as another attempt runs or can be made.
//!   What a server *says* is a reply, even if it says no; an error means that it could not answer.
//! * **The winner is preferred from now on**, unless the preference has changed since the call began:
//!   a late slow winner undoes nothing. A call that ends without an answer while there are servers it
//!   did not ask moves the preference on to the first of them. A dropped call leaves it alone.
//! * Attempts that are left over are [cancelled or left to finish](Losers). Their time counts either
//!   way, so a server that has stopped shows it in the [statistics](Client::stats).
//! * Extra requests have a [`Budget`], and until the delay is over they hold nothing: no token, no
//!   copy of the arguments, no call of your function.
//! * A call that is [not idempotent](CallOptions::idempotent) is made once.
//!
//! Attempts run inside the call's own future, which is therefore to be polled until it is ready, or
//! dropped. It polls all its attempts whenever one of them is woken. A call takes the lock three
//! times: when it begins, when it waits, when it ends.
//!
//! In the two shapes of the lecture this is state as data, for the sake of [`core`]: each event finds
//! the state under a lock and moves it on. The lecture's loop over a timer and a channel of replies is
//! state as code; it is what [`core::Call::tick`] answers, one question after the other.

use std::boxed::Box;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use std::vec::Vec;

use self::attempt::Request;
use self::call::Ongoing;
use self::shutdown::Closing;
use self::state::Shared;
use super::seeded::{self, Bug};
use super::wait::{self, Clock};
use super::waits::{Peer, Site};
use super::wakers::AfterUnlock;
use super::{Effect, Shutdown};

mod attempt;
mod builder;
mod call;
pub mod core;
mod error;
mod losers;
mod options;
mod shutdown;
mod state;

pub use self::core::{Latency, ServerStats, Stats};
pub use builder::Builder;
pub use error::{BuildError, CallError, CallErrorKind, Cause, Failure};
pub use options::{Budget, CallOptions, Hedge, Losers};
pub use shutdown::{Ends, Report};

static CALL: Site = Site::wait("replicated", "call", "a reply");
static SHUTDOWN: Site = Site::wait("replicated", "shutdown", "calls");

/// A client of servers `S` that take arguments `A` and answer `R`, or fail with `E`. The
/// [module](self) says how, with an example.
///
/// Clones are handles to the same client. With the last one goes everything that is running.
pub struct Client<S, A, R, E> {
    service: Arc<Service<S, A, R, E>>,
}

struct Service<S, A, R, E> {
    servers: Vec<Arc<S>>,
    call: Box<dyn Fn(Arc<S>, A) -> Request<R, E> + Send + Sync>,
    effect: Box<dyn Fn(&E) -> Effect + Send + Sync>,
    deadline: Option<Duration>,
    losers: Losers,
    /// Losers share it too, and outlive the rest.
    shared: Arc<Shared>,
}

/// How much is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Running {
    /// Calls that have begun.
    pub calls: usize,
    /// Attempts that have outlived their calls.
    pub losers: usize,
}

impl<S, A, R, E> Client<S, A, R, E> {
    /// A client that makes its requests with this function.
    ///
    /// A request that has to be dropped is dropped where it waits. If it panics, it counts as failed.
    pub fn builder<F, Fut>(call: F) -> Builder<S, A, R, E>
    where
        F: Fn(Arc<S>, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        Builder::new(call)
    }

    fn new(service: Service<S, A, R, E>) -> Self {
        Self { service: Arc::new(service) }
    }

    /// The servers, in the order of the list.
    pub fn servers(&self) -> &[Arc<S>] {
        &self.service.servers
    }

    /// Which server is asked first, by its place in the list.
    pub fn preferred(&self) -> usize {
        self.service.shared.lock().replicas.preferred()
    }

    /// What the client and its servers have done so far.
    pub fn stats(&self) -> Stats {
        self.service.shared.lock().replicas.stats()
    }

    /// How much is running at the moment.
    pub fn running(&self) -> Running {
        let state = self.service.shared.lock();
        Running { calls: state.calls, losers: state.losers }
    }

    /// Closes the client, for all its handles, and waits until nothing is running any more. Dropped
    /// while it waits, it leaves the client closed and lets what is running come to its end.
    ///
    /// A second shutdown waits too; the sooner end holds. Losers are ended where they run: if that
    /// runtime stands still, even an abort waits for it.
    pub async fn shutdown(&self, how: Shutdown) -> Report {
        let mut closing = Closing::new(&self.service.shared, how, Clock::TOKIO.now());
        wait::wait(&SHUTDOWN, |cx, clock| closing.step(cx, clock)).await
    }
}

impl<S, A, R, E> Client<S, A, R, E>
where
    A: Clone,
    R: Send + 'static,
    E: Send + 'static,
{
    /// Makes an idempotent call: the first reply of any server.
    ///
    /// Dropped before it is first polled, it has done nothing; dropped later, it leaves nothing behind
    /// but [`Losers`] that were to finish.
    ///
    /// # Errors
    /// Says what each server that was asked had to say, and gives the arguments back.
    ///
    /// # Panics
    /// If there is a delay or a deadline to wait for, outside of tokio or where its timers are off.
    pub async fn call(&self, args: A) -> Result<R, CallError<A, E>> {
        self.call_with(args, CallOptions::default()).await
    }

    /// Makes a call with options of its own. Otherwise as [`call`](Self::call).
    ///
    /// # Errors
    /// Says what each server that was asked had to say, and gives the arguments back.
    ///
    /// # Panics
    /// If there is a delay or a deadline to wait for, outside of tokio or where its timers are off.
    pub async fn call_with(&self, args: A, mut options: CallOptions) -> Result<R, CallError<A, E>> {
        options.deadline = options.deadline.or(self.service.deadline);
        let now = Clock::TOKIO.now();
        let begun = self.service.shared.lock().begin(options, now);
        let Some(call) = begun else {
            return Err(CallError { kind: CallErrorKind::Closed, args, failures: Vec::new() });
        };
        let mut ongoing = Ongoing::new(&self.service, args, call, now);
        wait::wait_for(&CALL, |cx, clock, peer| {
            let step = ongoing.step(cx, clock);
            *peer = ongoing.asked_last().map(|server| Peer::Number(server as u64));
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
            .field("servers", &self.service.servers)
            .field("preferred", &self.preferred())
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

/// The last handle is gone, so no call is running. Losers may be.
impl<S, A, R, E> Drop for Service<S, A, R, E> {
    fn drop(&mut self) {
        let mut later = AfterUnlock::default();
        if !seeded::is(Bug::LosersOutliveTheClient) {
            self.shared.lock().abort(&mut later);
        }
    }
}
