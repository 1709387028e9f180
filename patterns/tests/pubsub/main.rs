//! The publish/subscribe server: both shapes through one interface.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pushdown_patterns::pubsub::{Item, Policy, PubSub, Subscription};
use tokio::runtime::Handle;

/// Runs each test with both shapes, in a runtime whose time is paused.
macro_rules! shapes {
    ($($(#[$meta:meta])* async fn $name:ident<S>($server:ident: S) $body:block)*) => {
        $($(#[$meta])* async fn $name<S: crate::PubSub<u64>>($server: S) $body)*

        mod in_mutex {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name(pushdown_patterns::pubsub::mutex::Server::new()).await;
            })*
        }

        mod in_task {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name(pushdown_patterns::pubsub::task::Server::spawn()).await;
            })*
        }
    };
}

mod batches;
mod cancel;
mod channels;
mod drops;
mod effects;
mod forwarders;
mod leaks;
mod model;
mod order;
mod others;
mod panics;
mod payloads;
mod policies;
mod shutdown;
mod threads;
mod upstream;
mod wakes;

const SECOND: Duration = Duration::from_secs(1);

/// A deadline that only turns a hang into a failure.
const HANG: Duration = Duration::from_secs(60);

/// A policy that loses nothing, with which publishers wait forever.
fn lossless() -> Policy {
    Policy::block(1000, Duration::MAX)
}

/// An item in short: the number of an event, or the negated number of missed ones.
fn short<T>(item: Item<T>) -> i64 {
    match item {
        Item::Event { seq, .. } => seq.cast_signed(),
        Item::Gap { missed } => -missed.cast_signed(),
    }
}

/// No items. A literal would be ambiguous where serde_json is compiled as well.
const NOTHING: [i64; 0] = [];

/// The items that can be read without waiting.
fn ready(subscription: &mut Subscription<u64>) -> Vec<i64> {
    std::iter::from_fn(|| subscription.try_recv().ok().map(short)).collect()
}

/// The items up to the end of the stream.
async fn rest(subscription: &mut Subscription<u64>) -> Vec<i64> {
    let mut items = Vec::new();
    while let Some(item) = subscription.recv().await {
        items.push(short(item));
    }
    items
}

/// Publishes numbers and expects each to be accepted.
async fn publish<S: PubSub<u64>>(server: &S, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        server.publish(number).await.unwrap();
    }
}

/// Lets all other tasks run until they wait.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Returns whether a future is still pending after all other tasks have run until they wait.
async fn waits(mut future: impl Future + Unpin) -> bool {
    for _ in 0..50 {
        let polled =
            poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut future).poll(cx).is_pending()));
        if !polled.await {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

/// Polls a future this many times, with the other tasks running in between, and drops it. Returns
/// whether it was ready.
async fn drop_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        let done = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if done {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn alive_tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// A payload, and a weak reference that tells whether it was dropped.
fn counted() -> (Arc<u64>, std::sync::Weak<u64>) {
    let payload = Arc::new(0);
    let weak = Arc::downgrade(&payload);
    (payload, weak)
}
