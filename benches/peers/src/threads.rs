use std::sync::mpsc::sync_channel;
use std::thread;

use crate::resumed::{Resumed, read_strings};
use crate::{Recogniser, Status};

/// The lecture's own form: a thread that reads, and two channels without buffers that carry the
/// characters in and the answers out. The thread ends when the channels are dropped.
pub fn threads() -> impl Recogniser {
    let (send_char, next_char) = sync_channel(0);
    let (send_answer, answers) = sync_channel(0);
    thread::spawn(move || {
        read_strings(|answer| {
            send_answer.send(answer).ok()?;
            next_char.recv().ok()
        })
    });
    let receive =
        move || answers.recv().expect("the thread answers until the channels are dropped");
    // As in the lecture's `Init`: the thread asks for the first character.
    let _: Status = receive();
    Resumed(move |c| {
        send_char.send(c).expect("the thread waits for a character");
        receive()
    })
}
