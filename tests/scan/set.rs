//! Sets: what they contain, and that every kernel finds the first byte of any set.

use proptest::collection::vec;
use proptest::prelude::*;

use pushdown::scan::{Set, Stop};
use pushdown::testing::Kernel;

use super::{BLOCK, LONGEST};

#[test]
fn a_set_has_the_bytes_that_it_was_made_of() {
    const DIGITS: Set = Set::range(b'0'..=b'9');
    const EITHER: Set = DIGITS.union(Set::of(b"\0,,\xff"));
    for byte in 0..=255_u8 {
        let digit = byte.is_ascii_digit();
        let either = digit || [0, b',', 0xff].contains(&byte);
        assert_eq!(DIGITS.contains(byte), digit, "{byte}");
        assert_eq!(EITHER.contains(byte), either, "{byte}");
        assert_eq!(EITHER.not().contains(byte), !either, "{byte}");
        assert_eq!(Set::of(&[byte]), Set::range(byte..=byte));
    }
    assert_eq!(EITHER, Set::of(b",0918273645\xff\0"));
    assert_eq!(Set::range(0..=255), Set::of(b"").not());
    assert_eq!(format!("{EITHER:?}"), r"{b'\x00', b',', b'0'..=b'9', b'\xff'}");
}

/// Compares every kernel and the public search with the definition. Returns the number of comparisons.
fn agree(set: &Set, bytes: &[u8]) -> u64 {
    let expected = bytes.iter().position(|byte| set.contains(*byte));
    assert_eq!(set.find(bytes), expected, "{set:?} in {}", bytes.escape_ascii());
    assert_eq!((&set).find(bytes), expected);
    let mut compared = 2;
    for kernel in Kernel::available() {
        let found = kernel.find_in_set(set, bytes);
        assert_eq!(found, expected, "{}: {set:?} in {}", kernel.name(), bytes.escape_ascii());
        compared += 1;
    }
    compared
}

#[test]
fn every_kernel_finds_a_stop_at_every_place_alignment_and_length() {
    let set = Set::of(b",\"\n\xe9");
    let mut compared = 0;
    for length in (0..=LONGEST).chain([511, 512, 600, 700]) {
        for alignment in [0, 1, 31, 63] {
            let mut bytes = vec![b'a'; length + BLOCK];
            let bytes = &mut bytes[alignment..][..length];
            compared += agree(&set, bytes);
            // The first and last bytes of all vectors, and some between.
            for place in (0..length).filter(|place| place % 16 < 2 || place % 16 == 15) {
                bytes[place] = b",\"\n\xe9"[place % 4];
                compared += agree(&set, bytes);
                bytes[place] = b'a';
            }
        }
    }
    let names: Vec<_> = Kernel::available().map(Kernel::name).collect();
    println!("{compared} comparisons, kernels: {}", names.join(", "));
    assert!(compared > 100_000);
}

#[test]
fn every_byte_is_told_from_every_other() {
    let mut compared = 0;
    for member in 0..=255_u8 {
        let set = Set::of(&[member]);
        for other in 0..=255_u8 {
            // In vectors, and among the bytes that are looked at one by one.
            let mut bytes = [other; 100];
            compared += agree(&set, &bytes) + agree(&set.not(), &bytes);
            bytes[90] = member;
            compared += agree(&set, &bytes) + agree(&set.not(), &bytes);
        }
    }
    println!("{compared} comparisons");
    assert!(compared > 100_000);
}

#[test]
fn an_array_of_four_bytes_or_more_stops_as_their_set_does() {
    let mut compared = 0;
    for length in 0..200 {
        for place in 0..=length {
            let mut bytes = vec![b'a'; length];
            bytes[place..].iter_mut().step_by(2).for_each(|byte| *byte = b';');
            let expected = (place < length).then_some(place);
            assert_eq!(b",\";\n".find(&bytes), expected, "{}", bytes.escape_ascii());
            assert_eq!([b';'; 9].find(&bytes), expected, "{}", bytes.escape_ascii());
            assert_eq!(b",\"!\n".find(&bytes), None);
            compared += 3;
        }
    }
    println!("{compared} comparisons");
    assert!(compared > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_kernel_finds_the_first_byte_of_any_set(
        members in vec(any::<u8>(), 0..20),
        complement in any::<bool>(),
        bytes in vec(any::<u8>(), 0..900),
    ) {
        let set = Set::of(&members);
        let set = if complement { set.not() } else { set };
        agree(&set, &bytes);
        // Sparse, so that the search goes far.
        let rare: Vec<u8> = bytes.iter().map(|byte| if set.contains(*byte) { 0 } else { *byte }).collect();
        agree(&set, &rare);
    }
}
