//! The multiplexer over a real redis-server.

use pushdown_patterns::mux::redis::{self, Redis, Request, Value};
use pushdown_patterns::mux::{InOrder, Mux, Options};

use crate::callers::{Client, entries};
use crate::servers::Server;

impl Client for Mux<InOrder<Redis>> {
    async fn get(&self, key: String) -> Option<Vec<u8>> {
        match self.call(Request::new(["GET", &key]).unwrap()).await.unwrap() {
            Value::Bulk(value) => Some(value.into_vec()),
            _ => None,
        }
    }
}

/// Connects, and stores the values.
pub async fn connect(server: &Server) -> Mux<InOrder<Redis>> {
    let (read, write) = server.connect().await.unwrap().into_split();
    let (sink, stream) = redis::split(read, write, redis::Values::new());
    let (mux, _) = Mux::spawn(InOrder::new(Redis), sink, stream, Options::new());
    for (key, value) in entries() {
        mux.call(Request::new(["SET", &key]).unwrap().arg(value)).await.unwrap();
    }
    mux
}
