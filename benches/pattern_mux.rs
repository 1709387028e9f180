//! Many callers over one connection to a real memcached, and the same over a pipeline written by hand.
//!
//! ```text
//! $ cargo bench --features pattern --bench pattern_mux
//! ```

use pushdown::pattern::mux::memcached::{self, Memcached, Request};
use pushdown::pattern::mux::{Mux, Options};
use tokio::runtime::Builder;

#[path = "common/callers.rs"]
mod callers;
#[path = "common/pipeline.rs"]
mod pipeline;
#[path = "../tests/servers/mod.rs"]
mod servers;
#[path = "common/settings.rs"]
mod settings;

use callers::Client;
use pipeline::Pipeline;
use servers::Server;

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(server) = runtime.block_on(Server::memcached()) else { return };
    let mux = runtime.block_on(async {
        let (read, write) = server.connect().await.unwrap().into_split();
        let (sink, stream) = memcached::split(read, write, memcached::MAX_VALUE);
        let (mux, _) = Mux::spawn(Memcached::new(), sink, stream, &Options::new());
        for number in 0..64 {
            let request = Request::set(callers::key(number), vec![b'x'; callers::VALUE]).unwrap();
            mux.call(request).await.unwrap();
        }
        mux
    });
    let pipeline = runtime.block_on(async { Pipeline::spawn(server.connect().await.unwrap()) });

    let mut criterion = settings::criterion();
    let mut group = settings::group(&mut criterion, "mux/memcached");
    callers::bench(&mut group, "mux", &runtime, mux);
    callers::bench(&mut group, "pipeline", &runtime, pipeline);
    group.finish();
    criterion.final_summary();
}

impl Client for Mux<Memcached> {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        self.call(Request::get(key).unwrap()).await.unwrap().value
    }
}

impl Client for Pipeline {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        self.get(key).await
    }
}
