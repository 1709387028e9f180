//! The work and the memory of the owner, which no caller can count from outside.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::super::policy::Policy;
use super::*;
use crate::wait::Clock;

fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A server whose owner runs when the test says so.
fn server() -> (Server<u64>, Owner<u64>) {
    let mailbox = Arc::new(Mailbox::new());
    (Server { mailbox: mailbox.clone() }, Owner::new(mailbox))
}

/// Handles all requests, and returns the number of places in the line that were looked at.
fn run(owner: &mut Owner<u64>) -> usize {
    while owner.handle_next(Clock::SYSTEM) {}
    owner.take_visits()
}

#[test]
fn a_request_costs_the_same_however_many_publishers_wait() {
    const PUBLISHERS: usize = 40_000;
    let (server, mut owner) = server();
    let mut subscribing = pin!(server.subscribe(Policy::block(1, Duration::MAX)));
    assert!(poll_once(subscribing.as_mut()).is_pending());
    run(&mut owner);
    let Poll::Ready(Ok(mut reader)) = poll_once(subscribing.as_mut()) else { panic!() };
    let mut waiting: Vec<_> = (0..=PUBLISHERS as u64)
        .map(|event| {
            let mut publish = Box::pin(server.publish(event));
            assert!(poll_once(publish.as_mut()).is_pending());
            publish
        })
        .collect();
    let check = |owner: &mut Owner<u64>, most| {
        let visits = run(owner);
        println!("{visits} visits of places");
        assert!(visits <= most, "{visits} visits");
    };
    check(&mut owner, 2 * PUBLISHERS);
    let mut asking: Vec<_> = (0..100).map(|_| Box::pin(server.subscribers())).collect();
    assert!(asking.iter_mut().all(|asking| poll_once(asking.as_mut()).is_pending()));
    check(&mut owner, 100);
    // From the end, so that none of these is the first.
    waiting.truncate(PUBLISHERS / 2);
    let mut asking = pin!(server.subscribers());
    assert!(poll_once(asking.as_mut()).is_pending());
    check(&mut owner, PUBLISHERS + 2);
    for _ in 0..PUBLISHERS / 4 {
        assert!(reader.try_recv().is_ok());
        while owner.handle_next(Clock::SYSTEM) {}
    }
    // One for each event that is published, and one for the next in line.
    check(&mut owner, PUBLISHERS / 2);
    drop(reader);
    check(&mut owner, PUBLISHERS);
    assert!(waiting.iter_mut().all(|publish| poll_once(publish.as_mut()).is_ready()));
}

#[test]
fn a_request_that_is_given_up_leaves_the_mailbox_before_the_owner_runs() {
    let (server, mut owner) = server();
    let mut kept: Vec<_> = (0..10)
        .map(|event| {
            let mut publish = Box::pin(server.publish(event));
            assert!(poll_once(publish.as_mut()).is_pending());
            publish
        })
        .collect();
    for event in 0..1000 {
        assert!(poll_once(pin!(server.publish(event))).is_pending());
        assert!(poll_once(pin!(server.subscribe(Policy::drop_oldest(1)))).is_pending());
        let requests = server.mailbox.requests();
        assert!(requests <= 2 * kept.len() + 2, "{requests} requests");
    }
    run(&mut owner);
    for (seq, publish) in (1..).zip(&mut kept) {
        assert!(
            matches!(poll_once(publish.as_mut()), Poll::Ready(Ok(published)) if published == seq)
        );
    }
}
