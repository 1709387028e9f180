//! The cost of a byte below many nested calls: `()` again and again, at a depth.
//!
//! | form | a call is |
//! |---|---|
//! | `coroutine` | `Input::nested` on the coroutine's stack, made large enough |
//! | `stackless` | `Input::nested` on the heap |
//! | `boxed` | `Box::pin` by hand: each resume goes through all levels |
//!
//! In `nested/resumed` every byte is a chunk of its own, so each costs a resume. In `nested/chunk` a
//! chunk of 64 KiB goes down to the depth and up again, as often as it fits. `boxed` ends at the depth
//! [`BOXED`], because ten times as deep its polls overflow a thread's default stack of 2 MiB.
//!
//! ```text
//! $ cargo bench --bench nested
//! ```

use std::hint::black_box;
use std::pin::Pin;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown::engine::{coroutine, stackless};
use pushdown::{Failure, PushParser, Status};
use pushdown_benches::{corpus, settings};

const DEPTHS: [usize; 4] = [1, 100, 1000, 10_000];

/// The depth that `Box::pin` by hand reaches.
const BOXED: usize = 1000;

/// Balanced parentheses, any number of them one after the other.
fn on_a_stack(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    while input.peek()? == b'(' {
        input.next()?;
        input.nested(on_a_stack)?;
        input.expect(b')')?;
    }
    Ok(())
}

async fn on_the_heap(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    while input.peek().await? == b'(' {
        input.next().await?;
        input.nested(on_the_heap).await?;
        input.expect(b')').await?;
    }
    Ok(())
}

fn boxed<'a>(
    input: &'a mut stackless::Input<'_>,
) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>> {
    Box::pin(async move {
        while input.peek().await? == b'(' {
            input.next().await?;
            boxed(input).await?;
            input.expect(b')').await?;
        }
        Ok(())
    })
}

fn main() {
    let mut criterion = settings::criterion();
    for (name, measure) in [("nested/resumed", resumed as Measure), ("nested/chunk", chunk)] {
        let group = &mut settings::group(&mut criterion, name);
        for depth in DEPTHS {
            let levels = u32::try_from(depth).unwrap() + 2;
            let stack = coroutine::Options::new().max_depth(levels).stack_size(depth << 10);
            let heap = stackless::Options::new().max_depth(levels);
            measure(group, "coroutine", &mut stack.parser(on_a_stack).unwrap(), depth);
            measure(group, "stackless", &mut heap.parser(on_the_heap), depth);
            if depth <= BOXED {
                let body = async |input: &mut stackless::Input<'_>| boxed(input).await;
                measure(group, "boxed", &mut stackless::Parser::new(body), depth);
            }
        }
    }
    criterion.final_summary();
}

type Measure = fn(
    &mut BenchmarkGroup<'_, WallTime>,
    &str,
    &mut dyn PushParser<Events = (), Output = ()>,
    usize,
);

fn feed(parser: &mut dyn PushParser<Events = (), Output = ()>, chunk: &[u8]) {
    let progress = parser.feed(black_box(chunk));
    debug_assert_eq!(progress.status, Status::NeedMoreInput);
    black_box(progress.consumed);
}

fn resumed(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    parser: &mut dyn PushParser<Events = (), Output = ()>,
    depth: usize,
) {
    assert_eq!(parser.feed(&vec![b'('; depth]).status, Status::NeedMoreInput);
    group.throughput(Throughput::Bytes(2));
    group.bench_function(BenchmarkId::new(name, depth), |bencher| {
        bencher.iter(|| {
            feed(parser, b"(");
            feed(parser, b")");
        });
    });
}

fn chunk(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    parser: &mut dyn PushParser<Events = (), Output = ()>,
    depth: usize,
) {
    let once = [vec![b'('; depth], vec![b')'; depth]].concat();
    let chunk = once.repeat(corpus::LEN / once.len());
    assert_eq!(parser.feed(&chunk).consumed, chunk.len());
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    group.bench_function(BenchmarkId::new(name, depth), |bencher| {
        bencher.iter(|| feed(parser, &chunk));
    });
}
