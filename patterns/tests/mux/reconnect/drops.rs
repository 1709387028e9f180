//! Futures that are dropped at every point at which they wait.

use super::*;
use crate::wire::ask;
use crate::{poll_times, settle};

/// A call that waits for a connection, on one that takes nothing, for the next one, for its reply, and
/// for another reply.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_point_leaves_nothing_and_disturbs_no_other_call() {
    let mut points = 0;
    let mut never_sent = 0;
    for polls in 0.. {
        let server = Server::new(&[Hang, Block]);
        let start = tokio::time::Instant::now();
        let options = options().connect_timeout(3 * SECOND);
        let (client, _messages) = server.client(options);
        let scenario = async {
            // The time of the test is that of the polls: each lets a millisecond pass.
            tokio::time::sleep(6 * SECOND).await;
            server.peer(0).hang_up();
            tokio::time::sleep(3 * SECOND).await;
            let first = server.peer(1).sent().await;
            server.peer(1).hang_up();
            tokio::time::sleep(3 * SECOND).await;
            let second = answer(&server.peer(2)).await;
            (first, second)
        };
        // One poll at each change that the call can see, and none in between.
        let dropped = async {
            let mut call = std::pin::pin!(client.call_idempotent(|| ask("dropped")));
            for poll in 0..polls {
                if let Some(reply) = poll_times(1, call.as_mut()).await {
                    return Some(reply);
                }
                let until = [2, 5, 7, 8, 11].get(poll).map_or(12, |seconds| *seconds) * SECOND;
                tokio::time::sleep_until(start + until).await;
            }
            None
        };
        let other = async { client.call_idempotent(|| ask("other")).await.unwrap().text };
        let ((first, second), dropped, other) = tokio::join!(scenario, dropped, other);
        assert_eq!(other, "other");
        let is_other = |text: &String| text == "other";
        assert!(first.iter().any(|frame| is_other(&frame.text)));
        assert_eq!(second.iter().filter(|text| is_other(text)).count(), 1);
        let sent = first.iter().filter(|frame| !is_other(&frame.text)).count()
            + second.iter().filter(|text| !is_other(text)).count();
        assert!(sent <= 2, "sent {sent} times after {polls} polls");
        never_sent += usize::from(sent == 0);
        settle().await;
        let left = client.connection().unwrap().counts();
        assert_eq!((left.waiting, left.in_flight, left.unclaimed), (0, 0, 0), "{polls} polls");
        assert_eq!(client.counts().waiting, 0, "{polls} polls");
        if let Some(reply) = dropped {
            assert_eq!(reply.unwrap().text, "dropped");
            points = polls;
            break;
        }
    }
    println!("{points} points at which a call was dropped, {never_sent} before it was sent");
    assert!(points >= 5 && never_sent >= 3, "{points}, {never_sent}");
}

/// The client's own future, dropped after each number of polls: every caller is told.
#[tokio::test(start_paused = true)]
async fn a_client_dropped_at_any_point_ends_all_its_calls() {
    let mut ends = [0; 2];
    for polls in 0..40 {
        let server = Server::new(&[Refuse, HangUp, Panic, Accept]);
        let (client, mut messages, driver) = Reconnect::new(server.connect(), options());
        let calls = async {
            let mut results = Vec::new();
            for _ in 0..3 {
                results.push(client.call(ask("call")).await);
            }
            results
        };
        let peer = async {
            while client.end().is_none() {
                for index in 0..server.peers() {
                    answer(&server.peer(index)).await;
                }
                tokio::time::sleep(SECOND / 16).await;
            }
        };
        let run = async {
            let mut driver = Box::pin(driver);
            for _ in 0..polls {
                // Woken or not: a poll too many is allowed.
                let polled = std::future::poll_fn(|cx| Poll::Ready(driver.as_mut().poll(cx))).await;
                assert!(polled.is_pending(), "nobody ends the client");
                tokio::time::sleep(SECOND / 4).await;
            }
        };
        let (results, (), ()) = tokio::join!(calls, peer, run);
        for result in results {
            match result {
                Ok(reply) => ends[0] += usize::from(reply.text == "call"),
                Err(error) => match error.kind() {
                    CallErrorKind::Ended(CloseReason::Dropped | CloseReason::Aborted) => {
                        ends[1] += 1;
                    }
                    // On the connection that hangs up.
                    CallErrorKind::Ended(CloseReason::Closed) => {}
                    other => panic!("{other:?} after {polls} polls"),
                },
            }
        }
        while let Some(item) = messages.recv().await {
            assert_eq!(item, Item::Gap);
        }
        assert!(matches!(client.ended().await.end, CloseReason::Dropped));
    }
    println!("{} calls answered, {} ended", ends[0], ends[1]);
    assert!(ends.iter().all(|count| *count > 0));
}

#[tokio::test(start_paused = true)]
async fn a_receive_or_a_shutdown_dropped_while_it_waits_takes_nothing() {
    let server = Server::new(&[]);
    let (client, mut messages) = server.client(options());
    for _ in 0..3 {
        assert!(poll_times(2, messages.recv()).await.is_none());
        assert!(poll_times(2, client.ended()).await.is_none());
    }
    server.peer(0).reply(0, "!news");
    assert_eq!(messages.recv().await, Some(Item::Message(crate::wire::frame(0, "!news"))));
    assert!(poll_times(1, client.close()).await.is_none());
    client.ended().await;
    assert_eq!(crate::tasks().await, 0);
}
