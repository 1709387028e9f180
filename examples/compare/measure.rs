//! Times every engine, fed in every way.

use std::hint::black_box;
use std::time::{Duration, Instant};

use pushdown::{Error, PushParser, Status};

use crate::check::Checked;
use crate::engines::{ByteByByte, CHUNK_SIZES, ENGINES, Engine, LARGEST_CHUNK};
use crate::find::Finder;
use crate::input::Scope;

/// A way to feed a parser.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    /// One character at a time, through `process_char`.
    Chars,
    /// In chunks of this many bytes, without a sink.
    Chunks(usize),
    /// In the largest chunks, with a sink.
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

/// Limits of the measurement.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) time: Duration,
    /// The fewest runs, whatever time they take.
    pub(crate) runs: u32,
    /// The fewest bytes parsed between two readings of the clock: a small file is parsed repeatedly.
    pub(crate) bytes: u64,
}

/// The most runs. More do not make a better median.
const MOST_RUNS: u32 = 501;

/// A cell of the table: an engine, fed in one way.
pub(crate) struct Cell {
    pub(crate) engine: &'static Engine,
    pub(crate) way: Way,
    finder: Finder,
    text: Text,
    /// Totals of the current run: time, characters or bytes read, strings found.
    elapsed: Duration,
    read: u64,
    strings: u64,
    /// Nanoseconds per character or byte of each run; sorted after the last.
    costs: Vec<f64>,
}

/// Runs over all files until the budget is spent.
///
/// Calls `progress` with the number of bytes read since the last call, and `expect_runs` with the
/// number of runs.
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

/// Runs once over all files: each block is read once and parsed by all cells in turn.
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
                return Err(format!("{} has changed", file.input.name()));
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

    /// Median nanoseconds per character or byte. `None` if nothing was read.
    pub(crate) fn cost(&self) -> Option<f64> {
        let median = self.costs[self.costs.len() / 2];
        median.is_finite().then_some(median)
    }

    pub(crate) fn runs(&self) -> usize {
        self.costs.len()
    }

    /// Times parsing the part of a block in the scope, repeated `times` times.
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

    /// Parses the part of a block in the scope. Returns the number of strings that end there.
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
    /// Recognises the strings.
    inside: ByteByByte,
}

impl Text {
    fn new() -> Self {
        Self { chars: Vec::new(), inside: ByteByByte::new() }
    }

    /// Prepares for another input.
    fn restart(&mut self) {
        self.inside.reset();
    }

    /// Extracts the characters of the input's next pieces. Returns their number.
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
