//! A client of Redis for the examples that use one. It survives a server that is started again, and a
//! connection that is cut: it connects again, and repeats what has no reply yet.
//!
//! So a command may be carried out twice, and the examples use those for which that is harmless.

#![allow(dead_code, reason = "no example uses all of it")]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use pushdown_patterns::mux::redis::{Redis, Request, Value, Values, split};
use pushdown_patterns::mux::{CallOptions, InOrder, Mux, Options};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::time::sleep;

/// A server that is silent for so long is taken for gone. Commands block for less.
const SILENCE: Duration = Duration::from_secs(30);

/// The delay before the first attempt to connect again, doubled up to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// The errors of a server that is about to be ready. It aborts a transaction whose commands it cannot carry
/// out yet.
const NOT_READY: [&[u8]; 4] = [b"LOADING", b"MASTERDOWN", b"TRYAGAIN", b"EXECABORT"];

/// `host:port`, or the path of a Unix socket.
#[derive(Clone, Debug)]
pub(crate) struct Address(pub(crate) Arc<str>);

impl Address {
    async fn connect(&self) -> io::Result<Mux<InOrder<Redis>>> {
        let (protocol, options) = (InOrder::new(Redis), Options::new());
        let (mux, _unsolicited) = if self.0.contains('/') {
            let (read, write) = UnixStream::connect(&*self.0).await?.into_split();
            let (sink, stream) = split(read, write, Values::new());
            Mux::spawn(protocol, sink, stream, options)
        } else {
            let socket = TcpStream::connect(&*self.0).await?;
            socket.set_nodelay(true)?;
            let (read, write) = socket.into_split();
            let (sink, stream) = split(read, write, Values::new());
            Mux::spawn(protocol, sink, stream, options)
        };
        Ok(mux)
    }
}

/// The reason why there is no reply.
#[derive(Debug)]
pub(crate) enum Error {
    /// The connection was lost. The command may have been carried out.
    Lost(String),
    /// The server refused the command.
    Refused(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Lost(message) | Self::Refused(message)) = self;
        write!(f, "redis: {message}")
    }
}

/// Formats a command, whose words are separated by single spaces.
macro_rules! command {
    ($($format:tt)+) => {
        pushdown_patterns::mux::redis::Request::new(format!($($format)+).split(' '))
            .expect("it has one reply")
    };
}
pub(crate) use command;

/// A connection, made when it is needed, that all clones share.
///
/// A command that blocks needs one of its own: replies come in order, so those to all other commands
/// would wait behind its reply.
#[derive(Clone)]
pub(crate) struct Client {
    address: Address,
    link: Arc<Mutex<Link>>,
    /// Set while there is no reply, which is reported once.
    is_lost: Arc<AtomicBool>,
}

/// The connection with this number, if there is one.
#[derive(Default)]
struct Link {
    number: u64,
    mux: Option<Mux<InOrder<Redis>>>,
}

impl Client {
    pub(crate) fn new(address: Address) -> Self {
        Self { address, link: Arc::default(), is_lost: Arc::default() }
    }

    /// Sends a request and returns its reply. Connects as often as that takes.
    pub(crate) async fn ask(&self, request: Request) -> Result<Value, Error> {
        let mut delay = BACKOFF.0;
        loop {
            match self.ask_once(request.clone()).await {
                Err(Error::Lost(message)) => {
                    if !self.is_lost.swap(true, Relaxed) {
                        eprintln!("redis: {message}; trying again");
                    }
                    sleep(delay).await;
                    delay = BACKOFF.1.min(2 * delay);
                }
                replied => {
                    self.is_lost.store(false, Relaxed);
                    return replied;
                }
            }
        }
    }

    /// Sends requests that are carried out at one moment, and returns their replies, of which some may be
    /// errors.
    pub(crate) async fn ask_all<const N: usize>(
        &self,
        requests: [Request; N],
    ) -> Result<[Value; N], Error> {
        let transaction = Request::transaction(requests).expect("plain commands");
        let replies = elements(self.ask(transaction).await?);
        replies.try_into().map_err(|_| Error::Refused("no replies to a transaction".to_owned()))
    }

    /// Sends a request once and returns its reply.
    pub(crate) async fn ask_once(&self, request: Request) -> Result<Value, Error> {
        let (number, mux) = self.mux().await.map_err(|error| Error::Lost(error.to_string()))?;
        match mux.call_with(request, CallOptions::new().timeout(SILENCE)).await {
            Ok(Value::Error(text)) => {
                let message = String::from_utf8_lossy(&text).into_owned();
                let is_ready = !NOT_READY.iter().any(|code| text.starts_with(code));
                Err(if is_ready { Error::Refused(message) } else { Error::Lost(message) })
            }
            Ok(reply) => Ok(reply),
            Err(error) => {
                let mut link = self.link.lock().await;
                if link.number == number {
                    link.mux = None;
                }
                Err(Error::Lost(error.to_string()))
            }
        }
    }

    async fn mux(&self) -> io::Result<(u64, Mux<InOrder<Redis>>)> {
        let mut link = self.link.lock().await;
        if link.mux.is_none() {
            link.mux = Some(self.address.connect().await?);
            link.number += 1;
        }
        Ok((link.number, link.mux.clone().expect("it is connected")))
    }
}

/// Returns the elements of an array, and none of another value.
pub(crate) fn elements(value: Value) -> Vec<Value> {
    match value {
        Value::Array(elements) => elements,
        _ => Vec::new(),
    }
}

/// Returns the bytes of a text, and `None` for another value.
pub(crate) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bulk(text) | Value::Simple(text) => Some(text.into_vec()),
        _ => None,
    }
}

/// Returns a text, and `None` for another value.
pub(crate) fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

/// Finds a field in the reply to an `XINFO`: names, and a value after each.
pub(crate) fn field<'v>(info: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Array(fields) = info else { return None };
    let mut fields = fields.chunks_exact(2);
    fields.find_map(|pair| (pair[0].as_bytes() == Some(name.as_bytes())).then_some(&pair[1]))
}

/// Finds a number in the reply to an `XINFO`.
pub(crate) fn number(info: &Value, name: &str) -> Option<u64> {
    match field(info, name) {
        Some(Value::Integer(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// An entry of a stream: its id, and names and values in turn.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) fields: Vec<Vec<u8>>,
}

/// Returns the entries in a reply to `XRANGE`.
pub(crate) fn entries(reply: Value) -> Vec<Entry> {
    let entry = |entry| {
        let [id, fields] = elements(entry).try_into().ok()?;
        let fields = elements(fields).into_iter().filter_map(bytes).collect();
        Some(Entry { id: text(id)?, fields })
    };
    elements(reply).into_iter().filter_map(entry).collect()
}

/// Returns the entries of the only stream in a reply to `XREAD` or `XREADGROUP`.
pub(crate) fn stream_entries(reply: Value) -> Vec<Entry> {
    let stream = elements(reply).into_iter().next().map(elements);
    stream.and_then(|mut stream| stream.pop()).map(entries).unwrap_or_default()
}
