//! Replies that no server should send, with two tags: no caller gets a wrong answer.
//!
//! A duplicate is sent before its tag has a new caller. Later it could not be told from the first reply
//! to the new call by its tag, which is why all other tags are used first.

use std::collections::HashSet;
use std::time::Instant;

use pushdown_patterns::mux::proto::{Core, Id, Outcome, Received, Transmit};
use pushdown_patterns::mux::{CallOptions, Options};

use crate::random::Random;
use crate::wire::{Toy, ask, connect};
use crate::{poll_times, settle};

#[test]
fn a_million_late_duplicate_and_unknown_replies_give_no_wrong_answer() {
    const REPLIES: u64 = 1_000_000;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut core = Core::<u64, u64, u64, ()>::new(Options::new(), false);
    let now = Instant::now();
    let mut calls: Vec<(u64, Id)> = Vec::new();
    // The unanswered request of each of the two tags, as the server sees it.
    let mut asked = [None; 2];
    let (mut right, mut late, mut unexpected, mut next) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut replies = 0;
    while replies < REPLIES {
        match random.below(8) {
            0 | 1 if calls.len() < 6 => {
                next += 1;
                calls.push((next, core.call(CallOptions::new(), next, || now).unwrap()));
            }
            2 if !calls.is_empty() => {
                let (_, id) = calls.swap_remove(random.below(calls.len() as u64) as usize);
                core.abandon(&id, || now);
            }
            3 | 4 => {
                let transmit = core.poll_transmit(|number| (number < 2).then_some(number), || now);
                if let Transmit::Send { tag: Some(tag), message, .. } = transmit {
                    let old = asked[tag as usize].replace(message);
                    assert_eq!(old, None, "the tag was still in use");
                }
            }
            _ => {
                replies += 1;
                let tag = random.below(3);
                let question = asked.get_mut(tag as usize).and_then(Option::take);
                // The right reply if there was a question, otherwise a duplicate or unknown one.
                match core.handle_reply(&tag, question.unwrap_or(u64::MAX), || now) {
                    Received::Answered(_) => assert!(question.is_some(), "a wrong answer"),
                    Received::Late(_) => {
                        assert!(question.is_some(), "a duplicate counts as late");
                        late += 1;
                    }
                    Received::Own(_) => unreachable!("there are no cancels"),
                    Received::Unexpected(_) => {
                        assert!(question.is_none(), "a reply is lost");
                        unexpected += 1;
                    }
                }
            }
        }
        calls.retain(|(message, id)| match core.poll_call(id) {
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

/// The same over a connection whose peer answers each round of calls at random.
#[tokio::test(start_paused = true)]
async fn a_connection_survives_any_replies_and_gives_no_wrong_answer() {
    const ROUNDS: usize = 5_000;
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mux, _unsolicited, peer) = connect(Toy::<2>, Options::new());
    let (mut late, mut right) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let mut dropped_texts = HashSet::new();
        // As many calls as there are tags without a late reply still to come.
        let calls: Vec<_> = (late.len()..2)
            .map(|call| {
                let (mux, text) = (mux.clone(), format!("{round} {call}"));
                let dropped = random.below(4) == 0;
                if dropped {
                    dropped_texts.insert(text.clone());
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
                // The reply to a dropped call waits for a later round.
                1 if asked.first().is_some_and(|first| dropped_texts.contains(&first.text)) => {
                    late.push(asked.remove(0));
                }
                _ if !asked.is_empty() => {
                    let index = random.below(asked.len() as u64) as usize;
                    let question = asked.swap_remove(index);
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
