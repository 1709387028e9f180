//! The sans-IO core against a naive model: lists that are searched from the front.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use pushdown_patterns::mux::proto::{Abandoned, Core, Id, Outcome, Received, Refusal, Transmit};
use pushdown_patterns::mux::{Options, WhenFull};

use crate::count;

const TAGS: u64 = 3;
const WAITING: usize = 4;
const IN_FLIGHT: usize = 3;
const QUARANTINE: usize = 2;
const AGE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
enum Step {
    Call,
    CallWith(u64),
    Send,
    Transmit,
    Reply(u64),
    Abandon(usize),
    Poll(usize),
    Timeout(u64),
    Drain,
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Call),
        3 => (0..TAGS + 1).prop_map(Step::CallWith),
        1 => Just(Step::Send),
        12 => Just(Step::Transmit),
        12 => (0..TAGS + 2).prop_map(Step::Reply),
        4 => (0..8_usize).prop_map(Step::Abandon),
        8 => (0..8_usize).prop_map(Step::Poll),
        3 => (1..8_u64).prop_map(Step::Timeout),
        1 => Just(Step::Drain),
        1 => Just(Step::End),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// The chosen tag, and whether the call has a tag at all.
    Waiting(Option<u64>, bool),
    InFlight(u64),
    Answered(u32),
    Sent,
}

/// Every call that is not over, and every tag in quarantine, in the order in which they came.
#[derive(Default)]
struct Model {
    calls: Vec<(u32, Id, Stage)>,
    quarantine: Vec<(u64, Instant)>,
    cancels: Vec<u64>,
    draining: bool,
    ended: bool,
}

impl Model {
    fn count(&self, stage: impl Fn(Stage) -> bool) -> usize {
        self.calls.iter().filter(|call| stage(call.2)).count()
    }

    fn in_use(&self, tag: u64) -> bool {
        self.quarantine.iter().any(|entry| entry.0 == tag)
            || self.count(|stage| match stage {
                Stage::Waiting(chosen, _) => chosen == Some(tag),
                Stage::InFlight(used) => used == tag,
                _ => false,
            }) > 0
    }

    fn waiting(&self) -> usize {
        if self.ended { 0 } else { self.count(|stage| matches!(stage, Stage::Waiting(..))) }
    }

    fn in_flight(&self) -> usize {
        if self.ended { 0 } else { self.count(|stage| matches!(stage, Stage::InFlight(_))) }
    }
}

/// Runs the steps on both. Messages, replies and wakers are numbers.
fn run(steps: &[Step]) {
    let options = Options::new()
        .waiting(count(WAITING))
        .in_flight(count(IN_FLIGHT))
        .quarantine(count(QUARANTINE))
        .quarantine_age(AGE)
        .when_full(WhenFull::Wait);
    let mut core = Core::<u64, u32, u32, Option<u32>>::new(options, false);
    let mut model = Model::default();
    let mut now = Instant::now();
    let mut next = 0;
    for step in steps {
        next += 1;
        match *step {
            Step::Call | Step::CallWith(_) | Step::Send => {
                let (chosen, tagged) = match *step {
                    Step::CallWith(tag) => (Some(tag), true),
                    Step::Call => (None, true),
                    _ => (None, false),
                };
                let result = if tagged { core.call(chosen, next) } else { core.send(next) };
                let refusal = if chosen.is_some_and(|tag| !model.ended && model.in_use(tag)) {
                    Some(Refusal::DuplicateTag)
                } else if model.draining || model.ended {
                    Some(Refusal::Closed)
                } else {
                    (model.waiting() >= WAITING).then_some(Refusal::Full)
                };
                match result {
                    Ok(id) => {
                        assert_eq!(refusal, None);
                        *core.waker(&id) = Some(next);
                        model.calls.push((next, id, Stage::Waiting(chosen, tagged)));
                    }
                    Err(refused) => {
                        assert_eq!((refused.message, Some(refused.why)), (next, refusal));
                    }
                }
            }
            Step::Transmit if model.ended => {}
            Step::Transmit => {
                let transmit = core.poll_transmit(|number| (number < TAGS).then_some(number));
                let cancel = model.cancels.first().copied();
                let first = model.calls.iter().position(|c| matches!(c.2, Stage::Waiting(..)));
                match (cancel, first) {
                    (Some(of), _) => {
                        assert_eq!(transmit, Transmit::Cancel { of, tag: None });
                        model.cancels.remove(0);
                    }
                    (None, None) if model.draining && model.in_flight() == 0 => {
                        assert_eq!(transmit, Transmit::Drained);
                    }
                    (None, None) => assert_eq!(transmit, Transmit::Nothing),
                    (None, Some(first)) => {
                        let (message, _, Stage::Waiting(chosen, tagged)) = model.calls[first]
                        else {
                            unreachable!()
                        };
                        let free = chosen.is_some() || (0..TAGS).any(|tag| !model.in_use(tag));
                        let full = model.quarantine.len() >= QUARANTINE;
                        if tagged && (!free || full || model.in_flight() >= IN_FLIGHT) {
                            assert_eq!(transmit, Transmit::Blocked);
                            continue;
                        }
                        let Transmit::Send { tag, message: sent, waker } = transmit else {
                            panic!("{transmit:?}")
                        };
                        assert_eq!((sent, waker), (message, (!tagged).then_some(message)));
                        model.calls[first].2 = match tag {
                            None => Stage::Sent,
                            Some(tag) => {
                                if chosen.is_some() {
                                    assert_eq!(chosen, Some(tag));
                                } else {
                                    assert!(tag < TAGS && !model.in_use(tag), "{tag} is in use");
                                }
                                Stage::InFlight(tag)
                            }
                        };
                    }
                }
            }
            Step::Reply(tag) => {
                let received = core.handle_reply(&tag, next);
                let waits = |call: &&mut (u32, Id, Stage)| call.2 == Stage::InFlight(tag);
                let call = model.calls.iter_mut().find(waits).filter(|_| !model.ended);
                let entry = model.quarantine.iter().position(|entry| entry.0 == tag);
                match (call, entry) {
                    (Some(call), _) => {
                        assert_eq!(received, Received::Answered(Some(call.0)));
                        call.2 = Stage::Answered(next);
                    }
                    (None, Some(entry)) => {
                        assert_eq!(received, Received::Late(next));
                        model.quarantine.remove(entry);
                        model.cancels.retain(|cancelled| *cancelled != tag);
                    }
                    (None, None) => assert_eq!(received, Received::Unexpected(next)),
                }
            }
            Step::Abandon(which) if which < model.calls.len() => {
                let (message, id, stage) = model.calls.remove(which);
                let (abandoned, _) = core.abandon(&id, now).unwrap();
                assert_eq!(
                    abandoned,
                    match stage {
                        Stage::Waiting(..) => Abandoned::Waiting(message),
                        Stage::InFlight(_) => Abandoned::InFlight,
                        Stage::Answered(reply) => Abandoned::Answered(reply),
                        Stage::Sent => Abandoned::Sent,
                    }
                );
                assert_eq!(core.abandon(&id, now), None);
                if let Stage::InFlight(tag) = stage
                    && !model.ended
                {
                    model.quarantine.push((tag, now));
                    model.cancels.push(tag);
                }
            }
            Step::Poll(which) if which < model.calls.len() => {
                let (message, id, stage) = model.calls[which].clone();
                let expected = match stage {
                    Stage::Answered(reply) => Some(Outcome::Reply(reply)),
                    Stage::Sent => Some(Outcome::Sent),
                    Stage::Waiting(..) if model.ended => Some(Outcome::Ended(Some(message))),
                    Stage::InFlight(_) if model.ended => Some(Outcome::Ended(None)),
                    _ => None,
                };
                assert_eq!(core.poll_call(&id), expected);
                if expected.is_some() {
                    model.calls.remove(which);
                    assert_eq!(core.poll_call(&id), None);
                }
            }
            Step::Abandon(_) | Step::Poll(_) => {}
            Step::Timeout(seconds) => {
                now += Duration::from_secs(seconds);
                core.handle_timeout(now);
                let cancels = &mut model.cancels;
                model.quarantine.retain(|(tag, since)| {
                    let stays = *since + AGE > now;
                    cancels.retain(|cancelled| stays || cancelled != tag);
                    stays
                });
                let oldest = model.quarantine.first();
                assert_eq!(core.poll_timeout(), oldest.map(|entry| entry.1 + AGE));
            }
            Step::Drain => {
                core.drain();
                model.draining = true;
            }
            Step::End => {
                let unfinished = |call: &&(u32, Id, Stage)| {
                    matches!(call.2, Stage::Waiting(..) | Stage::InFlight(_)) && !model.ended
                };
                let mut expected: Vec<u32> =
                    model.calls.iter().filter(unfinished).map(|call| call.0).collect();
                let mut woken: Vec<u32> = core.end().into_iter().flatten().collect();
                woken.sort_unstable();
                expected.sort_unstable();
                assert_eq!(woken, expected, "each caller is woken once");
                model.ended = true;
                model.quarantine.clear();
                model.cancels.clear();
            }
        }
        let counts = core.counts();
        let expected = (model.waiting(), model.in_flight(), model.quarantine.len());
        assert_eq!((counts.waiting, counts.in_flight, counts.quarantined), expected, "{step:?}");
        assert_eq!(counts.unclaimed, model.calls.len() - expected.0 - expected.1);
        let chosen = model.count(|stage| matches!(stage, Stage::Waiting(Some(_), _)));
        let in_use = if model.ended { 0 } else { expected.1 + expected.2 + chosen };
        assert_eq!(core.tags_in_use(), in_use, "{step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_core_and_the_model_agree_at_every_step(steps in prop::collection::vec(step(), 1..200)) {
        run(&steps);
    }
}

#[test]
fn all_other_tags_are_used_before_one_is_used_again() {
    let mut core = Core::<u64, u32, u32, ()>::new(Options::new(), false);
    for round in 0..30 {
        let id = core.call(None, round).unwrap();
        let transmit = core.poll_transmit(|number| (number < 10).then_some(number));
        let Transmit::Send { tag: Some(tag), .. } = transmit else { panic!("{transmit:?}") };
        assert_eq!(tag, u64::from(round % 10));
        core.handle_reply(&tag, round);
        assert_eq!(core.poll_call(&id), Some(Outcome::Reply(round)));
    }
}
