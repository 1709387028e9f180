//! Violations with simpler inputs.

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
    assert!(test.contains("harness().seed(7).check(&chunks.concat()).unwrap();"), "{test}");
    assert!(test.contains(r#"b"\"a\x00\"""#), "{test}");
}
