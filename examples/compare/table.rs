//! Formats the table.

use std::fs;

use crate::check::{PART, is_partial};
use crate::engines::{ENGINES, LARGEST_CHUNK, MACHINE};
use crate::measure::{Cell, Way};
use crate::memory::Held;

/// Formats a row for each engine, and an explanation of the columns.
pub(crate) fn table(cells: &[Cell], held: &[Held]) -> String {
    let mut above = vec![String::new(), "bytes per".to_owned()];
    let mut below = vec!["engine".to_owned(), "parser".to_owned()];
    for way in Way::all() {
        let (first, second) = match way {
            Way::Chars => ("ns per ", "char ".to_owned()),
            Way::Chunks(size) => ("MB/s at ", grouped(size as u64) + " "),
            Way::Events => ("with ", "events ".to_owned()),
        };
        above.push(first.to_owned());
        below.push(second);
        if let Some(subject) = ratio_of(way) {
            above.push(format!("{subject} vs"));
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
            if ratio_of(cell.way).is_some() {
                line.push(ratio(cell, machine));
            }
        }
        line.push((engine.scan)().to_owned());
        lines.push(line);
    }
    aligned(&lines) + &notes(cells[0].runs(), held)
}

/// The name of the ratio in the column after this one, if it has one.
fn ratio_of(way: Way) -> Option<String> {
    match way {
        Way::Chars => Some("char".to_owned()),
        Way::Chunks(LARGEST_CHUNK) => Some(grouped(LARGEST_CHUNK as u64)),
        Way::Chunks(_) => None,
        Way::Events => Some("events".to_owned()),
    }
}

/// A cell's text, with a star if only a part of the input was measured.
fn figure(cell: &Cell) -> String {
    let star = if is_partial(cell.engine, cell.way.chunk_size()) { '*' } else { ' ' };
    match (cell.way, cell.cost()) {
        (_, None) => format!("-{star}"),
        (Way::Chars, Some(cost)) => format!("{cost:.1}{star}"),
        (_, Some(cost)) if cost > 100.0 => format!("{:.2}{star}", 1e3 / cost),
        (_, Some(cost)) => format!("{}{star}", grouped((1e3 / cost) as u64)),
    }
}

/// A cell's time relative to that of another engine.
fn ratio(cell: &Cell, other: &Cell) -> String {
    let ratio = cell.cost().zip(other.cost()).map(|(cost, other)| cost / other);
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// Aligns the first and the last column left, the others right.
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
        if cfg!(debug_assertions) { " A debug build: not for comparing speed." } else { "" };
    format!(
        "
Medians of runs: {runs}. Processor: {processor}.{debug}
bytes per parser  of a parser suspended inside a string: its size, its heap, and the pages it has
                  touched on its stack (coroutine: {stack} bytes)
ns per char       of the strings, through calls of `process_char` that are not inlined
MB/s at n         of the files, whose strings are found and parsed in chunks of n bytes without a
                  sink; reading the files is not timed
with events       the same in the largest chunks, with a sink
vs machine        time relative to `machine`, for the column to the left
scan              how bytes inside a string are skipped: one at a time, by nom, or by this kernel
*                 on the first {part} bytes of each file: combinator parses a string again with
                  every chunk
"
    )
}

/// The processor's name on Linux, or else its architecture.
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
