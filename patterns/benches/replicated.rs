//! The cost of a replicated client: compared with the bare request while all servers are healthy, and
//! compared with a healthy client once the preferred server has stopped.
//!
//! ```text
//! $ cargo bench -p pushdown-patterns-benches --bench replicated
//! ```
//!
//! `replicated/ready` has requests that are answered at the first poll, `replicated/yields` requests
//! that wait once. `replicated/redis` has `GET`s from three `redis-server`s on Unix sockets. In
//! `first-call` the preferred server has stopped since the last call, so the call waits for the delay.

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use pushdown_benches::settings;
use pushdown_patterns::replicated::{Budget, Client, Hedge, Losers, Options, Prefer};
use pushdown_patterns_benches::servers::{RedisClient, Server};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The delay of the clients of `replicated/redis`.
const DELAY: Duration = Duration::from_millis(5);

/// A delay that no request here takes.
const LONG: Duration = Duration::from_secs(60);

fn main() {
    let mut criterion = settings::criterion();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    healthy(&mut criterion, &runtime, "ready", async |number| number + 1);
    healthy(&mut criterion, &runtime, "yields", async |number| {
        yield_now().await;
        number + 1
    });
    redis(&mut criterion, &runtime);
    criterion.final_summary();
}

/// Measures calls, one after the other, in one task.
fn measure<F: Future<Output = bool>>(
    group: &mut Group<'_>,
    runtime: &Runtime,
    name: &str,
    call: impl Fn() -> F,
) {
    assert!(runtime.block_on(call()), "{name}");
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|count| {
            runtime.block_on(async {
                let begun = Instant::now();
                for _ in 0..count {
                    black_box(call().await);
                }
                begun.elapsed()
            })
        });
    });
}

fn healthy<F: Future<Output = u64> + Send + 'static>(
    criterion: &mut Criterion,
    runtime: &Runtime,
    name: &str,
    answer: impl Fn(u64) -> F + Copy + Send + Sync + 'static,
) {
    let group = &mut settings::group(criterion, format!("replicated/{name}"));
    measure(group, runtime, "direct", || async move { answer(black_box(1)).await == 2 });
    measure(group, runtime, "boxed", || async move { Box::pin(answer(black_box(1))).await == 2 });
    let percentile = Hedge::Percentile { percentile: 95, at_least: LONG, at_most: 2 * LONG };
    let finish = Losers::Finish { at_most: NonZeroUsize::MIN, within: LONG };
    let first = Prefer::First { probe: LONG };
    for (name, hedge, losers, prefer) in [
        ("never", Hedge::Never, Losers::Cancel, Prefer::Sticky),
        ("after", Hedge::After(LONG), Losers::Cancel, Prefer::Sticky),
        ("after-first", Hedge::After(LONG), Losers::Cancel, first),
        ("percentile", percentile, Losers::Cancel, Prefer::Sticky),
        ("after-finish", Hedge::After(LONG), finish, Prefer::Sticky),
    ] {
        let request = move |_, number| {
            let answer = answer(number);
            async move { Ok::<_, Infallible>(answer.await) }
        };
        let options = Options::new().hedge(hedge).losers(losers).prefer(prefer);
        let client = Client::new(0..3, request, options).unwrap();
        let call = || async { client.call(black_box(1)).await.unwrap() == 2 };
        measure(group, runtime, name, call);
        assert_eq!(client.stats().hedges, 0);
    }
}

/// A server and its idle connections.
struct Redis {
    socket: PathBuf,
    idle: Mutex<Vec<RedisClient>>,
}

impl Redis {
    fn new(server: &Server) -> Self {
        Self { socket: server.socket(), idle: Mutex::default() }
    }

    async fn get(self: Arc<Self>, (): ()) -> io::Result<String> {
        let idle = self.idle.lock().unwrap().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => RedisClient::connect(&self.socket).await?,
        };
        let reply = connection.command(&["GET", "nothing"]).await?;
        self.idle.lock().unwrap().push(connection);
        Ok(reply)
    }
}

fn redis(criterion: &mut Criterion, runtime: &Runtime) {
    let group = &mut settings::group(criterion, "replicated/redis");
    let start =
        async || Some([Server::redis().await?, Server::redis().await?, Server::redis().await?]);
    let Some(servers) = runtime.block_on(start()) else { return };
    let one = Arc::new(Redis::new(&servers[0]));
    measure(group, runtime, "direct", || async { one.clone().get(()).await.is_ok() });
    let options = Options::new().hedge(Hedge::After(DELAY)).budget(Budget::UNLIMITED);
    let client = Client::new(servers.each_ref().map(Redis::new), Redis::get, options).unwrap();
    let call = || async { client.call(()).await.is_ok() };
    measure(group, runtime, "healthy", call);
    servers[client.preferred().unwrap()].signal("STOP");
    measure(group, runtime, "stopped", call);
    servers[0].signal("CONT");
    let before = client.stats();
    // Each call is the first one after a stop. It asks a second server, and a third one if the second
    // takes longer than the delay.
    group.sample_size(10).bench_function("first-call", |bencher| {
        bencher.iter_custom(|count| {
            let mut sum = Duration::ZERO;
            for _ in 0..count {
                let preferred = client.preferred().unwrap();
                servers[preferred].signal("STOP");
                let begun = Instant::now();
                assert!(runtime.block_on(call()));
                sum += begun.elapsed();
                servers[preferred].signal("CONT");
                assert_ne!(client.preferred(), Some(preferred));
            }
            sum
        });
    });
    let after = client.stats();
    assert!(after.requests() - before.requests() >= 2 * (after.calls - before.calls));
}
