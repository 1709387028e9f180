//! The rules of the lecture, and those beyond it.

use super::*;
use pushdown_patterns::Effect;
use pushdown_patterns::replicated::{BuildError, CallErrorKind, CallOptions, Hedge};

const ONCE: CallOptions = CallOptions::new().idempotent(false);

#[tokio::test(start_paused = true)]
async fn a_healthy_server_is_asked_alone() {
    let servers = Servers::new([Reply(5), Reply(1)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    for _ in 0..3 {
        assert_eq!(client.call(()).await.unwrap(), 0);
    }
    assert_eq!(servers.asked(), [(0, 0), (5, 0), (10, 0)]);
}

#[tokio::test(start_paused = true)]
async fn slow_servers_are_each_asked_once_in_list_order() {
    let servers = Servers::new([Stop, Stop, Stop, Reply(7)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    assert_eq!(client.call(()).await.unwrap(), 3);
    assert_eq!(servers.asked(), [(0, 0), (10, 1), (20, 2), (30, 3)]);
    assert_eq!(servers.elapsed(), 37);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_attempt_can_still_win() {
    let servers = Servers::new([Reply(25), Stop, Reply(50)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    assert_eq!(client.call(()).await.unwrap(), 0);
    assert_eq!((servers.elapsed(), servers.asked().len()), (25, 3));
}

#[tokio::test(start_paused = true)]
async fn once_all_have_been_asked_the_first_answer_is_waited_for() {
    let servers = Servers::new([Stop, Reply(500)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!(servers.elapsed(), 510);
}

#[tokio::test(start_paused = true)]
async fn the_server_that_answered_is_preferred_and_asked_first() {
    let servers = Servers::new([Stop, Reply(1), Reply(1)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    client.call(()).await.unwrap();
    assert_eq!(client.preferred(), Some(1));
    servers.becomes(1, Stop);
    servers.becomes(2, Stop);
    servers.becomes(0, Reply(1));
    client.call(()).await.unwrap();
    assert_eq!(servers.asked(), [(0, 0), (10, 1), (11, 1), (21, 2), (31, 0)]);
    assert_eq!(client.preferred(), Some(0));
    assert_eq!(client.stats().moves, 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_hedge_another_server_is_asked_only_after_an_error() {
    let servers = Servers::new([Reply(900), Reply(1)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::Never));
    assert_eq!(client.call(()).await.unwrap(), 0);
    servers.becomes(0, Fail(3));
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!(servers.asked(), [(0, 0), (900, 0), (903, 1)]);
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_error_has_the_cause_of_each() {
    let servers = Servers::new([Fail(4), Panic(0), Fail(1)]);
    let client: Fake<&str> = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    let error = client.call("argument").await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Failed);
    assert_eq!(error.args, "argument");
    assert_eq!(error.effect(), Effect::MayHaveHappened);
    let panicked = Cause::Panicked("server 1 panics".to_owned());
    let all = [(0, Cause::Error("failed")), (1, panicked), (2, Cause::Error("failed"))];
    assert_eq!(causes(&error), all);
    assert_eq!(
        error.to_string(),
        "no server could answer: server 0: failed; server 1: panicked: server 1 panics; \
         server 2: failed"
    );
    assert_eq!(client.preferred(), Some(0), "no server was better");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_the_call_and_names_the_servers_that_did_not_answer() {
    let servers = Servers::new([Fail(2), Stop, Stop]);
    let client: Fake<u8> =
        servers.client(Options::new().hedge(Hedge::After(ms(10))).timeout(ms(9)));
    let error = client.call(7).await.unwrap_err();
    assert_eq!((error.kind, error.args, servers.elapsed()), (CallErrorKind::TimedOut, 7, 9));
    assert_eq!(causes(&error), [(0, Cause::Error("failed")), (1, Cause::Unanswered)]);
    assert_eq!(error.failures[1].after, ms(7));
    assert_eq!(error.effect(), Effect::MayHaveHappened);
    assert_eq!(servers.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_may_have_its_own_timeout() {
    let servers = Servers::new([Stop]);
    let client: Fake = servers.client(Options::new().timeout(ms(500)));
    let options = CallOptions::new().timeout(ms(3));
    assert_eq!(client.call_with((), options).await.unwrap_err().kind, CallErrorKind::TimedOut);
    assert_eq!(servers.elapsed(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_timeout_of_zero_asks_no_server() {
    let servers = Servers::new([Reply(0)]);
    let client: Fake = servers.client(Options::new().timeout(ms(0)));
    let error = client.call(()).await.unwrap_err();
    assert_eq!((error.kind, error.effect()), (CallErrorKind::TimedOut, Effect::DidNotHappen));
    assert_eq!(servers.asked(), []);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_idempotent_is_never_hedged() {
    let servers = Servers::new([Reply(900), Reply(1)]);
    let client: Fake = servers.client(Options::new().hedge(Hedge::After(ms(10))));
    assert_eq!(client.call_with((), ONCE).await.unwrap(), 0);
    assert_eq!(servers.asked(), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_idempotent_is_not_retried_after_an_error() {
    for does in [Fail(1), Panic(1)] {
        let servers = Servers::new([does, Reply(1)]);
        let client: Fake = servers.client(Options::new());
        let error = client.call_with((), ONCE).await.unwrap_err();
        assert_eq!((error.kind, error.effect()), (CallErrorKind::Failed, Effect::MayHaveHappened));
        assert_eq!(servers.asked(), [(0, 0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_idempotent_is_retried_if_it_had_no_effect() {
    let effect = |error: &&str| match *error {
        "refused" => Effect::DidNotHappen,
        _ => Effect::Happened,
    };
    let servers = Servers::new([Refuse(2), Refuse(2), Reply(1)]);
    let client: Fake = servers.client(Options::new().effect(effect));
    assert_eq!(client.call_with((), ONCE).await.unwrap(), 2);
    assert_eq!(servers.asked(), [(0, 0), (2, 1), (4, 2)]);
    servers.becomes(2, Refuse(0));
    let error = client.call_with((), ONCE).await.unwrap_err();
    assert_eq!((error.effect(), error.failures.len()), (Effect::DidNotHappen, 3));
    servers.becomes(2, Fail(0));
    let error = client.call_with((), ONCE).await.unwrap_err();
    assert_eq!((error.effect(), error.failures.len()), (Effect::Happened, 1));
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_do_not_wait_for_each_other() {
    let servers = Servers::new([Reply(20)]);
    let client: Fake = servers.client(Options::new());
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call(()).await.unwrap() })
        })
        .collect();
    settle().await;
    assert_eq!(client.running().calls, 100);
    for call in calls {
        assert_eq!(call.await.unwrap(), 0);
    }
    assert_eq!((servers.elapsed(), client.running().calls), (20, 0));
}

#[test]
fn inconsistent_options_are_refused() {
    let call = async |_: Arc<u8>, (): ()| Ok::<_, String>(0);
    assert_eq!(Client::new([], call, Options::new()).unwrap_err(), BuildError::NoServers);
    for (percentile, at_least, at_most) in [(0, 1, 2), (100, 1, 2), (95, 2, 1)] {
        let (at_least, at_most) = (ms(at_least), ms(at_most));
        let hedge = Hedge::Percentile { percentile, at_least, at_most };
        let client = Client::new([1], call, Options::new().hedge(hedge));
        assert_eq!(client.unwrap_err(), BuildError::Percentile);
    }
}

#[test]
fn clients_and_calls_can_be_sent_between_threads() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    fn shared<T: Send + Sync>(_: &T) {}
    let client: Client<u8, String, String, std::io::Error> =
        Client::new([1], async |_, text| Ok(text), Options::new()).unwrap();
    shared(&client);
    drop(send(client.call("argument".to_owned())));
    drop(send(client.shutdown(pushdown_patterns::Shutdown::Abort)));
}

#[test]
fn without_a_delay_no_runtime_is_needed() {
    let client: Client<u8, u8, u8, ()> =
        Client::new([1], async |server, add| Ok(*server + add), Options::new().hedge(Hedge::Never))
            .unwrap();
    assert_eq!(pushdown_patterns::thread::block_on(client.call(2)).unwrap(), 3);
}
