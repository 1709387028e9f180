//! Every short stream over some alphabets, and random streams, in every engine: the reference's answers.

use core::num::NonZero;
use std::env;
use std::thread;

use crate::common::{Engine, Expected, check_messages};
use crate::random::Random;

/// Streams of at most so many letters of the alphabet, after the prefix.
const ALPHABETS: [(&[u8], &[u8], u32); 6] = [
    (b"", b"\r\n:d ", 5),
    (b"data", b"\r\n: a\xe2", 4),
    (b"data:", b"\r\n \x82\xe2\xac", 4),
    (b"event:a\nda", b"ta\r\n:", 5),
    (b"", b"\xef\xbb\xbf\n:", 5),
    (b"i", b"d:\r\nr", 5),
];

/// Runs a part of the work on each processor, and adds up what the parts count.
fn on_all_processors(run: impl Fn(usize, usize) -> [usize; 2] + Sync) -> [usize; 2] {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let run = &run;
        let parts = (0..threads).map(|part| scope.spawn(move || run(part, threads)));
        let parts: Vec<_> = parts.collect();
        parts.into_iter().fold([0, 0], |sum, part| {
            let counts = part.join().expect("a wrong answer, reported above");
            [sum[0] + counts[0], sum[1] + counts[1]]
        })
    })
}

#[test]
fn every_short_stream_is_read_as_the_reference_reads_it() {
    let [streams, runs] = on_all_processors(|part, parts| {
        let mut engines = Engine::all();
        let (mut streams, mut runs) = (0, 0);
        for (prefix, alphabet, longest) in ALPHABETS {
            for len in 0..=longest {
                for number in (part..alphabet.len().pow(len)).step_by(parts) {
                    let letters = (0..len).map(|at| number / alphabet.len().pow(at));
                    let letters = letters.map(|digit| alphabet[digit % alphabet.len()]);
                    let stream: Vec<_> = prefix.iter().copied().chain(letters).collect();
                    let expected = Expected::prompt(&stream);
                    for cuts in [Vec::new(), (1..stream.len()).collect(), vec![stream.len() / 2]] {
                        runs += Engine::check_all(&mut engines, &cuts, &expected);
                        runs += check_messages(&cuts, &expected);
                    }
                    streams += 1;
                }
            }
        }
        [streams, runs]
    });
    println!("{streams} streams over {} alphabets, {runs} runs", ALPHABETS.len());
    assert!(streams > 15_000 && runs > streams);
}

#[test]
fn what_is_not_text_is_replaced_at_any_place_of_the_windows_of_a_scan() {
    let faults = [&b""[..], b"\xff", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3\xc3\x80", &[0xff; 70]];
    let tails = [&b""[..], b"b", "é".as_bytes(), &[b'c'; 70], &[b'd'; 300]];
    let (mut inputs, mut runs) = (0, 0);
    let mut engines = Engine::all();
    for background in ["a", "é", "😀"] {
        for len in (0..4).chain(60..66).chain(250..259).chain([511, 512, 513, 1025]) {
            for (fault, tail) in faults.iter().flat_map(|fault| tails.map(|tail| (fault, tail))) {
                let text: Vec<u8> = background.bytes().cycle().take(len).collect();
                let stream = [b"data:", &text[..], fault, tail, b"\ndata:", tail, b"\r\r"].concat();
                let expected = Expected::whole(&stream);
                let place = 5 + len;
                for cuts in [vec![], vec![place], vec![place + 1], vec![place - 1, place + 2]] {
                    runs += Engine::check_all(&mut engines, &cuts, &expected);
                }
                inputs += 1;
            }
        }
    }
    println!("{inputs} streams, {runs} runs");
    assert!(inputs == 3 * 23 * 30 && runs > 30 * inputs);
}

/// A million with `PUSHDOWN_LONG` in the environment: two minutes if optimised.
#[test]
fn any_cutting_of_a_random_stream_is_read_as_the_reference_reads_it() {
    let count = if env::var_os("PUSHDOWN_LONG").is_some() { 1_000_000 } else { 2_000 };
    let [bytes, runs] = on_all_processors(|part, parts| {
        let mut engines = Engine::all();
        let (mut bytes, mut runs) = (0, 0);
        for seed in (part..count).step_by(parts) {
            let mut random = Random(seed as u64);
            let stream = random.stream();
            let cuts = random.cuts(stream.len());
            let expected = Expected::whole(&stream);
            for cuts in [&[], &cuts[..], &(1..stream.len()).collect::<Vec<_>>()] {
                runs += Engine::check_all(&mut engines, cuts, &expected);
                runs += check_messages(cuts, &expected);
            }
            bytes += stream.len();
        }
        [bytes, runs]
    });
    println!("{count} random streams, {bytes} bytes, {runs} runs");
    assert!(runs > 20 * count);
}
