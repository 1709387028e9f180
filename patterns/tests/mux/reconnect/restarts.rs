//! Real servers that are killed and started again under load.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pushdown_patterns::Effect;
use pushdown_patterns::mux::memcached::{self, Memcached, Request, Status};
use pushdown_patterns::mux::{CallOptions, InOrder, Protocol, redis};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use super::*;
use crate::common::{self, until};

/// Turns a hang into a failure.
const HANG: Duration = Duration::from_secs(60);

const KILLS: usize = 5;

/// A function of a test, for the life of a server.
fn options() -> Options {
    let millisecond = Duration::from_millis(1);
    Options::new().backoff(millisecond, 20 * millisecond).attempts(NonZeroU32::MAX)
}

/// The result of one call, as its caller sees it.
#[derive(Clone, Copy, Debug)]
struct Told {
    is_idempotent: bool,
    effect: Effect,
    /// The number of times that the effect has happened, as the reply says.
    value: Option<u64>,
}

/// Callers that make calls until they are told to stop. Each call has a key of its own, whose value counts
/// how often it happened.
struct Load {
    callers: JoinSet<Vec<(String, Told)>>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

impl Load {
    const CALLERS: u64 = 64;

    /// `increment` makes the request that increments a key, and `value` reads its reply.
    fn start<P: Protocol>(
        client: &Reconnect<P>,
        increment: fn(&str) -> P::Request,
        value: fn(P::Reply) -> u64,
    ) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut callers = JoinSet::new();
        for caller in 0..Self::CALLERS {
            let (client, stop, answered) = (client.clone(), stop.clone(), answered.clone());
            callers.spawn(async move {
                let mut told = Vec::new();
                for call in 0_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let key = format!("{caller}:{call}");
                    let is_idempotent = call.is_multiple_of(3);
                    // Every fifth call loses patience while the server is away.
                    let limit = CallOptions::new();
                    let limit = if call.is_multiple_of(5) {
                        limit.timeout(Duration::from_millis(2))
                    } else {
                        limit
                    };
                    let result = if is_idempotent {
                        client.call_idempotent_with(|| increment(&key), limit).await
                    } else {
                        client.call_with(increment(&key), limit).await
                    };
                    let (effect, value) = match result {
                        Ok(reply) => {
                            answered.fetch_add(1, Ordering::Relaxed);
                            (Effect::Happened, Some(value(reply)))
                        }
                        Err(error) => (error.effect(), None),
                    };
                    told.push((key, Told { is_idempotent, effect, value }));
                }
                told
            });
        }
        Self { callers, stop, answered }
    }

    async fn answers(&self, more: u64) {
        let before = self.answered.load(Ordering::Relaxed);
        until("calls are answered", async || {
            self.answered.load(Ordering::Relaxed) >= before + more
        })
        .await;
    }

    /// Kills the server and starts it again, a few times, and returns what the callers were told.
    async fn killing<P: Protocol>(
        self,
        server: &mut common::Server,
        client: &Reconnect<P>,
    ) -> Vec<(String, Told)> {
        for _ in 0..KILLS {
            self.answers(2_000).await;
            server.kill();
            until("calls wait", async || client.counts().waiting > 0).await;
            server.start_again();
        }
        self.answers(2_000).await;
        self.end().await
    }

    /// Stops the callers. Each ends, though no call of most has a timeout.
    async fn end(self) -> Vec<(String, Told)> {
        self.stop.store(true, Ordering::Relaxed);
        let callers = self.callers.join_all();
        tokio::time::timeout(HANG, callers).await.expect("every call ends").concat()
    }
}

/// Checks what was told against the values that a server has at the end. Returns the numbers of calls
/// that did not happen, may have, and did.
fn check(told: &[(String, Told)], values: &HashMap<String, u64>, is_durable: bool) -> [usize; 3] {
    let mut counts = [0; 3];
    for (key, Told { is_idempotent, effect, value }) in told {
        let count = values.get(key).copied().unwrap_or(0);
        let at_most = if *is_idempotent { u64::MAX } else { 1 };
        let (range, kind) = match effect {
            Effect::DidNotHappen => (0..=0, 0),
            Effect::MayHaveHappened => (0..=at_most, 1),
            Effect::Happened => (u64::from(is_durable)..=at_most, 2),
        };
        assert!(range.contains(&count), "{effect:?} {key}, and {count} times at the server");
        assert!(value.is_none_or(|value| value >= 1 && value <= at_most), "{key}: {value:?}");
        counts[kind] += 1;
    }
    counts
}

fn report(name: &str, counts: [usize; 3], client: impl std::fmt::Debug) {
    let [not, maybe, done] = counts;
    println!(
        "{name}, {KILLS} kills: {not} calls did not happen, {maybe} may have, {done} did; {client:?}"
    );
    assert!(done > 0 && maybe > 0);
}

fn increment(key: &str) -> Request {
    // Made with the value 1 if it is not there.
    let flags = ["v", "N0", "J1"];
    let request = Request::arithmetic(key).unwrap();
    flags.iter().fold(request, |request, flag| request.flag(flag).unwrap())
}

fn value(reply: memcached::Reply) -> u64 {
    assert_eq!(reply.status, Status::Value);
    String::from_utf8(reply.value.unwrap()).unwrap().parse().unwrap()
}

/// A killed memcached forgets everything, so of a call that was told before only the reply can be
/// checked; of the others the values that the last server has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memcached_that_is_killed_and_started_again_is_used_again() {
    let Some(mut server) = common::Server::memcached().await else { return };
    let socket = server.socket();
    let connect = move || {
        let socket = socket.clone();
        async move {
            let (read, write) = UnixStream::connect(socket).await?.into_split();
            let (sink, stream) = memcached::split(read, write, memcached::MAX_VALUE);
            let options = mux::Options::new();
            let (mux, unsolicited) = Mux::spawn(Memcached::new(), sink, stream, options);
            // A connection of a server that is just being killed is none.
            mux.call(Request::noop()).await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((mux, unsolicited))
        }
    };
    let (client, _messages) = Reconnect::spawn(connect, options());
    let load = Load::start(&client, increment, value);
    let told = load.killing(&mut server, &client).await;
    let mut values = HashMap::new();
    for (key, _) in &told {
        let reply = client.call_idempotent(|| Request::get(key).unwrap()).await.unwrap();
        if reply.status == Status::Value {
            values.insert(key.clone(), value(reply));
        }
    }
    let counts = client.counts();
    assert!(counts.connections as usize > KILLS, "{counts:?}");
    report("memcached", check(&told, &values, false), counts);
}

fn incr(key: &str) -> redis::Request {
    redis::Request::new(["INCR", key]).unwrap()
}

fn integer(reply: redis::Value) -> u64 {
    let redis::Value::Integer(value) = reply else { panic!("{reply:?}") };
    u64::try_from(value).unwrap()
}

/// A redis-server that writes what it does to a file before it answers, so that a killed one forgets
/// nothing: whatever callers were told, its values say what happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_callers_of_a_redis_server_that_is_killed_were_told_is_so() {
    let Some(mut server) = common::Server::durable_redis().await else { return };
    let socket = server.socket();
    let connect = move || {
        let socket = socket.clone();
        async move {
            let (read, write) = UnixStream::connect(socket).await?.into_split();
            let (sink, stream) = redis::split(read, write, redis::Values::new());
            let options = mux::Options::new();
            let (mux, messages) = Mux::spawn(InOrder::new(redis::Redis), sink, stream, options);
            // An error while the server reads its file.
            let get = mux.call(redis::Request::new(["GET", "key"]).unwrap()).await;
            match get.map_err(io::Error::other)? {
                redis::Value::Null(_) => Ok((mux, messages)),
                other => Err(io::Error::other(format!("{other:?}"))),
            }
        }
    };
    let (client, _messages) = Reconnect::spawn(connect, options());
    let load = Load::start(&client, incr, integer);
    let told = load.killing(&mut server, &client).await;
    let mut values = HashMap::new();
    for (key, _) in &told {
        let get = || redis::Request::new(["GET", key]).unwrap();
        if let redis::Value::Bulk(value) = client.call_idempotent(get).await.unwrap() {
            values.insert(key.clone(), String::from_utf8(value.to_vec()).unwrap().parse().unwrap());
        }
    }
    let counts = client.counts();
    assert!(counts.connections as usize > KILLS, "{counts:?}");
    report("redis-server", check(&told, &values, true), counts);
}
