//! Our multiplexer and a pipeline written by hand over memcached, and redis-rs over redis-server, in one
//! run.
//!
//! ```text
//! $ cargo bench --bench mux
//! ```

use pushdown_patterns::mux::memcached::{self, Memcached, Request};
use pushdown_patterns::mux::{Mux, Options};
use redis::aio::MultiplexedConnection;
use tokio::runtime::Builder;

use pushdown_benches::settings;
use pushdown_patterns_benches::callers;
use pushdown_patterns_benches::callers::{Client, VALUE, key};
use pushdown_patterns_benches::pipeline::Pipeline;
use pushdown_patterns_benches::servers::Server;

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut criterion = settings::criterion();
    let mut group = settings::group(&mut criterion, "mux/memcached");
    if let Some(server) = runtime.block_on(Server::memcached()) {
        let mux = runtime.block_on(async {
            let (read, write) = server.connect().await.unwrap().into_split();
            let (sink, stream) = memcached::split(read, write, memcached::MAX_VALUE);
            let (mux, _) = Mux::spawn(Memcached::new(), sink, stream, &Options::new());
            for number in 0..64 {
                let request = Request::set(key(number), vec![b'x'; VALUE]).unwrap();
                mux.call(request).await.unwrap();
            }
            mux
        });
        callers::bench(&mut group, "mux", &runtime, mux);
        let pipeline = runtime.block_on(async { Pipeline::spawn(server.connect().await.unwrap()) });
        callers::bench(&mut group, "pipeline", &runtime, pipeline);
    }
    group.finish();
    let mut group = settings::group(&mut criterion, "mux/redis");
    if let Some(server) = runtime.block_on(Server::redis()) {
        let connection = runtime.block_on(async {
            let url = format!("redis+unix://{}", server.socket().display());
            let client = redis::Client::open(url).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            for number in 0..64 {
                let mut set = redis::cmd("SET");
                set.arg(key(number)).arg(vec![b'x'; VALUE]);
                set.query_async::<()>(&mut connection).await.unwrap();
            }
            Redis(connection)
        });
        callers::bench(&mut group, "peer-redis", &runtime, connection);
    }
    group.finish();
    criterion.final_summary();
}

/// A handle is cloned for every call, as its documentation says.
struct Redis(MultiplexedConnection);

impl Client for Redis {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        redis::cmd("GET").arg(key).query_async(&mut self.0.clone()).await.unwrap()
    }
}
