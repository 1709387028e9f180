//! Random streams, and cuts.

use crate::random::Random;

impl Random {
    fn of<'a>(&mut self, parts: &[&'a [u8]]) -> &'a [u8] {
        parts[self.below(parts.len())]
    }

    /// Returns a stream of up to 24 lines, most of which are fields.
    pub(crate) fn stream(&mut self) -> Vec<u8> {
        let mut stream = Vec::new();
        if self.below(8) == 0 {
            stream.extend(self.of(&[
                b"\xef\xbb\xbf",
                b"\xef\xbb",
                b"\xef",
                b"\xef\xbb\xbf\xef\xbb\xbf",
            ]));
        }
        // Many streams have one kind of line end.
        let ends = [&b"\n"[..], b"\r", b"\r\n"];
        let end = (self.below(2) == 0).then(|| self.of(&ends));
        for _ in 0..self.below(25) {
            if self.below(4) > 0 {
                stream.extend(self.of(NAMES));
                stream.extend(self.of(COLONS));
                for _ in 0..self.below(5) {
                    self.value(&mut stream);
                }
            }
            stream.extend(end.unwrap_or_else(|| self.of(&ends)));
        }
        if self.below(3) == 0 {
            stream.truncate(self.below(stream.len() + 1));
        }
        stream
    }

    fn value(&mut self, stream: &mut Vec<u8>) {
        match self.below(8) {
            0 => stream.extend([b'a'].repeat(self.below(90))),
            1 => stream.extend(self.of(FAULTS)),
            2 => stream.push(self.below(256) as u8),
            3 => stream.extend("é€😀".repeat(self.below(12)).bytes()),
            _ => stream.extend(self.of(WORDS)),
        }
    }

    /// Returns cuts: few or many, in the same place or far apart.
    pub(crate) fn cuts(&mut self, len: usize) -> Vec<usize> {
        let mut cuts: Vec<_> = (0..self.below(9)).map(|_| self.below(len + 1)).collect();
        cuts.sort_unstable();
        cuts
    }
}

const NAMES: &[&[u8]] = &[
    b"data",
    b"data",
    b"data",
    b"event",
    b"id",
    b"retry",
    b"",
    b"dat",
    b"datas",
    b"Data",
    b"x",
    b"eventid",
    b"retr",
    b"i",
    b"\xef\xbb\xbfdata",
    b"\xff",
    "é".as_bytes(),
];

const COLONS: &[&[u8]] = &[b": ", b": ", b":", b":  ", b"", b" :", b"::"];

const WORDS: &[&[u8]] = &[
    b"12",
    b"0",
    b"18446744073709551615",
    b"18446744073709551616",
    b" ",
    b"word",
    b":",
    b"{\"a\":1}",
];

const FAULTS: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\x80",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xf0\x9f",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
];
