//! One publisher and many subscribers, of whatever kind: everybody's events are counted, those that it
//! has missed included.

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use tokio::task::{JoinSet, yield_now};

/// How many subscribers there are, in turn.
pub const SUBSCRIBERS: [usize; 3] = [10, 100, 1000];

/// How many events wait for a subscriber at most.
pub const CAPACITY: usize = 1024;

/// After so many events a publisher that never has to wait lets others run. It would otherwise have one
/// of the two workers for itself, and what was measured would be how fast events are lost.
const PUBLISHED_AT_ONCE: u64 = 64;

/// What events are published to: all numbers from 1 on.
pub trait Topic: Send + 'static {
    type Reader: Reader;

    /// Whether nobody ever misses anything.
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
    /// So many are missing.
    Missed(u64),
}

/// What readers have had.
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
                assert_eq!(number, self.total(), "an event is at its place");
            }
            Next::Missed(missed) => self.missed += missed,
        }
    }

    /// Of several readers.
    pub fn and(self, other: Self) -> Self {
        let delivered = self.delivered + other.delivered;
        Self { delivered, missed: self.missed + other.missed }
    }

    pub fn total(self) -> u64 {
        self.delivered + self.missed
    }
}

/// Two workers, so that the publisher and the subscribers run side by side on any machine.
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// How many events a round has: enough for two million deliveries, and more than wait for a subscriber.
pub fn events(subscribers: usize) -> u64 {
    let deliveries = if is_short() { 20_000 } else { 2_000_000 };
    deliveries / subscribers as u64
}

fn is_short() -> bool {
    env::var_os("PUSHDOWN_BENCH").is_some()
}

/// Measures whole rounds of so many events, which take far longer than a sample in other benches. Says
/// which part of the elements was delivered, if not all.
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

/// Publishes a round of events. From the first publish until everybody has heard the last, or of it;
/// everybody has heard one event before, so that all run and wait.
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
        assert_eq!(count.total(), last, "each event was delivered or is known to be missed");
        all.and(count)
    });
    assert!(!is_lossless || all.missed == 0);
    (elapsed, all)
}
