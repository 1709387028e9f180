//! Futures that are dropped at every point at which they wait.

use pushdown_patterns::Shutdown;
use pushdown_patterns::mux::{CallOptions, Options};

use crate::wire::{Toy, ask, connect, frame};
use crate::{SECOND, poll_times, settle, tasks};

/// The connection makes the call wait in every way there is: for its turn, for a tag, for room to send
/// and for its reply.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_point_leaves_nothing_and_disturbs_no_other_call() {
    let mut points = 0;
    for polls in 0.. {
        let (mux, _unsolicited, peer) = connect(Toy::<1, true>, Options::new());
        peer.block();
        let first = async {
            let reply = mux.call(ask("first")).await;
            assert_eq!(reply.unwrap().text, "first");
        };
        let peer_answers = async {
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
            () = peer_answers => unreachable!("the peer never stops"),
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
    let (mux, mut unsolicited, peer) = connect(Toy::<9>, Options::new());
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
