//! Shutting down.

use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::{
    EndReason, EndedSubscription, Policy, PublishError, ReaderOutcome, mutex, task,
};
use tokio::time::Instant;

use crate::{NOTHING, SECOND, alive_tasks, lossless, publish, rest, settle};

shapes! {
    async fn a_drain_waits_until_everything_is_read_and_reports_how_it_ended<S>(server: S) {
        let mut reader = server.subscribe(lossless()).await.unwrap();
        let dropped = server.subscribe(lossless()).await.unwrap();
        let ids = (reader.id(), dropped.id());
        publish(&server, 1..=3).await;
        let draining = tokio::spawn({
            let server = server.clone();
            async move { server.shutdown(Shutdown::Drain { timeout: SECOND }).await }
        });
        settle().await;
        assert_eq!(rest(&mut reader).await, [1, 2, 3]);
        assert_eq!(reader.end_reason(), Some(EndReason::Shutdown));
        settle().await;
        assert!(!draining.is_finished());
        drop(dropped);
        assert_eq!(
            draining.await.unwrap().ended,
            [
                EndedSubscription { id: ids.0, outcome: ReaderOutcome::Drained, undelivered: 0 },
                EndedSubscription { id: ids.1, outcome: ReaderOutcome::Dropped, undelivered: 3 },
            ]
        );
    }

    async fn unread_streams_are_aborted_at_the_deadline<S>(server: S) {
        let mut stuck = server.subscribe(Policy::drop_newest(2)).await.unwrap();
        publish(&server, 1..=5).await;
        let start = Instant::now();
        let report = server.shutdown(Shutdown::Drain { timeout: SECOND }).await;
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(report.ended, [EndedSubscription { id: stuck.id(), outcome: ReaderOutcome::Aborted, undelivered: 5 }]);
        assert_eq!(rest(&mut stuck).await, NOTHING);
        assert_eq!(stuck.end_reason(), Some(EndReason::Aborted));
    }

    async fn an_abort_ends_streams_at_once<S>(server: S) {
        let mut stuck = server.subscribe(lossless()).await.unwrap();
        publish(&server, 1..=3).await;
        let report = server.shutdown(Shutdown::Abort).await;
        assert_eq!(report.ended, [EndedSubscription { id: stuck.id(), outcome: ReaderOutcome::Aborted, undelivered: 3 }]);
        assert_eq!(rest(&mut stuck).await, NOTHING);
    }

    async fn waiting_publishers_get_their_events_back<S>(server: S) {
        for how in [Shutdown::Abort, Shutdown::Drain { timeout: Duration::MAX }] {
            let stuck = server.subscribe(Policy::block(1, Duration::MAX)).await;
            let Ok(stuck) = stuck else { break };
            publish(&server, [1]).await;
            let waiting: Vec<_> = (2..5).map(|event| {
                let server = server.clone();
                tokio::spawn(async move { server.publish(event).await })
            }).collect();
            settle().await;
            let closing = tokio::spawn({
                let server = server.clone();
                async move { server.shutdown(how).await }
            });
            for (event, waiting) in (2..5).zip(waiting) {
                let error = waiting.await.unwrap().unwrap_err();
                assert!(matches!(error, PublishError::Closed(_)));
                assert_eq!(*error.into_event(), event);
            }
            drop(stuck);
            closing.await.unwrap();
        }
    }

    async fn a_closed_server_refuses_everything<S>(server: S) {
        server.shutdown(Shutdown::Abort).await;
        settle().await;
        assert!(server.subscribe(lossless()).await.is_err());
        let (channel, _receiver) = tokio::sync::mpsc::channel(1);
        assert!(server.subscribe_channel(channel, lossless()).await.is_err());
        assert_eq!(*server.publish(5).await.unwrap_err().into_event(), 5);
        assert_eq!(server.shutdown(Shutdown::Abort).await.ended, []);
    }

    async fn a_second_shutdown_may_cut_the_first_one_short<S>(server: S) {
        let stuck = server.subscribe(lossless()).await.unwrap();
        publish(&server, [1]).await;
        let patient = tokio::spawn({
            let server = server.clone();
            async move { server.shutdown(Shutdown::Drain { timeout: Duration::MAX }).await }
        });
        settle().await;
        let ended = [EndedSubscription { id: stuck.id(), outcome: ReaderOutcome::Aborted, undelivered: 1 }];
        assert_eq!(server.shutdown(Shutdown::Abort).await.ended, ended);
        assert_eq!(patient.await.unwrap().ended, ended);
    }

    async fn a_dropped_drain_aborts_no_reader<S>(server: S) {
        let mut reader = server.subscribe(lossless()).await.unwrap();
        publish(&server, [1]).await;
        let draining = server.shutdown(Shutdown::Drain { timeout: SECOND });
        assert!(tokio::time::timeout(SECOND / 2, draining).await.is_err());
        tokio::time::advance(2 * SECOND).await;
        settle().await;
        assert_eq!(rest(&mut reader).await, [1]);
    }

    async fn dropping_the_last_handle_aborts<S>(server: S) {
        let mut reader = server.subscribe(lossless()).await.unwrap();
        let other = server.clone();
        publish(&server, [1]).await;
        drop(server);
        settle().await;
        assert_eq!(reader.recv().await.map(crate::short), Some(1));
        publish(&other, [2]).await;
        drop(other);
        settle().await;
        assert_eq!(rest(&mut reader).await, NOTHING);
        assert_eq!(reader.end_reason(), Some(EndReason::Aborted));
    }
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_shutdown_or_with_the_last_handle() {
    let tasks = alive_tasks();
    let server = task::Server::<u64>::spawn();
    assert_eq!(alive_tasks(), tasks + 1);
    server.shutdown(Shutdown::Abort).await;
    settle().await;
    assert_eq!(alive_tasks(), tasks);
    let server = task::Server::<u64>::spawn();
    drop(server);
    settle().await;
    assert_eq!(alive_tasks(), tasks);
}

#[test]
fn a_runtime_that_is_shut_down_ends_everything() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (server, mut subscription, mut own) = runtime.block_on(async {
        let server = task::Server::<u64>::spawn();
        let subscription = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        server.publish(1).await.unwrap();
        let mutex = mutex::Server::<u64>::new();
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        mutex.subscribe_channel(sender, lossless()).unwrap();
        mutex.publish(1).await.unwrap();
        (server, subscription, (mutex, receiver))
    });
    drop(runtime);
    assert!(subscription.blocking_recv().is_none());
    assert_eq!(subscription.end_reason(), Some(EndReason::Aborted));
    let refused = pushdown_patterns::thread::block_on(server.publish(2));
    assert!(matches!(refused, Err(PublishError::Closed(event)) if *event == 2));
    assert!(own.1.try_recv().is_err(), "the forwarder has ended");
    assert_eq!(own.0.blocking_shutdown(Shutdown::Abort).ended, []);
}
