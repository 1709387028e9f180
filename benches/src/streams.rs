//! Event streams in the shapes of real ones, made by hand.

use std::fmt::Write;

/// Bytes of each stream, and a few more.
const LEN: usize = 256 << 10;

/// An event stream.
#[derive(Debug)]
pub struct Stream {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// The messages in it, and the bytes of their data.
    pub counts: (usize, usize),
}

impl Stream {
    /// Returns every stream.
    ///
    /// * `chat`: the chunks of a chat completion, 200 bytes of JSON for each word.
    /// * `typed`: the same with shorter JSON and a type before it, and now and then a ping.
    /// * `ticks`: numbers with an `id`, 30 bytes for each message.
    /// * `pages`: lines of text, a third of which is not ASCII, in messages of 4 KiB.
    pub fn all() -> [Self; 4] {
        let words = [
            "the",
            " parser",
            " is",
            " suspended",
            " where",
            " it",
            " stands",
            ",",
            " café",
            "\\n",
        ];
        [
            Self::new("chat", |number, stream| {
                let word = words[number % words.len()];
                let data = format!(
                    r#"{{"id":"completion-7f3a","object":"chat.completion.chunk","created":1764400000,"model":"a-model","choices":[{{"index":0,"delta":{{"content":"{word}"}},"logprobs":null,"finish_reason":null}}]}}"#
                );
                write!(stream, "data: {data}\n\n").expect("a string");
                data.len()
            }),
            Self::new("typed", |number, stream| {
                let word = words[number % words.len()];
                let data = format!(
                    r#"{{"type":"content_delta","index":0,"delta":{{"type":"text","text":"{word}"}}}}"#
                );
                if number.is_multiple_of(16) {
                    stream.push_str(": ping\n\n");
                }
                write!(stream, "event: content_delta\ndata: {data}\n\n").expect("a string");
                data.len()
            }),
            Self::new("ticks", |number, stream| {
                let data = (number * 7919 % 100_000_000).to_string();
                write!(stream, "id: {number}\r\ndata: {data}\r\n\r\n").expect("a string");
                data.len()
            }),
            Self::new("pages", |number, stream| {
                let line = "A line of plain text in a page. ".repeat(2)
                    + &"Zeilen für Zeile 語を読む ".repeat(number % 3);
                for _ in 0..40 {
                    writeln!(stream, "data: {line}").expect("a string");
                }
                stream.push('\n');
                40 * (line.len() + 1) - 1
            }),
        ]
    }

    fn new(name: &'static str, mut message: impl FnMut(usize, &mut String) -> usize) -> Self {
        let (mut stream, mut counts) = (String::new(), (0, 0));
        while stream.len() < LEN {
            counts.1 += message(counts.0, &mut stream);
            counts.0 += 1;
        }
        Self { name, bytes: stream.into_bytes(), counts }
    }
}
