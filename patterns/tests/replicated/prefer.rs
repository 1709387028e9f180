//! The way back to the first server: probes.

use super::*;
use pushdown_patterns::Shutdown;
use pushdown_patterns::replicated::{Budget, BuildError, CallOptions, Hedge, Losers, Prefer};
use std::num::NonZeroUsize;

/// Options with a delay of 10 ms, and a probe each second.
fn options() -> Options<&'static str> {
    let prefer = Prefer::First { probe: ms(1000) };
    Options::new().prefer(prefer).hedge(Hedge::After(ms(10)))
}

/// Makes a call at this millisecond, and returns the server that answered, the time that it took, and
/// the servers that were asked.
async fn call_at(at: u64, servers: &Servers, client: &Fake) -> (usize, u64, Vec<usize>) {
    sleep(ms(at - servers.elapsed())).await;
    servers.asked();
    let answered = client.call(()).await.unwrap();
    let asked = servers.asked().into_iter().map(|(_, server)| server).collect();
    (answered, servers.elapsed() - at, asked)
}

#[tokio::test(start_paused = true)]
async fn a_first_server_that_answers_is_asked_alone() {
    let servers = Servers::new([Reply(9), Reply(1)]);
    let client: Fake = servers.client(options());
    for at in [0, 10, 5000, 9000] {
        assert_eq!(call_at(at, &servers, &client).await, (0, 9, vec![0]));
    }
    assert_eq!((client.stats().probes, client.stats().moves), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_first_server_that_has_failed_is_probed_at_each_interval_until_it_answers() {
    let servers = Servers::new([Fail(2), Reply(1), Reply(1)]);
    let client: Fake = servers.client(options());
    let call = async |at| call_at(at, &servers, &client).await;
    assert_eq!(call(0).await, (1, 3, vec![0, 1]));
    for at in [10, 500, 1002] {
        // It lost the preference at the third millisecond.
        assert_eq!(call(at).await, (1, 1, vec![1]), "{at}");
    }
    assert_eq!(call(1004).await, (1, 3, vec![0, 1]), "a probe");
    assert_eq!(call(1010).await, (1, 1, vec![1]));
    assert_eq!(call(2003).await, (1, 1, vec![1]));
    servers.becomes(0, Reply(5));
    assert_eq!(call(2004).await, (0, 5, vec![0]), "it is back");
    assert_eq!(call(2010).await, (0, 5, vec![0]));
    assert_eq!((client.stats().probes, client.stats().moves, client.stats().hedges), (2, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_a_stopped_server_costs_its_caller_one_delay() {
    let servers = Servers::new([Stop, Stop, Reply(1)]);
    let client: Fake = servers.client(options());
    let call = async |at| call_at(at, &servers, &client).await;
    assert_eq!(call(0).await, (2, 21, vec![0, 1, 2]));
    for at in [1021, 2021, 3100] {
        assert_eq!(call(at).await, (2, 11, vec![0, 2]), "{at}: the preferred one is next");
        assert_eq!(call(at + 20).await, (2, 1, vec![2]));
    }
    assert_eq!(servers.running(), 0);
    // One that answers later than the delay, and before the preferred one, is back too.
    servers.becomes(0, Reply(12));
    servers.becomes(2, Reply(5));
    assert_eq!(call(5000).await, (0, 12, vec![0, 2]));
    assert_eq!(client.preferred(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn of_concurrent_calls_one_probes() {
    let servers = Servers::new([Fail(0), Reply(20)]);
    let client: Fake = servers.client(options());
    client.call(()).await.unwrap();
    sleep(ms(2000)).await;
    servers.asked();
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call(()).await.unwrap() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 1);
    }
    let asked = servers.asked();
    assert_eq!(asked.iter().filter(|(_, server)| *server == 0).count(), 1 + 9, "{asked:?}");
    // The nine others asked it because the preferred one was slow.
    assert!(asked.iter().filter(|(at, server)| (*at, *server) == (asked[0].0, 0)).count() == 1);
    assert_eq!((client.stats().probes, client.stats().hedges), (1, 9));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_idempotent_never_probes() {
    let servers = Servers::new([Fail(0), Reply(1)]);
    let client: Fake = servers.client(options());
    client.call(()).await.unwrap();
    sleep(ms(5000)).await;
    servers.asked();
    let once = CallOptions::new().idempotent(false);
    assert_eq!(client.call_with((), once).await.unwrap(), 1);
    assert_eq!(servers.asked(), [(5001, 1)]);
    assert_eq!(call_at(6000, &servers, &client).await, (1, 1, vec![0, 1]));
}

/// A probe that found no token for its hedge would cost its caller more than the delay.
#[tokio::test(start_paused = true)]
async fn a_probe_takes_a_token_and_waits_for_one() {
    let servers = Servers::new([Stop, Reply(1)]);
    let budget = Budget { percent: 0, per_second: 0, burst: 3 };
    let client: Fake = servers.client(options().budget(budget));
    let call = async |at| call_at(at, &servers, &client).await;
    assert_eq!(call(0).await, (1, 11, vec![0, 1]), "the first token");
    for at in [2000, 4000] {
        assert_eq!(call(at).await, (1, 11, vec![0, 1]), "{at}");
    }
    for at in [6000, 8000] {
        assert_eq!(call(at).await, (1, 1, vec![1]), "{at}: none is left");
    }
    assert_eq!((client.stats().probes, client.stats().hedges), (2, 3));
    assert_eq!(client.stats().requests() - client.stats().calls, 3);
    // A probe that is answered has taken its token as well.
    let budget = Budget { percent: 0, per_second: 0, burst: 1 };
    let servers = Servers::new([Fail(0), Reply(1)]);
    let client: Fake = servers.client(options().budget(budget));
    client.call(()).await.unwrap();
    servers.becomes(0, Reply(1));
    assert_eq!(call_at(2000, &servers, &client).await, (0, 1, vec![0]));
    servers.becomes(0, Fail(0));
    client.call(()).await.unwrap();
    assert_eq!(call_at(4000, &servers, &client).await, (1, 1, vec![1]));
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_the_budget_come_before_a_probe() {
    let servers = Servers::new([Stop, Reply(1)]);
    let budget = Budget { percent: 50, per_second: 0, burst: 1 };
    let client: Fake = servers.client(options().budget(budget).timeout(ms(5000)));
    client.call(()).await.unwrap();
    sleep(ms(500)).await;
    servers.becomes(1, Stop);
    servers.asked();
    // The token is spent, and each call earns half of one. The first one waits for the other half.
    for (hedges, asked) in [(1, vec![(511, 1)]), (2, vec![(1511, 1), (1511, 0)])] {
        let client = client.clone();
        let waiting = client.clone();
        tokio::spawn(async move { waiting.call(()).await });
        settle().await;
        assert_eq!((client.stats().hedges, servers.asked()), (hedges, asked));
        sleep(ms(1000)).await;
    }
    assert_eq!(client.stats().probes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_answered_under_a_newer_preference_changes_nothing() {
    let servers = Servers::new([Fail(0), Reply(1), Reply(1)]);
    let client: Fake = servers.client(options());
    client.call(()).await.unwrap();
    sleep(ms(2000)).await;
    servers.becomes(0, Reply(8));
    let other = client.clone();
    let probe = tokio::spawn(async move { other.call(()).await.unwrap() });
    settle().await;
    servers.becomes(1, Fail(0));
    assert_eq!(client.call(()).await.unwrap(), 2);
    assert_eq!(probe.await.unwrap(), 0);
    assert_eq!(client.preferred(), Some(2));
    assert_eq!(call_at(4000, &servers, &client).await, (0, 8, vec![0]), "the next probe does");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_becomes_the_first_of_the_list_is_probed_by_the_next_call() {
    let servers = Servers::new([Reply(1), Reply(1), Reply(1)]);
    let asked = servers.clone();
    let client: Fake =
        Client::new([0, 1], move |server, ()| asked.ask(*server), options()).unwrap();
    let membership = client.membership();
    client.call(()).await.unwrap();
    drop(membership.replace_all([2, 0, 1], Shutdown::Abort).unwrap());
    assert_eq!(client.preferred(), Some(0), "it has not answered yet");
    assert_eq!(call_at(1, &servers, &client).await, (2, 1, vec![2]));
    assert_eq!(client.preferred(), Some(2));
    // The same if the first one leaves while another one is preferred.
    servers.becomes(2, Fail(0));
    assert_eq!(call_at(10, &servers, &client).await, (0, 1, vec![2, 0]));
    drop(membership.replace_all([2, 1, 0], Shutdown::Abort).unwrap());
    assert_eq!(call_at(20, &servers, &client).await, (0, 1, vec![0]), "the same first one");
    drop(membership.leave(2, Shutdown::Abort));
    assert_eq!(call_at(30, &servers, &client).await, (1, 1, vec![1]));
    assert_eq!(client.stats().probes, 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_loses_may_finish_and_does_not_count_as_an_answer() {
    let servers = Servers::new([Fail(0), Reply(1)]);
    let losers = Losers::Finish { at_most: NonZeroUsize::MIN, within: ms(1000) };
    let client: Fake = servers.client(options().losers(losers));
    client.call(()).await.unwrap();
    servers.becomes(0, Reply(30));
    assert_eq!(call_at(2000, &servers, &client).await, (1, 11, vec![0, 1]));
    sleep(ms(100)).await;
    assert_eq!((client.preferred(), client.stats().servers[0].succeeded), (Some(1), 1));
}

#[test]
fn probes_need_a_hedge() {
    let call = async |_: Arc<u8>, (): ()| Ok::<_, ()>(0);
    let client = Client::new(
        [1],
        call,
        Options::new().prefer(Prefer::First { probe: ms(1) }).hedge(Hedge::Never),
    );
    assert_eq!(client.unwrap_err(), BuildError::ProbeWithoutHedge);
}
