//! Published texts and documents, in every engine: the data and its licences are in `tests/data/json`.

use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pushdown::json::Extent;

use crate::common::log::Log;
use crate::common::{Engine, Expected, Rules, oracle};
use crate::cuttings::{LONGEST, RANDOM, cuttings};
use crate::peer::Tree;
use crate::sums::Sums;
use crate::tape::Tape;

/// Deep enough for every text of the suite that may be accepted.
const SUITE: Rules = Rules { depth: 1000, ..Rules::DEFAULT };

#[test]
fn the_suite_is_accepted_and_rejected_as_it_demands() {
    deep(|| {
        let mut check = Check::new(SUITE);
        for row in table("json/suite-expected.tsv") {
            let [file, verdict, note, events] = columns(&row);
            let accepted = match (verdict, note) {
                ("y", _) | ("i", "grammar-valid") => true,
                ("n", _) | ("i", "not-utf8-or-bom" | "lone-surrogate-escape") => false,
                _ => panic!("{row}"),
            };
            check.text(file, &read(&format!("json/suite/{file}")), accepted.then_some(events));
        }
        check.report(318);
    });
}

#[test]
fn texts_whose_meaning_is_disputed_are_reported_as_they_are_written() {
    let mut check = Check::new(Rules::DEFAULT);
    for row in table("json/transform-expected.tsv") {
        let [file, verdict, events] = columns(&row);
        // `accept-lone` is a half of a surrogate pair, which has no meaning that is UTF-8.
        let accepted = verdict == "accept";
        check.text(file, &read(&format!("json/transform/{file}")), accepted.then_some(events));
    }
    check.report(22);
}

#[test]
fn every_byte_and_every_escape_in_a_string_is_what_the_standards_say() {
    let mut check = Check::new(Rules::DEFAULT);
    for row in table("strings/json-string.tsv") {
        let [id, verdict, input, events] = columns(&row);
        check.text(id, &bytes(input), (verdict == "accept").then_some(events));
    }
    check.report(1078);
}

#[test]
fn the_events_of_every_document_are_the_same_for_every_cutting() {
    let rows = table("json/documents-expected.tsv");
    let next = AtomicUsize::new(0);
    let check_some = || {
        let mut runs = 0;
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            runs += check_document(row);
        }
        runs
    };
    let runs: usize = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(check_some)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("right events, or a message above"))
            .sum()
    });
    println!("{} documents, {runs} runs, random cuttings of the seeds 0..{RANDOM}", rows.len());
    assert_eq!(rows.len(), 17);
    assert!(runs > 10 * rows.len());
}

/// Checks the oracle's events of a document by their sums, and with them those of every engine, for every
/// cutting. Returns the number of runs.
fn check_document(row: &str) -> usize {
    let mut columns = row.splitn(3, '\t');
    let [file, len, expected] = [(); 3].map(|()| columns.next().unwrap());
    let input = read(&format!("json/{file}"));
    assert_eq!(input.len().to_string(), len, "{file}");
    let is_stream = file.ends_with(".ndjson");
    let extent = if is_stream { Extent::Stream } else { Extent::Document };
    let rules = Rules { extent, depth: 10_000, ..Rules::DEFAULT };
    let (sums, tape) = oracle_events(&input, rules);
    assert_eq!(sums.to_string(), expected, "the oracle (left), {file}");
    let mut engines = Engine::all(rules);
    engines.retain(|engine| engine.takes(input.len()));
    let mut runs = 0;
    for (number, cuts) in cuttings(input.len()).enumerate() {
        for engine in &mut engines {
            let mut events = tape.read();
            let result = engine.run(&cuts, &input, |event| events.see(event));
            let about = format!("{engine:?}, {file}, cutting {number}");
            assert_eq!(result, Ok(input.len()), "{about}");
            assert_eq!(events.end(), Ok(()), "{about}");
            runs += 1;
        }
    }
    runs
}

/// Returns the oracle's events and the sums over them.
fn oracle_events(input: &[u8], rules: Rules) -> (Sums, Tape) {
    deep(|| {
        let answer = oracle(input, rules);
        assert_eq!(answer.finished, Ok(()));
        let (mut sums, mut tape) = (Sums::default(), Tape::default());
        answer.all_events.report_since(&Log::default(), |event| {
            sums.see(event);
            tape.add(event);
        });
        (sums, tape)
    })
}

/// Makes a call on a stack for 10,000 levels of the oracle, also where a sanitizer needs some of it.
fn deep<T: Send>(call: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, call);
        thread.unwrap().join().expect("right answers, or a message above")
    })
}

/// Runs the engines on texts, and counts.
struct Check {
    rules: Rules,
    engines: Vec<Engine>,
    texts: usize,
    /// Texts that serde_json rejects, for a reason that the module `peer` has.
    not_by_peer: usize,
    runs: usize,
}

impl Check {
    fn new(rules: Rules) -> Self {
        Self { rules, engines: Engine::all(rules), texts: 0, not_by_peer: 0, runs: 0 }
    }

    /// Checks the oracle's verdict on a text and its events, and the engines' for every cutting.
    fn text(&mut self, name: &str, input: &[u8], events: Option<&str>) {
        let is_long = input.len() > LONGEST;
        let expected = if is_long { Expected::whole } else { Expected::prompt }(input, self.rules);
        let found = expected.whole.all_events.to_string();
        assert_eq!(
            expected.whole.finished.map(|()| found.as_str()).ok(),
            events,
            "the oracle (left) is wrong about {name}"
        );
        let mut tree = Tree::default();
        expected.whole.all_events.report_since(&Log::default(), |event| tree.see(event));
        self.not_by_peer += usize::from(tree.check(input, events.is_some()));
        for cuts in cuttings(input.len()) {
            self.runs += Engine::check_all(&mut self.engines, &cuts, &expected);
        }
        self.texts += 1;
    }

    fn report(self, texts: usize) {
        let Self { texts: found, not_by_peer, runs, engines, .. } = self;
        println!("{found} texts, {not_by_peer} of them not for serde_json");
        let engines = engines.len();
        println!("{runs} runs of {engines} engines, random cuttings of the seeds 0..{RANDOM}");
        assert_eq!(found, texts);
        assert!(runs > texts);
    }
}

fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", file].iter().collect()
}

fn read(file: &str) -> Vec<u8> {
    fs::read(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the lines of a table but the first, which names its columns.
fn table(file: &str) -> Vec<String> {
    String::from_utf8(read(file)).unwrap().lines().skip(1).map(String::from).collect()
}

fn columns<const N: usize>(row: &str) -> [&str; N] {
    let columns: Vec<_> = row.split('\t').collect();
    columns.try_into().unwrap_or_else(|_| panic!("a row of {N} columns: {row}"))
}

/// Decodes hexadecimal digits; `-` means no bytes.
fn bytes(column: &str) -> Vec<u8> {
    let digits = column.trim_matches('-').as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
