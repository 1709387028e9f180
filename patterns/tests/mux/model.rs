//! The core against a model so simple that it can be seen to be right: lists, searched from the front.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use pushdown_patterns::mux::core::{Abandoned, Core, Id, Outcome, Received, Refusal, Take};
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
    Take,
    Receive(u64),
    Abandon(usize),
    Poll(usize),
    Age(u64),
    Drain,
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Call),
        3 => (0..TAGS + 1).prop_map(Step::CallWith),
        1 => Just(Step::Send),
        12 => Just(Step::Take),
        12 => (0..TAGS + 2).prop_map(Step::Receive),
        4 => (0..8_usize).prop_map(Step::Abandon),
        8 => (0..8_usize).prop_map(Step::Poll),
        3 => (1..8_u64).prop_map(Step::Age),
        1 => Just(Step::Drain),
        1 => Just(Step::End),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// With a chosen tag, an assigned one, or none.
    Waiting(Option<u64>, bool),
    InFlight(u64),
    Answered(u32),
    Sent,
}

/// Every call that is not over, and every tag without a caller, in the order in which they came.
#[derive(Default)]
struct Model {
    calls: Vec<(u32, Id, Stage)>,
    gone: Vec<(u64, Instant)>,
    cancels: Vec<u64>,
    draining: bool,
    ended: bool,
}

impl Model {
    fn has(&self, stage: impl Fn(Stage) -> bool) -> usize {
        self.calls.iter().filter(|call| stage(call.2)).count()
    }

    fn in_use(&self, tag: u64) -> bool {
        self.gone.iter().any(|gone| gone.0 == tag)
            || self.has(|stage| match stage {
                Stage::Waiting(chosen, _) => chosen == Some(tag),
                Stage::InFlight(used) => used == tag,
                _ => false,
            }) > 0
    }

    fn waiting(&self) -> usize {
        if self.ended { 0 } else { self.has(|stage| matches!(stage, Stage::Waiting(..))) }
    }

    fn in_flight(&self) -> usize {
        if self.ended { 0 } else { self.has(|stage| matches!(stage, Stage::InFlight(_))) }
    }
}

/// Every message is a number, and so is every reply.
fn run(steps: &[Step]) {
    let options = Options::new()
        .waiting(count(WAITING))
        .in_flight(count(IN_FLIGHT))
        .quarantine(count(QUARANTINE))
        .quarantine_age(AGE)
        .when_full(WhenFull::Wait);
    let mut core = Core::<u64, u32, u32, u32>::new(options, false);
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
            Step::Take if model.ended => {}
            Step::Take => {
                let taken = core.take(|number| (number < TAGS).then_some(number));
                let cancel = model.cancels.first().copied();
                let first = model.calls.iter().position(|c| matches!(c.2, Stage::Waiting(..)));
                match (cancel, first) {
                    (Some(of), _) => {
                        assert_eq!(taken, Take::Cancel { of, tag: None });
                        model.cancels.remove(0);
                    }
                    (None, None) if model.draining && model.in_flight() == 0 => {
                        assert_eq!(taken, Take::Drained);
                    }
                    (None, None) => assert_eq!(taken, Take::Nothing),
                    (None, Some(first)) => {
                        let (message, _, Stage::Waiting(chosen, tagged)) = model.calls[first]
                        else {
                            unreachable!()
                        };
                        let free = chosen.is_some() || (0..TAGS).any(|tag| !model.in_use(tag));
                        let full = model.gone.len() >= QUARANTINE;
                        if tagged && (!free || full || model.in_flight() >= IN_FLIGHT) {
                            assert_eq!(taken, Take::Blocked);
                            continue;
                        }
                        let Take::Send { tag, message: sent, waker } = taken else {
                            panic!("{taken:?}")
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
            Step::Receive(tag) => {
                let received = core.receive(&tag, next);
                let waits = |call: &&mut (u32, Id, Stage)| call.2 == Stage::InFlight(tag);
                let call = model.calls.iter_mut().find(waits).filter(|_| !model.ended);
                let gone = model.gone.iter().position(|gone| gone.0 == tag);
                match (call, gone) {
                    (Some(call), _) => {
                        assert_eq!(received, Received::Answered(Some(call.0)));
                        call.2 = Stage::Answered(next);
                    }
                    (None, Some(gone)) => {
                        assert_eq!(received, Received::Late(next));
                        model.gone.remove(gone);
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
                    model.gone.push((tag, now));
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
                assert_eq!(core.poll(&id), expected);
                if expected.is_some() {
                    model.calls.remove(which);
                    assert_eq!(core.poll(&id), None);
                }
            }
            Step::Abandon(_) | Step::Poll(_) => {}
            Step::Age(seconds) => {
                now += Duration::from_secs(seconds);
                core.expire(now);
                let cancels = &mut model.cancels;
                model.gone.retain(|(tag, since)| {
                    let stays = *since + AGE > now;
                    cancels.retain(|cancelled| stays || cancelled != tag);
                    stays
                });
                assert_eq!(core.expiry(), model.gone.first().map(|gone| gone.1 + AGE));
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
                let mut woken = core.end();
                woken.sort_unstable();
                expected.sort_unstable();
                assert_eq!(woken, expected, "everybody is woken, and once");
                model.ended = true;
                model.gone.clear();
                model.cancels.clear();
            }
        }
        let counts = core.counts();
        let expected = (model.waiting(), model.in_flight(), model.gone.len());
        assert_eq!((counts.waiting, counts.in_flight, counts.quarantined), expected, "{step:?}");
        assert_eq!(counts.unclaimed, model.calls.len() - expected.0 - expected.1);
        let chosen = model.has(|stage| matches!(stage, Stage::Waiting(Some(_), _)));
        let in_use = if model.ended { 0 } else { expected.1 + expected.2 + chosen };
        assert_eq!(core.tags_in_use(), in_use, "{step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_core_does_what_the_model_does(steps in prop::collection::vec(step(), 1..200)) {
        run(&steps);
    }
}

#[test]
fn all_other_tags_are_used_before_one_is_used_again() {
    let mut core = Core::<u64, u32, u32, ()>::new(Options::new(), false);
    for round in 0..30 {
        let id = core.call(None, round).unwrap();
        let taken = core.take(|number| (number < 10).then_some(number));
        let Take::Send { tag: Some(tag), .. } = taken else { panic!("{taken:?}") };
        assert_eq!(tag, u64::from(round % 10));
        core.receive(&tag, round);
        assert_eq!(core.poll(&id), Some(Outcome::Reply(round)));
    }
}
