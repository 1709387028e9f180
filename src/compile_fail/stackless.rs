//! Attacks by bodies of `stackless` and `generator`, in the order of those by bodies of `coroutine`.

attack!(a_slice_is_gone_after_the_next_read, "E0499", "
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4).await?;
    " ["input.next().await?;" or ""] "
    Ok(slice[0])
}");

attack!(a_slice_is_gone_when_a_read_is_created, "E0499", "
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4).await?;
    let read = " ["input.next()" or "ready(())"] ";
    Ok(slice[0])
}");

attack!(a_slice_is_gone_after_a_failure_moves_the_cursor_back, "E0499", "
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4).await?;
    let _ = " ["input.fail(ErrorKind::TooLong)" or "ErrorKind::TooLong"] ";
    Ok(slice[0])
}");

attack!(two_reads_cannot_be_pending_at_once, "E0499", "
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let first = input.next();
    let second = " ["input.next()" or "ready(Ok::<u8, End>(0))"] ";
    Ok(first.await? + second.await?)
}");

attack!(a_read_is_refused_while_a_scoped_thread_has_a_slice, "E0500", "
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4).await?;
    thread::scope(|scope| {
        let reader = scope.spawn(|| slice[0]);
        " ["drop(input.next());" or ""] "
        Ok(reader.join().unwrap())
    })
}");

attack!(a_slice_cannot_go_to_another_thread, "E0521", "
async fn body(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    let slice = input.take(4).await?;
    let sent = slice" ["" or ".to_vec()"] ";
    thread::spawn(move || sent[0]);
    Ok(())
}");

attack!(a_scan_cannot_leak_its_text, "E0521", r#"
async fn body(input: &mut stackless::Input<'_>) -> Result<usize, Failure> {
    let mut kept: &[u8] = b"";
    input.scan_until(b'.', |text| kept = "# ["text" or "b\"text\""] r#").await?;
    Ok(kept.len())
}"#);

attack!(a_slice_cannot_be_an_output, "E0308", "
async fn body<'i>(input: &'i mut stackless::Input<'_>) -> Result<" ["&'i [u8]" or "Vec<u8>"] ", Failure> {
    Ok(input.take(4).await?.into())
}
let parser = stackless::Parser::new(body);");

attack!(a_slice_cannot_be_stored_in_the_body, "E0521", r#"
let mut kept: &[u8] = b"";
let parser = stackless::Parser::new(async move |input: &mut stackless::Input<'_>| {
    let slice = input.take(4).await?;
    kept = "# ["slice" or "b\"slice\""] r#";
    Ok::<_, Failure>(())
});"#);

attack!(an_input_cannot_be_swapped_with_that_of_an_outer_body, "E0521", "
async fn outer(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    let outer = input;
    let task = pin!(stackless::Task::new(async |input: &mut stackless::Input<'_>| {
        mem::swap(" ["outer, input" or "&mut outer.offset(), &mut input.offset()"] ");
        Ok::<_, Failure>(())
    }));
    Ok(())
}");

attack!(two_inputs_never_have_one_type, "E0621", "
fn swap<'p>(a: &mut stackless::Input<'" ["_" or "p"] ">, b: &mut stackless::Input<'p>) {
    mem::swap(a, b);
}");

attack!(a_body_cannot_choose_the_lifetime_of_its_input, "", "
async fn body(input: &mut stackless::Input<'" ["static" or "_"] ">) -> Result<(), Failure> {
    input.expect(b'.').await
}
let parser = stackless::Parser::new(body);");

attack!(an_input_cannot_be_stored_in_the_body, "E0521", "
let mut kept = None;
let parser = stackless::Parser::new(async move |input: &mut stackless::Input<'_>| {
    kept = Some(input" ["" or ".offset()"] ");
    Ok::<_, Failure>(())
});");

attack!(an_input_cannot_leave_through_an_outer_option, "E0521", "
let mut kept = None;
let parser = stackless::Parser::new(async |input: &mut stackless::Input<'_>| {
    kept = Some(input" ["" or ".offset()"] ");
    Ok::<_, Failure>(())
});");

attack!(an_input_cannot_leave_through_a_shared_cell, "E0521", "
let kept = Rc::new(RefCell::new(None));
let parser = stackless::Parser::new(async |input: &mut stackless::Input<'_>| {
    *kept.borrow_mut() = Some(input" ["" or ".offset()"] ");
    Ok::<_, Failure>(())
});");

attack!(a_read_cannot_leave_its_body, "E0521", "
let mut kept = None;
let parser = stackless::Parser::new(async |input: &mut stackless::Input<'_>| {
    kept = Some(" ["input.next()" or "input.next().await?"] ");
    Ok::<_, Failure>(())
});");

attack!(an_input_cannot_be_moved_out, "E0507", "
async fn body(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    let moved = " ["" or "&mut "] "*input;
    Ok(())
}");

attack!(a_body_cannot_outlive_what_it_borrows, "E0597", "
let parser;
let byte = b'.';
{
    let " ["byte" or "other"] " = b',';
    parser = stackless::Parser::new(async |input: &mut stackless::Input<'_>| input.expect(byte).await);
}
drop(parser);");

attack!(a_body_of_a_generator_cannot_borrow_from_its_maker, "E0597", "
let byte = b'.';
let body = async " ["" or "move "] "|input: &mut generator::Input<'_>| input.expect(byte).await;
let parser = generator::Parser::new(body);");

attack!(a_pinned_task_cannot_be_reached_to_be_swapped, "E0277", "
async fn body(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    input.expect(b'.').await
}
let mut task = pin!(stackless::Task::new(body));
let reached = " ["Pin::get_mut" or "Pin::into_ref"] "(task);");

attack!(a_pinned_task_cannot_be_moved_out, "E0507", "
async fn body(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    input.expect(b'.').await
}
let task = pin!(stackless::Task::new(body));
let moved = " ["" or "&"] "*task;");

attack!(a_parser_whose_body_keeps_what_is_not_send_cannot_change_its_thread, "", "
fn send<T: Send>(_: T) {}
send(stackless::Parser::new(async |input: &mut stackless::Input<'_>| {
    let kept = " ["Rc" or "Box"] "::new(1);
    input.next().await?;
    Ok::<_, Failure>(*kept)
}));");

attack!(a_parser_whose_body_is_not_send_cannot_change_its_thread, "E0277", "
fn send<T: Send>(_: T) {}
let kept = " ["Rc" or "Box"] "::new(b'.');
send(stackless::Parser::new(async move |input: &mut stackless::Input<'_>| input.expect(*kept).await));");

attack!(a_parser_that_is_not_send_cannot_be_erased, "", "
let parser = stackless::Parser::new(async |input: &mut stackless::Input<'_>| {
    let kept = " ["Rc" or "Box"] "::new(1);
    input.next().await?;
    Ok::<_, Failure>(*kept)
});
parser.erase();");

attack!(a_chunk_is_gone_when_bytes_of_it_are_taken, "E0499", "
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let chunk = input.chunk().await?;
    " ["input.advance(1);" or ""] "
    Ok(chunk[0])
}");

attack!(an_input_is_not_read_while_a_frame_of_it_is, "E0499", "
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let mut frame = input.frame(3);
    " ["input" or "frame"] ".next().await?;
    Ok(frame.next().await?)
}");

attack!(a_slice_is_gone_when_its_frame_is, "E0597", "
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let slice;
    {
        let mut frame = input.frame(3);
        slice = frame.take(2).await?" ["" or ".to_vec()"] ";
    }
    Ok(slice[0])
}");

attack!(two_calls_cannot_be_made_at_once, "E0499", "
async fn leaf(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    Ok(input.next().await?)
}
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let first = input.nested(leaf);
    let second = " ["input.nested(leaf)" or "ready(Ok::<u8, Failure>(0))"] ";
    Ok(first.await? + second.await?)
}");

attack!(an_input_is_not_read_beside_a_call, "E0499", "
async fn leaf(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    Ok(input.next().await?)
}
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let call = input.nested(leaf);
    " ["input.next().await?;" or ""] "
    call.await
}");

attack!(a_slice_is_gone_when_a_call_is_made, "E0499", "
async fn leaf(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    Ok(input.next().await?)
}
async fn body(input: &mut stackless::Input<'_>) -> Result<u8, Failure> {
    let slice = input.take(4).await?;
    " ["input.nested(leaf).await?;" or ""] "
    Ok(slice[0])
}");

attack!(an_input_that_a_call_has_kept_is_not_read_beside_it, "E0499", "
async fn body(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    let mut kept = None;
    input.nested(|input| {
        kept = Some(input);
        ready(Ok::<(), Failure>(()))
    }).await?;
    " ["input.next().await?;" or ""] "
    drop(kept);
    Ok(())
}");

attack!(a_call_cannot_outlive_what_it_borrows, "E0597", "
async fn leaf(input: &mut stackless::Input<'_>, text: &str) -> Result<usize, Failure> {
    input.next().await?;
    Ok(text.len())
}
async fn body(input: &mut stackless::Input<'_>) -> Result<usize, Failure> {
    let call;
    {
        let text = String::new();
        let text = " ["&*text" or "\"text\""] ";
        call = input.nested(move |input| leaf(input, text));
    }
    call.await
}");

attack!(a_call_that_keeps_what_is_not_send_makes_no_parser_that_is, "", "
fn send<T: Send>(_: T) {}
async fn leaf(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    let kept = " ["Rc" or "std::sync::Arc"] "::new(());
    input.next().await?;
    drop(kept);
    Ok(())
}
send(stackless::Parser::new(async |input: &mut stackless::Input<'_>| input.nested(leaf).await));");
