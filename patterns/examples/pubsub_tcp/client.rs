//! One client: its commands, replies and events.
//!
//! ```text
//! socket ─→ Lines ─→ obey ─→ replies, bounded ─→ tell ─→ socket
//!                      │                          ↑
//!                      └──→ server ─→ its queue ──┘
//! ```
//!
//! The two sides run concurrently. A client that does not read is obeyed until too many replies wait
//! for it, and a client whose command has to wait is still told of events. So only the client itself
//! and the limits of policies make a side wait.

use std::error::Error;
use std::fmt::Write;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use pushdown_patterns::pubsub::{CancelError, EndReason, Item};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::command::{self, Command};
use crate::hub::{Hub, Listed};
use crate::lines::{LineError, Lines};

/// The number of replies that may wait for a client before the server stops obeying it.
const REPLIES: usize = 64;

/// The number of bytes that are collected before they are written.
const BATCH: usize = 16 << 10;

/// A reply, and the subscription that it announces.
struct Reply {
    text: String,
    subscribed: Option<Listed>,
}

/// Serves a client until it leaves or fails, or the server stops. Nothing of it remains afterwards.
pub(crate) async fn serve(socket: TcpStream, hub: Arc<Hub>, mut stopped: watch::Receiver<()>) {
    // Each write is complete and need not wait for more.
    let _ = socket.set_nodelay(true);
    let (input, output) = socket.into_split();
    let (replies, to_tell) = mpsc::channel(REPLIES);
    let mut lines = Lines::new(input);
    let mut telling = pin!(tell(output, to_tell));
    let obeyed = select! {
        obeyed = obey(&mut lines, &hub, replies) => obeyed,
        // If this cuts off a publish, its event reaches no subscriber.
        _ = stopped.changed() => Ok(()),
        _failed = &mut telling => return,
    };
    if obeyed.is_ok() {
        let rest = async {
            telling.await?;
            // Closing a socket with unread input resets the connection, and the client would lose
            // what it has not read yet.
            tokio::io::copy(&mut lines.into_inner(), &mut tokio::io::sink()).await
        };
        let _ = timeout(hub.grace, rest).await;
    }
}

/// Obeys the commands up to the last. Then its subscription ends.
async fn obey(lines: &mut Lines, hub: &Arc<Hub>, replies: mpsc::Sender<Reply>) -> io::Result<()> {
    let mut own = String::new();
    while let Some(line) = lines.next().await? {
        let quits = line.as_ref().is_ok_and(|line| line == "QUIT");
        let reply = answer(line, hub, &mut own)
            .await
            .unwrap_or_else(|error| Reply { text: format!("ERR {error}\n"), subscribed: None });
        if replies.send(reply).await.is_err() || quits {
            break;
        }
    }
    if let Some(id) = hub.find(&own) {
        // It fails if the subscription has ended meanwhile.
        let _ = hub.server.cancel(id);
    }
    Ok(())
}

/// Obeys one line. `own` is the number of the last subscription.
async fn answer(
    line: Result<String, LineError>,
    hub: &Arc<Hub>,
    own: &mut String,
) -> Result<Reply, Box<dyn Error + Send + Sync>> {
    let mut subscribed = None;
    let text = match command::parse(&line?)? {
        Command::Subscribe(_) if hub.find(own).is_some() => {
            return Err(format!("already subscribed, as {own}").into());
        }
        Command::Subscribe(policy) => {
            let listed = hub.subscribe(policy)?;
            *own = listed.number();
            subscribed = Some(listed);
            format!("OK {own}\n")
        }
        Command::Publish(text) => format!("OK {}\n", hub.server.publish(text).await?),
        Command::Cancel(number) => {
            hub.server.cancel(hub.find(number).ok_or(CancelError::NotSubscribed)?)?;
            "OK\n".to_owned()
        }
        Command::Quit => "OK\n".to_owned(),
    };
    Ok(Reply { text, subscribed })
}

/// Writes replies and events, replies first, until there will be no more of either.
async fn tell(mut socket: OwnedWriteHalf, mut replies: mpsc::Receiver<Reply>) -> io::Result<()> {
    let mut out = String::new();
    let mut own: Option<Listed> = None;
    let mut is_obeyed = true;
    while is_obeyed || own.is_some() {
        select! {
            biased;
            reply = replies.recv(), if is_obeyed => match reply {
                Some(Reply { text, subscribed }) => {
                    out += &text;
                    // There is a new subscription only after the old one has ended.
                    own = subscribed.or(own);
                }
                None => is_obeyed = false,
            },
            item = next(&mut own), if own.is_some() => match item {
                Some(item) => show(&mut out, item),
                None => if let Some(ended) = own.take() {
                    out += reason(ended.subscription.end_reason());
                }
            },
        }
        while out.len() < BATCH
            && replies.is_empty()
            && let Some(listed) = &mut own
            && let Ok(item) = listed.subscription.try_recv()
        {
            show(&mut out, item);
        }
        socket.write_all(out.as_bytes()).await?;
        out.clear();
    }
    socket.shutdown().await
}

async fn next(own: &mut Option<Listed>) -> Option<Item<&Arc<str>>> {
    own.as_mut()?.subscription.recv().await
}

fn show(out: &mut String, item: Item<&Arc<str>>) {
    let shown = match item {
        Item::Event { seq, event } => writeln!(out, "EVENT {seq} {event}"),
        Item::Gap { missed } => writeln!(out, "GAP {missed}"),
    };
    shown.expect("writing to a string does not fail");
}

fn reason(end: Option<EndReason>) -> &'static str {
    match end {
        Some(EndReason::Cancelled) => "END cancelled\n",
        Some(EndReason::TooSlow) => "END too slow\n",
        Some(EndReason::Shutdown) => "END shutdown\n",
        _ => "END aborted\n",
    }
}
