//! Callers, connections and handles that are dropped wherever they wait: nothing is left.

use pushdown_patterns::Shutdown;
use pushdown_patterns::mux::{CallOptions, Options};

use crate::wire::{Peer, Toy, ask, connect, frame};
use crate::{SECOND, count, poll_times, settle, tasks};

/// A call on a connection that makes it wait in every way there is: for the others to pass, for a tag,
/// for room to send, for its reply.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_point_leaves_nothing_and_disturbs_nobody() {
    let mut points = 0;
    for polls in 0.. {
        let (mux, _unsolicited, peer) = connect(Toy::<1, true>, &Options::new());
        peer.block();
        let first = async {
            let reply = mux.call(ask("first")).await;
            assert_eq!(reply.unwrap().text, "first");
        };
        let world = async {
            for _ in 0..3 {
                settle().await;
            }
            peer.unblock();
            loop {
                settle().await;
                for request in peer.take_sent() {
                    settle().await;
                    if request.text != "cancel" {
                        peer.reply(request.tag, request.text);
                    }
                }
            }
        };
        let dropped = async {
            settle().await;
            let timeout = CallOptions::new().timeout(60 * SECOND);
            poll_times(polls, mux.call_with(ask("dropped"), timeout)).await
        };
        let last = async {
            settle().await;
            settle().await;
            assert_eq!(mux.call(ask("last")).await.unwrap().text, "last");
        };
        let calls = async { tokio::join!(first, dropped, last) };
        let ((), dropped, ()) = tokio::select! {
            done = calls => done,
            () = world => unreachable!("the world goes on"),
        };
        let counts = mux.counts();
        let left = (counts.waiting, counts.in_flight, counts.unclaimed);
        assert_eq!(left, (0, 0, 0), "after {polls} polls");
        if let Some(reply) = dropped {
            assert_eq!(reply.unwrap().text, "dropped");
            points = polls;
            break;
        }
    }
    assert!(points > 5, "only {points} points");
    println!("{points} points at which a call was dropped");
}

#[tokio::test(start_paused = true)]
async fn a_receive_or_a_shutdown_dropped_while_it_waits_takes_nothing() {
    let (mux, mut unsolicited, peer) = connect(Toy::<9>, &Options::new());
    for _ in 0..3 {
        assert!(poll_times(2, unsolicited.recv()).await.is_none());
        assert!(poll_times(2, mux.ended()).await.is_none());
    }
    peer.reply(0, "!news");
    assert_eq!(unsolicited.recv().await, Some(frame(0, "!news")));
    let drain = mux.shutdown(Shutdown::Drain { timeout: SECOND });
    assert!(poll_times(1, drain).await.is_none());
    mux.ended().await;
    assert_eq!(tasks().await, 0);
}

/// A generator of numbers that look random: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % bound
    }
}

/// Callers that come and go, replies or none, and an end of some kind.
async fn a_life(random: &mut Random) -> Peer {
    let options = Options::new().in_flight(count(2)).quarantine(count(2)).quarantine_age(SECOND);
    let (mux, unsolicited, peer) = connect(Toy::<3, true>, &options);
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
async fn ten_thousand_random_lives_leave_no_task_and_no_connection() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let before = tasks().await;
    for life in 0..10_000 {
        let peer = a_life(&mut random).await;
        assert_eq!(tasks().await, before, "life {life}");
        assert!(peer.is_dropped(), "life {life}");
    }
    println!("10000 lives");
}
