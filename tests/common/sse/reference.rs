//! An event stream read as the HTML standard describes it: the whole is decoded, split into lines, and read
//! line by line. Names and numbers are those of the standard of 2026, section 9.2.

use std::mem;
use std::str;

use pushdown::sse::{Field, Message};

use super::log::Log;

/// The meaning of a stream of which so many bytes have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The fields that the standard knows, the last one as far as it has come.
    pub events: Log,
    /// The messages that are complete.
    pub messages: Vec<Message>,
}

/// Reads a stream.
pub fn read(input: &[u8]) -> Stream {
    let text = decode(input);
    let (lines, last) = split(&text);
    let mut stream = Stream::default();
    // The buffers of 9.2.6. `data` is there once it is not empty: it ends with a line feed then.
    let (mut data, mut event_type) = (String::new(), String::new());
    let (mut last_event_id, mut reconnection_time) = (None, None);
    // Not of the standard: a blank line that empties the event type and dispatches nothing is reported.
    let mut is_named = false;
    for line in &lines {
        if line.is_empty() {
            if !data.is_empty() {
                data.pop();
                stream.events.blank_line(true);
                let event = mem::take(&mut event_type);
                stream.messages.push(Message {
                    event: if event.is_empty() { "message".into() } else { event.into() },
                    data: mem::take(&mut data),
                    id: last_event_id.take(),
                    retry: reconnection_time.take(),
                });
            } else if is_named {
                stream.events.blank_line(false);
                event_type.clear();
            }
            is_named = false;
            continue;
        }
        let Some((field, value)) = process(line) else { continue };
        match field {
            Field::Event => {
                event_type = value.into();
                is_named = true;
            }
            Field::Data => data = data + value + "\n",
            Field::Id if value.contains('\0') => {}
            Field::Id => last_event_id = Some(value.into()),
            Field::Retry if value.is_empty() || value.contains(|c: char| !c.is_ascii_digit()) => {}
            Field::Retry => reconnection_time = Some(value.parse().unwrap_or(u64::MAX)),
        }
        stream.events.field(field, value);
    }
    if last.contains(':')
        && let Some((field, value)) = process(&last)
        && !value.is_empty()
    {
        stream.events.open(field, value);
    }
    stream
}

/// Decodes UTF-8, all but a character that the end cuts, which cannot be known.
fn decode(input: &[u8]) -> String {
    let cut = (1..=input.len().min(3)).rev().find(|len| {
        let error = str::from_utf8(&input[input.len() - len..]).err();
        error.is_some_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    });
    let text = String::from_utf8_lossy(&input[..input.len() - cut.unwrap_or(0)]);
    text.strip_prefix('\u{feff}').unwrap_or(&text).into()
}

/// Splits the text into lines, of which the last has no end.
fn split(text: &str) -> (Vec<String>, String) {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\r' | '\n' => {
                if char == '\r' {
                    chars.next_if_eq(&'\n');
                }
                lines.push(mem::take(&mut line));
            }
            char => line.push(char),
        }
    }
    (lines, line)
}

/// Returns the field of a line, if it is one that the standard knows, and its value.
fn process(line: &str) -> Option<(Field, &str)> {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.strip_prefix(' ').unwrap_or(value);
    let field = match name {
        "event" => Field::Event,
        "data" => Field::Data,
        "id" => Field::Id,
        "retry" => Field::Retry,
        _ => return None,
    };
    Some((field, value))
}
