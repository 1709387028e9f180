//! Programs as straight-line code: the same lines for functions and for `async` functions.

use pushdown::engine::{coroutine, stackless};
use pushdown::{ErrorKind, Failure};

use super::context::{Context, Guard, Mark, Marks, panic};
use super::machine;
use super::program::{ESCAPED, LETTERS, ONE, Op, Stops, TWO};

/// One interpreter from one source: `$wait` is nothing or `.await`, `$call` makes a nested call.
macro_rules! interpreter {
    ($run:ident, $vis:vis $($fn:ident)+, $input:ty, [$($wait:tt)*], $recurse:ident) => {
        /// Runs a block.
        $vis $($fn)+ $run(input: &mut $input, block: &[Op], context: &mut Context) -> Result<(), Failure> {
            for op in block {
                if !context.spend() {
                    return Err(input.fail(Context::out_of_fuel()));
                }
                match op {
                    Op::Next => {
                        let byte = input.next()$($wait)*?;
                        context.note(byte.into());
                    }
                    Op::Peek => {
                        let byte = input.peek()$($wait)*?;
                        context.note(byte.into());
                    }
                    Op::NextIf => {
                        let byte = input.next_if(|byte| byte < b'b')$($wait)*?;
                        context.note(byte.map_or(999, u64::from));
                    }
                    Op::Expect(byte) => input.expect(*byte)$($wait)*?,
                    Op::Take(count) => {
                        let mut left = *count as usize;
                        while left > 0 {
                            let taken = input.take(left)$($wait)*?;
                            context.note_bytes(taken);
                            left -= taken.len();
                        }
                    }
                    Op::TakeText(count) => {
                        let mut left = *count as usize;
                        while left > 0 {
                            left -= input.take_text(left, |text| Mark::Text(text))$($wait)*?;
                        }
                    }
                    Op::Skip(stops) => loop {
                        let stop = match stops {
                            Stops::One => input.skip_until(ONE)$($wait)*?,
                            Stops::Two => input.skip_until(TWO)$($wait)*?,
                            Stops::Escaped => input.skip_until(ESCAPED)$($wait)*?,
                        };
                        if !matches!(stops, Stops::Escaped) || stop == ESCAPED.close {
                            context.note(stop.into());
                            break;
                        }
                        input.next()$($wait)*?;
                    },
                    Op::Scan(stops) => loop {
                        let stop = {
                            let note = |piece: &[u8]| context.note_bytes(piece);
                            match stops {
                                Stops::One => input.scan_until(ONE, note)$($wait)*?,
                                Stops::Two => input.scan_until(TWO, note)$($wait)*?,
                                Stops::Escaped => input.scan_until(ESCAPED, note)$($wait)*?,
                            }
                        };
                        context.note(stop.into());
                        if !matches!(stops, Stops::Escaped) || stop == ESCAPED.close {
                            break;
                        }
                        let escaped = input.next()$($wait)*?;
                        context.note(escaped.into());
                    },
                    Op::Text(stops) => loop {
                        let stop = match stops {
                            Stops::One => input.text_until(ONE, |text| Mark::Text(text))$($wait)*?,
                            Stops::Two => input.text_until(TWO, |text| Mark::Text(text))$($wait)*?,
                            Stops::Escaped => {
                                input.text_until(ESCAPED, |text| Mark::Text(text))$($wait)*?
                            }
                        };
                        if !matches!(stops, Stops::Escaped) || stop == ESCAPED.close {
                            context.note(stop.into());
                            break;
                        }
                        let escaped = input.next()$($wait)*?;
                        input.emit(Mark::Text(&[escaped]));
                    },
                    Op::TextWhile => {
                        let byte = input.text_while(LETTERS, |text| Mark::Text(text))$($wait)*?;
                        context.note(byte.into());
                    }
                    Op::Array(true) => {
                        context.note_bytes(&input.array::<3>()$($wait)*?);
                    }
                    Op::Array(false) => {
                        context.note_bytes(&input.array::<1>()$($wait)*?);
                    }
                    Op::ExpectAll(bytes) => input.expect_all(bytes)$($wait)*?,
                    Op::ReadUntil(stops, max) => {
                        let mut to = Vec::new();
                        let stop = match stops {
                            Stops::One => input.read_until(ONE, &mut to, *max)$($wait)*?,
                            Stops::Two => input.read_until(TWO, &mut to, *max)$($wait)*?,
                            Stops::Escaped => input.read_until(ESCAPED, &mut to, *max)$($wait)*?,
                        };
                        context.note_bytes(&to);
                        context.note(stop.into());
                    }
                    Op::Chunk(most) => {
                        // One piece for every cut: byte by byte.
                        for _ in 0..*most {
                            let byte = input.chunk()$($wait)*?[0];
                            if byte != b'a' {
                                break;
                            }
                            input.advance(1);
                            context.note(byte.into());
                        }
                    }
                    Op::Between => {
                        let byte = input.skip_between(|byte| byte == b' ')$($wait)*?;
                        context.note(byte.into());
                    }
                    Op::Emit => input.emit(Mark::Hash(context.hash())),
                    Op::Fail => return Err(input.fail(ErrorKind::Custom(2))),
                    Op::FailFrom(back) => {
                        let start = input.offset().saturating_sub(*back);
                        return Err(input.fail_from(start, ErrorKind::Custom(3)));
                    }
                    Op::Panic => panic(),
                    Op::Run(block) => {
                        let mut inner = machine::parser(block);
                        let output = input.run(&mut inner, |mark, out| out.emit(mark))$($wait)*?;
                        context.note(output.unwrap_or(998));
                    }
                    Op::Nested(block) => $recurse!(nested input, block, context),
                    Op::AtMost(count, block) => {
                        let mut part = input.at_most(*count);
                        $recurse!(call part, block, context);
                        context.note(part.offset());
                    }
                    Op::Frame(length, block, skip) => {
                        let mut frame = input.frame(*length);
                        $recurse!(call frame, block, context);
                        if *skip {
                            frame.skip_rest()$($wait)*?;
                        }
                        context.note(frame.remaining());
                    }
                    Op::Repeat(times, block) => {
                        for _ in 0..*times {
                            $recurse!(call input, block, context);
                        }
                    }
                    Op::Try(block) => {
                        let result: Result<(), Failure> = $recurse!(try input, block, context);
                        if let Err(failure) = result
                            && !context.swallows(failure)
                        {
                            return Err(failure);
                        }
                    }
                    Op::Guard(block) => {
                        let guard = Guard::new();
                        $recurse!(call input, block, context);
                        drop(guard);
                    }
                }
            }
            Ok(())
        }
    };
}

macro_rules! recurse_on_the_stack {
    (nested $input:ident, $block:ident, $context:ident) => {
        $input.nested(|input| function(input, $block, $context))?
    };
    (call $input:ident, $block:ident, $context:ident) => {
        function(&mut *$input, $block, $context)?
    };
    (try $input:ident, $block:ident, $context:ident) => {
        function($input, $block, $context)
    };
}

macro_rules! recurse_on_the_heap {
    (nested $input:ident, $block:ident, $context:ident) => {
        $input.nested(|input| async_function(input, $block, $context)).await?
    };
    (call $input:ident, $block:ident, $context:ident) => {
        Box::pin(async_function(&mut *$input, $block, $context)).await?
    };
    (try $input:ident, $block:ident, $context:ident) => {
        Box::pin(async_function($input, $block, $context)).await
    };
}

interpreter!(function, pub(super) fn, coroutine::Input<'_, Marks>, [], recurse_on_the_stack);
interpreter!(async_function, pub(super) async fn, stackless::Input<'_, Marks>, [.await], recurse_on_the_heap);
