//! The window between an answer and what follows it, which no caller can reach from outside.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use super::super::error::PublishError;
use super::super::item::Item;
use super::super::policy::Policy;
use super::Server;
use crate::wait::{Clock, Step};
use crate::waits::Why;

const LIMIT: Duration = Duration::from_secs(1);

/// A publisher is told that it has timed out. Before its future is dropped, the reader makes room.
#[tokio::test(start_paused = true)]
async fn room_made_after_a_time_out_is_not_for_the_event_that_timed_out() {
    let server = Server::<u64>::new();
    let mut reader = server.subscribe(Policy::block(1, LIMIT)).unwrap();
    server.publish(1).await.unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut late = server.publishing(2.into());
    assert!(matches!(
        late.poll(&mut cx, Clock::TOKIO, &mut Why::default()),
        Step::Wait { until: Some(_) }
    ));
    tokio::time::advance(LIMIT).await;
    let answer = late.poll(&mut cx, Clock::TOKIO, &mut Why::default());
    assert!(matches!(answer, Step::Done(Err(PublishError::TimedOut { .. }))));
    assert!(matches!(reader.try_recv(), Ok(Item::Event { seq: 1, .. })));
    assert!(reader.try_recv().is_err(), "the answer was that no subscriber receives the event");
    drop(late);
    assert_eq!(server.publish(3).await.unwrap(), 2);
    assert!(matches!(reader.try_recv(), Ok(Item::Event { seq: 2, event }) if **event == 3));
}

/// The same with a shutdown instead of a limit.
#[tokio::test(start_paused = true)]
async fn an_event_refused_by_a_shutdown_has_left_the_line() {
    let server = Server::<u64>::new();
    let mut reader = server.subscribe(Policy::block(1, Duration::MAX)).unwrap();
    server.publish(1).await.unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut late = server.publishing(2.into());
    assert!(matches!(
        late.poll(&mut cx, Clock::TOKIO, &mut Why::default()),
        Step::Wait { until: None }
    ));
    let drain = server.shutdown(crate::Shutdown::Drain { timeout: Duration::MAX });
    let mut drain = pin!(drain);
    assert!(drain.as_mut().poll(&mut cx).is_pending());
    let answer = late.poll(&mut cx, Clock::TOKIO, &mut Why::default());
    assert!(matches!(answer, Step::Done(Err(PublishError::Closed(_)))));
    assert!(matches!(reader.try_recv(), Ok(Item::Event { seq: 1, .. })));
    assert!(reader.recv().await.is_none());
    assert!(drain.as_mut().poll(&mut cx).is_ready());
}

/// A publisher whose place has come, and that has not been polled since, is answered by the call that
/// made room: it cannot time out any more.
#[tokio::test(start_paused = true)]
async fn an_event_published_from_the_line_does_not_time_out_afterwards() {
    let server = Server::<u64>::new();
    let mut reader = server.subscribe(Policy::block(1, LIMIT)).unwrap();
    server.publish(1).await.unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut second = server.publishing(2.into());
    assert!(matches!(second.poll(&mut cx, Clock::TOKIO, &mut Why::default()), Step::Wait { .. }));
    assert!(reader.try_recv().is_ok());
    tokio::time::advance(2 * LIMIT).await;
    let answer = second.poll(&mut cx, Clock::TOKIO, &mut Why::default());
    assert!(matches!(answer, Step::Done(Ok(2))));
}

/// Places of the line that were looked at while so many publishers join it, and then leave it in
/// three ways.
#[test]
fn a_publisher_costs_the_same_however_many_wait() {
    const PUBLISHERS: usize = 40_000;
    let server = Server::<u64>::new();
    let mut reader = server.subscribe(Policy::block(1, Duration::MAX)).unwrap();
    server.blocking_publish(0).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut waiting: Vec<_> = (0..PUBLISHERS as u64)
        .map(|event| {
            let mut publishing = server.publishing(event.into());
            let step = publishing.poll(&mut cx, Clock::SYSTEM, &mut Why::default());
            assert!(matches!(step, Step::Wait { .. }));
            publishing
        })
        .collect();
    let visits = |most: usize| {
        let visits = std::mem::take(&mut server.inner.state.lock().line.visits);
        println!("{visits} visits of places");
        assert!(visits <= most, "{visits} visits");
    };
    visits(3 * PUBLISHERS);
    // From the end, so that none of these is the first.
    waiting.truncate(PUBLISHERS / 2);
    visits(2 * PUBLISHERS);
    for _ in 0..PUBLISHERS / 4 {
        reader.try_recv().unwrap();
    }
    visits(PUBLISHERS);
    drop(reader);
    visits(PUBLISHERS);
    assert_eq!(server.blocking_publish(0).unwrap(), PUBLISHERS as u64 / 2 + 2);
}
