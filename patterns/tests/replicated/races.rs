//! Events that coincide, step by step.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use super::*;
use pushdown_patterns::replicated::{Budget, CallErrorKind, Hedge};
use tokio::time::advance;

/// Polls once.
async fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}

/// A client with a delay of 10 ms.
fn client(servers: &Servers) -> Fake {
    servers.client(Options::new().hedge(Hedge::After(ms(10))))
}

#[tokio::test(start_paused = true)]
async fn an_answer_just_before_the_delay_is_over_asks_no_other_server() {
    let servers = Servers::new([Reply(9), Reply(0)]);
    let client = client(&servers);
    let mut call = pin!(client.call(()));
    assert!(poll(&mut call).await.is_pending());
    advance(ms(9)).await;
    assert!(matches!(poll(&mut call).await, Poll::Ready(Ok(0))));
    advance(ms(100)).await;
    assert_eq!(servers.asked(), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_precedence_over_the_delay() {
    let servers = Servers::new([Reply(10), Reply(0)]);
    let client = client(&servers);
    let mut call = pin!(client.call(()));
    assert!(poll(&mut call).await.is_pending());
    advance(ms(10)).await;
    assert!(matches!(poll(&mut call).await, Poll::Ready(Ok(0))));
    assert_eq!(servers.asked(), [(0, 0)]);
    assert_eq!(client.stats().hedges, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_precedence_over_the_deadline() {
    let servers = Servers::new([Reply(10)]);
    let client: Fake = servers.client(Options::new().timeout(ms(10)));
    let mut call = pin!(client.call(()));
    assert!(poll(&mut call).await.is_pending());
    advance(ms(10)).await;
    assert!(matches!(poll(&mut call).await, Poll::Ready(Ok(0))));
}

#[tokio::test(start_paused = true)]
async fn an_error_and_the_delay_at_the_same_time_ask_one_server() {
    let servers = Servers::new([Fail(10), Stop, Stop]);
    let client = client(&servers);
    let mut call = pin!(client.call(()));
    assert!(poll(&mut call).await.is_pending());
    advance(ms(10)).await;
    assert!(poll(&mut call).await.is_pending());
    assert_eq!(servers.asked(), [(0, 0), (10, 1)]);
    advance(ms(9)).await;
    assert!(poll(&mut call).await.is_pending());
    assert_eq!(servers.asked(), [], "the delay counts from the last attempt");
    advance(ms(1)).await;
    assert!(poll(&mut call).await.is_pending());
    assert_eq!(servers.asked(), [(20, 2)]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_takes_precedence_over_the_delay() {
    let servers = Servers::new([Stop, Reply(0)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))).timeout(ms(10)));
    assert_eq!(client.call(()).await.unwrap_err().kind, CallErrorKind::TimedOut);
    assert_eq!(servers.asked(), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn of_two_answers_at_the_same_time_the_older_attempt_wins() {
    let servers = Servers::new([Reply(20), Reply(10)]);
    let client = client(&servers);
    assert_eq!(client.call(()).await.unwrap(), 0);
    let stats = client.stats();
    assert_eq!((stats.servers[0].succeeded, stats.servers[1].cancelled), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn two_errors_at_the_same_time_ask_two_servers() {
    let servers = Servers::new([Fail(20), Fail(10), Stop, Reply(1)]);
    let client = client(&servers);
    assert_eq!(client.call(()).await.unwrap(), 3);
    assert_eq!(servers.asked(), [(0, 0), (10, 1), (20, 2), (20, 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_polled_late_catches_up_one_delay_at_a_time() {
    let servers = Servers::new([Stop, Stop, Stop]);
    let client = client(&servers);
    let mut call = pin!(client.call(()));
    assert!(poll(&mut call).await.is_pending());
    advance(ms(1000)).await;
    assert!(poll(&mut call).await.is_pending());
    assert_eq!(servers.asked(), [(0, 0), (1000, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_winner_does_not_undo_a_newer_preference() {
    let servers = Servers::new([Reply(45), Reply(1), Stop]);
    let client = client(&servers);
    // Begins with server 0 preferred. Server 1 does not answer it.
    servers.becomes(1, Stop);
    let mut slow = pin!(client.call(()));
    assert!(poll(&mut slow).await.is_pending());
    advance(ms(10)).await;
    assert!(poll(&mut slow).await.is_pending());
    // Begins later and ends first: server 1 is preferred now.
    servers.becomes(0, Stop);
    servers.becomes(1, Reply(1));
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!((client.preferred(), servers.elapsed()), (Some(1), 21));
    // Server 2 wins the older call and does not become the preferred one.
    servers.becomes(2, Reply(2));
    assert_eq!(slow.await.unwrap(), 2);
    assert_eq!(client.preferred(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_preference_that_has_changed_back_is_a_newer_one() {
    let servers = Servers::new([Stop, Stop, Stop]);
    let client = client(&servers);
    let mut slow = pin!(client.call(()));
    assert!(poll(&mut slow).await.is_pending());
    for server in [1, 0] {
        servers.becomes(0, Fail(0));
        servers.becomes(1, Fail(0));
        servers.becomes(server, Reply(0));
        assert_eq!(client.call(()).await.unwrap(), server);
    }
    servers.becomes(1, Reply(0));
    advance(ms(10)).await;
    assert!(matches!(poll(&mut slow).await, Poll::Ready(Ok(1))));
    assert_eq!(client.preferred(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_zero_asks_all_servers_at_once() {
    let servers = Servers::new([Stop, Stop, Reply(3)]);
    let client: Fake =
        servers.client(Options::new().hedge(Hedge::After(ms(0))).budget(Budget::UNLIMITED));
    assert_eq!(client.call(()).await.unwrap(), 2);
    assert_eq!(servers.asked(), [(0, 0), (0, 1), (0, 2)]);
}

/// The lecture's `timer.Stop`. A timer that is left running would wake this task.
#[tokio::test(start_paused = true)]
async fn the_timer_stops_with_the_call() {
    struct Count(AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let servers = Servers::new([Reply(5), Reply(0)]);
    let client = client(&servers);
    let woken = Arc::new(Count(AtomicUsize::new(0)));
    let waker = std::task::Waker::from(woken.clone());
    let mut cx = std::task::Context::from_waker(&waker);
    let mut call = Box::pin(client.call(()));
    assert!(call.as_mut().poll(&mut cx).is_pending());
    advance(ms(5)).await;
    assert_eq!(woken.0.load(Ordering::Relaxed), 1, "by the reply");
    assert!(call.as_mut().poll(&mut cx).is_ready());
    drop(call);
    advance(ms(100)).await;
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    drop(waker);
    assert_eq!(Arc::strong_count(&woken), 1, "no copy of the caller's waker is left");
}
