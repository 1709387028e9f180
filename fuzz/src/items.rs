//! The assertion about the items of a document, with a search for them that keeps every path as text.

use core::ops::ControlFlow::{Break, Continue};
use core::ops::Range;

use pushdown::json::{self, Event, Extent, Items, Located, Pattern};
use pushdown::{Error, PushParser, Status};
use serde_json::Value;

use super::common::log::Log;
use super::common::oracle::spans;
use super::common::{Rules, oracle};
use super::{cuts, rules};

const PATTERNS: [&str; 14] = [
    "", "/*", "/a", "/0", "/1", "/", "/~0~1", "/~2", "/a/*", "/*/a", "/a/b", "/*/0", "/*/*",
    "/*/*/*",
];

/// The items of any cutting, with pauses and without, are the values at the pattern, and serde_json finds the
/// same there. The first byte chooses the rules, the second the pattern.
pub fn json_items(data: &[u8]) {
    let [number, pattern, data @ ..] = data else { return };
    let rules = rules(usize::from(*number) % 6);
    let pattern = PATTERNS[usize::from(*pattern) % PATTERNS.len()];
    let (cuts, text) = cuts(data);
    let Answer { search, finished } = answer(text, rules, pattern);
    // Of members with the same name serde_json keeps the last.
    if rules.extent == Extent::Document && finished.is_ok() && !search.repeats {
        check_tree(text, &search.found);
    }
    let options = rules.options();
    let coroutine = json::Coroutine::located(options).expect("a stack");
    let expected = (search.found.into_iter().map(|(span, _)| span).collect(), finished);
    check("machine", json::Machine::located(options), pattern, &cuts, text, &expected);
    check("coroutine", coroutine, pattern, &cuts, text, &expected);
    check("stackless", json::Stackless::located(options), pattern, &cuts, text, &expected);
    check("generator", json::Generator::located(options), pattern, &cuts, text, &expected);
}

/// The spans of the items, and the answer of `finish`.
type Expected = (Vec<Range<usize>>, Result<(), Error>);

fn check(
    engine: &str,
    parser: impl PushParser<Events = Located>,
    pattern: &str,
    cuts: &[usize],
    text: &[u8],
    expected: &Expected,
) {
    let mut items = Items::new(parser, Pattern::new(pattern).expect("it is well-formed"));
    for pauses in [false, true] {
        items.reset();
        let mut spans = Vec::new();
        let mut see = |item: json::Item<'_>| {
            let start = usize::try_from(item.offset()).expect("an offset in the text");
            let span = start..start + item.text().len();
            assert_eq!(item.text().as_bytes(), &text[span.clone()], "{engine}, {pattern}");
            spans.push(span);
            if pauses { Break(()) } else { Continue(()) }
        };
        let mut start = 0;
        for &end in cuts.iter().chain([&text.len()]) {
            while start < end && items.status() == Status::NeedMoreInput {
                start += items.feed_dyn(&text[start..end], &mut see).consumed;
            }
        }
        let finished = items.finish_dyn(&mut see);
        assert_eq!(
            (spans, finished),
            *expected,
            "{engine} (left), {pattern} in {} cut at {cuts:?}, pauses: {pauses}",
            text.escape_ascii()
        );
    }
}

/// A value at the pattern, and its path.
type Found = (Range<usize>, Vec<String>);

/// Checks that serde_json finds the same values at the same places.
fn check_tree(text: &[u8], found: &[Found]) {
    // It rejects some documents: see `peer`.
    let Ok(tree) = serde_json::from_slice::<Value>(text) else { return };
    for (span, path) in found {
        let value = path.iter().try_fold(&tree, |value, name| match value {
            Value::Array(values) => values.get(name.parse::<usize>().ok()?),
            value => value.get(name),
        });
        let item = serde_json::from_slice(&text[span.clone()]).ok();
        assert_eq!(value, item.as_ref(), "serde_json (left), {path:?} in {}", text.escape_ascii());
    }
}

/// A walk over the oracle's events.
struct Search {
    /// `*`, or a name.
    pattern: Vec<Option<String>>,
    /// The names and indices around the value.
    path: Vec<String>,
    levels: Vec<Level>,
    found: Vec<Found>,
    /// Set if an object has two members with the same name.
    repeats: bool,
}

/// An array or an object that is open.
struct Level {
    /// The index of the next value, or `None` in an object.
    index: Option<usize>,
    /// The names so far.
    names: Vec<String>,
    /// Where it begins, if it is at the pattern.
    start: Option<usize>,
}

struct Answer {
    search: Search,
    finished: Result<(), Error>,
}

fn answer(text: &[u8], rules: Rules, pattern: &str) -> Answer {
    let segment = |segment: &str| match segment {
        "*" => None,
        name => Some(name.replace("~1", "/").replace("~2", "*").replace("~0", "~")),
    };
    let mut search = Search {
        pattern: pattern.split('/').skip(1).map(segment).collect(),
        path: Vec::new(),
        levels: Vec::new(),
        found: Vec::new(),
        repeats: false,
    };
    let answer = oracle(text, rules);
    let mut spans = spans(text, rules).into_iter();
    answer.all_events.report_since(&Log::default(), |event| {
        // A text that is still open has no span.
        if let Some(span) = spans.next() {
            search.see(event, span.start as usize..span.end as usize);
        }
    });
    Answer { search, finished: answer.finished }
}

impl Search {
    fn see(&mut self, event: Event<'_>, span: Range<usize>) {
        match event {
            Event::Key(name) => {
                let Level { names, .. } = self.levels.last_mut().expect("in an object");
                self.repeats |= names.iter().any(|before| before == name.text);
                names.push(name.text.into());
            }
            Event::BeginArray | Event::BeginObject => {
                let start = self.begin().then_some(span.start);
                let index = (event == Event::BeginArray).then_some(0);
                self.levels.push(Level { index, names: Vec::new(), start });
            }
            Event::EndArray | Event::EndObject => {
                let level = self.levels.pop().expect("it was begun");
                self.end(level.start.map(|start| start..span.end));
            }
            Event::String(_) | Event::Number(_) | Event::Bool(_) | Event::Null => {
                let is_found = self.begin();
                self.end(is_found.then_some(span));
            }
        }
    }

    /// Begins a value. Returns true if it is at the pattern.
    fn begin(&mut self) -> bool {
        if let Some(level) = self.levels.last_mut() {
            self.path.push(match &mut level.index {
                Some(index) => {
                    *index += 1;
                    (*index - 1).to_string()
                }
                None => level.names.last().expect("a name before its value").clone(),
            });
        }
        let mut pairs = self.path.iter().zip(&self.pattern);
        self.path.len() == self.pattern.len()
            && pairs.all(|(name, segment)| segment.as_ref().is_none_or(|segment| segment == name))
    }

    /// Ends a value, which has this span if it is at the pattern.
    fn end(&mut self, span: Option<Range<usize>>) {
        if let Some(span) = span {
            self.found.push((span, self.path.clone()));
        }
        if !self.levels.is_empty() {
            self.path.pop();
        }
    }
}
