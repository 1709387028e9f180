//! How long everything is measured.

use std::env;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};

/// What a bench measures with. All benches together take about four minutes.
///
/// With `PUSHDOWN_BENCH=short` in the environment it is only enough to see that everything runs.
/// Arguments on the command line (`cargo bench -- --measurement-time 5`) have the last word.
pub fn criterion() -> Criterion {
    let (samples, milliseconds) = match env::var("PUSHDOWN_BENCH").as_deref() {
        Err(_) => (1000, 500),
        Ok("short") => (10, 20),
        Ok(other) => panic!("PUSHDOWN_BENCH is `short` or not set, and not `{other}`"),
    };
    Criterion::default()
        .sample_size(samples)
        .warm_up_time(Duration::from_millis(milliseconds / 5))
        .measurement_time(Duration::from_millis(milliseconds))
        .nresamples(1100)
        .without_plots()
        .configure_from_args()
}

/// A group whose samples are many and short, about 0.5 ms each: far shorter than the slices of time
/// that a scheduler hands out, so that on a busy machine most samples are whole, and the median is
/// one of them.
pub fn group(criterion: &mut Criterion, name: impl Into<String>) -> BenchmarkGroup<'_, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group
}
