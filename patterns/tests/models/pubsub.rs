//! `pubsub`, with publishers and readers in threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::clock::advance;
use pushdown_patterns::pubsub::{Item, Limit, Policy, Subscription, mutex, task};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::block_on;

use crate::{LIMIT, finds, holds, thread};

fn block(capacity: usize) -> Policy {
    Policy::block(capacity, Duration::MAX)
}

/// A policy with which a reader takes all events of a segment in one step.
const UNBOUNDED: Policy = Policy::Queue { items: Limit::Unbounded, bytes: Limit::Unbounded };

/// Reads numbers and payloads up to the end of the stream. Nothing may be missing.
fn read(subscription: &mut Subscription<u64>) -> Vec<(u64, u64)> {
    let mut events = Vec::new();
    while let Some(item) = subscription.blocking_recv() {
        let Item::Event { seq, event } = item else { panic!("nothing is dropped here: {item:?}") };
        events.push((seq, **event));
    }
    events
}

/// Two publishers publish one event each to a reader with room for one, which is cancelled at some
/// point. The reader reads what was published before that, and no publisher waits forever.
fn two_publishers_a_reader_and_a_cancel() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(block(1)).unwrap();
    let publishers = [10, 20].map(|event| {
        let server = server.clone();
        thread::spawn(move || server.blocking_publish(event).unwrap())
    });
    server.cancel(reader.id()).unwrap();
    let events = read(&mut reader);
    assert!(events.iter().map(|(seq, _)| *seq).eq(1..=events.len() as u64), "{events:?}");
    let mut numbers: Vec<u64> = publishers.map(|publisher| publisher.join().unwrap()).into();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
}

/// A publisher fills a queue of one event, and goes on when room is made. Nothing is lost, and the drain
/// ends.
fn a_publisher_waits_for_room() {
    // A random schedule rarely makes the publisher wait for room, so it has more chances.
    const EVENTS: u64 = if cfg!(pushdown_model = "loom") { 3 } else { 16 };

    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(block(1)).unwrap();
    let publisher = thread::spawn(move || {
        for event in 1..=EVENTS {
            assert_eq!(server.blocking_publish(event).unwrap(), event);
        }
        server.blocking_shutdown(Shutdown::Drain { timeout: Duration::MAX }).ended.len()
    });
    let expected: Vec<_> = (1..=EVENTS).map(|event| (event, event)).collect();
    assert_eq!(read(&mut reader), expected);
    assert_eq!(publisher.join().unwrap(), 1);
}

/// Two publishers wait in line for room for one event.
fn two_publishers_in_line() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(block(1)).unwrap();
    server.blocking_publish(0).unwrap();
    let publishers = [10, 20].map(|event| {
        let server = server.clone();
        thread::spawn(move || server.blocking_publish(event).is_ok())
    });
    let read = [(); 3].map(|()| reader.blocking_recv().map(|item| item.cloned()));
    assert!(read.iter().all(Option::is_some));
    assert!(publishers.into_iter().all(|publisher| publisher.join().unwrap()));
}

/// Two publishers and two readers. Both readers read the same.
fn two_readers_see_one_order() {
    let server = mutex::Server::<u64>::new();
    let mut readers = [(); 2].map(|()| server.subscribe(block(2)).unwrap());
    let publishers = [10, 20].map(|event| {
        let server = server.clone();
        thread::spawn(move || server.blocking_publish(event).unwrap())
    });
    publishers.into_iter().for_each(|publisher| assert!(publisher.join().is_ok()));
    for reader in &readers {
        server.cancel(reader.id()).unwrap();
    }
    let [first, second] = readers.each_mut().map(read);
    assert_eq!(first, second);
    assert_eq!(first.len(), 2);
}

/// The events read and missed are those published, in their places.
fn a_reader_misses_events() {
    const EVENTS: u64 = if cfg!(pushdown_model = "loom") { 2 } else { 4 };
    for policy in [Policy::drop_newest(1), Policy::drop_oldest(1)] {
        let server = mutex::Server::<u64>::new();
        let mut reader = server.subscribe(policy).unwrap();
        let publisher = thread::spawn(move || {
            for event in 1..=EVENTS {
                server.blocking_publish(event).unwrap();
            }
            server.blocking_shutdown(Shutdown::Drain { timeout: Duration::MAX })
        });
        let mut next = 1;
        while let Some(item) = reader.blocking_recv() {
            match item {
                Item::Event { seq, event } => {
                    assert_eq!((seq, **event), (next, next));
                    next += 1;
                }
                Item::Gap { missed } => next += missed,
            }
        }
        assert_eq!(next, EVENTS + 1);
        publisher.join().unwrap();
    }
}

/// The owner task in a thread of its own, a publisher that has to wait, and a reader that leaves.
fn a_task_a_publisher_and_a_reader_that_leaves() {
    let (server, owner) = task::Server::<u64>::new();
    let owner = thread::spawn(move || block_on(owner));
    let mut reader = block_on(server.subscribe(block(1))).unwrap();
    let publisher = thread::spawn(move || {
        for event in 1..=3_u64 {
            assert_eq!(block_on(server.publish(event)).unwrap(), event);
        }
    });
    assert!(matches!(reader.blocking_recv(), Some(Item::Event { seq: 1, .. }) | None));
    drop(reader);
    publisher.join().unwrap();
    owner.join().unwrap();
}

/// A publisher times out while the reader makes room. Whatever it was told is what the reader sees.
fn a_publisher_that_may_time_out() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(Policy::block(1, LIMIT)).unwrap();
    server.blocking_publish(1).unwrap();
    let publisher = thread::spawn({
        let server = server.clone();
        move || server.blocking_publish(2).ok()
    });
    advance(LIMIT);
    let first = reader.blocking_recv();
    assert!(matches!(first, Some(Item::Event { seq: 1, .. })));
    let told = publisher.join().unwrap();
    server.cancel(reader.id()).unwrap();
    assert_eq!(read(&mut reader), Vec::from_iter(told.map(|seq| (seq, 2))));
}

/// Two publishers in line time out, while the reader makes room for one of them or for both.
fn two_publishers_that_may_time_out() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(Policy::block(1, LIMIT)).unwrap();
    server.blocking_publish(0).unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let publishers = [10, 20].map(|event| {
        let (server, answered) = (server.clone(), answered.clone());
        thread::spawn(move || {
            let told = server.blocking_publish(event).ok().map(|seq| (seq, event));
            answered.fetch_add(1, Ordering::Relaxed);
            told
        })
    });
    let mut seen = Vec::new();
    // A publisher that joins the line after the last advance would wait forever.
    while answered.load(Ordering::Relaxed) < publishers.len() {
        if let Ok(Item::Event { seq, event }) = reader.try_recv() {
            seen.push((seq, **event));
        }
        advance(LIMIT);
        thread::yield_now();
    }
    let mut told = vec![(1, 0)];
    told.extend(publishers.into_iter().filter_map(|publisher| publisher.join().unwrap()));
    told.sort_unstable();
    server.cancel(reader.id()).unwrap();
    seen.extend(read(&mut reader));
    assert_eq!(seen, told);
}

/// The same with the owner task, whose publishers do not wait.
fn two_publishers_that_time_out_in_the_task() {
    let (server, owner) = task::Server::<u64>::new();
    let owner = thread::spawn(move || block_on(owner));
    let mut reader = block_on(server.subscribe(Policy::block(1, Duration::ZERO))).unwrap();
    let publishers = [10, 20].map(|event| {
        let server = server.clone();
        thread::spawn(move || block_on(server.publish(event)).ok().map(|seq| (seq, event)))
    });
    let mut seen = Vec::new();
    if let Ok(Item::Event { seq, event }) = reader.try_recv() {
        seen.push((seq, **event));
    }
    let mut told: Vec<_> =
        publishers.into_iter().filter_map(|publisher| publisher.join().unwrap()).collect();
    told.sort_unstable();
    block_on(server.cancel(reader.id())).unwrap();
    seen.extend(read(&mut reader));
    assert_eq!(seen, told);
    drop((reader, server));
    owner.join().unwrap();
}

/// A publisher gives up while the reader makes room for its event.
fn a_publisher_that_gives_up() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(block(1)).unwrap();
    server.blocking_publish(1).unwrap();
    let publisher = thread::spawn({
        let server = server.clone();
        move || {
            let mut publish = Box::pin(server.publish(2));
            let mut cx = Context::from_waker(Waker::noop());
            publish.as_mut().poll(&mut cx).is_ready()
        }
    });
    assert!(matches!(reader.blocking_recv(), Some(Item::Event { seq: 1, .. })));
    let was_told = publisher.join().unwrap();
    let was_seen = reader.try_recv().is_ok();
    assert!(was_seen || !was_told);
    let seq = server.blocking_publish(3).unwrap();
    server.cancel(reader.id()).unwrap();
    assert_eq!(read(&mut reader), [(seq, 3)], "its place in the line is not in the way");
}

/// A full queue takes events again once its reader has made room.
fn a_full_queue_and_its_reader() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(Policy::drop_newest(1)).unwrap();
    (1..=2).for_each(|event| assert!(server.blocking_publish(event).is_ok()));
    let publisher = thread::spawn({
        let server = server.clone();
        move || server.blocking_publish(3).unwrap()
    });
    assert!(matches!(reader.blocking_recv(), Some(Item::Event { seq: 1, .. })));
    publisher.join().unwrap();
    server.blocking_publish(4).unwrap();
    server.cancel(reader.id()).unwrap();
    let mut rest = Vec::new();
    while let Some(item) = reader.blocking_recv() {
        rest.push(match item {
            Item::Event { seq, .. } => seq.cast_signed(),
            Item::Gap { missed } => -missed.cast_signed(),
        });
    }
    assert!(rest == [-2, 4] || rest == [-1, 3, -1], "{rest:?}");
}

/// A reader takes events in batches while they are published. A segment of a model has two.
fn a_reader_of_batches() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(UNBOUNDED).unwrap();
    let publisher = thread::spawn(move || {
        for event in 1..=3_u64 {
            assert_eq!(server.blocking_publish(event).unwrap(), event);
        }
        let report = server.blocking_shutdown(Shutdown::Drain { timeout: Duration::MAX });
        report.ended[0].undelivered
    });
    assert_eq!(read(&mut reader), [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(publisher.join().unwrap(), 0);
}

/// The stream of a reader ends between two events of one segment.
fn a_batch_and_a_cancel() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(UNBOUNDED).unwrap();
    server.blocking_publish(1).unwrap();
    let canceller = thread::spawn({
        let (server, id) = (server.clone(), reader.id());
        move || {
            server.cancel(id).unwrap();
            server.blocking_publish(2).unwrap();
        }
    });
    assert_eq!(read(&mut reader), [(1, 1)]);
    canceller.join().unwrap();
}

/// A reader has taken two events when the server is aborted.
fn a_batch_and_an_abort() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(UNBOUNDED).unwrap();
    (1..=2).for_each(|event| assert!(server.blocking_publish(event).is_ok()));
    let aborter = thread::spawn(move || {
        let report = server.blocking_shutdown(Shutdown::Abort);
        report.ended[0].undelivered
    });
    let read = u64::from(reader.blocking_recv().is_some());
    assert_eq!(read + aborter.join().unwrap(), 2);
    assert!(reader.try_recv().is_err(), "the abort was before");
}

/// A reader reads its batch during the abort.
fn a_batch_that_is_read_and_an_abort() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(UNBOUNDED).unwrap();
    (1..=2).for_each(|event| assert!(server.blocking_publish(event).is_ok()));
    assert!(reader.try_recv().is_ok());
    let aborter = thread::spawn(move || {
        let report = server.blocking_shutdown(Shutdown::Abort);
        report.ended[0].undelivered
    });
    let read = 1 + u64::from(reader.try_recv().is_ok());
    let undelivered = aborter.join().unwrap();
    assert!((2..=3).contains(&(read + undelivered)), "{read} read, {undelivered} undelivered");
    assert!(reader.try_recv().is_err());
}

/// A publisher waits for room that is never made, until the server is aborted.
fn a_publisher_without_room_and_an_abort() {
    let server = mutex::Server::<u64>::new();
    let _reader = server.subscribe(block(1)).unwrap();
    server.blocking_publish(1).unwrap();
    let publisher = thread::spawn({
        let server = server.clone();
        move || server.blocking_publish(2).is_err()
    });
    thread::yield_now();
    server.blocking_shutdown(Shutdown::Abort);
    assert!(publisher.join().unwrap(), "there was no room");
}

/// A reader with one event to read is cancelled, and reads it.
fn a_reader_and_a_cancel() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(block(1)).unwrap();
    let id = reader.id();
    server.blocking_publish(1).unwrap();
    let canceller = thread::spawn({
        let server = server.clone();
        move || server.cancel(id).unwrap()
    });
    assert_eq!(read(&mut reader), [(1, 1)]);
    canceller.join().unwrap();
    drop(server);
}

/// A publisher waits for a reader that is cancelled and does not read.
fn a_publisher_and_a_cancel() {
    let server = mutex::Server::<u64>::new();
    let reader = server.subscribe(block(1)).unwrap();
    server.blocking_publish(1).unwrap();
    let publisher = thread::spawn({
        let server = server.clone();
        move || server.blocking_publish(2).unwrap()
    });
    server.cancel(reader.id()).unwrap();
    publisher.join().unwrap();
    drop(reader);
}

#[test]
fn a_cancel_ends_the_stream_and_no_publisher_waits_forever() {
    holds("two publishers, a reader and a cancel", two_publishers_a_reader_and_a_cancel);
}

#[test]
#[cfg(pushdown_model = "shuttle")]
fn a_line_of_publishers_moves_on() {
    holds("two publishers in line", two_publishers_in_line);
}

#[test]
fn room_reaches_the_publisher_that_waits_for_it() {
    holds("a publisher that waits for room", a_publisher_waits_for_room);
}

#[test]
#[cfg(pushdown_model = "shuttle")]
fn all_readers_see_one_order() {
    holds("two publishers and two readers", two_readers_see_one_order);
}

#[test]
fn missed_events_are_counted() {
    holds("a reader that misses events", a_reader_misses_events);
}

#[test]
#[cfg(pushdown_model = "shuttle")]
fn the_task_serves_until_the_last_handle_is_dropped() {
    holds("the task", a_task_a_publisher_and_a_reader_that_leaves);
}

#[test]
#[cfg(pushdown_model = "shuttle")]
fn nothing_is_published_without_room() {
    holds("a publisher without room and an abort", a_publisher_without_room_and_an_abort);
}

#[test]
#[cfg(pushdown_model = "shuttle")]
fn published_events_are_read_after_a_cancel() {
    holds("a reader and a cancel", a_reader_and_a_cancel);
}

#[test]
#[cfg(pushdown_model = "shuttle")]
fn a_cancel_releases_the_publisher_that_waits_for_it() {
    holds("a publisher and a cancel", a_publisher_and_a_cancel);
}

#[test]
fn an_event_whose_publisher_timed_out_is_not_read() {
    holds("a publisher that may time out", a_publisher_that_may_time_out);
}

#[test]
#[cfg(pushdown_model = "shuttle")]
fn events_whose_publishers_timed_out_in_line_are_not_read() {
    holds("two publishers that may time out", two_publishers_that_may_time_out);
}

#[test]
#[cfg(pushdown_model = "shuttle")]
fn events_whose_publishers_timed_out_in_the_task_are_not_read() {
    holds("two publishers that time out in the task", two_publishers_that_time_out_in_the_task);
}

#[test]
fn a_publisher_that_gives_up_is_not_in_the_way() {
    holds("a publisher that gives up", a_publisher_that_gives_up);
}

#[test]
fn a_full_queue_takes_events_again() {
    holds("a full queue and its reader", a_full_queue_and_its_reader);
}

#[test]
fn batches_are_read_in_order_and_to_the_end() {
    holds("a reader of batches", a_reader_of_batches);
}

#[test]
fn a_batch_ends_where_the_stream_does() {
    holds("a batch and a cancel", a_batch_and_a_cancel);
}

#[test]
fn an_abort_ends_a_batch() {
    holds("a batch and an abort", a_batch_and_an_abort);
    holds("a batch that is read and an abort", a_batch_that_is_read_and_an_abort);
}

#[test]
fn a_batch_that_passes_the_end_is_found() {
    finds(Bug::BatchPassesTheEnd, a_batch_and_a_cancel);
}

#[test]
fn a_batch_that_outlives_an_abort_is_found() {
    finds(Bug::BatchOutlivesTheAbort, a_batch_and_an_abort);
}

#[test]
fn an_answer_before_leaving_the_line_is_found() {
    finds(Bug::AnswersInLine, a_publisher_that_may_time_out);
}

#[test]
fn an_event_published_without_room_is_found() {
    finds(Bug::CommitWithoutRoom, a_publisher_without_room_and_an_abort);
}

#[test]
fn missed_events_that_are_not_counted_are_found() {
    finds(Bug::LossIsSilent, a_reader_misses_events);
}

#[test]
fn a_cancel_that_forgets_published_events_is_found() {
    finds(Bug::CancelForgetsPublished, a_reader_and_a_cancel);
}

#[test]
fn a_cancel_that_leaves_the_publisher_waiting_is_found() {
    finds(Bug::CancelLeavesPublisher, a_publisher_and_a_cancel);
}

#[test]
fn room_that_is_not_announced_is_found() {
    finds(Bug::RoomIsNotAnnounced, a_publisher_waits_for_room);
}

#[test]
fn a_reader_that_looks_only_once_is_found() {
    finds(Bug::ReaderLooksOnce, a_publisher_waits_for_room);
}
