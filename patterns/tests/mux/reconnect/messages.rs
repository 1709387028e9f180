//! Messages that answer no call, over several connections.

use super::*;
use crate::wire::frame;
use crate::{poll_times, settle};

fn news(text: &str) -> Option<Item<Frame>> {
    Some(Item::Message(frame(0, text)))
}

#[tokio::test(start_paused = true)]
async fn a_gap_marks_where_a_connection_was_replaced() {
    let server = Server::new(&[]);
    let (client, mut messages) = server.client(options());
    settle().await;
    server.peer(0).reply(0, "!a");
    server.peer(0).reply(0, "!b");
    assert_eq!(messages.recv().await, news("!a"));
    settle().await;
    server.peer(0).hang_up();
    // The connection has ended, and its message is still there. No mark before there is another one.
    settle().await;
    assert_eq!(messages.recv().await, news("!b"));
    assert_eq!(poll_times(1, messages.recv()).await, None);
    after_the_delay().await;
    assert_eq!(messages.recv().await, Some(Item::Gap));
    server.peer(1).reply(0, "!c");
    assert_eq!(messages.recv().await, news("!c"));
    server.peer(1).reply(0, "!d");
    settle().await;
    drop(client);
    assert_eq!(messages.recv().await, news("!d"));
    assert_eq!(messages.recv().await, None);
    assert_eq!(messages.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn messages_of_many_connections_are_kept_and_no_more() {
    let server = Server::new(&[]);
    let (client, mut messages) = server.client(options());
    for index in 0..20 {
        settle().await;
        server.peer(index).reply(0, format!("!{index}"));
        settle().await;
        server.peer(index).hang_up();
        after_the_delay().await;
    }
    drop(client);
    settle().await;
    // The last connection is the 21st, without messages.
    for index in 5..20 {
        assert_eq!(messages.recv().await, news(&format!("!{index}")));
        assert_eq!(messages.recv().await, Some(Item::Gap));
    }
    assert_eq!(messages.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn without_a_receiver_messages_are_dropped() {
    let server = Server::new(&[]);
    let (client, messages) = server.client(options());
    settle().await;
    drop(messages);
    for index in 0..3 {
        server.peer(index).reply(0, "!news");
        settle().await;
        assert_eq!(client.connection().unwrap().counts().discarded, 1);
        server.peer(index).hang_up();
        after_the_delay().await;
    }
}
