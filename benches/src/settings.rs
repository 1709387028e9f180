//! Measurement times.

use std::env;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};

/// Criterion, configured so that all benches together take about four minutes.
///
/// With `PUSHDOWN_BENCH=short` in the environment the times suffice to see that everything runs.
/// Arguments on the command line (`cargo bench -- --measurement-time 5`) take precedence.
pub fn criterion() -> Criterion {
    let (samples, milliseconds) = match env::var("PUSHDOWN_BENCH").as_deref() {
        Err(_) => (1000, 500),
        Ok("short") => (10, 20),
        Ok(other) => panic!("PUSHDOWN_BENCH must be `short` or unset, not `{other}`"),
    };
    Criterion::default()
        .sample_size(samples)
        .warm_up_time(Duration::from_millis(milliseconds / 5))
        .measurement_time(Duration::from_millis(milliseconds))
        .nresamples(1100)
        .without_plots()
        .configure_from_args()
}

/// Creates a group whose samples are many and short, about 0.5 ms each. They are far shorter than a
/// scheduler's time slices, so that on a busy machine most samples are not interrupted, and the median
/// is one of these.
pub fn group(criterion: &mut Criterion, name: impl Into<String>) -> BenchmarkGroup<'_, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group
}
