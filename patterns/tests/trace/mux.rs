//! The events of a multiplexer.

use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::mux::{self, CallOptions, Mux, Unsolicited, dns};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};

use crate::capture::{Hooked, hook, take};
use crate::{SECRET, settle, within};

pub(crate) fn run() {
    calls_that_come_to_nothing_and_replies_without_a_caller();
    an_end_that_was_not_asked_for_is_a_warning();
}

/// A message of this id. With `reply` it is a reply.
fn message(id: u8, reply: bool) -> Vec<u8> {
    let mut message =
        vec![0, 12 + SECRET.len() as u8, 0, id, u8::from(reply) << 7, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend(SECRET.as_bytes());
    message
}

fn query() -> dns::Message {
    dns::Message::new(message(0, false)[2..].to_vec()).unwrap()
}

fn connect(name: &'static str) -> (Mux<dns::Dns>, Unsolicited<dns::Dns>, DuplexStream, Hooked) {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = dns::split(read, write);
    let options = mux::Options::new().name(name).in_flight(NonZeroUsize::MIN);
    let (mux, unsolicited) = Mux::spawn(dns::Dns, sink, stream, options);
    let handle = mux.clone();
    let hooked = hook(name, move || {
        let _ = (handle.counts(), handle.end(), handle.clone());
    });
    (mux, unsolicited, theirs, hooked)
}

#[test]
fn calls_that_come_to_nothing_and_replies_without_a_caller() {
    within(async || {
        let (mux, unsolicited, mut peer, hooked) = connect("calls");
        let soon = || CallOptions::new().timeout(Duration::from_secs(1));
        let (sent, unsent) =
            tokio::join!(biased; mux.call_with(query(), soon()), mux.call_with(query(), soon()));
        assert!(sent.is_err() && unsent.is_err());
        let abandoned = ["DEBUG call abandoned sent=true", "DEBUG call abandoned sent=false"];
        assert_eq!(take("calls"), abandoned);

        let tag = {
            let mut received = [0; 20];
            peer.read_exact(&mut received).await.unwrap();
            received[3]
        };
        peer.write_all(&message(tag, true)).await.unwrap();
        settle().await;
        assert_eq!(take("calls"), ["DEBUG late reply"]);
        peer.write_all(&message(tag, true)).await.unwrap();
        settle().await;
        assert_eq!(take("calls"), ["DEBUG unexpected reply"]);
        drop(unsolicited);
        peer.write_all(&message(9, false)).await.unwrap();
        settle().await;
        assert_eq!(take("calls"), ["DEBUG message discarded"]);

        let counts = mux.counts();
        assert_eq!((counts.late, counts.unexpected, counts.discarded), (1, 1, 1));
        mux.shutdown(Shutdown::Drain { timeout: Duration::from_secs(1) }).await;
        let ended = [
            "INFO shutdown begun how=\"drain\"",
            "INFO connection closed reason=\"drained\" unfinished=0",
        ];
        assert_eq!(take("calls"), ended);
        drop(hooked);
    });
}

/// A stream whose connection is reset.
struct Reset;

impl AsyncRead for Reset {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, SECRET)))
    }
}

#[test]
fn an_end_that_was_not_asked_for_is_a_warning() {
    within(async || {
        let (mux, _unsolicited, peer, hooked) = connect("closed");
        let call = tokio::spawn({
            let mux = mux.clone();
            async move { mux.call(query()).await.is_ok() }
        });
        settle().await;
        drop(peer);
        assert!(!call.await.unwrap());
        let lost = "WARN connection lost reason=\"closed by the peer\" unfinished=1";
        assert_eq!(take("closed"), [lost]);
        drop(hooked);

        let (sink, stream) = dns::split(Reset, tokio::io::sink());
        let options = mux::Options::new().name("reset");
        let (mux, _unsolicited) = Mux::spawn(dns::Dns, sink, stream, options);
        mux.ended().await;
        let reset = "reason=\"receiving failed\" error=\"connection reset\" unfinished=0";
        assert_eq!(take("reset"), [format!("WARN connection lost {reset}")]);

        let (mux, _unsolicited, _peer, hooked) = connect("aborted");
        mux.shutdown(Shutdown::Abort).await;
        let ended = [
            "INFO shutdown begun how=\"abort\"",
            "INFO connection closed reason=\"aborted\" unfinished=0",
        ];
        assert_eq!(take("aborted"), ended);
        drop(hooked);
    });
}
