//! The handle that callers clone.

use core::fmt;
use core::future::Future;
use core::task::Context;
use std::boxed::Box;
use std::error::Error;
use std::sync::Arc;

use futures_core::Stream;
use futures_sink::Sink;

use super::call::{CallOptions, PendingCall};
use super::connection;
use super::error::{CallError, CloseReason, Report};
use super::options::Options;
use super::proto::{Counts, Outcome};
use super::protocol::Protocol;
use super::shared::Shared;
use super::unsolicited::Unsolicited;
use crate::Shutdown;
use crate::wait::{self, Clock, Step};
use crate::waiters::Ticket;
use crate::waits::Site;

static CALL: Site = Site::wait("mux", "call", "a reply");
static SEND: Site = Site::wait("mux", "send", "its turn");
static ENDED: Site = Site::wait("mux", "ended", "the end of the connection");

/// A handle to a connection that many callers share.
///
/// Clone it for each caller. Dropping the last handle aborts the connection.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::mux::{CallErrorKind, CallOptions, Mux, Options, dns};
/// use pushdown_patterns::{Effect, Shutdown};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let (ours, _theirs) = tokio::io::duplex(512);
/// let (read, write) = tokio::io::split(ours);
/// let (sink, stream) = dns::split(read, write);
/// let (mux, _unsolicited) = Mux::spawn(dns::Dns, sink, stream, Options::new());
///
/// // The peer does not answer.
/// let query = dns::Message::new(vec![0; 12]).unwrap();
/// let options = CallOptions::new().timeout(Duration::from_secs(1));
/// let error = mux.call_with(query, options).await.unwrap_err();
/// assert!(matches!(error.kind(), CallErrorKind::TimedOut));
/// assert_eq!(error.effect(), Effect::MayHaveHappened);
///
/// let report = mux.shutdown(Shutdown::Abort).await;
/// assert_eq!(report.unfinished, 0);
/// # }
/// ```
pub struct Mux<P: Protocol> {
    shared: Arc<Shared<P>>,
    /// Aborts the connection when the last handle is dropped.
    _abort: Arc<AbortOnDrop<P>>,
}

struct AbortOnDrop<P: Protocol>(Arc<Shared<P>>);

impl<P: Protocol> Drop for AbortOnDrop<P> {
    fn drop(&mut self) {
        self.0.end(CloseReason::Aborted);
    }
}

impl<P: Protocol> Clone for Mux<P> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), _abort: self._abort.clone() }
    }
}

impl<P: Protocol> fmt::Debug for Mux<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mux").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl<P: Protocol> Mux<P> {
    /// Creates a connection that speaks `protocol` over a sink and a stream of messages, and the
    /// future that runs it.
    ///
    /// The future does all the work: poll it until it ends, with [`tokio::spawn`] for example.
    /// Dropping it ends the connection. Only deadlines and the age of the quarantine need tokio's
    /// clock.
    pub fn new<S, R, E, F>(
        protocol: P,
        sink: S,
        stream: R,
        options: Options,
    ) -> (Self, Unsolicited<P>, impl Future<Output = Report> + Send + use<P, S, R, E, F>)
    where
        S: Sink<P::Request, Error = E> + Send,
        R: Stream<Item = Result<P::Reply, F>> + Send,
        E: Into<Box<dyn Error + Send + Sync>> + Send,
        F: Into<Box<dyn Error + Send + Sync>> + Send,
    {
        let shared = Arc::new(Shared::new(options));
        let connection = connection::run(shared.clone(), protocol, sink, stream);
        let mux = Self { shared: shared.clone(), _abort: Arc::new(AbortOnDrop(shared.clone())) };
        (mux, Unsolicited { shared }, connection)
    }

    /// Like [`new`](Self::new), but runs the connection in a tokio task.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn<S, R, E, F>(
        protocol: P,
        sink: S,
        stream: R,
        options: Options,
    ) -> (Self, Unsolicited<P>)
    where
        S: Sink<P::Request, Error = E> + Send + 'static,
        R: Stream<Item = Result<P::Reply, F>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
        F: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let (mux, unsolicited, connection) = Self::new(protocol, sink, stream, options);
        tokio::spawn(connection);
        (mux, unsolicited)
    }

    /// Sends a request and waits for its reply.
    ///
    /// Dropping the future before the request is sent undoes the call. Dropping it later leaves the
    /// tag in quarantine, and tells the peer if the protocol [can](Protocol::cancel).
    ///
    /// # Errors
    /// If there is no reply. The error holds the request if it was not sent.
    pub async fn call(&self, request: P::Request) -> Result<P::Reply, CallError<P::Request>> {
        self.call_with(request, CallOptions::new()).await
    }

    /// Like [`call`](Self::call), with a tag of the caller's choice, or a timeout.
    ///
    /// # Errors
    /// Those of [`call`](Self::call).
    pub async fn call_with(
        &self,
        request: P::Request,
        options: CallOptions<P::Tag>,
    ) -> Result<P::Reply, CallError<P::Request>> {
        let timeout = options.timeout;
        let mut call = PendingCall::new(&self.shared, timeout, request);
        let mut tag = options.tag;
        match wait::wait(CALL.at(&self.shared.peer), |cx, clock| {
            call.poll(cx, clock, |state, request| state.core.call(tag.take(), request))
        })
        .await?
        {
            Outcome::Reply(reply) => Ok(reply),
            Outcome::Sent | Outcome::Ended(_) => unreachable!("a call has a reply or an error"),
        }
    }

    /// Sends a message that has no reply, and waits until the sink has taken it.
    ///
    /// Dropping the future before that undoes the send.
    ///
    /// # Errors
    /// If the message was not sent. The error holds it.
    pub async fn send(&self, message: P::Request) -> Result<(), CallError<P::Request>> {
        let mut call = PendingCall::new(&self.shared, None, message);
        wait::wait(SEND.at(&self.shared.peer), |cx, clock| {
            call.poll(cx, clock, |state, message| state.core.send(message))
        })
        .await
        .map(|_| ())
    }

    /// Ends the connection, and waits until its loops have been dropped.
    ///
    /// A drain continues if this future is dropped. Of several shutdowns the earliest deadline counts.
    /// The connection's future must run, or be dropped, for this to return.
    pub async fn shutdown(&self, how: Shutdown) -> Report {
        match how {
            Shutdown::Abort => self.shared.end(CloseReason::Aborted),
            Shutdown::Drain { timeout } => {
                self.shared.drain(Clock::TOKIO.now().checked_add(timeout));
            }
        }
        self.ended().await
    }

    /// Waits until the connection has ended, for any reason, and its loops have been dropped.
    pub async fn ended(&self) -> Report {
        let mut watcher = Watcher { shared: &self.shared, ticket: None };
        wait::wait(ENDED.at(&self.shared.peer), |cx, _| watcher.poll(cx)).await
    }

    /// Numbers of calls and tags held now, and of replies seen so far.
    pub fn counts(&self) -> Counts {
        self.shared.lock().core.counts()
    }
}

/// Waits for the end of the connection.
struct Watcher<'a, P: Protocol> {
    shared: &'a Shared<P>,
    ticket: Option<Ticket>,
}

impl<P: Protocol> Watcher<'_, P> {
    fn poll(&mut self, cx: &Context<'_>) -> Step<Report> {
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        match state.report() {
            Some(report) if state.gone => Step::Done(report.clone()),
            _ => {
                state.watchers.enqueue(&mut self.ticket, cx, after);
                Step::Wait { until: None }
            }
        }
    }
}

impl<P: Protocol> Drop for Watcher<'_, P> {
    fn drop(&mut self) {
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        state.watchers.remove(self.ticket, after);
    }
}
