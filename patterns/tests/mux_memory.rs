//! A million dropped calls leave no entry and no memory behind.
//!
//! A test binary of its own, so that no other test adds to the memory of the process.

use std::fs;
use std::future::poll_fn;
use std::task::Poll;

use pushdown_patterns::mux::dns::{self, Dns, Message};
use pushdown_patterns::mux::{Mux, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CALLS: usize = 1_000_000;
const BATCH: usize = 1_000;

/// The resident memory of this process, in bytes.
fn resident() -> Option<usize> {
    let text = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? << 10)
}

#[tokio::test]
async fn a_million_dropped_calls_leave_no_entry_and_no_memory() {
    let (ours, mut theirs) = tokio::io::duplex(64 << 10);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = dns::split(read, write);
    let (mux, _unsolicited) = Mux::spawn(Dns, sink, stream, Options::new());
    let query = || Message::new(vec![0; 12]).unwrap();

    let mut drop_calls = async |count: usize| {
        for _ in 0..count / BATCH {
            let mut calls: Vec<_> = (0..BATCH).map(|_| Box::pin(mux.call(query()))).collect();
            for call in &mut calls {
                assert!(poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
            }
            // Half are dropped before they are sent, the others before they are answered.
            calls.truncate(BATCH / 2);
            let mut messages = vec![0; BATCH / 2 * 14];
            theirs.read_exact(&mut messages).await.unwrap();
            drop(calls);
            assert_eq!(mux.counts().quarantined, BATCH / 2);
            messages.chunks_mut(14).for_each(|message| message[4] |= 0x80);
            theirs.write_all(&messages).await.unwrap();
            while mux.counts().quarantined > 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    drop_calls(CALLS / 20).await;
    let before = resident();
    drop_calls(CALLS).await;
    let counts = mux.counts();
    assert_eq!((counts.waiting, counts.in_flight), (0, 0));
    assert_eq!((counts.unclaimed, counts.quarantined), (0, 0));
    assert_eq!(counts.late, (CALLS / 2 + CALLS / 40) as u64);
    match before.zip(resident()) {
        Some((before, after)) => {
            let more = after.saturating_sub(before);
            assert!(more < 1 << 20, "{more} more bytes");
            println!("{CALLS} calls dropped, {more} more bytes, {} late replies", counts.late);
        }
        None => println!("skipped: this system does not report resident memory"),
    }
    let answering = async {
        let mut message = [0; 14];
        theirs.read_exact(&mut message).await.unwrap();
        message[4] |= 0x80;
        theirs.write_all(&message).await.unwrap();
    };
    let (reply, ()) = tokio::join!(mux.call(query()), answering);
    assert!(reply.unwrap().is_response(), "the connection is alive");
}
