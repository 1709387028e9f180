//! Parsers that are fed.

use actson::feeder::{JsonFeeder, PushJsonFeeder, SliceJsonFeeder};
use actson::{JsonEvent, JsonParser};
use jsonx_lib::{DuplicateKeys, Step};
use picojson::{BitStackStruct, ParseError, PushParseError, PushParser, PushParserHandler};

use super::Seen;

pub(super) fn actson(document: &'static [u8], size: usize) -> Seen {
    let mut seen = Seen::default();
    if size == document.len() {
        let mut parser = JsonParser::new(SliceJsonFeeder::new(document));
        while let Some(event) = parser.next_event().expect("a document") {
            see_actson(&mut seen, event, &parser);
        }
        return seen;
    }
    let mut parser = JsonParser::new(PushJsonFeeder::new());
    let mut chunks = document.chunks(size);
    let mut rest: &[u8] = &[];
    while let Some(event) = parser.next_event().expect("a document") {
        if event != JsonEvent::NeedMoreInput {
            see_actson(&mut seen, event, &parser);
            continue;
        }
        if rest.is_empty() {
            match chunks.next() {
                Some(chunk) => rest = chunk,
                None => parser.feeder.done(),
            }
        }
        let taken = parser.feeder.push_bytes(rest);
        rest = &rest[taken..];
    }
    seen
}

fn see_actson(seen: &mut Seen, event: JsonEvent, parser: &JsonParser<impl JsonFeeder>) {
    match event {
        JsonEvent::FieldName
        | JsonEvent::ValueString
        | JsonEvent::ValueInt
        | JsonEvent::ValueFloat => seen.text(parser.current_str().expect("UTF-8")),
        _ => seen.event(),
    }
}

/// jsonx, which would not take two members of one name by default.
pub(super) fn jsonx(document: &'static [u8], size: usize) -> Seen {
    const PARSER: jsonx_lib::Parser =
        jsonx_lib::Parser::new().duplicate_keys(DuplicateKeys::KeepAll);
    let mut seen = Seen::default();
    if size == document.len() {
        let mut reader = PARSER.reader_bytes(document).expect("UTF-8");
        while let Some(event) = reader.next_event().expect("a document") {
            see_jsonx(&mut seen, &event);
        }
        return seen;
    }
    let mut reader = PARSER.stream_reader();
    for chunk in document.chunks(size) {
        reader.feed(chunk).expect("a document");
        while let Step::Ready(Some(event)) = reader.next_event().expect("a document") {
            see_jsonx(&mut seen, &event);
        }
    }
    reader.end_input();
    while let Step::Ready(Some(event)) = reader.next_event().expect("a document") {
        see_jsonx(&mut seen, &event);
    }
    seen
}

fn see_jsonx(seen: &mut Seen, event: &jsonx_lib::Event<'_>) {
    match event {
        jsonx_lib::Event::Key(text) | jsonx_lib::Event::String(text) => seen.text(text),
        jsonx_lib::Event::Number(number) => seen.text(number.as_str()),
        _ => seen.event(),
    }
}

/// picojson, with room for 64 levels and a text of 64 KiB.
pub(super) fn picojson(document: &'static [u8], size: usize) -> Seen {
    let mut buffer = vec![0; 64 << 10];
    let mut parser = PushParser::<_, BitStackStruct<u64, u8>>::new(Handler::default(), &mut buffer);
    for chunk in document.chunks(size) {
        parser.write(chunk).expect("a document");
    }
    let handler: Result<Handler, PushParseError<ParseError>> = parser.finish();
    handler.expect("a document").0
}

#[derive(Debug, Default)]
struct Handler(Seen);

impl<'i, 's> PushParserHandler<'i, 's, ParseError> for Handler {
    fn handle_event(&mut self, event: picojson::Event<'i, 's>) -> Result<(), ParseError> {
        match event {
            picojson::Event::Key(text) | picojson::Event::String(text) => self.0.text(&text),
            picojson::Event::Number(number) => self.0.text(number.as_str()),
            picojson::Event::EndDocument => {}
            _ => self.0.event(),
        }
        Ok(())
    }
}
