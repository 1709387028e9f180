//! Violations with simpler inputs.

use std::time::Duration;

use pushdown::Status;
use pushdown::testing::{self, Harness, Law, Log};

use super::broken::Bug;
use super::{broken, each_planted};

#[test]
fn a_simpler_input_shows_the_same_bug_and_no_byte_of_it_can_be_left_out() {
    let mut lengths = Vec::new();
    let planted = each_planted(|bug, input, law, _| {
        let harness = broken(bug, law, 0);
        let name = format!("{bug:?}");
        let simple = harness.shrink(harness.check(input).expect_err(&name));
        assert_eq!((simple.parser(), simple.law()), (&*name, law), "{simple}");
        let again = harness.check(simple.input()).expect_err(&name);
        assert_eq!((again.law(), again.cutting()), (law, simple.cutting()), "{again}");
        let chunks: Vec<_> = simple.cutting().chunks(simple.input()).collect();
        let again = harness.check_chunks(&chunks).expect_err(&name);
        assert_eq!(again.law(), law, "{again}");
        for at in 0..simple.input().len() {
            let mut shorter = simple.input().to_vec();
            shorter.remove(at);
            let found = harness.check(&shorter).err();
            assert_ne!(found.map(|found| found.law()), Some(law), "without byte {at}: {simple}");
        }
        lengths.push((input.len(), simple.input().len()));
    });
    println!("{planted} planted bugs: {lengths:?}");
    assert!(lengths.iter().all(|(before, after)| after <= before));
    assert!(lengths.iter().map(|(_, after)| after).sum::<usize>() < 4 * planted);
}

#[test]
fn a_long_input_is_shrunk_to_the_few_bytes_that_matter() {
    // Loses a cut that lies between a 1 and a 2.
    let feed = |last: &mut u8, chunk: Option<&[u8]>, log: &mut Log| {
        for (index, &byte) in chunk.unwrap_or_default().iter().enumerate() {
            if (*last, byte) == (1, 2) && index > 0 {
                log.event("12");
            }
            *last = byte;
        }
        if chunk.is_some() { Status::NeedMoreInput } else { Status::Success }
    };
    let harness = Harness::new(testing::no_events).foreign("pairs", u8::default, feed);
    let mut input: Vec<u8> = (0..20_000_u32).map(|number| (number % 251) as u8 | 4).collect();
    input[13_000..13_002].copy_from_slice(&[1, 2]);
    let violation = harness.check(&input).unwrap_err();
    assert_eq!((violation.law(), violation.input().len()), (Law::Events, 20_000));
    let simple = harness.shrink(violation);
    assert_eq!((simple.input(), simple.cutting().cuts()), (&[1, 2][..], &[1][..]));
}

#[test]
fn bytes_that_do_not_matter_become_letters() {
    let harness = broken(Bug::MissesAQuoteAfterACut, Law::Status, 0);
    let simple = harness.shrink(harness.check("\"é\\\"\u{7f}\"".as_bytes()).unwrap_err());
    assert_eq!(simple.input(), b"\"\"");
    let harness = broken(Bug::TruncatesCharacters, Law::ProcessChar, 0);
    let simple = harness.shrink(harness.check("\"xyé\"".as_bytes()).unwrap_err());
    assert_eq!(simple.input(), "\"é".as_bytes(), "the character matters, its letters do not");
}

#[test]
fn a_violation_at_depth_stays_as_it_is() {
    let harness = Harness::new(testing::no_events).foreign(
        "none",
        || (),
        |(), _, _: &mut Log| Status::Success,
    );
    let violation = harness.check_depth(9, |depth| vec![0; depth]).unwrap_err();
    let input = violation.input().to_vec();
    assert_eq!(harness.shrink(violation).input(), input);
}

#[test]
fn the_test_of_a_violation_names_law_parser_and_seed() {
    let harness = broken(Bug::EndsOnAnEmptyChunk, Law::EmptyChunk, 7);
    let violation = harness.check(b"\"a\x00\"").unwrap_err();
    let test = violation.regression_test();
    println!("{test}");
    assert!(test.contains("fn empty_chunk_of_endsonanemptychunk() {"), "{test}");
    assert!(test.contains("harness().seed(7).check_chunks(&chunks).unwrap();"), "{test}");
    assert!(test.contains(r#"b"\"a\x00\"""#), "{test}");
}

/// Reports a chunk of 100 bytes or more between two others. Nothing is missed in shorter inputs.
fn in_the_middle(state: &mut (usize, bool), chunk: Option<&[u8]>, log: &mut Log) -> Status {
    let Some(chunk) = chunk else { return Status::Success };
    let (before, middle) = *state;
    if before > 0 && middle {
        log.event("in the middle");
    }
    *state = (before + chunk.len(), before > 0 && chunk.len() >= 100);
    Status::NeedMoreInput
}

#[test]
fn the_test_of_a_violation_fails_for_a_cutting_that_only_chance_finds() {
    let harness =
        || Harness::new(testing::no_events).foreign("middle", Default::default, in_the_middle);
    let violation = harness().check(&[b'x'; 1000]).unwrap_err();
    let simple = harness().shrink(violation);
    assert_eq!((simple.input().len(), simple.cutting().cuts()), (102, &[1, 101][..]));
    // The 64 random cuttings do not have this one, nor do those of equal chunks.
    harness().check(simple.input()).unwrap();
    let test = simple.regression_test();
    assert!(test.contains("harness().check_chunks(&chunks).unwrap();"), "{test}");
    let chunks: Vec<_> = simple.cutting().chunks(simple.input()).collect();
    let again = harness().check_chunks(&chunks).unwrap_err();
    assert_eq!((again.law(), again.cutting()), (simple.law(), simple.cutting()));
}

#[test]
fn bytes_that_only_simpler_bytes_make_superfluous_are_left_out() {
    let feed = |seen: &mut Vec<u8>, chunk: Option<&[u8]>, log: &mut Log| match chunk {
        Some(chunk) => {
            seen.extend_from_slice(chunk);
            Status::NeedMoreInput
        }
        None => {
            if matches!(&**seen, b"qr" | b"ar" | b"aa" | b"a") {
                log.text(b"");
            }
            Status::Success
        }
    };
    let harness = Harness::new(testing::no_events).foreign("some", Vec::new, feed);
    let simple = harness.shrink(harness.check(b"qr").unwrap_err());
    assert_eq!((simple.input(), simple.law()), (&b"a"[..], Law::EmptyText));
}

#[test]
fn what_cannot_be_checked_any_more_is_not_tried() {
    // Reports the number of chunks, if the input is long.
    let feed = |(len, chunks): &mut (usize, u32), chunk: Option<&[u8]>, log: &mut Log| {
        match chunk {
            Some(chunk) => (*len, *chunks) = (*len + chunk.len(), *chunks + 1),
            None if *len > 200_000 => log.event(*chunks),
            None => {}
        }
        if chunk.is_some() { Status::NeedMoreInput } else { Status::Success }
    };
    let harness = || Harness::new(testing::no_events).foreign("chunks", Default::default, feed);
    // Found in a moment: the input is fed whole and in single bytes.
    let found = || harness().budget(Duration::ZERO).check(&vec![b'x'; 250_000]).unwrap_err();
    let violation = found();
    let shrinking = allocation_counter::measure(|| {
        let simple = harness().shrink(violation);
        assert!(simple.input().len() > 200_000);
    });
    // One copy for each byte that might be left out would be 60 GB.
    println!("{} bytes allocated", shrinking.bytes_total);
    assert!(shrinking.bytes_total < 16 << 30);

    let simple = harness().budget(Duration::ZERO).shrink(found());
    assert_eq!(simple.input().len(), 250_000, "the time is over");
}

#[test]
fn the_test_of_a_violation_is_valid_whatever_is_in_its_names_and_reports() {
    let feed = |(): &mut (), _: Option<&[u8]>, _: &mut Log| -> Status {
        panic!("left: 1\nright: 2\r\u{202e}\0é")
    };
    let harness = Harness::new(testing::no_events).foreign("two\nlines", || (), feed);
    let test = harness.check(b"a").unwrap_err().regression_test();
    assert!(test.starts_with("/// two\\nlines breaks a law: nothing panics\n#[test]\n"), "{test}");
    let found = r"    // found:    a panic: left: 1\nright: 2\r\u{202e}\u{0}é";
    assert!(test.lines().any(|line| line == found), "{test}");
    assert_eq!(test.lines().count(), 9, "{test}");
}
