//! The events that one subscriber has not read yet, and its policy when they become too many.

use core::fmt;
use core::mem;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use std::vec::Vec;

use super::super::policy::Policy;
use super::super::report::EndReason;
use super::batch::{self, Batch};
use super::cursor::{Cursor, Place};
use super::log::Segment;
use super::payload::Payload;
use super::run::OpenRun;
use crate::seeded::{self, Bug};
use crate::wakers::{AfterUnlock, WakerSlot};

/// The queue of one subscriber. Most of it is a run of the log; only a queue that has been full keeps
/// copies of events.
///
/// ```text
/// kept       3  gap  6
/// log      │ · · · · · · 7 │ 8 9 · ·       the open run, from its next event on
///                        ↑ next
/// ```
///
/// Invariant: what is kept comes before the open run, and together they cover everything unread. The
/// open run has the last segment of the log until the stream has ended.
pub struct Queue<E: ?Sized> {
    policy: Policy,
    kept: VecDeque<Kept<E>>,
    /// The number of events, not of gaps, that are kept.
    kept_events: u64,
    open: OpenRun<E>,
    /// Events that the reader has taken and not read, before all of this.
    batch: Batch,
    /// The size in bytes of the log before the open run's next event.
    read_bytes: u64,
    /// The number of events lost upstream that were read or kept as gaps.
    lost: u64,
    end: Option<EndReason>,
    /// The subscriber knows of its subscription.
    is_claimed: bool,
    /// The server waits for room here.
    awaited: bool,
    /// The number of events that a forwarder has read and not yet delivered.
    in_hand: u64,
    /// The forwarder that waits for room in its channel, or for the stream to be cut off.
    to_cut: WakerSlot,
}

enum Kept<E: ?Sized> {
    /// An event, and its number.
    Event(Payload<E>, u64),
    Missed(u64),
}

/// The decision of a policy on an event.
#[derive(Debug)]
pub(super) enum Offered<E: ?Sized> {
    /// The event is queued. So is every later one at a position below `until`, as long as the log
    /// holds at most `bytes`.
    Taken { until: u64, bytes: u64 },
    /// The queue is full: this event and all later ones are missed until the reader makes room, and
    /// `deadline` is the time at which the grace of [`Policy::Disconnect`] is over.
    Full { deadline: Option<Instant> },
    /// The subscriber is too slow for its policy: its stream has ended, and it misses everything.
    Disconnected(Unread<E>),
}

/// The result of [`Queue::poll_read`].
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// The event with this number, at which the cursor now is.
    Event {
        /// The number.
        seq: u64,
        /// The server was waiting for this room: call
        /// [`Registry::handle_room_made`](super::Registry::handle_room_made).
        room: bool,
    },
    /// This many events are missing here.
    Gap(u64),
    /// Nothing yet.
    Empty,
    /// The stream has ended, for this reason.
    End(EndReason),
}

/// The rest of a stream that was cut off, and the forwarder that waits for that.
pub(super) struct Unread<E: ?Sized> {
    kept: VecDeque<Kept<E>>,
    segments: VecDeque<Arc<Segment<E>>>,
    pub(super) to_cut: WakerSlot,
}

/// The number of events up to which the policy lets the open run lag behind the log.
fn lag(policy: Policy) -> u64 {
    match policy {
        Policy::DropOldest { capacity } => capacity.get() as u64,
        _ => u64::MAX,
    }
}

impl<E: ?Sized> Queue<E> {
    /// Creates an empty queue.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            kept: VecDeque::new(),
            kept_events: 0,
            open: OpenRun::new(lag(policy)),
            batch: Batch::new(),
            read_bytes: 0,
            lost: 0,
            end: None,
            is_claimed: true,
            awaited: false,
            in_hand: 0,
            to_cut: WakerSlot::default(),
        }
    }

    /// Starts at the position `next`, which will be written into this segment.
    pub(super) fn begin(&mut self, next: u64, segment: &Arc<Segment<E>>) -> Policy {
        self.open.begin(next, segment);
        self.read_bytes = segment.total_before(next);
        self.lost = segment.lost;
        self.policy
    }

    /// Holds no events until the subscriber claims them: one that does not know yet that it is
    /// subscribed must not make publishers wait.
    pub(crate) fn set_unclaimed(&mut self) {
        self.is_claimed = false;
        self.open.lag = 0;
    }

    /// Starts with the next event. `published` is the position of the last one.
    pub(crate) fn claim(&mut self, published: u64) {
        if !mem::replace(&mut self.is_claimed, true) {
            self.open.skip(published);
            self.open.lag = lag(self.policy);
            if let Some(segment) = self.open.segments.back() {
                self.read_bytes = segment.total_before(self.open.next);
                self.lost = segment.lost;
            }
        }
    }

    /// Follows the log into a new segment, which starts at the position `next`. Adds segments that the
    /// queue no longer needs to `dropped`.
    pub(super) fn roll(
        &mut self,
        next: u64,
        segment: &Arc<Segment<E>>,
        dropped: &mut Vec<Arc<Segment<E>>>,
    ) {
        self.open.roll(next, segment, dropped);
        if !self.is_claimed {
            self.lost = segment.lost;
        }
    }

    /// Returns the number of queued events before `next`.
    fn events(&self, next: u64) -> u64 {
        self.kept_events + self.open.len(next)
    }

    /// Returns the number of events from `next` on for which there is room. If there is none, the
    /// queue remembers that the server waits for it.
    pub(super) fn poll_room(&mut self, next: u64) -> u64 {
        let room = match self.policy {
            Policy::Block { capacity, .. }
            | Policy::DropNewest { capacity }
            | Policy::Disconnect { capacity, .. } => {
                (capacity.get() as u64).saturating_sub(self.events(next))
            }
            Policy::Queue { items, .. } => items.room(self.events(next)),
            Policy::DropOldest { .. } => u64::MAX,
        };
        self.awaited = room == 0;
        room
    }

    /// Lets the policy decide on the event at the position `next`, which will be written into this
    /// segment and bring the log to `total` bytes. Reads the clock only if the queue is full.
    pub(super) fn offer(
        &mut self,
        next: u64,
        total: u64,
        now: impl FnOnce() -> Instant,
        dropped: &mut Vec<Arc<Segment<E>>>,
    ) -> Offered<E> {
        let room = self.poll_room(next);
        let until = next.saturating_add(room);
        let deadline = match self.policy {
            Policy::Queue { bytes: limit, .. } => {
                if !self.is_claimed {
                    self.read_bytes = self.open.total_before(next);
                }
                let bytes = limit.room(0).saturating_add(self.read_bytes);
                if room == 0 || total > bytes {
                    return Offered::Disconnected(self.disconnect(next));
                }
                return Offered::Taken { until, bytes };
            }
            _ if room > 0 => return Offered::Taken { until, bytes: u64::MAX },
            Policy::Disconnect { grace, .. } => {
                let now = now();
                let deadline = now.checked_add(grace);
                if deadline.is_some_and(|deadline| deadline <= now) {
                    return Offered::Disconnected(self.disconnect(next));
                }
                deadline
            }
            _ => None,
        };
        self.keep_up_to(next, dropped);
        self.open.lag = 0;
        Offered::Full { deadline }
    }

    /// Keeps copies of the events before `next`, so that they do not keep their neighbours in the log
    /// alive: a queue that is often full may have taken one of many.
    fn keep_up_to(&mut self, next: u64, dropped: &mut Vec<Arc<Segment<E>>>) {
        while self.open.next < next {
            let position = self.open.next;
            dropped.extend(std::iter::from_fn(|| self.open.leave(position)));
            let Some(segment) = self.open.segments.front() else { break };
            let Some((payload, _)) = segment.get(position) else { break };
            let (payload, lost) = (payload.clone(), segment.lost);
            self.miss(lost - self.lost);
            self.lost = lost;
            self.kept.push_back(Kept::Event(payload, position.saturating_add(lost)));
            self.kept_events += 1;
            self.open.next += 1;
        }
        dropped.extend(std::iter::from_fn(|| self.open.leave(next)));
    }

    /// Keeps a gap.
    fn miss(&mut self, missed: u64) {
        match self.kept.back_mut() {
            Some(Kept::Missed(count)) => *count += missed,
            _ if missed > 0 => self.kept.push_back(Kept::Missed(missed)),
            _ => {}
        }
    }

    /// Takes events again, from the position `next` on: the reader has made room. Returns how many.
    pub(super) fn resume(&mut self, next: u64) -> u64 {
        let missed = self.open.skip(next - 1);
        self.miss(missed);
        self.open.lag = lag(self.policy);
        self.poll_room(next)
    }

    /// Ends the stream: everything unread is missed, including the event at the position `next`.
    pub(super) fn disconnect(&mut self, next: u64) -> Unread<E> {
        let missed = self.queued(next + 1);
        let unread = self.cut(EndReason::TooSlow);
        self.miss(missed);
        unread
    }

    /// Reads the next item, always with the same cursor, and may take the events after it, which
    /// [`Cursor::next_taken`] reads without the queue. `published` returns the position of the last event.
    pub fn poll_read(&mut self, cursor: &mut Cursor<E>, published: impl FnOnce() -> u64) -> Read {
        if let Some(seq) = cursor.next_taken() {
            return Read::Event { seq, room: false };
        }
        let mut missed = match self.kept.pop_front() {
            Some(Kept::Event(payload, seq)) => {
                self.kept_events -= 1;
                self.shrink();
                cursor.move_to(Place::Kept(payload));
                return self.read_event(seq);
            }
            Some(Kept::Missed(missed)) if !self.kept.is_empty() => return Read::Gap(missed),
            Some(Kept::Missed(missed)) => missed,
            None => 0,
        };
        if self.open.lag < u64::MAX {
            missed += self.open.skip(published());
        }
        // Mostly the next event is in the same segment as the last one.
        let mut next = cursor.advance(self.open.next);
        if next.is_none()
            && let Some(lost) = self.enter(cursor)
        {
            missed += lost;
            next = cursor.advance(self.open.next);
        }
        if missed > 0 {
            return Read::Gap(missed);
        }
        if let Some(end) = self.end
            && self.open.is_over()
        {
            cursor.finish();
            self.open.segments.drain(..).for_each(|segment| cursor.keep(segment));
            return Read::End(end);
        }
        let Some((seq, total)) = next else { return Read::Empty };
        self.open.next += 1;
        self.read_bytes = total;
        let end = if seeded::is(Bug::BatchPassesTheEnd) { u64::MAX } else { self.open.end };
        if let Some(taken) = cursor.take_batch(&self.batch, batch::ahead(self.policy), end) {
            (self.open.next, self.read_bytes) = taken;
        }
        self.read_event(seq)
    }

    /// Lets the cursor enter the segment of the next event, if there is one that it is not in. Returns
    /// the number of events lost upstream before it.
    fn enter(&mut self, cursor: &mut Cursor<E>) -> Option<u64> {
        while let Some(segment) = self.open.leave(self.open.next) {
            cursor.keep(segment);
        }
        let segment = self.open.segments.front()?;
        cursor.enter(segment).then(|| segment.lost - mem::replace(&mut self.lost, segment.lost))
    }

    fn read_event(&mut self, seq: u64) -> Read {
        Read::Event { seq, room: mem::take(&mut self.awaited) }
    }

    /// Gives memory back once little of it is used.
    fn shrink(&mut self) {
        if self.kept.capacity() > 64 && self.kept.len() < self.kept.capacity() / 4 {
            self.kept.shrink_to(self.kept.len() * 2);
        }
    }

    /// Ends the stream before the position `next`, after the queued events. A stream that has ended
    /// keeps its reason, unless it is aborted.
    pub(super) fn close(&mut self, next: u64, end: EndReason) {
        if self.end.is_none() {
            self.open.end = next;
            self.end = Some(end);
        }
    }

    /// Ends the stream at once. The events that were not read do not count as missed. Returns their number
    /// as of the position `next`.
    pub(super) fn abort(&mut self, next: u64) -> (u64, Unread<E>) {
        let outlives = seeded::is(Bug::BatchOutlivesTheAbort);
        let taken = if outlives { self.batch.unread() } else { self.batch.revoke() };
        let unread = self.queued(next) + taken + self.in_hand;
        (unread, self.cut(EndReason::Aborted))
    }

    fn cut(&mut self, end: EndReason) -> Unread<E> {
        self.end = Some(end);
        self.open.end = self.open.next;
        self.kept_events = 0;
        Unread {
            kept: mem::take(&mut self.kept),
            segments: mem::take(&mut self.open.segments),
            to_cut: mem::take(&mut self.to_cut),
        }
    }

    /// Sets the number of events, missed ones included, that were read and not yet delivered.
    pub(crate) fn set_in_hand(&mut self, in_hand: u64) {
        self.in_hand = in_hand;
    }

    /// Returns the number of events before the position `next`, missed ones included, that were
    /// published to the subscriber and not read or not delivered.
    pub(super) fn unread(&self, next: u64) -> u64 {
        self.queued(next) + self.batch.unread() + self.in_hand
    }

    /// Returns the number of those that the reader has not taken.
    fn queued(&self, next: u64) -> u64 {
        if !self.is_claimed {
            return 0;
        }
        let kept: u64 = self.kept.iter().map(Kept::count).sum();
        let lost = self.open.segments.back().map_or(0, |segment| segment.lost - self.lost);
        kept + self.open.span(next) + lost
    }

    /// Returns the number of events, of places for what is kept, and of segments of the log.
    #[cfg(test)]
    pub(super) fn memory(&self) -> (usize, usize, usize) {
        (self.kept_events as usize, self.kept.capacity(), self.open.segments.len())
    }

    /// Returns why the stream has ended, or will end after the queued events.
    pub fn end(&self) -> Option<EndReason> {
        self.end
    }

    /// Ready when the stream was aborted: the unread events are lost.
    pub(crate) fn poll_cut(&mut self, cx: &Context<'_>, after: &mut AfterUnlock) -> Poll<()> {
        if self.end == Some(EndReason::Aborted) {
            return Poll::Ready(());
        }
        self.to_cut.register(cx, after);
        Poll::Pending
    }
}

impl<E: ?Sized> Kept<E> {
    fn count(&self) -> u64 {
        match self {
            Self::Event(..) => 1,
            Self::Missed(missed) => *missed,
        }
    }
}

impl<E: ?Sized> fmt::Debug for Unread<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread")
            .field("kept", &self.kept.len())
            .field("segments", &self.segments.len())
            .finish_non_exhaustive()
    }
}

impl<E: ?Sized> fmt::Debug for Queue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("policy", &self.policy)
            .field("kept", &self.kept.len())
            .field("next", &self.open.next)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
