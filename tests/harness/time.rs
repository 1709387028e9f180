//! Long inputs, budgets and progress.

use std::cell::RefCell;
use std::time::Duration;

use pushdown::quoted;
use pushdown::testing::{Checking, Harness, Law};

use crate::broken::{Bug, Quote};
use crate::{INPUT, record};

#[test]
fn a_long_input_is_sampled_as_the_documentation_says() {
    let harness = Harness::new(record).parser("machine", quoted::Machine::new);
    let report = harness.check(&[b'"'; 4096]).unwrap();
    assert_eq!((report.two_way_cuts, report.prefixes, report.equal_chunks), (4097, 1024, 35));

    let report = harness.check(&[b'"'; 4097]).unwrap();
    assert_eq!((report.two_way_cuts, report.prefixes, report.equal_chunks), (4095, 1023, 35 + 64));
    assert_eq!(report.random_cuttings, 64);
    let shown = report.to_string();
    assert!(shown.starts_with("4097-byte input: 4095 of 4098 two-way cuts, "), "{shown}");
    assert!(shown.ends_with("work not checked"), "{shown}");
}

#[test]
fn an_input_of_64_kib_is_sampled_thinly_and_a_bug_in_its_middle_is_found() {
    let long = [&b"\""[..], &b"so it goes on, ".repeat(4369)[..], b"\""].concat();
    let harness = Harness::new(record)
        .with_work("machine", quoted::Machine::new)
        .with_work("stackless", quoted::Stackless::new);
    let report = harness.check(&long).unwrap();
    println!("{report}");
    assert_eq!((report.bytes, report.two_way_cuts, report.prefixes), (65_537, 255, 64));
    assert!(report.is_complete());

    let mut escaped = long;
    escaped[40_000..40_002].copy_from_slice(b"\\\"");
    let violation = Harness::new(record)
        .parser("forgetful", || Quote::new(Some(Bug::ForgetsAnEscapeThatEndsAPair)))
        .check(&escaped)
        .unwrap_err();
    assert_eq!(violation.cutting().cuts(), [39_999, 40_001], "{violation}");
}

#[test]
fn parsers_are_compared_at_every_position_of_a_long_input() {
    let mut input = [&b"\""[..], &[b'-'; 9_998], b"\""].concat();
    input[5_000] = 0;
    let violation = Harness::new(record)
        .parser("unbroken", || Quote::new(None))
        .parser("late", || Quote::new(Some(Bug::HoldsBackZeros)))
        .check(&input)
        .unwrap_err();
    assert_eq!(violation.law(), Law::Agreement, "prompt, but not like the other");
    let shown = violation.to_string();
    assert!(shown.contains("fed:      5001 of 10000 bytes"), "{shown}");
}

#[test]
fn a_budget_stops_the_check_and_the_report_says_so() {
    let harness = || {
        let harness = Harness::new(record).parser("machine", quoted::Machine::new);
        harness.parser("coroutine", quoted::Coroutine::new)
    };
    let report = harness().budget(Duration::ZERO).check(INPUT).unwrap();
    assert!(!report.is_complete());
    for parser in &report.parsers {
        assert_eq!((parser.cuttings, parser.prefixes), (0, 0));
    }
    let shown = report.to_string();
    let stopped = "\n  machine: 3 runs, work not checked; stopped by the budget after 0 of 114 \
                   cuttings and 0 of 12 prefixes\n";
    assert!(shown.contains(stopped), "{shown}");
    assert!(shown.ends_with("all 2 agree on 0 of 12 prefixes"), "{shown}");

    for limit in [Duration::from_hours(1), Duration::MAX] {
        let report = harness().budget(limit).check(INPUT).unwrap();
        assert!(report.is_complete(), "{report}");
        assert_eq!(report.to_string(), harness().check(INPUT).unwrap().to_string());
    }
}

#[test]
fn without_any_time_the_input_is_still_fed_whole_and_in_single_bytes() {
    let find = |bug| {
        Harness::new(record)
            .parser("unbroken", || Quote::new(None))
            .parser("broken", || Quote::new(bug))
            .budget(Duration::ZERO)
            .check(INPUT)
    };
    find(None).unwrap();
    assert_eq!(find(Some(Bug::CountsTwice)).unwrap_err().law(), Law::Offset);
    assert_eq!(find(Some(Bug::ForgetsTheEscapeAtACut)).unwrap_err().law(), Law::Consumed);
    assert_eq!(find(Some(Bug::IgnoresEscapes)).unwrap_err().law(), Law::Agreement);
}

#[test]
fn progress_counts_up_to_what_is_planned() {
    let seen = RefCell::new(Vec::new());
    let report = Harness::new(record)
        .parser("machine", quoted::Machine::new)
        .parser("coroutine", quoted::Coroutine::new)
        .progress(|&Checking { parser, runs, tried, planned, .. }| {
            seen.borrow_mut().push((parser.to_owned(), runs, tried, planned));
        })
        .check(INPUT)
        .unwrap();
    let seen = seen.into_inner();
    let planned = report.cuttings + report.prefixes;
    assert_eq!(seen.len(), 2 * planned);
    for (index, (parser, runs, tried, of)) in seen.into_iter().enumerate() {
        let (number, name) = [(index, "machine"), (index - planned.min(index), "coroutine")]
            [usize::from(index >= planned)];
        assert_eq!((&*parser, tried, of), (name, number + 1, planned));
        assert!(runs > tried as u64, "each was run");
    }
}

#[test]
fn a_violation_can_be_found_again_by_its_input_and_seed() {
    let make = || Quote::new(Some(Bug::LosesTheByteAfterAPause));
    let harness = |seed| Harness::new(record).parser("lossy", make).seed(seed);
    let first = harness(23).check(INPUT).unwrap_err();
    assert!(first.to_string().contains("\n  seed:     23\n"), "{first}");
    let again = harness(first.seed()).check(first.input()).unwrap_err();
    assert_eq!(first.to_string(), again.to_string());
}
