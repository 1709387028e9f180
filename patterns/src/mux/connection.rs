//! The connection's task: a send loop, a receive loop, and how they end.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::boxed::Box;
use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;

use futures_core::Stream;
use futures_sink::Sink;

use super::error::{CloseReason, Report};
use super::options::Unexpected;
use super::proto::Transmit;
use super::protocol::Protocol;
use super::shared::Shared;
use crate::panics::contain;
use crate::seeded::{self, Bug};
use crate::wait::{self, Step};
use crate::waits::{Entry, Site};

static CONNECTION: Site = Site::task("mux", "connection");
static WORK: Site = Site::wait("mux", "connection", "messages");
static SEND: Site = Site::wait("mux", "connection", "something to send, or room");

/// Messages that a loop handles before the other loop, and other tasks, get a turn.
///
/// Without a bound a peer that floods us with messages would keep calls from being sent and other
/// tasks of the thread from running, and callers that never pause would keep replies waiting.
const TURN: usize = 128;

/// Ends the connection when its future is dropped, at whatever point.
struct EndOnDrop<P: Protocol>(Arc<Shared<P>>);

impl<P: Protocol> Drop for EndOnDrop<P> {
    fn drop(&mut self) {
        self.0.end(CloseReason::Dropped);
        let mut locked = self.0.lock();
        let (state, after) = locked.split();
        state.gone = true;
        after.wake(state.watchers.all());
    }
}

/// Runs a connection to its end.
pub(super) fn run<P, S, R, E, F>(
    shared: Arc<Shared<P>>,
    protocol: P,
    sink: S,
    stream: R,
) -> impl Future<Output = Report> + Send
where
    P: Protocol,
    S: Sink<P::Request, Error = E> + Send,
    R: Stream<Item = Result<P::Reply, F>> + Send,
    E: Into<Box<dyn Error + Send + Sync>> + Send,
    F: Into<Box<dyn Error + Send + Sync>> + Send,
{
    // Made here, so that a future that is dropped before its first poll ends the connection too.
    let running = EndOnDrop(shared);
    async move {
        let shared = &*running.0;
        let _entry = Entry::new(CONNECTION.at(&shared.peer));
        {
            let mut receive = pin!(receive(shared, &protocol, stream));
            let mut send = pin!(send(shared, &protocol, sink));
            let end = wait::wait(WORK.at(&shared.peer), |cx, clock| {
                let mut locked = shared.lock();
                let (state, after) = locked.split();
                if let Some(report) = state.report() {
                    return Step::Done(report.end.clone());
                }
                let until = state.deadline;
                state.task.register(cx, after);
                drop(locked);
                if until.is_some_and(|until| until <= clock.now()) {
                    return Step::Done(CloseReason::Aborted);
                }
                // Receiving goes first: replies that have come are delivered even if sending fails.
                let both = || match receive.as_mut().poll(cx) {
                    Poll::Ready(end) => Poll::Ready(end),
                    Poll::Pending => send.as_mut().poll(cx),
                };
                match contain(both) {
                    Ok(Poll::Ready(end)) => Step::Done(end),
                    Ok(Poll::Pending) => Step::Wait { until },
                    Err(text) => Step::Done(CloseReason::Panicked(text.into())),
                }
            })
            .await;
            // Callers learn the reason before the loops, the sink and the stream are dropped: those
            // drops are user code, and may take their time.
            shared.end(end);
        }
        let report = shared.lock().report().cloned();
        report.expect("the connection has ended")
    }
}

/// The receive loop. It delivers messages, and never waits for their receivers.
async fn receive<P, R, F>(shared: &Shared<P>, protocol: &P, stream: R) -> CloseReason
where
    P: Protocol,
    R: Stream<Item = Result<P::Reply, F>>,
    F: Into<Box<dyn Error + Send + Sync>>,
{
    let mut stream = pin!(stream);
    loop {
        for _ in 0..TURN {
            let message = match poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return CloseReason::Receive(error.into().into()),
                None => return CloseReason::Closed,
            };
            let unclaimed = if protocol.is_reply(&message) {
                match (shared.reply(protocol.read_tag(&message), message), shared.unexpected()) {
                    (None, _) | (Some(_), Unexpected::Count) => continue,
                    (Some(_), Unexpected::Fail) => return CloseReason::Unexpected,
                    (Some(message), Unexpected::Deliver) => message,
                }
            } else {
                message
            };
            shared.deliver(unclaimed);
        }
        yield_now().await;
    }
}

/// The send loop. It sends in order, and takes no call before the sink has room for it.
async fn send<P, S, E>(shared: &Shared<P>, protocol: &P, sink: S) -> CloseReason
where
    P: Protocol,
    S: Sink<P::Request, Error = E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut sink = pin!(sink);
    let drained = async {
        send_all(shared, protocol, sink.as_mut()).await?;
        poll_fn(|cx| sink.as_mut().poll_close(cx)).await
    };
    match drained.await {
        Ok(()) => CloseReason::Drained,
        Err(error) => CloseReason::Send(error.into().into()),
    }
}

/// Sends until the last call of a drain is over.
async fn send_all<P, S, E>(shared: &Shared<P>, protocol: &P, mut sink: Pin<&mut S>) -> Result<(), E>
where
    P: Protocol,
    S: Sink<P::Request, Error = E>,
{
    loop {
        for _ in 0..TURN {
            let message = match next(shared, sink.as_mut()).await? {
                Next::Message(tag, mut message) => {
                    if let Some(tag) = tag {
                        protocol.set_tag(&mut message, &tag);
                    }
                    message
                }
                Next::Cancel(of, tag) => match (protocol.cancel(&of), tag) {
                    (Some(mut message), Some(tag)) => {
                        protocol.set_tag(&mut message, &tag);
                        message
                    }
                    (Some(message), None) => message,
                    (None, Some(tag)) => {
                        shared.lock().core.retract(&tag);
                        continue;
                    }
                    (None, None) => continue,
                },
                Next::Drained => return Ok(()),
            };
            sink.as_mut().start_send(message)?;
        }
        yield_now().await;
    }
}

/// The next step of the send loop.
enum Next<T, Q> {
    Message(Option<T>, Q),
    Cancel(T, Option<T>),
    Drained,
}

/// Waits for room in the sink and something to send.
///
/// The sink is flushed only when there is nothing left to send, so that many messages share one write.
async fn next<P, S, E>(
    shared: &Shared<P>,
    mut sink: Pin<&mut S>,
) -> Result<Next<P::Tag, P::Request>, E>
where
    P: Protocol,
    S: Sink<P::Request, Error = E>,
{
    // With several callers, those about to call get a turn before the flush.
    let mut has_yielded = false;
    wait::wait(SEND.at(&shared.peer), |cx, clock| {
        match sink.as_mut().poll_ready(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Step::Done(Err(error)),
            Poll::Pending => return Step::Wait { until: None },
        }
        let mut locked = shared.lock();
        let (state, after) = locked.split();
        if state.core.poll_timeout().is_some() {
            state.core.handle_timeout(clock.now());
        }
        let mut until = None;
        match state.core.poll_transmit(P::tag) {
            Transmit::Send { tag, message, mut waker } => {
                waker.wake(after);
                return Step::Done(Ok(Next::Message(tag, message)));
            }
            Transmit::Cancel { of, tag } => return Step::Done(Ok(Next::Cancel(of, tag))),
            Transmit::Drained => return Step::Done(Ok(Next::Drained)),
            Transmit::Nothing => {}
            Transmit::Blocked => until = state.core.poll_timeout(),
        }
        let alone = state.core.counts().in_flight <= 1;
        state.idle = !seeded::is(Bug::MuxSenderNotWoken);
        drop(locked);
        if !std::mem::replace(&mut has_yielded, true) && !alone {
            cx.waker().wake_by_ref();
            return Step::Wait { until };
        }
        match sink.as_mut().poll_flush(cx) {
            Poll::Ready(Err(error)) => Step::Done(Err(error)),
            _ => Step::Wait { until },
        }
    })
    .await
}

/// Lets every other task that can run go first, under any executor.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx: &mut Context<'_>| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
