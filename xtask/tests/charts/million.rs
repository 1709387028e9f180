//! The table and charts of the example `million`.

use std::fs::{self, File};
use std::path::Path;

use roxmltree::Document;

use crate::{assert_fits_a_phone, charts, directory, leap_day, stderr, written};

/// The output of the example `million`, and of the program in Go behind it.
const MILLION: &str = "\
engine,live,bytes_each,create_ns,feed_ns
machine,1000000,24,20,2.5
machine,10000000,24,20,2.0
stackless,10000000,320,148,13.0
json-stackless,10000000,1500,700,40.0
coroutine,1000000,4184,300,50.0
peer-goroutine-go1.27.3,1000000,3000,1000,500.0
";

#[test]
fn the_output_of_the_example_million_becomes_a_table_and_charts() {
    let output = directory("charts-million").join("million.csv");
    fs::write(&output, MILLION).unwrap();
    File::options().write(true).open(&output).unwrap().set_modified(leap_day()).unwrap();
    let out = directory("charts-million-out");
    let mut files = written(&out, &[Path::new("--only"), Path::new("million"), &output]);
    let table = files.remove("csv").unwrap();
    assert!(table.ends_with(&format!("cargo xtask charts --only million\n{MILLION}")), "{table}");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["feed.svg", "memory.svg"]);
    let panels = ["10,000,000 live parsers", "1,000,000 live parsers", "machine", "stackless"];
    for (name, labels) in [
        ("memory.svg", ["machine's memory", "goroutine-stack", "2,048", "4,184", "174 ×"]),
        ("feed.svg", ["machine's time", "json-stackless", "goroutine-go1.27.3", "500", "6.50 ×"]),
    ] {
        let chart = Document::parse(&files[name]).unwrap();
        let texts: Vec<_> = chart.descendants().filter_map(|node| node.text()).collect();
        for label in labels.iter().chain(&panels) {
            assert!(texts.contains(label), "{name} has no text {label}: {texts:?}");
        }
        let [ten, one] = [0, 1].map(|panel| texts.iter().position(|text| *text == panels[panel]));
        assert!(ten < one, "not the largest number first: {texts:?}");
        assert_fits_a_phone(name, &chart);
    }

    let path = out.join("table.csv");
    fs::write(&path, &table).unwrap();
    let again = written(&directory("charts-million-from"), &[Path::new("--from"), &path]);
    assert_eq!(again, files);
}

#[test]
fn an_output_of_the_example_million_that_cannot_be_read_is_named() {
    let output = directory("charts-no-million").join("million.csv");
    for (text, complaint) in [
        (None, "run cargo run --release --example million"),
        (Some("engine,live,bytes_each,create_ns,feed_ns\n"), ": no rows"),
        (Some("machine,10,24,20\n"), ": machine,10,24,20"),
        (Some("machine,10,24,20,0\n"), ": machine,10,24,20,0"),
    ] {
        if let Some(text) = text {
            fs::write(&output, text).unwrap();
        }
        let output = charts(&[Path::new("--only"), Path::new("million"), &output]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(complaint) && message.contains("million.csv"), "{message}");
    }
}
