//! The protocol between coordinator and workers, in frames of known length.
//!
//! ```text
//! task   = text                           the path of a file
//! reply  = "=" number *( text number )    the number of words, and each with its count
//!        / "!" text                       the error, if the file cannot be read
//! text   = number *OCTET                  a length, and that many octets
//! number = *DIGIT ":"
//! ```
//!
//! The readers are bodies of push parsers, because a pipe may cut a frame anywhere.

use std::io::{self, Write};

use pushdown::engine::stackless::Input;
use pushdown::{ErrorKind, Failure};

use super::words::Counts;

/// The counts of a file, or the error.
pub(crate) type Reply = Result<Counts, String>;

pub(crate) async fn read_task(input: &mut Input<'_>) -> Result<Vec<u8>, Failure> {
    read_text(input).await
}

pub(crate) async fn read_reply(input: &mut Input<'_>) -> Result<Reply, Failure> {
    match input.next().await? {
        b'=' => {
            let mut counts = Counts::new();
            for _ in 0..read_number(input).await? {
                let word = read_utf8(input).await?;
                counts.insert(word, read_number(input).await?);
            }
            Ok(Ok(counts))
        }
        b'!' => Ok(Err(read_utf8(input).await?)),
        _ => Err(input.fail(ErrorKind::UnexpectedByte)),
    }
}

async fn read_utf8(input: &mut Input<'_>) -> Result<String, Failure> {
    let text = read_text(input).await?;
    String::from_utf8(text).map_err(|_| input.fail(ErrorKind::UnexpectedByte))
}

async fn read_text(input: &mut Input<'_>) -> Result<Vec<u8>, Failure> {
    let mut left = read_number(input).await?;
    let mut text = Vec::new();
    while left > 0 {
        let part = input.take(usize::try_from(left).unwrap_or(usize::MAX)).await?;
        text.extend_from_slice(part);
        left -= part.len() as u64;
    }
    Ok(text)
}

async fn read_number(input: &mut Input<'_>) -> Result<u64, Failure> {
    let mut number = 0_u64;
    loop {
        let digit = match input.next().await? {
            b':' => return Ok(number),
            digit @ b'0'..=b'9' => u64::from(digit - b'0'),
            _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
        };
        let longer = number.checked_mul(10).and_then(|number| number.checked_add(digit));
        number = longer.ok_or_else(|| input.fail(ErrorKind::TooLong))?;
    }
}

pub(crate) fn task(path: &[u8]) -> Vec<u8> {
    [format!("{}:", path.len()).as_bytes(), path].concat()
}

pub(crate) fn write_reply(mut to: impl Write, reply: &Reply) -> io::Result<()> {
    match reply {
        Ok(counts) => {
            write!(to, "={}:", counts.len())?;
            for (word, count) in counts {
                write!(to, "{}:{word}{count}:", word.len())?;
            }
        }
        Err(error) => write!(to, "!{}:{error}", error.len())?,
    }
    to.flush()
}
