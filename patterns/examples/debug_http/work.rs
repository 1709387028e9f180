//! Programs to be listed.

use std::time::Duration;

use pushdown_patterns::debug::dump;
use pushdown_patterns::pubsub::{Policy, mutex::Server};
use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};

/// Publishers that wait for a subscriber that does not read, and calls that do not end.
pub(crate) async fn work() {
    let server = Server::<str>::new().named("events");
    let _stuck = server.subscribe(Policy::block(1, Duration::MAX)).expect("it is open");
    let mut reader = server.subscribe(Policy::drop_oldest(1)).expect("it is open");
    server.publish("the only one").await.expect("there is room");
    for _ in 0..3 {
        let server = server.clone();
        tokio::spawn(async move { server.publish("more").await });
    }
    tokio::spawn(async move { while reader.recv().await.is_some() {} });
    let slow =
        async |_: Lease<()>, _: u32| std::future::pending::<Result<(), CallFailure<()>>>().await;
    let _ = schedule(vec![(); 2], 0..2, slow, Options::default().name("nightly")).await;
}

/// A deadlock. Each worker of the runtime runs a reader that answers an event with another one, and
/// blocks until there is room for it: for ever, because nobody else reads. A thousand publishers wait too.
pub(crate) async fn deadlock(workers: usize) {
    const PUBLISHERS: usize = 1000;
    let server = Server::<str>::new().named("orders");
    let subscribe = |_| server.subscribe(Policy::block(1, Duration::MAX)).expect("it is open");
    let readers: Vec<_> = (0..workers).map(subscribe).collect();
    server.publish("the first").await.expect("there is room");
    for _ in 0..PUBLISHERS {
        let server = server.clone();
        tokio::spawn(async move { server.publish("one more").await });
    }
    while dump().waiting() < PUBLISHERS {
        tokio::task::yield_now().await;
    }
    for mut reader in readers {
        let server = server.clone();
        tokio::spawn(async move {
            while reader.recv().await.is_some() {
                let _ = server.blocking_publish("an answer");
            }
        });
    }
}
