//! The handle that callers clone.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::task::Context;
use std::boxed::Box;
use std::error::Error;
use std::sync::Arc;

use super::call::{self, Message};
use super::driver::{self, Connected};
use super::error::{CallError, Outage};
use super::options::Options;
use super::proto::Counts;
use super::shared::Shared;
use super::unsolicited::Unsolicited;
use crate::Shutdown;
use crate::mux::handle::{CALL, SEND};
use crate::mux::proto::Outcome;
use crate::mux::{CallOptions, CloseReason, Mux, Protocol, Report};
use crate::wait::{self, Clock, Step};
use crate::waiters::Ticket;
use crate::waits::{At, Site};

static CALL_LINE: Site = Site::wait("mux", "call", "a connection");
static SEND_LINE: Site = Site::wait("mux", "send", "a connection");
static ENDED: Site = Site::wait("mux", "ended", "the end of the client");

/// A handle to a client that makes a new connection when one ends. The [module](super) states which calls
/// are sent again, and has an example.
///
/// Clone it for each caller. Dropping the last handle aborts the client and its connection.
pub struct Reconnect<P: Protocol> {
    shared: Arc<Shared<P>>,
    /// Aborts the client when the last handle is dropped.
    _abort: Arc<AbortOnDrop<P>>,
}

struct AbortOnDrop<P: Protocol>(Arc<Shared<P>>);

impl<P: Protocol> Drop for AbortOnDrop<P> {
    fn drop(&mut self) {
        self.0.change(|core| core.close(CloseReason::Aborted));
    }
}

impl<P: Protocol> Clone for Reconnect<P> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), _abort: self._abort.clone() }
    }
}

impl<P: Protocol> fmt::Debug for Reconnect<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl<P: Protocol> Reconnect<P> {
    /// Creates a client that makes its connections with `connect`, and the future that runs it.
    ///
    /// `connect` opens a connection and makes a [`Mux`] of it, which it may call: to log in, or to
    /// subscribe. The calls of the client go out once it has returned. It is asked again when it fails,
    /// panics, or takes [too long](Options::connect_timeout), and when its connection has ended.
    ///
    /// The future does nothing but that: poll it until it ends, with [`tokio::spawn`] for example. It
    /// needs tokio's clock. Dropping it ends the client.
    pub fn new<C, F, E>(
        connect: C,
        options: Options,
    ) -> (Self, Unsolicited<P>, impl Future<Output = Report> + Send + use<P, C, F, E>)
    where
        C: FnMut() -> F + Send,
        F: Future<Output = Connected<P, E>> + Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let shared = Arc::new(Shared::new(options));
        let driver = driver::run(shared.clone(), connect);
        let client = Self { shared: shared.clone(), _abort: Arc::new(AbortOnDrop(shared.clone())) };
        (client, Unsolicited::new(shared), driver)
    }

    /// Like [`new`](Self::new), but runs the client in a tokio task.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn<C, F, E>(connect: C, options: Options) -> (Self, Unsolicited<P>)
    where
        C: FnMut() -> F + Send + 'static,
        F: Future<Output = Connected<P, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let (client, unsolicited, driver) = Self::new(connect, options);
        tokio::spawn(driver);
        (client, unsolicited)
    }

    /// Makes a call that must not happen twice, and waits for its reply.
    ///
    /// It is sent once at most. If its connection ends before, it is sent on the next one.
    ///
    /// Dropping the future before the request is sent undoes the call. Dropping it later is as with
    /// [`Mux::call`].
    ///
    /// # Errors
    /// If there is no reply. The error holds the request if it was not sent.
    #[track_caller]
    pub fn call(
        &self,
        request: P::Request,
    ) -> impl Future<Output = Result<P::Reply, CallError<P::Request>>> {
        self.call_with(request, CallOptions::new())
    }

    /// Like [`call`](Self::call), with a tag of the caller's choice, a timeout, or no cancel. The timeout
    /// covers the waits for connections too.
    ///
    /// # Errors
    /// Those of [`call`](Self::call).
    #[track_caller]
    pub fn call_with(
        &self,
        request: P::Request,
        options: CallOptions<P::Tag>,
    ) -> impl Future<Output = Result<P::Reply, CallError<P::Request>>> {
        let once = None::<fn() -> P::Request>;
        self.reply(Message { request, options: Some(options), again: once }, Location::caller())
    }

    /// Makes a call that may happen more than once, with a request of this function. It is made again, of
    /// another request, if the connection ends after it was sent: at most
    /// [so often](Options::attempts).
    ///
    /// The function runs in the caller's task, for the first time before this returns.
    ///
    /// ```
    /// # use pushdown_patterns::mux::{Protocol, Reconnect};
    /// # async fn call<P: Protocol<Request: Clone>>(client: Reconnect<P>, request: P::Request) {
    /// let reply = client.call_idempotent(|| request.clone()).await;
    /// # drop(reply);
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no reply. The error holds a request if none was sent.
    #[track_caller]
    pub fn call_idempotent(
        &self,
        request: impl FnMut() -> P::Request,
    ) -> impl Future<Output = Result<P::Reply, CallError<P::Request>>> {
        self.call_idempotent_with(request, CallOptions::new())
    }

    /// Like [`call_idempotent`](Self::call_idempotent), with the options of a call.
    ///
    /// # Errors
    /// Those of [`call_idempotent`](Self::call_idempotent).
    #[track_caller]
    pub fn call_idempotent_with(
        &self,
        mut request: impl FnMut() -> P::Request,
        options: CallOptions<P::Tag>,
    ) -> impl Future<Output = Result<P::Reply, CallError<P::Request>>> {
        let first = request();
        let message = Message { request: first, options: Some(options), again: Some(request) };
        self.reply(message, Location::caller())
    }

    async fn reply<M: FnMut() -> P::Request>(
        &self,
        message: Message<P, M>,
        caller: &'static Location<'static>,
    ) -> Result<P::Reply, CallError<P::Request>> {
        match call::run(&self.shared, message, self.at(&CALL_LINE, caller), self.at(&CALL, caller))
            .await?
        {
            Outcome::Reply(reply) => Ok(reply),
            Outcome::Sent | Outcome::Ended(_) => unreachable!("a call has a reply or an error"),
        }
    }

    /// Sends a message that has no reply, in order with the calls, and waits until a connection has
    /// [accepted](Mux::send) it. What was accepted is not sent again.
    ///
    /// # Errors
    /// If the message was not accepted. The error holds it.
    #[track_caller]
    pub fn send(
        &self,
        message: P::Request,
    ) -> impl Future<Output = Result<(), CallError<P::Request>>> {
        let message =
            Message { request: message, options: None, again: None::<fn() -> P::Request> };
        let caller = Location::caller();
        async move {
            let (line, on) = (self.at(&SEND_LINE, caller), self.at(&SEND, caller));
            call::run(&self.shared, message, line, on).await.map(drop)
        }
    }

    fn at(&self, site: &'static Site, caller: &'static Location<'static>) -> At<'_> {
        At::from(site).by(caller).of(&self.shared.name)
    }

    /// Drains the client without a time limit: see [`shutdown`](Self::shutdown).
    #[track_caller]
    pub fn close(&self) -> impl Future<Output = Report> {
        let at = ENDED.here().of(&self.shared.name);
        async move {
            self.shared.change(|core| core.drain(None));
            self.wait_end(at).await
        }
    }

    /// Ends the client, and waits until its connection and an attempt to connect are dropped.
    ///
    /// A drain accepts no more calls. Those that wait for a connection get the next one, which is drained
    /// like the one there is now. A call whose connection ends during a drain is not made again. The
    /// report has the number of calls that had no reply.
    ///
    /// A drain continues if this future is dropped. Of several shutdowns the earliest deadline counts.
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> {
        let at = ENDED.here().of(&self.shared.name);
        async move {
            self.shared.change(|core| match how {
                Shutdown::Abort => core.close(CloseReason::Aborted),
                Shutdown::Drain { timeout } => core.drain(Clock::TOKIO.now().checked_add(timeout)),
            });
            self.wait_end(at).await
        }
    }

    /// Waits until the client has ended, for any reason.
    #[track_caller]
    pub fn ended(&self) -> impl Future<Output = Report> {
        self.wait_end(ENDED.here().of(&self.shared.name))
    }

    async fn wait_end(&self, at: At<'_>) -> Report {
        let mut watcher = Watcher { shared: &self.shared, ticket: None };
        wait::wait(at, |cx, _| watcher.poll(cx)).await
    }

    /// Returns the reason why the client has ended, or `None` while it is alive, connected or not.
    pub fn end(&self) -> Option<CloseReason> {
        self.shared.lock().core.end().cloned()
    }

    /// Returns the connection that calls are made on now, if there is one. It may have ended since.
    ///
    /// Its calls are not made again. Answers to calls of the peer go out here: they belong to
    /// one connection.
    pub fn connection(&self) -> Option<Mux<P>> {
        self.shared.lock().connection.as_ref().map(|(_, mux)| mux.clone())
    }

    /// Returns the last reason why there was no connection, or `None` if there is one, or none was tried
    /// yet.
    pub fn outage(&self) -> Option<Outage> {
        self.shared.lock().outage()
    }

    /// Numbers of connections, of attempts that failed, and of calls that were made again.
    pub fn counts(&self) -> Counts {
        self.shared.lock().counts()
    }
}

/// Waits for the end of the client.
struct Watcher<'a, P: Protocol> {
    shared: &'a Shared<P>,
    ticket: Option<Ticket>,
}

impl<P: Protocol> Watcher<'_, P> {
    fn poll(&mut self, cx: &Context<'_>) -> Step<Report> {
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        match &state.report {
            Some(report) => Step::Done(report.clone()),
            None => {
                state.watchers.enqueue(&mut self.ticket, cx, &mut after.wakers);
                Step::Wait { until: None }
            }
        }
    }
}

impl<P: Protocol> Drop for Watcher<'_, P> {
    fn drop(&mut self) {
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        state.watchers.forget(self.ticket, &mut after.wakers);
    }
}
