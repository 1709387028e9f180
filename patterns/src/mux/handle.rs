//! The handle that callers clone.

use core::fmt;
use core::future::Future;
use core::task::Context;
use std::boxed::Box;
use std::error::Error;
use std::sync::Arc;

use futures_core::Stream;
use futures_sink::Sink;

use super::call::PendingCall;
use super::connection;
use super::error::{CallError, CallErrorKind, CloseReason, Report};
use super::options::{CallOptions, Options};
use super::proto::{Counts, Id, Outcome, Refused};
use super::protocol::Protocol;
use super::shared::{Shared, State};
use super::unsolicited::Unsolicited;
use crate::Shutdown;
use crate::trace::{self, Event};
use crate::wait::{self, Clock, Step};
use crate::waiters::Ticket;
use crate::waits::{At, Site};

pub(super) static CALL: Site = Site::wait("mux", "call", "a reply");
pub(super) static SEND: Site = Site::wait("mux", "send", "its turn");
static ANSWER: Site = Site::wait("mux", "answer", "room in the sink");
static ENDED: Site = Site::wait("mux", "ended", "the end of the connection");

/// A handle to a connection that many callers share.
///
/// Clone it for each caller.
///
/// Dropping the last handle aborts the connection: what was accepted but not yet written is lost, and
/// the last message may arrive cut off. To write it would mean to wait for a peer that may never read,
/// with no caller left to set a limit. [`close`](Self::close) waits.
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
    pub(super) shared: Arc<Shared<P>>,
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
    #[track_caller]
    pub fn call(
        &self,
        request: P::Request,
    ) -> impl Future<Output = Result<P::Reply, CallError<P::Request>>> {
        self.call_with(request, CallOptions::new())
    }

    /// Like [`call`](Self::call), with a tag of the caller's choice, a timeout, or no cancel.
    ///
    /// # Errors
    /// Those of [`call`](Self::call).
    #[track_caller]
    pub fn call_with(
        &self,
        request: P::Request,
        options: CallOptions<P::Tag>,
    ) -> impl Future<Output = Result<P::Reply, CallError<P::Request>>> {
        self.run(request, options, CALL.here().of(&self.shared.name))
    }

    async fn run(
        &self,
        request: P::Request,
        options: CallOptions<P::Tag>,
        at: At<'_>,
    ) -> Result<P::Reply, CallError<P::Request>> {
        if P::is_answered(&request) == Some(false) {
            return Err(CallError::new(CallErrorKind::WrongMethod, Some(request)));
        }
        let mut call = PendingCall::new(&*self.shared, options.timeout, request);
        let mut options = Some(options);
        match wait::wait_why(at, |cx, clock, why| {
            let step = call.poll(cx, clock, |state, request| {
                let options = options.take().expect("a call is queued once");
                state.core.call(options, request, || clock.now())
            });
            why.set_place(call.place());
            step
        })
        .await?
        {
            Outcome::Reply(reply) => Ok(reply),
            Outcome::Sent | Outcome::Ended(_) => unreachable!("a call has a reply or an error"),
        }
    }

    /// Sends a message that has no reply, in order with the calls, and waits until it is accepted.
    ///
    /// An accepted message is the sink's: it goes out behind all that was accepted before, and nothing
    /// depends on the caller any more. It is written unless the connection ends first, and then the
    /// message is lost, or cut off. A [drain](Self::close) writes it. Only a reply tells that the peer has
    /// it. Dropping the future before the message is accepted undoes the send.
    ///
    /// # Errors
    /// If the message was not accepted. The error holds it.
    #[track_caller]
    pub fn send(
        &self,
        message: P::Request,
    ) -> impl Future<Output = Result<(), CallError<P::Request>>> {
        let at = SEND.here().of(&self.shared.name);
        self.send_by(at, true, message, |state, message| state.core.send(message))
    }

    /// Sends a message that has no reply ahead of all calls, and waits until it is accepted, as with
    /// [`send`](Self::send). A drain takes it.
    ///
    /// This is how to answer the peer's calls. A call of ours may wait for the peer to be done with its
    /// own calls, and those wait for our answers: an answer behind a call could wait forever.
    ///
    /// # Errors
    /// If the message was not accepted. The error holds it.
    #[track_caller]
    pub fn answer(
        &self,
        message: P::Request,
    ) -> impl Future<Output = Result<(), CallError<P::Request>>> {
        let at = ANSWER.here().of(&self.shared.name);
        self.send_by(at, false, message, |state, message| state.core.answer(message))
    }

    /// With `in_line` the message waits for its turn behind calls.
    async fn send_by(
        &self,
        at: At<'_>,
        in_line: bool,
        message: P::Request,
        mut queue: impl FnMut(&mut State<P>, P::Request) -> Result<Id, Refused<P::Request>>,
    ) -> Result<(), CallError<P::Request>> {
        if P::is_answered(&message) == Some(true) {
            return Err(CallError::new(CallErrorKind::WrongMethod, Some(message)));
        }
        let mut call = PendingCall::new(&*self.shared, None, message);
        let sent = wait::wait_why(at, |cx, clock, why| {
            let step = call.poll(cx, clock, &mut queue);
            why.set_place(call.place().filter(|_| in_line));
            step
        });
        sent.await.map(|_| ())
    }

    /// Drains the connection without a time limit: accepts no more calls, writes what was accepted, waits
    /// until the last call is over, and closes the sink.
    ///
    /// If this future is dropped the drain goes on, until the last handle is dropped as well.
    #[track_caller]
    pub fn close(&self) -> impl Future<Output = Report> {
        let at = ENDED.here().of(&self.shared.name);
        async move {
            self.shared.source.emit(|| Event::MuxShutdown { how: "drain" });
            self.shared.drain(None);
            self.wait_end(at).await
        }
    }

    /// Ends the connection, and waits until its loops have been dropped.
    ///
    /// A drain continues if this future is dropped. Of several shutdowns the earliest deadline counts.
    /// The connection's future must run, or be dropped, for this to return.
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> {
        let at = ENDED.here().of(&self.shared.name);
        async move {
            self.shared.source.emit(|| Event::MuxShutdown { how: trace::how(how) });
            match how {
                Shutdown::Abort => self.shared.end(CloseReason::Aborted),
                Shutdown::Drain { timeout } => {
                    self.shared.drain(Clock::TOKIO.now().checked_add(timeout));
                }
            }
            self.wait_end(at).await
        }
    }

    /// Returns the reason why the connection has ended, or `None` while it is alive.
    pub fn end(&self) -> Option<CloseReason> {
        self.shared.lock().report().map(|report| report.end.clone())
    }

    /// Waits until the connection has ended, for any reason, and its loops have been dropped.
    #[track_caller]
    pub fn ended(&self) -> impl Future<Output = Report> {
        self.wait_end(ENDED.here().of(&self.shared.name))
    }

    async fn wait_end(&self, at: At<'_>) -> Report {
        let mut watcher = Watcher { shared: &self.shared, ticket: None };
        wait::wait(at, |cx, _| watcher.poll(cx)).await
    }

    /// Numbers of calls and tags held now, and of replies seen so far.
    pub fn counts(&self) -> Counts {
        let mut locked = self.shared.lock();
        let (state, _) = locked.split();
        state.core.expire(|| Clock::TOKIO.now());
        state.core.counts()
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
        state.watchers.forget(self.ticket, after);
    }
}
