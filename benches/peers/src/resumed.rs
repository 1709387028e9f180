use std::convert::Infallible;

use crate::{Recogniser, Status};

/// Code that is resumed once for each character, and answers with a status. After the end of a string
/// it starts over.
///
/// It takes each byte as a character, without decoding UTF-8, which is correct for this expression.
#[derive(Debug)]
pub(crate) struct Resumed<F>(pub(crate) F);

impl<F: FnMut(char) -> Status> Resumed<F> {
    /// Wraps code that has not started. The first resume runs it to where it asks for a character; that
    /// resume's argument and answer are ignored.
    pub(crate) fn begun(mut resume: F) -> Self {
        let _ = resume('\0');
        Self(resume)
    }
}

/// The lecture's `readString`, in a loop. `read_char` sends the answer to the previous character and
/// waits for the next; `None` ends the loop.
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
