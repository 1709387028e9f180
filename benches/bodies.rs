//! The lecture's claim that straight-line code "happens to run faster": one recogniser, byte by byte
//! and without a scan, in every form of the slides.
//!
//! | form | its state between two bytes is |
//! |---|---|
//! | `enum` | an enum: `ProcessChar` in a loop |
//! | `enum-called` | the same, with `ProcessChar` not inlined |
//! | `labels` | the position in the code, a loop per state; an enum while it waits for a chunk |
//! | `flag` | two flags, one of them the slides' `inEscape` |
//! | `table` | a row of a table of 3 × 256 |
//! | `pull` | the position in the code, which fetches the chunks itself, so it cannot be fed |
//! | `machine` | an enum, behind the contract |
//! | `coroutine` | the position in the code, behind the contract |
//! | `stackless` | the same as an `async` body |
//!
//! In `bodies` the compiler sees the form together with its caller; in `bodies-called` every chunk is
//! a call.
//!
//! ```text
//! $ cargo bench --bench bodies
//! ```

use std::convert::identity;
use std::hint::black_box;
use std::ops::ControlFlow::{self, Break, Continue};
use std::slice;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use pushdown::Status::NeedMoreInput;
use pushdown::engine::{coroutine, machine, stackless};
use pushdown::{ErrorKind, Failure, PushParser, Status};

use pushdown_benches::corpus::Corpus;
use pushdown_benches::{corpus, settings};

mod yardstick;

use yardstick::Enum;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The size of a packet, and the whole string.
const CHUNK_SIZES: [usize; 2] = [1460, corpus::LEN];

/// Calls `measure` with each form, wrapped in `$wrap`.
macro_rules! each_form {
    ($wrap:path, $group:expr, $string:expr, $chunk_size:expr) => {
        measure("enum", $wrap(Enum::Start), $group, $string, $chunk_size);
        measure("enum-called", $wrap(CharByChar(Enum::Start)), $group, $string, $chunk_size);
        measure("labels", $wrap(Labels(Enum::Start)), $group, $string, $chunk_size);
        measure("flag", $wrap(Flag::default()), $group, $string, $chunk_size);
        measure("table", $wrap(Table::default()), $group, $string, $chunk_size);
        measure("machine", $wrap(machine::Parser::new(Enum::Start)), $group, $string, $chunk_size);
        measure("coroutine", $wrap(coroutine::Parser::new(plain)), $group, $string, $chunk_size);
        measure(
            "stackless",
            $wrap(stackless::Parser::new(asynchronous)),
            $group,
            $string,
            $chunk_size,
        );
    };
}

fn main() {
    let mut criterion = settings::criterion();
    let [plain, escapes_2, ..] = Corpus::all();
    for corpus in [&plain, &escapes_2] {
        bodies(&mut criterion, corpus);
        bodies_called(&mut criterion, corpus);
    }
    criterion.final_summary();
}

fn bodies(criterion: &mut Criterion, Corpus { name, string }: &Corpus) {
    let group = &mut settings::group(criterion, format!("bodies/{name}"));
    group.throughput(Throughput::Bytes(string.len() as u64));
    for chunk_size in CHUNK_SIZES {
        each_form!(identity, group, string, chunk_size);
        measure_pull(group, string, chunk_size);
    }
}

fn bodies_called(criterion: &mut Criterion, Corpus { name, string }: &Corpus) {
    let group = &mut settings::group(criterion, format!("bodies-called/{name}"));
    group.throughput(Throughput::Bytes(string.len() as u64));
    for chunk_size in CHUNK_SIZES {
        each_form!(Called, group, string, chunk_size);
    }
}

fn measure(
    name: &str,
    mut form: impl Form,
    group: &mut Group<'_>,
    string: &[u8],
    chunk_size: usize,
) {
    let mut parse = |string: &[u8], chunk_size| {
        form.restart();
        let mut statuses = string.chunks(chunk_size).map(|chunk| form.feed(chunk));
        statuses.find(|&status| status != NeedMoreInput).unwrap_or(NeedMoreInput)
    };
    // Single bytes cut every escape.
    for chunk_size in [1, chunk_size] {
        assert_eq!(parse(string, chunk_size), Status::Success, "{name}");
        assert_eq!(parse(&string[..string.len() - 1], chunk_size), NeedMoreInput, "{name}");
        assert_eq!(parse(&string[1..], chunk_size), Status::BadInput, "{name}");
    }
    group.bench_function(BenchmarkId::new(name, chunk_size), |bencher| {
        bencher.iter(|| parse(black_box(string), chunk_size));
    });
}

/// A recogniser that can be fed.
trait Form {
    fn restart(&mut self);
    fn feed(&mut self, chunk: &[u8]) -> Status;
}

/// A form that the compiler cannot inline into its caller.
struct Called<F>(F);

impl<F: Form> Form for Called<F> {
    fn restart(&mut self) {
        self.0.restart();
    }

    #[inline(never)]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        self.0.feed(chunk)
    }
}

impl Form for Enum {
    fn restart(&mut self) {
        *self = Self::Start;
    }

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        Self::feed(self, chunk)
    }
}

/// A form with a call for each byte.
struct CharByChar(Enum);

impl CharByChar {
    #[inline(never)]
    fn process_char(&mut self, byte: u8) -> Status {
        self.0.process_char(byte)
    }
}

impl Form for CharByChar {
    fn restart(&mut self) {
        self.0 = Enum::Start;
    }

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        let mut statuses = chunk.iter().map(|&byte| self.process_char(byte));
        statuses.find(|&status| status != NeedMoreInput).unwrap_or(NeedMoreInput)
    }
}

/// A loop or a line for each state, with jumps between them.
struct Labels(Enum);

impl Form for Labels {
    fn restart(&mut self) {
        self.0 = Enum::Start;
    }

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        let mut bytes = chunk.iter();
        match self.0 {
            Enum::Start if bytes.next() != Some(&b'"') => return Status::BadInput,
            Enum::Start | Enum::Inside => {}
            Enum::Escape => _ = bytes.next(),
        }
        loop {
            'inside: loop {
                match bytes.next() {
                    Some(b'"') => return Status::Success,
                    Some(b'\\') => break 'inside,
                    Some(_) => {}
                    None => {
                        self.0 = Enum::Inside;
                        return NeedMoreInput;
                    }
                }
            }
            if bytes.next().is_none() {
                self.0 = Enum::Escape;
                return NeedMoreInput;
            }
        }
    }
}

/// One loop, with a flag for the meaning of the next byte.
#[derive(Default)]
struct Flag {
    open: bool,
    in_escape: bool,
}

impl Form for Flag {
    fn restart(&mut self) {
        *self = Self::default();
    }

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        let mut bytes = chunk.iter();
        if !self.open && bytes.next() != Some(&b'"') {
            return Status::BadInput;
        }
        let mut in_escape = self.in_escape;
        for &byte in bytes {
            if in_escape {
                in_escape = false;
            } else if byte == b'"' {
                return Status::Success;
            } else {
                in_escape = byte == b'\\';
            }
        }
        *self = Self { open: true, in_escape };
        NeedMoreInput
    }
}

/// The state's number: 0 to 2 as in [`Enum`], [`SUCCESS`] or [`BAD_INPUT`].
#[derive(Default)]
struct Table(u8);

const SUCCESS: u8 = 3;
const BAD_INPUT: u8 = 4;

/// The next state, by state and byte.
static NEXT: [[u8; 256]; 3] = {
    let mut next = [[BAD_INPUT; 256], [1; 256], [1; 256]];
    next[0][b'"' as usize] = 1;
    next[1][b'"' as usize] = SUCCESS;
    next[1][b'\\' as usize] = 2;
    next
};

impl Form for Table {
    fn restart(&mut self) {
        self.0 = 0;
    }

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        let mut state = self.0;
        for &byte in chunk {
            state = NEXT[usize::from(state)][usize::from(byte)];
            match state {
                SUCCESS => return Status::Success,
                BAD_INPUT => return Status::BadInput,
                _ => {}
            }
        }
        self.0 = state;
        NeedMoreInput
    }
}

impl<P: PushParser> Form for P {
    fn restart(&mut self) {
        self.reset();
    }

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        PushParser::feed(self, chunk).status
    }
}

impl machine::Machine for Enum {
    type Events = ();
    type Output = ();

    #[inline]
    fn step(&mut self, input: &mut machine::Input<'_>) -> Result<ControlFlow<()>, Failure> {
        *self = match (*self, input.next()?) {
            (Self::Start, b'"') | (Self::Escape, _) => Self::Inside,
            (Self::Start, _) => return Err(input.fail(ErrorKind::UnexpectedByte)),
            (Self::Inside, b'"') => return Ok(Break(())),
            (Self::Inside, b'\\') => Self::Escape,
            (Self::Inside, _) => Self::Inside,
        };
        Ok(Continue(()))
    }

    fn reset(&mut self) {
        *self = Self::Start;
    }
}

/// Straight-line code.
fn plain(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    input.expect(b'"')?;
    loop {
        match input.next()? {
            b'"' => return Ok(()),
            b'\\' => _ = input.next()?,
            _ => {}
        }
    }
}

/// The same as `async` code.
async fn asynchronous(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    input.expect(b'"').await?;
    loop {
        match input.next().await? {
            b'"' => return Ok(()),
            b'\\' => _ = input.next().await?,
            _ => {}
        }
    }
}

/// The same, pulling its bytes: the slides' `readString`. Returns `None` if they end too early.
#[inline]
fn read_string(mut read_char: impl FnMut() -> Option<u8>) -> Option<bool> {
    if read_char()? != b'"' {
        return Some(false);
    }
    loop {
        match read_char()? {
            b'"' => return Some(true),
            b'\\' => _ = read_char()?,
            _ => {}
        }
    }
}

fn measure_pull(group: &mut Group<'_>, string: &[u8], chunk_size: usize) {
    let parse = |string: &[u8]| {
        let mut chunks = string.chunks(chunk_size);
        let mut chunk = slice::Iter::default();
        read_string(|| {
            loop {
                if let Some(&byte) = chunk.next() {
                    return Some(byte);
                }
                chunk = chunks.next()?.iter();
            }
        })
    };
    assert_eq!(parse(string), Some(true));
    assert_eq!(parse(&string[..string.len() - 1]), None);
    assert_eq!(parse(&string[1..]), Some(false));
    group.bench_function(BenchmarkId::new("pull", chunk_size), |bencher| {
        bencher.iter(|| parse(black_box(string)));
    });
}
