//! One publisher and many subscribers of any implementation. All events are counted per subscriber,
//! missed ones included.

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use tokio::task::{JoinSet, yield_now};

/// The numbers of subscribers that are measured.
pub const SUBSCRIBERS: [usize; 3] = [10, 100, 1000];

/// The number of events that may wait for a subscriber.
pub const CAPACITY: usize = 1024;

/// The number of events after which a publisher that never waits lets other tasks run. Otherwise it
/// would occupy one of the two workers, and the bench would measure how fast events are lost.
const PUBLISHED_AT_ONCE: u64 = 64;

/// A publish/subscribe implementation. The events are the numbers from 1.
pub trait Topic: Send + 'static {
    type Reader: Reader;

    /// Returns whether subscribers never miss events.
    fn is_lossless(&self) -> bool;

    fn subscribe(&mut self) -> impl Future<Output = Self::Reader> + Send;

    fn publish(&mut self, number: u64) -> impl Future<Output = ()> + Send;
}

pub trait Reader: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Next> + Send;
}

pub enum Next {
    /// The event with this number.
    Event(u64),
    /// This many events are missing.
    Missed(u64),
}

/// The events of one or more readers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub delivered: u64,
    pub missed: u64,
}

impl Count {
    pub fn take(&mut self, next: Next) {
        match next {
            Next::Event(number) => {
                self.delivered += 1;
                assert_eq!(number, self.total(), "an event is in its place");
            }
            Next::Missed(missed) => self.missed += missed,
        }
    }

    /// Adds the counts of two readers.
    pub fn and(self, other: Self) -> Self {
        let delivered = self.delivered + other.delivered;
        Self { delivered, missed: self.missed + other.missed }
    }

    pub fn total(self) -> u64 {
        self.delivered + self.missed
    }
}

/// A runtime with two workers, so that the publisher and the subscribers run concurrently on any machine.
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// The number of events in a round: enough for two million deliveries, and more than
/// [`CAPACITY`].
pub fn events(subscribers: usize) -> u64 {
    let deliveries = if is_short() { 20_000 } else { 2_000_000 };
    deliveries / subscribers as u64
}

fn is_short() -> bool {
    env::var_os("PUSHDOWN_BENCH").is_some()
}

/// Measures whole rounds of this many events, which take far longer than a sample in other benches.
/// Prints the share of events that were delivered, if some were missed.
pub fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    subscribers: usize,
    events: u64,
    mut round: impl FnMut(u64) -> (Duration, Count),
) {
    group.sample_size(10).throughput(Throughput::Elements(events * subscribers as u64));
    if !is_short() {
        group.measurement_time(Duration::from_secs(1));
    }
    let mut all = Count::default();
    group.bench_function(BenchmarkId::new(name, subscribers), |bencher| {
        bencher.iter_custom(|rounds| {
            let rounds = (0..rounds).map(|_| round(events));
            rounds.fold(Duration::ZERO, |sum, (elapsed, count)| {
                all = all.and(count);
                sum + elapsed
            })
        });
    });
    if all.missed > 0 {
        let percent = 100.0 * all.delivered as f64 / all.total() as f64;
        println!("{percent:.1} % delivered, {} missed\n", all.missed);
    }
}

/// Publishes a round of events. Measures from the first publish until each subscriber has received the
/// last event or been told that it is missing. Each has received one event before, so that all of them
/// run and wait.
pub async fn round<T: Topic>(mut topic: T, subscribers: usize, events: u64) -> (Duration, Count) {
    let last = events + 1;
    let is_lossless = topic.is_lossless();
    let ready = Arc::new(Barrier::new(subscribers + 1));
    let mut readers = JoinSet::new();
    for _ in 0..subscribers {
        let (mut reader, ready) = (topic.subscribe().await, ready.clone());
        readers.spawn(async move {
            let mut count = Count::default();
            count.take(reader.next().await);
            ready.wait().await;
            while count.total() < last {
                count.take(reader.next().await);
            }
            count
        });
    }
    topic.publish(1).await;
    ready.wait().await;
    let start = Instant::now();
    let publisher = tokio::spawn(async move {
        for number in 2..=last {
            topic.publish(number).await;
            if !is_lossless && number % PUBLISHED_AT_ONCE == 0 {
                yield_now().await;
            }
        }
        topic
    });
    let counts = readers.join_all().await;
    let elapsed = start.elapsed();
    drop(publisher.await);
    let all = counts.into_iter().fold(Count::default(), |all, count| {
        assert_eq!(count.total(), last, "each event was delivered or counted as missed");
        all.and(count)
    });
    assert!(!is_lossless || all.missed == 0);
    (elapsed, all)
}
