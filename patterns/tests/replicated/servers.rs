//! `replicated` over three real `redis-server`s that are stopped, resumed and killed.
//!
//! The servers answer in their own time while the clock of the client stands still: it advances only
//! where a test advances it. So a delay is over if and only if the test says so, on any machine.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::common::{RedisClient, Server, until};
use pushdown_patterns::replicated::{CallErrorKind, CallOptions, Cause, Client, Hedge, Options};
use pushdown_patterns::{Effect, Shutdown};
use tokio::time::{Instant, advance};

const DELAY: Duration = Duration::from_millis(20);

/// A server and its idle connections.
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

/// Keeps the paused clock where it is. Without it, tokio advances the clock whenever the runtime waits
/// for a socket; it does not while a blocking task is running.
struct StoppedClock {
    _running: mpsc::Sender<()>,
}

impl StoppedClock {
    fn new() -> Self {
        let (running, ended) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || ended.recv());
        Self { _running: running }
    }
}

/// Three servers, each of which knows its index, and a client of them.
async fn three() -> Option<([Server; 3], Replicated, StoppedClock)> {
    let clock = StoppedClock::new();
    let servers = [Server::redis().await?, Server::redis().await?, Server::redis().await?];
    for (index, server) in servers.iter().enumerate() {
        let mut connection = server.redis_client().await.unwrap();
        connection.command(&["SET", "name", &index.to_string()]).await.unwrap();
    }
    let redis = |server: &Server| Redis { socket: server.socket(), idle: Mutex::default() };
    let options = Options::new().hedge(Hedge::After(DELAY)).timeout(Duration::from_secs(10));
    let client = Client::new(servers.each_ref().map(redis), Redis::command, options).unwrap();
    Some((servers, client, clock))
}

/// Requests that are running at a server.
fn running(client: &Replicated, server: usize) -> u64 {
    client.stats().servers[server].running()
}

/// Waits until a call has asked all servers, none of which answers, one delay after the other.
async fn ask_all(client: &Replicated) {
    let asked = || (0..3).filter(|&server| running(client, server) == 1).count();
    for count in 1..=3 {
        until("the next server is asked", async || asked() == count).await;
        if count < 3 {
            advance(DELAY).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_preferred_server_that_stops_costs_one_delay_and_one_request() {
    let Some((servers, client, _clock)) = three().await else { return };
    for _ in 0..5 {
        let preferred = client.preferred().unwrap();
        for _ in 0..500 {
            assert_eq!(client.call(GET).await.unwrap(), preferred.to_string());
        }
        servers[preferred].signal("STOP");
        let (begun, before) = (Instant::now(), client.stats());
        let (reply, ()) = tokio::join!(client.call(GET), async {
            until("it is asked", async || running(&client, preferred) == 1).await;
            advance(DELAY).await;
        });
        assert_eq!(reply.unwrap(), ((preferred + 1) % 3).to_string());
        assert_eq!(begun.elapsed(), DELAY);
        assert_eq!(client.stats().requests() - before.requests(), 2);
        for _ in 0..500 {
            client.call(GET).await.unwrap();
        }
        assert_eq!(begun.elapsed(), DELAY, "later calls wait for no delay");
        assert_eq!(client.stats().requests() - before.requests(), 2 + 500);
        let stats = &client.stats().servers[preferred];
        assert!(stats.cancelled > 0 && stats.latency.percentile(100).unwrap() >= DELAY);
        servers[preferred].signal("CONT");
        assert_ne!(client.preferred(), Some(preferred), "a resumed server has to win first");
    }
}

#[tokio::test(start_paused = true)]
async fn many_callers_recover_from_a_stop_within_their_budget() {
    const CALLERS: u64 = 64;
    let Some((servers, client, _clock)) = three().await else { return };
    let begun = Instant::now();
    let end = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
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
    until("all callers are stuck", async || running(&client, 0) == CALLERS).await;
    let stopped_at = calls();
    until("the callers are busy again", async || {
        advance(DELAY).await;
        client.preferred() != Some(0) && calls() > stopped_at + 2000 && running(&client, 0) == 0
    })
    .await;
    end.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let stats = client.stats();
    println!("{} hedges for {} calls, {} denied", stats.hedges, stats.calls, stats.hedges_denied);
    // The default budget: ten saved up, one for ten calls, and one a second.
    assert!(stats.hedges <= 10 + stats.calls / 10 + begun.elapsed().as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_preferred_server_that_is_killed_costs_no_delay() {
    let Some((servers, client, _clock)) = three().await else { return };
    let begun = Instant::now();
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
    // All: each fails with its own error.
    servers[2].signal("KILL");
    until("the last one is gone", async || client.call(GET).await.is_err()).await;
    let error = client.call(GET).await.unwrap_err();
    assert_eq!((error.kind, error.args), (CallErrorKind::Failed, GET));
    assert!(error.failures.iter().all(|failure| matches!(failure.cause, Cause::Error(_))));
    let asked: Vec<usize> = error.failures.iter().map(|failure| failure.server).collect();
    assert_eq!(asked, [2, 0, 1]);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn when_all_stop_calls_time_out_and_one_that_resumes_answers() {
    let Some((servers, client, _clock)) = three().await else { return };
    client.call(GET).await.unwrap();
    servers.iter().for_each(|server| server.signal("STOP"));
    let options = CallOptions::new().timeout(5 * DELAY);
    let begun = Instant::now();
    let (result, ()) = tokio::join!(client.call_with(GET, options), async {
        ask_all(&client).await;
        advance(3 * DELAY).await;
    });
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.failures.len()), (CallErrorKind::TimedOut, 3));
    assert_eq!(error.effect(), Effect::MayHaveHappened);
    assert_eq!(begun.elapsed(), 5 * DELAY);
    // A call is waiting when one of them resumes.
    let other = client.clone();
    let call = tokio::spawn(async move { other.call(GET).await.unwrap() });
    ask_all(&client).await;
    servers[2].signal("CONT");
    assert_eq!(call.await.unwrap(), "2");
    assert_eq!(client.call(GET).await.unwrap(), "2");
    assert_eq!(running(&client, 2), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_idempotent_is_carried_out_once() {
    const INCR: &[&str] = &["INCR", "count"];
    let Some((servers, client, _clock)) = three().await else { return };
    let once = CallOptions::new().idempotent(false);
    servers[0].signal("STOP");
    let (call, ()) = tokio::join!(client.call_with(INCR, once), async {
        until("it is asked", async || running(&client, 0) == 1).await;
        advance(3 * DELAY).await;
        servers[0].signal("CONT");
    });
    assert_eq!(call.unwrap(), "1");
    assert_eq!((client.stats().requests(), client.stats().hedges), (1, 0));
    for server in &servers[1..] {
        let mut connection = server.redis_client().await.unwrap();
        assert_eq!(connection.command(&["GET", "count"]).await.unwrap(), "");
    }
    // No server answers any more, so the calls end with the client.
    servers.iter().for_each(|server| server.signal("STOP"));
    let (call, report) = tokio::join!(client.call(GET), client.shutdown(Shutdown::Abort));
    assert_eq!(call.unwrap_err().kind, CallErrorKind::Closed);
    assert_eq!(report.calls.aborted, 1);
}
