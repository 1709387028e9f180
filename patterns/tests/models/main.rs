//! The patterns under model checkers: [loom](https://docs.rs/loom) goes through every interleaving
//! with up to three preemptions, [shuttle](https://docs.rs/shuttle) through many random ones.
//!
//! ```text
//! $ RUSTFLAGS='--cfg pushdown_model="loom"' cargo test --release -p pushdown-patterns --test models
//! $ RUSTFLAGS='--cfg pushdown_model="shuttle"' cargo test --release -p pushdown-patterns --test models
//! ```
//!
//! The models are tested as well: with a [bug](Bug) switched on, a model has to fail.

#![cfg(any(pushdown_model = "loom", pushdown_model = "shuttle"))]

use std::env;
use std::process::Command;
use std::time::Duration;

use pushdown_patterns::seeded::{self, Bug};

mod channel;
mod mux;
mod pubsub;
mod reconnect;
mod replicated;
mod schedule;

cfg_select! {
    pushdown_model = "loom" => {
        pub(crate) use loom::sync::Mutex;
        pub(crate) use loom::thread;

        /// Runs a model in every interleaving, and returns their number.
        fn run(model: impl Fn() + Send + Sync + 'static) -> usize {
            let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let counted = count.clone();
            let mut builder = loom::model::Builder::new();
            builder.preemption_bound = Some(3);
            builder.check(move || {
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                model();
            });
            count.load(std::sync::atomic::Ordering::Relaxed)
        }
    }
    _ => {
        pub(crate) use shuttle::sync::Mutex;
        pub(crate) use shuttle::thread;

        /// Interleavings that are tried.
        const SCHEDULES: usize = 100_000;

        fn run(model: impl Fn() + Send + Sync + 'static) -> usize {
            shuttle::check_random(model, SCHEDULES);
            SCHEDULES
        }
    }
}

/// A limit of waiting. In a model the time passes when a thread advances it.
pub(crate) const LIMIT: Duration = Duration::from_secs(1);

/// Checks a model.
pub(crate) fn holds(name: &str, model: impl Fn() + Send + Sync + 'static) {
    println!("{} interleavings of {name}", run(model));
}

/// Checks that a model fails with a bug switched on.
///
/// It fails in its own process, because a checker that has found something may abort.
pub(crate) fn finds(bug: Bug, model: impl Fn() + Send + Sync + 'static) {
    const SEEDED: &str = "PUSHDOWN_SEEDED";
    if env::var_os(SEEDED).is_some() {
        seeded::set(Some(bug));
        run(model);
        return;
    }
    let test = std::thread::current().name().expect("a test has a name").to_owned();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture"])
        .env(SEEDED, "1")
        .output()
        .unwrap();
    assert!(!child.status.success(), "{bug:?} was not found");
    println!("1 seeded bug found: {bug:?}");
}
