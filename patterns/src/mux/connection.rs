//! The connection's task: a send loop, a receive loop, and how they end.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::boxed::Box;
use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use futures_core::Stream;
use futures_sink::Sink;

use super::error::{CloseReason, Report};
use super::options::Unexpected;
use super::proto::Transmit;
use super::protocol::{Protocol, Role};
use super::shared::{FLUSH, NoCaller, QUEUE, Shared};
use crate::panics::contain;
use crate::seeded::{self, Bug};
use crate::wait::{self, Clock, Step};
use crate::waits::{Entry, Site};

static CONNECTION: Site = Site::task("mux", "connection");
static WORK: Site = Site::wait("mux", "connection", "messages");
static SEND: Site = Site::wait("mux", "connection", "something to send");

/// Messages that a loop handles before the other loop, and other tasks, get a turn.
///
/// Without a bound a peer that floods us with messages would keep calls from being sent and other
/// tasks of the thread from running, and callers that never pause would keep replies waiting.
const TURN: usize = 128;

/// Messages that the sink takes before it is flushed although there are more to send.
///
/// Without a bound, senders that never rest would keep the messages of others in the sink's buffer. A
/// bound of 128 costs a tenth of the calls per second with a thousand callers, this one nothing.
const UNFLUSHED: usize = 1024;

/// Turns in which nothing is received, after sending has failed, before the connection ends.
///
/// A socket is pending until the runtime has looked at it, although its replies have come. One turn is
/// enough for that on a runtime of one thread; with more, another thread may be about to look.
const IDLE_TURNS: usize = 8;

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
        let _entry = Entry::new(CONNECTION.of(&shared.name));
        {
            let is_idle = AtomicBool::new(false);
            let mut receive = pin!(receive(shared, &protocol, stream, &is_idle));
            let mut send = pin!(send(shared, &protocol, sink));
            // The end of sending, once it has come, and the turns since in which nothing was received.
            let mut sent: Option<CloseReason> = None;
            let mut idle_turns = 0;
            let end = wait::wait(WORK.of(&shared.name), |cx, clock| {
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
                loop {
                    if let Poll::Ready(end) = poll_loop(receive.as_mut(), cx, sent.is_some()) {
                        return Step::Done(sent.take().unwrap_or(end));
                    }
                    // Nothing more is sent, but the replies that have come are delivered. The loop has
                    // read them all if the stream has nothing more, and enough if no caller waits.
                    if let Some(end) = &sent {
                        idle_turns = if is_idle.load(Relaxed) { idle_turns + 1 } else { 0 };
                        if idle_turns > IDLE_TURNS || shared.is_quiet() {
                            return Step::Done(end.clone());
                        }
                        if idle_turns > 0 {
                            // Unlike ours it lets the runtime look at its sockets before the next turn.
                            let _ = pin!(tokio::task::yield_now()).poll(cx);
                        }
                        return Step::Wait { until };
                    }
                    match poll_loop(send.as_mut(), cx, false) {
                        Poll::Ready(end) => sent = Some(end),
                        Poll::Pending => return Step::Wait { until },
                    }
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

/// Polls one of the loops. A panic is its end.
///
/// With `unconstrained` tokio's budget does not count, so that a stream that is pending has nothing more.
fn poll_loop(
    mut running: Pin<&mut impl Future<Output = CloseReason>>,
    cx: &mut Context<'_>,
    unconstrained: bool,
) -> Poll<CloseReason> {
    let polled = contain(|| {
        if unconstrained {
            let running = poll_fn(|cx| running.as_mut().poll(cx));
            pin!(tokio::task::unconstrained(running)).poll(cx)
        } else {
            running.as_mut().poll(cx)
        }
    });
    polled.unwrap_or_else(|text| Poll::Ready(CloseReason::Panicked(text.into())))
}

/// The receive loop. It delivers messages, and never waits for their receivers.
///
/// `is_idle` tells whether it waits for the stream, or for its next turn.
async fn receive<P, R, F>(
    shared: &Shared<P>,
    protocol: &P,
    stream: R,
    is_idle: &AtomicBool,
) -> CloseReason
where
    P: Protocol,
    R: Stream<Item = Result<P::Reply, F>>,
    F: Into<Box<dyn Error + Send + Sync>>,
{
    let mut stream = pin!(stream);
    loop {
        for _ in 0..TURN {
            let next = poll_fn(|cx| {
                let polled = stream.as_mut().poll_next(cx);
                is_idle.store(polled.is_pending(), Relaxed);
                polled
            });
            let message = match next.await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return CloseReason::Receive(error.into().into()),
                None => return CloseReason::Closed,
            };
            if let Err(end) = handle(shared, protocol, message) {
                return end;
            }
        }
        yield_now().await;
    }
}

/// Delivers a message to its receiver, or ends the connection.
fn handle<P: Protocol>(
    shared: &Shared<P>,
    protocol: &P,
    message: P::Reply,
) -> Result<(), CloseReason> {
    let unsolicited = match protocol.role(&message) {
        Role::Violation => return Err(CloseReason::Violation),
        Role::Interim => return Ok(()),
        Role::Unsolicited => message,
        Role::Reply => {
            let tag = protocol.read_tag(&message);
            match (shared.reply(tag.as_ref(), message), tag) {
                (None, _) => return Ok(()),
                (Some(NoCaller::Late(reply)), tag) => {
                    let undo = tag.and_then(|tag| protocol.late(&tag, reply));
                    undo.into_iter().for_each(|undo| shared.undo(undo));
                    return Ok(());
                }
                (Some(NoCaller::Unexpected(reply)), _) => match shared.unexpected() {
                    Unexpected::Count => return Ok(()),
                    Unexpected::Fail => return Err(CloseReason::Unexpected),
                    Unexpected::Deliver => reply,
                },
            }
        }
    };
    if shared.deliver(unsolicited) { Ok(()) } else { Err(CloseReason::UnsolicitedFull) }
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
    let mut unflushed = Unflushed::default();
    loop {
        for _ in 0..TURN {
            let message = match next(shared, sink.as_mut(), &mut unflushed).await? {
                Next::Message(tag, mut message) => {
                    if let Some(tag) = tag {
                        protocol.set_tag(&mut message, &tag);
                    }
                    message
                }
                // The protocol is asked before a cancel takes a tag, if it has one at all.
                Next::Cancel(entry, of) => match protocol.cancel(&of) {
                    Some(message) if P::CANCEL_IS_CALL => {
                        shared.lock().core.cancel(entry, message);
                        continue;
                    }
                    Some(message) => message,
                    None => continue,
                },
                Next::Discard(message) => {
                    drop(message);
                    continue;
                }
                Next::Drained => return Ok(()),
            };
            sink.as_mut().start_send(message)?;
            unflushed.messages += 1;
        }
        yield_now().await;
    }
}

/// The next step of the send loop.
enum Next<T, Q> {
    Message(Option<T>, Q),
    Cancel(u64, T),
    Discard(Q),
    Drained,
}

type Polled<P, E> = Step<Result<Next<<P as Protocol>::Tag, <P as Protocol>::Request>, E>>;

/// The messages that the sink has taken since its last flush began.
#[derive(Default)]
struct Unflushed {
    messages: usize,
    /// Set once the other tasks have had a turn since, in which they could send more.
    has_yielded: bool,
    /// Set while a flush is not complete.
    flushing: bool,
}

impl Unflushed {
    /// Begins or continues a flush.
    fn poll_flush<S, Q, E>(&mut self, sink: Pin<&mut S>, cx: &mut Context<'_>) -> Result<(), E>
    where
        S: Sink<Q, Error = E>,
    {
        let polled = sink.poll_flush(cx)?;
        *self = Self { flushing: polled.is_pending(), ..Self::default() };
        Ok(())
    }
}

/// Waits for room in the sink and something to send.
///
/// The sink is flushed when there is nothing left to send, so that many messages share one write. With
/// several callers, those about to call get a turn before that: one for all messages until the flush, or
/// a sender that uses each turn would put it off forever. A [limit](UNFLUSHED) holds in any case.
async fn next<P, S, E>(
    shared: &Shared<P>,
    mut sink: Pin<&mut S>,
    unflushed: &mut Unflushed,
) -> Result<Next<P::Tag, P::Request>, E>
where
    P: Protocol,
    S: Sink<P::Request, Error = E>,
{
    wait::wait_why(SEND.of(&shared.name), |cx, clock, why| {
        let mut what = None;
        let step = poll_next(shared, sink.as_mut(), unflushed, cx, clock, &mut what);
        if let Step::Wait { .. } = step {
            let queue = what.unwrap_or(QUEUE);
            let is_flushed = unflushed.messages == 0 && !unflushed.flushing;
            let flush = unflushed.flushing.then_some(FLUSH);
            why.set_what(what.or(flush).or(SEND.waits_for));
            shared.progress.set(|| (shared.lock().core.first_waiting(), queue, None), is_flushed);
        }
        step
    })
    .await
}

/// Polls for the [`next`] step. Sets `what` if there is something to send that has to wait.
fn poll_next<P, S, E>(
    shared: &Shared<P>,
    mut sink: Pin<&mut S>,
    unflushed: &mut Unflushed,
    cx: &mut Context<'_>,
    clock: Clock,
    what: &mut Option<&'static str>,
) -> Polled<P, E>
where
    P: Protocol,
    S: Sink<P::Request, Error = E>,
{
    if (unflushed.flushing || unflushed.messages >= UNFLUSHED)
        && let Err(error) = unflushed.poll_flush(sink.as_mut(), cx)
    {
        return Step::Done(Err(error));
    }
    match sink.as_mut().poll_ready(cx) {
        Poll::Ready(Ok(())) => {}
        Poll::Ready(Err(error)) => return Step::Done(Err(error)),
        Poll::Pending => {
            *what = Some("room in the sink");
            return Step::Wait { until: None };
        }
    }
    let mut locked = shared.lock();
    let (state, after) = locked.split();
    let mut until = None;
    match state.core.poll_transmit(P::tag, || clock.now()) {
        Transmit::Send { tag, message, mut waker } => {
            waker.wake(after);
            return Step::Done(Ok(Next::Message(tag, message)));
        }
        Transmit::Cancel { entry, of } => return Step::Done(Ok(Next::Cancel(entry, of))),
        Transmit::Discard(message) => return Step::Done(Ok(Next::Discard(message))),
        Transmit::Drained => return Step::Done(Ok(Next::Drained)),
        Transmit::Nothing => {}
        Transmit::Blocked => {
            *what = Some(state.core.blocked_by());
            until = state.core.poll_timeout();
        }
    }
    let is_alone = state.core.counts().in_flight <= 1;
    state.idle = !seeded::is(Bug::MuxSenderNotWoken);
    drop(locked);
    if unflushed.messages == 0 {
        return Step::Wait { until };
    }
    if !is_alone && !std::mem::replace(&mut unflushed.has_yielded, true) {
        cx.waker().wake_by_ref();
        return Step::Wait { until };
    }
    match unflushed.poll_flush(sink.as_mut(), cx) {
        Ok(()) => Step::Wait { until },
        Err(error) => Step::Done(Err(error)),
    }
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
