//! When the next connection is made.

use std::num::NonZeroU32;

use super::*;
use crate::settle;
use crate::wire::ask;

fn attempts(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

/// Time between one attempt and the next.
fn delays(server: &Server) -> Vec<Duration> {
    server.attempts().windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Asserts that the delays are those of a back-off from one second to ten.
fn assert_doubling(delays: &[Duration], seconds: &[u32]) {
    assert_eq!(delays.len(), seconds.len(), "{delays:?}");
    for (delay, seconds) in delays.iter().zip(seconds) {
        let whole = *seconds * SECOND;
        // A timer of tokio fires at the next millisecond.
        let range = whole / 2..=whole + Duration::from_millis(1);
        assert!(range.contains(delay), "{delay:?} is not about {whole:?}");
    }
}

async fn refused(seed: u64) -> Vec<Duration> {
    let server = Server::new(&[Refuse; 8]);
    let options = Options::new().backoff(SECOND, 10 * SECOND).jitter_seed(seed);
    let (client, _) = server.client(options);
    drop(client.call(ask("wait")));
    tokio::time::sleep(60 * SECOND).await;
    delays(&server)
}

#[tokio::test(start_paused = true)]
async fn delays_double_up_to_the_longest_and_half_of_each_is_random() {
    let delays = refused(1).await;
    assert_doubling(&delays, &[1, 2, 4, 8, 10, 10, 10, 10]);
    assert_eq!(refused(1).await, delays, "the seed repeats them");
    assert_ne!(refused(2).await, delays);
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_an_attempt_is_reported_and_another_one_follows() {
    let cases: [(Attempt, fn(&Outage) -> bool); 4] = [
        (Refuse, |outage| matches!(outage, Outage::Connect(_))),
        (Panic, |outage| matches!(outage, Outage::Panicked(text) if **text == *"connect panics")),
        (
            PanicAtOnce,
            |outage| matches!(outage, Outage::Panicked(text) if text.contains("at once")),
        ),
        (Hang, |outage| matches!(outage, Outage::TimedOut)),
    ];
    for (attempt, is_right) in cases {
        let server = Server::new(&[attempt]);
        let (client, _) = server.client(options().connect_timeout(5 * SECOND));
        let caller = client.clone();
        let call = tokio::spawn(async move { caller.call(ask("wait")).await.unwrap().text });
        settle().await;
        if let Hang = attempt {
            assert!(client.outage().is_none());
            tokio::time::sleep(5 * SECOND).await;
        }
        let outage = client.outage().unwrap();
        assert!(is_right(&outage), "{attempt:?}: {outage}");
        after_the_delay().await;
        assert!(client.outage().is_none());
        assert_eq!(answer(&server.peer(0)).await, ["wait"]);
        assert_eq!(call.await.unwrap(), "wait");
        assert_eq!((client.counts().connections, client.counts().failed_attempts), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_soon_over_counts_as_a_failure() {
    let server = Server::new(&[HangUp; 4]);
    let options = Options::new().backoff(SECOND, 10 * SECOND).healthy_after(3 * SECOND);
    let (client, _) = server.client(options);
    tokio::time::sleep(30 * SECOND).await;
    assert_doubling(&delays(&server), &[1, 2, 4, 8]);
    assert_eq!((client.counts().connections, client.counts().failed_attempts), (5, 0));

    // The last one has lived long enough, so the delays are short again.
    server.0.lock().unwrap().plan = [Refuse, Refuse].into();
    server.peer(4).hang_up();
    tokio::time::sleep(20 * SECOND).await;
    assert_doubling(&delays(&server)[5..], &[1, 2]);
}

/// By default a connection has to live as long as the longest delay.
#[tokio::test(start_paused = true)]
async fn no_server_is_asked_in_a_loop() {
    let server = Server::new(&[HangUp; 1000]);
    let (client, _) = server.client(Options::new().backoff(Duration::ZERO, Duration::ZERO));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let made = client.counts().connections;
    assert!((10..=200).contains(&made), "{made} connections in 100 ms");

    let server = Server::new(&[HangUp; 1000]);
    let (client, _) = server.client(Options::new());
    tokio::time::sleep(60 * SECOND).await;
    let made = client.counts().connections;
    assert!((8..=20).contains(&made), "{made} connections in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_client_gives_up_after_so_many_failures_in_a_row() {
    let server = Server::new(&[Refuse, Accept, Refuse, HangUp, Refuse, Accept]);
    let (client, mut messages) = server.client(options().connect_attempts(attempts(3)));
    after_the_delay().await;
    server.peer(0).hang_up();
    let error = client.call(ask("wait")).await.unwrap_err();
    // The end of a connection that was healthy is no failure: one attempt, one short connection, one
    // attempt.
    assert_eq!(server.attempts().len(), 5);
    assert!(matches!(end_of(&error), CloseReason::GaveUp), "{error}");
    assert!(matches!(error.outage(), Some(Outage::Connect(_))), "{error}");
    assert_eq!(error.into_request(), Some(ask("wait")));
    assert!(matches!(client.ended().await.end, CloseReason::GaveUp));
    let late = client.call(ask("late")).await.unwrap_err();
    assert!(matches!(end_of(&late), CloseReason::GaveUp), "{late}");
    assert!(matches!(client.end(), Some(CloseReason::GaveUp)));
    assert_eq!(messages.recv().await, Some(Item::Gap), "of the short connection");
    assert_eq!(messages.recv().await, None);
    after_the_delay().await;
    assert_eq!(server.attempts().len(), 5);
}
