//! The multiplexer beside redis-rs: many callers over one connection to the same redis-server, in turns.
//!
//! ```text
//! $ cargo run --release --example redis
//! ```
//!
//! Both are asked for values of 32 bytes by 1, 64 and 1,024 callers, each of which calls again as soon as it has its
//! reply. Neither has a time limit: that of redis-rs, half a second, is switched off. A round of one is followed by a
//! round of the other, so that both meet the same noise. Printed are the medians of all rounds, and the median of the
//! ratios of neighbouring rounds.

use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns_benches::callers::{self, CALLERS, Client};
use pushdown_patterns_benches::redis::connect;
use pushdown_patterns_benches::servers::Server;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;

/// Rounds of each client. An odd number has a middle.
const ROUNDS: usize = 31;

/// The connection is cloned for every call, as the documentation of redis-rs says.
struct RedisRs(MultiplexedConnection);

impl Client for RedisRs {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        redis::cmd("GET").arg(key).query_async(&mut self.0.clone()).await.unwrap()
    }
}

fn main() {
    let runtime = callers::runtime();
    let Some(server) = runtime.block_on(Server::redis()) else { return };
    let ours = Arc::new(runtime.block_on(connect(&server)));
    let theirs = Arc::new(runtime.block_on(async {
        let url = format!("redis+unix://{}", server.socket().display());
        let client = redis::Client::open(url).unwrap();
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        RedisRs(connection.unwrap())
    }));
    println!("callers  mux      redis-rs  redis-rs / mux");
    for callers in CALLERS {
        let calls = if callers == 1 { 2_000 } else { 40_000 };
        let time = |duration: Duration| duration.as_secs_f64() * 1e6 / calls as f64;
        let rounds = (0..=ROUNDS).map(|round| {
            let mut times = [0.0; 2];
            // Each is the first of the two in turns.
            for client in [round % 2, (round + 1) % 2] {
                times[client] = time(runtime.block_on(async {
                    match client {
                        0 => callers::run(&ours, callers, calls).await,
                        _ => callers::run(&theirs, callers, calls).await,
                    }
                }));
            }
            times
        });
        // The first round warms up.
        let rounds = rounds.skip(1).collect::<Vec<_>>();
        let median = |of: fn(&[f64; 2]) -> f64| {
            let mut values = rounds.iter().map(of).collect::<Vec<_>>();
            values.sort_by(f64::total_cmp);
            values[ROUNDS / 2]
        };
        println!(
            "{callers:7}  {:5.2} µs  {:6.2} µs  {:14.2}",
            median(|times| times[0]),
            median(|times| times[1]),
            median(|times| times[1] / times[0]),
        );
    }
}
