//! Published values and recorded connections, in every engine: the data and its licences are in `tests/data/resp`.

use std::fs;
use std::path::PathBuf;

use pushdown::resp::{Extent, Version};

use crate::common::log::Log;
use crate::common::{Engine, Expected, Rules, oracle};
use crate::cuttings::{RANDOM, cuttings, pairs};

#[test]
fn the_cases_are_accepted_and_rejected_as_they_demand() {
    let mut cases = 0;
    let mut runs = 0;
    let versions = [(Version::Resp3, 1), (Version::Resp2, 2)];
    for (version, verdict) in versions {
        for extent in [Extent::Value, Extent::Stream] {
            let rules = Rules { version, extent, ..Rules::DEFAULT };
            let mut engines = Engine::all(rules);
            for row in table("cases.tsv") {
                let columns: Vec<_> = row.split('\t').collect();
                let [id, .., note, input, events] = columns[..] else { panic!("{row}") };
                let input = bytes(input);
                let expected = Expected::prompt(&input, rules);
                let found = expected.whole.finished.map(|()| expected.whole.events.to_string());
                let events = joined(events);
                match columns[verdict] {
                    "ok" if extent == Extent::Value => {
                        let first = events.split(" | ").next().unwrap();
                        assert_eq!(found.as_deref(), Ok(first), "the oracle (left) about {id}");
                    }
                    "ok" => {
                        let all = events.replace(" | ", " ");
                        assert_eq!(found, Ok(all), "the oracle (left) about {id}");
                        assert_eq!(expected.whole.consumed.to_string(), columns[3], "{id}");
                    }
                    // The first value may be right, and the second wrong.
                    "error" if extent == Extent::Value && events.contains(" | ") => {}
                    "error" => {
                        let error = found.expect_err(id);
                        assert_eq!(error.kind, pushdown::ErrorKind::UnexpectedByte, "{id}");
                    }
                    "incomplete" if input.is_empty() => assert_eq!(expected.whole.consumed, 0),
                    "incomplete" => {
                        let error = found.expect_err(id);
                        assert_eq!(error.kind, pushdown::ErrorKind::UnexpectedEnd, "{id}");
                    }
                    "either" => assert_ne!(note, "-", "{id}"),
                    other => panic!("{id}: {other}"),
                }
                if rules == Rules::DEFAULT {
                    for cuts in pairs(input.len()) {
                        runs += Engine::check_all(&mut engines, &cuts, &expected);
                    }
                }
                for cuts in cuttings(input.len()) {
                    runs += Engine::check_all(&mut engines, &cuts, &expected);
                }
                cases += 1;
            }
        }
    }
    println!("{cases} cases, {runs} runs");
    assert_eq!(cases, 4 * 118);
    assert!(runs > cases);
}

#[test]
fn every_prefix_of_an_accepted_case_waits_for_more() {
    let mut prefixes = 0;
    for row in table("cases.tsv") {
        let columns: Vec<_> = row.split('\t').collect();
        if columns[1] == "ok" {
            let (input, consumed) = (bytes(columns[5]), columns[3].parse::<usize>().unwrap());
            let rules = Rules { extent: Extent::Stream, ..Rules::DEFAULT };
            for len in 0..consumed {
                let answer = oracle(&input[..len], rules);
                assert_eq!(answer.status, pushdown::Status::NeedMoreInput, "{row}");
                prefixes += 1;
            }
        }
    }
    println!("{prefixes} prefixes");
    assert!(prefixes > 1000);
}

#[test]
fn the_events_of_every_transcript_are_the_recorded_ones_for_every_cutting() {
    let (mut transcripts, mut runs) = (0, 0);
    for row in table("transcripts-expected.tsv") {
        let columns: Vec<_> = row.split('\t').collect();
        let [file, len, frames, _, sum, _] = columns[..] else { panic!("{row}") };
        let input = fs::read(path(&format!("transcripts/{file}"))).unwrap();
        assert_eq!(input.len().to_string(), len, "{file}");
        let recorded = fs::read_to_string(path(&format!("transcripts/{file}.frames"))).ok();

        // Value by value.
        let mut values = Vec::new();
        let mut rest = &input[..];
        while !rest.is_empty() {
            let answer = oracle(rest, Rules::DEFAULT);
            assert_eq!(answer.finished, Ok(()), "{file}");
            rest = &rest[answer.consumed..];
            values.push(answer.events.to_string());
        }
        assert_eq!(values.len().to_string(), frames, "{file}");
        match recorded.as_deref() {
            Some(recorded) if recorded.contains("sbulk") => {
                let joined: Vec<_> = recorded.lines().map(joined).collect();
                assert!(values == joined, "the oracle is wrong about {file}");
            }
            _ => assert_eq!(fnv1a64(&values), sum, "{file}"),
        }

        // The stream.
        let rules = Rules { extent: Extent::Stream, ..Rules::DEFAULT };
        let expected = Expected::whole(&input, rules);
        let mut engines = Engine::all(rules);
        for cuts in cuttings(input.len()) {
            runs += Engine::check_all(&mut engines, &cuts, &expected);
        }
        let resp2 = Rules { version: Version::Resp2, ..rules };
        if oracle(&input, resp2).finished.is_ok() {
            assert!(file.contains("resp2") || file.contains("requests"), "{file}");
            let expected = Expected::whole(&input, resp2);
            runs += Engine::check_all(&mut Engine::all(resp2), &[], &expected);
        } else {
            assert!(file.contains("resp3"), "{file}");
        }
        transcripts += 1;
    }
    println!("{transcripts} transcripts, {runs} runs, random cuttings of the seeds 0..{RANDOM}");
    assert_eq!(transcripts, 12);
    assert!(runs > 500);
}

#[test]
fn the_values_of_a_transcript_are_read_one_by_one_by_one_parser() {
    let input = fs::read(path("transcripts/mixed-resp3.replies.resp")).unwrap();
    let recorded = fs::read_to_string(path("transcripts/mixed-resp3.replies.resp.frames")).unwrap();
    let mut runs = 0;
    for engine in &mut Engine::all(Rules::DEFAULT) {
        for size in [1, 7, 1_460, input.len()] {
            if engine.takes(input.len()) {
                let values = engine.values(input.chunks(size));
                let values: Vec<_> = values.iter().map(Log::to_string).collect();
                let recorded: Vec<_> = recorded.lines().collect();
                assert_eq!(values, recorded, "{engine:?} in chunks of {size}");
                runs += 1;
            }
        }
    }
    assert_eq!(runs, 16);
}

/// Returns the name and the bytes of each transcript.
pub(crate) fn transcripts() -> impl Iterator<Item = (String, Vec<u8>)> {
    table("transcripts-expected.tsv").into_iter().map(|row| {
        let file = row.split('\t').next().unwrap();
        (file.into(), fs::read(path(&format!("transcripts/{file}"))).unwrap())
    })
}

/// Joins the parts of streamed strings.
fn joined(events: &str) -> String {
    let mut joined = events.replace("sbulk chunk:", "bulk:").replace(" chunk:", "");
    joined = joined.replace("sbulk endchunk", "bulk:").replace(" endchunk", "");
    joined
}

fn fnv1a64(lines: &[String]) -> String {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    format!("{:016x}", bytes.fold(0xcbf2_9ce4_8422_2325, step))
}

fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data/resp", file].iter().collect()
}

/// Returns the lines of a table but the first, which names its columns.
fn table(file: &str) -> Vec<String> {
    fs::read_to_string(path(file)).unwrap().lines().skip(1).map(String::from).collect()
}

/// Decodes hexadecimal digits; `-` means no bytes.
fn bytes(column: &str) -> Vec<u8> {
    let digits = column.trim_matches('-').as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
