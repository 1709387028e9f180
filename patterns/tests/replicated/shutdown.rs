//! Shutting a client down.

use super::*;
use pushdown_patterns::replicated::{CallErrorKind, EndCounts, Hedge, Losers};
use pushdown_patterns::{Effect, Shutdown};
use std::num::NonZeroUsize;

const DRAIN: Shutdown = Shutdown::Drain { timeout: Duration::from_millis(100) };

fn finish(at_most: usize) -> Losers {
    Losers::Finish { at_most: NonZeroUsize::new(at_most).unwrap(), within: ms(60_000) }
}

fn counts(ends: EndCounts) -> (usize, usize, usize) {
    (ends.finished, ends.cancelled, ends.aborted)
}

/// Spawns a call in its own task, and lets it ask its first server.
async fn spawn(
    client: &Fake<u8>,
    args: u8,
) -> tokio::task::JoinHandle<Result<usize, CallError<u8, &'static str>>> {
    let client = client.clone();
    let call = tokio::spawn(async move { client.call(args).await });
    settle().await;
    call
}

#[tokio::test(start_paused = true)]
async fn a_closed_client_gives_the_arguments_back() {
    let servers = Servers::new([Reply(0)]);
    let client: Fake<u8> = servers.client(Options::new());
    client.shutdown(DRAIN).await;
    let error = client.clone().call(7).await.unwrap_err();
    assert_eq!((error.kind, error.args), (CallErrorKind::Closed, 7));
    assert_eq!(error.effect(), Effect::DidNotHappen);
    assert_eq!((servers.asked(), servers.elapsed()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_calls_and_losers() {
    let servers = Servers::new([Reply(50), Reply(30)]);
    let client: Fake<u8> =
        servers.client(Options::new().hedge(Hedge::After(ms(5))).losers(finish(9)));
    let call = spawn(&client, 1).await;
    let report = client.shutdown(DRAIN).await;
    assert_eq!(servers.elapsed(), 50);
    assert_eq!(call.await.unwrap().unwrap(), 1);
    assert_eq!((counts(report.calls), counts(report.losers)), ((1, 0, 0), (1, 0, 0)));
    assert_eq!(report.stats.servers[0].succeeded, 1);
}

#[tokio::test(start_paused = true)]
async fn draining_aborts_after_its_timeout() {
    let servers = Servers::new([Stop, Reply(1), Stop]);
    let client: Fake<u8> =
        servers.client(Options::new().hedge(Hedge::After(ms(5))).losers(finish(9)));
    let before = alive_tasks();
    client.call(1).await.unwrap();
    servers.becomes(1, Stop);
    let call = spawn(&client, 2).await;
    let start = servers.elapsed();
    let report = client.shutdown(DRAIN).await;
    assert_eq!(servers.elapsed() - start, 100);
    assert_eq!((counts(report.calls), counts(report.losers)), ((0, 0, 1), (0, 0, 1)));
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.args), (CallErrorKind::Closed, 2));
    assert_eq!(error.effect(), Effect::MayHaveHappened);
    assert_eq!(error.failures.len(), 3, "no server has answered");
    assert_eq!((alive_tasks(), servers.running()), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_everything_at_once() {
    let servers = Servers::new([Stop, Reply(1)]);
    let client: Fake<u8> =
        servers.client(Options::new().hedge(Hedge::After(ms(5))).losers(finish(9)));
    client.call(1).await.unwrap();
    servers.becomes(1, Stop);
    let call = spawn(&client, 2).await;
    let start = servers.elapsed();
    let report = client.shutdown(Shutdown::Abort).await;
    assert_eq!((servers.elapsed() - start, servers.running()), (0, 0));
    assert_eq!((counts(report.calls), counts(report.losers)), ((0, 0, 1), (0, 0, 1)));
    assert_eq!(call.await.unwrap().unwrap_err().kind, CallErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_a_drain() {
    let servers = Servers::new([Stop]);
    let client: Fake<u8> = servers.client(Options::new());
    let call = spawn(&client, 1).await;
    let other = client.clone();
    let draining = tokio::spawn(async move { other.shutdown(DRAIN).await });
    settle().await;
    assert!(!draining.is_finished());
    client.shutdown(Shutdown::Abort).await;
    assert_eq!(counts(draining.await.unwrap().calls), (0, 0, 1));
    assert_eq!(call.await.unwrap().unwrap_err().kind, CallErrorKind::Closed);
    assert_eq!(servers.elapsed(), 0);
}

/// The loser of a `select!`, which stays in scope.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_kept_but_not_polled_is_aborted_and_counted() {
    for (how, end) in [(DRAIN, 107), (Shutdown::Abort, 7)] {
        let servers = Servers::new([Stop, Stop]);
        let client: Fake<u8> = servers.client(Options::new().hedge(Hedge::After(ms(5))));
        let mut call = std::pin::pin!(client.call(7));
        tokio::select! { biased; _ = &mut call => unreachable!(), () = sleep(ms(7)) => {} }
        let report = client.shutdown(how).await;
        assert_eq!((servers.elapsed(), servers.running()), (end, 0));
        assert_eq!((counts(report.calls), client.running().calls), ((0, 0, 1), 0));
        let cancelled = report.stats.servers.iter().map(|server| server.cancelled);
        assert_eq!(cancelled.collect::<Vec<_>>(), [1, 1]);
        sleep(ms(1)).await;
        let error = call.await.unwrap_err();
        assert_eq!((error.kind, error.args), (CallErrorKind::Closed, 7));
        assert_eq!(error.effect(), Effect::MayHaveHappened);
        let after = error.failures.iter().map(|failure| failure.after.as_millis() as u64);
        assert_eq!(after.collect::<Vec<_>>(), [end, end - 5], "up to the abort");
        assert_eq!(counts(client.shutdown(how).await.calls), (0, 0, 1), "counted once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_kept_but_not_polled_may_be_dropped_after_its_abort() {
    let servers = Servers::new([Stop]);
    let client: Fake<u8> = servers.client(Options::new().losers(finish(9)));
    let mut call = Box::pin(client.call(7));
    assert!(tokio::time::timeout(ms(1), &mut call).await.is_err());
    client.shutdown(Shutdown::Abort).await;
    drop(call);
    let report = client.shutdown(Shutdown::Abort).await;
    assert_eq!((counts(report.calls), counts(report.losers)), ((0, 0, 1), (0, 0, 0)));
    assert_eq!(report.stats.running(), 0);
}

/// The other future that may never be polled again: a task whose runtime has stopped.
#[test]
fn an_abort_ends_losers_whose_runtime_is_not_running() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (stopped, running) = (runtime(), runtime());
    let (servers, client) = stopped.block_on(async {
        let servers = Servers::new([Stop]);
        let client: Fake<u8> = servers.client(Options::new().losers(finish(2)));
        for _ in 0..2 {
            // The first loser has been polled, and the second one has not.
            settle().await;
            let call = client.call(7);
            super::drops::drop_after(call, 1).await;
        }
        (servers, client)
    });
    assert_eq!((client.running().losers, servers.running()), (2, 2));
    let report = running.block_on(client.shutdown(Shutdown::Abort));
    assert_eq!((counts(report.losers), servers.running()), ((0, 0, 2), 0));
    stopped.block_on(settle());
    assert_eq!(stopped.metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_during_the_drain_is_counted() {
    let servers = Servers::new([Stop]);
    let client: Fake<u8> = servers.client(Options::new());
    let call = spawn(&client, 1).await;
    let (report, ()) = tokio::join!(client.shutdown(DRAIN), async { call.abort() });
    assert_eq!(counts(report.calls), (0, 1, 0));
    assert_eq!(servers.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_is_dropped_leaves_the_client_closed() {
    let servers = Servers::new([Reply(50)]);
    let client: Fake<u8> = servers.client(Options::new());
    let call = spawn(&client, 1).await;
    assert!(tokio::time::timeout(ms(10), client.shutdown(DRAIN)).await.is_err());
    assert_eq!(client.call(2).await.unwrap_err().kind, CallErrorKind::Closed);
    assert_eq!(call.await.unwrap().unwrap(), 0);
    assert_eq!(counts(client.shutdown(DRAIN).await.calls), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_can_be_shut_down_from_within_its_own_request() {
    type Slot = Arc<Mutex<Option<Client<u8, (), (), ()>>>>;
    let slot = Slot::default();
    let inside = slot.clone();
    let call = move |_, ()| {
        let client = inside.lock().unwrap().take();
        async move {
            client.unwrap().shutdown(Shutdown::Abort).await;
            Ok(())
        }
    };
    let client = Client::new([1], call, Options::new()).unwrap();
    *slot.lock().unwrap() = Some(client.clone());
    assert_eq!(client.call(()).await.unwrap_err().kind, CallErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_the_losers() {
    let servers = Servers::new([Stop, Reply(1)]);
    let client: Fake<u8> =
        servers.client(Options::new().hedge(Hedge::After(ms(5))).losers(finish(9)));
    let before = alive_tasks();
    client.call(1).await.unwrap();
    let other = client.clone();
    drop(client);
    settle().await;
    assert_eq!(alive_tasks(), before + 1);
    drop(other);
    settle().await;
    assert_eq!((alive_tasks(), servers.running(), servers.elapsed()), (before, 0, 6));
}

#[tokio::test(start_paused = true)]
async fn losers_are_bounded_in_number_and_in_time() {
    let servers = Servers::new([Stop, Stop, Stop, Reply(1)]);
    let losers = Losers::Finish { at_most: NonZeroUsize::new(2).unwrap(), within: ms(50) };
    let client: Fake<u8> = servers.client(Options::new().hedge(Hedge::After(ms(5))).losers(losers));
    client.call(1).await.unwrap();
    assert_eq!((client.running().losers, servers.running()), (2, 2));
    sleep(ms(51)).await;
    assert_eq!((client.running().losers, servers.running()), (0, 0));
    let cancelled: Vec<u64> =
        client.stats().servers.iter().map(|server| server.cancelled).collect();
    assert_eq!(cancelled, [1, 1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_losers_of_all_calls_share_one_bound() {
    let servers = Servers::new([Stop]);
    let client: Fake<u8> = servers.client(Options::new().losers(finish(2)));
    for calls in 1..5 {
        assert!(tokio::time::timeout(ms(5), client.call(1)).await.is_err());
        assert_eq!((client.running().losers, servers.running()), (calls.min(2), calls.min(2)));
    }
    assert_eq!(client.stats().servers[0].cancelled, 2);
}

#[tokio::test(start_paused = true)]
async fn the_attempts_of_a_dropped_call_finish_if_losers_may() {
    let servers = Servers::new([Reply(50)]);
    let client: Fake<u8> = servers.client(Options::new().losers(finish(9)));
    assert!(tokio::time::timeout(ms(5), client.call(1)).await.is_err());
    assert_eq!((client.running().calls, client.running().losers), (0, 1));
    sleep(ms(100)).await;
    assert_eq!((client.running().losers, client.stats().servers[0].succeeded), (0, 1));
}
