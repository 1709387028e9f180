use winnow::combinator::{alt, delimited, repeat};
use winnow::error::{EmptyError, ErrMode};
use winnow::prelude::*;
use winnow::stream::Partial;
use winnow::token::{any, take_till};

use crate::unread::Unread;
use crate::{Recogniser, Status};

/// winnow 1.0 over a `Partial` stream: after `Incomplete` the input is kept, and parsed again from its
/// start with the next chunk. Copies incomplete input, and takes quadratic time in the number of
/// chunks.
#[derive(Debug, Default)]
pub struct Winnow(Unread);

fn string(input: &mut Partial<&[u8]>) -> Result<(), ErrMode<EmptyError>> {
    let text = take_till(1.., (b'"', b'\\')).void();
    let escape = (b'\\', any).void();
    let content = repeat::<_, _, (), _, _>(0.., alt((text, escape)));
    delimited(b'"', content, b'"').parse_next(input)
}

impl Recogniser for Winnow {
    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        self.0.parse(chunk, |bytes| match string(&mut Partial::new(bytes)) {
            Ok(()) => (0, Status::Success),
            Err(ErrMode::Incomplete(_)) => (0, Status::NeedMoreInput),
            Err(_) => (0, Status::BadInput),
        })
    }

    fn reset(&mut self) {
        self.0.clear();
    }
}
