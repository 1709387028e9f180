use combine::parser::combinator::{AnySendPartialState, any_send_partial_state};
use combine::parser::range::take_while1;
use combine::stream::{PartialStream, RangeStream, decode};
use combine::{any, choice, parser, satisfy, skip_many, token};

use crate::unread::Unread;
use crate::{Recogniser, Status};

/// combine 4.6 over a `PartialStream`, driven by `decode`, character by character. Its parsers keep
/// their state between chunks, in a box, so nothing is parsed twice.
#[derive(Default)]
pub struct Combine(Decoder);

/// The same with runs of text as ranges. A run that is cut is copied, and searched again from its
/// start with the next chunk: quadratic time in the number of chunks of a run.
#[derive(Default)]
pub struct CombineRanges(Decoder);

#[derive(Default)]
struct Decoder {
    unread: Unread,
    state: AnySendPartialState,
}

/// Defines a recogniser from a parser of text. The two parsers differ in type, so each needs a name.
macro_rules! recogniser {
    ($recogniser:ident, $string:ident, $text:expr) => {
        parser! {
            type PartialState = AnySendPartialState;
            fn $string['a, Input]()(Input) -> ()
            where [Input: RangeStream<Token = u8, Range = &'a [u8]>]
            {
                let escape = (token(b'\\'), any()).map(drop);
                let content = skip_many(choice(($text.map(drop), escape)));
                any_send_partial_state((token(b'"'), content, token(b'"')).map(drop))
            }
        }

        impl Recogniser for $recogniser {
            #[inline]
            fn feed(&mut self, chunk: &[u8]) -> Status {
                let Decoder { unread, state } = &mut self.0;
                unread.parse(chunk, |bytes| {
                    match decode($string(), &mut PartialStream(bytes), state) {
                        Ok((Some(()), _)) => (0, Status::Success),
                        Ok((None, read)) => (read, Status::NeedMoreInput),
                        Err(_) => (0, Status::BadInput),
                    }
                })
            }

            fn reset(&mut self) {
                *self = Self::default();
            }
        }
    };
}

recogniser!(Combine, by_character, satisfy(is_text));
recogniser!(CombineRanges, by_range, take_while1(is_text));

fn is_text(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\\')
}
