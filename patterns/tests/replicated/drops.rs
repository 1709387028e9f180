//! Futures that are dropped at every point where they wait.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::task::Poll;

use super::*;
use pushdown_patterns::Shutdown;
use pushdown_patterns::replicated::{Hedge, Losers};

/// Polls a future so many times, whenever it is woken, and then drops it where it waits.
pub(crate) async fn drop_after<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let (mut future, mut left) = (Box::pin(future), polls);
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

pub(crate) fn finish(within: u64) -> Losers {
    Losers::Finish { at_most: NonZeroUsize::new(3).unwrap(), within: ms(within) }
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_dropped_at_every_await_point() {
    let scripts = [
        [Reply(5), Reply(5), Reply(5)],
        [Stop, Fail(3), Reply(1)],
        [Stop, Stop, Reply(30)],
        [Panic(4), Reply(90), Fail(1)],
        [Fail(0), Fail(1), Fail(40)],
    ];
    let before = alive_tasks();
    let mut points = 0;
    for losers in [Losers::Cancel, finish(60)] {
        for script in scripts {
            for polls in 0.. {
                let servers = Servers::new(script);
                let client: Fake =
                    servers.client(Options::new().hedge(Hedge::After(ms(10))).losers(losers));
                let done = drop_after(client.call(()), polls).await;
                let asked = servers.asked.lock().unwrap().len();
                assert_eq!(client.running().calls, 0);
                if losers == Losers::Cancel {
                    assert_eq!((servers.running(), client.running().losers), (0, 0));
                }
                if done.is_none() {
                    assert_eq!(client.preferred(), Some(0), "a dropped call does not choose");
                    assert_eq!(asked == 0, polls == 0);
                }
                sleep(ms(200)).await;
                assert_eq!((servers.running(), client.running().losers), (0, 0));
                assert_eq!(alive_tasks(), before, "{script:?}, dropped after {polls} polls");
                assert_eq!(client.stats().running(), 0);
                if done.is_some() {
                    break;
                }
                points += 1;
            }
        }
    }
    println!("{points} points dropped at");
    assert!(points > 20);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_can_be_dropped_at_every_await_point() {
    let script = [Stop, Stop, Stop];
    for polls in 0.. {
        let servers = Servers::new(script);
        let client: Fake =
            servers.client(Options::new().hedge(Hedge::After(ms(10))).losers(finish(90)));
        drop_after(client.call(()), 3).await;
        let done = drop_after(client.shutdown(Shutdown::Drain { timeout: ms(20) }), polls).await;
        if done.is_some() {
            assert!(polls > 1);
            assert_eq!(servers.running(), 0);
            return;
        }
        let report = client.shutdown(Shutdown::Abort).await;
        assert_eq!((report.losers.aborted, servers.running()), (3, 0));
    }
}

#[test]
fn the_losers_of_a_call_dropped_outside_of_its_runtime_run_there() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = runtime.block_on(async { Servers::new([Reply(1)]) });
    let client: Fake = servers.client(Options::new().losers(finish(60_000)));
    let mut call = Box::pin(client.call(()));
    runtime
        .block_on(async { poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await });
    drop(call);
    assert_eq!(client.running().losers, 1);
    runtime.block_on(client.shutdown(Shutdown::Drain { timeout: Duration::from_secs(60) }));
    assert_eq!(client.stats().servers[0].succeeded, 1);
}
