//! The proto types against a sequential model: a plain list per subscriber, and its policy.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use pushdown_patterns::pubsub::proto::{BATCH_EVENTS, Cursor, Deferred, Queue, Read, Registry};
use pushdown_patterns::pubsub::{EndReason, Limit, Policy, ReaderOutcome, SubscriberId};

const LIMIT: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
enum Step {
    Subscribe(Policy),
    /// Publishes an event of this many bytes.
    Publish(usize),
    /// This many events are lost upstream.
    Lose(u64),
    /// One of the subscribers reads up to this many items.
    Read(prop::sample::Index, usize),
    Cancel(prop::sample::Index),
    Leave(prop::sample::Index),
    Sleep,
    Close,
    Abort,
}

fn policies() -> impl Strategy<Value = Policy> {
    let limit = || {
        prop_oneof![
            Just(Limit::Unbounded),
            (1_usize..40).prop_map(|n| Limit::AtMost(NonZeroUsize::new(n).unwrap()))
        ]
    };
    prop_oneof![
        (1_usize..50).prop_map(|capacity| Policy::block(capacity, LIMIT)),
        (1_usize..50).prop_map(Policy::drop_newest),
        (1_usize..50).prop_map(Policy::drop_oldest),
        (limit(), limit()).prop_map(|(items, bytes)| Policy::Queue { items, bytes }),
        (1_usize..9).prop_map(|capacity| Policy::disconnect(capacity, LIMIT)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => policies().prop_map(Step::Subscribe),
        40 => (0_usize..5).prop_map(Step::Publish),
        2 => (0_u64..4).prop_map(Step::Lose),
        20 => (any::<prop::sample::Index>(), 0_usize..20).prop_map(|(who, n)| Step::Read(who, n)),
        1 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        3 => Just(Step::Sleep),
    ];
    let end = prop_oneof![Just(vec![]), Just(vec![Step::Close]), Just(vec![Step::Abort])];
    (vec(step, 0..300), end).prop_map(|(mut steps, end)| {
        steps.extend(end);
        steps
    })
}

/// A subscriber as the documentation describes it.
struct Model {
    policy: Policy,
    /// The number of each event and its size, or `None` if it was missed or lost upstream.
    items: VecDeque<(u64, Option<usize>)>,
    /// The numbers of the events that the reader has taken and not read.
    taken: VecDeque<u64>,
    full_since: Option<Instant>,
    end: Option<EndReason>,
}

impl Model {
    fn events(&self) -> usize {
        self.items.iter().filter(|(_, bytes)| bytes.is_some()).count()
    }

    fn has_room(&self) -> bool {
        match self.policy {
            Policy::Block { capacity, .. } => self.events() < capacity.get(),
            _ => true,
        }
    }

    fn push(&mut self, seq: u64, bytes: usize, now: Instant) {
        let events = self.events();
        let all: usize = self.items.iter().filter_map(|(_, bytes)| *bytes).sum();
        let exceeds = |limit, amount| matches!(limit, Limit::AtMost(most) if amount > most.get());
        let mut event = Some(bytes);
        match self.policy {
            Policy::Block { capacity, .. } => assert!(events < capacity.get()),
            Policy::DropNewest { capacity } if events == capacity.get() => event = None,
            Policy::DropOldest { capacity } if events == capacity.get() => {
                self.items.iter_mut().find(|(_, bytes)| bytes.is_some()).unwrap().1 = None;
            }
            Policy::Queue { items, bytes: limit }
                if exceeds(items, events + 1) || exceeds(limit, all + bytes) =>
            {
                self.disconnect();
                event = None;
            }
            Policy::Disconnect { capacity, grace } if events == capacity.get() => {
                event = None;
                let since = *self.full_since.get_or_insert(now);
                if now - since >= grace {
                    self.disconnect();
                }
            }
            Policy::Disconnect { .. } => self.full_since = None,
            _ => {}
        }
        self.items.push_back((seq, event));
    }

    fn disconnect(&mut self) {
        self.end = Some(EndReason::TooSlow);
        self.items.iter_mut().for_each(|(_, bytes)| *bytes = None);
    }

    /// The reader takes this many events, which make room.
    fn take(&mut self, count: u64) -> Result<(), TestCaseError> {
        let most = match self.policy {
            Policy::Queue { bytes: Limit::AtMost(_), .. } => 0,
            Policy::Queue { items: Limit::Unbounded, .. } => BATCH_EVENTS - 1,
            Policy::Queue { items: Limit::AtMost(capacity), .. }
            | Policy::Block { capacity, .. }
            | Policy::DropNewest { capacity }
            | Policy::DropOldest { capacity }
            | Policy::Disconnect { capacity, .. } => capacity.get() as u64 / 8,
        };
        prop_assert!(count <= most, "{} events taken: {:?}", count, self.policy);
        for _ in 0..count {
            let item = self.items.pop_front();
            let Some((seq, Some(_))) = item else { panic!("only events are taken: {item:?}") };
            self.taken.push_back(seq);
        }
        Ok(())
    }

    /// The result of the next read.
    fn read(&mut self) -> Read {
        if let Some(seq) = self.taken.pop_front() {
            return Read::Event { seq, room: false };
        }
        match self.items.pop_front() {
            Some((seq, Some(_))) => Read::Event { seq, room: false },
            Some((_, None)) => {
                let mut missed = 1;
                while self.items.front().is_some_and(|(_, bytes)| bytes.is_none()) {
                    self.items.pop_front();
                    missed += 1;
                }
                Read::Gap(missed)
            }
            None => self.end.map_or(Read::Empty, Read::End),
        }
    }
}

struct Subscriber {
    id: SubscriberId,
    queue: Rc<RefCell<Queue<u64>>>,
    cursor: Cursor<u64>,
    model: Model,
    left: bool,
}

impl Subscriber {
    fn read(&mut self, registry: &mut Subscribers) -> Result<Read, TestCaseError> {
        let published = registry.published();
        let had_taken = self.cursor.taken() > 0;
        let read = self.queue.borrow_mut().poll_read(&mut self.cursor, || published);
        self.cursor.clear();
        let found = match read {
            Read::Event { seq, room } => {
                prop_assert_eq!(**self.cursor.event(), seq, "the payload of the event");
                if room {
                    registry.handle_room_made(self.id);
                }
                Read::Event { seq, room: false }
            }
            other => other,
        };
        let expected = self.model.read();
        prop_assert_eq!(&found, &expected, "{:?}", self.model.policy);
        if !had_taken {
            self.model.take(self.cursor.taken())?;
        }
        Ok(found)
    }
}

type Subscribers = Registry<Rc<RefCell<Queue<u64>>>>;

fn check(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut registry = Subscribers::new();
    let mut subscribers: Vec<Subscriber> = Vec::new();
    let (mut published, mut now) = (0, Instant::now());
    for step in steps {
        let mut deferred = Deferred::default();
        match step {
            Step::Subscribe(policy) => {
                let queue = Rc::new(RefCell::new(Queue::new(policy)));
                let id = registry.subscribe(queue.clone());
                let model = Model {
                    policy,
                    items: VecDeque::new(),
                    taken: VecDeque::new(),
                    full_since: None,
                    end: None,
                };
                subscribers.push(Subscriber {
                    id,
                    queue,
                    cursor: Cursor::new(),
                    model,
                    left: false,
                });
            }
            Step::Publish(bytes) => {
                let live = || subscribers.iter().filter(|sub| !sub.left && sub.model.end.is_none());
                let full: Vec<_> =
                    live().filter(|sub| !sub.model.has_room()).map(|sub| sub.id).collect();
                match registry.poll_room() {
                    Err(wait) => prop_assert!(full.contains(&wait.id), "{:?} {:?}", wait, full),
                    Ok(()) => {
                        prop_assert_eq!(&full, &[], "no queue is full");
                        published += 1;
                        let event = Arc::new(published);
                        let seq = registry.publish(event, bytes, || now, &mut deferred);
                        prop_assert_eq!(seq, published);
                        for sub in &mut subscribers {
                            if !sub.left && sub.model.end.is_none() {
                                sub.model.push(seq, bytes, now);
                            }
                        }
                    }
                }
            }
            Step::Lose(lost) => {
                registry.lose(lost, &mut deferred);
                for seq in published + 1..=published + lost {
                    for sub in &mut subscribers {
                        if !sub.left && sub.model.end.is_none() {
                            sub.model.items.push_back((seq, None));
                        }
                    }
                }
                published += lost;
            }
            Step::Read(who, count) if !subscribers.is_empty() => {
                let sub = who.get_mut(&mut subscribers);
                for _ in 0..if sub.left { 0 } else { count } {
                    if matches!(sub.read(&mut registry)?, Read::Empty | Read::End(_)) {
                        break;
                    }
                }
            }
            Step::Cancel(who) if !subscribers.is_empty() => {
                let sub = who.get_mut(&mut subscribers);
                let cancelled = registry.cancel(sub.id, &mut deferred).is_some();
                prop_assert_eq!(cancelled, !sub.left && sub.model.end.is_none());
                sub.model.end.get_or_insert(EndReason::Cancelled);
            }
            Step::Leave(who) if !subscribers.is_empty() => {
                let sub = who.get_mut(&mut subscribers);
                prop_assert_eq!(registry.handle_reader_left(sub.id, &mut deferred), !sub.left);
                sub.left = true;
            }
            Step::Sleep => now += LIMIT / 2,
            Step::Close => registry.close(EndReason::Shutdown),
            Step::Abort => registry.abort(&mut deferred),
            Step::Read(..) | Step::Cancel(_) | Step::Leave(_) => {}
        }
        drop(deferred);
    }
    end(registry, subscribers)
}

/// Reads all streams to the end, and checks the report.
fn end(mut registry: Subscribers, mut subscribers: Vec<Subscriber>) -> Result<(), TestCaseError> {
    let aborted: Vec<_> = registry.ended().unwrap_or_default().to_vec();
    let mut deferred = Deferred::default();
    let closed = registry.is_closed();
    for sub in subscribers.iter_mut().filter(|sub| !sub.left) {
        if let Some(ended) = aborted.iter().find(|ended| ended.id == sub.id) {
            prop_assert_eq!(ended.outcome, ReaderOutcome::Aborted);
            let undelivered = sub.model.items.len() + sub.model.taken.len();
            prop_assert_eq!(ended.undelivered, undelivered as u64);
            sub.model.items.clear();
            sub.model.taken.clear();
            sub.model.end = Some(EndReason::Aborted);
        } else if closed {
            sub.model.end.get_or_insert(EndReason::Shutdown);
        }
        while !matches!(sub.read(&mut registry)?, Read::Empty | Read::End(_)) {}
        prop_assert_eq!(sub.queue.borrow().end(), sub.model.end);
        prop_assert_eq!(registry.end(sub.id), sub.model.end);
        prop_assert_eq!(registry.handle_reader_left(sub.id, &mut deferred), aborted.is_empty());
        let ended = sub.model.end.unwrap_or(EndReason::Left);
        prop_assert_eq!(registry.end(sub.id), Some(ended), "it is remembered");
    }
    if let Some(ended) = registry.ended() {
        prop_assert!(registry.is_finished());
        let stayed = subscribers.iter().filter(|sub| !sub.left).count();
        prop_assert_eq!(ended.len(), stayed);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_registry_and_its_queues_do_what_the_model_does(steps in steps()) {
        check(steps)?;
    }
}
