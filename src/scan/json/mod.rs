//! The scans of JSON: past white space, to the end of a run of text, and to the end of a number.
//!
//! They take the chunk and a position, and return a position. Most tokens end within a few bytes, so
//! the scans are inlined into the body that reads. Nothing is chosen at run time but the check of UTF-8 in
//! a run that is not ASCII.
//!
//! | kernel | bytes per comparison | used on |
//! |---|---|---|
//! | `sse2` | 16 at first, then 32 | x86-64, all of which has SSE2 |
//! | `portable` | 8, in a 64-bit word | all others |

mod portable;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2;

use super::utf8::split_valid;
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
use portable as kernel;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use sse2 as kernel;

/// Bytes past the end of a number that its scan may look at.
pub(crate) const NUMBER: usize = 32;

/// Bytes past the end of a run of this length that its scan may look at: the rest of a window.
#[inline(always)]
pub(crate) fn looked_ahead(len: usize) -> usize {
    match len.checked_sub(16) {
        None => 16 - len,
        Some(len) => 32 - len % 32,
    }
}

/// Returns the place of the first byte that is not white space, or the length.
#[inline(always)]
pub(crate) fn past_space(chunk: &[u8], at: usize) -> usize {
    // Most tokens follow the one before them at once, or after one space.
    match chunk.get(at) {
        Some(..=b' ') if chunk.get(at + 1).is_none_or(|byte| *byte <= b' ') => {
            past_long_space(chunk, at)
        }
        Some(b' ' | b'\n' | b'\t' | b'\r') => at + 1,
        _ => at,
    }
}

/// Goes by bytes and by words, and not by vectors: indentation is much the same from line to line. The
/// processor guesses each comparison, and reads on, where it would have to wait for a place that is computed.
#[inline(never)]
fn past_long_space(chunk: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = chunk.get(at) {
        at += 1;
        while chunk[at..].first_chunk() == Some(&[b' '; 8]) {
            at += 8;
        }
    }
    at
}

/// Returns the text from `at` on: up to a quote, a backslash, a control character, or the first byte
/// of a character that is not valid or not whole.
#[inline(always)]
pub(crate) fn text(chunk: &[u8], at: usize) -> &str {
    let (end, is_ascii) = kernel::past_run(chunk, at);
    let run = &chunk[at..end];
    if is_ascii {
        debug_assert!(run.is_ascii(), "A");
        // SAFETY: A: the kernel has looked at every byte.
        unsafe { str::from_utf8_unchecked(run) }
    } else {
        split_valid(run).0
    }
}

/// The longest run that [`short_text`] finds.
pub(crate) const SHORT: usize = 8;

/// Returns what [`text`] does, if a quote, a backslash or a control character ends it within a few
/// bytes. No bytes are looked at past that one: between escapes, a window for each run would be many times
/// the work.
#[inline(always)]
pub(crate) fn short_text(chunk: &[u8], at: usize) -> Option<&str> {
    let rest = &chunk[at..];
    let first = &rest[..rest.len().min(SHORT + 1)];
    let run = &first[..first.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?];
    Some(split_valid(run).0)
}

/// Returns the digits from `at` on.
#[inline(always)]
pub(crate) fn digits(chunk: &[u8], at: usize) -> &str {
    let digits = &chunk[at..portable::past_digits(chunk, at)];
    debug_assert!(digits.is_ascii(), "A");
    // SAFETY: A: digits alone have been passed.
    unsafe { str::from_utf8_unchecked(digits) }
}

/// Returns the number at `at`, if all of it is in the chunk, and the byte after it.
#[inline(always)]
pub(crate) fn number(chunk: &[u8], at: usize) -> Option<&str> {
    let number = &chunk[at..kernel::past_number(chunk, at)?];
    debug_assert!(number.is_ascii(), "A");
    // SAFETY: A: digits, signs, a point and an `e` alone have been passed.
    Some(unsafe { str::from_utf8_unchecked(number) })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// A kernel, so that none is left out on a processor that has a better one.
    #[derive(Clone, Copy)]
    struct Kernel {
        name: &'static str,
        past_run: fn(&[u8], usize) -> (usize, bool),
        past_number: fn(&[u8], usize) -> Option<usize>,
    }

    const KERNELS: &[Kernel] = &[
        Kernel {
            name: "portable",
            past_run: portable::past_run,
            past_number: portable::past_number,
        },
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        Kernel { name: "sse2", past_run: sse2::past_run, past_number: sse2::past_number },
    ];

    /// Checks the scans of a run from each place before `upto`.
    fn check_run(chunk: &[u8], upto: usize) -> usize {
        for kernel in KERNELS {
            for at in 0..upto {
                let stop = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
                let end = chunk[at..].iter().position(stop).map_or(chunk.len(), |len| at + len);
                assert_eq!(
                    (kernel.past_run)(chunk, at),
                    (end, chunk[at..end].is_ascii()),
                    "{} from {at} of {}",
                    kernel.name,
                    chunk.escape_ascii()
                );
            }
        }
        upto
    }

    #[test]
    fn a_run_is_looked_at_to_the_end_of_its_window() {
        for len in 0..300 {
            let end = len + looked_ahead(len);
            assert!(
                end == 16 && len < 16 || end > len && end % 32 == 16 && end <= len + 32,
                "{len}"
            );
        }
    }

    #[test]
    fn a_run_ends_at_any_stop_at_any_place() {
        let mut cases = 0;
        let stops = [b'"', b'\\', 0, 0x1f, b' ', b'!', b'#', 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xff];
        for len in 0..=100 {
            for place in 0..len {
                for byte in stops {
                    let mut chunk: Vec<u8> = std::vec![b'a'; len];
                    chunk[place] = byte;
                    cases += check_run(&chunk, len.min(3));
                    chunk[len - 1] = b'"';
                    cases += check_run(&chunk, len.min(3));
                    chunk[place + 1..].fill(0xff);
                    cases += check_run(&chunk, len.min(3));
                }
            }
        }
        for byte in 0..=u8::MAX {
            cases += check_run(&[byte; 40], 40);
            cases += check_run(&[b'a', byte, b'"', byte], 4);
        }
        std::println!("{cases} runs, {} kernels", KERNELS.len());
        assert!(cases > 300_000);
    }

    #[test]
    fn two_stops_in_one_word_are_told_apart() {
        let mut cases = 0;
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                for place in [0, 3, 6] {
                    let mut chunk = [b'a'; 40];
                    chunk[place] = first;
                    chunk[place + 1] = second;
                    cases += check_run(&chunk, 1);
                }
            }
        }
        assert_eq!(cases, 3 << 16);
    }

    #[test]
    fn two_bytes_that_are_not_ascii_do_not_hide_each_other() {
        let mut cases = 0;
        for len in [17_usize, 33, 65, 90] {
            for distance in [1, 8, 16, 32, 64] {
                for first in 0..len.saturating_sub(distance) {
                    let mut chunk = std::vec![b'x'; len];
                    chunk[first] = 0x80;
                    chunk[first + distance] = 0x80;
                    cases += check_run(&chunk, 1);
                    chunk.extend(b"\" behind it");
                    cases += check_run(&chunk, 1);
                }
            }
        }
        std::println!("{cases} runs, {} kernels", KERNELS.len());
        assert!(cases > 1_000);
    }

    #[test]
    fn text_ends_before_a_character_that_is_not_valid_or_not_whole() {
        let mut cases = 0;
        for background in ["a", "é", "€", "😀"] {
            for len in 0..=70 {
                for byte in 0..=u8::MAX {
                    let bytes = background.bytes().cycle().take(len);
                    let chunk: Vec<u8> = bytes.chain([byte]).chain(*b"\"\\\x00 a").collect();
                    let run = &chunk[..portable::past_run(&chunk, 0).0];
                    let valid = match str::from_utf8(run) {
                        Ok(text) => text,
                        Err(error) => str::from_utf8(&run[..error.valid_up_to()]).unwrap(),
                    };
                    assert_eq!(text(&chunk, 0), valid, "{}", chunk.escape_ascii());
                    let short = (run.len() <= SHORT).then_some(valid);
                    assert_eq!(short_text(&chunk, 0), short, "{}", chunk.escape_ascii());
                    cases += 1;
                }
            }
        }
        assert_eq!(cases, 4 * 71 * 256);
    }

    #[test]
    fn white_space_ends_at_any_other_byte_at_any_place() {
        let spaces = [b' ', b'\n', b'\t', b'\r'];
        let mut cases = 0;
        for background in ["\r\t\n ", " ", "\n         "] {
            for len in 0..=40 {
                for byte in 0..=u8::MAX {
                    for rest in 0..3 {
                        let mut chunk: Vec<u8> = background.bytes().cycle().take(len).collect();
                        chunk.push(byte);
                        chunk.resize(len + 1 + rest, b' ');
                        let end = if spaces.contains(&byte) { chunk.len() } else { len };
                        for at in 0..len.min(5) {
                            assert_eq!(past_space(&chunk, at), end, "{}", chunk.escape_ascii());
                            cases += 1;
                        }
                    }
                }
            }
        }
        assert!(cases > 400_000);
        assert_eq!([past_space(b"", 0), past_space(b"  ", 2)], [0, 2]);
    }

    #[test]
    fn a_number_ends_where_its_definition_says() {
        const BYTES: &[u8] = b"-+019.eE,";
        let mut cases = 0;
        for len in 0..=6 {
            for mut code in 0..BYTES.len().pow(len) {
                let mut chunk = Vec::new();
                for _ in 0..len {
                    chunk.push(BYTES[code % BYTES.len()]);
                    code /= BYTES.len();
                }
                check_number(&chunk);
                cases += 1;
            }
        }
        assert_eq!(cases, (9_usize.pow(7) - 1) / 8);
    }

    #[test]
    fn a_number_of_any_length_ends_where_its_definition_says() {
        let mut cases = 0;
        for digits in 1..=70 {
            for place in 0..digits {
                for byte in *b"0123456789.eE+-,/:\x00\xb0" {
                    for end in ["", ",", "0", ".5,", "e7]"] {
                        let mut chunk = std::vec![b'4'; digits];
                        chunk[place] = byte;
                        chunk.extend(end.as_bytes());
                        check_number(&chunk);
                        cases += 1;
                    }
                }
            }
        }
        assert_eq!(cases, 70 * 71 / 2 * 20 * 5);
    }

    /// Checks a number that has bytes of any kind before it, as many as a window and none, and others
    /// behind it.
    fn check_number(number: &[u8]) {
        check_number_in_chunk(number);
        check_number_in_chunk(&[number, &[b' '; 40]].concat());
    }

    fn check_number_in_chunk(number: &[u8]) {
        let mut state = 0;
        let end = number.iter().position(|byte| {
            let next = match (state, byte) {
                (0, b'-') => 1,
                (0 | 1, b'0') => 2,
                (0 | 1, b'1'..=b'9') | (3, b'0'..=b'9') => 3,
                (2 | 3, b'.') => 4,
                (4 | 5, b'0'..=b'9') => 5,
                (2 | 3 | 5, b'e' | b'E') => 6,
                (6, b'+' | b'-') => 7,
                (6..=8, b'0'..=b'9') => 8,
                _ => return true,
            };
            state = next;
            false
        });
        let is_number = [2, 3, 5, 8].contains(&state);
        let end = end.filter(|_| is_number);
        let chunk = [&b"0123456789012345678901234567890123456789"[..], number].concat();
        for kernel in KERNELS {
            for at in [0, 40] {
                let chunk = if at == 0 { number } else { &chunk };
                assert_eq!(
                    (kernel.past_number)(chunk, at),
                    end.map(|end| at + end),
                    "{} from {at} of {}",
                    kernel.name,
                    chunk.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn digits_end_at_any_other_byte() {
        for len in 0..30 {
            for byte in 0..=u8::MAX {
                let mut chunk: Vec<u8> = (b'0'..=b'9').cycle().take(len).collect();
                chunk.extend([byte, b'7']);
                let end = if byte.is_ascii_digit() { len + 2 } else { len };
                assert_eq!(digits(&chunk, 0).len(), end, "{}", chunk.escape_ascii());
                assert_eq!(digits(&chunk, len + 2), "");
            }
        }
    }
}
