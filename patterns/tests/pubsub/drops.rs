//! Futures that are dropped while they wait.

use std::pin::pin;
use std::time::Duration;

use pushdown_patterns::pubsub::{Item, Policy};

use crate::{alive_tasks, counted, drop_after, lossless, poll_once, publish, ready, settle, waits};

shapes! {
    async fn a_publish_dropped_at_any_point_has_reached_all_or_none<S>(server: S) {
        let mut slow = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        let mut fast = server.subscribe(lossless()).await.unwrap();
        let (mut cut, mut seen) = (0, Vec::new());
        for polls in 0..12 {
            for full in [false, true] {
                if full {
                    publish(&server, [0]).await;
                }
                cut += usize::from(!drop_after(polls, server.publish(1)).await);
                settle().await;
                let (a, b) = (ready(&mut slow), ready(&mut fast));
                assert_eq!(a, b, "{polls} polls, full: {full}");
                seen.extend(a);
            }
        }
        assert!(seen.into_iter().enumerate().all(|(at, seq)| at as i64 + 1 == seq));
        println!("{cut} publishes dropped");
        assert!(cut >= 13, "{cut}");
    }

    async fn a_publisher_that_gives_up_passes_its_turn_on<S>(server: S) {
        let mut slow = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        let mut first = Box::pin(server.publish(10));
        let mut second = Box::pin(server.publish(20));
        assert!(waits(&mut first).await && waits(&mut second).await);
        drop(first);
        assert_eq!(slow.recv().await.map(crate::short), Some(1));
        second.await.unwrap();
        let item = slow.recv().await;
        assert!(matches!(item, Some(Item::Event { seq: 2, event }) if **event == 20));
    }

    async fn a_publisher_that_is_neither_polled_nor_dropped_holds_up_no_other<S>(server: S) {
        let mut slow = server.subscribe(Policy::block(1, crate::SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let mut first = Box::pin(server.publish(2));
        assert!(waits(&mut first).await);
        assert_eq!(ready(&mut slow).first(), Some(&1));
        settle().await;
        ready(&mut slow);
        let third = tokio::time::timeout(crate::SECOND, server.publish(3));
        assert!(third.await.unwrap().is_ok());
        drop(first);
    }

    async fn a_dropped_recv_takes_no_item<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        for event in 1..=50 {
            {
                let mut recv = pin!(subscription.recv());
                assert!(poll_once(recv.as_mut()).is_pending());
                publish(&server, [event]).await;
            }
            assert_eq!(ready(&mut subscription), [event.cast_signed()]);
        }
    }

    async fn a_request_that_is_dropped_leaves_nothing_behind<S>(server: S) {
        let tasks = alive_tasks();
        let subscribed = server.subscribe(lossless()).await.unwrap();
        for polls in 0..4 {
            let (channel, mut receiver) = tokio::sync::mpsc::channel(1);
            drop_after(polls, server.subscribe(lossless())).await;
            drop_after(polls, server.subscribe_channel(channel.clone(), lossless())).await;
            settle().await;
            drop_after(polls, server.cancel_channel(channel)).await;
            settle().await;
            receiver.close();
            settle().await;
        }
        assert_eq!(server.subscribers().await, 1);
        assert_eq!(alive_tasks(), tasks);
        drop(subscribed);
        settle().await;
        assert_eq!(server.subscribers().await, 0);
    }

    async fn a_dropped_publish_frees_its_payload_before_any_other_task_runs<S>(server: S) {
        let _stuck = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        // In the line, or in the mailbox of a task that has not run since.
        let (payload, freed) = counted();
        let mut publishing = Box::pin(server.publish(payload));
        assert!(poll_once(publishing.as_mut()).is_pending());
        drop(publishing);
        assert!(freed.upgrade().is_none());
        // In the line of the task.
        let (payload, freed) = counted();
        let mut publishing = Box::pin(server.publish(payload));
        assert!(waits(&mut publishing).await);
        drop(publishing);
        assert!(freed.upgrade().is_none());
    }

    async fn a_subscriber_that_does_not_know_it_is_one_makes_no_publisher_wait<S>(server: S) {
        for policy in [
            Policy::block(1, Duration::MAX),
            Policy::drop_newest(1),
            Policy::drop_oldest(1),
            Policy::disconnect(1, Duration::ZERO),
        ] {
            let mut subscribing = Box::pin(server.subscribe(policy));
            let early = poll_once(subscribing.as_mut());
            settle().await;
            if early.is_ready() {
                return;
            }
            for event in 0..100 {
                let published = tokio::time::timeout(crate::SECOND, server.publish(event));
                assert!(published.await.is_ok_and(|published| published.is_ok()), "{policy:?}");
            }
            let mut subscription = subscribing.await.unwrap();
            assert_eq!(subscription.end_reason(), None, "{policy:?}");
            let seq = server.publish(100).await.unwrap().cast_signed();
            assert_eq!(ready(&mut subscription), [seq], "{policy:?}: the stream begins here");
            drop(subscription);
            settle().await;
        }
    }

    async fn a_payload_is_freed_after_its_last_reader<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        let (payload, freed) = counted();
        server.publish(payload).await.unwrap();
        for event in 0..100 {
            publish(&server, [event]).await;
        }
        assert!(freed.upgrade().is_some());
        ready(&mut subscription);
        assert!(freed.upgrade().is_none());
    }

    async fn a_stuck_subscriber_does_not_keep_payloads_that_its_policy_dropped<S>(server: S) {
        let oldest = server.subscribe(Policy::drop_oldest(1)).await.unwrap();
        let (payload, freed) = counted();
        server.publish(payload).await.unwrap();
        publish(&server, 0..100).await;
        assert!(freed.upgrade().is_none(), "the oldest event is freed");
        let newest = server.subscribe(Policy::drop_newest(1)).await.unwrap();
        publish(&server, [0]).await;
        let (payload, freed) = counted();
        for event in 0..64 {
            publish(&server, [event]).await;
        }
        server.publish(payload).await.unwrap();
        publish(&server, 0..100).await;
        assert!(freed.upgrade().is_none(), "the newest event is freed");
        let disconnected = server.subscribe(Policy::disconnect(1, Duration::ZERO)).await.unwrap();
        let (payload, freed) = counted();
        server.publish(payload).await.unwrap();
        publish(&server, 0..100).await;
        assert!(freed.upgrade().is_none(), "an unread event is freed at the disconnect");
        drop((oldest, newest, disconnected));
    }
}
