//! What callers hold.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::boxed::Box;
use std::error::Error;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use futures_core::Stream;
use futures_sink::Sink;

use super::connection::{self, Shared, State};
use super::core::{Abandoned, Counts, Id, Outcome, Refusal, Refused};
use super::error::{CallError, CallErrorKind, End, Report};
use super::options::Options;
use super::protocol::Protocol;
use crate::pattern::Shutdown;
use crate::pattern::registry::Site;
use crate::pattern::seeded::{self, Bug};
use crate::pattern::wait::{self, Clock, Step};
use crate::pattern::waiters::{Ticket, WakeLater};

static CALL: Site = Site::wait("mux", "call", "a reply");
static SEND: Site = Site::wait("mux", "send", "its turn");
static ENDED: Site = Site::wait("mux", "ended", "the end of the connection");
static RECV: Site = Site::wait("mux", "recv", "an unsolicited message");

/// A handle on a connection, over which many call at once.
///
/// Handles are cloned, and all are the same. When the last one is dropped, the connection is aborted.
///
/// ```
/// use std::time::Duration;
/// use pushdown::pattern::mux::{CallErrorKind, CallOptions, Mux, Options, dns};
/// use pushdown::pattern::{Effect, Shutdown};
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

/// How one call differs from others.
///
/// ```
/// use std::time::Duration;
/// use pushdown::pattern::mux::CallOptions;
///
/// let options = CallOptions::new().tag(7_u16).timeout(Duration::from_secs(1));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct CallOptions<T> {
    tag: Option<T>,
    timeout: Option<Duration>,
}

impl<T> CallOptions<T> {
    /// A tag is assigned, and there is no deadline.
    pub const fn new() -> Self {
        Self { tag: None, timeout: None }
    }

    /// A tag of the caller's choice. It is in use from the start of the call, and the call fails if it
    /// already is.
    #[must_use]
    pub fn tag(self, tag: T) -> Self {
        Self { tag: Some(tag), ..self }
    }

    /// How long the call may take: all of it, waiting to be sent included.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

impl<T> Default for CallOptions<T> {
    fn default() -> Self {
        Self::new()
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
            Shutdown::Drain { deadline } => {
                self.shared.drain(Clock::TOKIO.now().checked_add(deadline));
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

/// A call under way. Dropped, it is abandoned.
struct Calling<'a, P: Protocol> {
    shared: &'a Shared<P>,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    request: Option<P::Request>,
    id: Option<Id>,
}

type Asked<P> = Step<
    Result<
        Outcome<<P as Protocol>::Request, <P as Protocol>::Reply>,
        CallError<<P as Protocol>::Request>,
    >,
>;

impl<'a, P: Protocol> Calling<'a, P> {
    fn new(shared: &'a Shared<P>, timeout: Option<Duration>, request: P::Request) -> Self {
        Self { shared, timeout, deadline: None, request: Some(request), id: None }
    }

    /// Queues the call, the first time, and looks what has become of it.
    fn ask(
        &mut self,
        cx: &Context<'_>,
        clock: Clock,
        queue: impl FnOnce(&mut State<P>, P::Request) -> Result<Id, Refused<P::Request>>,
    ) -> Asked<P> {
        let now = self.timeout.map(|_| clock.now());
        let mut later = WakeLater::default();
        let mut _old = None;
        let mut state = self.shared.lock();
        if let Some(request) = self.request.take() {
            self.deadline = now.zip(self.timeout).and_then(|(now, time)| now.checked_add(time));
            match queue(&mut state, request) {
                Ok(id) => self.id = Some(id),
                Err(Refused { message, why }) => {
                    let kind = match (why, state.report()) {
                        (Refusal::Closed, Some(report)) => CallErrorKind::Ended(report.end.clone()),
                        _ => why.into(),
                    };
                    return Step::Done(Err(CallError::new(kind, Some(message))));
                }
            }
            later.push(state.wake_sender());
        }
        let id = self.id.as_ref().expect("a call that is over is not asked");
        if let Some(outcome) = state.core.poll(id) {
            self.id = None;
            return Step::Done(match outcome {
                Outcome::Ended(request) => {
                    let end = state.report().expect("the connection has ended").end.clone();
                    Err(CallError::new(CallErrorKind::Ended(end), request))
                }
                outcome => Ok(outcome),
            });
        }
        if self.deadline.zip(now).is_some_and(|(deadline, now)| deadline <= now) {
            drop(state);
            let request = match self.leave() {
                Some(Abandoned::Waiting(request)) => Some(request),
                // In this very moment.
                Some(Abandoned::Answered(reply)) => return Step::Done(Ok(Outcome::Reply(reply))),
                _ => None,
            };
            return Step::Done(Err(CallError::new(CallErrorKind::TimedOut, request)));
        }
        let waker = state.core.waker(id);
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            _old = waker.replace(cx.waker().clone());
        }
        Step::Wait { until: self.deadline }
    }

    /// Leaves the call where it is.
    fn leave(&mut self) -> Option<Abandoned<P::Request, P::Reply>> {
        let id = self.id.take()?;
        let now = Clock::TOKIO.now();
        let mut later = WakeLater::default();
        let mut _waker = None;
        let mut state = self.shared.lock();
        let (abandoned, waker) = state.core.abandon(&id, now)?;
        _waker = waker;
        // A cancel to send, or the last call of a drain.
        later.push(state.wake_sender());
        if state.core.is_overfull() {
            drop(state);
            self.shared.end(End::QuarantineFull);
        }
        Some(abandoned)
    }
}

impl<P: Protocol> Drop for Calling<'_, P> {
    fn drop(&mut self) {
        if !seeded::is(Bug::MuxCallLeaks) {
            drop(self.leave());
        }
    }
}

/// The messages of a connection that answer no call: a stream, which ends with the connection.
///
/// ```
/// use pushdown::pattern::mux::{Mux, Options, dns};
/// # use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, mut theirs) = tokio::io::duplex(512);
/// let (read, write) = tokio::io::split(ours);
/// let (sink, stream) = dns::split(read, write);
/// let (_mux, mut unsolicited) = Mux::spawn(dns::Dns, sink, stream, &Options::new());
///
/// // The other side asks something of its own.
/// theirs.write_all(b"\x00\x0c\x01\x02----------").await?;
/// drop(theirs);
/// assert_eq!(unsolicited.recv().await.unwrap().id(), 0x0102);
/// assert!(unsolicited.recv().await.is_none());
/// # Ok(()) }
/// ```
///
/// As many are kept as [`Options::unsolicited`] says. It does not keep the connection open. When it is
/// dropped, what comes unasked is discarded.
pub struct Unsolicited<P: Protocol> {
    shared: Arc<Shared<P>>,
}

impl<P: Protocol> Unsolicited<P> {
    /// Waits for the next message. `None` says that no more will come.
    ///
    /// Dropped while it waits, it has taken nothing.
    pub async fn recv(&mut self) -> Option<P::Reply> {
        wait::wait(RECV.at(&self.shared.peer), |cx, _| self.ask(cx).into()).await
    }

    fn ask(&self, cx: &Context<'_>) -> Poll<Option<P::Reply>> {
        let mut _old: Option<Waker> = None;
        let mut state = self.shared.lock();
        if let Some(message) = state.inbox.messages.pop_front() {
            return Poll::Ready(Some(message));
        }
        if state.report().is_some() {
            return Poll::Ready(None);
        }
        let waker = &mut state.inbox.waker;
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            _old = waker.replace(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl<P: Protocol> Stream for Unsolicited<P> {
    type Item = P::Reply;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<P::Reply>> {
        self.ask(cx)
    }
}

impl<P: Protocol> Drop for Unsolicited<P> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.inbox.open = false;
        let rest = (std::mem::take(&mut state.inbox.messages), state.inbox.waker.take());
        drop(state);
        drop(rest);
    }
}

impl<P: Protocol> fmt::Debug for Unsolicited<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.lock().inbox.messages.len();
        f.debug_struct("Unsolicited").field("waiting", &waiting).finish_non_exhaustive()
    }
}
