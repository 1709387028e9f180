//! The totals of all files.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use super::protocol::Reply;

/// Adds up the replies, and prints the totals. Returns `true` if every file was counted.
pub(crate) fn print<F: AsRef<Path>>(
    top: usize,
    replies: impl ExactSizeIterator<Item = (F, Reply)>,
    complain: impl Fn(String),
) -> io::Result<bool> {
    let (mut totals, mut files, all) = (BTreeMap::<String, u64>::new(), 0, replies.len());
    for (file, reply) in replies {
        match reply {
            Ok(counts) => {
                files += 1;
                for (word, count) in counts {
                    *totals.entry(word).or_default() += count;
                }
            }
            Err(error) => complain(format!("{}: {error}", file.as_ref().display())),
        }
    }
    let (different, words) = (totals.len(), totals.values().sum::<u64>());
    let mut totals = Vec::from_iter(totals);
    // A stable sort: equally frequent words stay in alphabetical order.
    totals.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (word, count) in totals.iter().take(top) {
        writeln!(out, "{count:8} {word}")?;
    }
    writeln!(out, "words: {words}, different ones: {different}, files: {files}")?;
    out.flush()?;
    Ok(files == all)
}
