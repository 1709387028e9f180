//! The multiplexer and a pipeline written by hand over memcached, and the multiplexer and redis-rs over
//! redis-server, in one run. The example `redis` measures the last two in turns.
//!
//! ```text
//! $ cargo bench --bench mux
//! ```

use redis::aio::MultiplexedConnection;

use pushdown_benches::settings;
use pushdown_patterns_benches::callers::{self, Client};
use pushdown_patterns_benches::memcached;
use pushdown_patterns_benches::servers::Server;

fn main() {
    let runtime = callers::runtime();
    let mut criterion = settings::criterion();
    let mut group = settings::group(&mut criterion, "mux/memcached");
    if let Some(server) = runtime.block_on(Server::memcached()) {
        memcached::bench_clients(&mut group, &runtime, &server);
    }
    group.finish();
    let mut group = settings::group(&mut criterion, "mux/redis");
    if let Some(server) = runtime.block_on(Server::redis()) {
        let connection = runtime.block_on(async {
            let url = format!("redis+unix://{}", server.socket().display());
            let client = redis::Client::open(url).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            for (key, value) in callers::entries() {
                let mut set = redis::cmd("SET");
                set.arg(key).arg(value);
                set.query_async::<()>(&mut connection).await.unwrap();
            }
            Redis(connection)
        });
        let mux = runtime.block_on(pushdown_patterns_benches::redis::connect(&server));
        callers::bench(&mut group, "mux", &runtime, mux);
        callers::bench(&mut group, "peer-redis", &runtime, connection);
    }
    group.finish();
    criterion.final_summary();
}

/// The connection is cloned for every call, as the documentation of redis-rs says.
struct Redis(MultiplexedConnection);

impl Client for Redis {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        redis::cmd("GET").arg(key).query_async(&mut self.0.clone()).await.unwrap()
    }
}
