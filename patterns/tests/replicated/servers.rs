//! `pattern::replicated` over three real `redis-server`s that are stopped, resumed and killed.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::{RedisClient, Server, until};
use pushdown_patterns::replicated::{CallErrorKind, CallOptions, Cause, Client, Hedge};
use pushdown_patterns::{Effect, Shutdown};
use tokio::sync::MutexGuard;

const DELAY: Duration = Duration::from_millis(20);

/// A server and the connections to it that are free.
struct Redis {
    socket: PathBuf,
    idle: Mutex<Vec<RedisClient>>,
}

impl Redis {
    /// A request that is dropped takes its connection along, with the reply that may yet come.
    async fn command(self: Arc<Self>, words: &'static [&'static str]) -> io::Result<String> {
        let idle = self.idle.lock().unwrap().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => RedisClient::connect(&self.socket).await?,
        };
        let reply = connection.command(words).await?;
        self.idle.lock().unwrap().push(connection);
        Ok(reply)
    }
}

type Replicated = Client<Redis, &'static [&'static str], String, io::Error>;

const GET: &[&str] = &["GET", "name"];

/// Three servers, each of which knows its number, and a client of them. One test at a time has them,
/// since some measure.
async fn three() -> Option<([Server; 3], Replicated, MutexGuard<'static, ()>)> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let alone = ALONE.lock().await;
    let servers = [Server::redis().await?, Server::redis().await?, Server::redis().await?];
    for (number, server) in servers.iter().enumerate() {
        let mut connection = server.redis_client().await.unwrap();
        connection.command(&["SET", "name", &number.to_string()]).await.unwrap();
    }
    let redis = |server: &Server| Redis { socket: server.socket(), idle: Mutex::default() };
    let client = Client::builder(Redis::command)
        .servers(servers.each_ref().map(redis))
        .hedge(Hedge::After(DELAY))
        .deadline(Duration::from_secs(10))
        .build()
        .unwrap();
    Some((servers, client, alone))
}

/// Makes calls one after the other. The answer is what one in a hundred takes longer than.
async fn p99(client: &Replicated) -> Duration {
    let mut times = Vec::new();
    for _ in 0..500 {
        let begun = Instant::now();
        client.call(GET).await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

#[tokio::test]
async fn a_preferred_server_that_stops_costs_one_delay_and_no_more() {
    let Some((servers, client, _alone)) = three().await else { return };
    let [mut first, mut healthy, mut stopped] = [Duration::MAX; 3];
    // The machine may be busy with other things: what counts is the best of some rounds.
    for _ in 0..5 {
        let preferred = client.preferred();
        assert_eq!(client.call(GET).await.unwrap(), preferred.to_string());
        healthy = healthy.min(p99(&client).await);
        servers[preferred].signal("STOP");
        let (begun, before) = (Instant::now(), client.stats().requests());
        let reply = client.call(GET).await.unwrap();
        first = first.min(begun.elapsed());
        assert_eq!(reply, ((preferred + 1) % 3).to_string());
        assert_eq!(client.stats().requests() - before, 2);
        stopped = stopped.min(p99(&client).await);
        let requests = (client.stats().requests() - before) as f64 / 501.0;
        assert!(requests <= 1.05, "{requests} requests per call");
        let stats = &client.stats().servers[preferred];
        assert!(stats.cancelled > 0 && stats.latency.percentile(100).unwrap() >= DELAY);
        servers[preferred].signal("CONT");
        assert_ne!(client.preferred(), preferred, "it has to earn that again");
    }
    println!("first call after a stop: {first:?} with a delay of {DELAY:?}");
    println!("99th percentile: {healthy:?} before it, {stopped:?} after the first call");
    assert!(first >= DELAY && first <= DELAY + Duration::from_millis(8), "{first:?}");
    assert!(stopped <= healthy + healthy / 2, "{stopped:?}, {healthy:?}");
}

#[tokio::test]
async fn many_callers_get_over_a_stop_within_their_budget() {
    let Some((servers, client, _alone)) = three().await else { return };
    let end = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let (client, end) = (client.clone(), end.clone());
            tokio::spawn(async move {
                while !end.load(Ordering::Relaxed) {
                    client.call(GET).await.unwrap();
                }
            })
        })
        .collect();
    let calls = || client.stats().calls;
    until("the callers are busy", async || calls() > 1000).await;
    servers[0].signal("STOP");
    let stopped_at = calls();
    until("they are again", async || {
        client.preferred() != 0
            && calls() > stopped_at + 2000
            && client.stats().servers[0].running() == 0
    })
    .await;
    end.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let stats = client.stats();
    println!("{} hedges for {} calls, {} denied", stats.hedges, stats.calls, stats.hedges_denied);
    assert!(stats.hedges <= 10 + stats.calls / 10);
}

#[tokio::test]
async fn a_preferred_server_that_is_killed_costs_no_delay() {
    let Some((servers, client, _alone)) = three().await else { return };
    for _ in 0..100 {
        client.call(GET).await.unwrap();
    }
    servers[0].signal("KILL");
    for _ in 0..100 {
        assert_eq!(client.call(GET).await.unwrap(), "1");
    }
    let stats = client.stats();
    assert_eq!((stats.hedges, stats.servers[0].failed, stats.moves), (0, 1, 1));
    // All but one.
    servers[1].signal("KILL");
    for _ in 0..100 {
        assert_eq!(client.call(GET).await.unwrap(), "2");
    }
    // All: each says so itself.
    servers[2].signal("KILL");
    until("the last one is gone", async || client.call(GET).await.is_err()).await;
    let error = client.call(GET).await.unwrap_err();
    assert_eq!((error.kind, error.args), (CallErrorKind::Failed, GET));
    assert!(error.failures.iter().all(|failure| matches!(failure.cause, Cause::Error(_))));
    let asked: Vec<usize> = error.failures.iter().map(|failure| failure.server).collect();
    assert_eq!(asked, [2, 0, 1]);
}

#[tokio::test]
async fn when_all_stop_calls_time_out_and_one_that_comes_back_is_found() {
    let Some((servers, client, _alone)) = three().await else { return };
    client.call(GET).await.unwrap();
    servers.iter().for_each(|server| server.signal("STOP"));
    let options = CallOptions { deadline: Some(5 * DELAY), ..CallOptions::default() };
    let begun = Instant::now();
    let error = client.call_with(GET, options).await.unwrap_err();
    assert_eq!((error.kind, error.failures.len()), (CallErrorKind::TimedOut, 3));
    assert_eq!(error.effect(), Effect::MayHaveHappened);
    assert!(begun.elapsed() >= 5 * DELAY);
    // A call is waiting when one of them comes back.
    let other = client.clone();
    let call = tokio::spawn(async move { other.call(GET).await.unwrap() });
    until("it has asked them all", async || {
        client.stats().servers.iter().all(|server| server.running() == 1)
    })
    .await;
    servers[2].signal("CONT");
    assert_eq!(call.await.unwrap(), "2");
    assert_eq!(client.call(GET).await.unwrap(), "2");
    assert_eq!(client.stats().servers[2].running(), 0);
}

#[tokio::test]
async fn what_is_not_idempotent_happens_once() {
    const INCR: &[&str] = &["INCR", "count"];
    let Some((servers, client, _alone)) = three().await else { return };
    let once = CallOptions { idempotent: false, ..CallOptions::default() };
    servers[0].signal("STOP");
    let (call, ()) = tokio::join!(client.call_with(INCR, once), async {
        let begun = Instant::now();
        until("three delays are over", async || begun.elapsed() >= 3 * DELAY).await;
        servers[0].signal("CONT");
    });
    assert_eq!(call.unwrap(), "1");
    assert_eq!((client.stats().requests(), client.stats().hedges), (1, 0));
    for server in &servers[1..] {
        let mut connection = server.redis_client().await.unwrap();
        assert_eq!(connection.command(&["GET", "count"]).await.unwrap(), "");
    }
    // Nobody answers any more, and so the calls end with the client.
    servers.iter().for_each(|server| server.signal("STOP"));
    let (call, report) = tokio::join!(client.call(GET), client.shutdown(Shutdown::Abort));
    assert_eq!(call.unwrap_err().kind, CallErrorKind::Closed);
    assert_eq!(report.calls.aborted, 1);
}
