//! The commands.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use pushdown_patterns::pubsub::{Limit, Policy};

/// The largest queue, except with the policy `queue`.
const CAPACITY: usize = 65_536;

/// The longest time for which a policy makes publishers wait, or lets a client be too slow.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) enum Command<'l> {
    Subscribe(Policy),
    Publish(&'l str),
    /// The number of the subscription, as text.
    Cancel(&'l str),
    Quit,
}

/// Why a line is not a command.
type Complaint = Cow<'static, str>;

pub(crate) fn parse(line: &str) -> Result<Command<'_>, Complaint> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("SUB", words) => policy(words).map(Command::Subscribe),
        ("PUB", text) => Ok(Command::Publish(text)),
        ("CANCEL", number) => Ok(Command::Cancel(number)),
        ("QUIT", "") => Ok(Command::Quit),
        _ => Err("the commands are SUB, PUB, CANCEL and QUIT".into()),
    }
}

fn policy(words: &str) -> Result<Policy, Complaint> {
    let words: Vec<&str> = words.split(' ').collect();
    Ok(match words[..] {
        ["block", count, limit] => {
            Policy::Block { capacity: capacity(count)?, limit: time(limit)? }
        }
        ["drop-newest", count] => Policy::DropNewest { capacity: capacity(count)? },
        ["drop-oldest", count] => Policy::DropOldest { capacity: capacity(count)? },
        ["queue", items, bytes] => Policy::Queue { items: limit(items)?, bytes: limit(bytes)? },
        ["disconnect", count, grace] => {
            Policy::Disconnect { capacity: capacity(count)?, grace: time(grace)? }
        }
        _ => {
            let policies = "the policies are block COUNT TIME, drop-newest COUNT, drop-oldest COUNT, \
                            queue COUNT BYTES and disconnect COUNT TIME";
            return Err(policies.into());
        }
    })
}

fn capacity(word: &str) -> Result<NonZeroUsize, Complaint> {
    let capacity: NonZeroUsize = number(word)?;
    if capacity.get() > CAPACITY {
        return Err(format!("at most {CAPACITY} events are kept").into());
    }
    Ok(capacity)
}

/// `1000`, `64kb`, `1mb` or `unbounded`.
fn limit(word: &str) -> Result<Limit, Complaint> {
    if word == "unbounded" {
        return Ok(Limit::Unbounded);
    }
    let (count, unit) = match (word.strip_suffix("kb"), word.strip_suffix("mb")) {
        (Some(count), _) => (count, 1 << 10),
        (_, Some(count)) => (count, 1 << 20),
        _ => (word, 1),
    };
    let unit = NonZeroUsize::new(unit).expect("units are not zero");
    Ok(Limit::AtMost(number::<NonZeroUsize>(count)?.saturating_mul(unit)))
}

/// `5s` or `500ms`.
fn time(word: &str) -> Result<Duration, Complaint> {
    let time = match (word.strip_suffix("ms"), word.strip_suffix('s')) {
        (Some(count), _) => Duration::from_millis(number(count)?),
        (_, Some(count)) => Duration::from_secs(number(count)?),
        _ => return Err("a time ends in s or ms".into()),
    };
    if time > LIMIT {
        return Err(format!("a time is at most {}s", LIMIT.as_secs()).into());
    }
    Ok(time)
}

fn number<N: FromStr>(word: &str) -> Result<N, Complaint> {
    word.parse().map_err(|_| "this is not a number, or it is too small or too large".into())
}
