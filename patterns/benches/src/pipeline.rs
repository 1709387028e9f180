//! The pipeline that one writes by hand for a protocol that answers in order: the sender queues a
//! channel for each reply, and the receiver takes them out in order. It has no tags, no cancellation, no
//! timeouts, and no limits on what the server sends.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

use crate::callers::Client;

type Value = Option<Vec<u8>>;

#[derive(Clone)]
pub struct Pipeline(mpsc::Sender<(String, oneshot::Sender<Value>)>);

impl Pipeline {
    pub fn spawn(stream: UnixStream) -> Self {
        let (mut read, mut write) = stream.into_split();
        let (sender, mut receiver) = mpsc::channel::<(String, oneshot::Sender<Value>)>(1024);
        let unanswered = Arc::new(Mutex::new(VecDeque::<oneshot::Sender<Value>>::new()));
        let in_order = unanswered.clone();
        tokio::spawn(async move {
            let (mut calls, mut bytes) = (Vec::new(), Vec::new());
            while receiver.recv_many(&mut calls, 1024).await > 0 {
                bytes.clear();
                for (key, _) in &calls {
                    bytes.extend_from_slice(b"mg ");
                    bytes.extend_from_slice(key.as_bytes());
                    bytes.extend_from_slice(b" v\r\n");
                }
                unanswered.lock().unwrap().extend(calls.drain(..).map(|(_, reply)| reply));
                write.write_all(&bytes).await?;
            }
            io::Result::Ok(())
        });
        tokio::spawn(async move {
            let (mut bytes, mut start) = (Vec::with_capacity(64 << 10), 0);
            loop {
                while let Some((value, length)) = parse(&bytes[start..]) {
                    start += length;
                    let reply = in_order.lock().unwrap().pop_front().unwrap();
                    let _ = reply.send(value);
                }
                bytes.drain(..start);
                start = 0;
                if read.read_buf(&mut bytes).await? == 0 {
                    return io::Result::Ok(());
                }
            }
        });
        Self(sender)
    }
}

/// Parses the first reply, and returns it with its length.
fn parse(bytes: &[u8]) -> Option<(Value, usize)> {
    let line = memchr::memchr(b'\n', bytes)? + 1;
    let Some(rest) = bytes[..line - 2].strip_prefix(b"VA ") else { return Some((None, line)) };
    let digits = rest.split(|byte| *byte == b' ').next()?;
    let length: usize = str::from_utf8(digits).ok()?.parse().ok()?;
    let value = bytes.get(line..line + length + 2)?;
    Some((Some(value[..length].to_vec()), line + length + 2))
}

impl Client for Pipeline {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        let (reply, value) = oneshot::channel();
        self.0.send((key, reply)).await.unwrap();
        value.await.unwrap()
    }
}
