//! Two protocols that need more than tags, reduced to what they need: 9P, in which a call is cancelled
//! by another call, and JSON-RPC 2.0, in which both sides call.

use std::collections::BTreeMap;
use std::time::Duration;

use pushdown_patterns::mux::{CallOptions, CloseReason, Mux, Options, Protocol, Role, Unsolicited};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

use crate::wire::{Frame, ask, connect, frame};
use crate::{SECOND, poll_times, settle};

/// 9P: `Tflush oldtag` has a tag of its own, and only `Rflush` frees the old one.
struct NineP<const TAGS: u64>;

impl<const TAGS: u64> Protocol for NineP<TAGS> {
    type Tag = u64;
    type Request = Frame;
    type Reply = Frame;

    const CANCEL_IS_CALL: bool = true;

    fn tag(number: u64) -> Option<u64> {
        (number < TAGS).then_some(number)
    }

    fn set_tag(&self, request: &mut Frame, tag: &u64) {
        request.tag = *tag;
    }

    fn read_tag(&self, reply: &Frame) -> Option<u64> {
        Some(reply.tag)
    }

    fn cancel(&self, tag: &u64) -> Option<Frame> {
        (*tag != 7).then(|| ask(format!("Tflush {tag}")))
    }

    fn late(&self, tag: &u64, reply: Frame) -> Option<Frame> {
        assert_eq!(*tag, reply.tag);
        (reply.text == "Rwalk").then(|| ask("Tclunk"))
    }
}

#[tokio::test(start_paused = true)]
async fn in_9p_only_the_reply_to_a_flush_frees_the_flushed_tag() {
    let (mux, _unsolicited, peer) = connect(NineP::<2>, Options::new());
    assert!(poll_times(2, mux.call(ask("Tread"))).await.is_none());
    assert_eq!(peer.sent().await, [frame(0, "Tread"), frame(1, "Tflush 0")]);
    let rest = async {
        assert_eq!(peer.sent().await, [], "both tags are in use");
        // A reply from before the flush arrived frees nothing.
        peer.reply(0, "Rread");
        assert_eq!(peer.sent().await, []);
        assert_eq!((mux.counts().quarantined, mux.counts().late), (1, 1));
        peer.reply(1, "Rflush");
        assert_eq!(peer.sent_one().await, frame(0, "Twrite"));
        assert_eq!((mux.counts().quarantined, mux.counts().late), (0, 1));
        peer.reply(0, "Rwrite");
    };
    let (reply, ()) = tokio::join!(mux.call(ask("Twrite")), rest);
    assert_eq!(reply.unwrap().text, "Rwrite");
}

#[tokio::test(start_paused = true)]
async fn in_9p_a_flush_waits_for_a_tag_and_goes_ahead_of_calls() {
    let (mux, _unsolicited, peer) = connect(NineP::<2>, Options::new());
    let a = async { poll_times(3, mux.call(ask("a"))).await };
    let rest = async {
        assert_eq!(peer.sent().await, [frame(0, "a"), frame(1, "b")]);
        while mux.counts().quarantined == 0 {
            settle().await;
        }
        assert_eq!(peer.sent().await, [], "there is no tag for the flush");
        peer.reply(1, "b");
        assert_eq!(peer.sent_one().await, frame(1, "Tflush 0"));
        peer.reply(1, "Rflush");
        assert_eq!(peer.sent_one().await, frame(0, "c"));
        peer.reply(0, "c");
    };
    let (a, b, c, ()) = tokio::join!(a, mux.call(ask("b")), mux.call(ask("c")), rest);
    assert!(a.is_none() && b.is_ok());
    assert_eq!(c.unwrap().text, "c");
}

#[tokio::test(start_paused = true)]
async fn in_9p_a_late_or_second_reply_to_a_flush_is_harmless() {
    let options = Options::new().quarantine_age(SECOND);
    let (mux, _unsolicited, peer) = connect(NineP::<3>, options);
    assert!(poll_times(2, mux.call(ask("a"))).await.is_none());
    assert_eq!(peer.sent().await, [frame(0, "a"), frame(1, "Tflush 0")]);
    tokio::time::advance(2 * SECOND).await;
    let answering = async {
        let request = peer.sent_one().await;
        assert_eq!(request, frame(2, "b"));
        peer.reply(1, "Rflush");
        peer.reply(1, "Rflush");
        peer.reply(2, "b");
    };
    assert!(tokio::join!(mux.call(ask("b")), answering).0.is_ok());
    settle().await;
    assert_eq!((mux.counts().quarantined, mux.counts().unexpected), (0, 2));
}

/// The flush was sent later than a call was dropped that comes of age later.
#[tokio::test(start_paused = true)]
async fn in_9p_a_flush_comes_of_age_with_the_call_it_flushes() {
    let (mux, _unsolicited, peer) = connect(NineP::<3>, Options::new().quarantine_age(SECOND));
    assert!(poll_times(1, mux.call(ask("a"))).await.is_none());
    peer.block();
    assert!(poll_times(1, mux.call(ask("not sent"))).await.is_none());
    tokio::time::advance(SECOND / 2).await;
    peer.unblock();
    assert!(poll_times(1, mux.call(ask("b"))).await.is_none());
    assert_eq!(peer.sent().await, [frame(0, "a"), frame(1, "Tflush 0"), frame(2, "b")]);
    assert_eq!(mux.counts().quarantined, 2);
    tokio::time::advance(SECOND / 2).await;
    assert_eq!(mux.counts().quarantined, 1);
    assert!(poll_times(1, mux.call_with(ask("c"), CallOptions::new().tag(1))).await.is_none());
    assert_eq!(peer.sent().await, [frame(0, "Tflush 2"), frame(1, "c")]);
}

#[tokio::test(start_paused = true)]
async fn in_9p_a_walk_that_was_flushed_too_late_is_undone_once() {
    let (mux, mut unsolicited, peer) = connect(NineP::<3>, Options::new());
    assert!(poll_times(2, mux.call(ask("Twalk"))).await.is_none());
    assert_eq!(peer.sent().await, [frame(0, "Twalk"), frame(1, "Tflush 0")]);
    peer.reply(0, "Rwalk");
    assert_eq!(peer.sent().await, [frame(2, "Tclunk")]);
    peer.reply(0, "Rwalk");
    assert_eq!(peer.sent().await, []);
    assert_eq!((mux.counts().late, mux.counts().unexpected), (1, 1));
    // The clunk has a tag until its reply, which reaches nobody.
    assert!(mux.call_with(ask("Tread"), CallOptions::new().tag(2)).await.is_err());
    peer.reply(2, "Rclunk");
    peer.reply(1, "Rflush");
    settle().await;
    let counts = mux.counts();
    assert_eq!((counts.quarantined, counts.late, counts.unexpected), (0, 1, 1));
    assert!(poll_times(1, unsolicited.recv()).await.is_none());
    assert!(matches!(mux.close().await.end, CloseReason::Drained));
}

#[tokio::test(start_paused = true)]
async fn in_9p_a_flush_that_waits_for_a_tag_until_the_reply_comes_is_not_sent() {
    let (mux, _unsolicited, peer) = connect(NineP::<1>, Options::new());
    assert!(poll_times(2, mux.call(ask("a"))).await.is_none());
    assert_eq!(peer.sent().await, [frame(0, "a")]);
    peer.reply(0, "a");
    let answering = async {
        assert_eq!(peer.sent_one().await, frame(0, "b"));
        peer.reply(0, "b");
    };
    assert!(tokio::join!(mux.call(ask("b")), answering).0.is_ok());
    assert_eq!((mux.counts().late, mux.counts().quarantined), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_cancelled_needs_no_second_tag() {
    let (mux, _unsolicited, peer) = connect(NineP::<9>, Options::new());
    let seven = CallOptions::new().tag(7);
    assert!(poll_times(3, mux.call_with(ask("Tauth"), seven)).await.is_none());
    assert_eq!(peer.sent().await, [frame(7, "Tauth")]);
    assert_eq!(mux.counts().quarantined, 1);
    peer.reply(7, "Rauth");
    settle().await;
    assert_eq!(mux.counts().quarantined, 0);
}

/// JSON-RPC 2.0: ids are numbers or strings, and a cancelled call may get no reply.
struct JsonRpc;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Number(u64),
    Text(String),
}

impl Protocol for JsonRpc {
    type Tag = Id;
    type Request = Value;
    type Reply = Value;

    fn tag(number: u64) -> Option<Id> {
        Some(Id::Number(number))
    }

    fn set_tag(&self, request: &mut Value, tag: &Id) {
        request["id"] = match tag {
            Id::Number(number) => json!(number),
            Id::Text(text) => json!(text),
        };
    }

    fn read_tag(&self, reply: &Value) -> Option<Id> {
        let id = &reply["id"];
        id.as_u64().map(Id::Number).or_else(|| id.as_str().map(|text| Id::Text(text.to_owned())))
    }

    /// A message with a method is a request or notification of the peer.
    fn role(&self, message: &Value) -> Role {
        if message.get("method").is_none() { Role::Reply } else { Role::Unsolicited }
    }

    fn cancel(&self, tag: &Id) -> Option<Value> {
        let mut message = json!({ "method": "cancel", "params": {} });
        self.set_tag(&mut message["params"], tag);
        Some(message)
    }
}

mod lines {
    //! One message per line, as over stdio.

    use pushdown::engine::stackless::{Input, Parser};
    use pushdown::io::framed::{Reader, Writer};
    use pushdown::{ErrorKind, Failure};

    use super::*;

    async fn line(input: &mut Input<'_>) -> Result<Value, Failure> {
        let mut line = Vec::new();
        input.scan_until(b'\n', |piece| line.extend_from_slice(piece)).await?;
        serde_json::from_slice(&line).map_err(|_| input.fail(ErrorKind::UnexpectedByte))
    }

    pub(super) fn connect(options: Options) -> (Mux<JsonRpc>, Unsolicited<JsonRpc>, Server) {
        let (ours, theirs) = tokio::io::duplex(1 << 10);
        let (mux, unsolicited) = spawn(ours, options);
        (mux, unsolicited, Server(BufReader::new(theirs)))
    }

    pub(super) fn spawn(
        ours: DuplexStream,
        options: Options,
    ) -> (Mux<JsonRpc>, Unsolicited<JsonRpc>) {
        let (read, write) = tokio::io::split(ours);
        let stream = Reader::new(read, Parser::new(line));
        let sink = Writer::new(write, |message: Value, bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(message.to_string().as_bytes());
            bytes.push(b'\n');
        });
        Mux::spawn(JsonRpc, sink, stream, options)
    }

    pub(super) struct Server(BufReader<DuplexStream>);

    impl Server {
        pub(super) async fn receive(&mut self) -> Value {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            serde_json::from_str(&line).unwrap()
        }

        pub(super) async fn send(&mut self, message: Value) {
            self.0.write_all(format!("{message}\n").as_bytes()).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_json_rpc_ids_are_numbers_or_strings() {
    let (mux, _unsolicited, mut server) = lines::connect(Options::new());
    let named = CallOptions::new().tag(Id::Text("0".to_owned()));
    let calls = async {
        let numbered = mux.call(json!({ "method": "number" }));
        tokio::join!(numbered, mux.call_with(json!({ "method": "text" }), named))
    };
    let serving = async {
        let mut replies = BTreeMap::new();
        for _ in 0..2 {
            let request = server.receive().await;
            replies.insert(request["method"].to_string(), request["id"].clone());
        }
        assert_eq!(replies.values().collect::<Vec<_>>(), [&json!(0), &json!("0")]);
        for (method, id) in replies.into_iter().rev() {
            server.send(json!({ "id": id, "result": method })).await;
        }
    };
    let ((number, text), ()) = tokio::join!(calls, serving);
    assert_eq!(number.unwrap()["result"], "\"number\"");
    assert_eq!(text.unwrap()["result"], "\"text\"");
}

#[tokio::test(start_paused = true)]
async fn in_json_rpc_the_server_can_call_and_notify() {
    let (mux, mut unsolicited, mut server) = lines::connect(Options::new());
    let client = async {
        let request = unsolicited.recv().await.unwrap();
        assert_eq!((&request["id"], &request["method"]), (&json!(0), &json!("ask")));
        mux.answer(json!({ "id": request["id"], "result": "answer" })).await.unwrap();
        assert_eq!(unsolicited.recv().await.unwrap()["method"], "news");
    };
    let serving = async {
        let request = server.receive().await;
        // The id of the client's own call: each side numbers its calls separately.
        server.send(json!({ "id": 0, "method": "ask" })).await;
        assert_eq!(server.receive().await, json!({ "id": 0, "result": "answer" }));
        server.send(json!({ "method": "news" })).await;
        server.send(json!({ "id": request["id"], "result": 5 })).await;
    };
    let (reply, (), ()) = tokio::join!(mux.call(json!({ "method": "add" })), client, serving);
    assert_eq!(reply.unwrap()["result"], 5);
}

#[tokio::test(start_paused = true)]
async fn in_json_rpc_the_ids_of_unanswered_cancelled_calls_come_of_age() {
    let options = Options::new().quarantine_age(SECOND).quarantine(crate::count(4));
    let (mux, _unsolicited, mut server) = lines::connect(options);
    for round in 0..20 {
        let start = tokio::time::Instant::now();
        let dropping = async {
            // With a full quarantine the call waits until an id comes of age.
            let timeout = CallOptions::new().timeout(2 * SECOND);
            let call = mux.call_with(json!({ "method": "slow" }), timeout);
            poll_times(2 + 1500, call).await
        };
        let serving = async {
            assert_eq!(server.receive().await["id"], round);
            if round % 2 == 0 {
                server.send(json!({ "id": round, "result": "crossed" })).await;
            }
        };
        let (reply, ()) = tokio::join!(dropping, serving);
        if round % 2 == 0 {
            assert_eq!(reply.unwrap().unwrap()["result"], "crossed");
        } else {
            assert!(reply.is_none());
            assert_eq!(
                server.receive().await,
                json!({ "method": "cancel", "params": { "id": round } })
            );
            // Paused time, so this depends on the timers alone.
            assert!(start.elapsed() < Duration::from_secs(3));
        }
    }
    assert!(mux.counts().quarantined <= 4);
    assert_eq!(mux.counts().waiting, 0);
}

/// Each side has one call in flight and others that wait, and answers a call only after it has called
/// back: an answer behind the calls would wait for the other side, which waits for it.
#[tokio::test(start_paused = true)]
async fn in_json_rpc_two_sides_that_call_each_other_do_not_wait_in_a_circle() {
    const CALLS: usize = 12;
    let (a, b) = tokio::io::duplex(64);
    let side = |half| {
        let (mux, mut unsolicited) = lines::spawn(half, Options::new().in_flight(crate::count(1)));
        let answering = mux.clone();
        tokio::spawn(async move {
            while let Some(request) = unsolicited.recv().await {
                let answer = json!({ "id": request["id"], "result": request["method"] });
                answering.answer(answer).await.unwrap();
            }
        });
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..CALLS {
            let mux = mux.clone();
            calls.spawn(async move {
                let reply = mux.call(json!({ "method": number.to_string() })).await.unwrap();
                assert_eq!(reply["result"], number.to_string());
            });
        }
        (mux, calls)
    };
    let ((a, a_calls), (b, b_calls)) = (side(a), side(b));
    let calls = async { tokio::join!(a_calls.join_all(), b_calls.join_all()) };
    tokio::time::timeout(60 * SECOND, calls).await.expect("no call hangs");
    drop((a, b));
}
