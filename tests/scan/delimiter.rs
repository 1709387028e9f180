//! Delimiters against a naive search, at every cut: what is text, and what is withheld after each chunk.

use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};

use proptest::collection::vec;
use proptest::prelude::*;

use pushdown::engine::machine;
use pushdown::engine::stackless::{Input, Parser};
use pushdown::scan::Delimiter;
use pushdown::testing::{Harness, Log, Work};
use pushdown::{Events, Failure, PushParser, Status};

/// What has been seen of a text: the number of bytes that are certain to be text, and the index after
/// the delimiter.
fn definition(delimiter: &[u8], text: &[u8]) -> (usize, Option<usize>) {
    let windows = &mut text.windows(delimiter.len());
    if let Some(place) = windows.position(|window| window == delimiter) {
        return (place, Some(place + delimiter.len()));
    }
    let longest = (0..delimiter.len()).rev().find(|&len| text.ends_with(&delimiter[..len]));
    (text.len() - longest.unwrap_or(0), None)
}

/// What has been seen of a text after each of its prefixes.
fn definitions(delimiter: &[u8], text: &[u8]) -> Vec<(usize, Option<usize>)> {
    (0..=text.len()).map(|len| definition(delimiter, &text[..len])).collect()
}

/// Searches the chunks of a text, and compares what is known after each with the definition.
fn check<'t>(
    delimiter: &mut Delimiter,
    text: &[u8],
    expected: &[(usize, Option<usize>)],
    chunks: impl IntoIterator<Item = &'t [u8]>,
) {
    delimiter.reset();
    let (mut reported, mut fed) = (Vec::new(), 0);
    for chunk in chunks {
        let found = delimiter.find(chunk, |piece| {
            assert_ne!(piece, b"", "a piece is never empty");
            reported.extend_from_slice(piece);
        });
        let before = fed;
        fed += chunk.len();
        let (certain, end) = expected[fed];
        let context = || format!("{delimiter:?} in {}, {before}..{fed}", text.escape_ascii());
        assert_eq!(found.map(|at| before + at), end, "{}", context());
        assert_eq!(reported, &text[..certain], "{}", context());
        if end.is_some() {
            assert_eq!(delimiter.withheld(), b"", "{}", context());
            return;
        }
        assert_eq!(delimiter.withheld(), &text[certain..fed], "{}", context());
    }
}

/// The strings of `a` and `b` of this length.
fn strings(len: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..1_u32 << len).map(move |bits| (0..len).map(|at| b"ab"[(bits >> at & 1) as usize]).collect())
}

#[test]
fn every_short_delimiter_is_found_in_every_short_text_at_every_cut() {
    let mut checked = 0_u32;
    // Those that begin with `b` are the same with the letters exchanged.
    let delimiters = (1..=6).flat_map(strings).filter(|bytes| bytes[0] == b'a');
    for mut delimiter in delimiters.map(Delimiter::new) {
        for text in (0..=10).flat_map(strings) {
            let expected = definitions(delimiter.bytes(), &text);
            for cut in 0..=text.len() {
                check(&mut delimiter, &text, &expected, [&text[..cut], &[], &text[cut..]]);
                checked += 1;
            }
            check(&mut delimiter, &text, &expected, text.chunks(1));
            check(&mut delimiter, &text, &expected, text.chunks(3));
        }
    }
    println!("{checked} cuts");
    assert!(checked > 1_000_000);
}

#[test]
fn a_search_is_ready_for_the_next_text_after_a_delimiter() {
    let mut delimiter = Delimiter::new("abab");
    let mut text = Vec::new();
    let mut rest = &b"xababababyabab"[..];
    while let Some(at) = delimiter.find(rest, |piece| text.extend_from_slice(piece)) {
        text.push(b'|');
        rest = &rest[at..];
    }
    assert_eq!((&text[..], rest), (&b"x||y|"[..], &b""[..]));
}

#[test]
#[should_panic = "a delimiter has at least one byte"]
fn a_delimiter_of_no_bytes_is_refused() {
    let _ = Delimiter::new("");
}

#[test]
fn the_work_is_linear_in_periodic_texts_however_they_are_cut() {
    let long = [&[b'a'; 299][..], b"b"].concat();
    let delimiters: [&[u8]; 5] = [b"aaab", b"abab", b"aabaab", b"b", &long];
    let texts: [&[u8]; 4] = [b"a", b"aba", b"aab", b"aaaaabaaab"];
    let mut runs = 0;
    for bytes in delimiters {
        for unit in texts {
            let text = unit.repeat((64 << 10) / unit.len());
            for size in [1, 2, 7, 16, 64, 300, 1200, 1460, text.len()] {
                let delimiter = bytes.to_vec();
                let mut parser = Parser::new(async move |input: &mut Input<'_>| {
                    let mut delimiter = Delimiter::new(&delimiter);
                    loop {
                        match input.skip_before(&mut delimiter).await {
                            Ok(()) => {}
                            Err(end) => return Err::<(), Failure>(end.into()),
                        }
                    }
                });
                for chunk in text.chunks(size) {
                    assert_eq!(parser.feed(chunk).status, Status::NeedMoreInput);
                }
                let (work, fed) = (parser.work(), text.len() as u64);
                // A scan may look at a block past each stop.
                let stops = text.windows(bytes.len()).filter(|window| *window == bytes).count();
                let most = 2 * fed + 64 * stops as u64;
                assert!(work <= most, "{work} of {fed}: {bytes:?} in {unit:?} by {size}");
                runs += 1;
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 0);
}

enum Text {}

impl Events for Text {
    type Event<'a> = &'a [u8];
}

/// Two texts, each with its delimiter.
struct TwoTexts {
    delimiter: Delimiter,
    is_second: bool,
}

impl machine::Machine for TwoTexts {
    type Events = Text;
    type Output = ();

    fn step(&mut self, input: &mut machine::Input<'_, Text>) -> Result<ControlFlow<()>, Failure> {
        input.text_before(&mut self.delimiter, |text| text)?;
        input.emit(b"|");
        Ok(if mem::replace(&mut self.is_second, true) { Break(()) } else { Continue(()) })
    }

    fn reset(&mut self) {
        self.delimiter.reset();
        self.is_second = false;
    }
}

async fn two_texts(input: &mut Input<'_, Text>, bytes: &[u8]) -> Result<(), Failure> {
    let mut delimiter = Delimiter::new(bytes);
    for _ in 0..2 {
        input.text_before(&mut delimiter, |text| text).await?;
        input.emit(b"|");
    }
    Ok(())
}

#[cfg(feature = "coroutine")]
fn two_texts_on_a_stack(
    input: &mut pushdown::engine::coroutine::Input<'_, Text>,
    bytes: &[u8],
) -> Result<(), Failure> {
    let mut delimiter = Delimiter::new(bytes);
    for _ in 0..2 {
        input.text_before(&mut delimiter, |text| text)?;
        input.emit(b"|");
    }
    Ok(())
}

#[test]
fn reads_up_to_a_delimiter_keep_every_law_in_every_engine() {
    let cases: [(&[u8], &[u8]); 7] = [
        (b"\r\n--x", b"a\r\n--\r\n--xb\r\n\r\n--x rest"),
        (b"aab", &[b'a'; 100]),
        (b"aab", b"aaaabaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab."),
        (b"abab", b"abaababbabaabaabaabaabaabaabaabaabaabaabaabaabababab"),
        (b"aaaaab", b"aaaaaaaaab, aaaab, aaaaaa, and so on, for a long time aaaaaab"),
        (b",", b"one,two,three"),
        (b"ab", b""),
    ];
    for (bytes, input) in cases {
        let delimiter = || Delimiter::new(bytes);
        let harness = Harness::new(|log: &mut Log, piece: &[u8]| log.text(piece))
            .with_work("machine", || {
                machine::Parser::new(TwoTexts { delimiter: delimiter(), is_second: false })
            })
            .with_work("stackless", || {
                Parser::new(async |input: &mut Input<'_, Text>| two_texts(input, bytes).await)
            });
        #[cfg(feature = "coroutine")]
        let harness = {
            use pushdown::engine::coroutine;
            let bytes = bytes.to_vec();
            harness.with_work("coroutine", move || {
                let bytes = bytes.clone();
                coroutine::Parser::new(move |input: &mut coroutine::Input<'_, Text>| {
                    two_texts_on_a_stack(input, &bytes)
                })
            })
        };
        println!("{}", harness.check(input).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn a_random_delimiter_is_found_in_a_random_text_however_it_is_cut(
        delimiter in vec(0..2_u8, 1..12),
        text in vec(0..2_u8, 0..300),
        times in 0..4_usize,
        cuts in vec(0..60_usize, 0..20),
    ) {
        let text = [&*text, &*delimiter.repeat(times), b"\0"].concat();
        let (mut rest, mut chunks) = (&*text, Vec::new());
        for cut in cuts {
            let (chunk, others) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = others;
        }
        chunks.push(rest);
        let expected = definitions(&delimiter, &text);
        check(&mut Delimiter::new(delimiter), &text, &expected, chunks);
    }
}
