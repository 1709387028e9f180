//! The results of the example `million`: the memory of one of many live parsers, and the time to feed it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::bars::{self, Bar, Panel};
use super::frame::Labels;
use super::style::{figure, mark};
use super::table::fault;

/// The argument of `--only`, and the folder of the results.
pub(crate) const NAME: &str = "million";

/// The command that takes the measurements. Without Go there is no row for it.
pub(crate) const COMMAND: &str = "cargo run --release --example million -- --csv \
    machine 1000000 10000000 stackless 1000000 10000000 json-stackless 1000000 10000000 \
    coroutine 1000000 > target/million.csv; \
    go run benches/peers/goroutines.go >> target/million.csv; cargo xtask charts --only million";

/// The heading of the columns, in the example's output and in the table.
pub(crate) const COLUMNS: &str = "engine,live,bytes_each,create_ns,feed_ns";

/// Bytes of the stack that a goroutine starts with: `stackMin` in Go's `src/runtime/stack.go`.
const GOROUTINE_STACK: (&str, f64) = ("peer-goroutine-stack", 2048.0);

/// Parsers of one engine, each in the middle of a string.
pub(crate) struct Row {
    engine: String,
    live: u64,
    /// Resident bytes for each parser, where the system tells.
    bytes: Option<f64>,
    /// Nanoseconds to create a parser, and to feed it a byte.
    create: f64,
    feed: f64,
}

/// Reads the output of the example, and of other programs behind it. Returns its time, too.
pub(crate) fn measured(path: &Path) -> Result<(Vec<Row>, SystemTime), String> {
    let cannot_read = |error| format!("cannot read {}: {error}; run {COMMAND}", path.display());
    let text = fs::read_to_string(path).map_err(cannot_read)?;
    let taken = path.metadata().and_then(|metadata| metadata.modified()).map_err(cannot_read)?;
    let rows = text.lines().filter(|line| *line != COLUMNS);
    Ok((read(path, rows)?, taken))
}

/// Reads the rows of a table. A message about a fault names the path.
pub(crate) fn read<'a>(
    path: &Path,
    rows: impl Iterator<Item = &'a str>,
) -> Result<Vec<Row>, String> {
    let rows: Vec<Row> =
        rows.map(|text| row(text).ok_or(fault(path, text))).collect::<Result<_, _>>()?;
    if rows.is_empty() { Err(fault(path, "no rows")) } else { Ok(rows) }
}

fn row(text: &str) -> Option<Row> {
    let [engine, live, bytes, create, feed] =
        text.split(',').collect::<Vec<_>>().try_into().ok()?;
    let positive = |text: &str| text.parse().ok().filter(|number| *number > 0.0);
    Some(Row {
        engine: engine.to_owned(),
        live: live.parse().ok()?,
        bytes: if bytes.is_empty() { None } else { Some(positive(bytes)?) },
        create: positive(create)?,
        feed: positive(feed)?,
    })
}

/// Formats the rows as comma-separated values, below their heading.
pub(crate) fn csv(rows: &[Row]) -> String {
    let mut csv = format!("{COLUMNS}\n");
    for Row { engine, live, bytes, create, feed } in rows {
        let bytes = bytes.map_or(String::new(), |bytes| bytes.to_string());
        csv += &format!("{engine},{live},{bytes},{create},{feed:.1}\n");
    }
    csv
}

/// Draws the charts. Returns each with its name.
pub(crate) fn draw(rows: &[Row], footer: &str) -> Vec<(&'static str, String)> {
    let memory = Labels {
        title: "Memory of a live parser",
        subtitle: "Each is in the middle of a string, and that of JSON eight levels deep. Go starts a \
            goroutine with a stack of 2,048 bytes. Lower is better.",
        x: "resident bytes",
        y: "",
        footer,
    };
    let feed = Labels {
        title: "A byte for one of many live parsers",
        subtitle: "Fed in turn, so that each is out of the cache. Lower is better.",
        x: "nanoseconds per feed",
        ..memory
    };
    let charts = [
        ("memory", memory, panels(rows, |row| row.bytes, mark, "memory", Some(GOROUTINE_STACK))),
        ("feed", feed, panels(rows, |row| Some(row.feed), figure, "time", None)),
    ];
    let charts = charts.into_iter().filter(|(_, _, panels)| !panels.is_empty());
    charts.map(|(name, labels, panels)| (name, bars::draw(&labels, &panels))).collect()
}

/// A panel for each number of live parsers, the largest first, with its shortest bar first.
fn panels<'a>(
    rows: &'a [Row],
    value: fn(&Row) -> Option<f64>,
    print: fn(f64) -> String,
    quantity: &str,
    published: Option<(&'static str, f64)>,
) -> Vec<Panel<'a>> {
    let mut numbers: Vec<u64> = rows.iter().map(|row| row.live).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.dedup();
    let panels = numbers.into_iter().map(|live| {
        let measured = rows.iter().filter(|row| row.live == live);
        let measured = measured.filter_map(|row| Some((&row.engine[..], value(row)?)));
        let mut values: Vec<_> = measured.chain(published).collect();
        values.sort_by(|a, b| a.1.total_cmp(&b.1));
        let machine = values.iter().find(|value| value.0 == "machine").map(|value| value.1);
        let bars = values.into_iter().map(|(function, value)| Bar {
            function,
            value,
            text: print(value),
            ratio: machine.map(|machine| value / machine),
        });
        Panel {
            title: format!("{} live parsers", mark(live as f64)),
            bars: bars.collect(),
            compared_with: machine.map(|_| format!("machine's {quantity}")),
        }
    });
    panels.collect()
}
