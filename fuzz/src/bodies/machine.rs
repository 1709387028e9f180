//! Programs as a state machine: the call stack of a straight-line body is a list here.

use std::ops::ControlFlow::{self, Break, Continue};
use std::rc::Rc;

use pushdown::engine::Limit;
use pushdown::engine::machine::{Input, Machine, Parser, Partial};
use pushdown::{ErrorKind, Failure};

use super::context::{Context, Guard, Mark, Marks, panic};
use super::program::{ESCAPED, LETTERS, MAX_DEPTH, ONE, Op, Stops, TWO};

/// The interpreter and its state.
#[derive(Debug)]
pub(super) struct Interpreter {
    program: Rc<Vec<Op>>,
    context: Context,
    /// The parts under way, the innermost last.
    stack: Vec<Todo>,
    depth: u32,
    /// The part of an operation that was done before the chunk was used up.
    progress: Progress,
    three: Partial<3>,
    one: Partial<1>,
    matched: usize,
    collected: Vec<u8>,
    inner: Option<Box<Parser<Self>>>,
}

/// A parser of a program, in this engine.
pub(super) fn parser(program: &[Op]) -> Parser<Interpreter> {
    Parser::new(Interpreter::new(Rc::new(program.to_vec())))
}

/// A part of a body that is under way.
#[derive(Debug)]
enum Todo {
    /// The operations of a block from an index on. The path leads to it through the program.
    Block {
        path: Vec<usize>,
        next: usize,
    },
    LeaveNested,
    LeaveBound {
        outer: Limit,
    },
    /// `skip` is set if the rest of the frame is skipped.
    LeaveFrame {
        outer: Limit,
        skip: bool,
    },
    Repeat {
        path: Vec<usize>,
        left: u8,
    },
    Try,
    Guard(#[allow(dead_code, reason = "held until it is dropped")] Guard),
}

/// The progress of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    None,
    /// So many bytes are left to take.
    Left(u64),
    /// An escape has been read, its byte has not.
    Escape,
}

impl Interpreter {
    pub(super) fn new(program: Rc<Vec<Op>>) -> Self {
        let mut new = Self {
            program,
            context: Context::new(),
            stack: Vec::new(),
            depth: 0,
            progress: Progress::None,
            three: Partial::new(),
            one: Partial::new(),
            matched: 0,
            collected: Vec::new(),
            inner: None,
        };
        new.reset();
        new
    }

    /// The block that a path leads to.
    fn block<'p>(program: &'p [Op], path: &[usize]) -> &'p [Op] {
        path.iter().fold(program, |block, index| match &block[*index] {
            Op::Nested(block)
            | Op::AtMost(_, block)
            | Op::Frame(_, block, _)
            | Op::Repeat(_, block)
            | Op::Try(block)
            | Op::Guard(block) => block,
            other => unreachable!("{other:?} has no block"),
        })
    }

    /// An operation is not continued.
    fn forget_progress(&mut self) {
        self.progress = Progress::None;
        self.three = Partial::new();
        self.one = Partial::new();
        self.matched = 0;
        self.collected.clear();
        self.inner = None;
    }

    fn enter(&mut self, path: &[usize], index: usize) -> Vec<usize> {
        let path = [path, &[index]].concat();
        self.stack.push(Todo::Block { path: path.clone(), next: 0 });
        path
    }

    /// Drops what is under way, down to a `Try` that swallows the error.
    fn unwind(&mut self, input: &mut Input<'_, Marks>, failure: Failure) -> Result<(), Failure> {
        self.forget_progress();
        while let Some(todo) = self.stack.pop() {
            match todo {
                Todo::LeaveNested => self.depth -= 1,
                Todo::LeaveBound { outer } | Todo::LeaveFrame { outer, .. } => {
                    input.set_limit(outer);
                }
                Todo::Try if self.context.swallows(failure) => return Ok(()),
                Todo::Try | Todo::Block { .. } | Todo::Repeat { .. } | Todo::Guard(_) => {}
            }
        }
        Err(failure)
    }

    /// Does the next thing.
    fn advance(&mut self, input: &mut Input<'_, Marks>) -> Result<ControlFlow<u64>, Failure> {
        let program = self.program.clone();
        match self.stack.last_mut() {
            None => return Ok(Break(self.context.hash())),
            Some(Todo::Block { path, next }) => {
                let Some(op) = Self::block(&program, path).get(*next) else {
                    self.stack.pop();
                    return Ok(Continue(()));
                };
                let (path, index) = (path.clone(), *next);
                if self.progress == Progress::None && !self.context.spend() {
                    return Err(input.fail(Context::out_of_fuel()));
                }
                let depth = self.stack.len() - 1;
                let done = self.op(input, op, &path, index);
                // An operation that waits is begun again, and does not pay again.
                if done.is_err_and(|failure| failure.kind().is_none()) {
                    if self.progress == Progress::None {
                        self.progress = Progress::Left(u64::MAX);
                    }
                } else {
                    self.progress = Progress::None;
                }
                done?;
                let Todo::Block { next, .. } = &mut self.stack[depth] else { unreachable!() };
                *next += 1;
            }
            Some(Todo::LeaveNested) => {
                self.depth -= 1;
                self.stack.pop();
            }
            Some(Todo::LeaveBound { outer }) => {
                input.set_limit(*outer);
                self.context.note(input.offset());
                self.stack.pop();
            }
            Some(Todo::LeaveFrame { outer, skip }) => {
                if *skip {
                    input.skip_rest()?;
                }
                self.context.note(input.remaining());
                input.set_limit(*outer);
                self.stack.pop();
            }
            Some(Todo::Repeat { left: 0, .. } | Todo::Try | Todo::Guard(_)) => {
                self.stack.pop();
            }
            Some(Todo::Repeat { path, left }) => {
                *left -= 1;
                let path = path.clone();
                self.stack.push(Todo::Block { path, next: 0 });
            }
        }
        Ok(Continue(()))
    }

    fn op(
        &mut self,
        input: &mut Input<'_, Marks>,
        op: &Op,
        path: &[usize],
        index: usize,
    ) -> Result<(), Failure> {
        match op {
            Op::Next => {
                let byte = input.next()?;
                self.context.note(byte.into());
            }
            Op::Peek => {
                let byte = input.peek()?;
                self.context.note(byte.into());
            }
            Op::NextIf => {
                let byte = input.next_if(|byte| byte < b'b')?;
                self.context.note(byte.map_or(999, u64::from));
            }
            Op::Expect(byte) => input.expect(*byte)?,
            Op::Take(count) => {
                let mut left = self.left(*count);
                while left > 0 {
                    self.progress = Progress::Left(left);
                    let taken = input.take(left as usize)?;
                    self.context.note_bytes(taken);
                    left -= taken.len() as u64;
                }
            }
            Op::TakeText(count) => {
                let mut left = self.left(*count);
                while left > 0 {
                    self.progress = Progress::Left(left);
                    left -= input.take_text(left as usize, |text| Mark::Text(text))? as u64;
                }
            }
            Op::Skip(stops) => loop {
                if self.progress == Progress::Escape {
                    input.next()?;
                    self.progress = Progress::Left(u64::MAX);
                }
                let stop = match stops {
                    Stops::One => input.skip_until(ONE)?,
                    Stops::Two => input.skip_until(TWO)?,
                    Stops::Escaped => input.skip_until(ESCAPED)?,
                };
                if !matches!(stops, Stops::Escaped) || stop == ESCAPED.close {
                    self.context.note(stop.into());
                    break;
                }
                self.progress = Progress::Escape;
            },
            Op::Scan(stops) => loop {
                if self.progress == Progress::Escape {
                    let escaped = input.next()?;
                    self.context.note(escaped.into());
                    self.progress = Progress::Left(u64::MAX);
                }
                let context = &mut self.context;
                let note = |piece: &[u8]| context.note_bytes(piece);
                let stop = match stops {
                    Stops::One => input.scan_until(ONE, note)?,
                    Stops::Two => input.scan_until(TWO, note)?,
                    Stops::Escaped => input.scan_until(ESCAPED, note)?,
                };
                self.context.note(stop.into());
                if !matches!(stops, Stops::Escaped) || stop == ESCAPED.close {
                    break;
                }
                self.progress = Progress::Escape;
            },
            Op::Text(stops) => loop {
                if self.progress == Progress::Escape {
                    let escaped = input.next()?;
                    self.progress = Progress::Left(u64::MAX);
                    input.emit(Mark::Text(&[escaped]));
                }
                let stop = match stops {
                    Stops::One => input.text_until(ONE, |text| Mark::Text(text))?,
                    Stops::Two => input.text_until(TWO, |text| Mark::Text(text))?,
                    Stops::Escaped => input.text_until(ESCAPED, |text| Mark::Text(text))?,
                };
                if !matches!(stops, Stops::Escaped) || stop == ESCAPED.close {
                    self.context.note(stop.into());
                    break;
                }
                self.progress = Progress::Escape;
            },
            Op::TextWhile => {
                let byte = input.text_while(LETTERS, |text| Mark::Text(text))?;
                self.context.note(byte.into());
            }
            Op::Array(true) => self.context.note_bytes(&input.array(&mut self.three)?),
            Op::Array(false) => self.context.note_bytes(&input.array(&mut self.one)?),
            Op::ExpectAll(bytes) => input.expect_all(bytes, &mut self.matched)?,
            Op::ReadUntil(stops, max) => {
                let to = &mut self.collected;
                let stop = match stops {
                    Stops::One => input.read_until(ONE, to, *max)?,
                    Stops::Two => input.read_until(TWO, to, *max)?,
                    Stops::Escaped => input.read_until(ESCAPED, to, *max)?,
                };
                self.context.note_bytes(&self.collected);
                self.context.note(stop.into());
                self.collected.clear();
            }
            Op::Chunk(most) => {
                let mut left = self.left(u64::from(*most));
                while left > 0 {
                    self.progress = Progress::Left(left);
                    let byte = input.chunk()?[0];
                    if byte != b'a' {
                        break;
                    }
                    input.advance(1);
                    self.context.note(byte.into());
                    left -= 1;
                }
            }
            Op::Between => {
                let byte = input.skip_between(|byte| byte == b' ')?;
                self.context.note(byte.into());
            }
            Op::Emit => input.emit(Mark::Hash(self.context.hash())),
            Op::Fail => return Err(input.fail(ErrorKind::Custom(2))),
            Op::FailFrom(back) => {
                let start = input.offset().saturating_sub(*back);
                return Err(input.fail_from(start, ErrorKind::Custom(3)));
            }
            Op::Panic => panic(),
            Op::Run(block) => {
                let inner = self.inner.get_or_insert_with(|| Box::new(parser(block)));
                let output = input.run(inner, |mark, out| out.emit(mark))?;
                self.context.note(output.unwrap_or(998));
                self.inner = None;
            }
            Op::Nested(_) => {
                if self.depth == MAX_DEPTH {
                    return Err(input.fail(ErrorKind::TooDeep));
                }
                self.depth += 1;
                self.stack.push(Todo::LeaveNested);
                self.enter(path, index);
            }
            Op::AtMost(count, _) => {
                let outer = input.at_most(*count);
                self.stack.push(Todo::LeaveBound { outer });
                self.enter(path, index);
            }
            Op::Frame(length, _, skip) => {
                let outer = input.frame(*length);
                self.stack.push(Todo::LeaveFrame { outer, skip: *skip });
                self.enter(path, index);
            }
            Op::Repeat(times, _) => {
                let path = [path, &[index]].concat();
                self.stack.push(Todo::Repeat { path, left: *times });
            }
            Op::Try(_) => {
                self.stack.push(Todo::Try);
                self.enter(path, index);
            }
            Op::Guard(_) => {
                self.stack.push(Todo::Guard(Guard::new()));
                self.enter(path, index);
            }
        }
        Ok(())
    }

    /// The rest of a count.
    fn left(&self, count: u64) -> u64 {
        match self.progress {
            Progress::Left(left) => left.min(count),
            Progress::None | Progress::Escape => count,
        }
    }
}

impl Machine for Interpreter {
    type Events = Marks;
    type Output = u64;

    fn step(&mut self, input: &mut Input<'_, Marks>) -> Result<ControlFlow<u64>, Failure> {
        loop {
            match self.advance(input) {
                Ok(Continue(())) => {}
                Ok(end) => return Ok(end),
                Err(failure) if failure.kind().is_none() => return Err(failure),
                Err(failure) => self.unwind(input, failure)?,
            }
        }
    }

    fn reset(&mut self) {
        self.context = Context::new();
        self.stack.clear();
        self.stack.push(Todo::Block { path: Vec::new(), next: 0 });
        self.depth = 0;
        self.forget_progress();
    }
}
