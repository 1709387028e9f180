//! Nothing is left behind, wherever a call ends.

use std::future::poll_fn;
use std::task::Poll;

use super::*;
use pushdown_patterns::Shutdown;
use pushdown_patterns::replicated::{Budget, CallOptions, Hedge, Losers};
use std::num::NonZeroUsize;

/// Polls a future so many times, each time that it is woken, and then drops it where it waits.
async fn drop_after<F: Future>(future: F, polls: usize) -> Option<F::Output> {
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

fn finish(within: u64) -> Losers {
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
                    servers.client().hedge(Hedge::After(ms(10))).losers(losers).build().unwrap();
                let done = drop_after(client.call(()), polls).await;
                let asked = servers.asked.lock().unwrap().len();
                assert_eq!(client.running().calls, 0);
                if losers == Losers::Cancel {
                    assert_eq!((servers.running(), client.running().losers), (0, 0));
                }
                if done.is_none() {
                    assert_eq!(client.preferred(), 0, "a caller that has gone says nothing");
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
            servers.client().hedge(Hedge::After(ms(10))).losers(finish(90)).build().unwrap();
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

/// A small generator, so that a run that fails fails again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn does(&mut self) -> Does {
        let after = self.below(40);
        match self.below(8) {
            0 => Fail(after),
            1 => Refuse(after),
            2 => Stop,
            _ => Reply(after),
        }
    }
}

/// One client, several calls at a time, some of them dropped, and then its end.
async fn random_run(seed: u64) {
    let random = &mut Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let servers = Servers::new([random.does(), random.does(), random.does()]);
    let losers = [Losers::Cancel, finish(20), finish(500)][random.below(3) as usize];
    let hedges = [Hedge::Never, Hedge::After(ms(random.below(20)))];
    let client: Fake = servers
        .client()
        .hedge(hedges[random.below(2) as usize])
        .budget(Budget { percent: 50, per_second: 0, burst: random.below(4) as u32 })
        .deadline(ms(60))
        .losers(losers)
        .build()
        .unwrap();
    let calls: Vec<_> = (0..random.below(4) + 1)
        .map(|_| {
            let (client, polls) = (client.clone(), random.below(8) as usize);
            let options = CallOptions { idempotent: random.below(3) > 0, deadline: None };
            tokio::spawn(async move {
                drop_after(client.call_with((), options), polls).await;
            })
        })
        .collect();
    for _ in 0..random.below(4) {
        sleep(ms(random.below(15))).await;
        servers.becomes(random.below(3) as usize, random.does());
    }
    match random.below(4) {
        0 => drop(client.shutdown(Shutdown::Abort).await),
        1 => drop(client.shutdown(Shutdown::Drain { timeout: ms(random.below(50)) }).await),
        2 => calls.iter().for_each(tokio::task::JoinHandle::abort),
        _ => {}
    }
    for call in calls {
        let _ = call.await;
    }
    assert_eq!(client.running().calls, 0, "run {seed}");
    drop(client);
    settle().await;
    assert_eq!(servers.running(), 0, "run {seed}");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_random_runs_leave_nothing_behind() {
    let before = alive_tasks();
    for seed in 0..10_000 {
        random_run(seed).await;
        assert_eq!(alive_tasks(), before, "run {seed}");
    }
    println!("10000 random runs");
}

#[test]
fn a_runtime_that_ends_in_the_middle_takes_everything_along() {
    for losers in [Losers::Cancel, finish(60_000)] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (servers, client) = runtime.block_on(async {
            let servers = Servers::new([Stop, Reply(0), Stop]);
            let client: Fake =
                servers.client().hedge(Hedge::After(ms(1))).losers(losers).build().unwrap();
            client.call(()).await.unwrap();
            servers.becomes(1, Stop);
            for _ in 0..3 {
                let client = client.clone();
                tokio::spawn(async move { client.call(()).await });
            }
            while servers.running() < 3 {
                tokio::task::yield_now().await;
            }
            (servers, client)
        });
        drop(runtime);
        assert_eq!((client.running().calls, client.running().losers), (0, 0));
        assert_eq!(servers.running(), 0);
        // The client is as good as new elsewhere.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        servers.becomes(client.preferred(), Reply(0));
        runtime.block_on(client.call(())).unwrap();
        runtime.block_on(client.shutdown(Shutdown::Drain { timeout: ms(1000) }));
    }
}

#[test]
fn a_call_dropped_outside_of_its_runtime_still_leaves_its_losers_there() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = runtime.block_on(async { Servers::new([Reply(1)]) });
    let client: Fake = servers.client().losers(finish(60_000)).build().unwrap();
    let mut call = Box::pin(client.call(()));
    runtime
        .block_on(async { poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await });
    drop(call);
    assert_eq!(client.running().losers, 1);
    runtime.block_on(client.shutdown(Shutdown::Drain { timeout: Duration::from_secs(20) }));
    assert_eq!(client.stats().servers[0].succeeded, 1);
}
