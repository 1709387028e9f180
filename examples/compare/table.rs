//! The table.

use std::fs;

use crate::check::{PART, is_partial};
use crate::engines::{ENGINES, LARGEST_CHUNK, MACHINE};
use crate::measure::{Cell, Way};
use crate::memory::Held;

/// A row for each engine, and what the columns mean.
pub(crate) fn table(cells: &[Cell], held: &[Held]) -> String {
    let mut above = vec![String::new(), "bytes per".to_owned()];
    let mut below = vec!["engine".to_owned(), "parser".to_owned()];
    for way in Way::all() {
        let (first, second) = match way {
            Way::Chars => ("ns per ", "char ".to_owned()),
            Way::Chunks(size) => ("MB/s by ", grouped(size as u64) + " "),
            Way::Events => ("with ", "events ".to_owned()),
        };
        above.push(first.to_owned());
        below.push(second);
        if has_ratio(way) {
            above.push("to the".to_owned());
            below.push("machine".to_owned());
        }
    }
    above.push(String::new());
    below.push("scan".to_owned());

    let rows: Vec<&[Cell]> = cells.chunks(cells.len() / ENGINES.len()).collect();
    let mut lines = vec![above, below];
    for (row, held) in rows.iter().zip(held) {
        let engine = row[0].engine;
        let bytes = held.stack.map(|stack| grouped((held.heap + stack) as u64));
        let mut line = vec![engine.name.to_owned(), bytes.unwrap_or("?".to_owned())];
        for (cell, machine) in row.iter().zip(rows[MACHINE]) {
            line.push(figure(cell));
            if has_ratio(cell.way) {
                line.push(ratio(cell, machine));
            }
        }
        line.push((engine.scan)().to_owned());
        lines.push(line);
    }
    aligned(&lines) + &notes(cells[0].runs(), held)
}

fn has_ratio(way: Way) -> bool {
    !matches!(way, Way::Chunks(size) if size < LARGEST_CHUNK)
}

/// What a cell shows, with a star if it was measured on a part of the input only.
fn figure(cell: &Cell) -> String {
    let star = if is_partial(cell.engine, cell.way.chunk_size()) { '*' } else { ' ' };
    match (cell.way, cell.cost()) {
        (_, None) => format!("-{star}"),
        (Way::Chars, Some(cost)) => format!("{cost:.1}{star}"),
        (_, Some(cost)) if cost > 100.0 => format!("{:.2}{star}", 1e3 / cost),
        (_, Some(cost)) => format!("{}{star}", grouped((1e3 / cost) as u64)),
    }
}

/// How many times as long a cell takes as that of another engine.
fn ratio(cell: &Cell, other: &Cell) -> String {
    let ratio = cell.cost().zip(other.cost()).map(|(cost, other)| cost / other);
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// The first and the last column to the left, the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let last = lines[0].len() - 1;
    let mut text = String::new();
    for line in lines {
        text += &format!("{:1$}", line[0], width(0));
        for (column, word) in line.iter().enumerate().take(last).skip(1) {
            text += &format!(" {word:>0$}", width(column));
        }
        text += &format!("  {}\n", line[last]);
    }
    text
}

fn notes(runs: usize, held: &[Held]) -> String {
    let stack = held.iter().filter_map(|held| held.stack).max();
    let stack = stack.map_or("unknown".to_owned(), |stack| grouped(stack as u64));
    let part = grouped(PART);
    let processor = processor();
    let debug =
        if cfg!(debug_assertions) { " A debug build: it says nothing about speed." } else { "" };
    format!(
        "
Medians of runs: {runs}. Processor: {processor}.{debug}
bytes per parser  of one that is suspended inside a string: itself, its heap, and the pages it has
                  touched of its stack (coroutine: {stack} bytes)
ns per char       of the strings, through calls of `process_char` that are not inlined
MB/s by n         of the files, whose strings are found and recognised in chunks of n bytes; the
                  clock runs only while a block that has been read is parsed; nobody takes events
with events       the same in the largest chunks, but somebody does
to the machine    how many times as long as `machine` takes, for the column before
scan              how bytes inside a string are got past: one by one, by nom, or by a kernel of ours
*                 on the first {part} bytes of each file: combinator parses a string again with
                  every chunk
"
    )
}

/// The processor's name, where the system tells it.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or(std::env::consts::ARCH, |name| name.trim_start_matches([' ', '\t', ':'])).to_owned()
}

/// A number with a comma between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
