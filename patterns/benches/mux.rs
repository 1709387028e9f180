//! A call beside producers that never rest, and many callers over one connection to a real memcached: the
//! multiplexer, and a pipeline written by hand.
//!
//! ```text
//! $ cargo bench -p pushdown-patterns-benches --bench mux
//! ```

use pushdown_benches::settings;
use pushdown_patterns_benches::servers::Server;
use pushdown_patterns_benches::{callers, echo, memcached};

fn main() {
    let runtime = callers::runtime();
    let mut criterion = settings::criterion();
    let mut group = settings::group(&mut criterion, "mux/echo");
    echo::bench(&mut group);
    group.finish();
    let Some(server) = runtime.block_on(Server::memcached()) else { return };
    let mut group = settings::group(&mut criterion, "mux/memcached");
    memcached::bench_clients(&mut group, &runtime, &server);
    group.finish();
    criterion.final_summary();
}
