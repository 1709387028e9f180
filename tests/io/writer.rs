//! The sink of messages: what is written when, over a writer that does what a script says.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;
use pushdown::io::framed::Writer;
use tokio::io::AsyncWrite;

use crate::drivers::until_ready;
use crate::source::poll_once;

/// The answer of the writer when it is given bytes. After the last one it takes all.
#[derive(Clone, Debug)]
enum Step {
    /// It takes so many at most.
    Take(usize),
    /// It is not ready, and wakes the task at once.
    Pending,
    Fail(ErrorKind),
}

#[derive(Debug, Default)]
struct Target {
    steps: VecDeque<Step>,
    written: Vec<u8>,
    calls: usize,
    flushed: usize,
    shut: usize,
}

impl AsyncWrite for Target {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.calls += 1;
        let count = match this.steps.pop_front() {
            Some(Step::Take(count)) => count.min(bytes.len()),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Step::Fail(kind)) => return Poll::Ready(Err(kind.into())),
            None => bytes.len(),
        };
        this.written.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().flushed += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().shut += 1;
        Poll::Ready(Ok(()))
    }
}

fn encode(message: &[u8], buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(message);
}

type Sent<'t> = Writer<&'t mut Target, fn(&[u8], &mut Vec<u8>)>;

fn writer(target: &mut Target) -> Sent<'_> {
    Writer::new(target, encode)
}

fn ready(sink: &mut Sent<'_>) -> Poll<io::Result<()>> {
    poll_once(|cx| Pin::new(&mut *sink).poll_ready(cx))
}

fn send(sink: &mut Sent<'_>, message: &[u8]) {
    until_ready(|| ready(sink)).unwrap();
    Pin::new(sink).start_send(message).unwrap();
}

fn flush(sink: &mut Sent<'_>) -> io::Result<()> {
    until_ready(|| poll_once(|cx| Pin::new(&mut *sink).poll_flush(cx)))
}

fn close(sink: &mut Sent<'_>) -> io::Result<()> {
    until_ready(|| poll_once(|cx| Pin::new(&mut *sink).poll_close(cx)))
}

#[test]
fn messages_are_written_when_the_sink_is_flushed_in_one_call() {
    let mut target = Target::default();
    let mut sink = writer(&mut target);
    for message in [&b"one"[..], b"", b"two"] {
        send(&mut sink, message);
    }
    assert_eq!(format!("{sink:?}"), "Writer { unwritten: 6, .. }");
    flush(&mut sink).unwrap();
    assert_eq!(format!("{sink:?}"), "Writer { unwritten: 0, .. }");
    send(&mut sink, b"three");
    flush(&mut sink).unwrap();
    flush(&mut sink).unwrap();
    drop(sink);
    assert_eq!((&target.written[..], target.calls), (&b"onetwothree"[..], 2));
    assert_eq!((target.flushed, target.shut), (3, 0), "the writer has buffers of its own");
}

#[test]
fn a_sink_that_is_closed_writes_and_then_shuts_the_writer() {
    let mut target = Target { steps: [Step::Take(1), Step::Pending].into(), ..Target::default() };
    let mut sink = writer(&mut target);
    send(&mut sink, b"last");
    close(&mut sink).unwrap();
    drop(sink);
    assert_eq!((&target.written[..], target.calls), (&b"last"[..], 3));
    assert_eq!((target.flushed, target.shut), (0, 1));
}

/// For every script, all bytes are written once, in order, and each error of the writer is returned once.
#[test]
fn a_writer_may_take_parts_wait_and_fail() {
    use Step::{Fail, Pending, Take};
    let steps = [Take(1), Pending, Fail(ErrorKind::Interrupted), Fail(ErrorKind::BrokenPipe)];
    let mut runs = 0;
    for number in 0..4_usize.pow(5) {
        let script: Vec<_> =
            (0..5).map(|digit| steps[number / 4_usize.pow(digit) % 4].clone()).collect();
        let mut target = Target { steps: script.clone().into(), ..Target::default() };
        let (mut sink, mut failures, mut pending) = (writer(&mut target), 0, 0);
        for message in [&b"abc"[..], b"defg"] {
            send(&mut sink, message);
            loop {
                match poll_once(|cx| Pin::new(&mut sink).poll_flush(cx)) {
                    Poll::Ready(Ok(())) => break,
                    Poll::Ready(Err(error)) => {
                        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{script:?}");
                        failures += 1;
                    }
                    Poll::Pending => pending += 1,
                }
            }
        }
        drop(sink);
        assert_eq!(target.written, b"abcdefg", "{script:?}");
        let count = |wanted: fn(&Step) -> bool| {
            script.iter().take(5 - target.steps.len()).filter(|&step| wanted(step)).count()
        };
        assert_eq!(pending, count(|step| matches!(step, Pending)), "{script:?}");
        let failed = count(|step| matches!(step, Fail(ErrorKind::BrokenPipe)));
        assert_eq!(failures, failed, "{script:?}");
        runs += 1;
    }
    println!("{runs} scripts");
    assert_eq!(runs, 1024);
}

#[test]
fn a_writer_that_takes_nothing_is_an_error() {
    let mut target = Target { steps: [Step::Take(2), Step::Take(0)].into(), ..Target::default() };
    let mut sink = writer(&mut target);
    send(&mut sink, b"abc");
    assert_eq!(flush(&mut sink).unwrap_err().kind(), ErrorKind::WriteZero);
    assert_eq!(format!("{sink:?}"), "Writer { unwritten: 1, .. }");
    flush(&mut sink).unwrap();
    drop(sink);
    assert_eq!(target.written, b"abc");
}

/// `BUFFER` of the sink.
const FULL: usize = 64 << 10;

#[test]
fn a_full_buffer_is_written_before_another_message_is_taken() {
    for (length, is_full) in [(FULL - 1, false), (FULL, true), (FULL + 1, true)] {
        let mut target =
            Target { steps: [Step::Pending, Step::Take(9)].into(), ..Target::default() };
        let mut sink = writer(&mut target);
        send(&mut sink, &vec![b'a'; length]);
        assert_eq!(ready(&mut sink).is_pending(), is_full, "{length}");
        assert!(ready(&mut sink).is_ready());
        assert_eq!(format!("{sink:?}").contains("unwritten: 0"), is_full, "{length}");
        send(&mut sink, b"b");
        flush(&mut sink).unwrap();
        drop(sink);
        assert_eq!(target.written.len(), length + 1);
        assert!(target.written.ends_with(b"ab"));
    }
}

#[test]
fn a_large_message_leaves_the_memory_of_two_buffers() {
    let mut target = Target { written: Vec::with_capacity(32 * FULL), ..Target::default() };
    let mut sink = writer(&mut target);
    let mut send_flushed = |length: usize| {
        let message = vec![b'a'; length];
        allocation_counter::measure(|| {
            send(&mut sink, &message);
            flush(&mut sink).unwrap();
        })
    };
    send_flushed(2 * FULL);
    assert!(send_flushed(2 * FULL).bytes_max < FULL as u64, "the buffer is used again");
    let large = send_flushed(16 * FULL);
    assert!(large.bytes_max >= 14 * FULL as u64);
    assert!(large.bytes_current < FULL as i64, "the memory of a large message is given back");
}
