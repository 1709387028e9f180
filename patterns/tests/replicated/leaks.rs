//! Random runs, and runtimes that end: nothing is left behind.

use super::drops::{drop_after, finish};
use super::*;
use pushdown_patterns::Shutdown;
use pushdown_patterns::replicated::{
    Budget, CallOptions, Hedge, Leaving, Losers, Membership, Prefer,
};

/// A small generator of random numbers, so that a failing run can be repeated.
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

impl Random {
    /// Changes the list of servers. The departures of some are waited for.
    fn change(&mut self, membership: &Membership<usize>, leaving: &mut Vec<Leaving<usize>>) {
        let how = [Shutdown::Abort, Shutdown::Drain { timeout: ms(self.below(30)) }];
        let (how, server) = (how[self.below(2) as usize], self.below(3) as usize);
        let left = match self.below(5) {
            0 => membership.replace_all([server, 0], how).map_or(Vec::new(), |all| all.leaving),
            1 => Vec::from_iter(membership.leave(self.below(5) as usize, how)),
            2 => {
                let _ = membership.join(server);
                Vec::new()
            }
            _ => Vec::new(),
        };
        leaving.extend(left.into_iter().filter(|_| self.below(2) == 0));
    }
}

/// One client with concurrent calls, some of which are dropped, and its end.
async fn random_run(seed: u64) {
    let random = &mut Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let servers = Servers::new([random.does(), random.does(), random.does()]);
    let losers = [Losers::Cancel, finish(20), finish(500)][random.below(3) as usize];
    let hedges = [Hedge::Never, Hedge::After(ms(random.below(20)))];
    let prefer = [Prefer::Sticky, Prefer::First { probe: ms(random.below(30)) }];
    let hedge = hedges[random.below(2) as usize];
    let client: Fake = servers.client(
        Options::new()
            .prefer(prefer[if hedge == Hedge::Never { 0 } else { random.below(2) as usize }])
            .hedge(hedge)
            .budget(Budget { percent: 50, per_second: 0, burst: random.below(4) as u32 })
            .timeout(ms(60))
            .losers(losers),
    );
    let (membership, mut leaving) = (client.membership(), Vec::new());
    let calls: Vec<_> = (0..random.below(4) + 1)
        .map(|_| {
            let (client, polls) = (client.clone(), random.below(8) as usize);
            let options = CallOptions::new().idempotent(random.below(3) > 0);
            tokio::spawn(async move {
                drop_after(client.call_with((), options), polls).await;
            })
        })
        .collect();
    for _ in 0..random.below(4) {
        sleep(ms(random.below(15))).await;
        servers.becomes(random.below(3) as usize, random.does());
        random.change(&membership, &mut leaving);
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
    random.change(&membership, &mut leaving);
    drop(client);
    settle().await;
    assert_eq!(servers.running(), 0, "run {seed}");
    for leaving in leaving {
        let departed = leaving.await;
        assert_eq!(departed.stats.running(), 0, "run {seed}");
        assert_eq!(Arc::strong_count(&departed.server), 1, "run {seed}");
    }
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
fn the_end_of_a_runtime_ends_everything_that_runs_in_it() {
    for losers in [Losers::Cancel, finish(60_000)] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (servers, client) = runtime.block_on(async {
            let servers = Servers::new([Stop, Reply(0), Stop]);
            let client: Fake =
                servers.client(Options::new().hedge(Hedge::After(ms(1))).losers(losers));
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
        // The client works in another runtime.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        servers.becomes(client.preferred().unwrap(), Reply(0));
        runtime.block_on(client.call(())).unwrap();
        runtime.block_on(client.shutdown(Shutdown::Drain { timeout: ms(60_000) }));
    }
}
