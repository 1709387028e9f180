//! Which calls are sent again, in which order, and what their callers are told.

use std::num::NonZeroU32;

use pushdown_patterns::mux::reconnect::WhenDown;
use pushdown_patterns::mux::{CallOptions, Protocol};
use pushdown_patterns::{Effect, Shutdown};
use tokio::time::Instant;

use super::*;
use crate::wire::{ask, frame};
use crate::{count, poll_times, settle};

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_first_connection() {
    let server = Server::new(&[Refuse, Refuse]);
    let (client, _) = server.client(options());
    let caller = client.clone();
    let call = tokio::spawn(async move { caller.call(ask("hello")).await.unwrap().text });
    settle().await;
    assert_eq!(client.counts().waiting, 1);
    after_the_delay().await;
    assert_eq!(answer(&server.peer(0)).await, ["hello"]);
    assert_eq!(call.await.unwrap(), "hello");
    let counts = client.counts();
    let all = (counts.connections, counts.failed_attempts, counts.requeued, counts.repeated);
    assert_eq!((all, counts.waiting), ((1, 2, 0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn calls_that_waited_go_out_in_order_even_if_their_callers_are_not_polled() {
    let server = Server::new(&[Refuse]);
    let (client, _) = server.client(options());
    let texts = ["a", "b", "c", "d"];
    let mut calls: Vec<_> = texts.map(|text| Box::pin(client.call(ask(text)))).into();
    for call in &mut calls {
        assert!(std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await.is_pending());
    }
    // The first one leaves the line, the others stay, and nobody polls them.
    drop(calls.remove(0));
    after_the_delay().await;
    assert_eq!(answer(&server.peer(0)).await, texts[1..]);
    for (call, text) in calls.into_iter().zip(&texts[1..]) {
        assert_eq!(call.await.unwrap().text, *text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_sent_is_sent_on_the_next_connection_in_its_old_place() {
    let server = Server::new(&[Block]);
    let (client, _) = server.client(options());
    let call = |text: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.call(ask(text)).await.unwrap().text })
    };
    settle().await;
    let old = [call("a"), call("b")];
    settle().await;
    server.peer(0).hang_up();
    // A newcomer that finds the connection ended before the others do.
    let new = call("c");
    after_the_delay().await;
    assert!(server.peer(0).take_sent().is_empty());
    assert_eq!(answer(&server.peer(1)).await, ["a", "b", "c"]);
    for (call, text) in old.into_iter().chain([new]).zip(["a", "b", "c"]) {
        assert_eq!(call.await.unwrap(), text);
    }
    let counts = client.counts();
    assert_eq!((counts.connections, counts.repeated), (2, 0));
    assert!((2..=3).contains(&counts.requeued), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_sent_is_not_sent_again() {
    let server = Server::new(&[]);
    let (client, _) = server.client(options());
    settle().await;
    let (error, ()) = tokio::join!(client.call(ask("once")), async {
        assert_eq!(server.peer(0).sent_one().await.text, "once");
        server.peer(0).hang_up();
    });
    let error = error.unwrap_err();
    assert!(matches!(end_of(&error), CloseReason::Closed), "{error}");
    assert_eq!(error.effect(), Effect::MayHaveHappened);
    assert_eq!(error.to_string(), "the peer has closed the connection; the request was sent");
    assert!(error.into_request().is_none());
    after_the_delay().await;
    assert!(server.peer(1).sent().await.is_empty());
    assert_eq!((client.counts().requeued, client.counts().repeated), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_is_sent_again_and_at_most_so_often() {
    let server = Server::new(&[]);
    let (client, _) = server.client(options().attempts(NonZeroU32::new(2).unwrap()));
    let mut made = 0;
    let call = client.call_idempotent(|| {
        made += 1;
        ask(format!("{made}"))
    });
    let peer_hangs_up = async |index: usize, text: &str| {
        after_the_delay().await;
        assert_eq!(server.peer(index).sent_one().await.text, text);
        server.peer(index).hang_up();
    };
    let (error, ()) = tokio::join!(call, async {
        peer_hangs_up(0, "1").await;
        peer_hangs_up(1, "2").await;
    });
    assert_eq!(error.unwrap_err().effect(), Effect::MayHaveHappened);
    after_the_delay().await;
    assert_eq!((made, client.counts().repeated), (2, 1));

    let call = client.call_idempotent(|| ask("again"));
    let (reply, ()) = tokio::join!(call, async {
        peer_hangs_up(2, "again").await;
        after_the_delay().await;
        assert_eq!(answer(&server.peer(3)).await, ["again"]);
    });
    assert_eq!(reply.unwrap().text, "again");
}

/// Sent on the first connection, not sent on the second, and refused, timed out or ended on the way to
/// the third: it may have happened.
#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_happened_is_never_said_not_to_have() {
    for how in 0..3 {
        let server = Server::new(&[Accept, Block, Hang]);
        let (client, _) = server.client(options());
        let timeout = CallOptions::new().timeout(if how == 0 { 4 * SECOND } else { 60 * SECOND });
        let call = client.call_idempotent_with(|| ask("lost"), timeout);
        let (error, ()) = tokio::join!(call, async {
            settle().await;
            server.peer(0).sent_one().await;
            server.peer(0).hang_up();
            after_the_delay().await;
            assert!(server.peer(1).sent().await.is_empty());
            server.peer(1).hang_up();
            if how == 1 {
                settle().await;
                assert_eq!(client.counts().waiting, 1);
                drop(client.shutdown(Shutdown::Abort).await);
            } else if how == 2 {
                // Its error comes from the connection, where it times out before it is sent.
                server.0.lock().unwrap().plan = [Block].into();
            }
        });
        let error = error.unwrap_err();
        let is_right = match error.kind() {
            CallErrorKind::TimedOut => how != 1,
            CallErrorKind::Ended(CloseReason::Aborted) => how == 1,
            _ => false,
        };
        assert!(is_right, "{error}");
        assert_eq!(error.effect(), Effect::MayHaveHappened, "{how}");
        assert_eq!((client.counts().repeated, client.counts().requeued), (1, 1), "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_timeout_covers_all_waits_and_its_error_has_the_outage() {
    let server = Server::new(&[Refuse, Block, Refuse, Refuse, Refuse, Refuse]);
    let (client, _) = server.client(options());
    let start = Instant::now();
    let timeout = CallOptions::new().timeout(4 * SECOND);
    let (error, ()) = tokio::join!(client.call_with(ask("late"), timeout), async {
        after_the_delay().await;
        server.peer(0).hang_up();
    });
    let error = error.unwrap_err();
    assert_eq!(start.elapsed(), 4 * SECOND);
    assert!(matches!(error.kind(), CallErrorKind::TimedOut), "{error}");
    let Some(Outage::Connect(outage)) = error.outage() else { panic!("{error}") };
    assert!(outage.downcast_ref::<io::Error>().is_some());
    let text = error.to_string();
    assert!(text.starts_with("timed out; no connection: connecting failed: "), "{text}");
    assert!(text.ends_with("; the request was not sent"), "{text}");
    assert_eq!(error.into_request(), Some(ask("late")));
}

#[tokio::test(start_paused = true)]
async fn calls_that_do_not_wait_fail_at_once_while_there_is_no_connection() {
    let server = Server::new(&[Refuse, Block, Refuse]);
    let (client, _) = server.client(options().when_down(WhenDown::Fail));
    let early = client.call(ask("early")).await.unwrap_err();
    assert!(matches!(early.kind(), CallErrorKind::NotConnected), "{early}");
    assert!(early.outage().is_none(), "the first attempt is being made");
    settle().await;
    let down = client.call(ask("down")).await.unwrap_err();
    assert!(matches!(down.kind(), CallErrorKind::NotConnected), "{down}");
    assert!(matches!(down.outage(), Some(Outage::Connect(_))), "{down}");
    assert_eq!(down.into_request(), Some(ask("down")));
    after_the_delay().await;
    let (unsent, ()) = tokio::join!(client.call(ask("unsent")), async {
        settle().await;
        server.peer(0).hang_up();
    });
    let unsent = unsent.unwrap_err();
    assert!(matches!(unsent.kind(), CallErrorKind::NotConnected), "{unsent}");
    assert!(matches!(unsent.outage(), Some(Outage::Ended(CloseReason::Closed))), "{unsent}");
    assert_eq!(client.counts().requeued, 0);
}

#[tokio::test(start_paused = true)]
async fn the_line_is_limited_and_one_more_call_comes_back() {
    let server = Server::new(&[Hang]);
    let (client, _) = server.client(options().waiting(count(2)));
    let wait = async |text| poll_times(1, client.call(ask(text))).await;
    let mut calls = [Box::pin(client.call(ask("a"))), Box::pin(client.call(ask("b")))];
    for call in &mut calls {
        assert!(poll_times(1, call.as_mut()).await.is_none());
    }
    let full = wait("c").await.unwrap().unwrap_err();
    assert!(matches!(full.kind(), CallErrorKind::Full), "{full}");
    assert_eq!(full.into_request(), Some(ask("c")));
    drop(calls);
    assert!(wait("d").await.is_none());
    assert_eq!(client.counts().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_refuses_a_call_tells_its_caller() {
    let server = Server::new(&[Refuse]);
    let (client, _) = server.client(options());
    let with_tag = || client.call_with(ask("tag"), CallOptions::new().tag(7));
    let (first, second, ()) = tokio::join!(with_tag(), with_tag(), async {
        after_the_delay().await;
        assert_eq!(answer(&server.peer(0)).await, ["tag"]);
    });
    assert_eq!(first.unwrap().tag, 7);
    let second = second.unwrap_err();
    assert!(matches!(second.kind(), CallErrorKind::DuplicateTag), "{second}");
    assert!(second.into_request().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_reply_waits_in_line_with_the_calls() {
    let server = Server::new(&[Refuse]);
    let (client, _) = server.client(options());
    let ((), call, ()) = tokio::join!(
        async { client.send(ask("note")).await.unwrap() },
        client.call(ask("call")),
        async {
            after_the_delay().await;
            let sent = server.peer(0).sent().await;
            assert_eq!(sent, [ask("note"), frame(0, "call")]);
            server.peer(0).reply(0, "done");
        }
    );
    assert_eq!(call.unwrap().text, "done");
}

/// A connection that somebody else drains takes no more calls, but those that it has go on.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_drained_by_another_finishes_its_calls() {
    let server = Server::new(&[]);
    let (client, _) = server.client(options());
    settle().await;
    let call = |text: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.call(ask(text)).await.unwrap().text })
    };
    let before = call("before");
    let sent = server.peer(0).sent_one().await;
    let connection = client.connection().unwrap();
    let closing = tokio::spawn(async move { connection.close().await });
    settle().await;
    let after = call("after");
    after_the_delay().await;
    assert_eq!((client.counts().waiting, server.peers()), (1, 1));
    server.peer(0).reply(sent.tag, "done");
    assert_eq!(before.await.unwrap(), "done");
    assert!(matches!(closing.await.unwrap().end, CloseReason::Drained));
    after_the_delay().await;
    assert_eq!(answer(&server.peer(1)).await, ["after"]);
    assert_eq!(after.await.unwrap(), "after");
}

/// A protocol that knows which messages are answered.
struct Strict;

impl Protocol for Strict {
    type Tag = u64;
    type Request = Frame;
    type Reply = Frame;

    fn tag(number: u64) -> Option<u64> {
        Some(number)
    }

    fn is_answered(message: &Frame) -> Option<bool> {
        Some(message.text != "note")
    }

    fn set_tag(&self, request: &mut Frame, tag: &u64) {
        request.tag = *tag;
    }

    fn read_tag(&self, reply: &Frame) -> Option<u64> {
        Some(reply.tag)
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_reply_and_a_message_with_one_are_refused() {
    let connect = || std::future::pending::<io::Result<(Mux<Strict>, _)>>();
    let (client, _) = Reconnect::spawn(connect, options());
    let call = client.call(ask("note")).await.unwrap_err();
    let send = client.send(ask("call")).await.unwrap_err();
    for error in [call, send] {
        assert!(matches!(error.kind(), CallErrorKind::WrongMethod), "{error}");
        assert_eq!(error.effect(), Effect::DidNotHappen);
    }
}

/// A log in comes before all calls of the client, and is done on each connection.
#[tokio::test(start_paused = true)]
async fn calls_that_a_connection_is_made_with_go_out_first() {
    let server = Server::new(&[]);
    let connect = {
        let (server, mut connect) = (server.clone(), server.connect());
        move || {
            let (server, connection) = (server.clone(), connect());
            async move {
                let (mux, unsolicited) = connection.await?;
                let peer = server.peer(server.peers() - 1);
                let (login, ()) = tokio::join!(mux.call(ask("login")), async {
                    assert_eq!(answer(&peer).await, ["login"]);
                });
                login.map(|_| (mux, unsolicited)).map_err(io::Error::other)
            }
        }
    };
    let (client, _) = Reconnect::spawn(connect, options());
    for index in 0..2 {
        let (reply, ()) = tokio::join!(client.call(ask("call")), async {
            after_the_delay().await;
            assert_eq!(answer(&server.peer(index)).await, ["call"]);
        });
        assert_eq!(reply.unwrap().text, "call");
        server.peer(index).hang_up();
        settle().await;
    }
}
