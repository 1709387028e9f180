//! The ratios that the project has goals for.

use pushdown::scan;

use crate::entries::Size;
use crate::medians::Medians;
use crate::table::heading;

const WHOLE: Size = Size::ALL[0];
const KIB_64: Size = Size::ALL[1];
const PACKET: Size = Size::ALL[2];
const BYTES_16: Size = Size::ALL[3];

const ENGINES: [&str; 4] = ["machine", "coroutine", "stackless", "generator"];
const NO_SINK: [&str; 4] =
    ["machine-no-sink", "coroutine-no-sink", "stackless-no-sink", "generator-no-sink"];

/// One speed divided by another.
struct Ratio {
    title: &'static str,
    group: &'static str,
    /// The rows, each with the least ratio wanted, if there is one.
    rows: Vec<(&'static str, Option<f64>)>,
    size: Size,
    /// The divisor of each; the row itself if `None`.
    by: Option<&'static str>,
    at: Size,
    /// The documents that the goal holds for.
    goal_for: fn(&str) -> bool,
}

/// A ratio and whether it meets its goal.
type Cell = Option<(f64, Option<bool>)>;

/// Prints the ratios, each with `+` if it meets its goal and `-` if it does not.
pub(crate) fn print(medians: &Medians, documents: &[&'static str]) {
    let (mut met, mut missed) = (0, Vec::new());
    let mut row = |title: &str, name: &str, goal: Option<f64>, cells: Vec<Cell>| {
        if cells.iter().all(Option::is_none) {
            return;
        }
        print!("{name:24}");
        for (cell, document) in cells.into_iter().zip(documents) {
            match cell {
                None => print!("{:>9} ", "-"),
                Some((ratio, None)) => print!("{ratio:>9.2} "),
                Some((ratio, Some(true))) => {
                    print!("{ratio:>9.2}+");
                    met += 1;
                }
                Some((ratio, Some(false))) => {
                    print!("{ratio:>9.2}-");
                    missed.push(format!("{title}: {name}, {document}: {ratio:.3}"));
                }
            }
        }
        println!("{}", goal.map_or(String::new(), |goal| format!("  goal {goal}")));
    };
    for ratio in ratios() {
        heading(ratio.title, documents);
        for &(name, goal) in &ratio.rows {
            let cells = documents.iter().map(|document| ratio.of(medians, name, goal, document));
            row(ratio.title, name, goal, cells.collect());
        }
    }
    // The fastest form is another engine: a coroutine that keeps its own stack of levels cannot be written with
    // the reads that everyone has.
    let title = "the recursive coroutine : the fastest of the other engines";
    heading(title, documents);
    for size in Size::ALL {
        let cell = |document: &&'static str| {
            let speed = |engine| medians.speed("json", engine, size, document);
            let others = ENGINES.into_iter().filter(|engine| *engine != "coroutine");
            Some((speed("coroutine")? / others.filter_map(speed).reduce(f64::max)?, None))
        };
        row(title, &size.name(), None, documents.iter().map(cell).collect());
    }
    println!("\n{met} goals met, {} missed", missed.len());
    for goal in missed {
        println!("missed: {goal}");
    }
}

impl Ratio {
    fn of(
        &self,
        medians: &Medians,
        name: &'static str,
        goal: Option<f64>,
        document: &'static str,
    ) -> Cell {
        let speed = |name, size| medians.speed(self.group, name, size, document);
        let ratio = speed(name, self.size)? / speed(self.by.unwrap_or(name), self.at)?;
        let goal = goal.filter(|_| (self.goal_for)(document));
        Some((ratio, goal.map(|goal| ratio >= goal)))
    }
}

fn ratios() -> Vec<Ratio> {
    let all: fn(&str) -> bool = |_| true;
    let three: fn(&str) -> bool =
        |document| ["twitter", "citm_catalog", "canada"].contains(&document);
    // The generator is reported without a goal.
    let goals = |names: [&'static str; 4], goals: [f64; 3]| {
        let [machine, coroutine, stackless] = goals.map(Some);
        names.into_iter().zip([machine, coroutine, stackless, None]).collect::<Vec<_>>()
    };
    let (bufjson, ignored) = (Some("peer-bufjson"), Some("peer-serde-ignored"));
    let json = |title, rows, size, by, at, goal_for| Ratio {
        title,
        group: "json",
        rows,
        size,
        by,
        at,
        goal_for,
    };
    let items = |title, rows, by| Ratio {
        title,
        group: "json-items",
        rows,
        size: KIB_64,
        by,
        at: WHOLE,
        goal_for: all,
    };
    let values = ["machine-value", "coroutine-value", "stackless-value"];
    // Without vector kernels less is wanted, and on three documents.
    let portable = scan::kernel_name() == "swar";
    let (of_bufjson, on) = if portable { (3.0, three) } else { (4.0, all) };
    let mut ratios = vec![json(
        "64 KiB : bufjson's pipe",
        goals(ENGINES, [of_bufjson; 3]),
        KIB_64,
        bufjson,
        KIB_64,
        on,
    )];
    if portable {
        return ratios;
    }
    ratios.extend([
        json(
            "16 bytes : bufjson's pipe",
            goals(ENGINES, [2.5; 3]),
            BYTES_16,
            bufjson,
            BYTES_16,
            all,
        ),
        json("whole, no sink : IgnoredAny", goals(NO_SINK, [1.0; 3]), WHOLE, ignored, WHOLE, three),
        json("whole : IgnoredAny", goals(ENGINES, [0.92; 3]), WHOLE, ignored, WHOLE, three),
        // Equal, but for what two medians of the same thing differ.
        json("64 KiB : whole", goals(ENGINES, [0.97; 3]), KIB_64, None, WHOLE, all),
        json(
            "1,460 bytes : whole",
            goals(ENGINES, [0.86, 0.86, 0.8]),
            PACKET,
            None,
            WHOLE,
            |document| document != "string_unicode",
        ),
        items(
            "items in 64 KiB : serde_json, all of it",
            values.map(|name| (name, Some(1.0))).into(),
            Some("peer-serde-value"),
        ),
        items(
            "the same into structs",
            vec![("machine-struct", Some(0.7))],
            Some("peer-serde-struct"),
        ),
    ]);
    ratios
}
