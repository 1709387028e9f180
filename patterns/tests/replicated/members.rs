//! Servers that join and leave while calls are running.

use super::drops::{drop_after, finish};
use super::*;
use pushdown_patterns::replicated::{
    Budget, CallErrorKind, CallOptions, Departed, Hedge, JoinError, Losers, Membership, ServerStats,
};
use pushdown_patterns::{Effect, Shutdown};
use std::future::poll_fn;
use std::task::Poll;

const DRAIN: Shutdown = Shutdown::Drain { timeout: Duration::from_secs(100) };
const ONCE: CallOptions = CallOptions::new().idempotent(false);

/// A client of the first servers, with a delay of 10 ms, which others may join.
fn client(servers: &Servers, count: usize, losers: Losers) -> (Fake, Membership<usize>) {
    let options = Options::new().hedge(Hedge::After(ms(10))).losers(losers);
    let asked = servers.clone();
    let client =
        Client::new(0..count, move |server, ()| asked.ask(*server), options.timeout(ms(1000)));
    let client = client.unwrap();
    let membership = client.membership();
    (client, membership)
}

fn spawn(client: &Fake) -> tokio::task::JoinHandle<Result<usize, CallError<(), &'static str>>> {
    let client = client.clone();
    tokio::spawn(async move { client.call(()).await })
}

fn numbers(client: &Fake) -> Vec<usize> {
    client.servers().into_iter().map(|(number, _)| number).collect()
}

/// Asserts that nothing else holds the server, and returns its counts.
fn alone(departed: Departed<usize>) -> ServerStats {
    assert_eq!(Arc::into_inner(departed.server), Some(departed.number));
    departed.stats
}

/// Polls once.
async fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_joins_is_the_last_of_the_list() {
    let servers = Servers::new([Fail(1), Fail(1), Reply(1)]);
    let (client, membership) = client(&servers, 2, Losers::Cancel);
    assert_eq!(membership.join(2), Ok(2));
    assert_eq!((numbers(&client), client.preferred()), (vec![0, 1, 2], Some(0)));
    assert_eq!(client.call(()).await.unwrap(), 2);
    assert_eq!(servers.asked(), [(0, 0), (1, 1), (2, 2)]);
    assert_eq!(client.stats().server(2).unwrap().succeeded, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_asked_all_servers_asks_one_that_joins_at_once() {
    let servers = Servers::new([Stop, Stop, Reply(3)]);
    let (client, membership) = client(&servers, 2, Losers::Cancel);
    let call = spawn(&client);
    sleep(ms(50)).await;
    membership.join(2).unwrap();
    assert_eq!(call.await.unwrap().unwrap(), 2);
    assert_eq!(servers.asked(), [(0, 0), (10, 1), (50, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_call_owes_an_attempt_until_a_server_joins() {
    let servers = Servers::new([Stop, Fail(1), Reply(3)]);
    let (client, membership) = client(&servers, 2, Losers::Cancel);
    let call = spawn(&client);
    sleep(ms(15)).await;
    membership.join(2).unwrap();
    assert_eq!(call.await.unwrap().unwrap(), 2);
    assert_eq!(servers.asked(), [(0, 0), (10, 1), (15, 2)]);
    assert_eq!(client.stats().hedges, 1, "after an error it is none");
}

#[tokio::test(start_paused = true)]
async fn calls_that_may_ask_no_other_server_are_not_woken_by_one_that_joins() {
    let servers = Servers::new([Reply(30), Reply(3)]);
    let (client, membership) = client(&servers, 1, Losers::Cancel);
    let other = client.clone();
    let call = tokio::spawn(async move { other.call_with((), ONCE).await });
    sleep(ms(15)).await;
    membership.join(1).unwrap();
    assert_eq!(call.await.unwrap().unwrap(), 0);
    assert_eq!(servers.asked(), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_left_is_not_asked() {
    let servers = Servers::new([Stop, Reply(1), Reply(1)]);
    let (client, membership) = client(&servers, 3, Losers::Cancel);
    let call = spawn(&client);
    settle().await;
    alone(membership.leave(1, DRAIN).unwrap().await);
    assert_eq!(call.await.unwrap().unwrap(), 2);
    assert_eq!(servers.asked(), [(0, 0), (10, 2)]);
    assert!(membership.leave(1, DRAIN).is_none() && membership.leave(9, DRAIN).is_none());
    assert_eq!((client.stats().left, numbers(&client)), (1, vec![0, 2]));
}

#[tokio::test(start_paused = true)]
async fn the_next_server_is_preferred_to_one_that_leaves() {
    let servers = Servers::new([Reply(1), Reply(1), Reply(1)]);
    let (client, membership) = client(&servers, 3, Losers::Cancel);
    for (leaves, next) in [(0, Some(1)), (1, Some(2)), (2, None)] {
        assert_eq!(client.preferred(), Some(leaves));
        let stats = alone(membership.leave(leaves, DRAIN).unwrap().await);
        assert_eq!((stats.number, stats.attempts), (leaves, u64::from(leaves > 0)));
        assert_eq!(client.preferred(), next);
        if let Some(next) = next {
            assert_eq!(client.call(()).await.unwrap(), next);
        }
    }
    assert_eq!((client.stats().requests(), client.stats().moves), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_requests_finish() {
    let servers = Servers::new([Reply(5), Stop]);
    let (client, membership) = client(&servers, 2, Losers::Cancel);
    let call = spawn(&client);
    settle().await;
    let leaving = membership.leave(0, DRAIN).unwrap();
    let stats = client.stats();
    assert_eq!(
        (stats.leaving.len(), stats.running(), stats.server(0).unwrap().running()),
        (1, 1, 1)
    );
    let stats = alone(leaving.await);
    assert_eq!((servers.elapsed(), stats.succeeded), (5, 1));
    assert_eq!(call.await.unwrap().unwrap(), 0, "its reply wins");
    assert_eq!(client.preferred(), Some(1), "and it is not preferred");
    assert!(client.stats().leaving.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_drain_drops_requests_after_its_timeout() {
    let servers = Servers::new([Stop, Reply(50), Reply(1)]);
    let (client, membership) = client(&servers, 1, Losers::Cancel);
    let call = spawn(&client);
    settle().await;
    membership.join(1).unwrap();
    let leaving = membership.leave(0, Shutdown::Drain { timeout: ms(20) }).unwrap();
    let stats = alone(leaving.await);
    assert_eq!((servers.elapsed(), stats.cancelled, servers.running()), (20, 1, 1));
    assert_eq!(call.await.unwrap().unwrap(), 1);
    assert_eq!(servers.asked(), [(0, 0), (10, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_abort_has_the_calls_ask_another_server_at_once() {
    let servers = Servers::new([Stop, Reply(1)]);
    let (client, membership) = client(&servers, 2, Losers::Cancel);
    let call = spawn(&client);
    sleep(ms(4)).await;
    let stats = alone(membership.leave(0, Shutdown::Abort).unwrap().await);
    assert_eq!((stats.cancelled, servers.elapsed()), (1, 4));
    assert_eq!(call.await.unwrap().unwrap(), 1);
    assert_eq!(servers.asked(), [(0, 0), (4, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_only_request_is_dropped_with_its_server_says_so() {
    let servers = Servers::new([Stop, Reply(1)]);
    let (client, membership) = client(&servers, 2, Losers::Cancel);
    let other = client.clone();
    let call = tokio::spawn(async move { other.call_with((), ONCE).await });
    sleep(ms(4)).await;
    drop(membership.leave(0, Shutdown::Abort).unwrap());
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.effect()), (CallErrorKind::Failed, Effect::MayHaveHappened));
    assert_eq!((causes(&error), error.failures[0].after), (vec![(0, Cause::Left)], ms(4)));
    assert_eq!(error.to_string(), "no server could answer: server 0: has left");
    assert_eq!(servers.asked(), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_losers_at_the_server() {
    let servers = Servers::new([Stop, Reply(1)]);
    let (client, membership) = client(&servers, 2, finish(60_000));
    let before = alive_tasks();
    client.call(()).await.unwrap();
    assert_eq!(client.running().losers, 1);
    let stats = alone(membership.leave(0, Shutdown::Abort).unwrap().await);
    assert_eq!((stats.cancelled, client.running().losers, servers.running()), (1, 0, 0));
    settle().await;
    assert_eq!(alive_tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_losers_at_the_server() {
    let servers = Servers::new([Reply(70), Reply(1)]);
    let (client, membership) = client(&servers, 2, finish(60_000));
    client.call(()).await.unwrap();
    let stats = alone(membership.leave(0, DRAIN).unwrap().await);
    assert_eq!((stats.succeeded, servers.elapsed(), client.running().losers), (1, 70, 0));
}

/// A request may be dropped with its server although nothing polls its call any more.
#[tokio::test(start_paused = true)]
async fn an_abort_does_not_depend_on_another_poll() {
    let servers = Servers::new([Stop, Reply(1)]);
    let (client, membership) = client(&servers, 2, Losers::Cancel);
    let mut kept = Box::pin(client.call(()));
    assert!(poll(&mut kept).await.is_pending());
    let stats = alone(membership.leave(0, Shutdown::Abort).unwrap().await);
    assert_eq!((stats.cancelled, servers.running()), (1, 0));
    // It goes on when it is polled again.
    assert_eq!(kept.await.unwrap(), 1);
    // And it may be dropped instead.
    servers.becomes(1, Stop);
    membership.join(0).unwrap();
    let mut kept = Box::pin(client.call(()));
    assert!(poll(&mut kept).await.is_pending());
    alone(membership.leave(1, Shutdown::Abort).unwrap().await);
    drop(kept);
    assert_eq!((client.running().calls, client.stats().running()), (0, 0));
}

/// The call is being polled, by the very request that removes its server.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_being_polled_is_dropped_after_its_poll() {
    type Slot = Arc<Mutex<Option<Membership<u8>>>>;
    let slot = Slot::default();
    let inside = slot.clone();
    let call = move |server: Arc<u8>, ()| {
        let membership = inside.lock().unwrap().take();
        async move {
            if let Some(membership) = membership {
                drop(membership.leave((*server).into(), Shutdown::Abort).unwrap());
                pending::<()>().await;
            }
            Ok(*server)
        }
    };
    let options = Options::new().hedge(Hedge::Never);
    let client: Client<u8, (), u8, ()> = Client::new([0, 1], call, options).unwrap();
    *slot.lock().unwrap() = Some(client.membership());
    // Nothing but the drop of the request ends it.
    let reply = tokio::time::timeout(ms(60_000), client.call(())).await;
    assert_eq!(reply.expect("the request is dropped").unwrap(), 1);
    assert_eq!((client.stats().left, client.stats().running()), (1, 0));
}

/// The request that wins has removed the server of the other one in the same poll.
#[tokio::test(start_paused = true)]
async fn a_request_at_a_server_that_leaves_does_not_become_a_loser() {
    type Slot = Arc<Mutex<Option<Membership<u8>>>>;
    let slot = Slot::default();
    let inside = slot.clone();
    let call = move |server: Arc<u8>, ()| {
        let slot = inside.clone();
        async move {
            if *server == 0 {
                pending::<()>().await;
            }
            let membership = slot.lock().unwrap().take().unwrap();
            drop(membership.leave(0, Shutdown::Abort).unwrap());
            Ok(*server)
        }
    };
    let options = Options::new().hedge(Hedge::After(ms(10))).losers(finish(60_000));
    let client: Client<u8, (), u8, ()> = Client::new([0, 1], call, options).unwrap();
    *slot.lock().unwrap() = Some(client.membership());
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!((client.running().losers, client.stats().running()), (0, 0));
}

impl PartialEq for Asserted {
    fn eq(&self, other: &Self) -> bool {
        assert_ne!(self.0, 13, "thirteen");
        self.0 == other.0
    }
}

/// A server whose comparison panics.
#[derive(Debug)]
struct Asserted(u8);

#[tokio::test(start_paused = true)]
async fn a_comparison_that_panics_changes_nothing() {
    let call = async |server: Arc<Asserted>, ()| Ok::<_, ()>(server.0);
    let client = Client::new([Asserted(1)], call, Options::new()).unwrap();
    let membership = client.membership();
    membership.join(Asserted(13)).unwrap();
    let replaced = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        membership.replace_all([Asserted(2)], DRAIN).map(drop)
    }));
    assert!(replaced.is_err());
    assert_eq!(client.servers().len(), 2);
    assert_eq!(client.call(()).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_winner_that_has_left_is_not_preferred() {
    let servers = Servers::new([Stop, Reply(20), Stop]);
    let (client, membership) = client(&servers, 3, Losers::Cancel);
    let call = spawn(&client);
    sleep(ms(15)).await;
    let leaving = membership.leave(1, DRAIN).unwrap();
    assert_eq!(call.await.unwrap().unwrap(), 1);
    assert_eq!((client.preferred(), client.stats().moves), (Some(0), 0));
    assert_eq!(alone(leaving.await).succeeded, 1);
}

#[tokio::test(start_paused = true)]
async fn without_servers_calls_fail_at_once_and_one_that_joins_is_preferred() {
    let servers = Servers::new([Fail(5), Reply(1)]);
    let (client, membership) = client(&servers, 1, Losers::Cancel);
    let running = spawn(&client);
    settle().await;
    let leaving = membership.leave(0, DRAIN).unwrap();
    assert_eq!((client.preferred(), numbers(&client)), (None, vec![]));
    let error = client.call(()).await.unwrap_err();
    assert_eq!((error.kind, error.effect()), (CallErrorKind::NoServers, Effect::DidNotHappen));
    assert_eq!((error.to_string(), servers.elapsed()), ("there is no server".to_owned(), 0));
    // A call that was running has its own failures.
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(causes(&error), [(0, Cause::Error("failed"))]);
    assert_eq!((error.kind, alone(leaving.await).failed), (CallErrorKind::Failed, 1));
    assert_eq!((membership.join(1), client.preferred()), (Ok(1), Some(1)));
    assert_eq!(client.call(()).await.unwrap(), 1);
    assert_eq!(client.running().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_has_another_number() {
    let servers = Servers::new([Reply(1), Reply(1)]);
    let (client, membership) = client(&servers, 2, Losers::Cancel);
    client.call(()).await.unwrap();
    drop(membership.leave(0, DRAIN));
    assert_eq!(membership.join(0), Ok(2));
    assert_eq!(numbers(&client), [1, 2]);
    assert_eq!(client.stats().server(2).unwrap().attempts, 0);
    assert!(client.stats().server(0).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_replaced_keeps_what_is_equal_and_has_the_new_order() {
    let servers = Servers::new([Stop, Reply(1), Reply(1), Reply(1)]);
    let (client, membership) = client(&servers, 3, Losers::Cancel);
    client.call(()).await.unwrap();
    let replaced = membership.replace_all([3, 2, 1], DRAIN).unwrap();
    assert_eq!((replaced.joined, replaced.leaving.len()), (vec![3], 1));
    assert_eq!((numbers(&client), client.preferred()), (vec![3, 2, 1], Some(1)));
    for leaving in replaced.leaving {
        assert_eq!((leaving.number(), **leaving.server()), (0, 0));
        assert_eq!(alone(leaving.await).cancelled, 1);
    }
    assert_eq!(client.stats().server(1).unwrap().succeeded, 1);
    // As often as it is in the list, and the first ones.
    let replaced = membership.replace_all([2, 2, 3, 2], DRAIN).unwrap();
    assert_eq!(numbers(&client), [2, 4, 3, 5]);
    assert_eq!((replaced.joined, replaced.leaving.len()), (vec![4, 5], 1));
    let replaced = membership.replace_all([2], DRAIN).unwrap();
    assert_eq!((numbers(&client), replaced.leaving.len()), (vec![2], 3));
    assert_eq!(membership.servers().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_replaced_by_others_is_empty_at_no_time() {
    let servers = Servers::new([Stop, Reply(1)]);
    let (client, membership) = client(&servers, 1, Losers::Cancel);
    let call = spawn(&client);
    settle().await;
    drop(membership.replace_all([1], Shutdown::Abort).unwrap());
    assert_eq!((call.await.unwrap().unwrap(), client.preferred()), (1, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn nothing_joins_a_client_that_is_closed_or_gone() {
    let servers = Servers::new([Reply(1)]);
    let (client, membership) = client(&servers, 1, Losers::Cancel);
    client.shutdown(DRAIN).await;
    assert_eq!(membership.join(7), Err(JoinError(7)));
    assert_eq!(membership.replace_all([0, 7], DRAIN).unwrap_err(), JoinError(vec![0, 7]));
    assert_eq!(numbers(&client), [0]);
    alone(membership.leave(0, DRAIN).unwrap().await);
    drop(client);
    assert_eq!(membership.join(7), Err(JoinError(7)));
    assert_eq!(membership.replace_all([7], DRAIN).unwrap_err(), JoinError(vec![7]));
    assert!(membership.servers().is_empty() && membership.leave(0, DRAIN).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_server_comes_back_from_a_client_that_ends() {
    let servers = Servers::new([Stop, Reply(1)]);
    for losers in [Losers::Cancel, finish(60_000)] {
        let (client, membership) = client(&servers, 2, losers);
        let call = spawn(&client);
        settle().await;
        let leaving = membership.leave(0, DRAIN).unwrap();
        sleep(ms(20)).await;
        assert_eq!(call.await.unwrap().unwrap(), 1);
        drop(client);
        assert_eq!(alone(leaving.await).cancelled, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_departure_can_be_dropped_at_every_await_point() {
    let before = alive_tasks();
    for how in [DRAIN, Shutdown::Drain { timeout: ms(10) }, Shutdown::Abort] {
        for polls in 0.. {
            let servers = Servers::new([Reply(30), Reply(5)]);
            let (client, membership) = client(&servers, 2, Losers::Cancel);
            let call = spawn(&client);
            sleep(ms(5)).await;
            let done = drop_after(membership.leave(0, how).unwrap(), polls).await;
            assert!(client.servers().iter().all(|(number, _)| *number != 0), "it has left");
            assert_eq!(call.await.unwrap().unwrap(), 1);
            let stats = client.stats();
            assert_eq!((stats.leaving.len(), stats.running(), servers.running()), (0, 0, 0));
            assert_eq!(alive_tasks(), before);
            if done.is_some() {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_dropped_at_every_await_point_while_servers_change() {
    let mut points = 0;
    for how in [DRAIN, Shutdown::Abort] {
        for losers in [Losers::Cancel, finish(60)] {
            for polls in 0.. {
                let servers = Servers::new([Stop, Stop, Stop, Reply(1)]);
                let (client, membership) = client(&servers, 2, losers);
                let changes = tokio::spawn(async move {
                    for number in 0..3 {
                        sleep(ms(7)).await;
                        membership.join(number + 2).unwrap();
                        sleep(ms(7)).await;
                        if number < 2 {
                            drop(membership.leave(number, how));
                        }
                    }
                });
                let done = drop_after(client.call(()), polls).await;
                assert_eq!(client.running().calls, 0);
                changes.await.unwrap();
                sleep(ms(200)).await;
                let stats = client.stats();
                assert_eq!((servers.running(), stats.running(), stats.leaving.len()), (0, 0, 0));
                if done.is_some() {
                    break;
                }
                points += 1;
            }
        }
    }
    println!("{points} points dropped at");
    assert!(points > 15);
}

/// A call waits in line for the only server that it has not asked, which leaves. It has a place again when
/// another one joins.
#[tokio::test(start_paused = true)]
async fn a_call_leaves_the_line_with_the_server_that_it_would_have_asked() {
    let servers = Servers::new([Stop, Stop, Reply(1)]);
    let budget = Budget { percent: 60, per_second: 0, burst: 1 };
    let options = Options::new().hedge(Hedge::After(ms(10))).budget(budget);
    let asked = servers.clone();
    let client: Fake = Client::new(0..2, move |server, ()| asked.ask(*server), options).unwrap();
    let membership = client.membership();
    assert!(
        tokio::time::timeout(ms(20), client.call(())).await.is_err(),
        "it spends what is saved up"
    );
    let mut call = Box::pin(client.call(()));
    assert!(tokio::time::timeout(ms(20), &mut call).await.is_err());
    assert_eq!((client.stats().hedges, client.stats().hedges_denied), (1, 1));
    drop(membership.leave(1, DRAIN));
    assert!(poll(&mut call).await.is_pending());
    membership.join(2).unwrap();
    assert!(poll(&mut call).await.is_pending());
    assert_eq!(client.stats().hedges_denied, 2, "it is in line again");
    servers.asked();
    // Another call earns the token.
    let other = spawn(&client);
    assert_eq!(call.await.unwrap(), 2);
    assert_eq!(servers.asked(), [(40, 0), (40, 2)]);
    other.abort();
}
