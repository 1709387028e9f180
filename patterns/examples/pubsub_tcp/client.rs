//! One client: what it says and what it is told.
//!
//! ```text
//! socket ─→ Lines ─→ obey ─→ replies, up to 64 ─→ tell ─→ socket
//!                      │                           ↑
//!                      └──→ server ─→ its queue ───┘
//! ```
//!
//! The two sides run side by side. A client that does not read is still obeyed until the replies for
//! it are too many, and one whose command has to wait is still told of events. So what keeps one side
//! waiting is the client itself, or the limit of somebody's policy.

use std::error::Error;
use std::fmt::Write;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns::pubsub::{CancelError, End, Item};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::command::{self, Command};
use crate::hub::{Hub, Listed};
use crate::lines::{LineError, Lines};

/// How many replies may wait for a client before it is obeyed no more.
const REPLIES: usize = 64;

/// Once so many bytes are together they are written.
const BATCH: usize = 16 << 10;

/// How long a client may take to read the rest after its last command.
pub(crate) const LINGER: Duration = Duration::from_secs(2);

/// A reply, and the subscription that it announces.
struct Reply {
    text: String,
    subscribed: Option<Listed>,
}

/// Serves a client until it goes, fails or is asked to go. Nothing of it is left then.
pub(crate) async fn serve(socket: TcpStream, hub: Arc<Hub>, mut stopped: watch::Receiver<()>) {
    // What is written is complete, and need not wait for more.
    let _ = socket.set_nodelay(true);
    let (input, output) = socket.into_split();
    let (replies, to_tell) = mpsc::channel(REPLIES);
    let mut lines = Lines::new(input);
    let mut telling = pin!(tell(output, to_tell));
    let obeyed = select! {
        obeyed = obey(&mut lines, &hub, replies) => obeyed,
        // An event whose publishing is cut off here has reached nobody.
        _ = stopped.changed() => Ok(()),
        _failed = &mut telling => return,
    };
    if obeyed.is_ok() {
        let rest = async {
            telling.await?;
            // To close a socket with unread input would reset it, and take from the client what it
            // has not read yet.
            tokio::io::copy(&mut lines.into_inner(), &mut tokio::io::sink()).await
        };
        let _ = timeout(LINGER, rest).await;
    }
}

/// Does what the lines say, up to the last. Its subscription ends then.
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
        let _ended_by_itself = hub.server.cancel(id);
    }
    Ok(())
}

/// Does what one line says. `own` is the number of the last subscription.
async fn answer(
    line: Result<String, LineError>,
    hub: &Arc<Hub>,
    own: &mut String,
) -> Result<Reply, Box<dyn Error + Send + Sync>> {
    let mut subscribed = None;
    let text = match command::parse(&line?)? {
        Command::Subscribe(_) if hub.find(own).is_some() => {
            return Err(format!("subscribed already, as {own}").into());
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

/// Writes replies, which come first, and events, until there will be no more of either.
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
                    // The old one is at its end, or there would be no new one.
                    own = subscribed.or(own);
                }
                None => is_obeyed = false,
            },
            item = next(&mut own), if own.is_some() => match item {
                Some(item) => show(&mut out, item),
                None => if let Some(ended) = own.take() {
                    out += reason(ended.subscription.end());
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
    shown.expect("a string takes everything");
}

fn reason(end: Option<End>) -> &'static str {
    match end {
        Some(End::Cancelled) => "END cancelled\n",
        Some(End::TooSlow) => "END too slow\n",
        Some(End::Shutdown) => "END shutdown\n",
        _ => "END aborted\n",
    }
}
