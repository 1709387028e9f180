//! Checks, before anything is timed, that all engines find the same strings.

use std::ops::Range;
use std::path::Path;

use pushdown::engine::combinator::DEFAULT_MAX_LEN;

use crate::engines::{CHUNK_SIZES, ENGINES, Engine, LARGEST_CHUNK, YARDSTICK};
use crate::find::{Found, Recorder};
use crate::input::{Input, Scope};

/// Bytes of a file given to an engine that parses again with every chunk, where chunks are small.
pub(crate) const PART: u64 = 4 << 10;

/// Number of times [`check`] reads a file.
pub(crate) const PASSES: u64 = 2;

/// The smallest chunk size that is not small.
const LARGE_CHUNK: usize = 1460;

/// A file in which all engines found the same strings.
pub(crate) struct Checked {
    pub(crate) input: Input,
    pub(crate) len: u64,
    pub(crate) found: Found,
    /// The strings that are too long for `combinator`.
    pub(crate) too_long: Vec<Range<u64>>,
    /// For each [`Share`] of this file, its scope and the number of strings in it.
    shares: [(Scope, u64); 3],
}

/// The part of a file that an engine is given.
#[derive(Clone, Copy, PartialEq)]
enum Share {
    Whole,
    WithoutTooLong,
    Part,
}

impl Share {
    fn of(engine: &Engine, chunk_size: usize) -> Self {
        if !engine.parses_again {
            Self::Whole
        } else if chunk_size >= LARGE_CHUNK {
            Self::WithoutTooLong
        } else {
            Self::Part
        }
    }
}

/// Returns `true` if an engine is given the first [`PART`] bytes of a file alone.
pub(crate) fn is_partial(engine: &Engine, chunk_size: usize) -> bool {
    Share::of(engine, chunk_size) == Share::Part
}

impl Checked {
    /// The part of this file that an engine is given, and the number of strings in it.
    pub(crate) fn share(&self, engine: &Engine, chunk_size: usize) -> &(Scope, u64) {
        &self.shares[Share::of(engine, chunk_size) as usize]
    }
}

/// Reads a file with every engine and chunk size, and compares the ranges and content of all strings.
///
/// Calls `progress` with the number of bytes read since the last call.
pub(crate) fn check(path: &Path, limit: u64, progress: impl Fn(u64)) -> Result<Checked, String> {
    let input = Input::open(path, limit)?;
    let name = input.name();

    let mut too_long = Vec::new();
    let mut yardstick = Run::new(&ENGINES[YARDSTICK], LARGEST_CHUNK, Scope::first(u64::MAX));
    let mut len = 0;
    input.blocks(|offset, block| {
        len += block.len() as u64;
        progress(block.len() as u64);
        yardstick.read(offset, block, |string| {
            if is_too_long(&string) {
                too_long.push(string);
            }
        })
    })?;
    let found = yardstick.finish();
    if len == 0 {
        return Err(format!("{name}: the file is empty"));
    }
    if found.strings == 0 {
        let never_closed = found.unterminated.map_or(String::new(), |(begin, error)| {
            format!(": the one at offset {begin} is never closed ({error})")
        });
        return Err(format!("{name}: no quoted string{never_closed}"));
    }
    if let Some((begin, error)) = found.unterminated {
        too_long.extend(Some(begin..error.offset).filter(is_too_long));
    }

    let scopes = [Scope::first(u64::MAX), Scope::without(&too_long), Scope::first(PART)];
    let mut yardsticks =
        scopes.each_ref().map(|scope| Run::new(&ENGINES[YARDSTICK], LARGEST_CHUNK, scope.clone()));
    let mut runs = Vec::new();
    for engine in &ENGINES {
        for chunk_size in CHUNK_SIZES {
            let share = Share::of(engine, chunk_size) as usize;
            runs.push((share, Run::new(engine, chunk_size, scopes[share].clone())));
        }
    }
    input.blocks(|offset, block| {
        progress(block.len() as u64);
        let runs = runs.iter_mut().map(|(_, run)| run);
        yardsticks.iter_mut().chain(runs).try_for_each(|run| run.read(offset, block, |_| {}))
    })?;
    let expected = yardsticks.map(Run::finish);
    for (share, run) in runs {
        let title = run.title();
        let (found, expected) = (run.finish(), &expected[share]);
        if found != *expected {
            return Err(format!(
                "{name}: {title} finds {found:?}, but byte by byte it is {expected:?}"
            ));
        }
    }
    Ok(Checked {
        input,
        len,
        found,
        too_long,
        shares: [0, 1, 2].map(|share| (scopes[share].clone(), expected[share].strings)),
    })
}

fn is_too_long(string: &Range<u64>) -> bool {
    string.end - string.start > DEFAULT_MAX_LEN as u64
}

/// One engine at one chunk size, reading a file.
struct Run {
    engine: &'static Engine,
    chunk_size: usize,
    scope: Scope,
    recorder: Recorder,
}

impl Run {
    fn new(engine: &'static Engine, chunk_size: usize, scope: Scope) -> Self {
        Self { engine, chunk_size, scope, recorder: Recorder::new(engine) }
    }

    fn title(&self) -> String {
        format!("{} in chunks of {}", self.engine.name, self.chunk_size)
    }

    fn read(
        &mut self,
        offset: u64,
        block: &[u8],
        mut found: impl FnMut(Range<u64>),
    ) -> Result<(), String> {
        let title = self.title();
        for (mut offset, piece) in self.scope.pieces(offset, block) {
            for chunk in piece.chunks(self.chunk_size) {
                self.recorder
                    .read(offset, chunk, &mut found)
                    .map_err(|error| format!("{title}: {error}"))?;
                offset += chunk.len() as u64;
            }
        }
        Ok(())
    }

    fn finish(self) -> Found {
        self.recorder.finish()
    }
}
