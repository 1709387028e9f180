//! Our servers, in both shapes.

use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns::pubsub::{Item, Policy, PubSub, Subscription};

use super::fan_out::{CAPACITY, Next, Reader, Topic};

pub struct Ours<S> {
    pub server: S,
    pub policy: Policy,
}

/// A policy under which no subscriber misses an event.
pub fn lossless() -> Policy {
    Policy::block(CAPACITY, Duration::MAX)
}

pub fn next(item: Item<&Arc<u64>>) -> Next {
    match item {
        Item::Event { event, .. } => Next::Event(**event),
        Item::Gap { missed } => Next::Missed(missed),
    }
}

impl<S: PubSub<u64>> Topic for Ours<S> {
    type Reader = Subscription<u64>;

    fn is_lossless(&self) -> bool {
        matches!(self.policy, Policy::Block { .. })
    }

    async fn subscribe(&mut self) -> Subscription<u64> {
        self.server.subscribe(self.policy).await.unwrap()
    }

    async fn publish(&mut self, number: u64) {
        self.server.publish(number).await.unwrap();
    }
}

impl Reader for Subscription<u64> {
    async fn next(&mut self) -> Next {
        next(self.recv().await.expect("the server is not shut down"))
    }
}
