//! The budget of extra requests, and the line of calls that wait for it.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use super::*;
use pushdown_patterns::replicated::{Budget, Hedge};

/// Options with a delay of 10 ms.
fn options(budget: Budget) -> Options<&'static str> {
    Options::new().hedge(Hedge::After(ms(10))).budget(budget)
}

/// The calls, by their arguments, that have asked a second server, in order.
type Hedged = Arc<Mutex<Vec<u64>>>;

/// A client of two servers that never answer.
fn stopped(budget: Budget) -> (Client<u8, u64, (), &'static str>, Hedged) {
    let hedged = Hedged::default();
    let noted = hedged.clone();
    let request = move |server: Arc<u8>, call| {
        if *server == 1 {
            noted.lock().unwrap().push(call);
        }
        pending()
    };
    (Client::new([0, 1], request, options(budget)).unwrap(), hedged)
}

#[tokio::test(start_paused = true)]
async fn the_budget_limits_the_load_on_slow_servers() {
    let servers = Servers::new([Reply(50), Reply(50)]);
    let budget = Budget { percent: 10, per_second: 0, burst: 5 };
    let client: Fake = servers.client(options(budget));
    for _ in 0..200 {
        client.call(()).await.unwrap();
    }
    let stats = client.stats();
    // The first call finds the bucket full.
    assert_eq!(stats.hedges, 5 + 199 / 10);
    assert!(stats.hedges_denied > 0);
    assert_eq!(servers.asked().len() as u64, 200 + stats.hedges);
}

#[tokio::test(start_paused = true)]
async fn a_used_up_budget_is_earned_back_with_time() {
    let servers = Servers::new([Reply(0), Reply(0)]);
    let budget = Budget { percent: 0, per_second: 2, burst: 1 };
    let client: Fake = servers.client(options(budget));
    // The preferred server stops each time, and no other calls are made.
    let waits = async || {
        servers.becomes(client.preferred().unwrap(), Stop);
        let begun = servers.elapsed();
        client.call(()).await.unwrap();
        (0..2).for_each(|server| servers.becomes(server, Reply(0)));
        servers.elapsed() - begun
    };
    assert_eq!(waits().await, 10, "one is saved up");
    for _ in 0..10 {
        assert_eq!(waits().await, 500);
    }
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(waits().await, 10);
    assert_eq!(waits().await, 500, "no more than one is saved up");
}

#[tokio::test(start_paused = true)]
async fn without_any_budget_another_server_is_asked_after_an_error() {
    let servers = Servers::new([Fail(1), Fail(1), Reply(1)]);
    let budget = Budget { percent: 0, per_second: 0, burst: 0 };
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(0))).budget(budget));
    assert_eq!(client.call(()).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn calls_that_find_no_budget_get_the_next_tokens_in_order() {
    let (client, hedged) = stopped(Budget { percent: 0, per_second: 2, burst: 1 });
    for call in 0..5 {
        let client = client.clone();
        tokio::spawn(async move { client.call(call).await });
        sleep(ms(1)).await;
    }
    sleep(ms(10)).await;
    assert_eq!(*hedged.lock().unwrap(), [0], "one is saved up");
    assert_eq!((client.stats().hedges, client.stats().hedges_denied), (1, 4));
    for last in 1..5 {
        // A token that is there at the 510th millisecond, and so on.
        sleep(ms(500)).await;
        assert!(hedged.lock().unwrap().iter().copied().eq(0..=last));
    }
    assert_eq!((client.stats().hedges, client.stats().hedges_denied), (5, 4));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_other_calls_earn_goes_to_the_first_in_line() {
    let (client, hedged) = stopped(Budget { percent: 50, per_second: 0, burst: 1 });
    let call = |call| {
        let client = client.clone();
        tokio::spawn(async move { client.call(call).await })
    };
    let mut calls = vec![call(0), call(1), call(2)];
    sleep(ms(100)).await;
    assert_eq!(*hedged.lock().unwrap(), [0]);
    calls.push(call(3));
    settle().await;
    assert_eq!(*hedged.lock().unwrap(), [0], "half a token");
    calls.push(call(4));
    settle().await;
    assert_eq!(*hedged.lock().unwrap(), [0, 1], "at once");
    calls[2].abort();
    calls.extend([call(5), call(6)]);
    sleep(ms(100)).await;
    assert_eq!(*hedged.lock().unwrap(), [0, 1, 3], "the turn of a dropped call passes on");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_kept_but_not_polled_does_not_stop_the_line() {
    let by_time = Budget { percent: 0, per_second: 1, burst: 1 };
    let by_calls = Budget { percent: 50, per_second: 0, burst: 1 };
    for (budget, expected) in [(by_time, &[0, 2, 3, 4][..]), (by_calls, &[0, 2, 3])] {
        let (client, hedged) = stopped(budget);
        let spawn = |call| {
            let client = client.clone();
            tokio::spawn(async move { client.call(call).await });
        };
        spawn(0);
        sleep(ms(15)).await;
        let mut stuck = pin!(client.call(1));
        assert!(tokio::time::timeout(ms(15), &mut stuck).await.is_err());
        assert_eq!((client.stats().hedges, client.stats().hedges_denied), (1, 1));
        for call in 2..5 {
            spawn(call);
            sleep(Duration::from_secs(3)).await;
        }
        assert_eq!(*hedged.lock().unwrap(), expected);
        // It has lost its place, and takes another one.
        for call in 5..9 {
            spawn(call);
            assert!(tokio::time::timeout(Duration::from_secs(3), &mut stuck).await.is_err());
        }
        assert!(hedged.lock().unwrap().contains(&1));
    }
}

/// The second in line watches the first one. Here neither is polled.
#[tokio::test(start_paused = true)]
async fn calls_that_are_kept_but_not_polled_stop_the_line_for_ten_seconds_at_most() {
    for (per_second, percent) in [(1, 0), (0, 50)] {
        let (client, hedged) = stopped(Budget { percent, per_second, burst: 1 });
        let spawn = |call| {
            let client = client.clone();
            tokio::spawn(async move { client.call(call).await });
        };
        spawn(0);
        sleep(ms(15)).await;
        let mut stuck = [1, 2, 3].map(|call| Box::pin(client.call(call)));
        for call in &mut stuck {
            assert!(tokio::time::timeout(ms(11), call).await.is_err());
        }
        spawn(4);
        sleep(Duration::from_secs(25)).await;
        assert_eq!(*hedged.lock().unwrap(), [0, 4]);
    }
}

/// Each used to look again whenever its delay was over: a hundred million polls here.
#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_the_budget_are_not_polled() {
    const CALLS: u64 = 10_000;
    let polls = Arc::new(AtomicU64::new(0));
    let counted = polls.clone();
    let request = move |_, ()| {
        let polls = counted.clone();
        poll_fn(move |_| {
            polls.fetch_add(1, Ordering::Relaxed);
            Poll::<Result<(), &str>>::Pending
        })
    };
    let budget = Budget { percent: 0, per_second: 10, burst: 1 };
    let client = Client::new([0, 1], request, options(budget)).unwrap();
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call(()).await })
        })
        .collect();
    sleep(ms(50)).await;
    let before = polls.swap(0, Ordering::Relaxed);
    sleep(Duration::from_secs(100)).await;
    let (hedges, polls) = (client.stats().hedges, polls.load(Ordering::Relaxed));
    println!("{before} polls of {CALLS} calls until all waited, then {polls} for {hedges} tokens");
    assert_eq!(hedges, 1001);
    // Twice: when they begin, and when their delay is over.
    assert!(before < 2 * CALLS + 10);
    // The one that gets the token, with its second request, and the two that move up. And each call
    // looks every ten seconds.
    assert!(polls <= 5 * hedges + 10 * CALLS);
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    for call in calls {
        assert!(call.await.unwrap_err().is_cancelled());
    }
    assert_eq!(client.running().calls, 0);
}
