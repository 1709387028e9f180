//! What one subscriber has not read yet, and what happens when that gets too much.

use core::fmt;
use core::mem;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;
use std::vec::Vec;

use super::super::{End, Policy};
use super::log::Segment;
use crate::seeded::{self, Bug};

/// The queue of one subscriber: no events, but where they lie in the log.
///
/// ```text
/// log      │ 1 2 3 4 5 6 │ 7 8 9 · · ·     · is not yet written
/// runs         [3 4) gap [6 7) [7 ─→       the last one is open: it grows as the log does
///               ↑ next
/// ```
///
/// Invariant: the runs cover the numbers from `next` on without a hole, in order, up to the last event
/// published, or up to where the stream has ended. Only the last run may be open.
pub struct Queue<E: ?Sized> {
    policy: Policy,
    /// The number of whatever is read next.
    next: u64,
    /// How many bytes the events before it count.
    read_bytes: u64,
    runs: VecDeque<Run<E>>,
    /// How many numbers the gaps among the runs cover.
    gaps: u64,
    /// When it missed an event, being full, for [`Policy::Disconnect`].
    full_since: Option<Instant>,
    end: Option<End>,
    /// A publisher waits for room here.
    awaited: bool,
    /// How many events were read and are still on their way to the subscriber.
    in_hand: u64,
    /// Who waits for the stream to be cut off.
    to_cut: Option<Waker>,
}

pub(super) enum Run<E: ?Sized> {
    /// From the number `start` up to `end`, or as far as the segment is written.
    Events {
        segment: Arc<Segment<E>>,
        start: u64,
        end: Option<u64>,
    },
    Missed(u64),
}

/// What an event meets.
#[derive(Debug)]
pub(super) enum Offered<E: ?Sized> {
    /// It is in the queue, and so will be all up to this number, and up to so many bytes in the log.
    Taken { until: u64, bytes: u64 },
    /// It is counted as missed. A segment may be needed no more.
    Missed(Option<Arc<Segment<E>>>),
    /// The subscriber is too slow for its policy: its stream has ended, and it misses everything.
    Disconnected(Unread<E>),
}

/// What came of reading.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// The event with this number, in the segment that the reader now has. If `room` is set, a
    /// publisher has been waiting for the room that it leaves.
    Event {
        /// The number.
        seq: u64,
        /// Whether [`Registry::room_made`](super::Registry::room_made) is to be told.
        room: bool,
    },
    /// So many events are missing here.
    Gap(u64),
    /// Nothing yet.
    Empty,
    /// The stream has ended, for this reason.
    End(End),
}

/// Where a reader is in the log.
///
/// Segments that it leaves are kept until [`clear`](Self::clear), which drops payloads and so is
/// called where no lock is held.
pub struct Place<E: ?Sized> {
    segment: Option<Arc<Segment<E>>>,
    left: Vec<Arc<Segment<E>>>,
}

/// What a subscriber will not read, and who waits for that.
pub(super) struct Unread<E: ?Sized> {
    pub(super) runs: VecDeque<Run<E>>,
    pub(super) to_cut: Option<Waker>,
}

impl<E: ?Sized> Queue<E> {
    /// An empty queue.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            next: 1,
            read_bytes: 0,
            runs: VecDeque::new(),
            gaps: 0,
            full_since: None,
            end: None,
            awaited: false,
            in_hand: 0,
            to_cut: None,
        }
    }

    /// Begins with the event `next`, which is going to be written into this segment.
    pub(super) fn begin(&mut self, next: u64, total: u64, segment: &Arc<Segment<E>>) -> Policy {
        self.next = next;
        self.read_bytes = total;
        self.attach(next, segment);
        self.policy
    }

    fn attach(&mut self, start: u64, segment: &Arc<Segment<E>>) {
        self.runs.push_back(Run::Events { segment: segment.clone(), start, end: None });
    }

    /// Ends the open run, if there is one, before the event `next`.
    fn detach(&mut self, next: u64) -> bool {
        match self.runs.back_mut() {
            Some(Run::Events { end: end @ None, .. }) => {
                *end = Some(next);
                true
            }
            _ => false,
        }
    }

    /// The log goes on in another segment, from the event `next` on. What the policy has dropped comes
    /// back.
    pub(super) fn roll(&mut self, next: u64, segment: &Arc<Segment<E>>) -> Vec<Arc<Segment<E>>> {
        if self.detach(next) {
            self.attach(next, segment);
        }
        let mut dropped = Vec::new();
        if let Policy::DropOldest { capacity } = self.policy {
            let kept = next.saturating_sub(capacity.get() as u64);
            while let Some(Run::Events { segment, end: Some(end), .. }) = self.runs.front()
                && *end <= kept
            {
                dropped.push(segment.clone());
                self.runs.pop_front();
            }
        }
        dropped
    }

    /// How many of the events before `next` are in the queue.
    fn events(&self, next: u64) -> u64 {
        next - self.next - self.gaps
    }

    /// How many events, from `next` on, a publisher may publish before it has to wait. If there is no
    /// room the queue remembers that it is waited for.
    pub(super) fn room(&mut self, next: u64) -> u64 {
        let Policy::Block { capacity, .. } = self.policy else { return u64::MAX };
        let room = (capacity.get() as u64).saturating_sub(self.events(next));
        self.awaited = room == 0;
        room
    }

    /// The policy decides on the event `seq`, which is going to be written into this segment, with
    /// which the log will count `total` bytes. `now` is asked for only if the queue is full.
    pub(super) fn offer(
        &mut self,
        seq: u64,
        total: u64,
        segment: &Arc<Segment<E>>,
        now: impl FnOnce() -> Instant,
    ) -> Offered<E> {
        let events = self.events(seq);
        let room = |capacity: usize| (capacity as u64).saturating_sub(events);
        let room = match self.policy {
            // Of these the one is asked for room before, and the other takes everything.
            Policy::Block { .. } | Policy::DropOldest { .. } => u64::MAX,
            Policy::DropNewest { capacity } => room(capacity.get()),
            Policy::Disconnect { capacity, grace } => {
                let room = room(capacity.get());
                if room > 0 {
                    self.full_since = None;
                } else {
                    let now = now();
                    let since = *self.full_since.get_or_insert(now);
                    if now.saturating_duration_since(since) >= grace {
                        return Offered::Disconnected(self.disconnect(seq));
                    }
                }
                room
            }
            Policy::Queue { items, bytes } => {
                let room = items.room(events);
                let until = bytes.room(0).saturating_add(self.read_bytes);
                if room == 0 || total > until {
                    return Offered::Disconnected(self.disconnect(seq));
                }
                return Offered::Taken { until: seq.saturating_add(room), bytes: until };
            }
        };
        if room == 0 {
            return Offered::Missed(self.miss(seq));
        }
        if !matches!(self.runs.back(), Some(Run::Events { end: None, .. })) {
            self.attach(seq, segment);
        }
        Offered::Taken { until: seq.saturating_add(room), bytes: u64::MAX }
    }

    /// What lies before the gap no longer grows, and may be a small part of its segment. So an excerpt
    /// takes its place: otherwise each event of a queue could keep a segment alive. The segment comes
    /// back.
    fn miss(&mut self, seq: u64) -> Option<Arc<Segment<E>>> {
        let mut old = None;
        if self.detach(seq)
            && let Some(Run::Events { segment, start, .. }) = self.runs.back_mut()
        {
            *start = self.next.max(*start);
            old = Some(mem::replace(segment, segment.excerpt(*start, seq)));
        }
        self.gaps += 1;
        match self.runs.back_mut() {
            Some(Run::Missed(count)) => *count += 1,
            _ => self.runs.push_back(Run::Missed(1)),
        }
        old
    }

    /// Too slow, up to and with the event `seq`.
    fn disconnect(&mut self, seq: u64) -> Unread<E> {
        let missed = seq + 1 - self.next;
        let unread = self.discard();
        self.runs.push_back(Run::Missed(missed));
        self.gaps = missed;
        self.end = Some(End::TooSlow);
        unread
    }

    /// Reads the next item. `published` is asked for the number of the last event.
    pub fn read(&mut self, place: &mut Place<E>, published: impl FnOnce() -> u64) -> Read {
        if let Policy::DropOldest { capacity } = self.policy {
            let kept = (published() + 1).saturating_sub(capacity.get() as u64);
            if kept > self.next && self.end.is_none() {
                let missed = kept - self.next;
                self.next = kept;
                return Read::Gap(missed);
            }
        }
        loop {
            match self.runs.front() {
                Some(Run::Events { end: Some(end), .. }) if *end <= self.next => {
                    if let Some(Run::Events { segment, .. }) = self.runs.pop_front() {
                        place.left.push(segment);
                    }
                }
                Some(Run::Events { segment, .. }) => {
                    let Some((_, bytes)) = segment.get(self.next) else { return Read::Empty };
                    place.enter(segment);
                    let seq = self.next;
                    self.next += 1;
                    self.read_bytes = bytes;
                    let room = mem::take(&mut self.awaited);
                    return Read::Event { seq, room };
                }
                Some(Run::Missed(missed)) => {
                    let missed = *missed;
                    self.runs.pop_front();
                    self.next += missed;
                    self.gaps -= missed;
                    if !seeded::is(Bug::LossIsSilent) {
                        return Read::Gap(missed);
                    }
                }
                None => {
                    if self.end.is_some() {
                        place.leave();
                    }
                    return self.end.map_or(Read::Empty, Read::End);
                }
            }
        }
    }

    /// Ends the stream before the event `next`, after what is in the queue. A stream that has ended
    /// keeps its reason, unless it is aborted.
    pub(super) fn close(&mut self, next: u64, end: End) {
        if self.end.is_none() {
            self.trim(next);
            self.detach(next);
            self.end = Some(end);
        }
    }

    /// What [`Policy::DropOldest`] has dropped is counted now, since later it cannot be known.
    fn trim(&mut self, next: u64) {
        if let Policy::DropOldest { capacity } = self.policy {
            let kept = next.saturating_sub(capacity.get() as u64);
            if kept > self.next {
                self.runs.push_front(Run::Missed(kept - self.next));
                self.gaps += kept - self.next;
            }
        }
    }

    /// Ends the stream here and now. What is in the queue is not counted as missed.
    pub(super) fn abort(&mut self) -> Unread<E> {
        self.end = Some(End::Aborted);
        self.discard()
    }

    fn discard(&mut self) -> Unread<E> {
        self.gaps = 0;
        Unread { runs: mem::take(&mut self.runs), to_cut: self.to_cut.take() }
    }

    /// Says how many events, missed ones included, were read and are still on their way to the
    /// subscriber.
    pub(crate) fn set_in_hand(&mut self, in_hand: u64) {
        self.in_hand = in_hand;
    }

    /// How many events before `next` were published to it and not read, missed ones included, or have
    /// not reached it.
    pub(super) fn unread(&self, next: u64) -> u64 {
        let end = self.runs.iter().fold(self.next, |at, run| match run {
            Run::Events { end, .. } => at.max(end.unwrap_or(next)),
            Run::Missed(missed) => at + missed,
        });
        end - self.next + self.in_hand
    }

    /// Why the stream has ended or will end after what is in the queue.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether the stream has ended and left out what had not been read; if not, the waker is kept.
    ///
    /// # Errors
    /// If not. The waker that is replaced is to be dropped outside of locks.
    pub fn cut(&mut self, waker: &Waker) -> Result<(), Option<Waker>> {
        match self.end {
            Some(End::TooSlow | End::Aborted) => Ok(()),
            _ => Err(self.to_cut.replace(waker.clone())),
        }
    }
}

impl<E: ?Sized> Place<E> {
    /// At the beginning.
    pub fn new() -> Self {
        Self { segment: None, left: Vec::new() }
    }

    fn enter(&mut self, segment: &Arc<Segment<E>>) {
        if !self.segment.as_ref().is_some_and(|own| Arc::ptr_eq(own, segment)) {
            self.left.extend(self.segment.replace(segment.clone()));
        }
    }

    /// Nothing more is read.
    fn leave(&mut self) {
        self.left.extend(self.segment.take());
    }

    /// The event that was read last.
    ///
    /// # Panics
    /// If no event with this number was the last to be read.
    pub fn event(&self, seq: u64) -> &Arc<E> {
        let event = self.segment.as_ref().and_then(|segment| segment.get(seq));
        event.expect("an event that was read is where the reader is").0
    }

    /// Drops the segments that were left.
    pub fn clear(&mut self) {
        self.left.clear();
    }
}

impl<E: ?Sized> Default for Place<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: ?Sized> fmt::Debug for Place<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("segment", &self.segment).finish_non_exhaustive()
    }
}

impl<E: ?Sized> fmt::Debug for Run<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events { end: Some(end), .. } => write!(f, "events before {end}"),
            Self::Events { end: None, .. } => f.write_str("events"),
            Self::Missed(missed) => write!(f, "{missed} missed"),
        }
    }
}

impl<E: ?Sized> fmt::Debug for Unread<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("runs", &self.runs).finish_non_exhaustive()
    }
}

impl<E: ?Sized> fmt::Debug for Queue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("policy", &self.policy)
            .field("next", &self.next)
            .field("runs", &self.runs)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
