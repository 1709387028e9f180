//! Every scan finds what its definition finds: each kernel that this processor can run, at every
//! alignment and length, and with every offset between the escapes and the kernel's blocks.

#![cfg(feature = "testing")]

use pushdown::scan::{self, Escaped, MAX_LOOKAHEAD as BLOCK, Stop};
use pushdown::testing::Kernel;

mod delimiter;
mod set;

#[path = "../common/definition.rs"]
pub mod definition;
#[path = "../common/random.rs"]
mod random;
use definition::skip;
use random::Random;

const STRING: Escaped = Escaped { close: b'"', escape: b'\\' };
const LONGEST: usize = 300;

/// Compares every kernel and the public search with the definition. Returns the number of
/// comparisons.
fn agree(stop: Escaped, bytes: &[u8]) -> u64 {
    let expected = skip(stop, bytes);
    let mut compared = 1;
    assert_eq!(stop.skip(bytes), expected, "skip of {}", bytes.escape_ascii());
    let by_reference = <&Escaped as Stop>::skip(&&stop, bytes);
    assert_eq!(by_reference, expected, "skip by reference of {}", bytes.escape_ascii());
    for kernel in Kernel::available() {
        let found = kernel.skip_escaped(stop, bytes);
        assert_eq!(found, expected, "{} of {}", kernel.name(), bytes.escape_ascii());
        compared += 1;
    }
    compared
}

/// Repeats a sequence, long enough for slices at every alignment.
fn pattern(unit: &[u8]) -> Vec<u8> {
    unit.iter().copied().cycle().take(LONGEST + BLOCK + 1).collect()
}

#[test]
fn every_kernel_equals_the_definition_at_every_alignment_and_length() {
    let mut compared = 0;
    // Runs of escapes of every length up to 5, and one that fills blocks; quotes, hidden or not.
    let units: [&[u8]; 9] = [
        b"a",
        b"\\",
        b"\\\"",
        b"\\\\a",
        b"a\\\\\\\"",
        b"\\\\\\\\\\x",
        b"ab\\\\\\\\cd\\\"",
        b"\x00\xff\xa2\xdc\x23\x21\x5d\x5b",
        b"\\a",
    ];
    for unit in units {
        let bytes = pattern(unit);
        for alignment in 0..BLOCK {
            // At every alignment, the lengths where a kernel switches to another loop.
            for length in (0..=LONGEST).filter(|length| alignment < 9 || length % BLOCK < 3) {
                compared += agree(STRING, &bytes[alignment..][..length]);
            }
        }
    }
    let names: Vec<_> = Kernel::available().map(Kernel::name).collect();
    println!("{compared} comparisons, kernels: {}", names.join(", "));
    assert!(compared > 100_000);
}

#[test]
fn a_close_is_found_at_every_place_after_any_run_of_escapes() {
    let mut compared = 0;
    for length in [1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257, 300] {
        for place in 0..length {
            for run in 0..=place.min(70) {
                let mut bytes = vec![b'a'; length];
                bytes[place] = b'"';
                bytes[place - run..place].fill(b'\\');
                compared += agree(STRING, &bytes);
            }
        }
    }
    println!("{compared} comparisons");
    assert!(compared > 100_000);
}

#[test]
fn a_close_is_found_behind_strides_of_every_kind() {
    // The decision of a kernel for 256 bytes at once depends on the escapes before closing bytes, and on
    // how the 256 bytes before ended.
    let pieces: [&[u8]; 7] = [b"a", b"\\\"", b"\\\\", b"\\\\\\\"", b"\\n", b"\\", b"\\\\\\\\a"];
    let mut random = Random(0);
    let mut compared = 0;
    for _ in 0..4_000 {
        let mut bytes = Vec::new();
        while bytes.len() < 2_500 {
            let piece = pieces[random.below(pieces.len())];
            bytes.extend(piece.iter().cycle().take(1 + random.below(600)));
        }
        if random.below(4) > 0 {
            let length = bytes.len();
            bytes[random.below(length)] = b'"';
        }
        compared += agree(STRING, &bytes);
        // Behind a close that is left out, as a parser goes on after it.
        if let Some(close) = skip(STRING, &bytes) {
            compared += agree(STRING, &bytes[close + 1..]);
        }
    }
    println!("{compared} comparisons");
    assert!(compared > 20_000);
}

#[test]
fn any_two_bytes_can_be_close_and_escape() {
    let mut compared = 0;
    let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    for close in 0..=255_u8 {
        for escape in [close, 0, 0x7f, 0x80, 0xff, close ^ 0x80, close.wrapping_add(1)] {
            compared += agree(Escaped { close, escape }, &bytes);
        }
    }
    println!("{compared} comparisons");
    assert!(compared > 0);
}

#[test]
fn the_portable_kernel_is_always_available_and_the_best_comes_last() {
    let all: Vec<_> = Kernel::available().collect();
    assert_eq!(all.first().map(|kernel| kernel.name()), Some("swar"));
    assert_eq!(all.last(), Some(&Kernel::best()));
    assert_eq!(scan::kernel_name(), Kernel::best().name());
}

#[test]
#[cfg(target_arch = "x86_64")]
fn every_kernel_that_this_processor_can_run_is_available() {
    let names: Vec<_> = Kernel::available().map(Kernel::name).collect();
    let has_bits = is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt");
    assert_eq!(names.contains(&"ssse3"), is_x86_feature_detected!("ssse3"));
    assert_eq!(names.contains(&"avx2"), has_bits && is_x86_feature_detected!("avx2"));
    assert_eq!(names.contains(&"avx512"), has_bits && is_x86_feature_detected!("avx512bw"));
}

#[test]
fn a_search_finds_the_first_of_any_set_of_bytes() {
    let mut compared = 0;
    let bytes: Vec<u8> = (0..=255).chain(0..=255).collect();
    for from in 0..256 {
        let rest = &bytes[from..];
        for byte in 0..=255_u8 {
            let [a, b, c, d] = [0, 77, 131, 201].map(|step: u8| byte.wrapping_add(step));
            let first = |set: &[u8]| rest.iter().position(|byte| set.contains(byte));
            assert_eq!(a.find(rest), first(&[a]));
            assert_eq!([a, b].find(rest), first(&[a, b]));
            assert_eq!([a, b, c].find(rest), first(&[a, b, c]));
            assert_eq!([a, b, c, d].find(rest), first(&[a, b, c, d]));
            assert_eq!([d, c, b, a, a].find(rest), first(&[a, b, c, d]));
            let stop = Escaped { close: a, escape: b };
            assert_eq!(stop.find(rest), first(&[a, b]));
            compared += 6;
        }
    }
    assert_eq!([0_u8; 0].find(&bytes), None);
    assert_eq!([b'z'; 4].find(b"abc"), None);
    println!("{compared} comparisons");
    assert!(compared > 0);
}

#[test]
fn a_close_is_found_around_the_end_of_a_stride_among_all_few_bytes() {
    const STRIDE: usize = 4 * BLOCK;
    const AROUND: u32 = 7;
    let fillers: [&[u8]; 6] = [b"a", b"\\\"", b"a\\\"", b"\\\\", b"\\n", b"aaa\\\\\\\""];
    let mut compared = 0;
    for (filler, end) in fillers.iter().flat_map(|filler| [1, 2, 3].map(|n| (filler, n * STRIDE))) {
        let mut bytes: Vec<u8> = filler.iter().copied().cycle().take(4 * STRIDE + 9).collect();
        for number in 0..3_usize.pow(AROUND) {
            for place in 0..AROUND {
                let digit = number / 3_usize.pow(place) % 3;
                bytes[end - 4 + place as usize] = [b'a', b'\\', b'"'][digit];
            }
            compared += agree(STRING, &bytes);
        }
    }
    println!("{compared} comparisons");
    assert!(compared > 50_000);
}
