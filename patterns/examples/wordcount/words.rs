//! Words, and their counts in a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use pushdown::engine::stackless::{Input, Parser};
use pushdown::scan::Stop;
use pushdown::{End, Events, Failure, io};

pub(crate) type Counts = HashMap<String, u64>;

/// Events of one word each, in lower case.
pub(crate) enum Words {}

impl Events for Words {
    type Event<'a> = &'a str;
}

/// Stops at an ASCII character that is part of no word. Its byte occurs in no other character of UTF-8,
/// so any text may be cut there.
struct Separator;

impl Stop for Separator {
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric())
    }
}

/// A body for files that arrive in pieces: `run` keeps the start of a word until the rest arrives.
pub(crate) async fn words(input: &mut Input<'_, Words>) -> Result<(), Failure> {
    let mut run = Vec::new();
    loop {
        let end = input.scan_until(Separator, |piece| run.extend_from_slice(piece)).await;
        for part in run.utf8_chunks() {
            let words = part.valid().split(|char: char| !char.is_alphanumeric());
            for word in words.filter(|word| !word.is_empty()) {
                input.emit(&word.to_lowercase());
            }
        }
        run.clear();
        match end {
            Ok(_) => {}
            Err(End::Finished) => return Ok(()),
            Err(end) => return Err(end.into()),
        }
    }
}

/// Counts the words of a file, of which only one buffer is in memory.
pub(crate) fn count(file: &Path) -> Result<Counts, io::ReadError> {
    let mut reader = BufReader::with_capacity(64 << 10, File::open(file)?);
    let mut counts = Counts::new();
    io::parse_with(&mut reader, &mut Parser::new(words), |word| match counts.get_mut(word) {
        Some(count) => *count += 1,
        None => _ = counts.insert(word.to_owned(), 1),
    })?;
    Ok(counts)
}
