//! The sans-IO core against a naive model: lists that are searched from the front.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use pushdown_patterns::mux::proto::{Abandoned, Core, Id, Outcome, Received, Refusal, Transmit};
use pushdown_patterns::mux::{CallOptions, Options, WhenFull};

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
    CallWithoutCancel,
    Send,
    Answer,
    Transmit,
    Reply(u64),
    Abandon(usize),
    Poll(usize),
    Undo(bool),
    Advance(u64),
    Timeout,
    Drain,
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Call),
        3 => (0..TAGS + 1).prop_map(Step::CallWith),
        1 => Just(Step::CallWithoutCancel),
        1 => Just(Step::Send),
        1 => Just(Step::Answer),
        12 => Just(Step::Transmit),
        12 => (0..TAGS + 2).prop_map(Step::Reply),
        4 => (0..8_usize).prop_map(Step::Abandon),
        8 => (0..8_usize).prop_map(Step::Poll),
        1 => any::<bool>().prop_map(Step::Undo),
        3 => (1..8_u64).prop_map(Step::Advance),
        1 => Just(Step::Timeout),
        1 => Just(Step::Drain),
        1 => Just(Step::End),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// The chosen tag, if the call has one.
    Waiting(Waiting),
    /// The tag, and whether the peer is told if the call is dropped.
    InFlight(u64, bool),
    Answered(u32),
    Sent,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Waiting {
    Chosen(u64),
    Assigned { cancel: bool },
    Send,
    Answer,
}

/// Every call that is not over, and every tag in quarantine, in the order in which they came.
#[derive(Default)]
struct Model {
    calls: Vec<(u32, Id, Stage)>,
    quarantine: Vec<(u64, Instant)>,
    cancels: Vec<u64>,
    /// Messages to send that undo late replies, with a tag or without, and tags of those in flight.
    undo: Vec<(u32, bool)>,
    undoing: Vec<u64>,
    draining: bool,
    drained: bool,
    ended: bool,
}

impl Model {
    fn count(&self, stage: impl Fn(Stage) -> bool) -> usize {
        self.calls.iter().filter(|call| stage(call.2)).count()
    }

    fn in_use(&self, tag: u64) -> bool {
        self.quarantine.iter().any(|entry| entry.0 == tag)
            || self.undoing.contains(&tag)
            || self.count(|stage| match stage {
                Stage::Waiting(Waiting::Chosen(chosen)) => chosen == tag,
                Stage::InFlight(used, _) => used == tag,
                _ => false,
            }) > 0
    }

    fn waiting(&self) -> usize {
        if self.ended { 0 } else { self.count(|stage| matches!(stage, Stage::Waiting(_))) }
    }

    fn in_flight(&self) -> usize {
        if self.ended { 0 } else { self.count(|stage| matches!(stage, Stage::InFlight(..))) }
    }

    /// Forgets what has come of age.
    fn expire(&mut self, now: Instant) {
        while self.quarantine.first().is_some_and(|(_, since)| *since + AGE <= now) {
            self.forget();
        }
    }

    /// Forgets the oldest tag in quarantine.
    fn forget(&mut self) {
        let (tag, _) = self.quarantine.remove(0);
        self.cancels.retain(|cancelled| *cancelled != tag);
    }
}

/// Runs the steps on both. Messages, replies and wakers are numbers.
fn run(steps: &[Step], when_full: WhenFull) {
    let options = Options::new()
        .waiting(count(WAITING))
        .in_flight(count(IN_FLIGHT))
        .quarantine(count(QUARANTINE))
        .quarantine_age(AGE)
        .when_full(when_full);
    let mut core = Core::<u64, u32, u32, Option<u32>>::new(options, false);
    let mut model = Model::default();
    let mut now = Instant::now();
    let mut next = 0;
    for step in steps {
        next += 1;
        match *step {
            Step::Call
            | Step::CallWith(_)
            | Step::CallWithoutCancel
            | Step::Send
            | Step::Answer => {
                let (result, waiting) = match *step {
                    Step::Send => (core.send(next), Waiting::Send),
                    Step::Answer => (core.answer(next), Waiting::Answer),
                    _ => {
                        let (options, waiting) = match *step {
                            Step::CallWith(tag) => {
                                (CallOptions::new().tag(tag), Waiting::Chosen(tag))
                            }
                            Step::CallWithoutCancel => (
                                CallOptions::new().cancel(false),
                                Waiting::Assigned { cancel: false },
                            ),
                            _ => (CallOptions::new(), Waiting::Assigned { cancel: true }),
                        };
                        model.expire(now);
                        (core.call(options, next, || now), waiting)
                    }
                };
                let answer = waiting == Waiting::Answer;
                let in_queue = model.count(|stage| match stage {
                    Stage::Waiting(other) => (other == Waiting::Answer) == answer,
                    _ => false,
                });
                let duplicate = match waiting {
                    Waiting::Chosen(tag) => !model.ended && model.in_use(tag),
                    _ => false,
                };
                let closed = model.ended || model.drained || (model.draining && !answer);
                let refusal = if duplicate {
                    Some(Refusal::DuplicateTag)
                } else if closed {
                    Some(Refusal::Closed)
                } else {
                    (in_queue >= WAITING).then_some(Refusal::Full)
                };
                match result {
                    Ok(id) => {
                        assert_eq!(refusal, None);
                        *core.waker(&id) = Some(next);
                        model.calls.push((next, id, Stage::Waiting(waiting)));
                    }
                    Err(refused) => {
                        assert_eq!((refused.message, Some(refused.why)), (next, refusal));
                    }
                }
            }
            Step::Undo(has_reply) => {
                let expected = if model.ended || model.drained { Err(next) } else { Ok(()) };
                assert_eq!(core.undo(next, has_reply), expected);
                if expected.is_ok() {
                    model.undo.push((next, has_reply));
                }
            }
            Step::Transmit if model.ended => {}
            Step::Transmit => {
                let transmit =
                    core.poll_transmit(|number| (number < TAGS).then_some(number), || now);
                model.expire(now);
                let first = |answer| {
                    model.calls.iter().position(|call| match call.2 {
                        Stage::Waiting(waiting) => (waiting == Waiting::Answer) == answer,
                        _ => false,
                    })
                };
                let is_free = (0..TAGS).any(|tag| !model.in_use(tag));
                let has_room = model.in_flight() + model.undoing.len() < IN_FLIGHT;
                let full = when_full == WhenFull::Wait && model.quarantine.len() >= QUARANTINE;
                if let Some(answer) = first(true) {
                    let message = model.calls[answer].0;
                    assert_eq!(
                        transmit,
                        Transmit::Send { tag: None, message, waker: Some(message) }
                    );
                    model.calls[answer].2 = Stage::Sent;
                } else if !model.cancels.is_empty() {
                    let of = model.cancels.remove(0);
                    assert!(matches!(transmit, Transmit::Cancel { of: tag, .. } if tag == of));
                } else if let Some(&(message, has_reply)) = model.undo.first()
                    && (!has_reply || (is_free && has_room))
                {
                    model.undo.remove(0);
                    let Transmit::Send { tag, message: sent, waker: None } = transmit else {
                        panic!("{transmit:?}")
                    };
                    assert_eq!((sent, tag.is_some()), (message, has_reply));
                    if let Some(tag) = tag {
                        assert!(tag < TAGS && !model.in_use(tag), "{tag} is in use");
                        model.undoing.push(tag);
                    }
                } else if let Some(first) = first(false) {
                    let (message, _, Stage::Waiting(waiting)) = model.calls[first] else {
                        unreachable!()
                    };
                    let blocked = match waiting {
                        Waiting::Chosen(_) => full || !has_room,
                        Waiting::Assigned { .. } => full || !has_room || !is_free,
                        Waiting::Send | Waiting::Answer => false,
                    };
                    if blocked {
                        assert_eq!(transmit, Transmit::Blocked);
                        continue;
                    }
                    let Transmit::Send { tag, message: sent, waker } = transmit else {
                        panic!("{transmit:?}")
                    };
                    let expected = (waiting == Waiting::Send).then_some(message);
                    assert_eq!((sent, waker), (message, expected));
                    model.calls[first].2 = match (waiting, tag) {
                        (Waiting::Chosen(chosen), tag) => {
                            assert_eq!(tag, Some(chosen));
                            Stage::InFlight(chosen, true)
                        }
                        (Waiting::Assigned { cancel }, Some(tag)) => {
                            assert!(tag < TAGS && !model.in_use(tag), "{tag} is in use");
                            Stage::InFlight(tag, cancel)
                        }
                        (_, tag) => {
                            assert_eq!(tag, None);
                            Stage::Sent
                        }
                    };
                } else if model.draining && model.in_flight() == 0 {
                    assert_eq!(transmit, Transmit::Drained);
                    model.drained = true;
                } else {
                    let blocked = !model.undo.is_empty();
                    let expected = if blocked { Transmit::Blocked } else { Transmit::Nothing };
                    assert_eq!(transmit, expected);
                }
            }
            Step::Reply(tag) => {
                let received = core.handle_reply(&tag, next, || now);
                model.expire(now);
                let ended = model.ended;
                let waits = |call: &&mut (u32, Id, Stage)| match call.2 {
                    Stage::InFlight(used, _) => used == tag && !ended,
                    _ => false,
                };
                let call = model.calls.iter_mut().find(waits);
                let entry = model.quarantine.iter().position(|entry| entry.0 == tag);
                let undoing = model.undoing.iter().position(|used| *used == tag);
                match (call, entry, undoing) {
                    (Some(call), ..) => {
                        assert_eq!(received, Received::Answered(Some(call.0)));
                        call.2 = Stage::Answered(next);
                    }
                    (None, Some(entry), _) => {
                        assert_eq!(received, Received::Late(next));
                        model.quarantine.remove(entry);
                        model.cancels.retain(|cancelled| *cancelled != tag);
                    }
                    (None, None, Some(undoing)) => {
                        assert_eq!(received, Received::Own(next));
                        model.undoing.remove(undoing);
                    }
                    (None, None, None) => assert_eq!(received, Received::Unexpected(next)),
                }
            }
            Step::Abandon(which) if which < model.calls.len() => {
                let (message, id, stage) = model.calls.remove(which);
                let (abandoned, _) = core.abandon(&id, || now).unwrap();
                assert_eq!(
                    abandoned,
                    match stage {
                        Stage::Waiting(_) => Abandoned::Waiting(message),
                        Stage::InFlight(..) => Abandoned::InFlight,
                        Stage::Answered(reply) => Abandoned::Answered(reply),
                        Stage::Sent => Abandoned::Sent,
                    }
                );
                assert_eq!(core.abandon(&id, || now), None);
                if let Stage::InFlight(tag, cancel) = stage
                    && !model.ended
                {
                    model.expire(now);
                    model.quarantine.push((tag, now));
                    model.cancels.extend(cancel.then_some(tag));
                    if when_full == WhenFull::Forget && model.quarantine.len() > QUARANTINE {
                        model.forget();
                    }
                }
                let overfull = model.quarantine.len() > QUARANTINE;
                assert_eq!(core.is_overfull(), when_full == WhenFull::Fail && overfull);
            }
            Step::Poll(which) if which < model.calls.len() => {
                let (message, id, stage) = model.calls[which].clone();
                let expected = match stage {
                    Stage::Answered(reply) => Some(Outcome::Reply(reply)),
                    Stage::Sent => Some(Outcome::Sent),
                    Stage::Waiting(_) if model.ended => Some(Outcome::Ended(Some(message))),
                    Stage::InFlight(..) if model.ended => Some(Outcome::Ended(None)),
                    _ => None,
                };
                assert_eq!(core.poll_call(&id), expected);
                if expected.is_some() {
                    model.calls.remove(which);
                    assert_eq!(core.poll_call(&id), None);
                }
            }
            Step::Abandon(_) | Step::Poll(_) => {}
            Step::Advance(seconds) => now += Duration::from_secs(seconds),
            Step::Timeout => {
                core.handle_timeout(now);
                model.expire(now);
                let oldest = model.quarantine.first();
                assert_eq!(core.poll_timeout(), oldest.map(|entry| entry.1 + AGE));
            }
            Step::Drain => {
                core.drain();
                model.draining = true;
            }
            Step::End => {
                let unfinished = |call: &&(u32, Id, Stage)| {
                    matches!(call.2, Stage::Waiting(_) | Stage::InFlight(..)) && !model.ended
                };
                let mut expected: Vec<u32> =
                    model.calls.iter().filter(unfinished).map(|call| call.0).collect();
                let end = core.end();
                let mut woken: Vec<u32> = end.wakers.into_iter().flatten().collect();
                woken.sort_unstable();
                expected.sort_unstable();
                assert_eq!(woken, expected, "each caller is woken once");
                let undo: Vec<u32> = model.undo.drain(..).map(|undo| undo.0).collect();
                assert_eq!(end.discarded, undo);
                model.ended = true;
                model.undoing.clear();
                model.quarantine.clear();
                model.cancels.clear();
            }
        }
        let counts = core.counts();
        let expected = (model.waiting(), model.in_flight(), model.quarantine.len());
        assert_eq!((counts.waiting, counts.in_flight, counts.quarantined), expected, "{step:?}");
        assert_eq!(counts.unclaimed, model.calls.len() - expected.0 - expected.1);
        let chosen = model.count(|stage| matches!(stage, Stage::Waiting(Waiting::Chosen(_))));
        let in_use = expected.1 + expected.2 + chosen + model.undoing.len();
        let in_use = if model.ended { 0 } else { in_use };
        assert_eq!(core.tags_in_use(), in_use, "{step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_core_and_the_model_agree_at_every_step(steps in prop::collection::vec(step(), 1..200)) {
        for when_full in [WhenFull::Fail, WhenFull::Wait, WhenFull::Forget] {
            run(&steps, when_full);
        }
    }
}

#[test]
fn all_other_tags_are_used_before_one_is_used_again() {
    let mut core = Core::<u64, u32, u32, ()>::new(Options::new(), false);
    for round in 0..30 {
        let id = core.call(CallOptions::new(), round, Instant::now).unwrap();
        let transmit = core.poll_transmit(|number| (number < 10).then_some(number), Instant::now);
        let Transmit::Send { tag: Some(tag), .. } = transmit else { panic!("{transmit:?}") };
        assert_eq!(tag, u64::from(round % 10));
        core.handle_reply(&tag, round, Instant::now);
        assert_eq!(core.poll_call(&id), Some(Outcome::Reply(round)));
    }
}
