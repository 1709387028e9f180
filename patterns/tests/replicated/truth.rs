//! Errors against what the servers have seen, on a runtime with several threads.
//!
//! Callers and servers race for real: the time limits are so short that a limit, an answer, a hedge and
//! the end of the client fall together. Each server counts the requests that it has carried out, by
//! call. When everything is over, no error may have said anything else. No assertion depends on which
//! of them was faster.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pushdown_patterns::replicated::{
    Budget, CallErrorKind, CallOptions, Client, Hedge, Losers, Options,
};
use pushdown_patterns::{Effect, Shutdown};
use tokio::task::yield_now;

/// Calls of a client, and callers that make them at the same time.
const CALLS: u64 = 400;
const CALLERS: u64 = 8;

/// The answer of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// Nothing was carried out.
    Refused,
    /// It was carried out, and then something failed.
    Done,
    /// It may have been carried out.
    Lost,
}

/// A small generator of random numbers, the same for the same seed.
fn random(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) % bound
    }
}

/// Lets other tasks run, and sometimes real time pass.
async fn pause(random: &mut impl FnMut(u64) -> u64) {
    for _ in 0..random(4) {
        yield_now().await;
    }
    if random(8) == 0 {
        tokio::time::sleep(Duration::from_micros(random(300))).await;
    }
}

/// The results of many calls, by kind.
#[derive(Debug, Default)]
struct Seen {
    replies: u64,
    did_not_happen: u64,
    may_have: u64,
    happened: u64,
    dropped: u64,
    aborted: u64,
    carried_out: u64,
    left: u64,
}

/// One client, used from its first call to its end.
async fn run(seed: u64, seen: &mut Seen) {
    let mut rng = random(seed);
    let carried_out: Arc<Vec<AtomicU32>> =
        Arc::new((0..CALLS).map(|_| AtomicU32::new(0)).collect());
    let counted = carried_out.clone();
    let request = move |server: Arc<u64>, call: u64| {
        let counted = counted.clone();
        async move {
            let mut rng = random(seed ^ (call << 20) ^ (*server << 50));
            pause(&mut rng).await;
            if rng(4) == 0 {
                return Err(Says::Refused);
            }
            let carries_out = rng(8) > 0;
            counted[call as usize].fetch_add(u32::from(carries_out), Ordering::SeqCst);
            pause(&mut rng).await;
            match rng(6) {
                0 => Err(Says::Lost),
                1 if carries_out => Err(Says::Done),
                _ if carries_out => Ok(()),
                _ => Err(Says::Lost),
            }
        }
    };
    let within = Duration::from_millis(rng(2));
    let finish = Losers::Finish { at_most: NonZeroUsize::new(64).unwrap(), within };
    let options = Options::new()
        .hedge([Hedge::Never, Hedge::After(Duration::from_micros(rng(100)))][rng(2) as usize])
        .budget(Budget { percent: 50, per_second: 1000, burst: 5 })
        .losers([Losers::Cancel, finish][rng(2) as usize])
        .effect(|says| match says {
            Says::Refused => Effect::DidNotHappen,
            Says::Done => Effect::Happened,
            Says::Lost => Effect::MayHaveHappened,
        });
    let client = Client::new(0..3, request, options).unwrap();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut results = Vec::new();
                let mut rng = random(seed ^ (caller << 40));
                for call in (caller..CALLS).step_by(CALLERS as usize) {
                    let once = rng(3) == 0;
                    let limit = Duration::from_micros(10 + rng(490));
                    let options = CallOptions::new().idempotent(!once).timeout(limit);
                    let made = client.call_with(call, options);
                    // Some calls are dropped, at a time that competes with all the others.
                    let result = if rng(5) == 0 {
                        tokio::time::timeout(Duration::from_micros(rng(500)), made).await.ok()
                    } else {
                        Some(made.await)
                    };
                    results.push((call, once, result));
                }
                results
            })
        })
        .collect();
    // Servers join and leave meanwhile, and sometimes there is none.
    let (membership, mut change) = (client.membership(), random(seed ^ (1 << 63)));
    let changes = tokio::spawn(async move {
        let mut left = 0;
        while membership.join(change(3)).is_ok() {
            let list: Vec<_> = membership.servers().into_iter().map(|(number, _)| number).collect();
            for _ in 0..change(3) {
                let number = list[change(list.len() as u64) as usize];
                let timeout = Duration::from_micros(change(100));
                let how = [Shutdown::Abort, Shutdown::Drain { timeout }][change(2) as usize];
                if let Some(leaving) = membership.leave(number, how) {
                    let departed = leaving.await;
                    assert_eq!(departed.stats.running(), 0, "seed {seed}");
                    assert!(Arc::into_inner(departed.server).is_some(), "seed {seed}");
                    left += 1;
                }
            }
            tokio::time::sleep(Duration::from_micros(change(200))).await;
        }
        left
    });
    let shutdown = rng(2) == 0;
    let mut aborted = None;
    if shutdown {
        tokio::time::sleep(Duration::from_micros(rng(8_000))).await;
        let how = match rng(2) {
            0 => Shutdown::Abort,
            _ => Shutdown::Drain { timeout: Duration::from_micros(rng(500)) },
        };
        let report = client.shutdown(how).await;
        assert_eq!(report.stats.running(), 0, "seed {seed}");
        aborted = Some(report.calls.aborted);
    }
    let mut results = Vec::new();
    for caller in callers {
        results.extend(caller.await.unwrap());
    }
    // From here on nothing runs, so the counts of the servers are final.
    client.shutdown(Shutdown::Abort).await;
    seen.left += changes.await.unwrap();
    let mut closed = 0;
    for (call, once, result) in results {
        let count = carried_out[call as usize].load(Ordering::SeqCst);
        seen.carried_out += u64::from(count);
        let what = format!("seed {seed}, call {call}, carried out {count} times: {result:?}");
        assert!(!once || count <= 1, "{what}");
        match result {
            None => seen.dropped += 1,
            Some(Ok(())) => {
                assert!(count > 0, "{what}");
                seen.replies += 1;
            }
            Some(Err(error)) => {
                assert_eq!(error.args, call);
                closed += usize::from(error.kind == CallErrorKind::Closed);
                match error.effect() {
                    Effect::DidNotHappen => {
                        assert_eq!(count, 0, "{what}");
                        seen.did_not_happen += 1;
                    }
                    Effect::MayHaveHappened => seen.may_have += 1,
                    Effect::Happened => {
                        assert!(count > 0, "{what}");
                        seen.happened += 1;
                    }
                }
            }
        }
    }
    if let Some(aborted) = aborted {
        assert!(aborted <= closed + CALLERS as usize, "seed {seed}: {aborted} of {closed}");
        seen.aborted += aborted as u64;
    }
}

/// A second or two in the ordinary run, minutes with `PUSHDOWN_LONG=1`.
#[test]
fn an_error_says_what_the_servers_have_seen() {
    let long = std::env::var_os("PUSHDOWN_LONG").is_some_and(|value| value == "1");
    let runs = if long { 10_000 } else { 50 };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build().unwrap();
    let (start, mut seen) = (Instant::now(), Seen::default());
    for seed in 0..runs {
        runtime.block_on(run(seed, &mut seen));
    }
    println!("{} calls in {:.1?}: {seen:?}", runs * CALLS, start.elapsed());
    assert!(seen.left > 0, "no server has left");
    assert!(seen.replies > 0 && seen.did_not_happen > 0 && seen.may_have > 0 && seen.happened > 0);
}
