//! The multiplexer without connection, runtime or clock: who waits for which tag.
//!
//! ```text
//!             call                take                  receive
//!  caller ──────────► waiting ──────────► in flight ──────────► answered ──► caller
//!                        │                    │
//!                abandon │            abandon │
//!                        ▼                    ▼          receive, or age
//!                  was not sent          quarantine ─────────────────► tag is free
//! ```
//!
//! A call is committed when it is [taken](Core::take): before, dropping it undoes it; after, its tag
//! is in use until its reply has come. Waiting calls hold no tag, unless they chose one.
//!
//! ```
//! use pushdown_patterns::mux::proto::{Core, Outcome, Received, Take};
//! use pushdown_patterns::mux::Options;
//!
//! let mut core = Core::<u8, &str, &str, &str>::new(Options::new(), false);
//! let call = core.call(None, "what time is it?").unwrap();
//! *core.waker(&call) = Some("the caller");
//!
//! let Take::Send { tag: Some(tag), message, .. } = core.take(|number| u8::try_from(number).ok())
//! else { panic!() };
//! assert_eq!((tag, message), (0, "what time is it?"));
//!
//! assert!(matches!(core.receive(&tag, "noon"), Received::Answered(Some("the caller"))));
//! assert!(matches!(core.receive(&tag, "one"), Received::Unexpected("one")));
//! assert_eq!(core.poll(&call), Some(Outcome::Reply("noon")));
//! ```

mod answers;
mod calls;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;
use std::vec::Vec;

pub use answers::{Abandoned, Counts, Outcome, Received, Refusal, Refused, Take};
use calls::Calls;
pub use calls::Id;

use super::options::{Options, WhenFull};
use crate::seeded::{self, Bug};

/// The state of a multiplexer: `T` are tags, `Q` requests, `R` replies, and `W` is what wakes a
/// caller.
///
/// All operations are logarithmic in the number of calls and tags, with two exceptions: to abandon a
/// waiting call moves those behind it in the queue, and to find a free tag costs a step for each tag
/// in use that is tried first.
#[derive(Debug)]
pub struct Core<T, Q, R, W> {
    options: Options,
    cancel_is_call: bool,
    phase: Phase,
    calls: Calls<Call<T, Q, R, W>>,
    /// First come, first served.
    waiting: VecDeque<Id>,
    in_flight: usize,
    /// Every tag in use. Invariant: `InFlight` leads to a call in flight, `Gone` to an entry of the
    /// quarantine.
    tags: BTreeMap<T, Holder<T>>,
    /// The tags whose reply nobody waits for, oldest first.
    quarantine: BTreeMap<u64, (Instant, T)>,
    next_gone: u64,
    /// The entries of the quarantine that are yet to be cancelled.
    cancels: VecDeque<u64>,
    /// The number of the tag to try next: all others are used before one is used again.
    next_number: u64,
    /// No tag was free, and none has become free since.
    exhausted: bool,
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
    waker: Option<W>,
}

#[derive(Debug)]
enum Stage<T, Q, R> {
    Waiting {
        tagged: Tagged<T>,
        message: Q,
    },
    InFlight(T),
    Answered(R),
    /// What has no reply ends here.
    Sent,
}

#[derive(Debug)]
enum Tagged<T> {
    Chosen(T),
    Assigned,
    Not,
}

/// Who has a tag.
#[derive(Debug)]
enum Holder<T> {
    /// A call that chose it, and waits.
    Waiting,
    InFlight(Id),
    /// Nobody waits for the reply any more.
    Gone {
        entry: u64,
        /// It was cancelled by a call of its own, and only that one's reply makes the tag free.
        held: bool,
        /// This tag is the cancelling call's: what its reply makes free.
        frees: Option<(u64, T)>,
    },
}

impl<T: Ord + Clone, Q, R, W> Core<T, Q, R, W> {
    /// A core without calls. `cancel_is_call` says that a call is cancelled by another call, whose
    /// reply makes both tags free.
    pub fn new(options: Options, cancel_is_call: bool) -> Self {
        Self {
            options,
            cancel_is_call,
            phase: Phase::Open,
            calls: Calls::default(),
            waiting: VecDeque::new(),
            in_flight: 0,
            tags: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            next_gone: 0,
            cancels: VecDeque::new(),
            next_number: 0,
            exhausted: false,
            counts: Counts::default(),
        }
    }

    /// Queues a call, with a tag of the caller's choice or one that is assigned when it is sent.
    ///
    /// # Errors
    /// The message comes back if it cannot be accepted.
    pub fn call(&mut self, tag: Option<T>, message: Q) -> Result<Id, Refused<Q>> {
        let refuse = |message, why| Err(Refused { message, why });
        let tagged = match tag {
            Some(tag) if self.tags.contains_key(&tag) => {
                return refuse(message, Refusal::DuplicateTag);
            }
            Some(tag) => Tagged::Chosen(tag),
            None => Tagged::Assigned,
        };
        self.queue(tagged, message)
    }

    /// Queues a message that has no reply.
    ///
    /// # Errors
    /// The message comes back if it cannot be accepted.
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
            self.tags.insert(tag.clone(), Holder::Waiting);
        }
        let id = self.calls.insert(Call { stage: Stage::Waiting { tagged, message }, waker: None });
        self.waiting.push_back(id.clone());
        Ok(id)
    }

    /// What to send next. `tag` numbers the tags that may be assigned, from 0 to the first `None`.
    pub fn take(&mut self, tag: impl Fn(u64) -> Option<T>) -> Take<T, Q, W> {
        let full = self.options.when_full == WhenFull::Wait
            && self.quarantine.len() >= self.options.quarantine.get();
        if let Some(cancel) = self.take_cancel(&tag) {
            return cancel;
        }
        let Some(id) = self.waiting.front() else {
            let drained = self.phase == Phase::Draining && self.in_flight == 0;
            return if drained { Take::Drained } else { Take::Nothing };
        };
        let id = id.clone();
        let call = self.calls.get(&id).expect("what waits is a call");
        let Stage::Waiting { tagged, .. } = &call.stage else { unreachable!("it waits") };
        let tag = match tagged {
            Tagged::Not => None,
            _ if full || self.in_flight >= self.options.in_flight.get() => return Take::Blocked,
            Tagged::Chosen(tag) => Some(tag.clone()),
            Tagged::Assigned => match self.free_tag(tag) {
                Some(tag) => Some(tag),
                None => return Take::Blocked,
            },
        };
        self.waiting.pop_front();
        let call = self.calls.get_mut(&id).expect("it was there");
        let stage = tag.clone().map_or(Stage::Sent, Stage::InFlight);
        let before = std::mem::replace(&mut call.stage, stage);
        let waker = if tag.is_none() { call.waker.take() } else { None };
        if let Some(tag) = &tag {
            self.tags.insert(tag.clone(), Holder::InFlight(id));
            self.in_flight += 1;
        }
        match before {
            Stage::Waiting { message, .. } => Take::Send { tag, message, waker },
            _ => unreachable!("it waited"),
        }
    }

    fn take_cancel(&mut self, tag: impl Fn(u64) -> Option<T>) -> Option<Take<T, Q, W>> {
        while let Some(&entry) = self.cancels.front() {
            // Its reply may have come in the meantime.
            if let Some((since, of)) = self.quarantine.get(&entry).cloned() {
                let tag = if self.cancel_is_call {
                    let tag = self.free_tag(tag)?;
                    self.hold(&of, true);
                    // As old as what it cancels, so that they come of age together.
                    self.bury(tag.clone(), since, Some((entry, of.clone())));
                    Some(tag)
                } else {
                    None
                };
                self.cancels.pop_front();
                return Some(Take::Cancel { of, tag });
            }
            self.cancels.pop_front();
        }
        None
    }

    /// There is no cancelling this call after all: the tag from [`Take::Cancel`] comes back.
    pub fn retract(&mut self, tag: &T) {
        if let Some(Holder::Gone { entry, frees: Some((_, of)), .. }) = self.tags.remove(tag) {
            self.quarantine.remove(&entry);
            self.hold(&of, false);
            self.exhausted = false;
        }
    }

    fn hold(&mut self, tag: &T, by_cancel: bool) {
        if let Some(Holder::Gone { held, .. }) = self.tags.get_mut(tag) {
            *held = by_cancel && !seeded::is(Bug::MuxFlushIgnored);
        }
    }

    /// A tag that is not in use. As there is one more number than tags in use, one of these numbers
    /// is free, unless the numbers come round sooner, and then all are in use.
    fn free_tag(&mut self, tag: impl Fn(u64) -> Option<T>) -> Option<T> {
        if self.exhausted {
            return None;
        }
        let start = self.next_number;
        for _ in 0..=self.tags.len() {
            let candidate = tag(self.next_number).or_else(|| {
                self.next_number = 0;
                tag(0)
            })?;
            self.next_number = self.next_number.wrapping_add(1);
            if !self.tags.contains_key(&candidate) {
                return Some(candidate);
            }
        }
        self.next_number = start;
        self.exhausted = true;
        None
    }

    /// Hands a reply to the call that waits for it.
    pub fn receive(&mut self, tag: &T, reply: R) -> Received<R, W> {
        match self.tags.get(tag) {
            Some(Holder::InFlight(id)) => {
                let call = self.calls.get_mut(id).expect("what is in flight is a call");
                call.stage = Stage::Answered(reply);
                let waker = call.waker.take();
                self.in_flight -= 1;
                if !seeded::is(Bug::MuxEntryStays) {
                    self.tags.remove(tag);
                    self.exhausted = false;
                }
                Received::Answered(waker)
            }
            Some(Holder::Gone { .. }) if seeded::is(Bug::MuxLateIsUnexpected) => {
                Received::Unexpected(reply)
            }
            Some(Holder::Gone { .. }) if seeded::is(Bug::MuxLatePanics) => panic!("nobody waits"),
            Some(Holder::Gone { entry, held, frees }) => {
                self.counts.late += 1;
                if !held {
                    let (entry, frees) = (*entry, frees.clone());
                    self.forget(entry);
                    if let Some((cancelled, _)) = frees {
                        self.forget(cancelled);
                    }
                }
                Received::Late(reply)
            }
            // A reply before its request is none.
            Some(Holder::Waiting) | None => {
                self.counts.unexpected += 1;
                Received::Unexpected(reply)
            }
        }
    }

    /// What has become of a call. After anything but `None` the call is over.
    pub fn poll(&mut self, id: &Id) -> Option<Outcome<Q, R>> {
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

    /// Where to put what wakes the caller of a call that is not over.
    ///
    /// # Panics
    /// If the call is over.
    pub fn waker(&mut self, id: &Id) -> &mut Option<W> {
        &mut self.calls.get_mut(id).expect("the call is not over").waker
    }

    /// The caller leaves, and the call is over. What it leaves behind is to be dropped by the caller of
    /// this; `None` if the call was over already.
    pub fn abandon(&mut self, id: &Id, now: Instant) -> Option<(Abandoned<Q, R>, Option<W>)> {
        let Call { stage, waker } = self.calls.remove(id)?;
        let ended = self.phase == Phase::Ended;
        let abandoned = match stage {
            Stage::Waiting { tagged, message } => {
                if let Ok(place) = self.waiting.binary_search(id) {
                    self.waiting.remove(place);
                }
                if let Tagged::Chosen(tag) = tagged
                    && !ended
                {
                    self.tags.remove(&tag);
                    self.exhausted = false;
                }
                Abandoned::Waiting(message)
            }
            Stage::InFlight(tag) => {
                if !ended {
                    self.in_flight -= 1;
                    self.quarantine(tag, now);
                }
                Abandoned::InFlight
            }
            Stage::Answered(reply) => Abandoned::Answered(reply),
            Stage::Sent => Abandoned::Sent,
        };
        Some((abandoned, waker))
    }

    fn quarantine(&mut self, tag: T, now: Instant) {
        if seeded::is(Bug::MuxTagFreedOnDrop) {
            self.tags.remove(&tag);
            return;
        }
        let entry = self.bury(tag, now, None);
        self.cancels.push_back(entry);
    }

    fn bury(&mut self, tag: T, since: Instant, frees: Option<(u64, T)>) -> u64 {
        let entry = self.next_gone;
        self.next_gone += 1;
        self.quarantine.insert(entry, (since, tag.clone()));
        self.tags.insert(tag, Holder::Gone { entry, held: false, frees });
        entry
    }

    /// Ends a quarantine: its tag is free.
    fn forget(&mut self, entry: u64) {
        if let Some((_, tag)) = self.quarantine.remove(&entry) {
            self.tags.remove(&tag);
            self.exhausted = false;
        }
    }

    /// Whether more tags are in quarantine than may be, and [that is fatal](WhenFull::Fail).
    pub fn is_overfull(&self) -> bool {
        self.options.when_full == WhenFull::Fail
            && self.quarantine.len() > self.options.quarantine.get()
    }

    /// When the oldest tag in quarantine comes of [age](Options::quarantine_age).
    pub fn expiry(&self) -> Option<Instant> {
        let (since, _) = self.quarantine.first_key_value()?.1;
        since.checked_add(self.options.quarantine_age?)
    }

    /// Makes the tags free that have come of age.
    pub fn expire(&mut self, now: Instant) {
        while self.expiry().is_some_and(|expiry| expiry <= now) {
            let oldest = *self.quarantine.first_key_value().expect("it has an expiry").0;
            self.forget(oldest);
        }
    }

    /// From now on no call is accepted. When the last one is over, [`take`](Self::take) says so.
    pub fn drain(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
        }
    }

    /// Ends everything. The answer is whom to wake; each [`poll`](Self::poll) tells its caller.
    pub fn end(&mut self) -> Vec<W> {
        self.phase = Phase::Ended;
        self.tags.clear();
        self.quarantine.clear();
        self.cancels.clear();
        self.in_flight = 0;
        self.waiting.clear();
        if seeded::is(Bug::MuxEndForgetsCallers) {
            return Vec::new();
        }
        self.calls.iter_mut().filter_map(|call| call.waker.take()).collect()
    }

    /// What is held and was seen.
    pub fn counts(&self) -> Counts {
        Counts {
            waiting: self.waiting.len(),
            in_flight: self.in_flight,
            unclaimed: self.calls.len() - self.waiting.len() - self.in_flight,
            quarantined: self.quarantine.len(),
            ..self.counts
        }
    }

    /// How many tags are in use, for whatever reason.
    pub fn tags_in_use(&self) -> usize {
        self.tags.len()
    }

    /// Counts a reply without a tag.
    pub(super) fn unexpected(&mut self) {
        self.counts.unexpected += 1;
    }

    /// Counts an unsolicited message for which there was no room.
    pub(super) fn discard(&mut self) {
        self.counts.discarded += 1;
    }
}
