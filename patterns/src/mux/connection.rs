//! The task of a connection: a loop that sends, a loop that receives, and how they end.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::boxed::Box;
use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;

use futures_core::Stream;
use futures_sink::Sink;

use super::error::{End, Report};
use super::options::Unexpected;
use super::proto::Take;
use super::protocol::Protocol;
use super::shared::Shared;
use crate::panics::contain;
use crate::seeded::{self, Bug};
use crate::wait::{self, Step};
use crate::waits::{Entry, Site};
use crate::wakers::AfterUnlock;

static CONNECTION: Site = Site::task("mux", "connection");
static WORK: Site = Site::wait("mux", "connection", "messages");
static SEND: Site = Site::wait("mux", "connection", "something to send, or room");

/// How many messages one loop handles before it is the other's turn, and other tasks'. So neither a
/// flood of replies nor one of calls keeps the other waiting.
const TURN: usize = 128;

/// Ends the connection when its future is dropped, however far it has come.
struct Running<P: Protocol>(Arc<Shared<P>>);

impl<P: Protocol> Drop for Running<P> {
    fn drop(&mut self) {
        self.0.end(End::Dropped);
        let mut later = AfterUnlock::default();
        let mut state = self.0.lock();
        state.gone = true;
        later.wake(state.watchers.all());
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
    let running = Running(shared);
    async move {
        let shared = &*running.0;
        let _alive = Entry::new(CONNECTION.at(&shared.peer));
        {
            let mut receive = pin!(receive(shared, &protocol, stream));
            let mut send = pin!(send(shared, &protocol, sink));
            let end = wait::wait(WORK.at(&shared.peer), |cx, clock| {
                let mut _old = None;
                let mut state = shared.lock();
                if let Some(report) = state.report() {
                    return Step::Done(report.end.clone());
                }
                let until = state.deadline;
                if !state.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
                    _old = state.task.replace(cx.waker().clone());
                }
                drop(state);
                if until.is_some_and(|until| until <= clock.now()) {
                    return Step::Done(End::Aborted);
                }
                // Receiving goes first: what has come is delivered even if sending fails.
                let both = || match receive.as_mut().poll(cx) {
                    Poll::Ready(end) => Poll::Ready(end),
                    Poll::Pending => send.as_mut().poll(cx),
                };
                match contain(both) {
                    Ok(Poll::Ready(end)) => Step::Done(end),
                    Ok(Poll::Pending) => Step::Wait { until },
                    Err(text) => Step::Done(End::Panicked(text.into())),
                }
            })
            .await;
            // Before the loops are dropped, and sink and stream with them.
            shared.end(end);
        }
        let report = shared.lock().report().cloned();
        report.expect("it has ended")
    }
}

/// Hands out what comes, and never waits for anybody who takes it.
async fn receive<P, R, F>(shared: &Shared<P>, protocol: &P, stream: R) -> End
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
                Some(Err(error)) => return End::Receive(error.into().into()),
                None => return End::Closed,
            };
            let unclaimed = if protocol.is_reply(&message) {
                match shared.reply(protocol.read_tag(&message), message) {
                    None => continue,
                    Some(_) if shared.unexpected() == Unexpected::Fail => return End::Unexpected,
                    Some(_) if shared.unexpected() == Unexpected::Count => continue,
                    Some(message) => message,
                }
            } else {
                message
            };
            shared.deliver(unclaimed);
        }
        let_others_run().await;
    }
}

/// Sends what is to be sent, in order, and takes no call before there is room for it.
async fn send<P, S, E>(shared: &Shared<P>, protocol: &P, sink: S) -> End
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
        Ok(()) => End::Drained,
        Err(error) => End::Send(error.into().into()),
    }
}

/// Until the last call of a drain is over.
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
        let_others_run().await;
    }
}

/// What the loop that sends does next.
enum Next<T, Q> {
    Message(Option<T>, Q),
    Cancel(T, Option<T>),
    Drained,
}

/// Waits for room in the sink, and for something to send. When there is nothing, what was sent before goes
/// out: not earlier, so that many messages share one write.
async fn next<P, S, E>(
    shared: &Shared<P>,
    mut sink: Pin<&mut S>,
) -> Result<Next<P::Tag, P::Request>, E>
where
    P: Protocol,
    S: Sink<P::Request, Error = E>,
{
    // Where there are several callers, those that are about to call get a turn first.
    let mut hurry = false;
    wait::wait(SEND.at(&shared.peer), |cx, clock| {
        match sink.as_mut().poll_ready(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Step::Done(Err(error)),
            Poll::Pending => return Step::Wait { until: None },
        }
        let mut later = AfterUnlock::default();
        let mut state = shared.lock();
        if let Some(expiry) = state.core.expiry()
            && let now = clock.now()
            && expiry <= now
        {
            state.core.expire(now);
        }
        let mut until = None;
        match state.core.take(P::tag) {
            Take::Send { tag, message, waker } => {
                later.wake(waker);
                return Step::Done(Ok(Next::Message(tag, message)));
            }
            Take::Cancel { of, tag } => return Step::Done(Ok(Next::Cancel(of, tag))),
            Take::Drained => return Step::Done(Ok(Next::Drained)),
            Take::Nothing => {}
            Take::Blocked => until = state.core.expiry(),
        }
        let alone = state.core.counts().in_flight <= 1;
        state.idle = !seeded::is(Bug::MuxSenderNotWoken);
        drop(state);
        if !std::mem::replace(&mut hurry, true) && !alone {
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

/// Goes to the end of the line of tasks that can run.
async fn let_others_run() {
    let mut ran = false;
    poll_fn(|cx: &mut Context<'_>| {
        if std::mem::replace(&mut ran, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
