//! Many callers over one connection, each of which calls again as soon as it has its reply.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// Numbers of callers, one benchmark for each.
pub const CALLERS: [usize; 3] = [1, 64, 1024];

/// Number of values on the server.
const KEYS: u64 = 64;

/// The length of every value, in bytes.
const VALUE: usize = 32;

/// A client that gets values over one connection.
pub trait Client: Send + Sync + 'static {
    fn get(&self, key: String) -> impl Future<Output = Option<Vec<u8>>> + Send;
}

/// The runtime of clients and callers.
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The keys and values to store before a benchmark.
pub fn entries() -> impl Iterator<Item = (String, Vec<u8>)> {
    (0..KEYS).map(|number| (key(number), vec![b'x'; VALUE]))
}

fn key(number: u64) -> String {
    format!("a-key-like-others-{:02}", number % KEYS)
}

/// Benchmarks a client with each number of callers.
///
/// A sample takes far longer than in other benches. With a few calls by each of a thousand callers it
/// would measure the spawning of tasks.
pub fn bench<C: Client>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    runtime: &Runtime,
    client: C,
) {
    let client = Arc::new(client);
    group.sample_size(20).throughput(Throughput::Elements(1));
    if std::env::var_os("PUSHDOWN_BENCH").is_none() {
        group.measurement_time(Duration::from_secs(4));
    }
    for callers in CALLERS {
        group.bench_function(BenchmarkId::new(name, callers), |bencher| {
            bencher.iter_custom(|calls| runtime.block_on(run(&client, callers, calls)));
        });
    }
}

/// Makes at least `calls` calls, and returns the time that exactly as many would have taken.
pub async fn run<C: Client>(client: &Arc<C>, callers: usize, calls: u64) -> Duration {
    let each = calls.div_ceil(callers as u64);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers as u64 {
        let client = client.clone();
        tasks.spawn(async move {
            for call in 0..each {
                let value = client.get(key(caller + call)).await;
                assert!(value.is_some_and(|value| value.len() == VALUE));
            }
        });
    }
    tasks.join_all().await;
    start.elapsed().mul_f64(calls as f64 / (each * callers as u64) as f64)
}
