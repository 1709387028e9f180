//! The channel for threads: every value sent is received once, and no thread waits forever.

use std::num::NonZeroUsize;

use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::channel;

use crate::{finds, holds, thread};

/// Two senders send three values into a channel with room for one.
fn two_senders_and_a_receiver() {
    let (sender, receiver) = channel(NonZeroUsize::MIN);
    let other = sender.clone();
    let other = thread::spawn(move || other.send(1).unwrap());
    let sending = thread::spawn(move || (2..4).for_each(|value| sender.send(value).unwrap()));
    assert_eq!(receiver.iter().sum::<i32>(), 6);
    other.join().unwrap();
    sending.join().unwrap();
}

#[test]
fn every_value_is_received_once() {
    holds("two senders and a receiver", two_senders_and_a_receiver);
}

#[test]
fn a_turn_that_is_not_passed_on_is_found() {
    finds(Bug::TurnIsLost, two_senders_and_a_receiver);
}
