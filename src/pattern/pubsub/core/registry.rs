//! Who is subscribed, and in which order everything is published.

use core::fmt;
use core::mem;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;
use std::vec::Vec;

use super::super::{End, Ended, How, Policy, SubscriberId};
use super::log::Tail;
use super::queue::Offered;
use super::{Aftermath, Queue};
use crate::pattern::seeded::{self, Bug};

/// How the registry reaches the queue of a subscriber, wherever that is kept.
pub trait Outlet {
    /// The payload of the events.
    type Event: ?Sized;

    /// Does something with the queue.
    fn with<R>(&self, f: impl FnOnce(&mut Queue<Self::Event>) -> R) -> R;
}

/// The subscribers of a server, and the end of the log at which is written.
///
/// Invariant: an event is published to all subscribers within one call, in the order of the numbers.
/// Whoever subscribes or is cancelled does so between two such calls.
pub struct Registry<O: Outlet> {
    tail: Tail<O::Event>,
    /// Sorted by identity.
    subscribers: Vec<Subscriber<O>>,
    /// Those whose streams have ended and that have not read the end yet.
    leaving: Vec<(SubscriberId, O)>,
    next_id: u64,
    /// The first event for which a publisher may have to wait.
    room_until: u64,
    /// The first event on which a policy has to decide, and the bytes in the log from which on.
    offer_until: u64,
    offer_bytes: u64,
    /// Whom publishers wait for, as far as is known.
    full: Option<Full>,
    /// Set once it is closed.
    ended: Option<Vec<Ended>>,
}

#[derive(Debug)]
struct Subscriber<O> {
    id: SubscriberId,
    outlet: O,
    /// For how long it may keep a publisher waiting, if at all.
    block: Option<Duration>,
    /// Until which event, and how many bytes in the log, it surely has room. Reading only makes more.
    until: u64,
    bytes: u64,
}

/// Subscribers have no room, so an event cannot be published now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// The one whose patience ends first.
    pub id: SubscriberId,
    /// For how long its policy lets it keep a publisher waiting.
    pub limit: Duration,
    /// How many have no room.
    count: usize,
}

impl<O: Outlet> Default for Registry<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: Outlet> Registry<O> {
    /// Nobody is subscribed, and the first event will have the number 1.
    pub fn new() -> Self {
        Self {
            tail: Tail::new(),
            subscribers: Vec::new(),
            leaving: Vec::new(),
            next_id: 1,
            room_until: u64::MAX,
            offer_until: u64::MAX,
            offer_bytes: u64::MAX,
            full: None,
            ended: None,
        }
    }

    /// Subscribes whoever reads from this outlet: what is published from now on is in its queue.
    ///
    /// # Panics
    /// If the registry is closed.
    pub fn subscribe(&mut self, outlet: O) -> SubscriberId {
        assert!(!self.is_closed(), "nobody subscribes to what is closed");
        let id = SubscriberId(self.next_id);
        self.next_id += 1;
        let (next, total) = (self.tail.next(), self.tail.total());
        let policy = outlet.with(|queue| queue.begin(next, total, self.tail.segment()));
        let (block, until) = match policy {
            Policy::Block { limit, .. } => (Some(limit), next),
            Policy::DropOldest { .. } => (None, u64::MAX),
            _ => (None, next),
        };
        let bound = if block.is_some() { &mut self.room_until } else { &mut self.offer_until };
        *bound = until.min(*bound);
        self.subscribers.push(Subscriber { id, outlet, block, until, bytes: u64::MAX });
        id
    }

    /// Whether an event can be published now, so that nobody has to be kept waiting.
    ///
    /// Takes constant time but for every so many events, where it asks those subscribers that had no
    /// more room when they were asked last.
    ///
    /// # Errors
    /// Says for whom to wait. [`room_made`](Self::room_made) tells when to ask again.
    pub fn room(&mut self) -> Result<(), Full> {
        let next = self.tail.next();
        if next < self.room_until {
            return Ok(());
        }
        let mut full: Option<Full> = None;
        self.room_until = u64::MAX;
        for Subscriber { id, outlet, block, until, .. } in &mut self.subscribers {
            let Some(limit) = *block else { continue };
            if *until <= next {
                *until = next.saturating_add(outlet.with(|queue| queue.room(next)));
            }
            if *until == next {
                let count = full.map_or(1, |full| full.count + 1);
                full = match full {
                    Some(full) if full.limit <= limit => Some(Full { count, ..full }),
                    _ => Some(Full { id: *id, limit, count }),
                };
            }
            self.room_until = self.room_until.min(*until);
        }
        self.full = full;
        match full {
            Some(full) if !seeded::is(Bug::CommitWithoutRoom) => Err(full),
            _ => Ok(()),
        }
    }

    /// A subscriber has made the room that a publisher waits for. The answer is whether the publisher
    /// is to ask again: it is the last one that had none.
    pub fn room_made(&mut self) -> bool {
        if let Some(full) = &mut self.full {
            full.count -= 1;
            if full.count > 0 {
                return false;
            }
            self.full = None;
        }
        true
    }

    /// The shortest time longer than `waited` for which a subscriber may keep a publisher waiting.
    pub fn next_limit(&self, waited: Duration) -> Option<Duration> {
        let limits = self.subscribers.iter().filter_map(|subscriber| subscriber.block);
        limits.filter(|limit| *limit > waited).min()
    }

    /// Publishes an event to all subscribers, for whom there is [`room`](Self::room), and returns its
    /// number. Readers that wait are to be woken. `now` is asked for only if a subscriber's grace is
    /// running.
    ///
    /// Takes constant time, but for every so many events, and for subscribers whose policies have
    /// to decide about an event each.
    pub fn publish(
        &mut self,
        event: Arc<O::Event>,
        bytes: usize,
        now: impl Fn() -> Instant,
        aftermath: &mut Aftermath<O::Event>,
    ) -> u64 {
        debug_assert!(self.room().is_ok(), "room is obtained first");
        if let Some(segment) = self.tail.roll() {
            aftermath.segments.push(segment);
            for Subscriber { outlet, .. } in &self.subscribers {
                let (next, segment) = (self.tail.next(), self.tail.segment());
                aftermath.segments.extend(outlet.with(|queue| queue.roll(next, segment)));
            }
        }
        let total = self.tail.total().saturating_add(bytes as u64);
        if self.tail.next() >= self.offer_until || total > self.offer_bytes {
            self.offer(total, now, aftermath);
        }
        self.tail.write(event, bytes)
    }

    /// Lets the policies decide about the next event that have to.
    fn offer(
        &mut self,
        total: u64,
        now: impl Fn() -> Instant,
        aftermath: &mut Aftermath<O::Event>,
    ) {
        let (seq, segment) = (self.tail.next(), self.tail.segment());
        let mut disconnected = false;
        (self.offer_until, self.offer_bytes) = (u64::MAX, u64::MAX);
        for subscriber in &mut self.subscribers {
            if subscriber.block.is_some() {
                continue;
            }
            if subscriber.until <= seq || subscriber.bytes < total {
                let outlet = &subscriber.outlet;
                match outlet.with(|queue| queue.offer(seq, total, segment, &now)) {
                    Offered::Taken { until, bytes } => {
                        (subscriber.until, subscriber.bytes) = (until, bytes);
                    }
                    Offered::Missed => subscriber.until = seq + 1,
                    Offered::Disconnected(unread) => {
                        disconnected = true;
                        aftermath.discard(unread);
                        continue;
                    }
                }
            }
            self.offer_until = self.offer_until.min(subscriber.until);
            self.offer_bytes = self.offer_bytes.min(subscriber.bytes);
        }
        if disconnected {
            let has_ended = |subscriber: &mut Subscriber<O>| {
                subscriber.outlet.with(|queue| queue.end().is_some())
            };
            let gone = self.subscribers.extract_if(.., has_ended);
            self.leaving.extend(gone.map(|subscriber| (subscriber.id, subscriber.outlet)));
        }
    }

    /// Cancels a subscription: its stream ends after what was published. `None` if there is none of
    /// this identity. Its reader is to be woken.
    ///
    /// It may have been the one that publishers wait for, so the first of them is to ask again.
    pub fn cancel(&mut self, id: SubscriberId, aftermath: &mut Aftermath<O::Event>) -> Option<&O> {
        let place = self.place(id)?;
        let Subscriber { id, outlet, .. } = self.take(place);
        outlet.with(|queue| {
            queue.close(self.tail.next(), End::Cancelled);
            if seeded::is(Bug::CancelForgetsPublished) {
                aftermath.discard(queue.abort(self.tail.next()));
            }
        });
        self.leaving.push((id, outlet));
        self.leaving.last().map(|(_, outlet)| outlet)
    }

    /// Ends all streams after what was published. Nothing is published or subscribed any more. All
    /// readers are to be woken.
    pub fn close(&mut self, end: End) {
        self.ended.get_or_insert_default();
        self.full = None;
        for Subscriber { id, outlet, .. } in mem::take(&mut self.subscribers) {
            outlet.with(|queue| queue.close(self.tail.next(), end));
            self.leaving.push((id, outlet));
        }
    }

    /// Ends all streams here and now. Nothing is published or subscribed any more. All readers are to
    /// be woken. The outlets come back, to be dropped when no lock is held.
    pub fn abort(&mut self, aftermath: &mut Aftermath<O::Event>) -> Vec<(SubscriberId, O)> {
        self.close(End::Aborted);
        let next = self.tail.next();
        let left = mem::take(&mut self.leaving);
        for (id, outlet) in &left {
            let undelivered = outlet.with(|queue| {
                let undelivered = queue.unread(next);
                aftermath.discard(queue.abort(next));
                undelivered
            });
            self.record(Ended { id: *id, how: How::Aborted, undelivered });
        }
        left
    }

    /// A reader has read the end of its stream, or has gone away. What comes back is dropped when no
    /// lock is held.
    ///
    /// Like [`cancel`](Self::cancel) it may leave room.
    pub fn left(&mut self, id: SubscriberId) -> Option<O> {
        let outlet = match self.leaving.iter().position(|(leaving, _)| *leaving == id) {
            Some(place) => self.leaving.swap_remove(place).1,
            None => {
                let place = self.place(id)?;
                self.take(place).outlet
            }
        };
        let next = self.tail.next();
        let (end, undelivered) = outlet.with(|queue| (queue.end(), queue.unread(next)));
        let how = if end.is_some() && undelivered == 0 { How::Drained } else { How::Dropped };
        self.record(Ended { id, how, undelivered });
        Some(outlet)
    }

    /// Whether it has been closed or aborted.
    pub fn is_closed(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether everything has ended, and how. `None` as long as the registry is not closed.
    pub fn ended(&self) -> Option<(bool, &[Ended])> {
        Some((self.leaving.is_empty(), self.ended.as_ref()?))
    }

    /// Those who are subscribed.
    pub fn outlets(&self) -> impl ExactSizeIterator<Item = (SubscriberId, &O)> {
        self.subscribers.iter().map(|subscriber| (subscriber.id, &subscriber.outlet))
    }

    fn place(&self, id: SubscriberId) -> Option<usize> {
        self.subscribers.binary_search_by_key(&id, |subscriber| subscriber.id).ok()
    }

    fn take(&mut self, place: usize) -> Subscriber<O> {
        let subscriber = self.subscribers.remove(place);
        if subscriber.block.is_some() {
            // Whether it was one of those without room is found out by asking again.
            self.full = None;
            self.room_until = self.tail.next();
        }
        subscriber
    }

    fn record(&mut self, ended: Ended) {
        if let Some(all) = &mut self.ended {
            all.push(ended);
        }
    }
}

impl<O: Outlet> fmt::Debug for Registry<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("next", &self.tail.next())
            .field("subscribers", &self.subscribers.len())
            .field("leaving", &self.leaving.len())
            .field("full", &self.full)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
