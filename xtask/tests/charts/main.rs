//! `cargo xtask charts`, run on Criterion results written here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use roxmltree::Document;

mod million;

/// Noon of 29 February 2024.
fn leap_day() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_709_208_000)
}

/// Creates an empty directory.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// Writes the files that Criterion writes for a benchmark: the newest run, and the one before it,
/// which took seven times as long.
fn write_result(criterion: &Path, id: [&str; 3], throughput: &str, median: f64, taken: SystemTime) {
    let [group, function, parameter] = id;
    let directory = criterion.join(group.replace('/', "_")).join(function).join(parameter);
    let value = if parameter.is_empty() { "null".into() } else { format!(r#""{parameter}""#) };
    let benchmark = format!(
        r#"{{"group_id":"{group}","function_id":"{function}","value_str":{value},
            "throughput":{throughput},"full_id":"-","directory_name":"-","title":"-"}}"#
    );
    let estimate = |point: f64| {
        let (low, high) = (point - 0.25, point + 0.5);
        format!(
            r#"{{"confidence_interval":{{"confidence_level":0.95,"lower_bound":{low},
                "upper_bound":{high}}},"point_estimate":{point},"standard_error":0.1}}"#
        )
    };
    for (run, factor) in [("base", 7.0), ("new", 1.0)] {
        let directory = directory.join(run);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("benchmark.json"), &benchmark).unwrap();
        let (mean, median) = (estimate(3.0 * factor * median), estimate(factor * median));
        let estimates = directory.join("estimates.json");
        fs::write(&estimates, format!(r#"{{"mean":{mean},"median":{median}}}"#)).unwrap();
        File::options().write(true).open(estimates).unwrap().set_modified(taken).unwrap();
    }
}

const BYTES: &str = r#"{"Bytes":65536}"#;

const JSON: [(&str, &str, &str, f64); 9] = [
    ("json/twitter", "machine", "16", 100_000.0),
    ("json/twitter", "machine", "65536", 25_000.0),
    ("json/twitter", "machine-no-sink", "65536", 20_000.0),
    ("json/twitter", "machine", "whole", 25_000.0),
    ("json/twitter", "peer-bufjson", "65536", 100_000.0),
    ("json/canada", "coroutine", "1460", 30_000.0),
    ("json-items/canada", "machine-value", "whole", 30_000.0),
    ("json-items/canada", "peer-serde-value", "whole", 40_000.0),
    ("jsonish/canada", "machine", "whole", 40_000.0),
];

/// Results of the patterns, in nanoseconds per element.
const PATTERNS: [(&str, &str, &str, f64); 20] = [
    ("pubsub/fan-out", "mutex", "10", 20.0),
    ("pubsub/fan-out", "peer-async-broadcast", "10", 30.0),
    ("pubsub/fan-out", "mutex", "1000", 10.0),
    ("pubsub/fan-out", "task", "1000", 40.0),
    ("pubsub/drop", "mutex", "100", 10.0),
    ("pubsub/drop", "peer-tokio-broadcast-arc", "100", 25.0),
    ("pubsub/stuck", "none", "10", 20.0),
    ("schedule/no-op", "tokio", "", 200.0),
    ("schedule/no-op", "peer-joinset", "", 500.0),
    ("schedule/eval", "hand-written", "", 13_000.0),
    ("replicated/ready", "after", "", 200.0),
    ("replicated/ready", "peer-tower", "", 150.0),
    ("replicated/yields", "percentile", "", 700.0),
    ("replicated/yields", "after", "", 701.0),
    ("replicated/redis", "healthy", "", 50_000.0),
    ("replicated/redis", "stopped", "", 60_000.0),
    ("mux/memcached", "mux", "64", 2000.0),
    ("mux/redis", "mux", "64", 2000.0),
    ("mux/redis", "peer-redis", "64", 3000.0),
    ("muxed/redis", "peer-redis", "64", 3000.0),
];

fn write_patterns(criterion: &Path) {
    for (group, function, parameter, cost) in PATTERNS {
        let id = [group, function, parameter];
        write_result(criterion, id, r#"{"Elements":1000}"#, 1000.0 * cost, leap_day());
    }
}

/// Writes results for every chart of the parsers.
fn write_results(criterion: &Path) {
    for (function, factor) in
        [("machine", 1.0), ("coroutine", 1.25), ("stackless", 1.5), ("generator", 2.0)]
    {
        for (parameter, median) in [("16", 32_000.0), ("65536", 1000.0)] {
            for group in ["quoted/plain", "quoted-events/plain"] {
                write_result(
                    criterion,
                    [group, function, parameter],
                    BYTES,
                    median * factor,
                    leap_day(),
                );
            }
        }
        let chars = r#"{"Elements":1000}"#;
        write_result(
            criterion,
            ["quoted/char", function, "ascii"],
            chars,
            3000.0 * factor,
            leap_day(),
        );
        write_result(criterion, ["bodies/plain", function, "1460"], BYTES, 40_000.0, leap_day());
        write_result(criterion, ["create/done", function, ""], "null", 7.0 * factor, leap_day());
        for (live, median) in [("1", 3.0), ("1000", 4.0), ("30000", 90.0)] {
            let byte = r#"{"Bytes":1}"#;
            write_result(criterion, ["scale/1-byte", function, live], byte, median, leap_day());
        }
    }
    for (group, function, parameter, median) in JSON {
        write_result(criterion, [group, function, parameter], BYTES, median, leap_day());
    }
    for group in ["quoted/escapes-2%", "quoted/escapes-half"] {
        write_result(criterion, [group, "machine", "16"], BYTES, 32_000.0, leap_day());
    }
    write_result(criterion, ["quoted/plain", "limit", "65536"], BYTES, 900.0, leap_day());
    write_result(criterion, ["quoted/plain", "peer-a<b>&c", "65536"], BYTES, 123_456.5, leap_day());
    fs::create_dir_all(criterion.join("report")).unwrap();
}

fn charts(args: &[&Path]) -> Output {
    // A later `--out` takes precedence; this one keeps every test out of the repository.
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("charts-out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("charts").arg("--out").arg(out).args(args).output().unwrap()
}

/// Runs the command on these directories. Returns the files written, by kind (`csv`, `chunks.svg`).
fn written(out: &Path, criterion: &[&Path]) -> BTreeMap<String, String> {
    let args = [&[Path::new("--out"), out], criterion].concat();
    let output = charts(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let files = printed.lines().map(|path| {
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        let (stem, kind) = name.split_once('.').unwrap();
        assert!(stem.ends_with("-2024-02-29"), "{name}");
        (kind.to_owned(), fs::read_to_string(path).unwrap())
    });
    files.collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_table_has_its_origin_and_a_row_for_each_benchmark() {
    let criterion = directory("charts-table");
    write_results(&criterion);
    let args = [Path::new("--only"), Path::new("quoted"), &criterion];
    let table = &written(&directory("charts-table-out"), &args)["csv"];

    let (origin, rows): (Vec<&str>, Vec<&str>) =
        table.lines().partition(|line| line.starts_with('#'));
    let keys: Vec<_> = origin.iter().map(|line| line.split_once(": ").unwrap().0).collect();
    let expected = ["# processor", "# kernel", "# compiler", "# commit", "# date", "# command"];
    assert_eq!(keys, expected);
    let kernel = format!("# kernel: {}", pushdown::scan::kernel_name());
    assert!(origin.contains(&&kernel[..]) && origin.contains(&"# date: 2024-02-29"), "{origin:?}");

    assert_eq!(rows[0], "group,function,parameter,median_ns,low_ns,high_ns,bytes,elements");
    assert_eq!(rows.len(), 1 + 4 * 10 + 2 + 2);
    for row in [
        "create/done,generator,,14.000,13.750,14.500,,",
        "quoted/char,coroutine,ascii,3750.000,3749.750,3750.500,,1000",
        "quoted/plain,peer-a<b>&c,65536,123456.500,123456.250,123457.000,65536,",
    ] {
        assert!(rows.contains(&row), "{row} is not in {rows:#?}");
    }
    let sizes: Vec<_> =
        rows.iter().filter(|row| row.starts_with("quoted/plain,machine,")).collect();
    assert_eq!(sizes.len(), 2);
    assert!(sizes[0].contains(",16,") && sizes[1].contains(",65536,"), "not in order: {sizes:?}");
}

#[test]
fn every_chart_is_xml_on_white_with_its_labels() {
    let criterion = directory("charts-charts");
    write_results(&criterion);
    let files = written(&directory("charts-charts-out"), &[&criterion]);

    let engines = ["machine", "coroutine", "stackless", "generator"];
    let expected = [
        ("chunks.svg", &["GB/s", "bytes in a chunk", "no escapes", "65,536"][..]),
        ("bulk.svg", &["GB/s", "65.5", "0.53", "limit (memchr2)", "a<b>&c", "123 ×"]),
        ("events.svg", &["GB/s", "no escapes"]),
        ("chars.svg", &["nanoseconds per character", "ASCII", "3.75", "1.25 ×"]),
        ("bodies.svg", &["nanoseconds per byte", "0.61"]),
        ("create.svg", &["nanoseconds per parser", "8.75"]),
        ("scale.svg", &["nanoseconds per feed", "live parsers", "30,000"]),
    ];
    let documents = [
        ("json.svg", &["twitter", "machine", "machine-no-sink", "bufjson", "2.62", "0.80 ×"][..]),
        ("json-whole.svg", &["twitter", "machine"]),
        ("json-chunks.svg", &["twitter in 65,536 bytes", "canada in 1,460 bytes", "coroutine"]),
        ("json-items.svg", &["canada", "machine-value", "serde-value"]),
    ];
    assert_eq!(files.len(), 1 + expected.len() + documents.len(), "{:?}", files.keys());
    let mut colours: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, labels, engines) in expected
        .map(|(name, labels)| (name, labels, &engines[..]))
        .into_iter()
        .chain(documents.map(|(name, labels)| (name, labels, &[][..])))
    {
        let chart = Document::parse(&files[name]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let elements: Vec<_> =
            chart.root_element().children().filter(roxmltree::Node::is_element).collect();
        let background = elements.iter().find(|node| node.has_tag_name("rect")).unwrap();
        let background = ["width", "height", "fill"].map(|key| background.attribute(key).unwrap());
        assert_eq!(background, ["100%", "100%", "white"], "{name}");
        let texts: Vec<_> = chart.descendants().filter_map(|node| node.text()).collect();
        for label in labels.iter().chain(engines) {
            assert!(texts.contains(label), "{name} has no text {label}: {texts:?}");
        }
        assert!(!files[name].contains("NaN") && !files[name].contains("inf"), "{name}");
        assert_fits_a_phone(name, &chart);
        // In the legend each name follows its line.
        for pair in elements.windows(2) {
            let engine = engines.iter().find(|engine| pair[1].text() == Some(engine));
            if let (Some(engine), Some(colour)) = (engine, pair[0].attribute("stroke")) {
                colours.entry(engine).or_default().insert(colour.to_owned());
            }
        }
    }
    let bulk = Document::parse(&files["bulk.svg"]).unwrap();
    let bars = bulk.descendants().filter_map(|node| node.attribute("width")?.parse::<f64>().ok());
    let bars: Vec<f64> = bars.skip(1).collect();
    assert!(bars.len() == 6 && bars.is_sorted_by(|faster, slower| faster > slower), "{bars:?}");
    println!("{} charts with their labels", expected.len() + documents.len());
    assert_eq!(colours.len(), engines.len());
    assert!(colours.values().all(|colours| colours.len() == 1), "{colours:?}");
    assert_eq!(colours.values().collect::<BTreeSet<_>>().len(), engines.len(), "{colours:?}");
}

#[test]
fn the_results_of_one_bench_have_a_table_of_their_own() {
    let criterion = directory("charts-only");
    write_results(&criterion);
    let args = [Path::new("--only"), Path::new("json"), &criterion];
    let files = written(&directory("charts-only-out"), &args);
    let table = &files["csv"];
    let rows: Vec<_> = table.lines().filter(|line| !line.starts_with('#')).skip(1).collect();
    assert_eq!(rows.len(), JSON.len() - 1, "{table}");
    assert!(rows.iter().all(|row| row.starts_with("json/") || row.starts_with("json-items/")));
    let command =
        "(cd benches/peers && cargo bench --bench json) && cargo xtask charts --only json";
    assert!(table.contains(&format!("# command: {command}\n")), "{table}");
    assert_eq!(files.len(), 1 + 4, "{:?}", files.keys());
}

#[test]
fn the_patterns_have_a_table_and_charts_of_their_own() {
    let criterion = directory("charts-patterns");
    write_results(&criterion);
    write_patterns(&criterion);
    let args = [Path::new("--only"), Path::new("patterns"), &criterion];
    let files = written(&directory("charts-patterns-out"), &args);
    let rows = files["csv"].lines().filter(|line| !line.starts_with('#')).count() - 1;
    assert_eq!(rows, PATTERNS.len() - 1, "{}", files["csv"]);
    assert!(
        files["csv"]
            .contains("# command: cargo bench -p pushdown-patterns-benches && (cd benches/peers")
    );

    let expected = [
        ("fan-out.svg", &["10 subscribers", "1,000 subscribers", "1.50 ×", "mutex's time"][..]),
        ("drop.svg", &["100 subscribers", "tokio-broadcast-arc", "2.50 ×"]),
        ("schedule.svg", &["joinset", "2.50 ×", "tokio's time", "hand-written", "other code"]),
        ("replicated.svg", &["answered at once", "tower", "0.75 ×", "after's time"]),
        ("stopped.svg", &["microseconds per call", "60.0", "1.20 ×", "healthy's time"]),
        (
            "mux.svg",
            &["memcached, 64 callers", "redis-server, 64 callers", "mux", "redis", "1.50 ×"],
        ),
    ];
    assert_eq!(files.len(), 1 + expected.len(), "{:?}", files.keys());
    for (name, labels) in expected {
        let chart = Document::parse(&files[name]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let texts: Vec<_> = chart.descendants().filter_map(|node| node.text()).collect();
        for label in labels {
            assert!(texts.contains(label), "{name} has no text {label}: {texts:?}");
        }
        assert!(!texts.contains(&"1.0 ×"), "{name} rounds 0.998 to two digits");
        assert_fits_a_phone(name, &chart);
    }
    println!("{} charts of the patterns", expected.len());
}

#[test]
fn without_a_name_each_table_is_written_to_its_folder() {
    let (criterion, out) = (directory("charts-all"), directory("charts-all-out"));
    write_results(&criterion);
    write_patterns(&criterion);
    written(&out, &[&criterion]);
    let folders = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let tables = folders.map(|folder| {
        let mut files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let table = files.find(|file| file.extension().unwrap() == "csv").unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let rows = fs::read_to_string(table).unwrap();
        let groups: BTreeSet<String> = rows
            .lines()
            .skip(7)
            .map(|row| row.split(['/', '-']).next().unwrap().to_owned())
            .collect();
        (name, groups.into_iter().collect::<Vec<_>>().join(" "))
    });
    let tables: BTreeMap<String, String> = tables.collect();
    let expected = [
        ("json", "json"),
        ("patterns", "mux pubsub replicated schedule"),
        ("quoted", "bodies create quoted scale"),
    ];
    let expected = expected.map(|(name, groups)| (name.to_owned(), groups.to_owned()));
    assert_eq!(tables, BTreeMap::from(expected));
}

#[test]
fn a_table_is_drawn_again_as_it_was() {
    let (criterion, out) = (directory("charts-again"), directory("charts-again-out"));
    write_results(&criterion);
    write_patterns(&criterion);
    for only in ["json", "patterns"] {
        let mut files = written(&out, &[Path::new("--only"), Path::new(only), &criterion]);
        let table = out.join("table.csv");
        fs::write(&table, files.remove("csv").unwrap()).unwrap();
        let again = written(&directory("charts-again-from"), &[Path::new("--from"), &table]);
        assert_eq!(again, files);
    }
}

#[test]
fn a_table_that_cannot_be_read_is_named() {
    let table = directory("charts-no-table").join("table.csv");
    for (text, complaint) in [
        (None, "cannot read"),
        (Some(""), "is no table of results: processor"),
        (Some("# processor: a\n# kernel: b\n# compiler: c\n# date: d\n"), ": commit"),
        (
            Some(
                "# processor: a\n# kernel: b\n# compiler: c\n# commit: d\n# date: e\n# command: f\n-\na,b,c,1,1,x,,\n",
            ),
            ": a,b,c,1,1,x,,",
        ),
    ] {
        if let Some(text) = text {
            fs::write(&table, text).unwrap();
        }
        let output = charts(&[Path::new("--from"), &table]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(complaint), "{message}");
        assert!(message.contains(table.to_str().unwrap()), "{message}");
    }
}

fn assert_all_shapes_are_inside(name: &str, chart: &Document<'_>) {
    let number = |text: &str| text.parse::<f64>().unwrap();
    let size = ["width", "height"].map(|key| number(chart.root_element().attribute(key).unwrap()));
    let mut shapes = 0;
    for shape in chart.descendants() {
        let points: Vec<[f64; 2]> = if let Some(points) = shape.attribute("points") {
            let points = points.split(' ').map(|point| point.split_once(',').unwrap());
            points.map(|(x, y)| [number(x), number(y)]).collect()
        } else if let Some(x) = shape.attribute("x") {
            let [y, width, height] =
                ["y", "width", "height"].map(|key| number(shape.attribute(key).unwrap()));
            vec![[number(x), y], [number(x) + width, y + height]]
        } else {
            continue;
        };
        shapes += 1;
        for point in points {
            let inside = (0..2).all(|axis| (0.0..=size[axis]).contains(&point[axis]));
            assert!(inside, "{point:?} is not in {size:?} of {name}: {shape:?}");
        }
    }
    assert!(shapes > 0, "{name}");
}

/// A phone is about 390 pixels wide, where print of 12.5 pixels must not shrink below 8.
fn assert_fits_a_phone(name: &str, chart: &Document<'_>) {
    assert_all_shapes_are_inside(name, chart);
    let width: f64 = chart.root_element().attribute("width").unwrap().parse().unwrap();
    assert!(width <= 600.0, "{name} is {width} wide, and small print on a phone");
}

#[test]
fn of_two_results_the_later_counts() {
    let (older, newer) = (directory("charts-older"), directory("charts-newer"));
    let id = ["create/done", "machine", ""];
    write_result(&older, id, "null", 5.0, leap_day() - Duration::from_secs(60));
    write_result(&newer, id, "null", 9.0, leap_day());
    let out = directory("charts-later-out");
    for directories in [[&*older, &newer], [&newer, &older]] {
        let table = &written(&out, &directories)["csv"];
        assert!(table.ends_with("\ncreate/done,machine,,9.000,8.750,9.500,,\n"), "{table}");
    }
}

#[test]
fn without_results_the_error_names_the_command_to_run() {
    let output = charts(&[&directory("charts-empty"), Path::new("not there")]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    for part in ["charts-empty\n", "not there\n", "cargo bench && (cd benches/peers"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn an_unreadable_file_is_named() {
    for (broken, complaint) in [
        (None, "cannot read"),
        (Some("{"), "is not JSON"),
        (Some("{}"), "no duration /median/point_estimate in"),
    ] {
        let criterion = directory("charts-broken");
        write_result(&criterion, ["create/done", "machine", ""], "null", 5.0, leap_day());
        let estimates = criterion.join("create_done/machine/new/estimates.json");
        match broken {
            Some(text) => fs::write(&estimates, text).unwrap(),
            None => fs::remove_file(&estimates).unwrap(),
        }
        let output = charts(&[&criterion]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(complaint), "{message}");
        assert!(message.contains(estimates.to_str().unwrap()), "{message}");
    }
}

#[test]
fn a_wrong_command_line_prints_the_usage() {
    for (args, complaint) in [
        (&["--chart"][..], "unknown option --chart"),
        (&["--out"], "--out needs a directory"),
        (&["--only"], "--only needs a table: quoted, json, resp, sse, patterns, million"),
        (&["--only", "tables"], "--only needs a table"),
        (&["--from"], "--from needs a table"),
    ] {
        let args: Vec<&Path> = args.iter().map(Path::new).collect();
        let output = charts(&args);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(complaint) && message.contains("Usage: cargo xtask"), "{message}");
    }
}
