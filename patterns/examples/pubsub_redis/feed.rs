//! Reads the stream, and finds what is missing.
//!
//! Redis counts the entries that were ever added to a stream, and keeps the count when entries are
//! removed. With it, the number of an entry follows from those behind it:
//!
//! ```text
//! added since the last event read = missed + still there
//! ```
//!
//! `MAXLEN` and `XTRIM` remove entries from the front, so they leave the same as before the first that is
//! there. Entries removed one by one (`XDEL`) are counted once all behind them are there too, for Redis
//! does not tell their places.

use pushdown_patterns::mux::redis::Value;
use pushdown_patterns::pubsub::mutex::Server;

use super::redis::{
    Address, Client, Entry, Error, command, entries, field, number, stream_entries, text,
};

/// Entries that are read at once.
const COUNT: usize = 100;

/// The id of an entry, which grows along the stream.
type Id = (u64, u64);

fn id(text: &str) -> Id {
    let (time, number) = text.split_once('-').unwrap_or((text, "0"));
    (time.parse().unwrap_or(0), number.parse().unwrap_or(0))
}

/// A stream, read up to some entry.
pub(crate) struct Feed {
    redis: Client,
    stream: String,
    /// The id of the last entry read, and the number of entries that were added up to it.
    last: String,
    added: u64,
}

/// The state of a stream.
#[derive(Debug, Default)]
struct Info {
    added: u64,
    length: u64,
    /// The largest id so far, whether or not its entry is there.
    last: String,
    /// The id of the first entry that is there.
    first: Option<String>,
}

impl Info {
    /// Reads the reply to `XINFO STREAM`, which is an error if there is no stream.
    fn read(info: &Value) -> Result<Self, Error> {
        let last = match info {
            Value::Error(text) if text.starts_with(b"ERR no such key") => {
                return Ok(Self { last: "0-0".to_owned(), ..Self::default() });
            }
            Value::Error(text) => Err(Error::Refused(String::from_utf8_lossy(text).into_owned()))?,
            info => field(info, "last-generated-id").cloned().and_then(text),
        };
        let (Some(added), Some(length), Some(last)) =
            (number(info, "entries-added"), number(info, "length"), last)
        else {
            return Err(Error::Refused("it does not count what was added; 7.0 does".to_owned()));
        };
        let first = field(info, "first-entry").cloned().map(|first| Value::Array(vec![first]));
        let first = first.and_then(|first| entries(first).pop()).map(|entry| entry.id);
        Ok(Self { added, length, last, first })
    }
}

impl Feed {
    /// Begins with the present end of the stream. It is an id: `$` would be another place after each cut.
    pub(crate) async fn open(address: &Address, stream: &str) -> Result<Self, Error> {
        let redis = Client::connect(address).await?;
        let [info] = redis.ask_all([command!("XINFO STREAM").arg(stream)]).await?;
        let Info { last, added, .. } = Info::read(&info)?;
        Ok(Self { redis, stream: stream.to_owned(), last, added })
    }

    pub(crate) fn last(&self) -> &str {
        &self.last
    }

    /// Publishes what the stream has. Ends only with an error.
    pub(crate) async fn run(mut self, server: &Server<str>) -> Result<(), Error> {
        loop {
            // Both at one moment: nothing is removed between them.
            let [info, read] = self
                .redis
                .ask_all([
                    command!("XINFO STREAM").arg(&self.stream),
                    command!("XREAD COUNT {COUNT} STREAMS").arg(&self.stream).arg(&self.last),
                ])
                .await?;
            let (missed, read) = self.handle_read(&Info::read(&info)?, stream_entries(read));
            if missed > 0 {
                server.missed(missed).expect("it is not shut down");
            }
            for entry in &read {
                server.publish(line(entry)).await.expect("no subscriber blocks");
            }
            if read.is_empty() {
                // Waits. What it reads is read again, with the count.
                let wait = command!("XREAD COUNT 1 BLOCK 1000 STREAMS");
                self.redis.ask(wait.arg(&self.stream).arg(&self.last)).await?;
            }
        }
    }

    /// Returns the number of entries that are missing before those that were read.
    fn handle_read(&mut self, info: &Info, read: Vec<Entry>) -> (u64, Vec<Entry>) {
        if info.added < self.added || id(&info.last) < id(&self.last) {
            // Another stream. Its entries are read next, from the first.
            eprintln!("pubsub_redis: {} was made anew", self.stream);
            (self.last, self.added) = ("0-0".to_owned(), 0);
            return (0, Vec::new());
        }
        let added = info.added - self.added;
        let is_all = read.len() < COUNT || read.last().is_some_and(|entry| entry.id == info.last);
        let missed = if is_all {
            added.saturating_sub(read.len() as u64)
        } else if info.first.as_ref().is_some_and(|first| id(first) > id(&self.last)) {
            added.saturating_sub(info.length)
        } else {
            0
        };
        self.added += missed + read.len() as u64;
        match read.last() {
            _ if is_all => self.last.clone_from(&info.last),
            Some(entry) => self.last.clone_from(&entry.id),
            None => {}
        }
        (missed, read)
    }
}

/// Writes an entry as a line, with its control characters escaped.
fn line(entry: &Entry) -> String {
    let mut line = entry.id.clone();
    for text in &entry.fields {
        line.push(' ');
        for char in String::from_utf8_lossy(text).chars() {
            if char.is_control() { line.extend(char.escape_default()) } else { line.push(char) }
        }
    }
    line
}
