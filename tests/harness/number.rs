//! A decimal number, which the end of the input can end, in three engines.

use core::ops::ControlFlow::{self, Break, Continue};

use pushdown::engine::{coroutine, machine, stackless};
use pushdown::events::Bytes;
use pushdown::testing::Log;
use pushdown::{End, ErrorKind, Failure};

pub(crate) fn record(log: &mut Log, digits: &[u8]) {
    log.text_of("digits", digits);
}

/// The field is set once a digit was read.
#[derive(Default)]
pub(crate) struct Machine(bool);

impl machine::Machine for Machine {
    type Events = Bytes;
    type Output = ();

    fn step(&mut self, input: &mut machine::Input<'_, Bytes>) -> Result<ControlFlow<()>, Failure> {
        match input.next_if(|byte| byte.is_ascii_digit()) {
            Ok(Some(digit)) => {
                self.0 = true;
                input.emit(&[digit]);
                Ok(Continue(()))
            }
            Ok(None) | Err(End::Finished) if self.0 => Ok(Break(())),
            Ok(None) => Err(input.fail(ErrorKind::UnexpectedByte)),
            Err(end) => Err(end.into()),
        }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

pub(crate) fn coroutine(input: &mut coroutine::Input<'_, Bytes>) -> Result<(), Failure> {
    let mut digits = 0;
    loop {
        match input.next_if(|byte| byte.is_ascii_digit()) {
            Ok(Some(digit)) => input.emit(&[digit]),
            Ok(None) | Err(End::Finished) if digits > 0 => return Ok(()),
            Ok(None) => return Err(input.fail(ErrorKind::UnexpectedByte)),
            Err(end) => return Err(end.into()),
        }
        digits += 1;
    }
}

pub(crate) async fn stackless(input: &mut stackless::Input<'_, Bytes>) -> Result<(), Failure> {
    let mut digits = 0;
    loop {
        match input.next_if(|byte| byte.is_ascii_digit()).await {
            Ok(Some(digit)) => input.emit(&[digit]),
            Ok(None) | Err(End::Finished) if digits > 0 => return Ok(()),
            Ok(None) => return Err(input.fail(ErrorKind::UnexpectedByte)),
            Err(end) => return Err(end.into()),
        }
        digits += 1;
    }
}
