//! A call: its waits for connections, its attempts on them, and what its caller is told.

use core::task::Context;
use std::time::Instant;

use super::error::{CallError, Outage};
use super::options::WhenDown;
use super::shared::{Placed, Shared, Waiting, queue};
use crate::mux::call::PendingCall;
use crate::mux::proto::Outcome;
use crate::mux::{CallErrorKind, CallOptions, CloseReason, Protocol};
use crate::seeded::{self, Bug};
use crate::wait::{self, Clock, Step};
use crate::waits::At;
use crate::wakers::WakerSlot;

/// A message to send, and how.
pub(super) struct Message<P: Protocol, M> {
    pub(super) request: P::Request,
    /// `None` for a message that has no reply.
    pub(super) options: Option<CallOptions<P::Tag>>,
    /// Makes the request of an idempotent call again.
    pub(super) again: Option<M>,
}

type CallResult<P> = Result<
    Outcome<<P as Protocol>::Request, <P as Protocol>::Reply>,
    CallError<<P as Protocol>::Request>,
>;

/// Makes a call, on as many connections as it takes. `line` names its waits for a connection, and `on`
/// those for a connection to be done with it.
pub(super) async fn run<P: Protocol, M: FnMut() -> P::Request>(
    shared: &Shared<P>,
    message: Message<P, M>,
    line: At<'_>,
    on: At<'_>,
) -> CallResult<P> {
    let Message { request, options, mut again } = message;
    if P::is_answered(&request) == Some(options.is_none()) {
        return Err(CallError::new(CallErrorKind::WrongMethod, Some(request)));
    }
    let mut caller = Caller::new(shared, options, request);
    let mut sent = 0;
    loop {
        let Placed { mut call, connection } =
            match wait::wait(line, |cx, clock| caller.poll(cx, clock)).await {
                Ok(placed) => placed,
                Err(Refusal { kind, outage, request }) => {
                    return Err(CallError::new(kind, unsent(sent, request)).during(outage));
                }
            };
        call.set_deadline(caller.deadline);
        let mut options = Some(caller.options.clone());
        let outcome = wait::wait_why(on, |cx, clock, why| {
            let step = call.poll(cx, clock, |state, request| {
                queue(state, request, options.take().flatten(), || clock.now())
            });
            why.set_place(call.place());
            step
        });
        let (kind, request) = match outcome.await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error.into_parts(),
        };
        let end = match &kind {
            CallErrorKind::Ended(end) => Some(end.clone()),
            // Somebody else has drained the connection. Its calls go on.
            CallErrorKind::ShuttingDown => None,
            _ => {
                let request = request.and_then(|request| unsent(sent, request));
                return Err(CallError::new(kind, request));
            }
        };
        let was_sent = request.is_none();
        sent += u32::from(was_sent);
        let request = match (request, &mut again) {
            (Some(request), _) => request,
            (None, Some(make)) if sent < shared.attempts => make(),
            _ => return Err(CallError::new(kind, None)),
        };
        caller.request = Some(request);
        caller.lost = Some(Lost { connection, end, was_sent });
    }
}

/// Returns the request of a call that has failed, unless it was sent before, so often: what may have happened
/// on one connection may have happened, whatever became of it on the next.
fn unsent<Q>(sent: u32, request: Q) -> Option<Q> {
    (sent == 0 || seeded::is(Bug::ReconnectForgetsSent)).then_some(request)
}

/// The caller of a call, between its attempts. Dropping it takes the call out of the line.
struct Caller<'a, P: Protocol> {
    shared: &'a Shared<P>,
    options: Option<CallOptions<P::Tag>>,
    /// Set by the first poll, as is the number.
    deadline: Option<Instant>,
    /// The place of the call among all calls.
    number: Option<u64>,
    /// Taken by the next poll.
    request: Option<P::Request>,
    lost: Option<Lost>,
    in_line: bool,
}

/// The connection on which an attempt has just failed.
struct Lost {
    connection: u64,
    /// `None` if it has not ended, but takes no more calls.
    end: Option<CloseReason>,
    was_sent: bool,
}

/// A call that is not made, or not made again.
struct Refusal<Q> {
    kind: CallErrorKind,
    outage: Option<Outage>,
    request: Q,
}

type Polled<P> = Step<Result<Placed<P>, Refusal<<P as Protocol>::Request>>>;

impl<'a, P: Protocol> Caller<'a, P> {
    fn new(
        shared: &'a Shared<P>,
        options: Option<CallOptions<P::Tag>>,
        request: P::Request,
    ) -> Self {
        Self {
            shared,
            options,
            deadline: None,
            number: None,
            request: Some(request),
            lost: None,
            in_line: false,
        }
    }

    /// Waits for a connection that has the call, or is to have it next.
    fn poll(&mut self, cx: &Context<'_>, clock: Clock) -> Polled<P> {
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        if self.number.is_none() {
            self.number = Some(state.next);
            state.next += 1;
            let timeout = self.options.as_ref().and_then(|options| options.timeout);
            self.deadline = timeout.and_then(|timeout| clock.now().checked_add(timeout));
        }
        let number = self.number.expect("it has just been set");
        if let Some(request) = self.request.take() {
            let lost = self.lost.take();
            let (connection, was_sent) =
                lost.as_ref().map_or((0, false), |lost| (lost.connection, lost.was_sent));
            let is_again = lost.is_some();
            if let Some(end) = lost.and_then(|lost| lost.end) {
                state.ended(connection, end, clock.now(), after);
            }
            let usable = state.connection.as_ref().filter(|(number, _)| *number != connection);
            let must_wait = usable.is_none();
            let refusal = match state.core.end() {
                Some(end) => Some(CallErrorKind::Ended(end.clone())),
                None if state.core.is_draining() => Some(CallErrorKind::ShuttingDown),
                None if must_wait && self.shared.when_down == WhenDown::Fail => {
                    Some(CallErrorKind::NotConnected)
                }
                None if must_wait && state.line.len() >= self.shared.waiting => {
                    Some(CallErrorKind::Full)
                }
                None => None,
            };
            if let Some(kind) = refusal {
                return Step::Done(Err(Refusal { kind, outage: state.outage(), request }));
            }
            if is_again {
                state.core.count_again(was_sent);
            }
            if let Some((connection, mux)) = usable {
                let call = PendingCall::new(mux.shared.clone(), None, request);
                return Step::Done(Ok(Placed { call, connection: *connection }));
            }
            let options = self.options.clone();
            state.line.insert(number, Waiting { request, options, waker: WakerSlot::default() });
            self.in_line = true;
        }
        let Some(waiting) = state.line.get_mut(&number) else {
            self.in_line = false;
            let placed = state.placed.remove(&number);
            return Step::Done(Ok(placed.expect("a call that has left the line was placed")));
        };
        let is_over = self.deadline.is_some_and(|deadline| deadline <= clock.now());
        let kind = match state.core.end() {
            Some(end) => CallErrorKind::Ended(end.clone()),
            None if is_over => CallErrorKind::TimedOut,
            None => {
                waiting.waker.register(cx, &mut after.wakers);
                return Step::Wait { until: self.deadline };
            }
        };
        self.in_line = false;
        let request = state.leave(number, after).expect("the call is in the line");
        Step::Done(Err(Refusal { kind, outage: state.outage(), request }))
    }
}

impl<P: Protocol> Drop for Caller<'_, P> {
    fn drop(&mut self) {
        if let Some(number) = self.number
            && self.in_line
            && !seeded::is(Bug::ReconnectDroppedCallStays)
        {
            let mut locked = self.shared.lock();
            let (state, after) = locked.split();
            after.request = state.leave(number, after);
        }
    }
}
