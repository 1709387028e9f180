//! The multiplexer without connection, runtime or clock: it decides which call owns which tag.
//!
//! The vocabulary is that of a sans-IO state machine: `handle_*` takes an event, `poll_*` returns what
//! to do next, and [`poll_timeout`](Core::poll_timeout) is the time of the next
//! [`handle_timeout`](Core::handle_timeout).
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
//! ```
//! use pushdown_patterns::mux::proto::{Core, Outcome, Received, Transmit};
//! use pushdown_patterns::mux::Options;
//!
//! let mut core = Core::<u8, &str, &str, Option<&str>>::new(Options::new(), false);
//! let call = core.call(None, "what time is it?").unwrap();
//! *core.waker(&call) = Some("the caller");
//!
//! let transmit = core.poll_transmit(|number| u8::try_from(number).ok());
//! let Transmit::Send { tag: Some(tag), message, .. } = transmit else { panic!() };
//! assert_eq!((tag, message), (0, "what time is it?"));
//!
//! assert!(matches!(core.handle_reply(&tag, "noon"), Received::Answered(Some("the caller"))));
//! assert!(matches!(core.handle_reply(&tag, "one"), Received::Unexpected("one")));
//! assert_eq!(core.poll_call(&call), Some(Outcome::Reply("noon")));
//! ```

mod answers;
mod calls;
mod tags;

use std::collections::VecDeque;
use std::time::Instant;
use std::vec::Vec;

pub use answers::{Abandoned, Counts, Outcome, Received, Refusal, Refused, Transmit};
use calls::Calls;
pub use calls::Id;
use tags::{Owner, Tags};

use super::options::{Options, WhenFull};
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
    in_flight: usize,
    tags: Tags<T>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Draining,
    Ended,
}

#[derive(Debug)]
struct Call<T, Q, R, W> {
    stage: Stage<T, Q, R>,
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
            in_flight: 0,
            tags: Tags::new(),
            counts: Counts::default(),
        }
    }

    /// Queues a call, with a tag of the caller's choice or one that is assigned when it is sent.
    ///
    /// # Errors
    /// Returns the message if the call is not accepted.
    pub fn call(&mut self, tag: Option<T>, message: Q) -> Result<Id, Refused<Q>> {
        let tagged = match tag {
            Some(tag) if self.tags.owner(&tag).is_some() => {
                return Err(Refused { message, why: Refusal::DuplicateTag });
            }
            Some(tag) => Tagged::Chosen(tag),
            None => Tagged::Assigned,
        };
        self.queue(tagged, message)
    }

    /// Queues a message that has no reply.
    ///
    /// # Errors
    /// Returns the message if it is not accepted.
    pub fn send(&mut self, message: Q) -> Result<Id, Refused<Q>> {
        self.queue(Tagged::Not, message)
    }

    fn queue(&mut self, tagged: Tagged<T>, message: Q) -> Result<Id, Refused<Q>> {
        if self.phase != Phase::Open {
            return Err(Refused { message, why: Refusal::Closed });
        }
        if self.waiting.len() >= self.options.waiting.get() {
            return Err(Refused { message, why: Refusal::Full });
        }
        if let Tagged::Chosen(tag) = &tagged {
            self.tags.set_owner(tag.clone(), Owner::Waiting);
        }
        let stage = Stage::Waiting { tagged, message };
        let id = self.calls.insert(Call { stage, waker: W::default() });
        self.waiting.push_back(id.clone());
        Ok(id)
    }

    /// Returns the next thing to send, and commits it. `tag` numbers the tags that may be assigned,
    /// from 0 to the first `None`.
    pub fn poll_transmit(&mut self, tag: impl Fn(u64) -> Option<T>) -> Transmit<T, Q, W> {
        // Looked up before a cancel takes a tag of its own.
        let is_full = self.options.when_full == WhenFull::Wait
            && self.tags.quarantined() >= self.options.quarantine.get();
        // Cancels go first: they free tags that calls may wait for.
        if let Some((of, tag)) = self.tags.next_cancel(self.cancel_is_call, &tag) {
            return Transmit::Cancel { of, tag };
        }
        let Some(id) = self.waiting.front() else {
            let drained = self.phase == Phase::Draining && self.in_flight == 0;
            return if drained { Transmit::Drained } else { Transmit::Nothing };
        };
        let id = id.clone();
        let call = self.calls.get(&id).expect("a waiting call is in the table");
        let Stage::Waiting { tagged, .. } = &call.stage else { unreachable!("the call waits") };
        let tag = match tagged {
            Tagged::Not => None,
            _ if is_full || self.in_flight >= self.options.in_flight.get() => {
                return Transmit::Blocked;
            }
            Tagged::Chosen(tag) => Some(tag.clone()),
            Tagged::Assigned => match self.tags.find_free(tag) {
                Some(tag) => Some(tag),
                None => return Transmit::Blocked,
            },
        };
        self.waiting.pop_front();
        let call = self.calls.get_mut(&id).expect("a waiting call is in the table");
        let stage = tag.clone().map_or(Stage::Sent, Stage::InFlight);
        let before = std::mem::replace(&mut call.stage, stage);
        let waker = if tag.is_none() { std::mem::take(&mut call.waker) } else { W::default() };
        if let Some(tag) = &tag {
            self.tags.set_owner(tag.clone(), Owner::InFlight(id));
            self.in_flight += 1;
        }
        match before {
            Stage::Waiting { message, .. } => Transmit::Send { tag, message, waker },
            _ => unreachable!("the call waited"),
        }
    }

    /// Takes back the tag of a [`Transmit::Cancel`] that is not sent, for a call that the protocol
    /// cannot cancel.
    pub fn retract(&mut self, tag: &T) {
        self.tags.retract(tag);
    }

    /// Takes a reply, and decides which call it answers.
    pub fn handle_reply(&mut self, tag: &T, reply: R) -> Received<R, W> {
        match self.tags.owner(tag) {
            Some(Owner::InFlight(id)) => {
                let call = self.calls.get_mut(id).expect("a call in flight is in the table");
                call.stage = Stage::Answered(reply);
                let waker = std::mem::take(&mut call.waker);
                self.in_flight -= 1;
                if !seeded::is(Bug::MuxEntryStays) {
                    self.tags.release(tag);
                }
                Received::Answered(waker)
            }
            Some(Owner::Quarantined(_)) if seeded::is(Bug::MuxLateIsUnexpected) => {
                Received::Unexpected(reply)
            }
            Some(Owner::Quarantined(_)) if seeded::is(Bug::MuxLatePanics) => {
                panic!("a late reply")
            }
            Some(Owner::Quarantined(entry)) => {
                self.counts.late += 1;
                let entry = entry.clone();
                self.tags.handle_late(&entry);
                Received::Late(reply)
            }
            // A reply cannot come before its request was sent.
            Some(Owner::Waiting) | None => {
                self.count_unexpected();
                Received::Unexpected(reply)
            }
        }
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
    pub fn abandon(&mut self, id: &Id, now: Instant) -> Option<(Abandoned<Q, R>, W)> {
        let Call { stage, waker } = self.calls.remove(id)?;
        let ended = self.phase == Phase::Ended;
        let abandoned = match stage {
            Stage::Waiting { tagged, message } => {
                if let Ok(index) = self.waiting.binary_search(id) {
                    self.waiting.remove(index);
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
                    self.tags.quarantine(tag, now);
                }
                Abandoned::InFlight
            }
            Stage::Answered(reply) => Abandoned::Answered(reply),
            Stage::Sent => Abandoned::Sent,
        };
        Some((abandoned, waker))
    }

    /// Returns true if more tags are in quarantine than the options allow, and
    /// [that is fatal](WhenFull::Fail).
    pub fn is_overfull(&self) -> bool {
        self.options.when_full == WhenFull::Fail
            && self.tags.quarantined() > self.options.quarantine.get()
    }

    /// The time at which the oldest tag in quarantine comes of [age](Options::quarantine_age).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.tags.oldest()?.checked_add(self.options.quarantine_age?)
    }

    /// Frees the tags in quarantine that have come of age.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.poll_timeout().is_some_and(|timeout| timeout <= now) {
            self.tags.remove_oldest();
        }
    }

    /// Accepts no more calls. When the last one is over, [`poll_transmit`](Self::poll_transmit)
    /// returns [`Transmit::Drained`].
    pub fn drain(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
        }
    }

    /// Ends every call. Returns the wakers of their callers, each of which then gets its
    /// [outcome](Self::poll_call).
    pub fn end(&mut self) -> Vec<W> {
        self.phase = Phase::Ended;
        self.tags.clear();
        self.in_flight = 0;
        self.waiting.clear();
        if seeded::is(Bug::MuxEndForgetsCallers) {
            return Vec::new();
        }
        self.calls.iter_mut().map(|call| std::mem::take(&mut call.waker)).collect()
    }

    /// Numbers of calls and tags held now, and of replies seen so far.
    pub fn counts(&self) -> Counts {
        Counts {
            waiting: self.waiting.len(),
            in_flight: self.in_flight,
            unclaimed: self.calls.len() - self.waiting.len() - self.in_flight,
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
