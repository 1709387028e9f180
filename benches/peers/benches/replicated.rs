//! The cost of a request that could get a second one if it were slow: ours, and tower's `Hedge`. The
//! groups are those of the bench `replicated` of `pushdown-patterns-benches`.
//!
//! Neither waits for a delay: tower's computes its own from earlier answers, which come at once here. The
//! bookkeeping is compared. tower's has no list of servers and no preference among them, keeps no
//! budget, ends at the first error, measures only what was answered, and contains no panics.
//!
//! ```text
//! $ cargo bench --bench replicated
//! ```

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use pushdown_benches::settings;
use pushdown_patterns::replicated::{Client, Hedge, Options};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tower::hedge::{self, Policy};
use tower::{Service, service_fn};

/// Time for which tower's remembers an answer.
const PERIOD: Duration = Duration::from_secs(1);

fn main() {
    let mut criterion = settings::criterion();
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    healthy(&mut criterion, &runtime, "ready", async |number| number + 1);
    healthy(&mut criterion, &runtime, "yields", async |number| {
        yield_now().await;
        number + 1
    });
    criterion.final_summary();
}

/// Every request may be made twice.
#[derive(Clone)]
struct Always;

impl Policy<u64> for Always {
    fn clone_request(&self, number: &u64) -> Option<u64> {
        Some(*number)
    }

    fn can_retry(&self, _: &u64) -> bool {
        true
    }
}

fn healthy<F: Future<Output = u64> + Send + 'static>(
    criterion: &mut Criterion,
    runtime: &Runtime,
    name: &str,
    answer: impl Fn(u64) -> F + Copy + Send + Sync + 'static,
) {
    let mut group = settings::group(criterion, format!("replicated/{name}"));
    let request = move |_: Arc<usize>, number| {
        let answer = answer(number);
        async move { Ok::<_, Infallible>(answer.await) }
    };
    let client = Client::new(0..3, request, Options::new().hedge(Hedge::Never)).expect("servers");
    group.bench_function("never", |bencher| {
        bencher.iter_custom(|count| {
            runtime.block_on(async {
                let begun = Instant::now();
                for _ in 0..count {
                    assert_eq!(client.call(black_box(1)).await.ok(), Some(2));
                }
                begun.elapsed()
            })
        });
    });
    // The third argument is the number of answers after which it hedges.
    let service = service_fn(move |number| {
        let answer = answer(number);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut peer = hedge::Hedge::new(service, Always, u64::MAX, 0.95, PERIOD);
    group.bench_function("peer-tower", |bencher| {
        bencher.iter_custom(|count| {
            runtime.block_on(async {
                let begun = Instant::now();
                for _ in 0..count {
                    poll_fn(|cx| peer.poll_ready(cx)).await.expect("always ready");
                    assert_eq!(peer.call(black_box(1)).await.ok(), Some(2));
                }
                begun.elapsed()
            })
        });
    });
}
