//! Servers that join and leave.

use std::boxed::Box;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::vec::Vec;

use super::list::{Change, Departing, Entry};
use super::proto::ServerStats;
use super::service::Service;
use super::shared::SharedState;
use crate::Shutdown;
use crate::sync::Mutex;
use crate::wait::{self, Clock};
use crate::waits::{At, Peer, Site};
use crate::wakers::AfterUnlock;

static LEAVE: Site = Site::wait("replicated", "leave", "requests").peers("server");

/// Changes the servers of a [`Client`](super::Client). It does not keep the client alive.
///
/// A server has a number by which statistics and errors name it. The servers that a client is created
/// with are 0, 1, 2 and so on, and each that joins gets the next number. No number is used twice, not
/// even for a server that comes back.
///
/// * **A server that joins** is asked by the calls that begin afterwards, and by those that are running
///   as a further candidate.
/// * **A server that has left** is asked no more. If it was preferred, the next one in the list is. A reply
///   from it still wins its call, but does not make it the preferred one. Requests that are running carry
///   on or are dropped, as the [`Shutdown`] says.
/// * **A request that is dropped with its server** has failed with [`Cause::Left`](super::Cause::Left), and
///   may have had an effect. Its call asks another server at once if it is idempotent.
/// * **While there is no server**, calls fail with
///   [`CallErrorKind::NoServers`](super::CallErrorKind::NoServers).
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use pushdown_patterns::Shutdown;
/// use pushdown_patterns::replicated::{Client, Options};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let get = async |server: Arc<&'static str>, ()| Ok::<_, ()>(*server);
/// let client = Client::new(["one", "two"], get, Options::new()).unwrap();
///
/// // A service discovery gives a new list whenever something has changed.
/// let (lists, mut changed) = tokio::sync::mpsc::channel(1);
/// let membership = client.membership();
/// let following = tokio::spawn(async move {
///     while let Some(list) = changed.recv().await {
///         let Ok(change) = membership.replace_all(list, Shutdown::Abort) else { return };
///         for leaving in change.leaving {
///             println!("{} has left", leaving.await.server);
///         }
///     }
/// });
/// lists.send(vec!["two", "three"]).await.unwrap();
/// drop(lists);
/// following.await.unwrap();
///
/// assert_eq!(client.call(()).await.unwrap(), "two");
/// let numbers: Vec<_> = client.servers().into_iter().map(|(number, _)| number).collect();
/// assert_eq!(numbers, [1, 2]);
/// # }
/// ```
pub struct Membership<S> {
    client: Weak<dyn HasServers<S>>,
}

/// A server that has left and whose requests may still be running: a future of the [`Departed`] server.
///
/// It needs no polling for the server to leave. Dropped, it leaves the running requests alone, and no
/// timeout ends them.
#[must_use = "dropping it gives up the server and the timeout of its requests"]
pub struct Leaving<S> {
    number: usize,
    server: Arc<S>,
    departure: Pin<Box<dyn Future<Output = ServerStats> + Send>>,
}

/// A server that has left and of which nothing is running any more.
#[derive(Debug)]
#[non_exhaustive]
pub struct Departed<S> {
    /// Number that it had.
    pub number: usize,
    /// The server. Nothing else in the client refers to it.
    pub server: Arc<S>,
    /// Its final counts.
    pub stats: ServerStats,
}

/// The change that [`Membership::replace_all`] has made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replaced<S> {
    /// Numbers of the servers that have joined.
    pub joined: Vec<usize>,
    /// The servers that have left.
    pub leaving: Vec<Leaving<S>>,
}

/// The client is closed, or has been dropped. Returns what was to join it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinError<T>(pub T);

impl<S: Send + Sync + 'static> Membership<S> {
    pub(super) fn new<A: 'static, R, E>(client: &Arc<Service<S, A, R, E>>) -> Self
    where
        R: Send + 'static,
        E: Send + 'static,
    {
        let client: Arc<dyn HasServers<S>> = client.clone();
        Self { client: Arc::downgrade(&client) }
    }

    /// Returns the servers with their numbers, in list order. Empty if the client has been dropped.
    pub fn servers(&self) -> Vec<(usize, Arc<S>)> {
        self.client.upgrade().map_or_else(Vec::new, |client| client.list().0)
    }

    /// Adds a server at the end of the list, and returns its number.
    ///
    /// # Errors
    /// If the client is closed or has been dropped. It has not joined, and is returned.
    pub fn join(&self, server: S) -> Result<usize, JoinError<S>> {
        match self.client.upgrade() {
            Some(client) => client.join(server).map_err(JoinError),
            None => Err(JoinError(server)),
        }
    }

    /// Removes the server with this number from the list, at once. `None` if it is not there.
    ///
    /// Its requests may go on until the timeout of a [`Drain`](Shutdown::Drain), as long as the
    /// [`Leaving`] is polled. An [`Abort`](Shutdown::Abort) drops them, except that a request which is
    /// being polled is dropped after that.
    #[track_caller]
    pub fn leave(&self, number: usize, how: Shutdown) -> Option<Leaving<S>> {
        self.client.upgrade()?.leave(number, how, LEAVE.here())
    }

    /// Makes the list equal to this one, in this order, at once.
    ///
    /// A server of the list that equals one of these stays, with its number, its counts and its requests;
    /// if several do, the first ones. The others leave as with [`leave`](Self::leave).
    ///
    /// # Errors
    /// If the client is closed or has been dropped. Nothing has changed, and the list is returned.
    #[track_caller]
    pub fn replace_all(
        &self,
        servers: impl IntoIterator<Item = S>,
        how: Shutdown,
    ) -> Result<Replaced<S>, JoinError<Vec<S>>>
    where
        S: PartialEq,
    {
        let at = LEAVE.here();
        let servers: Vec<S> = servers.into_iter().collect();
        let Some(client) = self.client.upgrade() else { return Err(JoinError(servers)) };
        let mut servers: Vec<Arc<S>> = servers.into_iter().map(Arc::new).collect();
        loop {
            // Servers are compared without the lock, and again if the list has changed meanwhile.
            let (mut list, changes) = client.list();
            let entries = servers.iter().map(|server| {
                match list.iter().position(|(_, member)| member == server) {
                    Some(place) => Entry::Stays(list.remove(place).0),
                    None => Entry::Joins(server.clone()),
                }
            });
            match client.replace(entries.collect(), changes, how, at) {
                Ok(Some(replaced)) => return Ok(replaced),
                Ok(None) => {}
                Err(Closed) => {
                    let alone = servers.drain(..).map(Arc::into_inner);
                    return Err(JoinError(alone.map(|server| server.expect("no copy")).collect()));
                }
            }
        }
    }
}

impl<S> Leaving<S> {
    /// Returns the number that the server had.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the server.
    pub fn server(&self) -> &Arc<S> {
        &self.server
    }
}

impl<S> Future for Leaving<S> {
    type Output = Departed<S>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Departed<S>> {
        let stats = ready!(self.departure.as_mut().poll(cx));
        Poll::Ready(Departed { number: self.number, server: self.server.clone(), stats })
    }
}

struct Closed;

/// The part of a client that has to do with its servers alone.
trait HasServers<S>: Send + Sync {
    fn list(&self) -> (Vec<(usize, Arc<S>)>, u64);

    fn join(&self, server: S) -> Result<usize, S>;

    fn leave(&self, number: usize, how: Shutdown, at: At<'static>) -> Option<Leaving<S>>;

    /// Replaces the list, unless it has changed since: then there is nothing.
    fn replace(
        &self,
        entries: Vec<Entry<S>>,
        since: u64,
        how: Shutdown,
        at: At<'static>,
    ) -> Result<Option<Replaced<S>>, Closed>;
}

impl<S, A, R, E> HasServers<S> for Service<S, A, R, E>
where
    S: Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
{
    fn list(&self) -> (Vec<(usize, Arc<S>)>, u64) {
        self.shared.lock().list()
    }

    fn join(&self, server: S) -> Result<usize, S> {
        let mut locked = self.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        let joined = state.join(Arc::new(server), after);
        joined.map_err(|server| Arc::into_inner(server).expect("no copy"))
    }

    fn leave(&self, number: usize, how: Shutdown, at: At<'static>) -> Option<Leaving<S>> {
        let server = {
            let mut locked = self.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            let server = state.leave(number, after)?;
            state.tell_changes(after);
            server
        };
        Some(leaving(&self.shared, &self.name, number, server, how, at))
    }

    fn replace(
        &self,
        entries: Vec<Entry<S>>,
        since: u64,
        how: Shutdown,
        at: At<'static>,
    ) -> Result<Option<Replaced<S>>, Closed> {
        let Change { joined, left } = {
            let mut locked = self.shared.lock_with::<(AfterUnlock, Vec<Entry<S>>)>();
            let (state, (after, unused)) = locked.split();
            if state.is_closed() || state.changes != since {
                *unused = entries;
                return if state.is_closed() { Err(Closed) } else { Ok(None) };
            }
            state.replace(entries, after)
        };
        let leave = |(number, server)| leaving(&self.shared, &self.name, number, server, how, at);
        Ok(Some(Replaced { joined, leaving: left.into_iter().map(leave).collect() }))
    }
}

fn leaving<S, R, E>(
    shared: &Arc<Mutex<SharedState<S, R, E>>>,
    client: &Peer,
    number: usize,
    server: Arc<S>,
    how: Shutdown,
    at: At<'static>,
) -> Leaving<S>
where
    S: Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
{
    let now = Clock::TOKIO.now();
    let mut departing = Departing::new(shared, number, how.deadline(now), now);
    let (client, peer) = (client.clone(), Peer::Number(number as u64));
    let departure = Box::pin(async move {
        let step = |cx: &mut Context<'_>, clock| departing.step(cx, clock);
        wait::wait(at.of(&client).at(&peer), step).await
    });
    Leaving { number, server, departure }
}

impl<S> Clone for Membership<S> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone() }
    }
}

impl<S> fmt::Debug for Membership<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Leaving<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaving").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for JoinError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client is closed")
    }
}

impl<T: fmt::Debug> std::error::Error for JoinError<T> {}
