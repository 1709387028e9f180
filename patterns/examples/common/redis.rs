//! A client of Redis for the examples that use one. It survives a server that is started again, and a
//! connection that is cut: it connects again, and repeats what has no reply yet.
//!
//! So a command may be carried out twice, and the examples use those for which that is harmless.

#![allow(dead_code, reason = "no example uses all of it")]

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::mux::redis::{Redis, Request, Value, Values, split};
use pushdown_patterns::mux::{
    CallErrorKind, CallOptions, InOrder, Mux, Options, Reconnect, Unsolicited, reconnect,
};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::sleep;

type Connection = Mux<InOrder<Redis>>;

/// A server that is silent for so long is taken for gone. No command blocks so long.
const SILENCE: Duration = Duration::from_secs(30);

/// The first and the longest delay before another attempt.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// The errors of a server that is about to be ready. It aborts a transaction whose commands it cannot carry
/// out yet.
const NOT_READY: [&[u8]; 4] = [b"LOADING", b"MASTERDOWN", b"TRYAGAIN", b"EXECABORT"];

/// `host:port`, or the path of a Unix socket.
#[derive(Clone, Debug)]
pub(crate) struct Address(pub(crate) Arc<str>);

impl Address {
    async fn connect(&self) -> io::Result<(Connection, Unsolicited<InOrder<Redis>>)> {
        let (protocol, options) = (InOrder::new(Redis), Options::new());
        Ok(if self.0.contains('/') {
            let (read, write) = UnixStream::connect(&*self.0).await?.into_split();
            let (sink, stream) = split(read, write, Values::new());
            Mux::spawn(protocol, sink, stream, options)
        } else {
            let socket = TcpStream::connect(&*self.0).await?;
            socket.set_nodelay(true)?;
            let (read, write) = socket.into_split();
            let (sink, stream) = split(read, write, Values::new());
            Mux::spawn(protocol, sink, stream, options)
        })
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

/// A connection that all clones share, replaced when it ends.
///
/// A command that blocks needs one of its own: replies come in order, so those to all other commands
/// would wait behind its reply.
#[derive(Clone)]
pub(crate) struct Client(Reconnect<InOrder<Redis>>);

impl Client {
    /// Connects. This has to work the first time; later it is tried again for as long as it takes.
    pub(crate) async fn connect(address: &Address) -> Result<Self, Error> {
        address.connect().await.map_err(|error| Error::Lost(error.to_string()))?;
        Ok(Self::new(address.clone()))
    }

    pub(crate) fn new(address: Address) -> Self {
        let was_connected = Arc::new(AtomicBool::new(false));
        let connect = move || {
            if was_connected.swap(false, Relaxed) {
                eprintln!("redis: the connection is lost; trying again");
            }
            let (address, was_connected) = (address.clone(), was_connected.clone());
            async move {
                let connected = address.connect().await?;
                was_connected.store(true, Relaxed);
                Ok::<_, io::Error>(connected)
            }
        };
        let options = reconnect::Options::new()
            .backoff(BACKOFF.0, BACKOFF.1)
            .healthy_after(BACKOFF.0)
            .attempts(NonZeroU32::MAX);
        Self(Reconnect::spawn(connect, options).0)
    }

    /// Sends a request and returns its reply, as often as that takes.
    pub(crate) async fn ask(&self, request: Request) -> Result<Value, Error> {
        loop {
            let options = CallOptions::new().timeout(SILENCE);
            match self.0.call_idempotent_with(|| request.clone(), options).await {
                Ok(reply) => match checked(reply) {
                    Err(Error::Lost(message)) => {
                        eprintln!("redis: {message}; trying again");
                        sleep(BACKOFF.1).await;
                    }
                    reply => return reply,
                },
                Err(error) if matches!(error.kind(), CallErrorKind::TimedOut) => {
                    if let Some(silent) = self.0.connection() {
                        silent.shutdown(Shutdown::Abort).await;
                    }
                }
                Err(error) => return Err(Error::Lost(error.to_string())),
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
        let reply = self.0.call_with(request, CallOptions::new().timeout(SILENCE)).await;
        checked(reply.map_err(|error| Error::Lost(error.to_string()))?)
    }
}

/// Turns a reply that is an error into one.
fn checked(reply: Value) -> Result<Value, Error> {
    let Value::Error(text) = &reply else { return Ok(reply) };
    let message = String::from_utf8_lossy(text).into_owned();
    let is_ready = !NOT_READY.iter().any(|code| text.starts_with(code));
    Err(if is_ready { Error::Refused(message) } else { Error::Lost(message) })
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
