//! Replies as no server should send them, with a tag space of two: never a wrong answer.
//!
//! What is sent twice is sent before the tag has a new caller. After that nothing in a protocol with
//! nothing but tags tells the second reply to the old call from the first to the new one, which is why
//! all other tags are used first.

use std::collections::HashSet;
use std::time::Instant;

use pushdown_patterns::mux::Options;
use pushdown_patterns::mux::core::{Core, Id, Outcome, Received, Take};

use crate::wire::{Toy, ask, connect};
use crate::{poll_times, settle};

/// A generator of numbers that look random: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % bound
    }
}

#[test]
fn a_million_replies_duplicate_late_and_unknown_are_never_wrong() {
    const REPLIES: u64 = 1_000_000;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut core = Core::<u64, u64, u64, ()>::new(Options::new(), false);
    let now = Instant::now();
    let mut calls: Vec<(u64, Id)> = Vec::new();
    // What the server has been asked under each of the two tags, and has not answered.
    let mut asked = [None; 2];
    let (mut right, mut late, mut unexpected, mut next) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut replies = 0;
    while replies < REPLIES {
        match random.below(8) {
            0 | 1 if calls.len() < 6 => {
                next += 1;
                calls.push((next, core.call(None, next).unwrap()));
            }
            2 if !calls.is_empty() => {
                let (_, id) = calls.swap_remove(random.below(calls.len() as u64) as usize);
                core.abandon(&id, now);
            }
            3 | 4 => {
                let taken = core.take(|number| (number < 2).then_some(number));
                if let Take::Send { tag: Some(tag), message, .. } = taken {
                    let old = asked[tag as usize].replace(message);
                    assert_eq!(old, None, "the tag was still in use");
                }
            }
            _ => {
                replies += 1;
                let tag = random.below(3);
                let question = asked.get_mut(tag as usize).and_then(Option::take);
                // To what was asked, or else a duplicate or an unknown one: a wrong answer.
                match core.receive(&tag, question.unwrap_or(u64::MAX)) {
                    Received::Answered(_) => assert!(question.is_some(), "a wrong answer"),
                    Received::Late(_) => {
                        assert!(question.is_some(), "taken for a late one");
                        late += 1;
                    }
                    Received::Unexpected(_) => {
                        assert!(question.is_none(), "a reply is lost");
                        unexpected += 1;
                    }
                }
            }
        }
        calls.retain(|(message, id)| match core.poll(id) {
            None => true,
            Some(outcome) => {
                assert_eq!(outcome, Outcome::Reply(*message), "a wrong answer");
                right += 1;
                false
            }
        });
    }
    assert!(right > REPLIES / 10 && late > REPLIES / 50 && unexpected > REPLIES / 10);
    println!("{replies} replies: {right} right, {late} late, {unexpected} duplicate or unknown");
}

/// The same through a connection, whose server answers each round of calls in its own way.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_sent_any_replies_stays_and_gives_no_wrong_answer() {
    const ROUNDS: usize = 5_000;
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mux, _unsolicited, peer) = connect(Toy::<2>, &Options::new());
    let (mut late, mut right) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let mut gone = HashSet::new();
        // As many calls as there are tags without a late reply to come.
        let calls: Vec<_> = (late.len()..2)
            .map(|call| {
                let (mux, text) = (mux.clone(), format!("{round} {call}"));
                let dropped = random.below(4) == 0;
                if dropped {
                    gone.insert(text.clone());
                }
                tokio::spawn(async move {
                    let call = mux.call(ask(text.clone()));
                    if dropped {
                        assert!(poll_times(1, call).await.is_none());
                        return false;
                    }
                    assert_eq!(call.await.unwrap().text, text);
                    true
                })
            })
            .collect();
        let mut asked = peer.sent().await;
        settle().await;
        while !asked.is_empty() || random.below(2) == 0 {
            match random.below(4) {
                0 => peer.reply(2 + random.below(9), "unknown"),
                // The reply to a dropped call, in a later round.
                1 if asked.first().is_some_and(|question| gone.contains(&question.text)) => {
                    late.push(asked.remove(0));
                }
                _ if !asked.is_empty() => {
                    let place = random.below(asked.len() as u64) as usize;
                    let question = asked.swap_remove(place);
                    peer.reply(question.tag, question.text);
                    (0..random.below(3)).for_each(|_| peer.reply(question.tag, "again"));
                }
                _ => {}
            }
        }
        for call in calls {
            right += usize::from(call.await.unwrap());
        }
        settle().await;
        for question in late.extract_if(.., |_| random.below(2) == 0) {
            peer.reply(question.tag, question.text);
        }
        settle().await;
    }
    println!("{right} right answers in {ROUNDS} rounds, {:?}", mux.counts());
    assert!(right > ROUNDS / 2 && mux.counts().late > 1000 && mux.counts().unexpected > 1000);
}
