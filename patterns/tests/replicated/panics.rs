//! Panics of user code.

use super::*;
use pushdown_patterns::Effect;
use pushdown_patterns::replicated::{CallOptions, Hedge, Losers};
use std::num::NonZeroUsize;

#[tokio::test(start_paused = true)]
async fn an_attempt_that_panics_counts_as_failed() {
    for does in [Panic(0), Panic(3)] {
        let servers = Servers::new([does, Reply(1)]);
        let client: Fake = servers.client(Options::new());
        assert_eq!(client.call(()).await.unwrap(), 1);
        assert_eq!(client.stats().servers[0].panicked, 1);
        assert_eq!(client.call(()).await.unwrap(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_place_of_a_request_is_contained() {
    let call = |server: Arc<u8>, add| {
        assert_ne!(*server, 0, "no requests to {server}");
        async move { Ok(*server + add) }
    };
    let client: Client<u8, u8, u8, ()> = Client::new([0, 1], call, Options::new()).unwrap();
    assert_eq!(client.call(5).await.unwrap(), 6);
    let once = CallOptions::new().idempotent(false);
    assert_eq!(client.call_with(5, once).await.unwrap(), 6, "the other one is preferred");
}

#[tokio::test(start_paused = true)]
async fn arguments_that_panic_when_they_are_cloned_fail_the_call() {
    #[derive(Debug)]
    struct Fragile;
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            panic!("it broke")
        }
    }
    let servers = Servers::new([Reply(0), Reply(0)]);
    let client: Fake<Fragile> = servers.client(Options::new());
    let Fragile = client.call(Fragile).await.unwrap_err().args;
    let stats = client.stats();
    assert_eq!((stats.servers[0].panicked, stats.servers[1].panicked), (1, 1));
    assert_eq!(client.running().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_effect_function_panics_may_have_had_an_effect() {
    let servers = Servers::new([Fail(0), Reply(0)]);
    let client: Fake = servers.client(Options::new().effect(|error| panic!("{error}")));
    let once = CallOptions::new().idempotent(false);
    let error = client.call_with((), once).await.unwrap_err();
    assert_eq!(error.effect(), Effect::MayHaveHappened);
}

/// Panics when it is dropped, with a payload that does the same.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(Payload(self.0));
    }
}

struct Payload(&'static str);

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

#[tokio::test(start_paused = true)]
async fn losers_that_panic_when_they_are_dropped_do_no_harm() {
    let finish = Losers::Finish { at_most: NonZeroUsize::MIN, within: ms(10) };
    for losers in [Losers::Cancel, finish] {
        let call = |server: Arc<u64>, ()| async move {
            let _bomb = (*server == 0).then(|| Bomb("dropped"));
            tokio::time::sleep(ms(1000 / (*server * 1000 + 1))).await;
            Ok(*server)
        };
        let options = Options::new().hedge(Hedge::After(ms(5))).losers(losers);
        let client: Client<u64, (), u64, ()> = Client::new([0, 1], call, options).unwrap();
        assert_eq!(client.call(()).await.unwrap(), 1);
        tokio::time::sleep(ms(50)).await;
        let running = client.running();
        assert_eq!((running.calls, running.losers), (0, 0));
        assert_eq!(client.stats().servers[0].cancelled, 1);
        // A panic after the reply does not lose it.
        let error = tokio::time::timeout(ms(2), client.call(())).await;
        assert_eq!(error.unwrap().unwrap(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_loser_that_panics_frees_its_slot() {
    let servers = Servers::new([Panic(20), Reply(1)]);
    let losers = Losers::Finish { at_most: NonZeroUsize::MIN, within: ms(100) };
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(5))).losers(losers));
    client.call(()).await.unwrap();
    assert_eq!(client.running().losers, 1);
    sleep(ms(50)).await;
    assert_eq!((client.running().losers, client.stats().servers[0].panicked), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_panics_leaves_nothing_behind() {
    let servers = Servers::new([Stop, Stop]);
    let client: Fake = servers.client(Options::new());
    let other = client.clone();
    let task = tokio::spawn(async move {
        let mut call = std::pin::pin!(other.call(()));
        std::future::poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_ready(), "the caller panics");
            std::task::Poll::Ready(())
        })
        .await;
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!((client.running().calls, servers.running()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn errors_and_arguments_that_panic_when_they_are_dropped_do_not_lose_the_reply() {
    let call = |server: Arc<u8>, args| {
        // The last copy of the bomb is that of the call itself.
        drop(args);
        async move { if *server < 2 { Err(Bomb("an error")) } else { Ok(*server) } }
    };
    let client: Client<u8, Arc<Bomb>, u8, Bomb> =
        Client::new([0, 1, 2], call, Options::new()).unwrap();
    assert!(matches!(client.call(Arc::new(Bomb("an argument"))).await, Ok(2)));
    assert_eq!(client.running().calls, 0);
}
