//! Two clients of memcached that share one connection among many callers.

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use pushdown_patterns::mux::memcached::{self, Memcached, Request};
use pushdown_patterns::mux::{Mux, Options};
use tokio::runtime::Runtime;

use crate::callers::{Client, bench, entries};
use crate::pipeline::Pipeline;
use crate::servers::Server;

impl Client for Mux<Memcached> {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        self.call(Request::get(key).unwrap()).await.unwrap().value
    }
}

/// Benchmarks the multiplexer, and the pipeline written by hand, over a real memcached.
pub fn bench_clients(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, server: &Server) {
    let mux = runtime.block_on(async {
        let (read, write) = server.connect().await.unwrap().into_split();
        let (sink, stream) = memcached::split(read, write, memcached::MAX_VALUE);
        let (mux, _) = Mux::spawn(Memcached::new(), sink, stream, Options::new());
        for (key, value) in entries() {
            mux.call(Request::set(key, value).unwrap()).await.unwrap();
        }
        mux
    });
    bench(group, "mux", runtime, mux);
    let pipeline = runtime.block_on(async { Pipeline::spawn(server.connect().await.unwrap()) });
    bench(group, "pipeline", runtime, pipeline);
}
