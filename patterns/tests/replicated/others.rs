//! Bugs of other software, each with a test that this crate does not have it.
//!
//! | software | bug |
//! |---|---|
//! | async-nats #1617 | a pending entry leaks when the caller is dropped |
//! | jsonrpsee #235, tokio-tower #28, tower-lsp-server #35 | a reply that comes after its call is gone does harm |
//! | redis-rs #1541 | the time in a queue does not count |
//! | hickory #3531, #3837 | a dead server keeps a perfect score |
//! | tower #472 | a hedge holds capacity before its delay is over |
//! | tower's hedge | the first answer wins, even if it is an error and another attempt is running |
//! | grpc-java #10145 | an error does not cut the delay short |
//! | grpc-java #9185 | an attempt is started after its call has been won |
//! | the lecture | an attempt that loses blocks for ever if its channel has no room |

use super::*;
use pushdown_patterns::replicated::{Budget, CallErrorKind, Hedge, Losers};
use std::num::NonZeroUsize;
use tokio::sync::Semaphore;

/// async-nats #1617.
#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_nothing_behind() {
    let servers = Servers::new([Stop, Stop]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    let before = alive_tasks();
    for _ in 0..100 {
        assert!(tokio::time::timeout(ms(15), client.call(())).await.is_err());
        assert_eq!((servers.running(), client.running().calls), (0, 0));
    }
    assert_eq!(alive_tasks(), before);
    let stats = client.stats();
    assert_eq!(stats.running(), 0);
    assert_eq!((client.preferred(), stats.moves), (Some(0), 0), "a dropped call does not choose");
    let [first, second] = &stats.servers[..] else { panic!("two servers") };
    assert!(first.latency.percentile(1).unwrap() >= ms(15), "as long as it was waited for");
    assert!(second.latency.percentile(1).unwrap() < ms(7));
}

/// jsonrpsee #235, tokio-tower #28, tower-lsp-server #35.
#[tokio::test(start_paused = true)]
async fn a_late_reply_counts_and_does_no_harm() {
    let servers = Servers::new([Reply(50), Reply(1)]);
    let losers = Losers::Finish { at_most: NonZeroUsize::MIN, within: ms(1000) };
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))).losers(losers));
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!(client.running().losers, 1);
    tokio::time::sleep(ms(100)).await;
    assert_eq!(client.running().losers, 0);
    assert_eq!(client.preferred(), Some(1), "it has not won");
    let stats = client.stats();
    assert_eq!(stats.servers[0].succeeded, 1);
    assert!(stats.servers[0].latency.percentile(50).unwrap() >= ms(50));
    assert_eq!(client.call(()).await.unwrap(), 1);
}

/// redis-rs #1541.
#[tokio::test(start_paused = true)]
async fn the_timeout_covers_everything_a_request_waits_for() {
    let connections = Arc::new(Semaphore::new(1));
    let pool = connections.clone();
    let call = move |_, ()| {
        let pool = pool.clone();
        async move {
            let _connection = pool.acquire().await.map_err(|_| "closed")?;
            pending().await
        }
    };
    let client: Client<u8, (), (), &str> =
        Client::new([0], call, Options::new().timeout(ms(30))).unwrap();
    let start = Instant::now();
    let (first, second) = tokio::join!(client.call(()), client.call(()));
    assert_eq!(first.unwrap_err().kind, CallErrorKind::TimedOut);
    assert_eq!(second.unwrap_err().kind, CallErrorKind::TimedOut);
    assert_eq!(start.elapsed(), ms(30));
    assert_eq!(connections.available_permits(), 1);
}

/// hickory #3531, #3837.
#[tokio::test(start_paused = true)]
async fn a_dead_server_does_not_keep_its_record() {
    let servers = Servers::new([Reply(1), Reply(2)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    for _ in 0..10 {
        client.call(()).await.unwrap();
    }
    servers.becomes(0, Stop);
    client.call(()).await.unwrap();
    let dead = &client.stats().servers[0];
    assert_eq!((dead.attempts, dead.succeeded, dead.cancelled), (11, 10, 1));
    assert!(dead.latency.percentile(99).unwrap() >= ms(12), "as long as it was waited for");
    for _ in 0..10 {
        assert_eq!(client.call(()).await.unwrap(), 1);
    }
    assert_eq!(client.stats().servers[0].attempts, 11, "it is not asked again");
}

/// The same where no other server may be asked within the call. If the preference did not move, each
/// call would time out.
#[tokio::test(start_paused = true)]
async fn calls_that_ask_one_server_do_not_ask_a_dead_one_for_ever() {
    let servers = Servers::new([Stop, Reply(1)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::Never).timeout(ms(20)));
    assert_eq!(client.call(()).await.unwrap_err().kind, CallErrorKind::TimedOut);
    assert_eq!(client.call(()).await.unwrap(), 1);
}

/// tower #472.
#[tokio::test(start_paused = true)]
async fn a_hedge_holds_nothing_before_its_delay_is_over() {
    #[derive(Debug)]
    struct Counted(Arc<Mutex<usize>>);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            *self.0.lock().unwrap() += 1;
            Self(self.0.clone())
        }
    }
    let servers = Servers::new([Reply(9), Reply(0)]);
    let client: Fake<Counted> =
        servers.client(Options::new().hedge(Hedge::After(ms(10))).budget(Budget {
            percent: 0,
            per_second: 0,
            burst: 1,
        }));
    let copies = Arc::new(Mutex::new(0));
    for _ in 0..3 {
        client.call(Counted(copies.clone())).await.unwrap();
    }
    assert_eq!(*copies.lock().unwrap(), 3, "one for each attempt");
    servers.becomes(0, Stop);
    assert_eq!(client.call(Counted(copies.clone())).await.unwrap(), 1);
    assert_eq!(client.stats().hedges, 1, "the one in the budget is still there");
}

/// tower's hedge.
#[tokio::test(start_paused = true)]
async fn an_error_does_not_win_while_another_attempt_is_running() {
    let servers = Servers::new([Reply(30), Fail(1)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    assert_eq!(client.call(()).await.unwrap(), 0);
    assert_eq!(servers.elapsed(), 30);
}

/// grpc-java #10145.
#[tokio::test(start_paused = true)]
async fn an_error_starts_the_next_attempt_at_once() {
    let servers = Servers::new([Fail(2), Fail(0), Reply(1)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    assert_eq!(client.call(()).await.unwrap(), 2);
    assert_eq!(servers.asked(), [(0, 0), (2, 1), (2, 2)]);
    assert_eq!(client.stats().hedges, 0, "an attempt after an error is no hedge");
}

/// grpc-java #9185.
#[tokio::test(start_paused = true)]
async fn a_reply_at_the_moment_of_a_hedge_leaves_no_attempt_behind() {
    for reply in 8..13 {
        let servers = Servers::new([Reply(reply), Stop, Stop]);
        let losers = Losers::Finish { at_most: NonZeroUsize::MAX, within: ms(5) };
        let client: Fake =
            servers.client(Options::new().hedge(Hedge::After(ms(10))).losers(losers));
        assert_eq!(client.call(()).await.unwrap(), 0);
        let asked = servers.asked().len();
        assert_eq!(asked, if reply <= 10 { 1 } else { 2 }, "a reply after {reply} ms");
        tokio::time::sleep(ms(100)).await;
        assert_eq!((servers.asked().len(), servers.running()), (0, 0));
    }
}

/// The lecture, which makes the channel large enough for all.
#[tokio::test(start_paused = true)]
async fn every_attempt_that_loses_can_finish() {
    let servers = Servers::new([Reply(40), Reply(30), Reply(1)]);
    let losers = Losers::Finish { at_most: NonZeroUsize::new(2).unwrap(), within: ms(1000) };
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(5))).losers(losers));
    let before = alive_tasks();
    assert_eq!(client.call(()).await.unwrap(), 2);
    assert_eq!((client.running().losers, alive_tasks()), (2, before + 2));
    tokio::time::sleep(ms(50)).await;
    assert_eq!((client.running().losers, servers.running(), alive_tasks()), (0, 0, before));
    let stats = client.stats();
    assert!(stats.servers.iter().all(|server| server.succeeded == 1 && server.cancelled == 0));
}
