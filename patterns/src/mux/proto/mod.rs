//! The multiplexer without connection, runtime or clock: it decides which call owns which tag.
//!
//! The vocabulary is that of a sans-IO state machine: `handle_*` takes an event, `poll_*` returns what
//! to do next, and [`poll_timeout`](Core::poll_timeout) is the time of the next
//! [`handle_timeout`](Core::handle_timeout). Operations that depend on the age of tags are told the time
//! as a function, which they call only if some tag can come of age, and free those that have first. So
//! no decision depends on when a timer fires.
//!
//! ```text
//!             call          poll_transmit           handle_reply
//!  caller ──────────► waiting ──────────► in flight ──────────► answered ──► caller
//!                        │                    │
//!                abandon │            abandon │
//!                        ▼                    ▼      handle_reply, handle_timeout
//!                     not sent           quarantine ─────────────────────────────► tag is free
//! ```
//!
//! [`poll_transmit`](Core::poll_transmit) commits a call. Before, dropping the call undoes it; after,
//! its tag is in use until its reply has come. Waiting calls hold no tag, unless they chose one.
//!
//! # Why no error lies about its effect
//! A request is one value, which is moved and never copied. [`poll_transmit`](Core::poll_transmit) moves
//! it out to be sent; [`poll_call`](Core::poll_call), [`abandon`](Core::abandon) and a [refusal](Refused)
//! move it back to the caller, and remove the call in the same step. An error says that the request was
//! not sent exactly if it holds the request, so no request can be sent that the caller has back. If it
//! does not hold the request, the effect is open, whatever the sink did with it.
//!
//! ```
//! use pushdown_patterns::mux::proto::{Core, Outcome, Received, Transmit};
//! use pushdown_patterns::mux::{CallOptions, Options};
//!
//! let now = std::time::Instant::now;
//! let mut core = Core::<u8, &str, &str, Option<&str>>::new(Options::new(), false);
//! let call = core.call(CallOptions::new(), "what time is it?", now).unwrap();
//! *core.waker(&call) = Some("the caller");
//!
//! let transmit = core.poll_transmit(|number| u8::try_from(number).ok(), now);
//! let Transmit::Send { tag: Some(tag), message, .. } = transmit else { panic!() };
//! assert_eq!((tag, message), (0, "what time is it?"));
//!
//! assert!(matches!(core.handle_reply(&tag, "noon", now), Received::Answered(Some("the caller"))));
//! assert!(matches!(core.handle_reply(&tag, "one", now), Received::Unexpected("one")));
//! assert_eq!(core.poll_call(&call), Some(Outcome::Reply("noon")));
//! ```

mod answers;
mod calls;
mod quarantine;
mod tags;

use std::collections::VecDeque;
use std::time::Instant;
use std::vec::Vec;

pub use answers::{Abandoned, Counts, Ended, Outcome, Received, Refusal, Refused, Transmit};
use calls::Calls;
pub use calls::Id;
use tags::{Owner, Tags};

use super::options::{CallOptions, Options, WhenFull};
use crate::seeded::{self, Bug};

/// The state of a multiplexer. `T` are tags, `Q` requests, `R` replies, and `W` holds the waker of a
/// caller; its default is an empty one.
///
/// All operations take logarithmic time in the number of calls and tags, with two exceptions:
/// abandoning a waiting call moves those behind it in the queue, and finding a free tag takes a step
/// for each tag in use that is tried first.
#[derive(Debug)]
pub struct Core<T, Q, R, W> {
    options: Options,
    cancel_is_call: bool,
    phase: Phase,
    calls: Calls<Call<T, Q, R, W>>,
    /// First come, first served.
    waiting: VecDeque<Id>,
    /// Answers to the peer. They need no tag, so they wait for the sink alone.
    answers: VecDeque<Id>,
    /// Requests that have no caller.
    own: VecDeque<(Own, Q)>,
    in_flight: usize,
    /// Requests in flight that undo a late reply. They count against the limit of calls in flight:
    /// otherwise a peer that answers everything but these could make us hold more and more tags.
    undoing: usize,
    tags: Tags<T>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Draining,
    /// The last call of a drain is over.
    Drained,
    Ended,
}

/// The purpose of a request that has no caller.
#[derive(Clone, Copy, Debug)]
enum Own {
    /// It cancels this entry of the quarantine, and has a reply.
    Cancel(u64),
    /// It undoes a late reply, and has a reply.
    Undo,
    /// It undoes a late reply, and has none.
    Notice,
}

#[derive(Debug)]
struct Call<T, Q, R, W> {
    stage: Stage<T, Q, R>,
    /// Set if the peer gets a message when the call is dropped in flight.
    cancel: bool,
    waker: W,
}

#[derive(Debug)]
enum Stage<T, Q, R> {
    Waiting {
        tagged: Tagged<T>,
        message: Q,
    },
    InFlight(T),
    Answered(R),
    /// The last stage of a message that has no reply.
    Sent,
}

/// The tag of a waiting call.
#[derive(Debug)]
enum Tagged<T> {
    /// Chosen by the caller.
    Chosen(T),
    /// Assigned when the call is sent.
    Assigned,
    /// None: the message has no reply.
    Not,
    /// None: the message is an answer to the peer, and waits in a queue of its own.
    Answer,
}

impl<T: Ord + Clone, Q, R, W: Default> Core<T, Q, R, W> {
    /// A core without calls. With `cancel_is_call` a call is cancelled by another call, whose reply
    /// frees both tags.
    pub fn new(options: Options, cancel_is_call: bool) -> Self {
        Self {
            options,
            cancel_is_call,
            phase: Phase::Open,
            calls: Calls::default(),
            waiting: VecDeque::new(),
            answers: VecDeque::new(),
            own: VecDeque::new(),
            in_flight: 0,
            undoing: 0,
            tags: Tags::new(),
            counts: Counts::default(),
        }
    }

    /// Queues a call, with a tag of the caller's choice or one that is assigned when it is sent. Of the
    /// options the timeout is the driver's.
    ///
    /// # Errors
    /// Returns the message if the call is not accepted.
    pub fn call(
        &mut self,
        options: CallOptions<T>,
        message: Q,
        now: impl FnOnce() -> Instant,
    ) -> Result<Id, Refused<Q>> {
        self.expire(now);
        let tagged = match options.tag {
            Some(tag) if self.tags.owner(&tag).is_some() => {
                return Err(Refused { message, why: Refusal::DuplicateTag });
            }
            Some(tag) => Tagged::Chosen(tag),
            None => Tagged::Assigned,
        };
        self.queue(tagged, message, options.cancel)
    }

    /// Queues a message that has no reply.
    ///
    /// # Errors
    /// Returns the message if it is not accepted.
    pub fn send(&mut self, message: Q) -> Result<Id, Refused<Q>> {
        self.queue(Tagged::Not, message, false)
    }

    /// Queues an answer to the peer, ahead of everything else. A drain accepts it.
    ///
    /// # Errors
    /// Returns the message if it is not accepted.
    pub fn answer(&mut self, message: Q) -> Result<Id, Refused<Q>> {
        self.queue(Tagged::Answer, message, false)
    }

    fn queue(&mut self, tagged: Tagged<T>, message: Q, cancel: bool) -> Result<Id, Refused<Q>> {
        let is_answer = matches!(tagged, Tagged::Answer);
        if self.phase != Phase::Open && !(is_answer && self.phase == Phase::Draining) {
            return Err(Refused { message, why: Refusal::Closed });
        }
        let queue = if is_answer { &mut self.answers } else { &mut self.waiting };
        if queue.len() >= self.options.waiting.get() {
            return Err(Refused { message, why: Refusal::Full });
        }
        if let Tagged::Chosen(tag) = &tagged {
            self.tags.set_owner(tag.clone(), Owner::Waiting);
        }
        let stage = Stage::Waiting { tagged, message };
        let id = self.calls.insert(Call { stage, cancel, waker: W::default() });
        queue.push_back(id.clone());
        self.counts.accepted += 1;
        Ok(id)
    }

    /// Returns the next thing to send, and commits it. `tag` numbers the tags that may be assigned,
    /// from 0 to the first `None`.
    pub fn poll_transmit(
        &mut self,
        tag: impl Fn(u64) -> Option<T>,
        now: impl FnOnce() -> Instant,
    ) -> Transmit<T, Q, W> {
        self.expire(now);
        if let Some(id) = self.answers.pop_front() {
            return self.commit(id, None);
        }
        // Cancels go ahead of calls: they free tags that calls may wait for.
        if let Some((entry, of)) = self.tags.next_cancel() {
            return Transmit::Cancel { entry, of };
        }
        if let Some(transmit) = self.next_own(&tag) {
            return transmit;
        }
        let Some(id) = self.waiting.front() else {
            // A request of our own that finds no tag does not hold up a drain.
            if matches!(self.phase, Phase::Draining | Phase::Drained) && self.in_flight == 0 {
                self.phase = Phase::Drained;
                return Transmit::Drained;
            }
            return if self.own.is_empty() { Transmit::Nothing } else { Transmit::Blocked };
        };
        let call = self.calls.get(id).expect("a waiting call is in the table");
        let Stage::Waiting { tagged, .. } = &call.stage else { unreachable!("the call waits") };
        let tag = match tagged {
            Tagged::Not | Tagged::Answer => None,
            _ if self.is_full() || !self.has_room() => return Transmit::Blocked,
            Tagged::Chosen(tag) => {
                self.tags.set_owner(tag.clone(), Owner::InFlight(id.clone()));
                Some(tag.clone())
            }
            Tagged::Assigned => match self.tags.assign(Owner::InFlight(id.clone()), tag) {
                Some(tag) => Some(tag),
                None => return Transmit::Blocked,
            },
        };
        let id = self.waiting.pop_front().expect("the call waits");
        self.commit(id, tag)
    }

    /// Sends a call that has left its queue, and owns its tag.
    fn commit(&mut self, id: Id, tag: Option<T>) -> Transmit<T, Q, W> {
        let call = self.calls.get_mut(&id).expect("a waiting call is in the table");
        self.counts.sent += 1;
        let stage = tag.clone().map_or(Stage::Sent, Stage::InFlight);
        let before = std::mem::replace(&mut call.stage, stage);
        let waker = if tag.is_none() { std::mem::take(&mut call.waker) } else { W::default() };
        self.in_flight += usize::from(tag.is_some());
        match before {
            Stage::Waiting { message, .. } => Transmit::Send { tag, message, waker },
            _ => unreachable!("the call waited"),
        }
    }

    /// Returns the next request of our own, unless it finds no tag.
    fn next_own(&mut self, tag: impl Fn(u64) -> Option<T>) -> Option<Transmit<T, Q, W>> {
        let tag = match self.own.front()?.0 {
            Own::Cancel(entry) if !self.tags.is_quarantined(entry) => {
                return self.own.pop_front().map(|(_, message)| Transmit::Discard(message));
            }
            Own::Undo if !self.has_room() => return None,
            Own::Cancel(entry) => Some(self.tags.assign(Owner::Cancel(entry), tag)?),
            Own::Undo => Some(self.tags.assign(Owner::Undo, tag)?),
            Own::Notice => None,
        };
        let (own, message) = self.own.pop_front()?;
        match (own, tag.clone()) {
            (Own::Cancel(entry), Some(tag)) => self.tags.set_cancel(entry, tag),
            (_, Some(_)) => self.undoing += 1,
            (_, None) => {}
        }
        Some(Transmit::Send { tag, message, waker: W::default() })
    }

    /// Queues the message for a [`Transmit::Cancel`] in protocols where a cancel is a call.
    pub fn cancel(&mut self, entry: u64, message: Q) {
        debug_assert!(self.cancel_is_call, "any other cancel is sent at once");
        self.own.push_back((Own::Cancel(entry), message));
    }

    /// Queues a request that undoes a late reply. Its reply, if it has one, is dropped.
    ///
    /// # Errors
    /// Returns the request if nothing is sent any more.
    pub fn undo(&mut self, message: Q, has_reply: bool) -> Result<(), Q> {
        if matches!(self.phase, Phase::Drained | Phase::Ended) {
            return Err(message);
        }
        self.own.push_back((if has_reply { Own::Undo } else { Own::Notice }, message));
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.in_flight + self.undoing < self.options.in_flight.get()
    }

    fn is_full(&self) -> bool {
        self.options.when_full == WhenFull::Wait
            && self.tags.quarantined() >= self.options.quarantine.get()
    }

    /// The number of the first call that waits to be sent, or else of the next call.
    pub(super) fn first_waiting(&self) -> u64 {
        self.waiting.front().map_or(self.calls.next(), Id::number)
    }

    /// Returns what the next call has to wait for while [nothing can be sent](Transmit::Blocked).
    pub(super) fn blocked_by(&self) -> &'static str {
        if self.is_full() {
            "room in the quarantine"
        } else if !self.has_room() {
            "a place in flight"
        } else {
            "a free tag"
        }
    }

    /// Takes a reply, and decides which call it answers.
    pub fn handle_reply(
        &mut self,
        tag: &T,
        reply: R,
        now: impl FnOnce() -> Instant,
    ) -> Received<R, W> {
        self.expire(now);
        if let Some(id) = self.tags.answer(tag) {
            let call = self.calls.get_mut(&id).expect("a call in flight is in the table");
            call.stage = Stage::Answered(reply);
            let waker = std::mem::take(&mut call.waker);
            self.counts.answered += 1;
            self.in_flight -= 1;
            return Received::Answered(waker);
        }
        match self.tags.owner(tag).cloned() {
            Some(Owner::Quarantined(_)) if seeded::is(Bug::MuxLateIsUnexpected) => {}
            Some(Owner::Quarantined(_)) if seeded::is(Bug::MuxLatePanics) => {
                panic!("a late reply")
            }
            Some(Owner::Quarantined(entry)) => {
                if self.tags.handle_late(entry) {
                    self.counts.late += 1;
                    return Received::Late(reply);
                }
            }
            Some(Owner::Cancel(entry)) => {
                self.tags.remove(entry);
                return Received::Own(reply);
            }
            Some(Owner::Undo) => {
                self.tags.release(tag);
                self.undoing -= 1;
                return Received::Own(reply);
            }
            // A reply cannot come before its request was sent, and that of a call in flight has been taken.
            Some(Owner::Waiting | Owner::InFlight(_)) | None => {}
        }
        self.count_unexpected();
        Received::Unexpected(reply)
    }

    /// Returns the outcome of a call, and removes it. `None` while the call is not over.
    pub fn poll_call(&mut self, id: &Id) -> Option<Outcome<Q, R>> {
        let ended = self.phase == Phase::Ended;
        match self.calls.get(id)?.stage {
            Stage::Waiting { .. } | Stage::InFlight(_) if !ended => return None,
            _ => {}
        }
        Some(match self.calls.remove(id)?.stage {
            Stage::Answered(reply) => Outcome::Reply(reply),
            Stage::Sent => Outcome::Sent,
            Stage::Waiting { message, .. } => Outcome::Ended(Some(message)),
            Stage::InFlight(_) => Outcome::Ended(None),
        })
    }

    /// The waker of the caller of a call that is not over.
    ///
    /// # Panics
    /// If the call is over.
    pub fn waker(&mut self, id: &Id) -> &mut W {
        &mut self.calls.get_mut(id).expect("the call is not over").waker
    }

    /// Removes a call whose caller has left, at whatever stage it is. Returns what the call held, for
    /// the caller to drop, or `None` if the call was over already.
    pub fn abandon(
        &mut self,
        id: &Id,
        now: impl FnOnce() -> Instant,
    ) -> Option<(Abandoned<Q, R>, W)> {
        let Call { stage, cancel, waker } = self.calls.remove(id)?;
        let ended = self.phase == Phase::Ended;
        let is_over = ended || matches!(stage, Stage::Answered(_) | Stage::Sent);
        self.counts.abandoned += u64::from(!is_over);
        let abandoned = match stage {
            Stage::Waiting { tagged, message } => {
                let is_answer = matches!(tagged, Tagged::Answer);
                let queue = if is_answer { &mut self.answers } else { &mut self.waiting };
                if let Ok(index) = queue.binary_search(id) {
                    queue.remove(index);
                }
                if let Tagged::Chosen(tag) = tagged
                    && !ended
                {
                    self.tags.release(&tag);
                }
                Abandoned::Waiting(message)
            }
            Stage::InFlight(tag) => {
                if !ended {
                    self.in_flight -= 1;
                    let now = now();
                    self.handle_timeout(now);
                    self.tags.quarantine(tag, now, cancel);
                    self.forget();
                }
                Abandoned::InFlight
            }
            Stage::Answered(reply) => Abandoned::Answered(reply),
            Stage::Sent => Abandoned::Sent,
        };
        Some((abandoned, waker))
    }

    /// Accepts no more calls, only answers. When the last call is over,
    /// [`poll_transmit`](Self::poll_transmit) returns [`Transmit::Drained`], and nothing is accepted.
    pub fn drain(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
        }
    }

    /// Ends every call. Each caller then gets its [outcome](Self::poll_call).
    pub fn end(&mut self) -> Ended<Q, W> {
        self.phase = Phase::Ended;
        self.tags.clear();
        self.in_flight = 0;
        self.undoing = 0;
        self.waiting.clear();
        self.answers.clear();
        let discarded = self.own.drain(..).map(|(_, message)| message).collect();
        let wakers = if seeded::is(Bug::MuxEndForgetsCallers) {
            Vec::new()
        } else {
            self.calls.iter_mut().map(|call| std::mem::take(&mut call.waker)).collect()
        };
        Ended { wakers, discarded }
    }

    /// Numbers of calls and tags held now, and of replies seen so far.
    pub fn counts(&self) -> Counts {
        let waiting = self.waiting.len() + self.answers.len();
        Counts {
            waiting,
            in_flight: self.in_flight,
            unclaimed: self.calls.len() - waiting - self.in_flight,
            quarantined: self.tags.quarantined(),
            ..self.counts
        }
    }

    /// Number of tags in use, for whatever reason.
    pub fn tags_in_use(&self) -> usize {
        self.tags.len()
    }

    /// Counts a reply to no call.
    pub(super) fn count_unexpected(&mut self) {
        self.counts.unexpected += 1;
    }

    /// Counts an unsolicited message for which there was no room.
    pub(super) fn count_discarded(&mut self) {
        self.counts.discarded += 1;
    }
}
