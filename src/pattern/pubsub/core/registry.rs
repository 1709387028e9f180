//! Who is subscribed, and in which order everything is published.

use core::mem;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;
use std::vec::Vec;

use super::super::{End, Ended, How, Policy, SubscriberId};
use super::{Aftermath, Pushed, Queue};
use crate::pattern::seeded::{self, Bug};

/// How the registry reaches the queue of a subscriber, wherever that is kept.
pub trait Outlet {
    /// The payload of the events.
    type Event: ?Sized;

    /// Does something with the queue.
    fn with<R>(&self, f: impl FnOnce(&mut Queue<Self::Event>) -> R) -> R;
}

/// The subscribers of a server, and the number of the next event.
///
/// Invariant: an event is pushed to the queues of all subscribers within one call, in the order of
/// the numbers. Whoever subscribes or is cancelled does so between two such calls.
#[derive(Debug)]
pub struct Registry<O> {
    /// Sorted by identity.
    subscribers: Vec<Subscriber<O>>,
    /// Those whose streams have ended and that have not read the end yet.
    leaving: Vec<(SubscriberId, O)>,
    next_id: u64,
    next_seq: u64,
    /// The number of the first event for which there may be no room. Readers only make room.
    room_until: u64,
    /// Whom publishers wait for, as far as is known.
    full: Option<Full>,
    /// Set by [`close`](Self::close).
    ended: Option<Vec<Ended>>,
}

#[derive(Debug)]
struct Subscriber<O> {
    id: SubscriberId,
    outlet: O,
    /// For how long it may keep a publisher waiting, and until which event it does not.
    block: Option<(Duration, u64)>,
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
            subscribers: Vec::new(),
            leaving: Vec::new(),
            next_id: 1,
            next_seq: 1,
            room_until: u64::MAX,
            full: None,
            ended: None,
        }
    }

    /// Subscribes whoever reads from this outlet. What is published from now on is in its queue.
    ///
    /// # Panics
    /// If the registry is closed.
    pub fn subscribe(&mut self, outlet: O) -> SubscriberId {
        assert!(!self.is_closed(), "nobody subscribes to what is closed");
        let id = SubscriberId(self.next_id);
        self.next_id += 1;
        let block = match outlet.with(|queue| queue.begin(self.next_seq)) {
            Policy::Block { limit, .. } => Some((limit, self.next_seq)),
            _ => None,
        };
        if block.is_some() {
            self.room_until = self.room_until.min(self.next_seq);
        }
        self.subscribers.push(Subscriber { id, outlet, block });
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
        if self.next_seq < self.room_until {
            return Ok(());
        }
        let next = self.next_seq;
        let mut full: Option<Full> = None;
        self.room_until = u64::MAX;
        for Subscriber { id, outlet, block } in &mut self.subscribers {
            let Some((limit, until)) = block else { continue };
            if *until <= next {
                *until = next.saturating_add(outlet.with(Queue::room));
            }
            if *until == next {
                let count = full.map_or(1, |full| full.count + 1);
                full = match full {
                    Some(full) if full.limit <= *limit => Some(Full { count, ..full }),
                    _ => Some(Full { id: *id, limit: *limit, count }),
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

    /// A subscriber has made the room that a publisher waits for. The answer is whether it was the
    /// last one without.
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
        let limits = self.subscribers.iter().filter_map(|subscriber| Some(subscriber.block?.0));
        limits.filter(|limit| *limit > waited).min()
    }

    /// Publishes an event to all subscribers, for whom there is [`room`](Self::room), and returns its
    /// number. `now` is asked for only if a subscriber's grace is running. Takes time proportional to
    /// the number of subscribers.
    pub fn publish(
        &mut self,
        event: &Arc<O::Event>,
        bytes: usize,
        now: impl Fn() -> Instant,
        aftermath: &mut Aftermath<O::Event>,
    ) -> u64 {
        debug_assert!(self.room().is_ok(), "room is obtained first");
        let seq = self.next_seq;
        self.next_seq += 1;
        let mut disconnected = false;
        for subscriber in &self.subscribers {
            let (pushed, waker) =
                subscriber.outlet.with(|queue| (queue.push(event, bytes, &now), queue.to_wake()));
            aftermath.wake(waker);
            disconnected |= matches!(pushed, Pushed::Disconnected(_));
            aftermath.discard(pushed);
        }
        if disconnected {
            let has_ended = |subscriber: &mut Subscriber<O>| {
                subscriber.outlet.with(|queue| queue.end().is_some())
            };
            let gone = self.subscribers.extract_if(.., has_ended);
            self.leaving.extend(gone.map(|subscriber| (subscriber.id, subscriber.outlet)));
        }
        seq
    }

    /// Cancels a subscription: its stream ends after what was published. The answer is whether there
    /// is one of this identity.
    ///
    /// It may have been the one that publishers wait for, so the first of them is to ask again.
    pub fn cancel(&mut self, id: SubscriberId, aftermath: &mut Aftermath<O::Event>) -> bool {
        let Some(place) = self.place(id) else { return false };
        let subscriber = self.take(place);
        self.leave(subscriber, End::Cancelled, aftermath);
        true
    }

    /// Ends all streams after what was published. Nothing is published or subscribed any more.
    pub fn close(&mut self, end: End, aftermath: &mut Aftermath<O::Event>) {
        self.ended.get_or_insert_default();
        self.full = None;
        for subscriber in mem::take(&mut self.subscribers) {
            self.leave(subscriber, end, aftermath);
        }
    }

    /// Ends all streams here and now. Nothing is published or subscribed any more.
    pub fn abort(&mut self, aftermath: &mut Aftermath<O::Event>) {
        self.close(End::Aborted, aftermath);
        for (id, outlet) in mem::take(&mut self.leaving) {
            let (unread, waker) = outlet.with(|queue| (queue.abort(), queue.to_wake()));
            aftermath.wake(waker);
            self.record(Ended { id, how: How::Aborted, undelivered: unread.count });
            aftermath.discard(Pushed::Disconnected(unread));
        }
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
        let (end, undelivered) = outlet.with(|queue| (queue.end(), queue.unread()));
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
    pub fn outlets(&self) -> impl Iterator<Item = (SubscriberId, &O)> {
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
            self.room_until = self.next_seq;
        }
        subscriber
    }

    fn leave(&mut self, subscriber: Subscriber<O>, end: End, aftermath: &mut Aftermath<O::Event>) {
        let Subscriber { id, outlet, .. } = subscriber;
        aftermath.wake(outlet.with(|queue| {
            queue.close(end);
            if seeded::is(Bug::CancelForgetsPublished) {
                drop(queue.abort());
            }
            queue.to_wake()
        }));
        self.leaving.push((id, outlet));
    }

    fn record(&mut self, ended: Ended) {
        if let Some(all) = &mut self.ended {
            all.push(ended);
        }
    }
}
