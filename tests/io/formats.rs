//! The table of streams: for each format and parser, what its values are, where the stream ends, and what is
//! left.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pushdown::engine::stackless::{self, Input};
use pushdown::{
    End, Error, ErrorKind, EventSink, Failure, Progress, PushParser, State, json, quoted, resp,
    sse, text,
};

use crate::drivers::{self, Outcome};
use crate::source::{Source, Step};

/// A stream, its values as `Debug` writes them, and where it goes bad, if it does.
type Stream<'t> = (&'t str, &'t [&'t str], Option<(ErrorKind, u64)>);

/// Runs every stream with every driver over every source, and returns the number of runs.
fn run<P: PushParser<Output: Debug>>(
    name: &str,
    make: impl Fn() -> P,
    streams: &[Stream<'_>],
) -> usize {
    let mut runs = 0;
    for &(input, values, error) in streams {
        let offset = error.map_or(input.len() as u64, |(_, offset)| offset);
        let expected = Outcome {
            values: values.iter().map(ToString::to_string).collect(),
            error: error.map(|(kind, offset)| Error::new(kind, offset)),
            rest: input.as_bytes()[offset as usize..].to_vec(),
            offset,
        };
        for source in sources(input.as_bytes()) {
            for (driver, run) in drivers::all() {
                let result = catch_unwind(AssertUnwindSafe(|| run(make(), source.clone())));
                if result.as_ref().ok() != Some(&expected) {
                    println!("{name}, {driver}: {input:?} from {source:?}");
                }
                assert_eq!(result.unwrap_or_else(|panic| resume_unwind(panic)), expected);
                runs += 1;
            }
        }
    }
    runs
}

/// The input whole, at every cut with everything between that a source may do, and byte by byte.
fn sources(input: &[u8]) -> Vec<Source> {
    let between =
        [Step::Pending, Step::Interrupted, Step::Fail, Step::Chunk(vec![]), Step::Pending];
    let cut = |cut: usize| {
        let (first, second) = input.split_at(cut);
        let mut steps = vec![Step::Chunk(first.to_vec())];
        steps.extend(between.clone());
        steps.push(Step::Chunk(second.to_vec()));
        Source::new(steps)
    };
    let bytes = |before: &[Step]| {
        let byte = |byte: &u8| [before, &[Step::Chunk(vec![*byte])]].concat();
        Source::new(input.iter().flat_map(byte).chain(before.to_vec()))
    };
    let mut sources = vec![Source::new([Step::Chunk(input.to_vec())]), bytes(&[])];
    sources.extend([bytes(&[Step::Pending]), bytes(&between)]);
    sources.extend((0..=input.len()).map(cut));
    sources
}

const BYTE: ErrorKind = ErrorKind::UnexpectedByte;
const END: ErrorKind = ErrorKind::UnexpectedEnd;
const NO_PROGRESS: ErrorKind = ErrorKind::NoProgress;

#[test]
fn every_driver_reads_every_stream() {
    let json = json::Options::new().extent(json::Extent::Value);
    let runs = [
        run("json::Raw", json::Raw::new, JSON_TEXTS),
        run("json::Typed", json::Typed::<Vec<u32>>::new, JSON_LISTS),
        run("json::Machine", || json::Machine::<json::Json>::with_options(json), JSON),
        run("json::Coroutine", || json::Coroutine::with_options(json).unwrap(), JSON),
        run("json::Stackless", || json::Stackless::with_options(json), JSON),
        run("json::Generator", || json::Generator::with_options(json), JSON),
        run("quoted::Machine", quoted::Machine::new, QUOTED),
        run("quoted::Coroutine", quoted::Coroutine::new, QUOTED),
        run("quoted::Stackless", quoted::Stackless::new, QUOTED),
        run("quoted::Generator", quoted::Generator::new, QUOTED),
        run("quoted::Combinator", quoted::Combinator::new, QUOTED),
        run("resp::Values", resp::Values::new, REPLIES),
        run("resp::Requests", resp::Requests::new, REQUESTS),
        run("resp::Machine", resp::Machine::new, RESP),
        run("resp::Coroutine", resp::Coroutine::new, RESP),
        run("resp::Stackless", resp::Stackless::new, RESP),
        run("resp::Generator", resp::Generator::new, RESP),
        run("sse::Messages", sse::Messages::new, MESSAGES),
        run("text::Utf8, strict", text::Utf8::strict, TEXTS),
        run("text::Utf8, replacing", text::Utf8::replacing, TEXTS),
        run("nothing", || stackless::Parser::new(nothing), NOTHING),
        run("digits", || stackless::Parser::new(digits), DIGITS),
        run("number", || stackless::Parser::new(number), NUMBERS),
        run("blank", || stackless::Parser::new(blank), BLANKS),
        run("lines", Lines::default, LINES),
    ];
    println!("{} runs of {} parsers", runs.iter().sum::<usize>(), runs.len());
    assert!(runs.iter().all(|runs| *runs > 0));
}

const JSON_TEXTS: &[Stream<'_>] = &[
    ("", &[], None),
    (" \n", &[], None),
    ("[1, 2]", &[r#""[1, 2]""#], None),
    ("{} true\nnull\r\n", &[r#""{}""#, r#""true""#, r#""null""#], None),
    ("1 2", &[r#""1""#, r#""2""#], None),
    ("[1] [2", &[r#""[1]""#], Some((END, 6))),
    ("1 tru", &[r#""1""#], Some((END, 5))),
    ("[] [1,] 3", &[r#""[]""#], Some((BYTE, 6))),
    ("7\n}\n", &[r#""7""#], Some((BYTE, 2))),
];

const JSON_LISTS: &[Stream<'_>] = &[
    ("[1, 2]\n[]\n", &["[1, 2]", "[]"], None),
    ("[1] [true] [2]", &["[1]"], Some((ErrorKind::Message("value of another type"), 10))),
    ("[1] [2", &["[1]"], Some((END, 6))),
];

const JSON: &[Stream<'_>] = &[
    ("", &[], None),
    (" \n", &[], None),
    ("[1] true 12", &["()", "()", "()"], None),
    ("{} [2", &["()"], Some((END, 5))),
    ("{} [2, ?] 1", &["()"], Some((BYTE, 7))),
];

const REPLIES: &[Stream<'_>] = &[
    ("", &[], None),
    (
        "+OK\r\n*2\r\n$1\r\na\r\n:-2\r\n_\r\n",
        &["Simple(b\"OK\")", "Array([Bulk(b\"a\"), Integer(-2)])", "Null(Resp3)"],
        None,
    ),
    (":1\r\n*1\r\n", &["Integer(1)"], Some((END, 8))),
    (":1\r\n\r\n", &["Integer(1)"], Some((BYTE, 4))),
];

const REQUESTS: &[Stream<'_>] = &[
    (
        "*1\r\n$4\r\nPING\r\nget 'a b'\n\r\n",
        &[
            "Request { args: [b\"PING\"] }",
            "Request { args: [b\"get\", b\"a b\"] }",
            "Request { args: [] }",
        ],
        None,
    ),
    ("PING\r\n*1\r\n:", &["Request { args: [b\"PING\"] }"], Some((BYTE, 10))),
    ("PING", &[], Some((END, 4))),
];

const RESP: &[Stream<'_>] = &[
    (":1\r\n*0\r\n$1\r\na\r\n", &["()", "()", "()"], None),
    (":1\r\n|0\r\n", &["()"], Some((END, 8))),
    (":1\r\nx", &["()"], Some((BYTE, 4))),
];

const QUOTED: &[Stream<'_>] = &[
    ("", &[], None),
    (r#""a""\"""#, &["()", "()"], None),
    (r#""a""b\"#, &["()"], Some((END, 6))),
    (r#""a" "b""#, &["()"], Some((BYTE, 3))),
];

macro_rules! message {
    ($data:literal, $id:literal) => {
        concat!("Message { event: \"message\", data: ", $data, ", id: ", $id, ", retry: None }")
    };
}

/// A stream ends cleanly inside a message, which is discarded, and after one: the `\n` of a last `\r\n`.
const MESSAGES: &[Stream<'_>] = &[
    ("", &[], None),
    ("data: a\n\ndata: b\r\n\r\n", &[message!("\"a\"", "None"), message!("\"b\"", "None")], None),
    ("\u{feff}data: a\r\r\n: ping\n\ndata: b\n", &[message!("\"a\"", "None")], None),
    ("data: a\r\n\r\ndat", &[message!("\"a\"", "None")], None),
    (": ping\n\n", &[], None),
    ("id: 7\n\ndata\n\n", &[message!("\"\"", "Some(\"7\")")], None),
];

/// Decoding ends with the stream, and has no value that could end before.
const TEXTS: &[Stream<'_>] = &[("", &[], None), ("a", &["()"], None), ("gr\u{fc}n", &["()"], None)];

/// Reads nothing and succeeds.
async fn nothing(_: &mut Input<'_>) -> Result<u32, Failure> {
    Ok(7)
}

const NOTHING: &[Stream<'_>] = &[("", &[], None), ("x", &[], Some((NO_PROGRESS, 0)))];

/// The digits there are, perhaps none.
async fn digits(input: &mut Input<'_>) -> Result<u32, Failure> {
    let mut value = 0;
    loop {
        match input.next_if(|byte| byte.is_ascii_digit()).await {
            Ok(Some(digit)) => value = 10 * value + u32::from(digit - b'0'),
            Ok(None) | Err(End::Finished) => return Ok(value),
            Err(end) => return Err(end.into()),
        }
    }
}

const DIGITS: &[Stream<'_>] = &[
    ("", &[], None),
    ("12", &["12"], None),
    ("12x", &["12"], Some((NO_PROGRESS, 2))),
    ("x12", &[], Some((NO_PROGRESS, 0))),
];

/// A number and its semicolon, after spaces.
async fn number(input: &mut Input<'_>) -> Result<u32, Failure> {
    input.skip_between(|byte| byte == b' ').await?;
    let value = digits(input).await?;
    input.expect(b';').await?;
    Ok(value)
}

const NUMBERS: &[Stream<'_>] = &[
    ("", &[], None),
    ("  ", &[], None),
    ("1; 2;", &["1", "2"], None),
    (" 1;2;   ", &["1", "2"], None),
    ("1; 23", &["1"], Some((END, 5))),
    ("1; x;", &["1"], Some((BYTE, 3))),
];

/// Spaces between values, and a value of no bytes.
async fn blank(input: &mut Input<'_>) -> Result<(), Failure> {
    input.skip_between(|byte| byte == b' ').await?;
    Ok(())
}

const BLANKS: &[Stream<'_>] = &[(" ", &[], None), ("  x", &[], Some((NO_PROGRESS, 2)))];

/// A line. One that the end of the input cuts short is discarded.
#[derive(Default)]
pub(crate) struct Lines {
    state: State,
    line: String,
}

impl PushParser for Lines {
    type Events = ();
    type Output = String;

    fn feed_dyn(&mut self, chunk: &[u8], _: &mut EventSink<'_, ()>) -> Progress {
        self.state.feed(chunk, |state| {
            let end = chunk.iter().position(|byte| *byte == b'\n' || *byte == b'!');
            let text = &chunk[..end.unwrap_or(chunk.len())];
            self.line.push_str(&String::from_utf8_lossy(text));
            match end {
                None => state.need_more(chunk.len()),
                Some(at) if chunk[at] == b'\n' => state.succeed(at + 1),
                Some(at) => state.fail(at, ErrorKind::Custom(1)),
            }
        })
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, ()>) -> Result<(), Error> {
        if self.state.status() == pushdown::Status::NeedMoreInput {
            let _ = self.state.succeed(0);
            let _ = self.state.take_success();
        }
        self.state.finish()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        *self = Self { state: State::at(offset), line: String::new() };
    }

    fn take_output(&mut self) -> Option<String> {
        self.state.take_success().then(|| self.line.clone())
    }
}

const LINES: &[Stream<'_>] = &[
    ("", &[], None),
    ("a\n\nb\n", &[r#""a""#, r#""""#, r#""b""#], None),
    ("a\nbc", &[r#""a""#], None),
    ("a\nb!\nc\n", &[r#""a""#], Some((ErrorKind::Custom(1), 3))),
];
