//! The examples of the HTML standard (WHATWG, as of 2026, licence CC BY 4.0), with the messages that its text
//! says they are.

use pushdown::sse::Message;

use crate::common::{Engine, Expected, check_messages};

/// The section, the stream, and the type, the data and the id of each message.
type Example =
    (&'static str, &'static str, &'static [(&'static str, &'static str, Option<&'static str>)]);

const EXAMPLES: &[Example] = &[
    (
        "9.2.1, messages of one line and of two",
        "data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\n\
         data: This is the third message.\n\n",
        &[
            ("message", "This is the first message.", None),
            ("message", "This is the second message, it\nhas two lines.", None),
            ("message", "This is the third message.", None),
        ],
    ),
    (
        "9.2.1, types",
        "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
        &[("add", "73857293", None), ("remove", "2153", None), ("add", "113411", None)],
    ),
    (
        "9.2.6, lines of data",
        "data: YHOO\ndata: +2\ndata: 10\n\n",
        &[("message", "YHOO\n+2\n10", None)],
    ),
    (
        "9.2.6, four blocks, of which the last is not complete",
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
        &[("message", "first event", Some("1")), ("message", "second event", Some(""))],
    ),
    (
        "9.2.6, four blocks, of which the last is complete",
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        &[
            ("message", "first event", Some("1")),
            ("message", "second event", Some("")),
            ("message", " third event", None),
        ],
    ),
    (
        "9.2.6, data without a value",
        "data\n\ndata\ndata\n\ndata:\n",
        &[("message", "", None), ("message", "\n", None)],
    ),
    (
        "9.2.6, a space behind the colon",
        "data:test\n\ndata: test\n\n",
        &[("message", "test", None), ("message", "test", None)],
    ),
];

#[test]
fn the_examples_of_the_standard_mean_what_it_says() {
    let mut engines = Engine::all();
    let (mut examples, mut runs) = (0, 0);
    for (section, stream, messages) in EXAMPLES {
        for end in ["\n", "\r", "\r\n"] {
            let stream = stream.replace('\n', end);
            let expected = Expected::prompt(stream.as_bytes());
            let messages = messages.iter().map(|(event, data, id)| Message {
                event: (*event).into(),
                data: (*data).into(),
                id: id.map(Into::into),
                retry: None,
            });
            let messages: Vec<_> = messages.collect();
            assert_eq!(expected.whole.messages, messages, "the reference (left): {section}");
            for cut in 0..=stream.len() {
                runs += Engine::check_all(&mut engines, &[cut], &expected);
                runs += check_messages(&[cut], &expected);
            }
            examples += 1;
        }
    }
    println!("{examples} examples, {runs} runs");
    assert!(examples == 21 && runs > 10_000);
}
