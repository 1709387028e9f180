//! What callers hold.

use core::fmt;
use core::future::Future;
use core::task::Context;
use std::boxed::Box;
use std::error::Error;
use std::sync::Arc;

use futures_core::Stream;
use futures_sink::Sink;

use super::call::{CallOptions, Calling};
use super::connection;
use super::error::{CallError, End, Report};
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

/// A handle on a connection, over which many call at once.
///
/// Handles are cloned, and all are the same. When the last one is dropped, the connection is aborted.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::mux::{CallErrorKind, CallOptions, Mux, Options, dns};
/// use pushdown_patterns::{Effect, Shutdown};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (ours, _theirs) = tokio::io::duplex(512);
/// let (read, write) = tokio::io::split(ours);
/// let (sink, stream) = dns::split(read, write);
/// let (mux, _unsolicited) = Mux::spawn(dns::Dns, sink, stream, &Options::new());
///
/// // Nobody answers.
/// let question = dns::Message::new(vec![0; 12]).unwrap();
/// let soon = CallOptions::new().timeout(Duration::from_millis(10));
/// let error = mux.call_with(question, soon).await.unwrap_err();
/// assert!(matches!(error.kind(), CallErrorKind::TimedOut));
/// assert_eq!(error.effect(), Effect::MayHaveHappened);
///
/// let report = mux.shutdown(Shutdown::Abort).await;
/// assert_eq!(report.unfinished, 0);
/// # }
/// ```
pub struct Mux<P: Protocol> {
    shared: Arc<Shared<P>>,
    /// Aborts when the last handle drops it.
    _last: Arc<AbortOnDrop<P>>,
}

struct AbortOnDrop<P: Protocol>(Arc<Shared<P>>);

impl<P: Protocol> Drop for AbortOnDrop<P> {
    fn drop(&mut self) {
        self.0.end(End::Aborted);
    }
}

impl<P: Protocol> Clone for Mux<P> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), _last: self._last.clone() }
    }
}

impl<P: Protocol> fmt::Debug for Mux<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mux").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl<P: Protocol> Mux<P> {
    /// A connection that speaks `protocol` over a sink and a stream of messages, and the future that
    /// runs it.
    ///
    /// The future does all the work, and is polled until it ends: [`tokio::spawn`] it. Dropping it ends
    /// the connection. It needs tokio's clock only for deadlines and for the age of the quarantine.
    pub fn new<S, R, E, F>(
        protocol: P,
        sink: S,
        stream: R,
        options: &Options,
    ) -> (Self, Unsolicited<P>, impl Future<Output = Report> + Send + use<P, S, R, E, F>)
    where
        S: Sink<P::Request, Error = E> + Send,
        R: Stream<Item = Result<P::Reply, F>> + Send,
        E: Into<Box<dyn Error + Send + Sync>> + Send,
        F: Into<Box<dyn Error + Send + Sync>> + Send,
    {
        let shared = Arc::new(Shared::new(options));
        let connection = connection::run(shared.clone(), protocol, sink, stream);
        let mux = Self { shared: shared.clone(), _last: Arc::new(AbortOnDrop(shared.clone())) };
        (mux, Unsolicited { shared }, connection)
    }

    /// As [`new`](Self::new), and runs the connection in a task of tokio's.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn<S, R, E, F>(
        protocol: P,
        sink: S,
        stream: R,
        options: &Options,
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
    /// Dropped before the request is sent, it is as if it had never been called. Dropped after, the tag
    /// stays in quarantine, and the other side is told if the protocol has a message for that.
    ///
    /// # Errors
    /// If there is no reply. What was not sent comes back.
    pub async fn call(&self, request: P::Request) -> Result<P::Reply, CallError<P::Request>> {
        self.call_with(request, CallOptions::new()).await
    }

    /// As [`call`](Self::call), with a tag of the caller's choice, or a timeout.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_with(
        &self,
        request: P::Request,
        options: CallOptions<P::Tag>,
    ) -> Result<P::Reply, CallError<P::Request>> {
        let timeout = options.timeout;
        let mut calling = Calling::new(&self.shared, timeout, request);
        let mut tag = options.tag;
        match wait::wait(CALL.at(&self.shared.peer), |cx, clock| {
            calling.ask(cx, clock, |state, request| state.core.call(tag.take(), request))
        })
        .await?
        {
            Outcome::Reply(reply) => Ok(reply),
            Outcome::Sent | Outcome::Ended(_) => unreachable!("a call has a reply or an error"),
        }
    }

    /// Sends a message that has no reply, and waits until it is on its way.
    ///
    /// Dropped before that, it is as if it had never been called.
    ///
    /// # Errors
    /// If it was not sent. It comes back.
    pub async fn send(&self, message: P::Request) -> Result<(), CallError<P::Request>> {
        let mut calling = Calling::new(&self.shared, None, message);
        wait::wait(SEND.at(&self.shared.peer), |cx, clock| {
            calling.ask(cx, clock, |state, message| state.core.send(message))
        })
        .await
        .map(|_| ())
    }

    /// Ends the connection, and waits until its loops are gone.
    ///
    /// A drain goes on if this is dropped. Where several shut down, the earliest deadline counts. The
    /// connection's future has to run, or be dropped, for this to end.
    pub async fn shutdown(&self, how: Shutdown) -> Report {
        match how {
            Shutdown::Abort => self.shared.end(End::Aborted),
            Shutdown::Drain { timeout } => {
                self.shared.drain(Clock::TOKIO.now().checked_add(timeout));
            }
        }
        self.ended().await
    }

    /// Waits until the connection has ended and its loops are gone, for whatever reason.
    pub async fn ended(&self) -> Report {
        let mut watching = Watching { shared: &self.shared, ticket: None };
        wait::wait(ENDED.at(&self.shared.peer), |cx, _| watching.ask(cx)).await
    }

    /// What is held at the moment and was seen so far.
    pub fn counts(&self) -> Counts {
        self.shared.lock().core.counts()
    }
}

/// A wait for the end.
struct Watching<'a, P: Protocol> {
    shared: &'a Shared<P>,
    ticket: Option<Ticket>,
}

impl<P: Protocol> Watching<'_, P> {
    fn ask(&mut self, cx: &Context<'_>) -> Step<Report> {
        let mut _old = None;
        let mut state = self.shared.lock();
        match state.report() {
            Some(report) if state.gone => Step::Done(report.clone()),
            _ => {
                _old = state.watchers.wait(&mut self.ticket, cx.waker());
                Step::Wait { until: None }
            }
        }
    }
}

impl<P: Protocol> Drop for Watching<'_, P> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            // There is no turn to pass on: at the end all are woken.
            let left = self.shared.lock().watchers.leave(ticket);
            drop(left);
        }
    }
}
