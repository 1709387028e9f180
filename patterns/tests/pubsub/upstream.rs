//! Events that were lost before they reached the server.

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::{Closed, Policy};
use tokio::sync::mpsc;

use crate::{NOTHING, SECOND, lossless, publish, ready, rest, settle};

shapes! {
    async fn what_is_lost_upstream_is_a_gap_for_all<S>(server: S) {
        let mut all = server.subscribe(lossless()).await.unwrap();
        let mut oldest = server.subscribe(Policy::drop_oldest(3)).await.unwrap();
        let mut newest = server.subscribe(Policy::drop_newest(3)).await.unwrap();
        publish(&server, [1, 2]).await;
        server.missed(5).await.unwrap();
        assert_eq!(server.publish(8).await.unwrap(), 8, "lost events have numbers");
        publish(&server, [9]).await;
        assert_eq!(ready(&mut all), [1, 2, -5, 8, 9]);
        assert_eq!(ready(&mut oldest), [-1, 2, -5, 8, 9], "a gap takes no room");
        assert_eq!(ready(&mut newest), [1, 2, -5, 8, -1]);
        let mut late = server.subscribe(lossless()).await.unwrap();
        publish(&server, [10]).await;
        assert_eq!(ready(&mut late), [10], "what was lost before is not missed");
    }

    async fn a_loss_wakes_a_reader_that_waits<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        let reader = tokio::spawn(async move { subscription.recv().await.map(crate::short) });
        settle().await;
        server.missed(3).await.unwrap();
        assert_eq!(reader.await.unwrap(), Some(-3));
    }

    async fn losses_in_a_row_are_one_gap<S>(server: S) {
        let mut reader = server.subscribe(Policy::drop_newest(1)).await.unwrap();
        publish(&server, [1, 2]).await;
        for missed in [1, 0, 2] {
            server.missed(missed).await.unwrap();
        }
        publish(&server, [6]).await;
        assert_eq!(ready(&mut reader), [1, -5]);
        server.missed(4).await.unwrap();
        server.cancel(reader.id()).await.unwrap();
        server.missed(7).await.unwrap();
        assert_eq!(rest(&mut reader).await, [-4], "up to the end of the stream");
    }

    async fn losses_without_an_event_between_them_are_read_one_by_one<S>(server: S) {
        let mut reader = server.subscribe(lossless()).await.unwrap();
        for missed in [2, 3] {
            server.missed(missed).await.unwrap();
            assert_eq!(ready(&mut reader), [-(missed as i64)]);
            assert_eq!(ready(&mut reader), NOTHING);
        }
        publish(&server, [6]).await;
        assert_eq!(ready(&mut reader), [6]);
    }

    async fn a_channel_is_told_of_a_loss<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(4);
        server.subscribe_channel(sender, lossless()).await.unwrap();
        publish(&server, [1]).await;
        server.missed(2).await.unwrap();
        let first = [receiver.recv().await, receiver.recv().await];
        assert_eq!(first.map(|item| crate::short(item.unwrap())), [1, -2]);
    }

    async fn a_loss_overtakes_no_publisher_that_waits_and_none_overtakes_it<S>(server: S) {
        let mut slow = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let mut second = Box::pin(server.publish(2));
        assert!(crate::waits(&mut second).await);
        server.missed(3).await.unwrap();
        assert_eq!(slow.recv().await.map(crate::short), Some(1));
        assert_eq!(second.await.unwrap(), 5);
        assert_eq!(ready(&mut slow), [-3, 5]);
    }

    async fn a_loss_that_was_not_read_is_undelivered<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        publish(&server, [1, 2]).await;
        server.missed(3).await.unwrap();
        assert_eq!(subscription.recv().await.map(crate::short), Some(1));
        let report = server.shutdown(Shutdown::Abort).await;
        assert_eq!(report.ended[0].undelivered, 4);
        assert_eq!(server.missed(1).await, Err(Closed));
    }
}
