//! The lecture's text, and the rules beyond it.

use super::*;
use pushdown_patterns::Effect;
use pushdown_patterns::replicated::{BuildError, CallErrorKind, CallOptions, Hedge};

const ONCE: CallOptions = CallOptions { idempotent: false, deadline: None };

#[tokio::test(start_paused = true)]
async fn a_healthy_server_is_asked_alone() {
    let servers = Servers::new([Reply(5), Reply(1)]);
    let client: Fake = servers.client().hedge(Hedge::After(ms(10))).build().unwrap();
    for _ in 0..3 {
        assert_eq!(client.call(()).await.unwrap(), 0);
    }
    assert_eq!(servers.asked(), [(0, 0), (5, 0), (10, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_is_asked_once_and_so_is_each_other_in_turn() {
    let servers = Servers::new([Stop, Stop, Stop, Reply(7)]);
    let client: Fake = servers.client().hedge(Hedge::After(ms(10))).build().unwrap();
    assert_eq!(client.call(()).await.unwrap(), 3);
    assert_eq!(servers.asked(), [(0, 0), (10, 1), (20, 2), (30, 3)]);
    assert_eq!(servers.elapsed(), 37);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_attempt_still_counts() {
    let servers = Servers::new([Reply(25), Stop, Reply(50)]);
    let client: Fake = servers.client().hedge(Hedge::After(ms(10))).build().unwrap();
    assert_eq!(client.call(()).await.unwrap(), 0);
    assert_eq!((servers.elapsed(), servers.asked().len()), (25, 3));
}

#[tokio::test(start_paused = true)]
async fn once_all_were_asked_the_first_answer_is_waited_for() {
    let servers = Servers::new([Stop, Reply(500)]);
    let client: Fake = servers.client().hedge(Hedge::After(ms(10))).build().unwrap();
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!(servers.elapsed(), 510);
}

#[tokio::test(start_paused = true)]
async fn whoever_answered_is_preferred_and_the_round_begins_with_it() {
    let servers = Servers::new([Stop, Reply(1), Reply(1)]);
    let client: Fake = servers.client().hedge(Hedge::After(ms(10))).build().unwrap();
    client.call(()).await.unwrap();
    assert_eq!(client.preferred(), 1);
    servers.becomes(1, Stop);
    servers.becomes(2, Stop);
    servers.becomes(0, Reply(1));
    client.call(()).await.unwrap();
    assert_eq!(servers.asked(), [(0, 0), (10, 1), (11, 1), (21, 2), (31, 0)]);
    assert_eq!(client.preferred(), 0);
    assert_eq!(client.stats().moves, 2);
}

#[tokio::test(start_paused = true)]
async fn without_hedge_only_an_error_leads_elsewhere() {
    let servers = Servers::new([Reply(900), Reply(1)]);
    let client: Fake = servers.client().hedge(Hedge::Never).build().unwrap();
    assert_eq!(client.call(()).await.unwrap(), 0);
    servers.becomes(0, Fail(3));
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!(servers.asked(), [(0, 0), (900, 0), (903, 1)]);
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_error_tells_what_each_said() {
    let servers = Servers::new([Fail(4), Panic(0), Fail(1)]);
    let client: Fake<&str> = servers.client().hedge(Hedge::After(ms(10))).build().unwrap();
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
    assert_eq!(client.preferred(), 0, "nobody was better");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_call_and_tells_who_was_silent() {
    let servers = Servers::new([Fail(2), Stop, Stop]);
    let client: Fake<u8> =
        servers.client().hedge(Hedge::After(ms(10))).deadline(ms(9)).build().unwrap();
    let error = client.call(7).await.unwrap_err();
    assert_eq!((error.kind, error.args, servers.elapsed()), (CallErrorKind::TimedOut, 7, 9));
    assert_eq!(causes(&error), [(0, Cause::Error("failed")), (1, Cause::Unanswered)]);
    assert_eq!(error.failures[1].after, ms(7));
    assert_eq!(error.effect(), Effect::MayHaveHappened);
    assert_eq!(servers.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_may_have_a_deadline_of_its_own() {
    let servers = Servers::new([Stop]);
    let client: Fake = servers.client().deadline(ms(500)).build().unwrap();
    let options = CallOptions { deadline: Some(ms(3)), ..CallOptions::default() };
    assert_eq!(client.call_with((), options).await.unwrap_err().kind, CallErrorKind::TimedOut);
    assert_eq!(servers.elapsed(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_any_time_asks_nobody() {
    let servers = Servers::new([Reply(0)]);
    let client: Fake = servers.client().deadline(ms(0)).build().unwrap();
    let error = client.call(()).await.unwrap_err();
    assert_eq!((error.kind, error.effect()), (CallErrorKind::TimedOut, Effect::DidNotHappen));
    assert_eq!(servers.asked(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_idempotent_is_never_hedged() {
    let servers = Servers::new([Reply(900), Reply(1)]);
    let client: Fake = servers.client().hedge(Hedge::After(ms(10))).build().unwrap();
    assert_eq!(client.call_with((), ONCE).await.unwrap(), 0);
    assert_eq!(servers.asked(), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_idempotent_is_not_tried_elsewhere_after_an_error() {
    for does in [Fail(1), Panic(1)] {
        let servers = Servers::new([does, Reply(1)]);
        let client: Fake = servers.client().build().unwrap();
        let error = client.call_with((), ONCE).await.unwrap_err();
        assert_eq!((error.kind, error.effect()), (CallErrorKind::Failed, Effect::MayHaveHappened));
        assert_eq!(servers.asked(), [(0, 0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_certainly_did_not_happen_is_tried_elsewhere_even_so() {
    let effect = |error: &&str| match *error {
        "refused" => Effect::DidNotHappen,
        _ => Effect::Happened,
    };
    let servers = Servers::new([Refuse(2), Refuse(2), Reply(1)]);
    let client: Fake = servers.client().effect(effect).build().unwrap();
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
async fn calls_at_the_same_time_do_not_wait_for_each_other() {
    let servers = Servers::new([Reply(20)]);
    let client: Fake = servers.client().build().unwrap();
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
fn a_client_that_makes_no_sense_is_not_built() {
    let builder = || Client::builder(async |_: Arc<u8>, (): ()| Ok::<_, String>(0));
    assert_eq!(builder().build().unwrap_err(), BuildError::NoServers);
    for (percentile, at_least, at_most) in [(0, 1, 2), (100, 1, 2), (95, 2, 1)] {
        let (at_least, at_most) = (ms(at_least), ms(at_most));
        let hedge = Hedge::Percentile { percentile, at_least, at_most };
        let built = builder().server(1).hedge(hedge).build();
        assert_eq!(built.unwrap_err(), BuildError::Percentile);
    }
}

#[test]
fn clients_and_calls_go_from_thread_to_thread() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    fn shared<T: Send + Sync>(_: &T) {}
    let client: Client<u8, String, String, std::io::Error> =
        Client::builder(async |_: Arc<u8>, text: String| Ok(text)).server(1).build().unwrap();
    shared(&client);
    drop(send(client.call("argument".to_owned())));
    drop(send(client.shutdown(pushdown_patterns::Shutdown::Abort)));
}

#[test]
fn without_a_delay_no_runtime_is_needed() {
    let client: Client<u8, u8, u8, ()> =
        Client::builder(async |server: Arc<u8>, add| Ok(*server + add))
            .server(1)
            .hedge(Hedge::Never)
            .build()
            .unwrap();
    assert_eq!(pushdown_patterns::thread::block_on(client.call(2)).unwrap(), 3);
}
