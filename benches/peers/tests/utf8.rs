//! Each decoder gives the same text at every cut, so that the benchmarks compare equal work.

use pushdown::text::Utf8;
use pushdown_peers::utf8::{self, Decoder};

const TEXT: &str = "aé€😀, größer und 程序, 🎉";

#[test]
fn every_decoder_gives_the_text_at_every_cut() {
    let cuts = [
        agrees("strict", Utf8::strict),
        agrees("replacing", Utf8::replacing),
        agrees("peer-simdutf8", utf8::simdutf8),
        agrees("peer-std", utf8::std),
    ];
    println!("{} decoders, {} cuts each", cuts.len(), cuts[0]);
    assert!(cuts.iter().all(|&cuts| cuts > 0));
}

/// Returns the number of cuts.
fn agrees<D: Decoder>(name: &str, new: impl Fn() -> D) -> usize {
    let bytes = TEXT.as_bytes();
    for cut in 0..=bytes.len() {
        let mut decoder = new();
        let mut text = String::new();
        for chunk in [&bytes[..cut], &bytes[cut..]] {
            assert!(
                decoder.decode(chunk, &mut |piece| text.push_str(piece)),
                "{name} cut at {cut}"
            );
        }
        assert!(decoder.finish(), "{name} cut at {cut}");
        assert_eq!(text, TEXT, "{name} cut at {cut}");
    }
    bytes.len() + 1
}
