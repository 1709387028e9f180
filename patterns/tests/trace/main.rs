//! The events of the systems, as a subscriber sees them.
//!
//! | file | tests |
//! |---|---|
//! | `capture` | nothing: it is the subscriber, which checks each event against the table in `src/trace.rs` |
//! | `mux`, `replicated`, `schedule`, `pubsub` | the events of each system, in scenarios that together have all of the table |
//! | `counts` | the counters |
//!
//! While a scenario runs, each event of its systems calls everything of them that does not wait. An event
//! that is emitted under a lock would wait for itself, and [`within`] fails.

use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

mod capture;
mod counts;
mod mux;
mod pubsub;
mod replicated;
mod schedule;

/// Runs a scenario in a runtime of one thread whose time is paused. The scenarios take turns, because they
/// share a subscriber.
fn within(scenario: impl AsyncFnOnce() + Send + 'static) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    capture::clear();
    let (done, is_done) = mpsc::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(scenario());
        drop(runtime);
        done.send(()).unwrap();
    };
    let thread = thread::spawn(run);
    match is_done.recv_timeout(Duration::from_secs(60)) {
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => thread.join().unwrap(),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("an event waits for its own system"),
    }
}

/// Lets all tasks run until each of them waits: paused time advances only then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[test]
fn every_event_of_the_table_is_emitted_as_the_table_says() {
    let rows = capture::rows().len();
    mux::run();
    replicated::run();
    schedule::run();
    pubsub::run();
    let missing = capture::unseen();
    println!("{rows} events");
    assert!(rows > 30 && missing.is_empty(), "not seen: {missing:?}");
}

/// Looks at every field of every event, after all scenarios.
#[test]
fn no_event_has_anything_of_a_payload() {
    mux::run();
    replicated::run();
    schedule::run();
    pubsub::run();
    let texts = capture::texts();
    println!("{} events", texts.len());
    let secret: Vec<_> = texts.iter().filter(|text| text.contains(SECRET)).collect();
    assert!(!texts.is_empty() && secret.is_empty(), "{secret:?}");
}

/// A part of each payload, error and panic of the scenarios.
const SECRET: &str = "s3cret";
