use std::convert::Infallible;

use crate::{Recogniser, Status};

/// Code that is resumed once for every character, and answers it with a status. After the end of a
/// string it begins anew.
///
/// It takes a byte for a character, which is right for this expression, and so leaves out UTF-8.
#[derive(Debug)]
pub(crate) struct Resumed<F>(pub(crate) F);

impl<F: FnMut(char) -> Status> Resumed<F> {
    /// For code that has not begun, which the first resume takes to where it asks for a character.
    /// What it is handed before it asked is lost, and what it answers then means nothing.
    pub(crate) fn begun(mut resume: F) -> Self {
        let _ = resume('\0');
        Self(resume)
    }
}

/// The lecture's `readString`, again and again. `read_char` gives the answer to the character
/// before, and waits for the next; `None` ends it.
#[inline(always)]
pub(crate) fn read_strings(
    mut read_char: impl FnMut(Status) -> Option<char>,
) -> Option<Infallible> {
    let mut answer = Status::NeedMoreInput;
    loop {
        if read_char(answer)? != '"' {
            answer = Status::BadInput;
            continue;
        }
        loop {
            match read_char(Status::NeedMoreInput)? {
                '"' => break,
                '\\' => _ = read_char(Status::NeedMoreInput)?,
                _ => {}
            }
        }
        answer = Status::Success;
    }
}

impl<F: FnMut(char) -> Status> Recogniser for Resumed<F> {
    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        for &byte in chunk {
            let status = self.process_char(char::from(byte));
            if status != Status::NeedMoreInput {
                return status;
            }
        }
        Status::NeedMoreInput
    }

    #[inline]
    fn process_char(&mut self, c: char) -> Status {
        (self.0)(c)
    }

    fn reset(&mut self) {}
}
