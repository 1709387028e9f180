//! Bytes to messages and back: every cut gives the same messages, down to single bytes, and hostile
//! bytes end the connection with a clear error before they cost memory.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_core::Stream;
use pushdown_patterns::mux::dns::{self, Dns};
use pushdown_patterns::mux::memcached::{self, InvalidRequest, Memcached, Reply, Request, Status};
use pushdown_patterns::mux::{CloseReason, Mux, Options};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::{end_of, settle};

/// Reads one piece at a time, each after a `Pending`, and then ends.
struct Pieces<'a> {
    pieces: Vec<&'a [u8]>,
    paused: bool,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.paused = !self.paused;
        if self.paused {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.pieces.is_empty() {
            room.put_slice(self.pieces.remove(0));
        }
        Poll::Ready(Ok(()))
    }
}

async fn all<M, E: ToString>(stream: impl Stream<Item = Result<M, E>>) -> (Vec<M>, Option<String>) {
    let mut stream = pin!(stream);
    let mut messages = Vec::new();
    loop {
        match std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            Some(Ok(message)) => messages.push(message),
            Some(Err(error)) => {
                let after = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await;
                assert!(after.is_none(), "the stream ends after an error");
                return (messages, Some(error.to_string()));
            }
            None => return (messages, None),
        }
    }
}

async fn memcached_replies(pieces: Vec<&[u8]>) -> (Vec<Reply>, Option<String>) {
    let read = Pieces { pieces, paused: false };
    all(memcached::split(read, tokio::io::sink(), 1 << 10).1).await
}

async fn dns_messages(pieces: Vec<&[u8]>) -> (Vec<Vec<u8>>, Option<String>) {
    let read = Pieces { pieces, paused: false };
    let (messages, error) = all(dns::split(read, tokio::io::sink()).1).await;
    (messages.into_iter().map(dns::Message::into_bytes).collect(), error)
}

/// Reads the bytes whole, cut in two at every byte, and byte by byte.
async fn every_cut<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    read: impl AsyncFn(Vec<&[u8]>) -> T,
) -> T {
    let whole = read(vec![bytes]).await;
    for cut in 1..bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(read(vec![left, right]).await, whole, "cut at {cut}");
    }
    assert_eq!(read(bytes.chunks(1).collect()).await, whole, "byte by byte");
    println!("{} cuts", bytes.len());
    whole
}

#[tokio::test]
async fn memcached_replies_are_the_same_however_they_are_cut() {
    let bytes = b"HD O0\r\nVA 5 t-1 O12 s5\r\na\r\nbc\r\nVA 0 O3\r\n\r\nEN O4\r\nNS O5\r\nEX O6\r\nNF O7\r\n\
        MN\r\nSERVER_ERROR object too large for cache\r\nHD\r\n";
    let (replies, error) = every_cut(bytes, memcached_replies).await;
    assert_eq!(error, None);
    let seen: Vec<_> = replies
        .iter()
        .map(|reply| {
            (reply.status, std::str::from_utf8(&reply.flags).unwrap(), reply.value.as_deref())
        })
        .collect();
    assert_eq!(
        seen,
        [
            (Status::Done, "", None),
            (Status::Value, "t-1 s5", Some(&b"a\r\nbc"[..])),
            (Status::Value, "", Some(&b""[..])),
            (Status::Miss, "", None),
            (Status::NotStored, "", None),
            (Status::Exists, "", None),
            (Status::NotFound, "", None),
            (Status::Noop, "", None),
            (Status::ServerError, "object too large for cache", None),
            (Status::Done, "", None),
        ]
    );
}

#[tokio::test]
async fn bad_memcached_replies_are_errors_at_the_same_byte_however_they_are_cut() {
    let long = [b"HD ".as_slice(), &[b'x'; 3000]].concat();
    for (bytes, expected) in [
        (&b"HD\r\nVA x O1\r\n"[..], "unexpected byte at offset 12"),
        (b"VA\r\n", "unexpected byte at offset 3"),
        (b"VA -1 O1\r\n", "unexpected byte at offset 9"),
        (b"VA 1025 O1\r\n", "value too long at offset 11"),
        (b"VA 99999999999999999999 O1\r\n", "unexpected byte at offset 27"),
        (b"VA 18446744073709551615 O1\r\n", "value too long at offset 27"),
        (b"VA 1 O1\r\nabc", "unexpected byte at offset 10"),
        (b"HTTP/1.1 400 Bad Request\r\n", "unexpected byte at offset 25"),
        (b"\r\n", "unexpected byte at offset 1"),
        (b"HD\n", "unexpected end of input at offset 3"),
        (b"HD O1\r", "unexpected end of input at offset 6"),
        (&long, "value too long at offset 2049"),
    ] {
        let (_, error) = every_cut(bytes, memcached_replies).await;
        assert_eq!(error.as_deref(), Some(expected), "{}", bytes.escape_ascii());
    }
}

#[tokio::test]
async fn dns_messages_are_the_same_however_they_are_cut() {
    let messages = [vec![1; 12], vec![2; 300], vec![3; 13]];
    let mut bytes = Vec::new();
    for message in &messages {
        bytes.extend_from_slice(&u16::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(message);
    }
    assert_eq!(every_cut(&bytes, dns_messages).await, (messages.to_vec(), None));
    let (_, error) = every_cut(b"\x00\x0b0123456789a", dns_messages).await;
    assert_eq!(error.as_deref(), Some("error 1 at offset 1"));
    let (_, error) = every_cut(b"\xff\xff0123456789ab", dns_messages).await;
    assert_eq!(error.as_deref(), Some("unexpected end of input at offset 14"));
}

#[tokio::test]
async fn an_error_of_the_reader_reaches_the_callers_unchanged() {
    struct Fails;
    impl AsyncRead for Fails {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }
    let (sink, stream) = dns::split(Fails, tokio::io::sink());
    let (mux, _unsolicited) = Mux::spawn(Dns, sink, stream, Options::new());
    let error = mux.call(dns::Message::new(vec![0; 12]).unwrap()).await.unwrap_err();
    let CloseReason::Receive(reason) = end_of(&error) else { panic!("{error}") };
    let pushdown::io::ReadError::Io(reason) = reason.downcast_ref().unwrap() else { panic!() };
    assert_eq!(reason.kind(), io::ErrorKind::ConnectionReset);
}

/// Writes one byte at a time, each after a `Pending`.
struct OneByOne<W>(W, bool);

impl<W: AsyncWrite + Unpin> AsyncWrite for OneByOne<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1 = !self.1;
        if self.1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll_write(cx, &bytes[..1])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn calls_survive_writes_of_one_byte_and_reads_of_one_byte() {
    let (ours, theirs) = tokio::io::duplex(1);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = memcached::split(read, OneByOne(write, false), 100);
    let (mux, _unsolicited) = Mux::spawn(Memcached::new(), sink, stream, Options::new());
    let server = async {
        let mut theirs = tokio::io::BufReader::new(theirs);
        for _ in 0..20 {
            let mut line = String::new();
            tokio::io::AsyncBufReadExt::read_line(&mut theirs, &mut line).await.unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let ["mg", key, "v", token] = words[..] else { panic!("{line}") };
            let reply = format!("VA {} {token}\r\n{key}\r\n", key.len());
            theirs.get_mut().write_all(reply.as_bytes()).await.unwrap();
        }
    };
    let calls = async {
        let calls = (0..20).map(|number| {
            let mux = mux.clone();
            tokio::spawn(async move {
                let reply = mux.call(Request::get(format!("key-{number}")).unwrap()).await.unwrap();
                assert_eq!(reply.value.unwrap(), format!("key-{number}").into_bytes());
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    };
    tokio::join!(server, calls);
}

#[tokio::test(start_paused = true)]
async fn queued_messages_share_one_write() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = dns::split(read, write);
    let (mux, _unsolicited) = Mux::spawn(Dns, sink, stream, Options::new());
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let mux = mux.clone();
            tokio::spawn(async move { mux.call(dns::Message::new(vec![0; 12]).unwrap()).await })
        })
        .collect();
    settle().await;
    let mut bytes = vec![0; 1 << 20];
    // One read of a duplex returns all bytes written so far.
    assert_eq!(theirs.read(&mut bytes).await.unwrap(), 100 * 14);
    drop(theirs);
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_token_answers_the_oldest_call() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 10);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = memcached::split(read, write, 100);
    let (mux, _unsolicited) = Mux::spawn(Memcached::new(), sink, stream, Options::new());
    let call = async |key: &str| mux.call(Request::get(key).unwrap()).await.unwrap();
    let server = async {
        settle().await;
        let replies = b"EN O0\r\nSERVER_ERROR out of memory\r\nHD O2\r\nMN\r\n";
        theirs.write_all(replies).await.unwrap();
    };
    let noop = mux.call(Request::noop());
    let (a, b, c, noop, ()) = tokio::join!(call("a"), call("b"), call("c"), noop, server);
    assert_eq!([a.status, b.status, c.status], [Status::Miss, Status::ServerError, Status::Done]);
    assert_eq!(b.flags, b"out of memory");
    assert_eq!(noop.unwrap().status, Status::Noop);
}

/// In each case the first reply belongs to no request that is due, so that no later one can be trusted.
#[tokio::test(start_paused = true)]
async fn a_memcached_reply_out_of_order_ends_the_connection_and_reaches_no_caller() {
    for reply in ["HD O1\r\nHD O0\r\n", "HD\r\n", "MN\r\n", "HD O7\r\n"] {
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let (read, write) = tokio::io::split(ours);
        let (sink, stream) = memcached::split(read, write, 100);
        let (mux, _unsolicited) = Mux::spawn(Memcached::new(), sink, stream, Options::new());
        let call = async || mux.call(Request::get("key").unwrap()).await.unwrap_err();
        let server = async {
            settle().await;
            theirs.write_all(reply.as_bytes()).await.unwrap();
        };
        let (a, b, ()) = tokio::join!(call(), call(), server);
        for error in [a, b] {
            assert!(matches!(end_of(&error), CloseReason::Violation), "{reply:?}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_memcached_that_answers_no_request_ends_the_connection() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 10);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = memcached::split(read, write, 100);
    let (mux, _unsolicited) = Mux::spawn(Memcached::new(), sink, stream, Options::new());
    theirs.write_all(b"ERROR Too many open connections\r\n").await.unwrap();
    assert!(matches!(mux.ended().await.end, CloseReason::Violation));
}

#[test]
fn a_request_that_would_break_the_protocol_is_refused() {
    for key in ["", " ", "a b", "a\r\nmn", "a\0", "\u{7f}", &"x".repeat(251)] {
        assert_eq!(Request::get(key).unwrap_err(), InvalidRequest::Key, "{key:?}");
        assert_eq!(Request::set(key, "").unwrap_err(), InvalidRequest::Key, "{key:?}");
    }
    for flag in ["", "O1", "q", "1", "*", "t 5", "T\r\n", "-"] {
        let request = Request::get("key").unwrap();
        assert_eq!(request.flag(flag).unwrap_err(), InvalidRequest::Flag, "{flag:?}");
    }
    for flag in ["T60", "t", &format!("F{}", "1".repeat(21))] {
        let request = Request::get("key").unwrap().flag("T1").unwrap().flag("t").unwrap();
        assert_eq!(request.flag(flag).unwrap_err(), InvalidRequest::Flag, "{flag:?}");
    }
    let set = Request::set("key", "mn\r\n").unwrap();
    let twelve = (b'a'..=b'l').try_fold(set, |request, flag| request.flag([flag])).unwrap();
    assert_eq!(twelve.flag("z").unwrap_err(), InvalidRequest::Flag);
    assert_eq!(Request::noop().flag("s").unwrap_err(), InvalidRequest::Flag);
    // The memory is not touched.
    let long = vec![0; memcached::MAX_SET + 1];
    assert_eq!(Request::set("key", long).unwrap_err(), InvalidRequest::Value);
    let key = "x".repeat(250);
    assert_eq!(Request::delete(&key).unwrap().to_string(), format!("md {key}"));
    assert_eq!(Request::arithmetic("n").unwrap().flag("D5").unwrap().to_string(), "ma n D5");
}
