//! The scan of event streams: to the end of a line, and whether what lies before it is ASCII.
//!
//! Most values have a few bytes, or a few hundred, and are wanted as text. One pass answers both questions. The first
//! bytes are searched in the body that reads; the rest by the best kernel of the processor.
//!
//! | kernel | bytes per comparison | used on |
//! |---|---|---|
//! | `sse2` | 16 | x86-64: the first 16 bytes, and short chunks; all bytes without AVX2 |
//! | `avx2`, `avx512` | 32, 64 | x86-64 that has them |
//! | `portable` | 8, in a 64-bit word | all others |

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(super) mod avx2;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(super) mod avx512;
mod portable;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod search;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(super) mod sse2;

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
    use crate::scan::kernel::Kernel;

    /// More bytes than a search without a line end goes through.
    const FAR: usize = NEAR + 96;

    /// Every kernel that the processor can run, so that none is left out beside a better one.
    fn kernels(chunk: &[u8], at: usize) -> Vec<(&'static str, (usize, bool))> {
        let mut found = std::vec![("portable", portable::past_line(chunk, at))];
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        {
            found.push(("best", sse2::past_line(chunk, at)));
            // A chunk without a window is not for the others.
            found.extend(Kernel::available().filter(|_| chunk.len() >= 64).map(|kernel| {
                let further = |chunk: &[u8], at, any| kernel.past_line(chunk, at, any);
                (kernel.name(), sse2::past_line_with(further, chunk, at))
            }));
        }
        found
    }

    /// Checks every kernel from each of these positions. Returns the number of runs.
    fn check(chunk: &[u8], positions: &[usize]) -> usize {
        for &at in positions {
            let end = chunk[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            for (name, (found, is_ascii)) in kernels(chunk, at) {
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
        positions.len() * kernels(chunk, 0).len()
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
        std::println!("{runs} runs, {} kernels", kernels(&[0; 64], 0).len());
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
        std::println!("{runs} runs, {} kernels", kernels(&[0; 64], 0).len());
        assert!(runs > 50_000);
    }

    #[test]
    fn two_bytes_that_are_not_ascii_do_not_hide_each_other() {
        let mut runs = 0;
        for len in [17_usize, 33, 65, 90, 150] {
            for distance in [1, 8, 16, 32, 64, 128] {
                for first in 0..len.saturating_sub(distance) {
                    let mut chunk = std::vec![b'x'; len];
                    chunk[first] = 0x80;
                    chunk[first + distance] = 0x80;
                    runs += check(&chunk, &[0]);
                    chunk.extend(b"\n behind it");
                    runs += check(&chunk, &[0]);
                }
            }
        }
        std::println!("{runs} runs, {} kernels", kernels(&[0; 64], 0).len());
        assert!(runs > 1_000);
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
        assert_eq!(runs, (3 * kernels(&[0; 64], 0).len()) << 16);
    }

    #[test]
    fn nothing_is_found_where_there_is_nothing() {
        assert!(check(b"", &[0]) > 0 && check(b"abc", &[3]) > 0 && check(&[b'a'; 80], &[80]) > 0);
    }
}
