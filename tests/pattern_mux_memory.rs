//! A million dropped calls: no entry is left, and no memory.
//!
//! In a process of its own, whose memory nobody else takes.

#![cfg(feature = "pattern")]

use std::fs;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use pushdown::pattern::mux::dns::{self, Dns, Message};
use pushdown::pattern::mux::{Mux, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const CALLS: usize = 1_000_000;

/// How many bytes of this process are in memory.
fn resident() -> Option<usize> {
    let text = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? << 10)
}

/// Answers whatever it is asked.
async fn serve(mut stream: DuplexStream) {
    let mut bytes = vec![0; 64 << 10];
    let mut rest = Vec::new();
    loop {
        let count = stream.read(&mut bytes).await.unwrap();
        if count == 0 {
            return;
        }
        rest.extend_from_slice(&bytes[..count]);
        let whole = rest.len() / 14 * 14;
        for message in rest[..whole].chunks_mut(14) {
            message[4] |= 0x80;
        }
        stream.write_all(&rest[..whole]).await.unwrap();
        rest.drain(..whole);
    }
}

#[tokio::test]
async fn a_million_dropped_calls_leave_no_entry_and_no_memory() {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    tokio::spawn(serve(theirs));
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = dns::split(read, write);
    let (mux, _unsolicited) = Mux::spawn(Dns, sink, stream, &Options::new());
    let query = || Message::new(vec![0; 12]).unwrap();

    let drop_calls = async |count: usize| {
        for call in 0..count {
            let mut dropped = pin!(mux.call(query()));
            let mut poll =
                async || poll_fn(|cx| Poll::Ready(dropped.as_mut().poll(cx).is_pending())).await;
            assert!(poll().await);
            // Every other call is dropped before it is sent, and the others before they are answered.
            if call % 2 == 1 {
                tokio::task::yield_now().await;
                assert!(poll().await);
            }
        }
        while mux.counts().quarantined > 0 {
            tokio::task::yield_now().await;
        }
    };
    drop_calls(CALLS / 20).await;
    let before = resident();
    drop_calls(CALLS).await;
    let counts = mux.counts();
    assert_eq!((counts.waiting, counts.in_flight, counts.quarantined), (0, 0, 0));
    assert_eq!(counts.late as usize, CALLS / 2 + CALLS / 40);
    match before.zip(resident()) {
        Some((before, after)) => {
            let more = after.saturating_sub(before);
            assert!(more < 1 << 20, "{more} bytes more");
            println!("{CALLS} calls dropped, {more} bytes more, {} replies late", counts.late);
        }
        None => println!("skipped: the system does not tell how much memory is in use"),
    }
    let reply = mux.call(query()).await.unwrap();
    assert!(reply.is_response(), "the connection is alive");
}
