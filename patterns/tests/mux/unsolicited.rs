//! Messages that answer no call.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pushdown_patterns::mux::{CloseReason, Mux, Options, Overflow, Unexpected};

use crate::wire::{Frame, Peer, Toy, ask, connect, frame, toy};
use crate::{count, end_of, poll_times, settle};

#[tokio::test(start_paused = true)]
async fn unsolicited_messages_come_in_order_and_end_with_the_connection() {
    let (_mux, mut unsolicited, peer) = toy();
    assert!(poll_times(2, unsolicited.recv()).await.is_none());
    for number in 0..3 {
        peer.reply(number, format!("!{number}"));
    }
    peer.hang_up();
    for number in 0..3 {
        assert_eq!(unsolicited.recv().await, Some(frame(number, format!("!{number}"))));
    }
    assert_eq!(unsolicited.recv().await, None);
    assert_eq!(unsolicited.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_unsolicited_message_with_the_tag_of_a_call_does_not_answer_it() {
    let (mux, mut unsolicited, peer) = toy();
    let rest = async {
        let request = peer.sent_one().await;
        peer.reply(request.tag, "!not a reply");
        assert!(unsolicited.recv().await.is_some());
        assert_eq!(mux.counts().in_flight, 1);
        peer.reply(request.tag, "a reply");
    };
    let (reply, ()) = tokio::join!(mux.call(ask("a")), rest);
    assert_eq!(reply.unwrap().text, "a reply");
}

#[tokio::test(start_paused = true)]
async fn replies_do_not_wait_for_the_receiver_of_unsolicited_messages() {
    let (mux, mut unsolicited, peer) = connect(Toy::<9>, Options::new().unsolicited(count(2)));
    for number in 0..5 {
        peer.reply(number, format!("!{number}"));
    }
    let answering = async { peer.reply(peer.sent_one().await.tag, "a") };
    assert!(tokio::join!(mux.call(ask("a")), answering).0.is_ok());
    assert_eq!(mux.counts().discarded, 3);
    assert_eq!(unsolicited.recv().await.unwrap().text, "!0");
    assert_eq!(unsolicited.recv().await.unwrap().text, "!1");
    drop(unsolicited);
    peer.reply(0, "!no receiver");
    settle().await;
    assert_eq!(mux.counts().discarded, 4);
}

#[tokio::test(start_paused = true)]
async fn an_unsolicited_message_without_room_ends_the_connection_if_that_is_fatal() {
    let options = Options::new().unsolicited(count(2)).overflow(Overflow::Fail);
    let (mux, mut unsolicited, peer) = connect(Toy::<9>, options.clone());
    for number in 0..3 {
        assert!(mux.end().is_none());
        peer.reply(number, format!("!{number}"));
        settle().await;
    }
    assert!(matches!(mux.end(), Some(CloseReason::UnsolicitedFull)));
    assert_eq!(unsolicited.recv().await.unwrap().text, "!0");
    assert_eq!(unsolicited.recv().await.unwrap().text, "!1");
    assert_eq!(unsolicited.recv().await, None);

    // Without a receiver no message is missed.
    let (mux, unsolicited, peer) = connect(Toy::<9>, options);
    drop(unsolicited);
    (0..3).for_each(|number| peer.reply(number, "!no receiver"));
    settle().await;
    assert!(mux.end().is_none());
    assert_eq!(mux.counts().discarded, 3);
}

#[tokio::test(start_paused = true)]
async fn an_unexpected_reply_is_counted_delivered_or_fatal() {
    for how in [Unexpected::Count, Unexpected::Deliver, Unexpected::Fail] {
        let (mux, mut unsolicited, peer) = connect(Toy::<9>, Options::new().unexpected(how));
        let rest = async {
            assert_eq!(peer.sent_one().await.tag, 0);
            peer.reply(5, "to no call");
            settle().await;
            peer.reply(0, "no tag");
            settle().await;
            peer.reply(0, "a");
        };
        let (reply, ()) = tokio::join!(mux.call(ask("a")), rest);
        let expected = if how == Unexpected::Fail { 1 } else { 2 };
        assert_eq!(mux.counts().unexpected, expected, "{how:?}");
        match how {
            Unexpected::Fail => {
                assert!(matches!(end_of(&reply.unwrap_err()), CloseReason::Unexpected));
            }
            Unexpected::Count => assert!(reply.is_ok()),
            Unexpected::Deliver => {
                assert!(reply.is_ok());
                assert_eq!(unsolicited.recv().await.unwrap().text, "to no call");
                assert_eq!(unsolicited.recv().await.unwrap().text, "no tag");
            }
        }
    }
}

/// Always has a message, and answers each request.
struct Flood(Peer, u32);

impl Stream for Flood {
    type Item = io::Result<Frame>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.1 += 1;
        assert!(self.1 < 100_000, "no other task gets a turn");
        let reply = self.0.take_sent().pop();
        Poll::Ready(Some(Ok(reply.unwrap_or_else(|| frame(0, "!more")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_messages_keeps_neither_calls_nor_other_tasks_waiting() {
    let peer = Peer::default();
    let (sink, _) = peer.sides();
    let flood = Flood(peer.clone(), 0);
    let (mux, _unsolicited) = Mux::spawn(Toy::<9>, sink, flood, Options::new());
    for text in ["a", "b"] {
        assert_eq!(mux.call(ask(text)).await.unwrap().text, text);
        tokio::task::yield_now().await;
    }
}
