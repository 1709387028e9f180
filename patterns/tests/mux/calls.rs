//! Calls, and the bounds on them.

use pushdown_patterns::Effect;
use pushdown_patterns::mux::{CallErrorKind, CallOptions, Options};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::wire::{Toy, ask, connect, frame, toy};
use crate::{SECOND, count, held, poll_times, settle};

#[tokio::test(start_paused = true)]
async fn replies_in_any_order_reach_their_callers() {
    let (mux, _unsolicited, peer) = toy();
    let answering = async {
        let sent = peer.sent().await;
        assert_eq!(sent.iter().map(|frame| frame.tag).collect::<Vec<_>>(), [0, 1, 2]);
        for request in sent.iter().rev() {
            peer.reply(request.tag, format!("re {}", request.text));
        }
    };
    let (a, b, c, ()) =
        tokio::join!(mux.call(ask("a")), mux.call(ask("b")), mux.call(ask("c")), answering);
    assert_eq!([a, b, c].map(|reply| reply.unwrap().text), ["re a", "re b", "re c"]);
    assert_eq!(held(mux.counts()), [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_chosen_tag_is_used_and_refused_to_a_second_call() {
    let (mux, _unsolicited, peer) = toy();
    let seven = || CallOptions::new().tag(7);
    let rest = async {
        settle().await;
        let error = mux.call_with(ask("b"), seven()).await.unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::DuplicateTag), "{error}");
        assert_eq!(error.effect(), Effect::DidNotHappen);
        assert_eq!(error.into_request(), Some(ask("b")));
        assert_eq!(peer.sent_one().await, frame(7, "a"));
        peer.reply(7, "done");
    };
    let (reply, ()) = tokio::join!(mux.call_with(ask("a"), seven()), rest);
    assert_eq!(reply.unwrap(), frame(7, "done"));
    // The tag can be chosen again at once.
    assert!(poll_times(2, mux.call_with(ask("c"), seven())).await.is_none());
    assert_eq!(peer.sent_one().await, frame(7, "c"));
}

#[tokio::test(start_paused = true)]
async fn a_chosen_tag_is_not_assigned_to_another_call() {
    let (mux, _unsolicited, peer) = connect(Toy::<2>, Options::new());
    let calls = async {
        let first = mux.call_with(ask("a"), CallOptions::new().tag(0));
        tokio::join!(first, mux.call(ask("b")))
    };
    let answering = async {
        let sent = peer.sent().await;
        assert_eq!(sent, [frame(0, "a"), frame(1, "b")]);
        peer.reply(1, "b");
        peer.reply(0, "a");
    };
    let ((a, b), ()) = tokio::join!(calls, answering);
    assert_eq!((a.unwrap().text.as_str(), b.unwrap().text.as_str()), ("a", "b"));
}

#[tokio::test(start_paused = true)]
async fn calls_get_tags_in_the_order_in_which_they_came() {
    let (mux, _unsolicited, peer) = connect(Toy::<2>, Options::new());
    let calls = async { tokio::join!(mux.call(ask("a")), mux.call(ask("b")), mux.call(ask("c"))) };
    let answering = async {
        assert_eq!(peer.sent().await, [frame(0, "a"), frame(1, "b")]);
        assert_eq!(mux.counts().waiting, 1);
        peer.reply(1, "b");
        assert_eq!(peer.sent_one().await, frame(1, "c"));
        peer.reply(1, "c");
        peer.reply(0, "a");
    };
    let ((a, b, c), ()) = tokio::join!(calls, answering);
    assert_eq!([a, b, c].map(|reply| reply.unwrap().text), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_limited() {
    let (mux, _unsolicited, peer) = connect(Toy::<9>, Options::new().in_flight(count(2)));
    let calls = async { tokio::join!(mux.call(ask("a")), mux.call(ask("b")), mux.call(ask("c"))) };
    let answering = async {
        assert_eq!(peer.sent().await.len(), 2);
        assert_eq!((mux.counts().waiting, mux.counts().in_flight), (1, 2));
        for tag in [0, 1, 2] {
            peer.reply(tag, "done");
            settle().await;
        }
    };
    let ((a, b, c), ()) = tokio::join!(calls, answering);
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_no_room_to_wait_is_refused_with_its_request() {
    let (mux, _unsolicited, peer) = connect(Toy::<9>, Options::new().waiting(count(1)));
    peer.block();
    let rest = async {
        settle().await;
        let error = mux.call(ask("b")).await.unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::Full));
        assert_eq!(error.into_request(), Some(ask("b")));
        peer.unblock();
        let request = peer.sent_one().await;
        peer.reply(request.tag, "done");
    };
    let (reply, ()) = tokio::join!(mux.call(ask("a")), rest);
    assert_eq!(reply.unwrap().text, "done");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_times_out_in_flight_may_have_happened() {
    let (mux, _unsolicited, peer) = toy();
    let start = Instant::now();
    let error = mux.call_with(ask("a"), CallOptions::new().timeout(SECOND)).await.unwrap_err();
    assert_eq!(start.elapsed().as_millis(), 1000);
    assert!(matches!(error.kind(), CallErrorKind::TimedOut));
    assert_eq!(
        (error.effect(), error.to_string().as_str()),
        (Effect::MayHaveHappened, "timed out; the request was sent")
    );
    assert_eq!(mux.counts().quarantined, 1);
    peer.reply(0, "late");
    settle().await;
    assert_eq!((mux.counts().quarantined, mux.counts().late), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_longest_timeout_never_expires() {
    let (mux, _unsolicited, peer) = toy();
    let forever = CallOptions::new().timeout(std::time::Duration::MAX);
    let answering = async {
        let request = peer.sent_one().await;
        peer.reply(request.tag, "done");
    };
    let (reply, ()) = tokio::join!(mux.call_with(ask("a"), forever), answering);
    assert!(reply.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_reply_is_sent_in_order_and_leaves_nothing_behind() {
    let (mux, _unsolicited, peer) = connect(Toy::<1>, Options::new());
    let rest = async {
        settle().await;
        mux.send(frame(9, "notice")).await.unwrap();
        assert_eq!(peer.sent().await, [frame(0, "a"), frame(9, "notice")]);
        peer.reply(0, "done");
    };
    let (reply, ()) = tokio::join!(mux.call(ask("a")), rest);
    assert!(reply.is_ok());
    assert_eq!(held(mux.counts()), [0; 4]);
}

/// The connection's task runs between the two calls, and does not flush yet.
#[tokio::test(start_paused = true)]
async fn a_call_about_to_be_made_shares_the_write_of_the_call_before() {
    let (mux, _unsolicited, peer) = toy();
    let alone = mux.clone();
    tokio::spawn(async move { alone.call(ask("alone")).await });
    assert_eq!((peer.sent().await.len(), peer.flushes()), (1, 1));
    let (first, second) = (mux.clone(), mux.clone());
    tokio::spawn(async move {
        let second = async move {
            let _ = second.call(ask("b")).await;
        };
        tokio::join!(first.call(ask("a")), async { drop(tokio::spawn(second)) })
    });
    assert_eq!((peer.sent().await.len(), peer.flushes()), (2, 2));
}

/// With calls in flight the connection lets others go first before it flushes. The producer uses each
/// such turn.
#[tokio::test(start_paused = true)]
async fn a_message_is_flushed_although_a_producer_never_rests() {
    let (mux, _unsolicited, peer) = toy();
    let mut unanswered = JoinSet::new();
    for _ in 0..2 {
        let mux = mux.clone();
        unanswered.spawn(async move { mux.call(ask("unanswered")).await });
    }
    settle().await;
    for _ in 0..10_000 {
        mux.send(frame(0, "notice")).await.unwrap();
    }
    settle().await;
    assert_eq!(peer.take_sent().len(), 10_002);
    assert!(peer.most_unflushed() <= 4, "{} messages waited", peer.most_unflushed());
}

#[tokio::test(start_paused = true)]
async fn a_message_is_flushed_although_the_queue_is_never_empty() {
    let (mux, _unsolicited, peer) = toy();
    let mut senders = JoinSet::new();
    for _ in 0..5_000 {
        let mux = mux.clone();
        senders.spawn(async move { mux.send(frame(0, "notice")).await.unwrap() });
    }
    senders.join_all().await;
    assert!(peer.most_unflushed() <= 1024, "{} messages waited", peer.most_unflushed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_ahead_of_calls_and_a_send_keeps_its_order() {
    let (mux, _unsolicited, peer) = connect(Toy::<1>, Options::new());
    let rest = async {
        settle().await;
        assert!(poll_times(1, mux.send(frame(9, "dropped"))).await.is_none());
        let sent = async {
            mux.send(frame(9, "notice")).await.unwrap();
            assert_eq!(peer.take_sent(), [frame(0, "b"), frame(9, "notice")]);
        };
        let answered = async {
            settle().await;
            mux.answer(frame(9, "answer")).await.unwrap();
            // The second call and the notice wait for the only tag.
            assert_eq!(peer.sent().await, [frame(0, "a"), frame(9, "answer")]);
            peer.reply(0, "a");
            settle().await;
            peer.reply(0, "b");
        };
        tokio::join!(sent, answered);
    };
    let (a, b, ()) = tokio::join!(mux.call(ask("a")), mux.call(ask("b")), rest);
    assert!(a.is_ok() && b.is_ok());
}

#[tokio::test(start_paused = true)]
async fn as_many_answers_may_wait_as_calls() {
    let (mux, _unsolicited, peer) = connect(Toy::<9>, Options::new().waiting(count(1)));
    peer.block();
    let rest = async {
        settle().await;
        let answer = async {
            settle().await;
            let error = mux.answer(frame(1, "too many")).await.unwrap_err();
            assert!(matches!(error.kind(), CallErrorKind::Full));
            assert_eq!(error.into_request(), Some(frame(1, "too many")));
            peer.unblock();
            assert_eq!(peer.sent().await, [frame(0, "answer"), frame(0, "a")]);
            peer.reply(0, "done");
        };
        tokio::join!(mux.answer(frame(0, "answer")), answer).0.unwrap();
    };
    assert!(tokio::join!(mux.call(ask("a")), rest).0.is_ok());
}

#[tokio::test]
async fn a_message_that_has_a_reply_is_not_sent_and_one_that_has_none_not_called() {
    use pushdown_patterns::mux::dns::{self, Dns, Message};

    let (ours, _theirs) = tokio::io::duplex(64);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = dns::split(read, write);
    let (mux, _unsolicited) = pushdown_patterns::mux::Mux::spawn(Dns, sink, stream, Options::new());
    let query = Message::new(vec![0; 12]).unwrap();
    let response = Message::new(vec![0x80; 12]).unwrap();
    let refused = [
        mux.send(query.clone()).await.unwrap_err(),
        mux.answer(query).await.unwrap_err(),
        mux.call(response.clone()).await.unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error.kind(), CallErrorKind::WrongMethod), "{error}");
        assert_eq!(error.effect(), Effect::DidNotHappen);
        assert!(error.into_request().is_some());
    }
    mux.answer(response).await.unwrap();
}
