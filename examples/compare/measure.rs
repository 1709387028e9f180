//! The clock: every engine fed in every way, over and over.

use std::hint::black_box;
use std::ops::ControlFlow::Continue;
use std::time::{Duration, Instant};

use pushdown::{Error, PushParser, Status};

use crate::check::Checked;
use crate::engines::{ByteByByte, CHUNK_SIZES, ENGINES, Engine, LARGEST_CHUNK};
use crate::find::Finder;
use crate::input::Scope;

/// How a parser is fed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    /// Character by character, through `process_char`.
    Chars,
    /// In chunks of so many bytes. Nobody takes events.
    Chunks(usize),
    /// In the largest chunks. Somebody takes events.
    Events,
}

impl Way {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let chunks = CHUNK_SIZES.into_iter().map(Self::Chunks);
        [Self::Chars].into_iter().chain(chunks).chain([Self::Events])
    }

    pub(crate) fn chunk_size(self) -> usize {
        match self {
            Self::Chars => 1,
            Self::Chunks(size) => size,
            Self::Events => LARGEST_CHUNK,
        }
    }
}

/// How long to measure.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) time: Duration,
    /// How many runs there are at least, whatever time they take.
    pub(crate) runs: u32,
    /// How many bytes are parsed at least between two looks at the clock: a small file several times.
    pub(crate) bytes: u64,
}

/// More runs do not make a better median.
const MOST_RUNS: u32 = 501;

/// An engine fed in one way: a cell of the table.
pub(crate) struct Cell {
    pub(crate) engine: &'static Engine,
    pub(crate) way: Way,
    finder: Finder,
    text: Text,
    /// Of the run under way: time, what was read in it (characters or bytes), and how many strings
    /// were found.
    elapsed: Duration,
    read: u64,
    strings: u64,
    /// Nanoseconds per character or byte: of each run, and sorted when all are done.
    costs: Vec<f64>,
}

/// Runs over all files until the budget is spent.
///
/// `progress` is told how much was read, and how many runs there will be.
pub(crate) fn measure(
    files: &[Checked],
    budget: Budget,
    progress: impl Fn(u64),
    expect_runs: impl Fn(u32),
) -> Result<Vec<Cell>, String> {
    let mut cells: Vec<Cell> =
        ENGINES.iter().flat_map(|engine| Way::all().map(|way| Cell::new(engine, way))).collect();
    let start = Instant::now();
    run(files, &mut cells, budget.bytes, &progress)?;
    let affordable = budget.time.as_secs_f64() / start.elapsed().as_secs_f64();
    let runs = (affordable as u32).clamp(budget.runs, MOST_RUNS);
    expect_runs(runs);
    for _ in 1..runs {
        run(files, &mut cells, budget.bytes, &progress)?;
    }
    for cell in &mut cells {
        cell.costs.sort_by(f64::total_cmp);
    }
    Ok(cells)
}

/// One run over all files: each block is read once and parsed by all cells in turn.
fn run(
    files: &[Checked],
    cells: &mut [Cell],
    bytes: u64,
    progress: &impl Fn(u64),
) -> Result<(), String> {
    for file in files {
        let times = bytes.div_ceil(file.len);
        file.input.blocks(|offset, block| {
            progress(block.len() as u64);
            for cell in &mut *cells {
                let (scope, _) = file.share(cell.engine, cell.way.chunk_size());
                cell.read(scope, offset, block, times)
                    .map_err(|error| format!("{}: {error}", cell.engine.name))?;
            }
            Ok(())
        })?;
        for cell in &mut *cells {
            let (_, strings) = file.share(cell.engine, cell.way.chunk_size());
            if std::mem::take(&mut cell.strings) != times * strings {
                return Err(format!("{} was changed meanwhile", file.input.name()));
            }
        }
    }
    for cell in cells {
        let elapsed = std::mem::take(&mut cell.elapsed).as_secs_f64();
        cell.costs.push(1e9 * elapsed / std::mem::take(&mut cell.read) as f64);
    }
    Ok(())
}

impl Cell {
    fn new(engine: &'static Engine, way: Way) -> Self {
        Self {
            engine,
            way,
            finder: Finder::new((engine.new)()),
            text: Text::new(),
            elapsed: Duration::ZERO,
            read: 0,
            strings: 0,
            costs: Vec::new(),
        }
    }

    /// Nanoseconds per character or byte: the median of all runs. `None` if nothing was read.
    pub(crate) fn cost(&self) -> Option<f64> {
        let median = self.costs[self.costs.len() / 2];
        median.is_finite().then_some(median)
    }

    pub(crate) fn runs(&self) -> usize {
        self.costs.len()
    }

    /// Parses what of a block is in the scope, so many times, by the clock.
    fn read(&mut self, scope: &Scope, offset: u64, block: &[u8], times: u64) -> Result<(), Error> {
        if offset == 0 {
            self.text.restart();
        }
        let pieces = scope.pieces(offset, block).map(|(_, piece)| piece);
        self.read += times
            * match self.way {
                Way::Chars => self.text.extract(pieces),
                Way::Chunks(_) | Way::Events => pieces.map(|piece| piece.len() as u64).sum(),
            };
        let start = Instant::now();
        for _ in 0..times {
            if offset == 0 {
                self.finder.restart();
            }
            self.strings += self.parse(scope, offset, black_box(block))?;
        }
        self.elapsed += start.elapsed();
        Ok(())
    }

    /// Parses what of a block is in the scope, and counts the strings that end there.
    fn parse(&mut self, scope: &Scope, offset: u64, block: &[u8]) -> Result<u64, Error> {
        if self.way == Way::Chars {
            return Ok(self.finder.process(black_box(&self.text.chars)));
        }
        let mut strings = 0;
        for (offset, piece) in scope.pieces(offset, block) {
            let chunks = piece.chunks(self.way.chunk_size());
            strings += match self.way {
                Way::Events => self.finder.read(offset, chunks, |parser, chunk| {
                    parser.feed_dyn(chunk, &mut |event| {
                        black_box(event);
                        Continue(())
                    })
                })?,
                _ => self.finder.read(offset, chunks, PushParser::feed)?,
            };
        }
        Ok(strings)
    }
}

/// The strings of an input as characters. Bytes that are not UTF-8 become U+FFFD.
struct Text {
    chars: Vec<char>,
    /// Tells what is inside a string.
    inside: ByteByByte,
}

impl Text {
    fn new() -> Self {
        Self { chars: Vec::new(), inside: ByteByByte::new() }
    }

    /// Before another input.
    fn restart(&mut self) {
        self.inside.reset();
    }

    /// Takes the next pieces of the input, and counts the characters.
    fn extract<'b>(&mut self, pieces: impl Iterator<Item = &'b [u8]>) -> u64 {
        self.chars.clear();
        for piece in pieces {
            for c in String::from_utf8_lossy(piece).chars() {
                if c == '"' || self.inside.offset() > 0 {
                    self.chars.push(c);
                    if self.inside.process_char(c) == Status::Success {
                        self.inside.reset();
                    }
                }
            }
        }
        self.chars.len() as u64
    }
}
