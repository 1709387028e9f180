//! Reads files in blocks, and selects the parts that an engine is given.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{self, Path, PathBuf};

/// Bytes of a file in memory at a time.
const BLOCK: u64 = 1 << 20;

/// A file that can be read many times.
pub(crate) struct Input {
    path: PathBuf,
    /// The most bytes to read.
    limit: u64,
}

impl Input {
    pub(crate) fn open(path: &Path, limit: u64) -> Result<Self, String> {
        let input = Self { path: path.to_owned(), limit };
        let metadata = fs::metadata(path).map_err(|error| input.failed(&error))?;
        if metadata.is_dir() {
            return Err(format!("{}: a directory, not a file", input.name()));
        }
        if !metadata.is_file() {
            return Err(format!(
                "{}: not a regular file, so it cannot be read more than once",
                input.name()
            ));
        }
        Ok(input)
    }

    pub(crate) fn name(&self) -> path::Display<'_> {
        self.path.display()
    }

    fn failed(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.name())
    }

    /// Reads the file from its start and calls `each` with the offset and content of each block.
    pub(crate) fn blocks(
        &self,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let failed = |error| self.failed(&error);
        let mut file = File::open(&self.path).map_err(failed)?.take(self.limit);
        let (mut offset, mut block) = (0, Vec::new());
        loop {
            block.clear();
            let mut next = file.by_ref().take(BLOCK);
            if next.read_to_end(&mut block).map_err(failed)? == 0 {
                return Ok(());
            }
            each(offset, &block).map_err(|error| format!("{}: {error}", self.name()))?;
            offset += block.len() as u64;
        }
    }
}

/// The parts of an input that are read, in order.
#[derive(Clone, Debug)]
pub(crate) struct Scope(Vec<Range<u64>>);

impl Scope {
    pub(crate) fn first(len: u64) -> Self {
        Self(vec![Range { start: 0, end: len }])
    }

    /// Everything but these ranges, which are in order.
    pub(crate) fn without(left_out: &[Range<u64>]) -> Self {
        let begins = std::iter::once(0).chain(left_out.iter().map(|range| range.end));
        let ends = left_out.iter().map(|range| range.start).chain([u64::MAX]);
        Self(begins.zip(ends).map(|(begin, end)| begin..end).collect())
    }

    /// The pieces of a block that are in the scope, each with its offset.
    pub(crate) fn pieces<'b>(
        &self,
        offset: u64,
        block: &'b [u8],
    ) -> impl Iterator<Item = (u64, &'b [u8])> {
        let end = offset + block.len() as u64;
        let first = self.0.partition_point(|range| range.end <= offset);
        self.0[first..].iter().take_while(move |range| range.start < end).map(move |range| {
            let (from, to) = (range.start.max(offset), range.end.min(end));
            (from, &block[(from - offset) as usize..(to - offset) as usize])
        })
    }
}
