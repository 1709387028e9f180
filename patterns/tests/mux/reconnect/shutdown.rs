//! Ends of clients.

use pushdown_patterns::{Effect, Shutdown};

use super::*;
use crate::wire::ask;
use crate::{settle, tasks};

/// A client with a call in flight, one that waits in the connection, and the task of each.
type Call = tokio::task::JoinHandle<Result<String, CallError<Frame>>>;

fn call(client: &Reconnect<Toy>, text: &'static str) -> Call {
    let client = client.clone();
    tokio::spawn(async move { client.call(ask(text)).await.map(|reply| reply.text) })
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_the_calls_of_the_connection() {
    let server = Server::new(&[]);
    let (client, mut messages) = server.client(options());
    settle().await;
    let accepted = call(&client, "accepted");
    settle().await;
    let draining = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    settle().await;
    let refused = call(&client, "refused").await.unwrap().unwrap_err();
    assert!(matches!(refused.kind(), CallErrorKind::ShuttingDown), "{refused}");
    assert_eq!(refused.effect(), Effect::DidNotHappen);
    assert_eq!(answer(&server.peer(0)).await, ["accepted"]);
    assert_eq!(accepted.await.unwrap().unwrap(), "accepted");
    let report = draining.await.unwrap();
    assert!(matches!(report.end, CloseReason::Drained), "{}", report.end);
    assert_eq!(report.unfinished, 0);
    assert!(server.peer(0).is_closed());
    assert_eq!(messages.recv().await, None);
    let late = client.call(ask("late")).await.unwrap_err();
    assert!(matches!(end_of(&late), CloseReason::Drained), "{late}");
    assert_eq!((tasks().await, server.attempts().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_drain_without_a_connection_makes_one_for_the_calls_that_wait() {
    let server = Server::new(&[Refuse, Refuse, Refuse]);
    let (client, _) = server.client(options());
    let waiting = call(&client, "waiting");
    settle().await;
    let draining = tokio::spawn({
        let client = client.clone();
        async move { client.shutdown(Shutdown::Drain { timeout: 60 * SECOND }).await }
    });
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(answer(&server.peer(0)).await, ["waiting"]);
    assert_eq!(waiting.await.unwrap().unwrap(), "waiting");
    let report = draining.await.unwrap();
    assert!(matches!(report.end, CloseReason::Drained) && report.unfinished == 0);
    assert_eq!(tasks().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_with_nothing_to_do_ends_at_once() {
    for plan in [Hang, Refuse, Accept] {
        let server = Server::new(&[plan]);
        let (client, _) = server.client(options());
        settle().await;
        // The last call leaves the line, and the drain has nothing more to do.
        let left = call(&client, "left");
        settle().await;
        let draining = tokio::spawn({
            let client = client.clone();
            async move { client.close().await }
        });
        settle().await;
        assert!(!draining.is_finished(), "{plan:?}");
        left.abort();
        settle().await;
        if let Accept = plan {
            // The call was sent, and its reply is waited for no longer.
            assert_eq!(server.peer(0).sent_one().await.text, "left");
        }
        let report = draining.await.unwrap();
        assert!(matches!(report.end, CloseReason::Drained), "{plan:?}: {}", report.end);
        assert_eq!((tasks().await, server.attempts().len()), (0, 1), "{plan:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_aborts_what_is_left_at_its_timeout() {
    for plan in [Hang, Accept, Block] {
        let server = Server::new(&[plan]);
        let (client, _) = server.client(options());
        settle().await;
        let calls = [call(&client, "a"), call(&client, "b")];
        settle().await;
        let start = tokio::time::Instant::now();
        let report = client.shutdown(Shutdown::Drain { timeout: 5 * SECOND }).await;
        assert_eq!(start.elapsed(), 5 * SECOND);
        assert!(matches!(report.end, CloseReason::Aborted), "{plan:?}: {}", report.end);
        assert_eq!(report.unfinished, 2, "{plan:?}");
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            assert!(matches!(end_of(&error), CloseReason::Aborted), "{plan:?}: {error}");
            let is_sent = matches!(plan, Accept);
            assert_eq!(error.effect() == Effect::MayHaveHappened, is_sent, "{plan:?}");
        }
        assert_eq!(tasks().await, 0, "{plan:?}");
    }
}

/// A call whose connection ends during a drain is not made again: its caller has the request.
#[tokio::test(start_paused = true)]
async fn a_drain_makes_no_call_again() {
    let server = Server::new(&[Block]);
    let (client, _) = server.client(options());
    settle().await;
    let unsent = call(&client, "unsent");
    settle().await;
    let draining = tokio::spawn({
        let client = client.clone();
        async move { client.close().await }
    });
    settle().await;
    server.peer(0).hang_up();
    let error = unsent.await.unwrap().unwrap_err();
    assert_eq!(error.effect(), Effect::DidNotHappen);
    let report = draining.await.unwrap();
    assert!(matches!(report.end, CloseReason::Drained), "{}", report.end);
    assert_eq!((report.unfinished, server.attempts().len()), (1, 1));
}

/// An abort, the drop of the last handle, and the drop of the client's future, while it connects, waits
/// and is connected.
#[tokio::test(start_paused = true)]
async fn every_end_reaches_everybody_at_once_and_leaves_nothing() {
    for plan in [Hang, Refuse, Accept, Block] {
        for how in 0..3 {
            let server = Server::new(&[plan]);
            let (client, mut messages, driver) = Reconnect::new(server.connect(), options());
            let driver = tokio::spawn(driver);
            settle().await;
            // Callers have no handle of their own.
            let client = Arc::new(client);
            let mut calls = ["a", "b"].map(|text| Box::pin(client.call(ask(text))));
            for call in &mut calls {
                assert!(crate::poll_times(1, call.as_mut()).await.is_none());
            }
            let receiver = tokio::spawn(async move {
                while let Some(item) = messages.recv().await {
                    panic!("{item:?}");
                }
            });
            settle().await;
            if how == 2 {
                // The calls borrow the handle.
                drop(calls);
                drop(client);
            } else {
                let end = if how == 0 {
                    client.shutdown(Shutdown::Abort).await.end
                } else {
                    driver.abort();
                    client.ended().await.end
                };
                let is_right = |end: &CloseReason| match end {
                    CloseReason::Aborted => true,
                    CloseReason::Dropped => how == 1,
                    _ => false,
                };
                assert!(is_right(&end), "{plan:?}, {how}: {end}");
                for call in calls {
                    let error = call.await.unwrap_err();
                    assert!(is_right(end_of(&error)), "{plan:?}, {how}: {error}");
                }
            }
            receiver.await.unwrap();
            assert_eq!(tasks().await, 0, "{plan:?}, {how}");
            let peers = std::mem::take(&mut server.0.lock().unwrap().peers);
            assert!(peers.iter().all(Peer::is_dropped), "{plan:?}, {how}");
            let made = server.attempts().len();
            after_the_delay().await;
            assert_eq!(server.attempts().len(), made, "{plan:?}, {how}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ran_ends_when_its_future_is_dropped() {
    let server = Server::new(&[]);
    let (client, mut messages, driver) = Reconnect::new(server.connect(), options());
    drop(driver);
    let error = client.call(ask("late")).await.unwrap_err();
    assert!(matches!(end_of(&error), CloseReason::Dropped), "{error}");
    assert!(matches!(client.ended().await.end, CloseReason::Dropped));
    assert_eq!(messages.recv().await, None);
}

#[test]
fn a_runtime_that_is_shut_down_wakes_callers_on_other_threads() {
    let server_plan = [Hang];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let guard = runtime.enter();
    let server = Server::new(&server_plan);
    let (client, _messages) = server.client(options());
    drop(guard);
    let caller = std::thread::spawn({
        let client = client.clone();
        move || pushdown_patterns::thread::block_on(client.call(ask("wait"))).unwrap_err()
    });
    let start = std::time::Instant::now();
    while client.counts().waiting == 0 {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::yield_now();
    }
    runtime.shutdown_background();
    let error = caller.join().unwrap();
    assert!(matches!(end_of(&error), CloseReason::Dropped), "{error}");
    assert_eq!(error.effect(), Effect::DidNotHappen);
}
