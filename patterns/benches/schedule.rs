//! The cost of giving a task to a server.
//!
//! ```text
//! $ cargo bench -p pushdown-patterns-benches --bench schedule
//! ```
//!
//! `schedule/no-op` measures scheduling alone: a batch of tasks that do nothing, on several servers.
//! `thread` starts and joins a thread per server for each batch, which is most of its time.
//! `peer-joinset` starts a tokio task for each task, throttled by a semaphore; it has no servers, no
//! failures and no order. `schedule/eval` gives each task to one of a few `redis-server`s.
//! `hand-written` is a loop for exactly that: a tokio task per connection, and a counter from which
//! they take the tasks. The two are also run in alternation, because on a busy machine the load at
//! the time matters more than the code.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use criterion::{Criterion, Throughput};
use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule, thread};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use pushdown_benches::settings;
use pushdown_patterns_benches::servers::{RedisClient, Server};

const SERVERS: usize = 8;
const TASKS: usize = 1000;

fn main() {
    let mut criterion = settings::criterion();
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    no_op(&mut criterion, &runtime);
    eval(&mut criterion, &runtime);
    criterion.final_summary();
}

fn no_op(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = settings::group(criterion, "schedule/no-op");
    group.throughput(Throughput::Elements(TASKS as u64));
    assert_eq!(runtime.block_on(tokio_tasks()), TASKS);
    group.bench_function("tokio", |bencher| {
        bencher.iter(|| runtime.block_on(tokio_tasks()));
    });
    let one = Builder::new_current_thread().build().unwrap();
    group.bench_function("tokio-one-thread", |bencher| {
        bencher.iter(|| one.block_on(tokio_tasks()));
    });
    assert_eq!(threads(), TASKS);
    group.bench_function("thread", |bencher| bencher.iter(threads));
    assert_eq!(runtime.block_on(join_set()), TASKS);
    group.bench_function("peer-joinset", |bencher| {
        bencher.iter(|| runtime.block_on(join_set()));
    });
    group.finish();
}

async fn tokio_tasks() -> usize {
    let call = async |_: Lease<usize>, task: usize| Ok::<_, CallFailure<()>>(task);
    let servers = (0..SERVERS).collect::<Vec<_>>();
    let run = tokio::spawn(schedule(servers, 0..TASKS, call, Options::default()));
    run.await.unwrap().unwrap().into_results().unwrap().len()
}

fn threads() -> usize {
    let call = |_: &mut usize, task: usize, _: &_| Ok::<_, CallFailure<()>>(task);
    let servers = (0..SERVERS).collect::<Vec<_>>();
    let report = thread::schedule(servers, 0..TASKS, call, Options::default());
    report.unwrap().into_results().unwrap().len()
}

async fn join_set() -> usize {
    let all = async {
        let idle = Arc::new(Semaphore::new(SERVERS));
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let permit = idle.clone().acquire_owned().await.unwrap();
            tasks.spawn(async move {
                drop(permit);
                task
            });
        }
        tasks.join_all().await.len()
    };
    tokio::spawn(all).await.unwrap()
}

/// Counts to a hundred, on the server.
const SCRIPT: &str = "local n = 0 for i = 1, 100 do n = n + 1 end return n";

fn eval(criterion: &mut Criterion, runtime: &Runtime) {
    const EVALS: usize = 64;
    const PAIRS: usize = 500;
    let started = runtime.block_on(async {
        let mut started = Vec::new();
        for _ in 0..4 {
            started.push(Server::redis().await?);
        }
        Some(started)
    });
    let Some(started) = started else { return };
    let connect = async {
        let mut clients = Vec::new();
        for server in &started {
            clients.push(server.redis_client().await.unwrap());
        }
        clients
    };
    let mut clients = Some(runtime.block_on(connect));
    let mut group = settings::group(criterion, "schedule/eval");
    group.throughput(Throughput::Elements(EVALS as u64));
    let mut once = |run: Driver| {
        let before = clients.take().expect("each run returns the clients");
        let (after, sum) = run(runtime, before, EVALS);
        assert_eq!(sum, 100 * EVALS);
        clients = Some(after);
    };
    for (name, run) in [("tokio", scheduled as Driver), ("hand-written", by_hand)] {
        group.bench_function(name, |bencher| bencher.iter(|| once(run)));
    }
    group.finish();
    let mut timed = |run: Driver| {
        let start = Instant::now();
        once(run);
        start.elapsed()
    };
    let pairs = (0..PAIRS).map(|_| (timed(scheduled), timed(by_hand)));
    let (mut ours, mut by_hand): (Vec<_>, Vec<_>) = pairs.unzip();
    ours.sort();
    by_hand.sort();
    let speed = by_hand[PAIRS / 2].as_secs_f64() / ours[PAIRS / 2].as_secs_f64();
    println!(
        "schedule/eval: {speed:.2} times the speed of hand-written, medians of {PAIRS} runs in turn\n"
    );
}

/// Makes the calls, and returns the clients and the sum of the results.
type Driver = fn(&Runtime, Vec<RedisClient>, usize) -> (Vec<RedisClient>, usize);

async fn ask(client: &mut RedisClient) -> std::io::Result<usize> {
    let reply = client.command(&["EVAL", SCRIPT, "0"]).await?;
    reply.parse().map_err(std::io::Error::other)
}

fn scheduled(
    runtime: &Runtime,
    clients: Vec<RedisClient>,
    tasks: usize,
) -> (Vec<RedisClient>, usize) {
    let call = async |mut client: Lease<RedisClient>, _| {
        ask(&mut client).await.map_err(CallFailure::server_dead)
    };
    let run = async { tokio::spawn(schedule(clients, 0..tasks, call, Options::default())).await };
    let report = runtime.block_on(run).unwrap().unwrap();
    let clients = report.servers.into_iter().map(|server| server.server.unwrap()).collect();
    (clients, report.results.into_iter().map(Result::unwrap).sum())
}

fn by_hand(
    runtime: &Runtime,
    clients: Vec<RedisClient>,
    tasks: usize,
) -> (Vec<RedisClient>, usize) {
    let run = async move {
        let next = Arc::new(AtomicUsize::new(0));
        let mut loops = JoinSet::new();
        for mut client in clients {
            let next = next.clone();
            loops.spawn(async move {
                let mut sum = 0;
                while next.fetch_add(1, Ordering::Relaxed) < tasks {
                    sum += ask(&mut client).await.unwrap();
                }
                (client, sum)
            });
        }
        let (clients, sums): (Vec<_>, Vec<_>) = loops.join_all().await.into_iter().unzip();
        (clients, sums.into_iter().sum())
    };
    runtime.block_on(async { tokio::spawn(run).await }).unwrap()
}
