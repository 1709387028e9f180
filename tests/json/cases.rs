//! Texts that are easily misread, each with its events and its error.

use pushdown::ErrorKind;
use pushdown::json::Extent;

use crate::common::Rules;

/// A text and the expected answer.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rules: Rules,
    pub(crate) input: Vec<u8>,
    /// All events. A text that is still open when the error comes ends with `…`.
    pub(crate) events: String,
    /// Number of bytes consumed.
    pub(crate) consumed: usize,
    /// The error, which is at the byte behind those that are consumed.
    pub(crate) error: Option<ErrorKind>,
}

type Row = (&'static str, &'static [u8], &'static str, Verdict);

/// The kind and the offset of the error. Of a text that is accepted, the number of bytes consumed.
type Verdict = (Option<ErrorKind>, usize);

const fn accept(consumed: usize) -> Verdict {
    (None, consumed)
}

const fn byte(at: usize) -> Verdict {
    (Some(ErrorKind::UnexpectedByte), at)
}

const fn end(at: usize) -> Verdict {
    (Some(ErrorKind::UnexpectedEnd), at)
}

const fn utf8(at: usize) -> Verdict {
    (Some(ErrorKind::InvalidUtf8), at)
}

const fn surrogate(at: usize) -> Verdict {
    (Some(ErrorKind::LoneSurrogate), at)
}

const fn deep(at: usize) -> Verdict {
    (Some(ErrorKind::TooDeep), at)
}

const fn long(at: usize) -> Verdict {
    (Some(ErrorKind::TooLong), at)
}

const VALUE: Rules = Rules { extent: Extent::Value, ..Rules::DEFAULT };
const STREAM: Rules = Rules { extent: Extent::Stream, ..Rules::DEFAULT };

/// Returns every case.
pub(crate) fn all() -> Vec<Case> {
    let tables: [(Rules, &[Row]); 7] = [
        (Rules::DEFAULT, DOCUMENTS),
        (VALUE, VALUES),
        (STREAM, STREAMS),
        (Rules { depth: 4, ..Rules::DEFAULT }, FOUR_LEVELS),
        (Rules { depth: 0, ..Rules::DEFAULT }, NO_LEVEL),
        (Rules { string: 3, ..Rules::DEFAULT }, STRINGS_OF_THREE_BYTES),
        (Rules { number: 3, ..Rules::DEFAULT }, NUMBERS_OF_THREE_BYTES),
    ];
    let cases = tables.into_iter().flat_map(|(rules, rows)| {
        rows.iter().map(move |&(name, input, events, (error, consumed))| Case {
            name,
            rules,
            input: input.into(),
            events: events.into(),
            consumed,
            error,
        })
    });
    cases.chain(long_texts()).collect()
}

/// Texts that fill more than one block of a scan, and more than a buffer for escapes may hold.
fn long_texts() -> [Case; 4] {
    let case = |name, input: String, events| Case {
        name,
        rules: Rules::DEFAULT,
        consumed: input.len(),
        input: input.into(),
        events,
        error: None,
    };
    let digits = "1".repeat(180);
    let plain = "a".repeat(180);
    [
        case("long number", format!("[{digits}]"), format!("[ n:{digits} ]")),
        case("long string", format!("[\"{plain}\"]"), format!("[ s:{} ]", "61".repeat(180))),
        case(
            "many escapes and characters",
            format!("\"{}\"", r"\u00e9x".repeat(60)),
            format!("s:{}", "c3a978".repeat(60)),
        ),
        case(
            "many pairs",
            format!("\"{}\"", r"\ud83d\ude00".repeat(40)),
            format!("s:{}", "f09f9880".repeat(40)),
        ),
    ]
}

const DOCUMENTS: &[Row] = &[
    ("number at end of input", b"123", "n:123", accept(3)),
    ("number, then blank", b"-0 ", "n:-0", accept(3)),
    ("minus alone", b"-", "n:-…", end(1)),
    ("minus, then letter", b"-x", "n:-…", byte(1)),
    ("plus", b"+1", "", byte(0)),
    ("leading zero", b"01", "n:0", byte(1)),
    ("leading zero in array", b"[-01]", "[ n:-0", byte(3)),
    ("no digit after point", b"[1.]", "[ n:1.…", byte(3)),
    ("no digit before point", b"[.5]", "[", byte(1)),
    ("no digit after sign", b"1e+", "n:1e+…", end(3)),
    ("no digit before comma", b"[1.5E-,2]", "[ n:1.5E-…", byte(6)),
    ("exponents", b"[0e00,0E+1,-0.0]", "[ n:0e00 n:0E+1 n:-0.0 ]", accept(16)),
    ("letter after exponent", b"1e5x", "n:1e5", byte(3)),
    ("two points", b"[2..3]", "[ n:2.…", byte(3)),
    ("two numbers", b"1 2", "n:1", byte(2)),
    ("character cut by quote", b"\"ab\xe2\x82\"", "s:6162…", utf8(5)),
    ("overlong", b"\"a\xc0\xaf\"", "s:61…", utf8(2)),
    ("surrogate in UTF-8", b"\"\xed\xa0\x80\"", "", utf8(2)),
    ("above 10FFFF", b"\"\xf4\x90\x80\x80\"", "", utf8(2)),
    ("never a first byte", b"\"\xf5\"", "", utf8(1)),
    ("continuation alone", b"\"xyz\x80\"", "s:78797a…", utf8(4)),
    ("four bytes", b"\"a\xf0\x9f\x98\x80b\"", "s:61f09f988062", accept(8)),
    ("character cut by end", b"\"\xf0\x9f\x98", "", end(4)),
    ("not UTF-8 before control", b"\"\xe2(\x01\"", "", utf8(2)),
    ("control within character", b"\"\xe2\x82\x01\"", "", utf8(3)),
    ("escape within character", b"\"\xe2\x82\\n\"", "", utf8(3)),
    ("control before not UTF-8", b"\"abc\x01\xff\"", "s:616263…", byte(4)),
    ("overlong in three bytes", b"\"\xe0\x80\x80\"", "", utf8(2)),
    ("overlong in four bytes", b"\"\xf0\x80\x80\x80\"", "", utf8(2)),
    ("pair", br#""\ud83d\ude00""#, "s:f09f9880", accept(14)),
    ("high half, then text", br#""\ud83dx""#, "", surrogate(7)),
    ("high half, then escape", br#""\ud83d\n""#, "", surrogate(8)),
    ("high half, then other unit", br#""\ud83d\u0041""#, "", surrogate(12)),
    ("two high halves", br#""\ud83d\ud83d\ude00""#, "", surrogate(12)),
    ("low half", br#""\ude00""#, "", surrogate(6)),
    ("high half, then quote", br#""\ud83d""#, "", surrogate(7)),
    ("high half, then end", br#""a\ud83d"#, "s:61…", end(8)),
    ("high half, then control", b"\"\\ud83d\x01", "", surrogate(7)),
    ("high half, then not UTF-8", b"\"\\ud83d\xff", "", surrogate(7)),
    ("not a digit", br#""\u00g0""#, "", byte(5)),
    ("not a digit in low half", br#""\ud83d\ude0""#, "", byte(12)),
    ("upper case digits", br#""\uD83D\uDE00\u00E9""#, "s:f09f9880c3a9", accept(20)),
    ("text before escape", br#""ab\u00e9c""#, "s:6162c3a963", accept(11)),
    ("no such escape", br#""a\x""#, "s:61…", byte(3)),
    ("upper case escape", br#""\U0041""#, "", byte(2)),
    ("all escapes", br#""\"\\\/\b\f\n\r\t""#, "s:225c2f080c0a0d09", accept(18)),
    ("escaped NUL", br#""a\u0000b""#, "s:610062", accept(10)),
    ("DEL", b"\"\x7f\"", "s:7f", accept(3)),
    ("tab in string", b"\"a\tb\"", "s:61…", byte(2)),
    ("backslash before quote", br#""a\\""#, "s:615c", accept(5)),
    ("quote escaped at end", br#""a\""#, "s:6122…", end(4)),
    ("backslash at end", br#""a\"#, "s:61…", end(3)),
    ("empty strings", br#"{"":""}"#, "{ k: s: }", accept(7)),
    ("escape in name", br#"{"a\n":1}"#, "{ k:610a n:1 }", accept(9)),
    ("comma before brace", br#"{"a":1,}"#, "{ k:61 n:1", byte(7)),
    ("comma before bracket", b"[1,]", "[ n:1", byte(3)),
    ("comma alone", b"[,]", "[", byte(1)),
    ("no comma", b"[1 2]", "[ n:1", byte(3)),
    ("no colon", br#"{"a" 1}"#, "{ k:61", byte(5)),
    ("two colons", br#"{"a"::1}"#, "{ k:61", byte(5)),
    ("no value", br#"{"a":}"#, "{ k:61", byte(5)),
    ("number as name", b"{1:2}", "{", byte(1)),
    ("other bracket", br#"{"a":[1}"#, "{ k:61 [ n:1", byte(7)),
    ("one bracket more", b"[]]", "[ ]", byte(2)),
    ("second value", b"{} []", "{ }", byte(3)),
    ("letter after true", b"[truex]", "[ t", byte(5)),
    ("null cut by bracket", b"[nul]", "[", byte(4)),
    ("literals", b"[true,false,null]", "[ t f z ]", accept(17)),
    ("true cut by end", b"tru", "", end(3)),
    ("true at end", b"true", "t", accept(4)),
    ("upper case", b"True", "", byte(0)),
    ("byte order mark", b"\xef\xbb\xbf{}", "", byte(0)),
    ("blanks alone", b" \n\t\r", "", end(4)),
    ("blanks everywhere", b" { \"a\" : [ 1 , 2 ] } ", "{ k:61 [ n:1 n:2 ] }", accept(21)),
    ("nothing", b"", "", end(0)),
    ("form feed", b"[\x0c]", "[", byte(1)),
    ("no-break space", b"[\xc2\xa0]", "[", byte(1)),
    ("NUL after number", b"1\x00", "n:1", byte(1)),
    ("single quotes", b"['a']", "[", byte(1)),
    ("number, then end in array", b"[1", "[ n:1", end(2)),
    ("number, then end in object", br#"{"a":1.5"#, "{ k:61 n:1.5", end(8)),
];

const VALUES: &[Row] = &[
    ("number, then blank", b"1 2", "n:1", accept(1)),
    ("number, then comma", b"-1.5e3,", "n:-1.5e3", accept(6)),
    ("number, then letter", b"1x", "n:1", accept(1)),
    ("number at end", b" 12", "n:12", accept(3)),
    ("number open", b"12e", "n:12e…", end(3)),
    ("number, then not a digit", b"1.x", "n:1.…", byte(2)),
    ("string", b"\"a\"x", "s:61", accept(3)),
    ("literal", b"\ttrue1", "t", accept(5)),
    ("array", b"[1]]", "[ n:1 ]", accept(3)),
    ("object", b"{}{}", "{ }", accept(2)),
    ("blanks", b"  ", "", end(2)),
    ("nothing", b"", "", end(0)),
    ("comma", b",", "", byte(0)),
];

const STREAMS: &[Row] = &[
    ("nothing", b"", "", accept(0)),
    ("blanks", b" \n", "", accept(2)),
    ("numbers", b"1 2", "n:1 n:2", accept(3)),
    ("lines", b"{\"a\":1}\n[2]\n", "{ k:61 n:1 } [ n:2 ]", accept(12)),
    ("number beside literal", b"1true", "n:1", byte(1)),
    ("literal beside number", b"null1", "z", byte(4)),
    ("two literals", b"truefalse", "t", byte(4)),
    ("two strings", b"\"a\"\"b\"", "s:61", byte(3)),
    ("string beside number", b"\"a\"1", "s:61", byte(3)),
    ("number beside string", b"1\"a\"", "n:1", byte(1)),
    ("leading zero", b"-01", "n:-0", byte(2)),
    ("minus behind number", b"1-1", "n:1", byte(1)),
    ("brackets beside numbers", b"[]1[]2", "[ ] n:1 [ ] n:2", accept(6)),
    ("brackets beside others", b"{}\"a\"{}true[]", "{ } s:61 { } t [ ]", accept(13)),
    ("brackets", b"[][]{}", "[ ] [ ] { }", accept(6)),
    ("bracket open", b"1[", "n:1 [", end(2)),
    ("comma", b"1,2", "n:1", byte(1)),
    ("one bracket more", b"[1] ]", "[ n:1 ]", byte(4)),
    ("byte order mark between", b"1\xef\xbb\xbf2", "n:1", byte(1)),
    ("number open", b"1 -", "n:1 n:-…", end(3)),
];

const FOUR_LEVELS: &[Row] = &[
    ("as deep", b"[[[[]]]]", "[ [ [ [ ] ] ] ]", accept(8)),
    ("too deep", b"[[[[[]]]]]", "[ [ [ [", deep(4)),
    ("too deep in object", br#"[[[{"a":{"#, "[ [ [ { k:61", deep(8)),
    ("side by side", b"[[],[],[],[],[[[]]]]", "[ [ ] [ ] [ ] [ ] [ [ [ ] ] ] ]", accept(20)),
];

const NO_LEVEL: &[Row] = &[("scalar", b"1", "n:1", accept(1)), ("bracket", b" [", "", deep(1))];

const STRINGS_OF_THREE_BYTES: &[Row] = &[
    ("as long", b"\"abc\"", "s:616263", accept(5)),
    ("too long", b"\"abcd\"", "s:616263…", long(4)),
    ("name too long", b"{\"abcd\"", "{ k:616263…", long(5)),
    ("each of its own", b"[\"abc\",\"abc\"]", "[ s:616263 s:616263 ]", accept(13)),
    ("escape too long", br#""abc\n"#, "s:616263…", long(5)),
    ("unit too long", br#""ab\u00e9"#, "s:6162…", long(8)),
    ("unit as long", br#""a\u00e9""#, "s:61c3a9", accept(9)),
    ("pair too long", br#""\ud83d\ude00"#, "", long(12)),
    ("character as long", "\"aé\"".as_bytes(), "s:61c3a9", accept(5)),
    ("character too long", "\"abé\"".as_bytes(), "s:6162…", long(4)),
    ("first byte too long", "\"abcé\"".as_bytes(), "s:616263…", long(4)),
    ("control instead", b"\"abc\x01", "s:616263…", byte(4)),
    ("not UTF-8 instead", b"\"abc\xff", "s:616263…", utf8(4)),
    ("no such escape instead", br#""abc\x"#, "s:616263…", byte(5)),
    ("half instead", br#""abc\udc00"#, "s:616263…", surrogate(9)),
    ("end", b"\"abc", "s:616263…", end(4)),
    ("number of any length", b"12345", "n:12345", accept(5)),
];

const NUMBERS_OF_THREE_BYTES: &[Row] = &[
    ("as long", b"[123,-12]", "[ n:123 n:-12 ]", accept(9)),
    ("too long", b"1234", "n:123…", long(3)),
    ("fraction too long", b"[1.23]", "[ n:1.2…", long(4)),
    ("point too long", b"123.4", "n:123…", long(3)),
    ("exponent too long", b"1e10", "n:1e1…", long(3)),
    ("letter instead", b"123x", "n:123", byte(3)),
    ("no digit instead", b"12.x", "n:12.…", byte(3)),
    ("string of any length", b"\"12345\"", "s:3132333435", accept(7)),
];
