//! Our publish/subscribe servers beside broadcast channels of other crates, in one run and harness.
//!
//! ```text
//! $ cargo bench --bench pubsub
//! ```
//!
//! The bench of the same name in `patterns/benches` says what an element is and what each group does.
//! A broadcast channel clones the payload for every subscriber. So each peer is measured with a number,
//! which costs nothing to clone, and with an `Arc`, which is what our servers always deliver.

use std::sync::Arc;

use criterion::Criterion;
use pushdown_patterns::pubsub::{Policy, mutex, task};
use tokio::runtime::Runtime;
use tokio::sync::broadcast::{self, error::RecvError};

use pushdown_benches::settings;

#[path = "../../../patterns/benches/src/fan_out.rs"]
mod fan_out;
#[path = "../../../patterns/benches/src/ours.rs"]
mod ours;

use fan_out::{CAPACITY, Next, Reader, SUBSCRIBERS, Topic, bench, events, round};
use ours::{Ours, lossless};

fn main() {
    let mut criterion = settings::criterion();
    let runtime = fan_out::runtime();
    fan_out(&mut criterion, &runtime);
    drop_oldest(&mut criterion, &runtime);
    criterion.final_summary();
}

fn fan_out(criterion: &mut Criterion, runtime: &Runtime) {
    let policy = lossless();
    let mut group = settings::group(criterion, "pubsub/fan-out");
    for subscribers in SUBSCRIBERS {
        bench(&mut group, "mutex", subscribers, events(subscribers), |events| {
            let server = mutex::Server::new();
            runtime.block_on(round(Ours { server, policy }, subscribers, events))
        });
        bench(&mut group, "task", subscribers, events(subscribers), |events| {
            runtime.block_on(async {
                let server = task::Server::spawn();
                round(Ours { server, policy }, subscribers, events).await
            })
        });
        bench(&mut group, "peer-async-broadcast", subscribers, events(subscribers), |events| {
            runtime.block_on(round(AsyncBroadcast::<u64>::new(), subscribers, events))
        });
        bench(&mut group, "peer-async-broadcast-arc", subscribers, events(subscribers), |events| {
            runtime.block_on(round(AsyncBroadcast::<Arc<u64>>::new(), subscribers, events))
        });
    }
}

fn drop_oldest(criterion: &mut Criterion, runtime: &Runtime) {
    let policy = Policy::drop_oldest(CAPACITY);
    let mut group = settings::group(criterion, "pubsub/drop");
    for subscribers in SUBSCRIBERS {
        bench(&mut group, "mutex", subscribers, events(subscribers), |events| {
            let server = mutex::Server::new();
            runtime.block_on(round(Ours { server, policy }, subscribers, events))
        });
        bench(&mut group, "task", subscribers, events(subscribers), |events| {
            runtime.block_on(async {
                let server = task::Server::spawn();
                round(Ours { server, policy }, subscribers, events).await
            })
        });
        bench(&mut group, "peer-tokio-broadcast", subscribers, events(subscribers), |events| {
            let topic = TokioBroadcast(broadcast::Sender::<u64>::new(CAPACITY));
            runtime.block_on(round(topic, subscribers, events))
        });
        bench(&mut group, "peer-tokio-broadcast-arc", subscribers, events(subscribers), |events| {
            let topic = TokioBroadcast(broadcast::Sender::<Arc<u64>>::new(CAPACITY));
            runtime.block_on(round(topic, subscribers, events))
        });
    }
}

/// The payload of the peers.
trait Payload: Clone + Send + Sync + 'static {
    fn new(number: u64) -> Self;

    fn number(&self) -> u64;
}

impl Payload for u64 {
    fn new(number: u64) -> Self {
        number
    }

    fn number(&self) -> u64 {
        *self
    }
}

impl Payload for Arc<u64> {
    fn new(number: u64) -> Self {
        Arc::new(number)
    }

    fn number(&self) -> u64 {
        **self
    }
}

/// Measured with the methods whose futures are not boxed.
struct AsyncBroadcast<T> {
    sender: async_broadcast::Sender<T>,
    /// Keeps the channel open without receiving.
    receiver: async_broadcast::InactiveReceiver<T>,
}

impl<T> AsyncBroadcast<T> {
    fn new() -> Self {
        let (sender, receiver) = async_broadcast::broadcast(CAPACITY);
        Self { sender, receiver: receiver.deactivate() }
    }
}

impl<T: Payload> Topic for AsyncBroadcast<T> {
    type Reader = async_broadcast::Receiver<T>;

    fn is_lossless(&self) -> bool {
        true
    }

    async fn subscribe(&mut self) -> async_broadcast::Receiver<T> {
        self.receiver.activate_cloned()
    }

    async fn publish(&mut self, number: u64) {
        assert!(self.sender.broadcast_direct(T::new(number)).await.is_ok());
    }
}

impl<T: Payload> Reader for async_broadcast::Receiver<T> {
    async fn next(&mut self) -> Next {
        Next::Event(self.recv_direct().await.unwrap().number())
    }
}

struct TokioBroadcast<T>(broadcast::Sender<T>);

impl<T: Payload> Topic for TokioBroadcast<T> {
    type Reader = broadcast::Receiver<T>;

    fn is_lossless(&self) -> bool {
        false
    }

    async fn subscribe(&mut self) -> broadcast::Receiver<T> {
        self.0.subscribe()
    }

    async fn publish(&mut self, number: u64) {
        assert!(self.0.send(T::new(number)).is_ok());
    }
}

impl<T: Payload> Reader for broadcast::Receiver<T> {
    async fn next(&mut self) -> Next {
        match self.recv().await {
            Ok(event) => Next::Event(event.number()),
            Err(RecvError::Lagged(missed)) => Next::Missed(missed),
            Err(RecvError::Closed) => panic!("the sender was dropped"),
        }
    }
}
