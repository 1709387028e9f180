//! Where a value ends: not before its last byte is fed, not after it.

use std::format;

use super::check::Check;
use super::law::Law;
use super::outcome::Outcome;
use super::random::Random;
use super::scenario::Scenario;
use super::violation::Violation;
use crate::parser::Status;

/// Bytes that are tried in place of the last byte of a value: one of each eight neighbours, so that a
/// class of characters (letters, digits, the bytes that continue a character of UTF-8) is met as often
/// as its share of all bytes.
///
/// Few bytes end a line or a string; a number that takes the byte behind it takes all but digits.
const SUBSTITUTES: usize = 32;

impl Check<'_, '_> {
    /// Checks that a success has come with the last byte of the value.
    pub(super) fn ends(&self, whole: &Outcome) -> Result<(), Violation> {
        let declared = self.candidate.declared;
        let len = self.input.len();
        let consumed = whole.consumed as usize;
        if whole.status == Status::Success && consumed > 0 && !declared.looks_ahead {
            self.needs_no_more(consumed)?;
        }
        // Bytes before the one that ends the value. A value that the end of the input has ended is tried
        // with one more byte.
        let before = match whole.status {
            Status::Success => consumed.saturating_sub(1),
            Status::NeedMoreInput if whole.finished.is_ok() => len,
            _ => return Ok(()),
        };
        if before == 0 {
            return Ok(());
        }
        let [mut late, mut at_once] = [0; 2];
        let mut random = Random(self.seed);
        for group in 0..SUBSTITUTES {
            let byte = (group * 8 + random.below(8)) as u8;
            let input = [&self.input[..before], &[byte]].concat();
            let other = Check::new(self.candidate, &input, self.seed);
            self.count_run();
            // A law that is broken there is found by those who check that input.
            if let Ok(found) = other.run(&Scenario::whole(input.len()), None)
                && found.status == Status::Success
            {
                late += usize::from(found.consumed as usize == input.len());
                at_once += usize::from(found.consumed as usize == before);
            }
            // No more than half of them can be the last byte.
            if group + 1 - late > SUBSTITUTES / 2 && (at_once > 0 || before < len) {
                break;
            }
        }
        if late > SUBSTITUTES / 2 && !declared.ends_with_any_byte {
            let found = format!(
                "Success after {} bytes, with {late} of {SUBSTITUTES} bytes in place of the last",
                before + 1
            );
            let breach = Law::Late.broken("a last byte that is part of the value", found);
            return Err(self.violation(Scenario::whole(len.min(before + 1)), breach));
        }
        if at_once > 0 && before == len && !declared.looks_ahead {
            let breach = Law::Lookahead.broken(
                format_args!("Success after {len} bytes"),
                "NeedMoreInput, and Success with another byte, which is not consumed",
            );
            return Err(self.violation(Scenario::whole(len), breach));
        }
        Ok(())
    }

    /// Checks that a value of `len` bytes is a success without the bytes behind it.
    fn needs_no_more(&self, len: usize) -> Result<(), Violation> {
        let scenario = Scenario::whole(len);
        let found = self.outcome(&scenario)?.status;
        Law::Lookahead
            .holds(Status::Success, found)
            .map_err(|breach| self.violation(scenario, breach))
    }
}
