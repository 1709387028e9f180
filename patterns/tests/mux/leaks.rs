//! Tasks and connections left behind. `mux_memory` measures memory, in a process of its own.

use pushdown_patterns::Shutdown;
use pushdown_patterns::mux::{CallOptions, Options};

use crate::random::Random;
use crate::wire::{Peer, Toy, ask, connect};
use crate::{SECOND, count, poll_times, tasks};

/// Opens a connection, makes calls, drops some, answers some, and ends it in a random way.
async fn random_connection(random: &mut Random) -> Peer {
    let options = Options::new().in_flight(count(2)).quarantine(count(2)).quarantine_age(SECOND);
    let (mux, unsolicited, peer) = connect(Toy::<3, true>, options);
    let mut unsolicited = Some(unsolicited);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..random.below(12) {
        match random.below(8) {
            0 => peer.block(),
            1 => peer.unblock(),
            2 => peer.reply(random.below(5), "!news"),
            3 => drop(unsolicited.take()),
            4 => peer.take_sent().into_iter().for_each(|sent| peer.reply(sent.tag, sent.text)),
            _ => {
                let (mux, polls) = (mux.clone(), random.below(5) as usize);
                callers.spawn(async move {
                    let timeout = CallOptions::new().timeout(SECOND);
                    let _ = poll_times(polls, mux.call_with(ask("a"), timeout)).await;
                });
            }
        }
        if random.below(2) == 0 {
            tokio::task::yield_now().await;
        }
    }
    match random.below(6) {
        0 => peer.hang_up(),
        1 => peer.fail(),
        2 => drop(mux.shutdown(Shutdown::Abort).await),
        3 => drop(mux.shutdown(Shutdown::Drain { timeout: SECOND }).await),
        4 => drop(poll_times(1, mux.shutdown(Shutdown::Drain { timeout: SECOND })).await),
        _ => {}
    }
    drop(mux);
    callers.join_all().await;
    peer
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_random_connections_leave_no_task_and_no_connection() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let before = tasks().await;
    for number in 0..10_000 {
        let peer = random_connection(&mut random).await;
        assert_eq!(tasks().await, before, "connection {number}");
        assert!(peer.is_dropped(), "connection {number}");
    }
    println!("10000 connections");
}
