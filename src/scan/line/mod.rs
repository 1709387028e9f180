//! The scan of event streams: to the end of a line, and whether what lies before it is ASCII.
//!
//! Most values have a few bytes, or a few hundred, and are wanted as text. One pass answers both questions. It is
//! inlined into the body that reads, and nothing is chosen at run time.
//!
//! | kernel | bytes per comparison | used on |
//! |---|---|---|
//! | `sse2` | 16 at first, then 64 | x86-64, all of which has SSE2 |
//! | `portable` | 8, in a 64-bit word | all others |

mod portable;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2;

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
use portable as kernel;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use sse2 as kernel;

/// Bytes that are searched, at least, if the chunk has so many and no line ends before: most lines are not longer.
pub(crate) const NEAR: usize = 256;

/// The bytes up to the end of a line.
pub(crate) enum Line<'c> {
    /// They are text, all of it ASCII.
    Ascii(&'c str),
    /// Some are not ASCII.
    Other(&'c [u8]),
}

/// Returns what lies between `at` and the next line feed or carriage return. If none is near, it returns what has
/// been searched: up to the end of the chunk, or between `NEAR` bytes and a few more.
#[inline(always)]
pub(crate) fn near(chunk: &[u8], at: usize) -> Line<'_> {
    let (end, is_ascii) = kernel::past_line(chunk, at);
    let line = &chunk[at..end];
    if is_ascii {
        debug_assert!(line.is_ascii(), "A");
        // SAFETY: A: the kernel has looked at every byte.
        Line::Ascii(unsafe { str::from_utf8_unchecked(line) })
    } else {
        Line::Other(line)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// More bytes than a search without a line end goes through.
    const FAR: usize = NEAR + 64;

    type PastLine = fn(&[u8], usize) -> (usize, bool);

    /// Every kernel, so that none is left out on a processor that has a better one.
    const KERNELS: &[(&str, PastLine)] = &[
        ("portable", portable::past_line),
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        ("sse2", sse2::past_line),
    ];

    /// Checks every kernel from each of these positions. Returns the number of runs.
    fn check(chunk: &[u8], positions: &[usize]) -> usize {
        for &at in positions {
            let end = chunk[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            for (name, past_line) in KERNELS {
                let (found, is_ascii) = past_line(chunk, at);
                let searched = found - at;
                match end {
                    Some(end) if end < NEAR || searched == end => assert_eq!(searched, end),
                    _ if found == chunk.len() => assert!(searched < FAR),
                    _ => assert!((NEAR..FAR).contains(&searched), "{searched}, {name}"),
                }
                assert!(end.is_none_or(|end| searched <= end), "{name}");
                let expected = chunk[at..found].is_ascii();
                assert_eq!(is_ascii, expected, "{name} from {at} of {}", chunk.escape_ascii());
            }
        }
        positions.len() * KERNELS.len()
    }

    #[test]
    fn a_line_of_any_length_ends_where_its_definition_says() {
        let mut runs = 0;
        for len in (0..150).chain(240..400) {
            for behind in [0, 1, 15, 16, 17, 63, 64, 65, 130] {
                for end in [b'\r', b'\n', b'a', 0x8a, 0x8d] {
                    let mut chunk: Vec<u8> = (b' '..=b'~').cycle().take(len).collect();
                    chunk.push(end);
                    chunk.extend(b"\xff\r\n".iter().cycle().take(behind));
                    runs += check(&chunk, &[0, len / 2, len, len.saturating_sub(17)]);
                }
            }
        }
        std::println!("{runs} runs, {} kernels", KERNELS.len());
        assert!(runs > 50_000);
    }

    #[test]
    fn a_byte_that_is_not_ascii_is_seen_at_any_place_of_a_line_and_not_behind_it() {
        let mut runs = 0;
        for len in (1..90).chain(120..150).chain([200, 255, 256, 257]) {
            for place in 0..len + 3 {
                for byte in [0x80, 0xff] {
                    let mut chunk = std::vec![b'x'; len];
                    chunk.extend(b"\n and more");
                    if place != len {
                        chunk[place] = byte;
                    }
                    runs += check(&chunk, &[0, 1]);
                    chunk.truncate(len);
                    runs += check(&chunk, &[0, len.min(place)]);
                }
            }
        }
        std::println!("{runs} runs, {} kernels", KERNELS.len());
        assert!(runs > 50_000);
    }

    #[test]
    fn every_byte_is_what_it_is_beside_any_other() {
        let mut runs = 0;
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let mut chunk = [b'a'; 90];
                for place in [0, 14, 40] {
                    chunk[place] = first;
                    chunk[place + 1] = second;
                    runs += check(&chunk, &[0]);
                    chunk[place] = b'a';
                    chunk[place + 1] = b'a';
                }
            }
        }
        assert_eq!(runs, 3 * KERNELS.len() << 16);
    }

    #[test]
    fn nothing_is_found_where_there_is_nothing() {
        assert_eq!(
            check(b"", &[0]) + check(b"abc", &[3]) + check(&[b'a'; 80], &[80]),
            3 * KERNELS.len()
        );
    }
}
