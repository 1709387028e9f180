// Bodies for both engines: `body!` makes each a function or an `async` function, and `wait!` awaits a
// read where that is due. Each comes with inputs.

body! { bounded(input) {
    let mut text = Vec::new();
    let stop = wait!(input.at_most(5).text_until(b'.', |piece| piece));
    match stop {
        Ok(stop) => text.push(stop),
        Err(end) => return Err(end.into()),
    }
    text.push(wait!(input.next())?);
    Ok(text)
} }

body! { bounded_scan(input) {
    let mut text = Vec::new();
    let mut part = input.at_most(4);
    wait!(part.scan_until(b'.', |piece| text.extend(piece)))?;
    assert_eq!(part.remaining() + text.len() as u64 + 1, 4);
    Ok(text)
} }

body! { framed(input) {
    let len = u64::from(wait!(input.next())?) % 8;
    let mut text = Vec::new();
    let mut frame = input.frame(len);
    loop {
        match wait!(frame.next()) {
            Ok(b'!') => return Err(frame.fail(ErrorKind::Custom(1))),
            Ok(b',') => break,
            Ok(byte) => {
                text.push(byte);
                frame.emit(&[byte]);
            }
            Err(End::Finished) => {
                text.push(b'$');
                break;
            }
            Err(end) => return Err(end.into()),
        }
    }
    wait!(frame.skip_rest())?;
    drop(frame);
    text.push(wait!(input.next())?);
    Ok(text)
} }

body! { frames_in_frames(input) {
    let mut text = Vec::new();
    let mut outer = input.frame(6);
    let mut inner = outer.frame(4);
    {
        let mut bounded = inner.at_most(2);
        text.push(wait!(bounded.next())?);
        text.push(wait!(bounded.peek())?);
        let _ = bounded.fail(ErrorKind::TooDeep);
    }
    while let Ok(byte) = wait!(inner.next()) {
        text.push(byte);
    }
    drop(inner);
    let mut beyond = outer.frame(4);
    loop {
        match wait!(beyond.take(3)) {
            Ok(slice) => text.extend(slice),
            Err(end) => {
                text.extend(format!("{end:?}").bytes());
                break;
            }
        }
    }
    drop(beyond);
    text.extend(format!("{:?}", wait!(outer.peek())).bytes());
    drop(outer);
    text.push(wait!(input.next())?);
    Ok(text)
} }

body! { fails_at_a_bound(input) {
    let mut part = input.at_most(3);
    loop {
        if let Err(end) = wait!(part.next()) {
            let failure = part.fail_from(1, ErrorKind::Custom(2));
            return if end == End::TooLong { Err(failure) } else { Err(end.into()) };
        }
    }
} }

body! { keeps_reading_at_a_bound(input) {
    let mut part = input.at_most(3);
    loop {
        let _ = wait!(part.next());
    }
} }

body! { keeps_reading_at_the_end_of_a_frame(input) {
    let mut part = input.frame(3);
    loop {
        let _ = wait!(part.text_until(b'.', |piece| piece));
    }
} }

body! { forgets_its_bounds(input) {
    let mut part = input.at_most(4);
    let first = wait!(part.next())?;
    std::mem::forget(part);
    let rest = wait!(input.scan_until(b'.', |_| ()))?;
    Ok(vec![first, rest])
} }

body! { bounds_after_the_end(input) {
    let mut text = Vec::new();
    while let Ok(byte) = wait!(input.next()) {
        text.push(byte);
    }
    for count in [0, 1] {
        text.extend(format!("{:?}", wait!(input.frame(count).next())).bytes());
        text.extend(format!("{:?}", wait!(input.at_most(count).next())).bytes());
    }
    Ok(text)
} }

body! { chunks(input) {
    let mut text = Vec::new();
    loop {
        let chunk = wait!(input.chunk())?;
        let word = chunk.iter().position(|byte| *byte == b'.');
        let count = word.unwrap_or(chunk.len());
        let piece = chunk[..count].to_vec();
        text.extend(&piece);
        input.emit(&piece);
        input.advance(count);
        if word.is_some() {
            return if text.len() > 5 { Err(input.fail(ErrorKind::Custom(3))) } else { Ok(text) };
        }
    }
} }

body! { values_between_spaces(input) {
    let first = wait!(input.skip_between(|byte| byte == b' '))?;
    if first == b'!' {
        return Err(input.fail(ErrorKind::UnexpectedByte));
    }
    let start = input.offset();
    let mut count = 0;
    let stop = wait!(input.text_until([b'.', b'!'], |piece| {
        count += piece.len();
        piece
    }))?;
    // Spaces inside the value are part of it.
    let next = wait!(input.skip_between(|byte| byte == b' '))?;
    if stop == b'!' {
        return Err(input.fail_from(start, ErrorKind::UnexpectedByte));
    }
    Ok(vec![next])
} }

body! { events_one_by_one(input) {
    loop {
        let byte = wait!(input.next())?;
        input.emit(&[byte]);
        match byte {
            b'.' => return Ok(vec![byte]),
            b'!' => return Err(input.fail(ErrorKind::Custom(4))),
            b'(' => {
                input.emit(b"group");
                let mut left = 2;
                while left > 0 {
                    left -= wait!(input.take_text(left, |text| text))?;
                }
            }
            _ => {}
        }
    }
} }

body! { a_string_inside(input) {
    let mut text = vec![wait!(input.next())?];
    let mut string = quoted::Machine::new();
    let output = wait!(input.run(&mut string, |quoted::Event::Text(piece), out| out.emit(piece)))?;
    text.extend(format!("{output:?}").bytes());
    text.push(wait!(input.next())?);
    Ok(text)
} }

body! { a_string_in_a_frame(input) {
    let len = u64::from(wait!(input.next())?) % 8;
    let mut frame = input.frame(len);
    let mut string = quoted::Coroutine::new();
    wait!(frame.run(&mut string, |quoted::Event::Text(piece), out| {
        out.emit(piece);
        out.emit(b"");
    }))?;
    wait!(frame.skip_rest())?;
    drop(frame);
    Ok(vec![wait!(input.next())?])
} }

body! { groups(input) {
    wait!(input.expect(b'('))?;
    let mut text = vec![b'('];
    while wait!(input.peek())? == b'(' {
        text.extend(wait!(input.nested(nested_group!()))?);
    }
    wait!(input.expect(b')'))?;
    input.emit(b"group");
    Ok(text)
} }
