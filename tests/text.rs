//! UTF-8 across cuts: the decoders report what std reports, at every cut, and every kernel finds what
//! std finds.

#![cfg(all(feature = "testing", feature = "coroutine"))]

use std::ops::ControlFlow::{self, Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{fs, str};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use pushdown::engine::{Limit, coroutine, machine, stackless};
use pushdown::testing::{Harness, Kernel, Log};
use pushdown::text::{Pieces, Utf8};
use pushdown::{Error, ErrorKind, Failure, PushParser, Status};

#[path = "common/utf8.rs"]
pub mod utf8;
use utf8::check;

/// The first and last bytes of every range in the table of RFC 3629, section 4, and their neighbours.
const BOUNDS: [u8; 25] = [
    0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
    0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];

/// Every sequence of so many bounds.
fn sequences(len: u32) -> impl Iterator<Item = Vec<u8>> {
    let bounds = BOUNDS.len();
    (0..bounds.pow(len)).map(move |number| {
        (0..len).map(|place| BOUNDS[number / bounds.pow(place) % bounds]).collect()
    })
}

/// Cuts `bytes` at the places that the bits of `cuts` say: after the first byte for the lowest.
fn cut(bytes: &[u8], cuts: u32) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    let mut start = 0;
    for end in (1..bytes.len()).filter(|end| cuts >> (end - 1) & 1 == 1) {
        chunks.push(&bytes[start..end]);
        start = end;
    }
    chunks.push(&bytes[start..]);
    chunks
}

#[test]
fn any_cut_of_a_short_sequence_gives_the_answer_of_std() {
    let mut checked = 0;
    for len in 1..=4 {
        for (index, sequence) in (0..).zip(sequences(len)) {
            // Four bytes: single bytes, and one of the other cuttings in turn.
            let all = 0..1 << (len - 1);
            for cuts in all.filter(|&cuts| len < 4 || cuts == 7 || cuts == index % 7) {
                check(&cut(&sequence, cuts));
                checked += 1;
            }
        }
    }
    println!("{checked} sequences, cut");
    assert!(checked > 800_000);
}

#[test]
fn every_scalar_value_is_reported_at_every_chunk_size() {
    let all: String = ('\0'..=char::MAX).collect();
    let mut chunks = 0;
    for size in [1, 3, 64, 1460] {
        let (mut utf8, mut replacing) = (Utf8::strict(), Utf8::replacing());
        let (mut strict_text, mut replaced_text) = (String::new(), String::new());
        for chunk in all.as_bytes().chunks(size) {
            utf8.decode(chunk, |piece| strict_text.push_str(piece)).unwrap();
            replacing.decode(chunk, |piece| replaced_text.push_str(piece));
            chunks += 1;
        }
        utf8.finish().unwrap();
        assert!(strict_text == all && replaced_text == all, "chunks of {size}");
    }
    println!("{chunks} chunks of {} characters", all.chars().count());
    assert!(chunks > 0);
}

#[test]
fn an_error_blames_the_byte_that_cannot_continue() {
    let cases: [(&[u8], u64, u64); 15] = [
        (b"a\x80", 1, 1),
        (b"a\xbf", 1, 1),
        (b"a\xc0\xaf", 1, 1),
        (b"a\xc1\xbf", 1, 1),
        (b"a\xf5\x80", 1, 1),
        (b"a\xff", 1, 1),
        (b"a\xc3(", 2, 1),
        (b"a\xe2(", 2, 1),
        (b"a\xe2\x82(", 3, 1),
        (b"a\xe0\x80", 2, 1),
        (b"a\xed\xa0\x80", 2, 1),
        (b"a\xf0\x8f", 2, 1),
        (b"a\xf4\x90\x80\x80", 2, 1),
        (b"a\xf0\x9f\x98\xf0", 4, 1),
        ("aé€\u{10000}\u{10ffff}\u{80}x\u{ff}\u{100}y".as_bytes(), u64::MAX, 0),
    ];
    let mut blamed = 0;
    for (bytes, offset, start) in cases {
        for size in 1..=bytes.len() {
            let mut utf8 = Utf8::strict();
            let mut text = String::new();
            let results = bytes.chunks(size).map(|piece| utf8.decode(piece, |piece| text += piece));
            let Some(error) = results.filter_map(Result::err).last() else {
                assert_eq!((offset, text.as_bytes()), (u64::MAX, bytes));
                continue;
            };
            assert_eq!((error.kind, error.offset), (ErrorKind::InvalidUtf8, offset), "{bytes:x?}");
            assert_eq!((error.start, &*text), (Some(start), "a"), "{bytes:x?}");
            assert_eq!(utf8.finish(), Err(error), "the end is sticky");
            blamed += 1;
        }
    }
    assert!(blamed > 0);
}

#[test]
fn a_text_that_ends_within_a_character_is_an_error_or_a_replacement() {
    for (bytes, start) in [(&b"ab\xc3"[..], 2), (b"\xe2\x82", 0), (b"a\xf0\x9f\x98", 1)] {
        let mut utf8 = Utf8::strict();
        utf8.decode(bytes, |_| {}).unwrap();
        let error = utf8.finish().unwrap_err();
        assert_eq!(error, Error::new(ErrorKind::UnexpectedEnd, bytes.len() as u64));
        assert_eq!(error.start, Some(start));
        utf8.reset();
        utf8.decode("é".as_bytes(), |piece| assert_eq!(piece, "é")).unwrap();

        let mut replacing = Utf8::replacing();
        replacing.decode(bytes, |_| {});
        let mut last = Vec::new();
        replacing.finish_with(|piece| last.push(piece.to_owned())).unwrap();
        assert_eq!((last, replacing.take_output()), (vec!["\u{fffd}".to_owned()], Some(())));
    }
}

#[test]
fn a_chunk_is_reported_as_one_slice_of_itself_between_its_cut_characters() {
    let text =
        "ein Satz, größer als ein Block, mit 汉字 und 😀 darin, und noch ein paar Wörter dazu";
    let mut slices = 0;
    for start in 0..text.len() {
        for end in start + 1..=text.len() {
            let chunk = &text.as_bytes()[start..end];
            let inside = chunk.as_ptr_range();
            let mut utf8 = Utf8::strict();
            utf8.decode(&text.as_bytes()[..start], |_| {}).unwrap();
            let (mut copied, mut lent) = (0, 0);
            utf8.decode(chunk, |piece| {
                if inside.contains(&piece.as_ptr()) {
                    lent += 1;
                } else {
                    assert_eq!(piece.chars().count(), 1);
                    copied += 1;
                }
            })
            .unwrap();
            assert!(lent <= 1 && copied <= usize::from(!text.is_char_boundary(start)));
            slices += lent;
        }
    }
    assert!(slices > 0);
}

#[test]
fn the_decoders_keep_the_law() {
    let harness = |name: &str| {
        println!("{name}");
        Harness::new(|log: &mut Log, piece: &str| log.text(piece.as_bytes()))
    };
    let long = ["größer ", "汉字😀", &"a".repeat(150)].concat();
    let mut inputs: Vec<&[u8]> = vec![b"", b"a\xff", b"caf\xe9 x", b"\xe2\x82\xe2\x82\xac\xf0\x9f"];
    inputs.push(long.as_bytes());
    for input in inputs {
        let strict = harness("strict").parser("strict", Utf8::strict).may_be_empty();
        println!("{}", strict.check(input).unwrap());
        let replacing = harness("replacing").parser("replacing", Utf8::replacing).may_be_empty();
        println!("{}", replacing.check(input).unwrap());
    }
}

#[test]
fn a_pause_leaves_the_rest_of_the_chunk() {
    let mut utf8 = Utf8::replacing();
    utf8.decode(b"\xe2\x82", |_| {});
    let (mut rest, mut pieces) = (&b"\xacab\xff\xffc\xc3"[..], Vec::new());
    while !rest.is_empty() {
        let progress = utf8.feed_until(rest, |piece| {
            pieces.push(piece.to_owned());
            Break(())
        });
        assert_eq!(progress.status, Status::NeedMoreInput);
        rest = &rest[progress.consumed..];
    }
    assert_eq!(pieces, ["€", "ab", "\u{fffd}", "\u{fffd}", "c"]);
    assert_eq!(utf8.offset(), 9);

    // A pause at any piece between faults.
    let mut consumed = Vec::new();
    for pause in 1..=6 {
        let mut pieces = 0;
        let progress = Utf8::replacing().feed_until(b"a\xff\xe2\x82b\xff\xe2", |_| {
            pieces += 1;
            if pieces == pause { Break(()) } else { Continue(()) }
        });
        consumed.push(progress.consumed);
    }
    assert_eq!(consumed, [1, 2, 4, 5, 6, 7]);
}

#[test]
fn a_clone_continues_within_the_character() {
    let mut utf8 = Utf8::strict();
    utf8.decode(b"\xf0\x9f", |_| {}).unwrap();
    let mut text = String::new();
    for mut utf8 in [utf8.clone(), utf8] {
        utf8.decode(b"\x98\x80", |piece| text.push_str(piece)).unwrap();
    }
    assert_eq!(text, "😀😀");
}

#[test]
fn a_sink_that_panics_ends_the_decoder() {
    for at_end in [false, true] {
        let mut utf8 = Utf8::replacing();
        let result = catch_unwind(AssertUnwindSafe(|| {
            utf8.decode(if at_end { b"\xc3" } else { b"a" }, |_| panic!("in the sink"));
            utf8.finish_with(|_| panic!("in the sink"))
        }));
        assert!(result.is_err());
        assert_eq!(utf8.error().map(|error| error.kind), Some(ErrorKind::Panicked));
    }
}

#[test]
fn a_sink_that_panics_leaves_the_offset_behind_its_piece_for_every_cut() {
    let mut cases = 0;
    for (bytes, offset) in [(&b"a\xc3\xa9!"[..], 4), (b"ab\xff\xff", 3), (b"\xc3\xe2\x82", 1)] {
        for cuts in 0..1 << (bytes.len() - 1) {
            let mut utf8 = Utf8::replacing();
            let result = catch_unwind(AssertUnwindSafe(|| {
                for chunk in cut(bytes, cuts) {
                    utf8.decode(chunk, |piece| assert!(!piece.contains(['!', '\u{fffd}'])));
                }
            }));
            assert!(result.is_err());
            assert_eq!(utf8.offset(), offset, "{bytes:x?}, {cuts:b}");
            cases += 1;
        }
    }
    println!("{cases} cases");
    assert!(cases > 0);
}

#[test]
fn a_strict_error_pauses_the_parser_that_reports_the_text() {
    let mut parser = pushdown::quoted::Machine::new();
    let mut utf8 = Utf8::strict();
    let mut text = String::new();
    let (progress, result) = parser
        .try_feed_with(b"\"a\xff\\b and more\"", |pushdown::quoted::Event::Text(piece)| {
            utf8.decode(piece, |piece| text.push_str(piece))
        });
    assert_eq!(result, Err(Error::new(ErrorKind::InvalidUtf8, 1)));
    assert_eq!((progress.status, text.as_str()), (Status::NeedMoreInput, "a"));
    assert!(progress.consumed < 8, "the rest has been read: {}", progress.consumed);
}

/// A byte that gives the length of a text, the text, and a full stop.
fn text(input: &mut coroutine::Input<'_, Pieces>) -> Result<(), Failure> {
    let length = input.next()?;
    input.frame(length.into()).run(&mut Utf8::strict(), |piece, out| out.emit(piece))?;
    input.expect(b'.')
}

async fn text_async(input: &mut stackless::Input<'_, Pieces>) -> Result<(), Failure> {
    let length = input.next().await?;
    let mut frame = input.frame(length.into());
    frame.run(&mut Utf8::strict(), |piece, out| out.emit(piece)).await?;
    drop(frame);
    input.expect(b'.').await
}

#[derive(Default)]
enum State {
    #[default]
    Length,
    Text(Limit),
    Stop,
}

struct TextMachine(State, Utf8);

impl machine::Machine for TextMachine {
    type Events = Pieces;
    type Output = ();

    fn step(&mut self, input: &mut machine::Input<'_, Pieces>) -> Result<ControlFlow<()>, Failure> {
        loop {
            self.0 = match self.0 {
                State::Length => {
                    let length = input.next()?;
                    State::Text(input.frame(length.into()))
                }
                State::Text(outer) => {
                    input.run(&mut self.1, |piece, out| out.emit(piece))?;
                    input.set_limit(outer);
                    State::Stop
                }
                State::Stop => return input.expect(b'.').map(Break),
            };
        }
    }

    fn reset(&mut self) {
        self.0 = State::Length;
    }
}

#[test]
fn a_decoder_inside_a_body_reports_errors_at_offsets_of_the_body() {
    let record = |log: &mut Log, piece: &str| log.text(piece.as_bytes());
    let harness = Harness::new(record)
        .parser("coroutine", || coroutine::Parser::new(text))
        .parser("stackless", || stackless::Parser::new(text_async))
        .parser("machine", || machine::Parser::new(TextMachine(State::default(), Utf8::strict())));
    for (input, error) in [
        (&b"\x03a\xc3\xa9. more"[..], None),
        (b"\x00.", None),
        (b"\x03\xe2\x28\xa1.", Some(Error::new(ErrorKind::InvalidUtf8, 2))),
        (b"\x02a\xc3\xa9.", Some(Error::new(ErrorKind::UnexpectedEnd, 3))),
    ] {
        println!("{}", harness.check(input).unwrap());
        let mut parser = coroutine::Parser::new(text);
        let _ = parser.feed(input);
        assert_eq!(parser.error(), error.as_ref(), "{input:x?}");
    }
}

#[test]
fn json_strings_are_valid_where_their_file_says_so() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/strings/json-string.tsv");
    let file = fs::read_to_string(file).unwrap();
    let mut cases = 0;
    for line in file.lines().filter(|line| line.starts_with("utf8-")) {
        let [id, verdict, input, ..] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        // Rejected for the quote that is missing.
        if id.ends_with("-eof") {
            continue;
        }
        let bytes: Vec<u8> = (0..input.len() / 2)
            .map(|at| u8::from_str_radix(&input[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let chunks: Vec<_> = bytes.chunks(1).collect();
        check(&[&bytes]);
        check(&chunks);
        let is_valid = Utf8::strict().decode(&bytes, |_| {}).is_ok();
        assert_eq!(is_valid, verdict == "accept", "{id}");
        cases += 1;
    }
    println!("{cases} cases");
    assert!(cases >= 90);
}

/// Compares every kernel with std. Returns the number of comparisons.
fn kernels_agree(bytes: &[u8]) -> u64 {
    let expected = str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let mut compared = 0;
    for kernel in Kernel::available() {
        assert_eq!(kernel.valid_up_to(bytes), expected, "{} of {bytes:x?}", kernel.name());
        compared += 1;
    }
    compared
}

fn kernel_names() -> String {
    Kernel::available().map(Kernel::name).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_kernel_finds_what_std_finds_at_every_alignment_and_length() {
    let mut compared = 0;
    for unit in ["a", "é", "汉", "😀", "aé汉😀", "Wörter, ", &["é", &"a".repeat(140)].concat()]
    {
        let bytes: Vec<u8> = unit.bytes().cycle().take(400).collect();
        for alignment in 0..64 {
            for length in (0..=300).filter(|length| alignment < 9 || length % 32 < 4) {
                compared += kernels_agree(&bytes[alignment..][..length]);
            }
        }
    }
    println!("{compared} comparisons, kernels: {}", kernel_names());
    assert!(compared > 10_000);
}

#[test]
fn every_kernel_finds_a_fault_at_every_place() {
    let mut compared = 0;
    for unit in ["a", "é", "汉", "😀", &["é", &"a".repeat(140)].concat()] {
        for length in (1..=70).chain([95, 96, 127, 128, 129, 191, 192, 200, 257, 300, 330]) {
            let bytes: Vec<u8> = unit.bytes().cycle().take(length).collect();
            for place in 0..length {
                for fault in [0x80, 0xc3, 0xe2, 0xf0, 0xff, b'a'] {
                    let mut bytes = bytes.clone();
                    bytes[place] = fault;
                    compared += kernels_agree(&bytes);
                }
            }
        }
    }
    println!("{compared} comparisons, kernels: {}", kernel_names());
    assert!(compared > 10_000);
}

#[test]
fn every_kernel_finds_what_std_finds_in_every_short_sequence() {
    let mut compared = 0;
    // The sequence moves over the ends of vectors and blocks, with text of each width around it.
    let places = [0, 1, 29, 30, 31, 32, 61, 62, 63, 64, 93, 94, 95, 96, 125, 126, 127, 128];
    let texts: Vec<Vec<u8>> =
        ["a", "é", "汉", "😀"].map(|unit| unit.bytes().cycle().take(400).collect()).to_vec();
    let pairs = (0..=u8::MAX).flat_map(|a| (0..=u8::MAX).map(move |b| vec![a, b]));
    for (index, sequence) in pairs.chain(sequences(3)).chain(sequences(4)).enumerate() {
        let text = &texts[index % texts.len()];
        let start = places[index % places.len()];
        // Before it, the whole characters that fit there; after it, text that fills a block.
        let before =
            str::from_utf8(&text[..start]).map_or_else(|error| error.valid_up_to(), str::len);
        let mut bytes = vec![b'a'; start - before];
        bytes.extend(&text[..before]);
        bytes.extend(sequence);
        bytes.extend(&text[..12 * (index % 13)]);
        compared += kernels_agree(&bytes);
    }
    println!("{compared} comparisons, kernels: {}", kernel_names());
    assert!(compared > 400_000);
}

/// Bytes that are text for the most part: characters, runs of ASCII, faults.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        2 => (0..200_usize).prop_map(|len| vec![b'a'; len]),
        2 => vec(select(vec!["é", "汉", "😀"]), 0..40).prop_map(|parts| parts.concat().into_bytes()),
        1 => vec(select(BOUNDS.to_vec()), 1..4),
        1 => vec(any::<u8>(), 1..20),
    ];
    vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_cutting_of_random_bytes_gives_the_answer_of_std(bytes in bytes(), cuts in vec(0..200_usize, 0..6)) {
        let mut rest = &bytes[..];
        let mut chunks = Vec::new();
        for length in cuts {
            let (chunk, after) = rest.split_at(length.min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        chunks.push(rest);
        check(&chunks);
        kernels_agree(&bytes);
    }
}
