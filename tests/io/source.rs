//! A source of bytes that does what a script says, as every kind of source there is.

use std::collections::VecDeque;
use std::io::{self, BufRead, ErrorKind, Read};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures_core::Stream;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

/// The answer of the source when it is asked for bytes.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Chunk(Vec<u8>),
    /// It is not ready, and wakes the task at once.
    Pending,
    Interrupted,
    Fail,
}

/// The steps, and then the end of the input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    steps: VecDeque<Step>,
    /// The rest of the last chunk.
    chunk: Vec<u8>,
    /// Number of times that it was asked for bytes.
    pub(crate) asked: Arc<AtomicUsize>,
    /// Numbers of errors that it gave.
    pub(crate) failures: usize,
    pub(crate) interruptions: usize,
}

impl Source {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }

    /// The bytes that were not taken.
    pub(crate) fn rest(&self) -> Vec<u8> {
        let mut rest = self.chunk.clone();
        for step in &self.steps {
            if let Step::Chunk(bytes) = step {
                rest.extend_from_slice(bytes);
            }
        }
        rest
    }

    /// Takes back bytes that were taken and not used.
    pub(crate) fn put_back(&mut self, bytes: &[u8]) {
        self.chunk.splice(..0, bytes.iter().copied());
    }

    /// The next chunk. A source that blocks, which has no context, waits until it is ready.
    fn poll_chunk(&mut self, cx: Option<&Context<'_>>) -> Poll<Option<io::Result<Vec<u8>>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        loop {
            let Some(step) = self.steps.pop_front() else { return Poll::Ready(None) };
            let kind = match step {
                Step::Chunk(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Step::Pending => match cx {
                    Some(cx) => {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    None => continue,
                },
                Step::Interrupted => {
                    self.interruptions += 1;
                    ErrorKind::Interrupted
                }
                Step::Fail => {
                    self.failures += 1;
                    ErrorKind::ConnectionReset
                }
            };
            return Poll::Ready(Some(Err(kind.into())));
        }
    }

    /// The rest of the chunk, or the next one that is not empty. At the end it is empty.
    fn poll_fill(&mut self, cx: Option<&Context<'_>>) -> Poll<io::Result<&[u8]>> {
        while self.chunk.is_empty() {
            match ready!(self.poll_chunk(cx)) {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => break,
            }
        }
        Poll::Ready(Ok(&self.chunk))
    }

    fn use_up(&mut self, count: usize) {
        self.chunk.drain(..count);
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.poll_fill(None) {
            Poll::Ready(bytes) => bytes,
            Poll::Pending => unreachable!("there is no context"),
        }
    }

    fn consume(&mut self, count: usize) {
        self.use_up(count);
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.use_up(count);
        Ok(count)
    }
}

impl AsyncBufRead for Source {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().poll_fill(Some(cx))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        self.use_up(count);
    }
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = ready!(self.poll_fill(Some(cx)))?;
        let count = bytes.len().min(buffer.remaining());
        buffer.put_slice(&bytes[..count]);
        self.use_up(count);
        Poll::Ready(Ok(()))
    }
}

impl Stream for Source {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.chunk.is_empty() {
            self.poll_chunk(Some(cx))
        } else {
            Poll::Ready(Some(Ok(mem::take(&mut self.chunk))))
        }
    }
}

/// Polls once. A poll that is pending must have woken its task, or nobody would poll again.
pub(crate) fn poll_once<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let woken = Arc::new(Woken::default());
    let result = poll(&mut Context::from_waker(&Waker::from(woken.clone())));
    assert!(result.is_ready() || woken.0.load(Ordering::Relaxed), "the wake-up is lost");
    result
}
