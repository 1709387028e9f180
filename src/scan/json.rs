//! The scans of JSON: past white space, past digits, and to the end of a run of text.
//!
//! They take the chunk and a position, and return a position. Most tokens end within a few bytes, so
//! they are inlined into the body that reads, and nothing is chosen at run time but the check of UTF-8
//! in a run that is not ASCII.

use super::swar::{tops_below, tops_equal};
use super::utf8::split_valid;

/// Returns the place of the first byte that is not white space, or the length.
#[inline(always)]
pub(crate) fn past_space(chunk: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = chunk.get(at) {
        at += 1;
    }
    at
}

/// Returns the digits from `at` on.
#[inline(always)]
pub(crate) fn digits(chunk: &[u8], at: usize) -> &str {
    // SAFETY: N: digits alone are between the two.
    unsafe { str::from_utf8_unchecked(&chunk[at..past_digits(chunk, at)]) }
}

/// Returns the number at `at`, if all of it is in the chunk, and the byte after it.
#[inline(always)]
pub(crate) fn number(chunk: &[u8], at: usize) -> Option<&str> {
    let end = past_number(chunk, at)?;
    // SAFETY: N: digits, signs, a point and an `e` alone are between the two.
    Some(unsafe { str::from_utf8_unchecked(&chunk[at..end]) })
}

/// Returns the place of the byte after the number at `at`, if it is in the chunk.
///
/// This and [`past_digits`] are the unsafe code's invariant N: the bytes that they pass are ASCII.
/// (`tests::a_number_ends_where_its_definition_says`)
#[inline(always)]
fn past_number(chunk: &[u8], mut at: usize) -> Option<usize> {
    let digits = |at: usize| {
        let end = past_digits(chunk, at);
        (end > at).then_some(end)
    };
    if *chunk.get(at)? == b'-' {
        at += 1;
    }
    at = match chunk.get(at)? {
        b'0' => at + 1,
        _ => digits(at)?,
    };
    if *chunk.get(at)? == b'.' {
        at = digits(at + 1)?;
    }
    if let b'e' | b'E' = *chunk.get(at)? {
        at += 1;
        if let b'+' | b'-' = *chunk.get(at)? {
            at += 1;
        }
        at = digits(at)?;
    }
    (at < chunk.len()).then_some(at)
}

/// Returns the place of the first byte that is not a digit, or the length.
#[inline(always)]
fn past_digits(chunk: &[u8], mut at: usize) -> usize {
    while let Some(b'0'..=b'9') = chunk.get(at) {
        at += 1;
    }
    at
}

/// Returns the text from `at` on: up to a quote, a backslash, a control character, or the first byte
/// of a character that is not valid or not whole.
#[inline(always)]
pub(crate) fn text(chunk: &[u8], at: usize) -> &str {
    let rest = &chunk[at..];
    let (len, is_ascii) = run(rest);
    let run = &rest[..len];
    if is_ascii {
        debug_assert!(run.is_ascii(), "A");
        // SAFETY: A: `run` has looked at every byte.
        unsafe { str::from_utf8_unchecked(run) }
    } else {
        split_valid(run).0
    }
}

/// Returns the length of the bytes before a quote, a backslash or a control character, and whether all
/// of them are ASCII.
///
/// This is the unsafe code's invariant A: if it says so, they are.
/// (`tests::text_ends_where_its_definition_says`)
#[inline(always)]
fn run(bytes: &[u8]) -> (usize, bool) {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut any = 0;
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let stops = tops_equal(word, b'"') | tops_equal(word, b'\\') | tops_below::<0x20>(word);
        if stops != 0 {
            // The lowest bit that is set belongs to the first stop.
            let before = (stops & stops.wrapping_neg()) - 1;
            let is_ascii = (any | word & before) & TOPS == 0;
            return (8 * index + (stops.trailing_zeros() / 8) as usize, is_ascii);
        }
        any |= word;
    }
    let mut any = any & TOPS != 0;
    let mut len = bytes.len() - rest.len();
    for byte in rest {
        if matches!(byte, b'"' | b'\\' | ..0x20) {
            break;
        }
        any |= !byte.is_ascii();
        len += 1;
    }
    (len, !any)
}

/// The top bits of the bytes of a word.
const TOPS: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition.
    fn text_by_char(bytes: &[u8]) -> &str {
        let end = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
        let run = &bytes[..end.unwrap_or(bytes.len())];
        match str::from_utf8(run) {
            Ok(text) => text,
            Err(error) => str::from_utf8(&run[..error.valid_up_to()]).unwrap(),
        }
    }

    #[test]
    fn text_ends_where_its_definition_says() {
        let mut cases = 0;
        for background in [&b"a"[..], "é".as_bytes(), "€".as_bytes(), "😀".as_bytes(), b"\x7f"]
        {
            for len in 0..=70 {
                for byte in 0..=u8::MAX {
                    let mut bytes: std::vec::Vec<u8> =
                        background.iter().copied().cycle().take(len).collect();
                    bytes.push(byte);
                    bytes.extend(b"\"\\\x00 a");
                    for at in 0..=len.min(9) {
                        assert_eq!(
                            text(&bytes, at),
                            text_by_char(&bytes[at..]),
                            "{byte:#x} after {len} of {background:x?}, from {at}"
                        );
                        cases += 1;
                    }
                }
            }
        }
        assert_eq!(cases, 5 * 256 * (70 * 10 + 10 - 45));
    }

    #[test]
    fn two_stops_in_one_word_are_told_apart() {
        let stops = [b'"', b'\\', 0, 0x1f, b' ', b'!', b'#', 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xff];
        let mut cases = 0;
        for first in stops {
            for second in stops {
                for place in 0..7 {
                    let mut bytes = [b'a'; 9];
                    bytes[place] = first;
                    bytes[place + 1] = second;
                    assert_eq!(text(&bytes, 0), text_by_char(&bytes), "{bytes:x?}");
                    cases += 1;
                }
            }
        }
        assert_eq!(cases, stops.len() * stops.len() * 7);
    }

    /// All strings of up to six of these bytes, beside a grammar that goes from state to state.
    #[test]
    fn a_number_ends_where_its_definition_says() {
        const BYTES: &[u8] = b"-+019.eE,";
        let mut cases = 0;
        for len in 0..=6 {
            for mut code in 0..BYTES.len().pow(len) {
                let mut bytes = std::vec::Vec::new();
                for _ in 0..len {
                    bytes.push(BYTES[code % BYTES.len()]);
                    code /= BYTES.len();
                }
                let mut state = 0;
                let end = bytes.iter().position(|byte| {
                    let next = match (state, byte) {
                        (0, b'-') => 1,
                        (0 | 1, b'0') => 2,
                        (0 | 1, b'1' | b'9') | (3, b'0' | b'1' | b'9') => 3,
                        (2 | 3, b'.') => 4,
                        (4 | 5, b'0' | b'1' | b'9') => 5,
                        (2 | 3 | 5, b'e' | b'E') => 6,
                        (6, b'+' | b'-') => 7,
                        (6..=8, b'0' | b'1' | b'9') => 8,
                        _ => return true,
                    };
                    state = next;
                    false
                });
                let is_number = [2, 3, 5, 8].contains(&state);
                let expected = end.filter(|_| is_number).map(|end| &bytes[..end]);
                assert_eq!(number(&bytes, 0).map(str::as_bytes), expected, "{bytes:?}");
                cases += 1;
            }
        }
        assert_eq!(cases, (9_usize.pow(7) - 1) / 8);
    }

    #[test]
    fn space_and_digits_end_at_any_other_byte() {
        for byte in 0..=u8::MAX {
            let is_space = [b' ', b'\n', b'\t', b'\r'].contains(&byte);
            assert_eq!(past_space(&[b' ', byte, b'x'], 0), 1 + usize::from(is_space));
            assert_eq!(past_digits(&[b'7', byte, b'x'], 0), 1 + usize::from(byte.is_ascii_digit()));
        }
        assert_eq!((past_space(b"  ", 1), past_digits(b"12", 2)), (2, 2));
    }
}
