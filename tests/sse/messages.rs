//! Messages: what their fields are, where they end, and how long they may be.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::sse::{LentMessages, Message, MessageRef, Messages};
use pushdown::{Error, ErrorKind, PushParser, Status};

/// Reads the messages of a stream that comes in these chunks, which may be lent as well.
fn read<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Message> {
    let (mut parser, mut messages) = (Messages::new(), Vec::new());
    let (mut lender, mut lent) = (LentMessages::new(), Vec::new());
    for mut chunk in chunks {
        let _ = lender.feed_with(chunk, |message| lent.push(Message::from(message)));
        while !chunk.is_empty() {
            let progress = parser.feed(chunk);
            chunk = &chunk[progress.consumed..];
            if let Some(message) = parser.take_output() {
                messages.push(message);
                parser.next_value();
            }
        }
    }
    assert_eq!(lent, messages);
    messages
}

fn message(data: &str) -> Message {
    Message { event: "message".into(), data: data.into(), id: None, retry: None }
}

#[test]
fn a_message_ends_with_its_carriage_return_and_the_line_feed_behind_it_is_no_new_one() {
    for stream in [&b"data: x\r\n\r\ndata: y"[..], b"data: x\r\r\ndata: y", b"data: x\r\rdata: y"] {
        let mut parser = Messages::new();
        let end = stream.iter().rposition(|byte| *byte == b'\r').unwrap() + 1;
        let progress = parser.feed(stream);
        assert_eq!((progress.consumed, progress.status), (end, Status::Success));
        assert_eq!(parser.take_output(), Some(message("x")));
        parser.next_value();
        assert!(!parser.has_begun());
        let mut rest = &stream[end..];
        if let Some(after) = rest.strip_prefix(b"\n") {
            assert_eq!(parser.feed(b"\n").status, Status::NeedMoreInput);
            assert!(!parser.has_begun(), "the line feed belongs to the message before");
            rest = after;
        }
        assert_eq!(parser.feed(rest).consumed, rest.len());
        assert!(parser.has_begun());
    }
}

#[test]
fn blank_lines_before_a_message_count_as_consumed_however_it_ends() {
    for (stream, status) in [
        (&b"\n\r\ndata: x"[..], Status::NeedMoreInput),
        (b"\n\r\ndata: x\n\n", Status::Success),
        (b"\n\r\ndata: this is too long\n", Status::BadInput),
    ] {
        let mut parser = Messages::new().max_len(8);
        let progress = parser.feed(stream);
        assert_eq!((progress.status, progress.consumed as u64), (status, parser.offset()));
    }
}

#[test]
fn the_end_of_the_stream_discards_what_is_not_complete() {
    for stream in
        [&b""[..], b"\n", b"data", b"data: x", b"data: x\n", b"id: 1\n\n", b"data: x\xe2", b": c"]
    {
        let mut parser = Messages::new();
        assert_eq!(parser.feed(stream).consumed, stream.len());
        assert_eq!((parser.finish(), parser.take_output()), (Ok(()), None));
        assert_eq!((parser.offset(), parser.finish()), (stream.len() as u64, Ok(())));
    }
}

#[test]
fn a_block_without_data_leaves_its_id_and_its_time_to_the_next_message() {
    let stream = b"event: gone\nid: 7\nretry: 10\n\nretry: 20\n\ndata: x\n\ndata: y\n\n";
    let first = Message { id: Some("7".into()), retry: Some(20), ..message("x") };
    assert_eq!(read([&stream[..]]), [first.clone(), message("y")]);
    assert_eq!(read(stream.chunks(1)), [first, message("y")]);
}

#[test]
fn only_digits_are_a_time() {
    for (value, time) in [
        ("0", Some(0)),
        ("007", Some(7)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", Some(u64::MAX)),
        ("99999999999999999999999999999999", Some(u64::MAX)),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1 ", None),
        ("99999999999999999999999999999999x", None),
        ("\u{661}", None),
    ] {
        let stream = format!("retry: 5\nretry: {value}\ndata\n\n");
        let expected = [Message { retry: Some(time.unwrap_or(5)), ..message("") }];
        assert_eq!(read([stream.as_bytes()]), expected, "{value:?}");
        assert_eq!(read(stream.as_bytes().chunks(1)), expected, "{value:?}");
    }
}

#[test]
fn an_id_with_nul_is_ignored() {
    let stream = b"id: a\nid: b\0c\ndata\n\nid: \0\ndata\n\nid\ndata\n\n";
    let with_id = |id: Option<&str>| Message { id: id.map(Into::into), ..message("") };
    let expected = [with_id(Some("a")), with_id(None), with_id(Some(""))];
    assert_eq!(read([&stream[..]]), expected);
    assert_eq!(read(stream.chunks(1)), expected);
}

#[test]
fn a_byte_order_mark_counts_at_the_start_of_the_stream_alone() {
    let stream = b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\ndata: z\n\n";
    assert_eq!(read([&stream[..]]), [message("x"), message("z")]);
    let mut parser = Messages::new();
    parser.reset_at(1);
    let _ = parser.feed(b"\xef\xbb\xbfdata: x\n\n");
    assert_eq!(parser.take_output(), None);
    parser.reset();
    let _ = parser.feed(b"\xef\xbb\xbfdata: x\n\n");
    assert_eq!(parser.take_output(), Some(message("x")));
}

#[test]
fn the_byte_with_which_a_message_is_too_long_is_blamed_at_every_cut() {
    let mut runs = 0;
    for (stream, max_len, offset) in [
        (&b"data: 1234\ndata: 5678\n\n"[..], 8, Some(20)),
        (b"data: 1234\ndata: 5678\n\n", 9, None),
        (b"data\ndata\ndata\n\n", 1, Some(14)),
        (b"data\ndata\ndata\n\n", 2, None),
        (b"event: 123\nid: 45\ndata: 678\n\n", 7, Some(26)),
        (b"event: 123\nevent: 12\nid: 45\nid: 4\ndata: 678\n\n", 6, None),
        (b"id: 123\nid: 4567\ndata\n\n", 6, Some(15)),
        (b"id: 123\n\ndata: 4\n\n", 3, Some(15)),
        (b"data: \xe2\x82\xac\n\n", 2, Some(8)),
        (b"data: a\xe2\x82b\n\n", 4, Some(9)),
        (b"data: a\xe2\x82b\n\n", 3, Some(9)),
        (b"data: \xff\n\n", 2, Some(6)),
        (b"data: 1\n\n", 0, Some(6)),
        (
            b"data: \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n\n",
            30,
            Some(16),
        ),
        (b": a long comment\nx: y\nretry: 1000000000000\ndata\n\n", 0, None),
    ] {
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut parser = Messages::new().max_len(max_len);
                let mut consumed = 0;
                for chunk in [&stream[..first], &stream[first..second], &stream[second..]] {
                    consumed += parser.feed(chunk).consumed;
                }
                let about = format!("{} cut at {first} and {second}", stream.escape_ascii());
                let error = offset.map(|offset| Error::new(ErrorKind::TooLong, offset));
                assert_eq!(parser.error().copied(), error, "{about}");
                assert_eq!(consumed as u64, offset.unwrap_or(stream.len() as u64), "{about}");
                assert_eq!(parser.take_output().is_some(), offset.is_none(), "{about}");
                let mut lender = LentMessages::new().max_len(max_len);
                for chunk in [&stream[..first], &stream[first..second], &stream[second..]] {
                    let _ = lender.feed(chunk);
                }
                let end = offset.unwrap_or(stream.len() as u64);
                assert_eq!((lender.error().copied(), lender.offset()), (error, end), "{about}");
                runs += 1;
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 3000);
}

#[test]
fn a_message_may_have_a_mebibyte_and_comments_without_end() {
    let mut parser = Messages::new();
    let comment = [b": ", &[b'x'; 1 << 16][..], b"\n"].concat();
    for _ in 0..40 {
        assert_eq!(parser.feed(&comment).status, Status::NeedMoreInput);
    }
    let start = parser.offset();
    assert_eq!(parser.feed(b"data: ").status, Status::NeedMoreInput);
    for _ in 0..16 {
        assert_eq!(parser.feed(&[b'y'; 1 << 16]).status, Status::NeedMoreInput);
    }
    let mut other = parser.clone();
    assert_eq!(parser.feed(b"\n\n").status, Status::Success);
    assert_eq!(parser.take_output().map(|message| message.data.len()), Some(1 << 20));
    assert_eq!(other.feed(b"z").status, Status::BadInput);
    assert_eq!(other.error(), Some(&Error::new(ErrorKind::TooLong, start + 6 + (1 << 20))));
}

#[test]
fn a_lent_message_is_a_slice_of_the_chunk_and_allocates_nothing() {
    let mut parser = LentMessages::new();
    let stream =
        b"event: add\nid: 7\nretry: 5\ndata: 1\n\n: a comment\n\ndata: caf\xc3\xa9\n\ndata\n\n";
    let (mut messages, mut borrowed) = (0, 0);
    let allocations = allocation_counter::measure(|| {
        let _ = parser.feed_with(stream, |message| {
            messages += 1;
            borrowed += usize::from(stream.as_ptr_range().contains(&message.data.as_ptr()));
        });
    });
    assert_eq!((messages, borrowed, allocations.count_total), (3, 3, 0));
}

#[test]
fn the_buffers_of_a_lent_message_serve_the_next_one_unless_they_are_large() {
    let mut parser = LentMessages::new();
    let message = |len: usize| {
        let line = "x".repeat(len);
        format!("event: {line}\nid: {line}\ndata: {line}\ndata: {line}\n\n").into_bytes()
    };
    let mut allocations = |stream: &[u8]| {
        let allocations = allocation_counter::measure(|| {
            for chunk in stream.chunks(16) {
                let _ = parser.feed(chunk);
            }
        });
        (allocations.count_total > 0, allocations.bytes_current)
    };
    assert!(matches!(allocations(&message(100)), (true, 1..)));
    let _ = allocations(&message(100)); // the buffers of two ids take turns
    assert_eq!(allocations(&message(100)), (false, 0));
    let (allocates, bytes) = allocations(&message(100_000));
    assert!(allocates && bytes <= 0, "{bytes} bytes are kept");
}

#[test]
fn a_sink_that_pauses_gets_each_lent_message_once() {
    let stream = b"data: 1\r\n\r\nid: 7\rdata: 2\rdata: 3\r\rdata: 4\n\n\n";
    let expected = [(1, "1"), (2, "2\n3"), (3, "4")];
    for pause in [1, 2, 4] {
        let (mut parser, mut rest, mut seen) = (LentMessages::new(), &stream[..], Vec::new());
        while !rest.is_empty() {
            let progress = parser.feed_until(rest, |MessageRef { data, .. }| {
                seen.push((seen.len() + 1, data.to_owned()));
                if seen.len() % pause == 0 { Break(()) } else { Continue(()) }
            });
            assert_eq!(progress.status, Status::NeedMoreInput);
            assert!(progress.consumed > 0);
            rest = &rest[progress.consumed..];
        }
        let seen: Vec<_> = seen.iter().map(|(number, data)| (*number, &data[..])).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn the_data_of_a_large_message_are_moved_and_not_copied() {
    let line = "y".repeat(50_000);
    let stream = format!("data: {line}\ndata: {line}\ndata: {line}\n\ndata: z\n\n");
    let mut parser = Messages::new();
    let progress = parser.feed(stream.as_bytes());
    let data = parser.take_output().map(|message| message.data);
    assert_eq!(data, Some([&line[..]; 3].join("\n")));
    parser.next_value();
    let _ = parser.feed(&stream.as_bytes()[progress.consumed..]);
    assert_eq!(parser.take_output(), Some(message("z")));
}
