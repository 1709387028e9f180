//! Many random lives of a server, none of which leaves anything behind.

use std::sync::{Arc, Weak};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::{Policy, PubSub, Subscription, mutex, task};
use tokio::sync::mpsc;

use crate::{SECOND, alive_tasks, drop_after};

/// The number of lives of each shape.
const LIVES: u64 = 5_000;

/// SplitMix64: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn policy(random: &mut Random) -> Policy {
    match random.below(4) {
        0 => Policy::block(1, SECOND),
        1 => Policy::drop_newest(1),
        2 => Policy::drop_oldest(2),
        _ => Policy::disconnect(1, Duration::ZERO),
    }
}

/// Lives one life. Returns the payloads that were published, which should be gone.
async fn live<S: PubSub<u64>>(server: S, random: &mut Random) -> Vec<Weak<u64>> {
    let mut subscriptions: Vec<Subscription<u64>> = Vec::new();
    let mut channels = Vec::new();
    let mut payloads = Vec::new();
    for _ in 0..random.below(12) {
        let polls = usize::try_from(random.below(4)).unwrap();
        match random.below(6) {
            0 => subscriptions.extend(server.subscribe(policy(random)).await),
            1 => {
                let (sender, receiver) = mpsc::channel(1);
                let _ = drop_after(polls, server.subscribe_channel(sender, policy(random))).await;
                channels.push(receiver);
            }
            2 => {
                let payload = Arc::new(random.below(100));
                payloads.push(Arc::downgrade(&payload));
                let _ = drop_after(polls, server.publish(payload)).await;
            }
            3 => {
                if let Some(subscription) = subscriptions.last_mut() {
                    let _ = drop_after(polls, subscription.recv()).await;
                }
            }
            4 => {
                if let Some(subscription) = subscriptions.first() {
                    let _ = drop_after(polls, server.cancel(subscription.id())).await;
                }
            }
            _ => drop((subscriptions.pop(), channels.pop())),
        }
    }
    match random.below(4) {
        0 => drop(server.shutdown(Shutdown::Abort).await),
        1 => _ = server.shutdown(Shutdown::Drain { timeout: SECOND }).await,
        2 => _ = drop_after(1, server.shutdown(Shutdown::Drain { timeout: SECOND })).await,
        _ => {}
    }
    payloads
}

async fn lives<S: PubSub<u64>>(new: impl Fn() -> S) {
    let tasks = alive_tasks();
    let mut random = Random(7);
    for life in 0..LIVES {
        let payloads = live(new(), &mut random).await;
        for _ in 0..100 {
            if alive_tasks() == tasks {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(alive_tasks(), tasks, "tasks of life {life}");
        let kept = payloads.iter().filter(|payload| payload.upgrade().is_some()).count();
        assert_eq!(kept, 0, "payloads of life {life}");
    }
    println!("{LIVES} lives that left nothing behind");
}

#[tokio::test(start_paused = true)]
async fn a_server_under_a_lock_leaves_nothing_behind() {
    lives(mutex::Server::new).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_in_a_task_leaves_nothing_behind() {
    lives(task::Server::spawn).await;
}
