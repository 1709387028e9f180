//! Many callers, each of which calls again as soon as it has its reply.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown_patterns::mux::Mux;
use pushdown_patterns::mux::memcached::{Memcached, Request};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// How many callers there are, in turn.
const CALLERS: [usize; 3] = [1, 64, 1024];

/// The length of every value.
pub const VALUE: usize = 32;

/// What can get a value, over one connection.
pub trait Client: Send + Sync + 'static {
    fn get(&self, key: String) -> impl Future<Output = Option<Vec<u8>>> + Send;
}

impl Client for Mux<Memcached> {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        self.call(Request::get(key).unwrap()).await.unwrap().value
    }
}

pub fn key(number: u64) -> String {
    format!("a-key-like-others-{:02}", number % 64)
}

/// A sample here takes far longer than in other benches: a thousand callers with a few calls each would
/// show what it costs to spawn tasks.
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

async fn run<C: Client>(client: &Arc<C>, callers: usize, calls: u64) -> Duration {
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
    // As if it had been exactly as many calls.
    start.elapsed().mul_f64(calls as f64 / (each * callers as u64) as f64)
}
