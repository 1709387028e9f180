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
use super::cursor::Cursor;
use super::log::Segment;
use crate::seeded::{self, Bug};
use crate::wakers::{AfterUnlock, WakerSlot};

/// The queue of one subscriber. It holds positions in the log, not events.
///
/// ```text
/// log      │ 1 2 3 4 5 6 │ 7 8 9 · · ·     · is not written yet
/// runs         [3 4) gap [6 7) [7 ─→       the last run is open: it grows with the log
///               ↑ next
/// ```
///
/// Invariant: the runs cover all numbers from `next`, in order and without a hole, up to the last
/// event published or, once the stream has ended, up to its end. Only the last run may be open.
pub struct Queue<E: ?Sized> {
    policy: Policy,
    /// The number of the next item to read.
    next: u64,
    /// The size in bytes of the log before it.
    read_bytes: u64,
    runs: VecDeque<Run<E>>,
    /// The number of events that the gaps among the runs cover.
    gaps: u64,
    /// When the full queue missed its first event, for [`Policy::Disconnect`].
    full_since: Option<Instant>,
    end: Option<EndReason>,
    /// A publisher waits for room here.
    awaited: bool,
    /// The number of events that a forwarder has read and not yet delivered.
    in_hand: u64,
    /// The forwarder that waits for room in its channel, or for the stream to be cut off.
    to_cut: WakerSlot,
}

pub(super) enum Run<E: ?Sized> {
    /// The numbers from `start` up to `end`, or as far as the segment is written.
    Events {
        segment: Arc<Segment<E>>,
        start: u64,
        end: Option<u64>,
    },
    Missed(u64),
}

/// The decision of a policy on an event.
#[derive(Debug)]
pub(super) enum Offered<E: ?Sized> {
    /// The event is queued. So is every later one with a number below `until`, as long as the log
    /// holds at most `bytes`.
    Taken { until: u64, bytes: u64 },
    /// The event is counted as missed. A segment that is no longer needed comes back.
    Missed(Option<Arc<Segment<E>>>),
    /// The subscriber is too slow for its policy: its stream has ended, and it misses everything.
    Disconnected(Unread<E>),
}

/// The result of [`Queue::poll_read`].
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// The event with this number, in the segment that the cursor now has.
    Event {
        /// The number.
        seq: u64,
        /// A publisher was waiting for this room: call
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
    pub(super) runs: VecDeque<Run<E>>,
    pub(super) to_cut: WakerSlot,
}

impl<E: ?Sized> Queue<E> {
    /// Creates an empty queue.
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
            to_cut: WakerSlot::default(),
        }
    }

    /// Starts at the event `next`, which will be written into this segment.
    pub(super) fn begin(&mut self, next: u64, total: u64, segment: &Arc<Segment<E>>) -> Policy {
        self.next = next;
        self.read_bytes = total;
        self.attach(next, segment);
        self.policy
    }

    fn attach(&mut self, start: u64, segment: &Arc<Segment<E>>) {
        self.runs.push_back(Run::Events { segment: segment.clone(), start, end: None });
    }

    /// Ends the open run before the event `next`. Returns whether there was one.
    fn detach(&mut self, next: u64) -> bool {
        match self.runs.back_mut() {
            Some(Run::Events { end: end @ None, .. }) => {
                *end = Some(next);
                true
            }
            _ => false,
        }
    }

    /// Follows the log into a new segment, which starts with the event `next`. Returns the segments
    /// that the policy drops.
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

    /// Returns the number of queued events before `next`.
    fn events(&self, next: u64) -> u64 {
        next - self.next - self.gaps
    }

    /// Returns the number of events from `next` on for which there is room. If there is none, the
    /// queue remembers that a publisher waits.
    pub(super) fn poll_room(&mut self, next: u64) -> u64 {
        let Policy::Block { capacity, .. } = self.policy else { return u64::MAX };
        let room = (capacity.get() as u64).saturating_sub(self.events(next));
        self.awaited = room == 0;
        room
    }

    /// Lets the policy decide on the event `seq`, which will be written into this segment and bring the
    /// log to `total` bytes. Reads the clock only if the queue is full.
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
            // `Block` was asked for room before; `DropOldest` takes everything.
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

    /// Counts the event `seq` as missed.
    ///
    /// The run before the gap no longer grows, and may be a small part of its segment. Without the
    /// excerpt that replaces it, each event of a queue could keep a whole segment alive. Returns the
    /// replaced segment.
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

    /// Ends the stream: everything unread is missed, including the event `seq`.
    fn disconnect(&mut self, seq: u64) -> Unread<E> {
        let missed = seq + 1 - self.next;
        let unread = self.discard();
        self.runs.push_back(Run::Missed(missed));
        self.gaps = missed;
        self.end = Some(EndReason::TooSlow);
        unread
    }

    /// Reads the next item. `published` returns the number of the last event.
    pub fn poll_read(&mut self, cursor: &mut Cursor<E>, published: impl FnOnce() -> u64) -> Read {
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
                        cursor.keep(segment);
                    }
                }
                Some(Run::Events { segment, .. }) => {
                    let Some((_, bytes)) = segment.get(self.next) else { return Read::Empty };
                    cursor.enter(segment);
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
                        cursor.finish();
                    }
                    return self.end.map_or(Read::Empty, Read::End);
                }
            }
        }
    }

    /// Ends the stream before the event `next`, after the queued events. A stream that has ended keeps
    /// its reason, unless it is aborted.
    pub(super) fn close(&mut self, next: u64, end: EndReason) {
        if self.end.is_none() {
            self.trim(next);
            self.detach(next);
            self.end = Some(end);
        }
    }

    /// Counts the events that [`Policy::DropOldest`] has dropped. Once the stream has ended, the number
    /// of the last event no longer says how many they are.
    fn trim(&mut self, next: u64) {
        if let Policy::DropOldest { capacity } = self.policy {
            let kept = next.saturating_sub(capacity.get() as u64);
            if kept > self.next {
                self.runs.push_front(Run::Missed(kept - self.next));
                self.gaps += kept - self.next;
            }
        }
    }

    /// Ends the stream at once. The queued events do not count as missed.
    pub(super) fn abort(&mut self) -> Unread<E> {
        self.end = Some(EndReason::Aborted);
        self.discard()
    }

    fn discard(&mut self) -> Unread<E> {
        self.gaps = 0;
        Unread { runs: mem::take(&mut self.runs), to_cut: mem::take(&mut self.to_cut) }
    }

    /// Sets the number of events, missed ones included, that were read and not yet delivered.
    pub(crate) fn set_in_hand(&mut self, in_hand: u64) {
        self.in_hand = in_hand;
    }

    /// Returns the number of events before `next`, missed ones included, that were published to the
    /// subscriber and not read or not delivered.
    pub(super) fn unread(&self, next: u64) -> u64 {
        let end = self.runs.iter().fold(self.next, |at, run| match run {
            Run::Events { end, .. } => at.max(end.unwrap_or(next)),
            Run::Missed(missed) => at + missed,
        });
        end - self.next + self.in_hand
    }

    /// Returns why the stream has ended, or will end after the queued events.
    pub fn end(&self) -> Option<EndReason> {
        self.end
    }

    /// Ready when the stream was cut off: it has ended, and the unread events are lost.
    pub(crate) fn poll_cut(&mut self, cx: &Context<'_>, after: &mut AfterUnlock) -> Poll<()> {
        match self.end {
            Some(EndReason::TooSlow | EndReason::Aborted) => Poll::Ready(()),
            _ => {
                self.to_cut.register(cx, after);
                Poll::Pending
            }
        }
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
