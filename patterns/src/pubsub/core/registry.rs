//! Who is subscribed, and in which order everything is published.

use core::fmt;
use core::mem;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use std::vec::Vec;

use super::super::{End, Ended, How, Policy, SubscriberId};
use super::log::Tail;
use super::queue::Offered;
use super::{Aftermath, Queue};
use crate::seeded::{self, Bug};

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
    /// Sorted by identity. A place is empty once its subscriber has left; when half of them are, they
    /// are closed up. So it costs little to leave, and little to go through them.
    subscribers: Vec<(SubscriberId, Option<Subscriber<O>>)>,
    /// How many there are.
    count: usize,
    /// Those whose streams have ended and that have not read the end yet.
    leaving: BTreeMap<SubscriberId, O>,
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
            count: 0,
            leaving: BTreeMap::new(),
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
        let id = SubscriberId::next();
        let (next, total) = (self.tail.next(), self.tail.total());
        let policy = outlet.with(|queue| queue.begin(next, total, self.tail.segment()));
        let (block, until) = match policy {
            Policy::Block { limit, .. } => (Some(limit), next),
            Policy::DropOldest { .. } => (None, u64::MAX),
            _ => (None, next),
        };
        let bound = if block.is_some() { &mut self.room_until } else { &mut self.offer_until };
        *bound = until.min(*bound);
        let subscriber = Subscriber { outlet, block, until, bytes: u64::MAX };
        self.subscribers.push((id, Some(subscriber)));
        self.count += 1;
        id
    }

    /// Whether an event can be published now, so that nobody has to be kept waiting.
    ///
    /// Takes constant time, but once somebody may have no room, time proportional to the number of
    /// subscribers, of whom it asks only those.
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
        for (id, subscriber) in &mut self.subscribers {
            let Some(Subscriber { outlet, block: Some(limit), until, .. }) = subscriber else {
                continue;
            };
            let limit = *limit;
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
        let limits = self.live().filter_map(|(_, subscriber)| subscriber.block);
        limits.filter(|limit| *limit > waited).min()
    }

    /// Publishes an event to all subscribers, for whom there is [`room`](Self::room), and returns its
    /// number. Readers that wait are to be woken. `now` is asked for only if a subscriber's grace is
    /// running.
    ///
    /// Takes constant time. But with every new segment, and whenever a policy has to decide about an event
    /// because a queue is full, it goes through all subscribers.
    pub fn publish(
        &mut self,
        event: Arc<O::Event>,
        bytes: usize,
        now: impl Fn() -> Instant,
        aftermath: &mut Aftermath<O::Event>,
    ) -> u64 {
        if let Some(segment) = self.tail.roll() {
            aftermath.segments.push(segment);
            for (_, subscriber) in self.live() {
                let (next, segment) = (self.tail.next(), self.tail.segment());
                let dropped = subscriber.outlet.with(|queue| queue.roll(next, segment));
                aftermath.segments.extend(dropped);
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
        let mut disconnected = Vec::new();
        (self.offer_until, self.offer_bytes) = (u64::MAX, u64::MAX);
        for (id, subscriber) in &mut self.subscribers {
            let Some(subscriber) = subscriber.as_mut().filter(|sub| sub.block.is_none()) else {
                continue;
            };
            if subscriber.until <= seq || subscriber.bytes < total {
                let outlet = &subscriber.outlet;
                match outlet.with(|queue| queue.offer(seq, total, segment, &now)) {
                    Offered::Taken { until, bytes } => {
                        (subscriber.until, subscriber.bytes) = (until, bytes);
                    }
                    Offered::Missed(segment) => {
                        subscriber.until = seq + 1;
                        aftermath.segments.extend(segment);
                    }
                    Offered::Disconnected(unread) => {
                        disconnected.push(*id);
                        aftermath.discard(unread);
                        continue;
                    }
                }
            }
            self.offer_until = self.offer_until.min(subscriber.until);
            self.offer_bytes = self.offer_bytes.min(subscriber.bytes);
        }
        for id in disconnected {
            if let Some(subscriber) = self.take(id) {
                self.leaving.insert(id, subscriber.outlet);
            }
        }
    }

    /// Cancels a subscription: its stream ends after what was published. `None` if there is none of
    /// this identity. Its reader is to be woken.
    ///
    /// It may have been the one that publishers wait for, so the first of them is to ask again.
    pub fn cancel(&mut self, id: SubscriberId, aftermath: &mut Aftermath<O::Event>) -> Option<&O> {
        let Subscriber { outlet, .. } = self.take(id)?;
        outlet.with(|queue| {
            queue.close(self.tail.next(), End::Cancelled);
            if seeded::is(Bug::CancelForgetsPublished) {
                aftermath.discard(queue.abort());
            }
        });
        Some(&*self.leaving.entry(id).or_insert(outlet))
    }

    /// Ends all streams after what was published. Nothing is published or subscribed any more. All
    /// readers are to be woken.
    pub fn close(&mut self, end: End) {
        self.ended.get_or_insert_default();
        self.full = None;
        self.count = 0;
        for (id, subscriber) in mem::take(&mut self.subscribers) {
            if let Some(Subscriber { outlet, .. }) = subscriber {
                outlet.with(|queue| queue.close(self.tail.next(), end));
                self.leaving.insert(id, outlet);
            }
        }
    }

    /// Ends all streams here and now. Nothing is published or subscribed any more. All readers are to
    /// be woken. The outlets come back, to be dropped when no lock is held.
    pub fn abort(&mut self, aftermath: &mut Aftermath<O::Event>) -> BTreeMap<SubscriberId, O> {
        self.close(End::Aborted);
        aftermath.segments.push(self.tail.renew());
        let next = self.tail.next();
        let left = mem::take(&mut self.leaving);
        for (id, outlet) in &left {
            let undelivered = outlet.with(|queue| {
                let undelivered = queue.unread(next);
                aftermath.discard(queue.abort());
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
        let outlet = match self.leaving.remove(&id) {
            Some(outlet) => outlet,
            None => self.take(id)?.outlet,
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

    /// How many are subscribed.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nobody is subscribed.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Those who are subscribed.
    pub fn outlets(&self) -> impl Iterator<Item = (SubscriberId, &O)> {
        self.live().map(|(id, subscriber)| (id, &subscriber.outlet))
    }

    /// Those whose streams have ended and that have not read the end yet.
    pub fn leaving(&self) -> impl Iterator<Item = (SubscriberId, &O)> {
        self.leaving.iter().map(|(id, outlet)| (*id, outlet))
    }

    fn live(&self) -> impl Iterator<Item = (SubscriberId, &Subscriber<O>)> {
        self.subscribers.iter().filter_map(|(id, subscriber)| Some((*id, subscriber.as_ref()?)))
    }

    fn take(&mut self, id: SubscriberId) -> Option<Subscriber<O>> {
        let place = self.subscribers.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let subscriber = self.subscribers[place].1.take()?;
        self.count -= 1;
        if self.subscribers.len() > 2 * self.count {
            self.subscribers.retain(|(_, subscriber)| subscriber.is_some());
        }
        if subscriber.block.is_some() && self.full.is_some() {
            // Whether it was one of those without room is found out by asking again.
            self.full = None;
            self.room_until = self.tail.next();
        }
        Some(subscriber)
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
            .field("subscribers", &self.count)
            .field("leaving", &self.leaving.len())
            .field("full", &self.full)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
