//! Attacks by bodies of `coroutine`.

attack!(a_slice_is_gone_after_the_next_read, "E0499", "
fn body(input: &mut coroutine::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4)?;
    " ["input.next()?;" or ""] "
    Ok(slice[0])
}");

attack!(a_slice_is_gone_after_a_nested_body, "E0499", "
fn body(input: &mut coroutine::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4)?;
    " ["input.nested(body)?;" or ""] "
    Ok(slice[0])
}");

attack!(a_slice_is_gone_after_a_failure_moves_the_cursor_back, "E0499", "
fn body(input: &mut coroutine::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4)?;
    let _ = " ["input.fail(ErrorKind::TooLong)" or "ErrorKind::TooLong"] ";
    Ok(slice[0])
}");

attack!(a_read_is_refused_while_a_scoped_thread_has_a_slice, "E0500", "
fn body(input: &mut coroutine::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4)?;
    thread::scope(|scope| {
        let reader = scope.spawn(|| slice[0]);
        " ["input.next()?;" or ""] "
        Ok(reader.join().unwrap())
    })
}");

attack!(a_slice_cannot_go_to_another_thread, "E0521", "
fn body(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    let slice = input.take(4)?;
    let sent = slice" ["" or ".to_vec()"] ";
    thread::spawn(move || sent[0]);
    Ok(())
}");

attack!(a_scan_cannot_leak_its_text, "E0521", r#"
fn body(input: &mut coroutine::Input<'_>) -> Result<usize, Failure> {
    let mut kept: &[u8] = b"";
    input.scan_until(b'.', |text| kept = "# ["text" or "b\"text\""] r#")?;
    Ok(kept.len())
}"#);

attack!(a_slice_cannot_be_an_output, "", "
fn body<'i>(input: &'i mut coroutine::Input<'_>) -> Result<" ["&'i [u8]" or "Vec<u8>"] ", Failure> {
    Ok(input.take(4)?.into())
}
let mut parser: coroutine::Parser<(), _> = coroutine::Parser::new(body);");

attack!(a_slice_cannot_be_stored_in_the_body, "E0521", r#"
let mut kept: &[u8] = b"";
let parser: coroutine::Parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
    let slice = input.take(4)?;
    kept = "# ["slice" or "b\"slice\""] r#";
    Ok(())
});"#);

attack!(an_input_cannot_be_swapped_with_that_of_an_outer_body, "E0521", "
fn outer(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    let outer = input;
    let parser: coroutine::Parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
        " ["mem::swap(outer, input);" or ""] "
        Ok(())
    });
    Ok(())
}");

attack!(two_inputs_never_have_one_type, "E0621", "
fn swap<'p>(a: &mut coroutine::Input<'" ["_" or "p"] ">, b: &mut coroutine::Input<'p>) {
    mem::swap(a, b);
}");

attack!(a_body_cannot_choose_the_lifetime_of_its_input, "", "
fn body(input: &mut coroutine::Input<'" ["static" or "_"] ">) -> Result<(), Failure> {
    input.expect(b'.')
}
let parser: coroutine::Parser = coroutine::Parser::new(body);");

attack!(an_input_cannot_be_stored_in_the_body, "E0521", "
let mut kept = None;
let parser: coroutine::Parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
    kept = Some(input" ["" or ".offset()"] ");
    Ok(())
});");

attack!(an_input_cannot_leave_through_a_shared_cell, "E0521", "
let kept = Rc::new(RefCell::new(None));
let parser: coroutine::Parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
    *kept.borrow_mut() = Some(input" ["" or ".offset()"] ");
    Ok(())
});");

attack!(a_nested_body_cannot_leak_its_input, "E0521", "
fn body(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    let mut kept = None;
    input.nested(|input| {
        kept = Some(input" ["" or ".offset()"] ");
        Ok(())
    })
}");

attack!(an_input_cannot_go_to_another_thread, "E0277", "
fn body(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    let mut read = || drop(input.next());
    " ["thread::scope(|scope| drop(scope.spawn(read)));" or "read();"] "
    Ok(())
}");

attack!(an_input_cannot_be_shared_with_another_thread, "E0277", "
fn body(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    let look = || drop(input.offset());
    " ["thread::scope(|scope| drop(scope.spawn(look)));" or "look();"] "
    Ok(())
}");

attack!(an_input_cannot_be_moved_out, "E0507", "
fn body(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    let moved = " ["" or "&mut "] "*input;
    Ok(())
}");

attack!(a_body_cannot_borrow_from_its_maker, "E0373", "
let byte = b'.';
let parser: coroutine::Parser = coroutine::Parser::new(" ["" or "move"] " |input: &mut coroutine::Input<'_>| {
    input.expect(byte)
});");

attack!(a_slice_is_gone_after_another_chunk_is_asked_for, "E0499", "
fn body(input: &mut coroutine::Input<'_>) -> Result<u8, Failure> {
    let slice = input.chunk()?;
    " ["input.chunk()?;" or ""] "
    Ok(slice[0])
}");

attack!(a_slice_is_gone_after_its_bytes_are_taken, "E0499", "
fn body(input: &mut coroutine::Input<'_>) -> Result<u8, Failure> {
    let slice = input.chunk()?;
    " ["input.advance(1);" or ""] "
    Ok(slice[0])
}");

attack!(a_slice_does_not_outlive_the_bound_it_was_read_through, "E0597", "
fn body(input: &mut coroutine::Input<'_>) -> Result<u8, Failure> {
    let slice;
    {
        let mut part = input.frame(4);
        slice = part.take(4)?" ["" or ".to_vec()"] ";
    }
    Ok(slice[0])
}");

attack!(an_input_is_out_of_reach_while_a_part_of_it_is_bounded, "E0499", "
fn body(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    let mut part = input.at_most(4);
    " ["input.next()?;" or ""] "
    part.next()?;
    Ok(())
}");

attack!(a_bound_cannot_be_kept_for_the_next_run, "E0521", "
let mut kept = None;
let parser: coroutine::Parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
    let part = input.at_most(4);
    kept = Some(part" ["" or ".remaining()"] ");
    Ok(())
});");

attack!(two_bounded_inputs_cannot_be_swapped, "E0521", "
fn outer(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    let mut outer = input.at_most(4);
    let outer: &mut coroutine::Input<'_> = &mut outer;
    let parser: coroutine::Parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
        let mut inner = input.at_most(4);
        " ["mem::swap(outer, &mut inner);" or ""] "
        Ok(())
    });
    Ok(())
}");

attack!(the_sink_of_an_inner_parser_must_be_send, "E0277", r#"
fn body(input: &mut coroutine::Input<'_, Quoted>) -> Result<(), Failure> {
    let count = Rc::new(Cell::new(0));
    let seen = AtomicUsize::new(0);
    input.run(&mut Machine::new(), |_, _| "# ["count.set(1)" or "seen.store(1, Relaxed)"] r#")?;
    Ok(())
}"#);

attack!(the_way_to_the_outer_sink_cannot_go_to_another_thread, "E0277", r#"
fn body(input: &mut coroutine::Input<'_, Quoted>) -> Result<(), Failure> {
    input.run(&mut Machine::new(), |event, out| {
        let mut emit = || out.emit(event);
        "# ["thread::scope(|scope| drop(scope.spawn(emit)));" or "emit();"] r#"
    })?;
    Ok(())
}"#);

attack!(the_way_to_the_outer_sink_cannot_be_kept, "E0277", r#"
fn body(input: &mut coroutine::Input<'_, Quoted>) -> Result<(), Failure> {
    let mut kept: Option<&mut coroutine::Emit<'_, Quoted>> = None;
    input.run(&mut Machine::new(), |event, out| "# ["kept = Some(out)" or "out.emit(event)"] r#")?;
    drop(kept);
    Ok(())
}"#);

attack!(an_input_cannot_be_sent, "E0277", "
fn send<T: Send>() {}
send::<" ["coroutine::Input<'static>" or "stackless::Input<'static>"] ">();");

attack!(a_parser_cannot_be_sent_whatever_its_events_and_its_output, "E0277", "
fn send<T: Send>() {}
send::<" ["coroutine::Parser<Quoted, u8>" or "State"] ">();");

attack!(a_parser_cannot_be_moved_into_a_thread, "E0277", "
let mut parser = coroutine::Parser::<(), ()>::new(|input| input.expect(b'a'));
" ["thread::spawn(move || drop(parser.feed(b\"a\")));" or "drop(parser.feed(b\"a\"));"] "
");

attack!(the_reason_why_a_parser_stays_cannot_be_implemented_away, "E0603", "
" ["impl coroutine::thread_bound::LeavesItsThread for u8 {}" or ""] "
");
