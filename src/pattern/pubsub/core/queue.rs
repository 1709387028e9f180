//! What one subscriber has not read yet, and what happens when that gets too much.

use core::fmt;
use core::mem;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::super::{End, Item, Policy};
use crate::pattern::seeded::{self, Bug};

/// The queue of one subscriber.
///
/// Invariant: the numbers of what was read, of what is in the queue and of what is counted as missed
/// follow each other without a hole, from the number of the first event published after the
/// subscription to that of the last one. `next` is the number of whatever is read next.
pub struct Queue<E: ?Sized> {
    policy: Policy,
    next: u64,
    /// Events that were in front of all entries and have been taken out.
    evicted: u64,
    entries: VecDeque<Entry<E>>,
    /// How many of the entries are events, and how large those are.
    events: usize,
    bytes: usize,
    /// When it has become full, for [`Policy::Disconnect`].
    full_since: Option<Instant>,
    end: Option<End>,
    /// A publisher waits for room here.
    awaited: bool,
    reader: Option<Waker>,
    only_for_cut: bool,
}

enum Entry<E: ?Sized> {
    Event(Arc<E>, usize),
    Missed(u64),
}

/// What came of pushing an event. What it holds is to be dropped when no lock is held.
#[must_use]
pub enum Pushed<E: ?Sized> {
    /// It is in the queue.
    Queued,
    /// It is counted as missed.
    Missed,
    /// It is in the queue, and the oldest one is counted as missed instead.
    Evicted(Arc<E>),
    /// The subscriber is too slow for its policy: its stream has ended, and it misses everything.
    Disconnected(Unread<E>),
}

/// What came of reading.
pub enum Read<E: ?Sized> {
    /// The next item. If `room` is set, a publisher has been waiting for the room that it leaves.
    Item {
        /// What was read.
        item: Item<E>,
        /// Whether [`Registry::room_made`](super::Registry::room_made) is to be told.
        room: bool,
    },
    /// Nothing yet. The waker is kept; the one that it replaces is to be dropped outside of locks.
    Pending(Option<Waker>),
    /// The stream has ended, for this reason.
    End(End),
}

/// What a subscriber has not read and will not read. It is dropped when no lock is held.
pub struct Unread<E: ?Sized> {
    _entries: VecDeque<Entry<E>>,
    /// How many events that was, missed ones included.
    pub(crate) count: u64,
}

impl<E: ?Sized> Queue<E> {
    /// An empty queue.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            next: 1,
            evicted: 0,
            entries: VecDeque::new(),
            events: 0,
            bytes: 0,
            full_since: None,
            end: None,
            awaited: false,
            reader: None,
            only_for_cut: false,
        }
    }

    /// Says which number the first event will have.
    pub(crate) fn begin(&mut self, next: u64) -> Policy {
        self.next = next;
        self.policy
    }

    /// How many events a publisher may push without being kept waiting, now. If there is no room the
    /// queue remembers that it is waited for. Without limit where the policy never makes anybody wait.
    pub fn room(&mut self) -> u64 {
        match self.policy {
            Policy::Block { capacity, .. } => {
                let room = capacity.get().saturating_sub(self.events);
                self.awaited = room == 0;
                room as u64
            }
            _ => u64::MAX,
        }
    }

    /// Takes the next event, if the policy lets it. `now` is asked for only if the queue is full.
    pub fn push(
        &mut self,
        event: &Arc<E>,
        bytes: usize,
        now: impl FnOnce() -> Instant,
    ) -> Pushed<E> {
        debug_assert!(self.end.is_none(), "nobody publishes to a subscriber that has left");
        match self.policy {
            Policy::DropOldest { capacity } if self.events >= capacity.get() => {
                let oldest = self.evict();
                self.append(event, bytes);
                return oldest;
            }
            Policy::DropNewest { capacity } if self.events >= capacity.get() => return self.miss(),
            Policy::Disconnect { capacity, grace } if self.events >= capacity.get() => {
                let now = now();
                let since = *self.full_since.get_or_insert(now);
                return if now.saturating_duration_since(since) < grace {
                    self.miss()
                } else {
                    self.disconnect()
                };
            }
            Policy::Queue { items, bytes: limit }
                if !items.allows(self.events + 1)
                    || !limit.allows(self.bytes.saturating_add(bytes)) =>
            {
                return self.disconnect();
            }
            _ => self.append(event, bytes),
        }
        Pushed::Queued
    }

    fn append(&mut self, event: &Arc<E>, bytes: usize) {
        self.entries.push_back(Entry::Event(event.clone(), bytes));
        self.events += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn miss(&mut self) -> Pushed<E> {
        if seeded::is(Bug::LossIsSilent) {
            return Pushed::Missed;
        }
        match self.entries.back_mut() {
            Some(Entry::Missed(count)) => *count += 1,
            _ => self.entries.push_back(Entry::Missed(1)),
        }
        Pushed::Missed
    }

    fn evict(&mut self) -> Pushed<E> {
        match self.entries.pop_front() {
            Some(Entry::Event(event, bytes)) => {
                self.evicted += 1;
                self.forget(bytes);
                Pushed::Evicted(event)
            }
            _ => unreachable!("a queue that drops its oldest event has no other entries"),
        }
    }

    fn disconnect(&mut self) -> Pushed<E> {
        let unread = self.discard();
        self.evicted = unread.count + 1;
        self.end = Some(End::TooSlow);
        Pushed::Disconnected(unread)
    }

    fn forget(&mut self, bytes: usize) {
        self.events -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.full_since = None;
    }

    /// Reads the next item, or leaves a waker.
    pub fn read(&mut self, waker: &Waker) -> Read<E> {
        let room = self.awaited;
        if self.evicted > 0 {
            let missed = mem::take(&mut self.evicted);
            self.next += missed;
            return Read::Item { item: Item::Gap { missed }, room: false };
        }
        match self.entries.pop_front() {
            Some(Entry::Event(event, bytes)) => {
                let seq = self.next;
                self.next += 1;
                self.forget(bytes);
                self.awaited = false;
                Read::Item { item: Item::Event { seq, event }, room }
            }
            Some(Entry::Missed(missed)) => {
                self.next += missed;
                Read::Item { item: Item::Gap { missed }, room: false }
            }
            None => match self.end {
                Some(end) => Read::End(end),
                None => Read::Pending(self.keep(waker, false)),
            },
        }
    }

    /// Whether the stream has ended and left out what had not been read; if not, the waker is kept,
    /// for that alone.
    ///
    /// # Errors
    /// If not. The waker that is replaced is to be dropped outside of locks.
    pub fn cut(&mut self, waker: &Waker) -> Result<(), Option<Waker>> {
        if self.is_cut() { Ok(()) } else { Err(self.keep(waker, true)) }
    }

    fn is_cut(&self) -> bool {
        matches!(self.end, Some(End::TooSlow | End::Aborted))
    }

    fn is_ready(&self) -> bool {
        self.evicted > 0 || !self.entries.is_empty() || self.end.is_some()
    }

    fn keep(&mut self, waker: &Waker, only_for_cut: bool) -> Option<Waker> {
        self.only_for_cut = only_for_cut;
        match &self.reader {
            Some(reader) if reader.will_wake(waker) => None,
            _ => self.reader.replace(waker.clone()),
        }
    }

    /// The reader, if it waits for what has come.
    pub fn to_wake(&mut self) -> Option<Waker> {
        let come = if self.only_for_cut { self.is_cut() } else { self.is_ready() };
        if come { self.reader.take() } else { None }
    }

    /// Ends the stream after what is in the queue. A stream that has ended keeps its reason.
    pub fn close(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    /// Ends the stream here and now. What is in the queue is not counted as missed.
    pub fn abort(&mut self) -> Unread<E> {
        self.close(End::Aborted);
        self.discard()
    }

    /// Takes everything out.
    fn discard(&mut self) -> Unread<E> {
        let count = self.unread();
        self.evicted = 0;
        self.events = 0;
        self.bytes = 0;
        Unread { _entries: mem::take(&mut self.entries), count }
    }

    /// How many events were published and not read.
    pub fn unread(&self) -> u64 {
        let missed = self.entries.iter().map(|entry| match entry {
            Entry::Event(..) => 0,
            Entry::Missed(count) => *count,
        });
        self.evicted + self.events as u64 + missed.sum::<u64>()
    }

    /// Why the stream has ended or will end after what is in the queue.
    pub fn end(&self) -> Option<End> {
        self.end
    }
}

impl<E: ?Sized> fmt::Debug for Pushed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "Queued",
            Self::Missed => "Missed",
            Self::Evicted(_) => "Evicted",
            Self::Disconnected(_) => "Disconnected",
        })
    }
}

impl<E: ?Sized> fmt::Debug for Read<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item { item: Item::Event { seq, .. }, .. } => write!(f, "Event({seq})"),
            Self::Item { item: Item::Gap { missed }, .. } => write!(f, "Gap({missed})"),
            Self::Pending(_) => f.write_str("Pending"),
            Self::End(end) => write!(f, "End({end:?})"),
        }
    }
}

impl<E: ?Sized> fmt::Debug for Unread<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("count", &self.count).finish_non_exhaustive()
    }
}

impl<E: ?Sized> fmt::Debug for Queue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("policy", &self.policy)
            .field("next", &self.next)
            .field("events", &self.events)
            .field("bytes", &self.bytes)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
