//! Many callers over one connection to a real memcached, and the same over a pipeline written by hand.
//!
//! ```text
//! $ cargo bench -p pushdown-patterns-benches --bench mux
//! ```

use pushdown_patterns::mux::memcached::{self, Memcached, Request};
use pushdown_patterns::mux::{Mux, Options};
use tokio::runtime::Builder;

use pushdown_benches::settings;
use pushdown_patterns_benches::callers;
use pushdown_patterns_benches::pipeline::Pipeline;
use pushdown_patterns_benches::servers::Server;

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
