//! Statistics, and the delays by percentile that depend on them.

use super::*;
use pushdown_patterns::replicated::{Budget, Hedge, Latency};

#[tokio::test(start_paused = true)]
async fn each_server_has_its_own_counts() {
    let servers = Servers::new([Fail(1), Panic(1), Reply(1), Stop]);
    let client: Fake = servers.client(Options::new());
    client.call(()).await.unwrap();
    servers.becomes(2, Stop);
    drop(tokio::time::timeout(ms(150), client.call(())).await);
    let stats = client.stats();
    let counts = |server: usize| {
        let stats = &stats.servers[server];
        assert_eq!(stats.running(), 0);
        (stats.attempts, stats.succeeded, stats.failed, stats.panicked, stats.cancelled)
    };
    assert_eq!(counts(0), (1, 0, 1, 0, 0));
    assert_eq!(counts(1), (1, 0, 0, 1, 0));
    assert_eq!(counts(2), (2, 1, 0, 0, 1));
    assert_eq!(counts(3), (1, 0, 0, 0, 1));
    assert_eq!((stats.calls, stats.hedges, stats.hedges_denied, stats.moves), (2, 1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_running_attempt_is_counted_as_running() {
    let servers = Servers::new([Reply(5)]);
    let client: Fake = servers.client(Options::new());
    let other = client.clone();
    let call = tokio::spawn(async move { other.call(()).await });
    settle().await;
    assert_eq!((client.running().calls, client.stats().servers[0].running()), (1, 1));
    call.await.unwrap().unwrap();
    assert_eq!((client.running().calls, client.stats().servers[0].running()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_attempt_of_a_dropped_call_counts_until_the_drop() {
    let servers = Servers::new([Stop]);
    let client: Fake = servers.client(Options::new());
    let other = client.clone();
    let call = tokio::spawn(async move { other.call(()).await });
    settle().await;
    sleep(ms(7)).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(client.stats().servers[0].latency.percentile(50).unwrap() > ms(7));
}

#[tokio::test(start_paused = true)]
async fn a_percentile_of_too_few_samples_is_the_longest_delay() {
    let servers = Servers::new([Stop, Reply(1)]);
    let hedge = Hedge::Percentile { percentile: 95, at_least: ms(1), at_most: ms(50) };
    let client: Fake = servers.client(Options::new().hedge(hedge));
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!(servers.asked(), [(0, 0), (50, 1)]);
    servers.becomes(1, Reply(8));
    for _ in 0..200 {
        assert_eq!(client.call(()).await.unwrap(), 1);
    }
    servers.asked();
    servers.becomes(0, Reply(1));
    servers.becomes(1, Stop);
    let begun = servers.elapsed();
    assert_eq!(client.call(()).await.unwrap(), 0);
    let hedged = servers.asked()[1].0 - begun;
    assert!((8..=10).contains(&hedged), "{hedged} ms");
}

#[tokio::test(start_paused = true)]
async fn a_percentile_stays_within_its_bounds() {
    for (usual, delay) in [(1, 5), (90, 20)] {
        let servers = Servers::new([Reply(usual), Stop]);
        let hedge = Hedge::Percentile { percentile: 50, at_least: ms(5), at_most: ms(20) };
        let client: Fake = servers.client(Options::new().hedge(hedge).budget(Budget::UNLIMITED));
        for _ in 0..30 {
            client.call(()).await.unwrap();
        }
        servers.asked();
        servers.becomes(0, Stop);
        servers.becomes(1, Reply(0));
        let begun = servers.elapsed();
        client.call(()).await.unwrap();
        assert_eq!(servers.asked(), [(begun, 0), (begun + delay, 1)]);
    }
}

#[test]
fn a_percentile_exceeds_the_exact_one_by_an_eighth_at_most() {
    let mut micros = 1;
    while micros < 1 << 36 {
        for micros in [micros - 1, micros, micros + micros / 3] {
            let exact = Duration::from_micros(micros);
            let mut latency = Latency::default();
            latency.answered(exact);
            let found = latency.percentile(50).unwrap();
            let most = exact + exact / 8 + Duration::from_micros(1);
            assert!(exact < found && found <= most, "{exact:?}: {found:?}");
        }
        micros *= 2;
    }
    assert_eq!(Latency::default().percentile(50), None);
    let mut ages = Latency::default();
    ages.answered(Duration::MAX);
    assert!(ages.percentile(50).unwrap() > Duration::from_secs(60_000));
}

#[test]
fn cancelled_attempts_count_as_answers_that_would_have_come_later() {
    let mut latency = Latency::default();
    for after in [1, 2, 3, 4] {
        latency.answered(ms(10 * after));
        latency.cancelled(ms(10 * after));
    }
    // 1/8 answered after 10 ms; of the six left 1/6 after 20; of four 1/4 after 30; of two 1/2 after
    // 40 ms: unanswered are 0.875, 0.729, 0.547, 0.273.
    let about = |after| ms(after)..ms(after + after / 8 + 1);
    for (percentile, after) in
        [(12, 10), (13, 20), (27, 20), (28, 30), (45, 30), (46, 40), (99, 40)]
    {
        let found = latency.percentile(percentile).unwrap();
        assert!(about(after).contains(&found), "{percentile}: {found:?}");
    }
}

#[test]
fn old_answers_are_forgotten() {
    let mut latency = Latency::default();
    for _ in 0..100_000 {
        latency.answered(ms(1));
    }
    assert!(latency.samples() < 1024);
    for _ in 0..2048 {
        latency.answered(ms(100));
    }
    assert!(latency.percentile(50).unwrap() > ms(100));
}

/// Three of a hundred answers are slow, each by a different time.
#[test]
fn rare_slow_answers_are_not_forgotten_early() {
    let mut latency = Latency::default();
    for answer in 0..100_000u64 {
        let slow = answer % 33 == 0;
        latency.answered(ms(if slow { 20 + answer * 7919 % 380 } else { 1 }));
        if answer >= 512 {
            assert!((512..1024).contains(&latency.samples()), "{latency:?}");
            assert!(latency.percentile(99).unwrap() > ms(100), "{answer}: {latency:?}");
        }
    }
}
