//! The subscribers, and the order in which events are published.

use core::fmt;
use core::mem;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use std::vec::Vec;

use super::super::item::SubscriberId;
use super::super::policy::Policy;
use super::super::report::{Counts, EndReason, EndedSubscription, ReaderOutcome};
use super::deferred::Deferred;
use super::ends::Ends;
use super::log::{Segment, Tail};
use super::outlet::Outlet;
use super::queue::Offered;
use crate::seeded::{self, Bug};
use crate::trace::{Event, Source};
use crate::waits::Peer;
use crate::wakers::AfterUnlock;

/// Subscribers without room of which a waiting publisher is listed with one that has none now. Asking
/// goes through all subscribers, so this bounds how often it does for one publisher.
const FEW: usize = 8;

/// The subscribers of a server, and the end of the log.
///
/// Invariant: an event is published to all subscribers within one call, in the order of the numbers.
/// Subscribers come and go between two such calls.
pub struct Registry<O: Outlet> {
    tail: Tail<O::Event>,
    /// Sorted by id. An entry is `None` once its subscriber has left; when half of them are, they are
    /// removed. So both leaving and iterating are cheap.
    subscribers: Vec<(SubscriberId, Option<Entry<O>>)>,
    /// The number of subscribers.
    count: usize,
    /// Subscribers whose stream has ended, and that have not read the end yet.
    leaving: BTreeMap<SubscriberId, O>,
    /// The reasons for which subscriptions have ended that are in neither list any more.
    ends: Ends,
    /// The first position for which a publisher may have to wait.
    room_until: u64,
    /// The first position at which a policy may have to decide.
    offer_until: u64,
    /// The size of the log beyond which a policy may have to decide.
    offer_bytes: u64,
    /// The time from which a policy may have to decide: the first end of a grace.
    offer_at: Option<Instant>,
    /// The subscribers for which publishers wait, as of the last [`poll_room`](Self::poll_room).
    full: Option<Full>,
    /// `Some` once the registry is closed.
    ended: Option<Vec<EndedSubscription>>,
    /// The number of subscribers that were too slow for their policy.
    disconnected: u64,
    source: Source,
}

#[derive(Debug)]
struct Entry<O> {
    outlet: O,
    /// The limit of [`Policy::Block`].
    block: Option<Duration>,
    /// The first position for which there may be no room. Reading only makes more room.
    until: u64,
    /// The size of the log up to which there is room.
    bytes: u64,
    /// The end of the grace, while the queue is full.
    deadline: Option<Instant>,
}

/// Subscribers without room: an event cannot be published now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// The one with the shortest limit.
    pub id: SubscriberId,
    /// The time for which its policy lets a publisher wait.
    pub limit: Duration,
    /// The number of subscribers without room.
    count: usize,
}

impl<O: Outlet> Default for Registry<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: Outlet> Registry<O> {
    /// Creates a registry without subscribers, whose first event has the number 1.
    pub fn new() -> Self {
        Self::told_by(Source::of(&Peer::Number(0)))
    }

    /// Creates the registry of a server.
    pub(crate) fn told_by(source: Source) -> Self {
        Self {
            disconnected: 0,
            source,
            tail: Tail::new(),
            subscribers: Vec::new(),
            count: 0,
            leaving: BTreeMap::new(),
            ends: Ends::default(),
            room_until: u64::MAX,
            offer_until: u64::MAX,
            offer_bytes: u64::MAX,
            offer_at: None,
            full: None,
            ended: None,
        }
    }

    /// Adds a subscriber. Events published from now on are in its queue.
    ///
    /// # Panics
    /// If the registry is closed.
    pub fn subscribe(&mut self, outlet: O) -> SubscriberId {
        assert!(!self.is_closed(), "a closed registry takes no subscribers");
        let id = SubscriberId::next();
        let next = self.tail.next();
        let policy = outlet.with(|queue| queue.begin(next, self.tail.segment()));
        let block = match policy {
            Policy::Block { limit, .. } => Some(limit),
            _ => None,
        };
        // The first event asks the queue for how many it has room.
        let bound = if block.is_some() { &mut self.room_until } else { &mut self.offer_until };
        *bound = next;
        let entry = Entry { outlet, block, until: next, bytes: u64::MAX, deadline: None };
        self.subscribers.push((id, Some(entry)));
        self.count += 1;
        id
    }

    /// Looks for room for the next event with every subscriber whose policy is [`Policy::Block`].
    ///
    /// Takes constant time as long as they are known to have room. Otherwise it goes through all
    /// subscribers, and asks the queues of those that may have none.
    ///
    /// # Errors
    /// If there is a subscriber to wait for. Ask again when
    /// [`handle_room_made`](Self::handle_room_made) returns `true`.
    pub fn poll_room(&mut self) -> Result<(), Full> {
        let next = self.tail.next();
        if next < self.room_until {
            return Ok(());
        }
        let mut full: Option<Full> = None;
        self.room_until = u64::MAX;
        for (id, subscriber) in &mut self.subscribers {
            let Some(Entry { outlet, block: Some(limit), until, .. }) = subscriber else {
                continue;
            };
            let limit = *limit;
            if *until <= next {
                *until = next.saturating_add(outlet.with(|queue| queue.poll_room(next)));
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

    /// Handles that a subscriber has made room for which the server waits. Returns whether the first
    /// publisher that waits should ask again: this was the last subscriber without room. With the feature
    /// `debug`, it also should while few others have none, so that it is listed with one of them.
    pub fn handle_room_made(&mut self, id: SubscriberId) -> bool {
        let next = self.tail.next();
        if let Some(Entry { outlet, block: None, until, deadline, .. }) = self.entry(id) {
            let room_until = next.saturating_add(outlet.with(|queue| queue.resume(next)));
            (*until, *deadline) = (room_until, None);
            self.offer_until = self.offer_until.min(room_until);
            return false;
        }
        if let Some(full) = &mut self.full {
            full.count -= 1;
            if full.count > 0 {
                return cfg!(feature = "debug") && full.count <= FEW;
            }
            self.full = None;
        }
        true
    }

    /// Returns the shortest limit of a subscriber that is longer than `waited`.
    pub(crate) fn next_limit(&self, waited: Duration) -> Option<Duration> {
        let limits = self.live().filter_map(|(_, subscriber)| subscriber.block);
        limits.filter(|limit| *limit > waited).min()
    }

    /// Publishes an event to all subscribers and returns its number. The caller has made sure that
    /// there is [room](Self::poll_room), and wakes the readers afterwards. Reads the clock only if the
    /// grace of a subscriber is running.
    ///
    /// Takes constant time, except that it goes through all subscribers once per segment, and whenever
    /// a policy has to decide because a queue becomes full.
    pub fn publish(
        &mut self,
        event: Arc<O::Event>,
        bytes: usize,
        now: impl Fn() -> Instant,
        deferred: &mut Deferred<O>,
    ) -> u64 {
        if let Some(segment) = self.tail.roll() {
            self.follow(segment, deferred);
        }
        let total = self.tail.total().saturating_add(bytes as u64);
        let is_due = self.offer_at.is_some_and(|offer_at| offer_at <= now());
        if self.tail.next() >= self.offer_until || total > self.offer_bytes || is_due {
            self.offer(total, now, deferred);
        }
        self.tail.write(event, bytes)
    }

    /// Counts events that were lost upstream: every subscriber misses them here, and they have numbers.
    /// The caller wakes all readers.
    pub fn lose(&mut self, lost: u64, deferred: &mut Deferred<O>) {
        if lost > 0 {
            self.source.tell(&mut deferred.wakers, || Event::LostUpstream { missed: lost });
            let segment = self.tail.renew(lost);
            self.follow(segment, deferred);
        }
    }

    /// Tells all queues that the log has left this segment.
    fn follow(&mut self, left: Arc<Segment<O::Event>>, deferred: &mut Deferred<O>) {
        deferred.segments().push(left);
        let (next, segment) = (self.tail.next(), self.tail.segment());
        for (_, subscriber) in self.live() {
            let dropped = deferred.segments();
            subscriber.outlet.with(|queue| queue.roll(next, segment, dropped));
        }
    }

    /// Returns the position of the last event, which [`Queue::poll_read`](super::Queue::poll_read)
    /// asks for.
    pub fn published(&self) -> u64 {
        self.tail.next() - 1
    }

    /// Lets those policies decide on the next event that may not take it.
    fn offer(&mut self, total: u64, now: impl Fn() -> Instant, deferred: &mut Deferred<O>) {
        let next = self.tail.next();
        let mut disconnected = Vec::new();
        (self.offer_until, self.offer_bytes, self.offer_at) = (u64::MAX, u64::MAX, None);
        for (id, subscriber) in &mut self.subscribers {
            let Some(subscriber) = subscriber.as_mut().filter(|sub| sub.block.is_none()) else {
                continue;
            };
            let outlet = &subscriber.outlet;
            let is_due = subscriber.deadline.is_some_and(|deadline| deadline <= now());
            let offered = if is_due {
                Some(Offered::Disconnected(outlet.with(|queue| queue.disconnect(next))))
            } else if subscriber.until <= next || subscriber.bytes < total {
                let dropped = deferred.segments();
                Some(outlet.with(|queue| queue.offer(next, total, &now, dropped)))
            } else {
                None
            };
            match offered {
                None => {}
                Some(Offered::Taken { until, bytes }) => {
                    (subscriber.until, subscriber.bytes) = (until, bytes);
                }
                // The reader says when it has made room. Until then nothing need be asked.
                Some(Offered::Full { deadline }) => {
                    (subscriber.until, subscriber.deadline) = (u64::MAX, deadline);
                }
                Some(Offered::Disconnected(unread)) => {
                    disconnected.push(*id);
                    deferred.discard_unread(unread);
                    continue;
                }
            }
            self.offer_until = self.offer_until.min(subscriber.until);
            self.offer_bytes = self.offer_bytes.min(subscriber.bytes);
            self.offer_at = self.offer_at.into_iter().chain(subscriber.deadline).min();
        }
        for id in disconnected {
            if let Some(subscriber) = self.take(id) {
                self.disconnected += 1;
                let missed = || subscriber.outlet.with(|queue| queue.unread(next));
                let event = || Event::Disconnected { subscriber: id.0, missed: missed() };
                self.source.tell(&mut deferred.wakers, event);
                self.leaving.insert(id, subscriber.outlet);
            }
        }
    }

    /// Cancels a subscription: its stream ends after the events published so far. Returns `None` if
    /// there is no such subscription. The caller wakes the reader.
    ///
    /// Publishers may have waited for this subscriber, so the first of them should ask again.
    pub fn cancel(&mut self, id: SubscriberId, deferred: &mut Deferred<O>) -> Option<&O> {
        let Entry { outlet, .. } = self.take(id)?;
        outlet.with(|queue| {
            queue.close(self.tail.next(), EndReason::Cancelled);
            if seeded::is(Bug::CancelForgetsPublished) {
                deferred.discard_unread(queue.abort(self.tail.next()).1);
            }
        });
        Some(&*self.leaving.entry(id).or_insert(outlet))
    }

    /// Ends all streams after the events published so far. From now on nothing is published, and there
    /// are no new subscribers. The caller wakes all readers.
    pub fn close(&mut self, end: EndReason) {
        self.ended.get_or_insert_default();
        self.full = None;
        self.count = 0;
        for (id, subscriber) in mem::take(&mut self.subscribers) {
            if let Some(Entry { outlet, .. }) = subscriber {
                outlet.with(|queue| queue.close(self.tail.next(), end));
                self.leaving.insert(id, outlet);
            }
        }
    }

    /// Ends all streams at once. From now on nothing is published, and there are no new subscribers.
    /// The caller wakes all readers.
    pub fn abort(&mut self, deferred: &mut Deferred<O>) {
        self.close(EndReason::Aborted);
        deferred.segments().push(self.tail.renew(0));
        let next = self.tail.next();
        for (id, outlet) in mem::take(&mut self.leaving) {
            let (undelivered, unread) = outlet.with(|queue| queue.abort(next));
            deferred.discard_unread(unread);
            let outcome = ReaderOutcome::Aborted;
            self.tell_end(id, EndReason::Aborted, undelivered, deferred);
            self.record(EndedSubscription { id, outcome, undelivered }, EndReason::Aborted);
            deferred.discard_outlet(outlet);
        }
    }

    /// Handles that a reader has read the end of its stream, or has been dropped. Returns whether it
    /// was still known.
    ///
    /// As after [`cancel`](Self::cancel), there may be room.
    pub fn handle_reader_left(&mut self, id: SubscriberId, deferred: &mut Deferred<O>) -> bool {
        let outlet = match self.leaving.remove(&id) {
            Some(outlet) => outlet,
            None => match self.take(id) {
                Some(entry) => entry.outlet,
                None => return false,
            },
        };
        let next = self.tail.next();
        let (end, undelivered) = outlet.with(|queue| (queue.end(), queue.unread(next)));
        let drained = end.is_some() && undelivered == 0;
        let outcome = if drained { ReaderOutcome::Drained } else { ReaderOutcome::Dropped };
        let reason = end.unwrap_or(EndReason::Left);
        self.tell_end(id, reason, undelivered, deferred);
        self.record(EndedSubscription { id, outcome, undelivered }, reason);
        deferred.discard_outlet(outlet);
        true
    }

    /// Returns whether the registry was closed or aborted.
    pub fn is_closed(&self) -> bool {
        self.ended.is_some()
    }

    /// Returns the subscriptions that have ended since the registry was closed, or `None` if it is
    /// open.
    pub fn ended(&self) -> Option<&[EndedSubscription]> {
        self.ended.as_deref()
    }

    /// Returns why a subscription has ended, or will end after the unread events. `None` while it is
    /// active, and if it is not known (any more).
    pub fn end(&self, id: SubscriberId) -> Option<EndReason> {
        match self.leaving.get(&id) {
            Some(outlet) => outlet.with(|queue| queue.end()),
            None => self.ends.get(id),
        }
    }

    /// Takes what is remembered of subscriptions that have ended.
    pub fn take_ends(&mut self) -> Ends {
        mem::take(&mut self.ends)
    }

    /// Returns whether the registry is closed and all subscriptions have ended.
    pub fn is_finished(&self) -> bool {
        self.is_closed() && self.leaving.is_empty()
    }

    /// Returns the counts, as far as the registry knows them.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            published: self.published(),
            lost: self.tail.segment().lost,
            subscribers: self.count,
            disconnected: self.disconnected,
            ..Counts::default()
        }
    }

    /// Returns the number of subscribers.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there are no subscribers.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the number of entries for subscribers, those of subscribers that have left included.
    pub fn entries(&self) -> usize {
        self.subscribers.len()
    }

    /// Iterates over the subscribers.
    pub fn outlets(&self) -> impl Iterator<Item = (SubscriberId, &O)> {
        self.live().map(|(id, subscriber)| (id, &subscriber.outlet))
    }

    /// Iterates over the subscribers whose stream has ended, and that have not read the end yet.
    pub fn leaving(&self) -> impl Iterator<Item = (SubscriberId, &O)> {
        self.leaving.iter().map(|(id, outlet)| (*id, outlet))
    }

    fn live(&self) -> impl Iterator<Item = (SubscriberId, &Entry<O>)> {
        self.subscribers.iter().filter_map(|(id, subscriber)| Some((*id, subscriber.as_ref()?)))
    }

    fn entry(&mut self, id: SubscriberId) -> Option<&mut Entry<O>> {
        self.slot(id)?.as_mut()
    }

    fn slot(&mut self, id: SubscriberId) -> Option<&mut Option<Entry<O>>> {
        let index = self.subscribers.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&mut self.subscribers[index].1)
    }

    fn take(&mut self, id: SubscriberId) -> Option<Entry<O>> {
        let subscriber = self.slot(id)?.take()?;
        self.count -= 1;
        if self.subscribers.len() > 2 * self.count {
            self.subscribers.retain(|(_, subscriber)| subscriber.is_some());
        }
        if subscriber.block.is_some() && self.full.is_some() {
            // It may have been one of those without room: the next `poll_room` finds out.
            self.full = None;
            self.room_until = self.tail.next();
        }
        Some(subscriber)
    }

    /// Tells that a publisher has waited for this subscriber for too long.
    pub(crate) fn tell_timed_out(&self, id: SubscriberId, after: &mut AfterUnlock) {
        self.source.tell(after, || Event::PublishTimedOut { subscriber: id.0 });
    }

    fn tell_end(
        &self,
        id: SubscriberId,
        reason: EndReason,
        undelivered: u64,
        deferred: &mut Deferred<O>,
    ) {
        let (subscriber, reason) = (id.0, reason.word());
        let event = || Event::SubscriptionEnded { subscriber, reason, undelivered };
        self.source.tell(&mut deferred.wakers, event);
    }

    fn record(&mut self, ended: EndedSubscription, reason: EndReason) {
        self.ends.record(ended.id, reason);
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
