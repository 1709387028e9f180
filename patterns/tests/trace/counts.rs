//! The counters.

use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::mux::{self, CallOptions, Mux, dns};
use pushdown_patterns::replicated::{Client, Hedge, Options};
use pushdown_patterns::schedule::{self, CallFailure, FailureKind, Lease, schedule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{settle, within};

#[test]
fn a_multiplexer_counts_calls_by_their_ends() {
    within(async || {
        let (ours, mut peer) = tokio::io::duplex(1024);
        let (read, write) = tokio::io::split(ours);
        let (sink, stream) = dns::split(read, write);
        let (mux, _unsolicited) = Mux::spawn(dns::Dns, sink, stream, mux::Options::new());
        let query = || dns::Message::new(vec![0; 12]).unwrap();
        let options = CallOptions::new().timeout(Duration::from_secs(1));
        assert!(mux.call_with(query(), options).await.is_err());
        let mut received = [0; 14];
        peer.read_exact(&mut received).await.unwrap();
        let call = tokio::spawn({
            let mux = mux.clone();
            async move { mux.call(query()).await.is_ok() }
        });
        peer.read_exact(&mut received).await.unwrap();
        received[4] = 0x80;
        peer.write_all(&received).await.unwrap();
        assert!(call.await.unwrap());
        let counts = mux.counts();
        assert_eq!((counts.accepted, counts.sent, counts.answered), (2, 2, 1));
        assert_eq!((counts.abandoned, counts.quarantined), (1, 1));
        // A call without a reply at the end is no caller who left.
        let call = tokio::spawn({
            let mux = mux.clone();
            async move { mux.call(query()).await.is_ok() }
        });
        settle().await;
        drop(peer);
        assert!(!call.await.unwrap());
        let counts = mux.counts();
        assert_eq!((counts.accepted, counts.sent, counts.abandoned), (3, 3, 1));
    });
}

#[test]
fn a_client_counts_calls_by_their_ends() {
    within(async || {
        let call = async |server: std::sync::Arc<u8>, task: &str| match task {
            "fails" => Err(()),
            "hangs" => std::future::pending().await,
            _ if *server == 0 => std::future::pending().await,
            _ => Ok(()),
        };
        let hedge = Hedge::After(Duration::from_millis(10));
        let options = Options::new().hedge(hedge).timeout(Duration::from_secs(1));
        let client = Client::new([0, 1], call, options).unwrap();
        assert!(client.call("works").await.is_ok());
        assert!(client.call("fails").await.is_err());
        assert!(client.call("hangs").await.is_err());
        let [cancelled, aborted] = [(); 2].map(|()| {
            let client = client.clone();
            tokio::spawn(async move { client.call("hangs").await.is_ok() })
        });
        settle().await;
        cancelled.abort();
        settle().await;
        client.shutdown(Shutdown::Abort).await;
        assert!(!aborted.await.unwrap());
        let stats = client.stats();
        let ended = stats.ended;
        assert_eq!((ended.replied, ended.failed, ended.timed_out), (1, 1, 1));
        assert_eq!((ended.cancelled, ended.aborted, stats.calls), (1, 1, 5));
        assert_eq!((stats.hedges, stats.hedges_won, stats.moves), (2, 1, 1));
    });
}

#[test]
fn a_run_counts_servers_and_timeouts() {
    within(async || {
        let call = async |server: Lease<u8>, _: u8| match *server {
            0 => std::future::pending().await,
            1 => Err(CallFailure::server_dead(())),
            _ => Ok(()),
        };
        let options = schedule::Options::default();
        let options = options.timeout(Duration::from_secs(1)).timed_out(FailureKind::ServerDead);
        let run = schedule(vec![0, 1, 2], 0..9, call, options);
        let watch = run.watch();
        assert!(run.await.is_ok());
        let now = watch.now();
        assert_eq!((now.joined, now.lost, now.timeouts, now.failures), (3, 2, 1, 2));
    });
}
