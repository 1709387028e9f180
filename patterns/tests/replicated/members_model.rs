//! The state machines against a model while servers join, leave and change places.
//!
//! The budget is unlimited, so that each call is on its own: what it asks depends on the list and on the
//! time alone.

use proptest::collection::vec;
use proptest::prelude::*;
use pushdown_patterns::Effect;
use pushdown_patterns::replicated::proto::{Action, AttemptEnd, Call, Outcome, Replicas};
use pushdown_patterns::replicated::{Budget, CallOptions, Hedge, Prefer};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use super::*;
use std::time::Instant;

const DELAY: u64 = 5;
const PROBE: u64 = 40;

/// A random event, of the call or the server that the numbers choose.
#[derive(Clone, Copy, Debug)]
enum Event {
    Begin { idempotent: bool },
    Reply,
    Fail,
    Refuse,
    Drop,
    Join,
    Leave { abort: bool },
    Order,
    Wait(u64),
}

fn event() -> impl Strategy<Value = (Event, usize, usize)> {
    let event = prop_oneof![
        4 => prop_oneof![4 => Just(true), 1 => Just(false)]
            .prop_map(|idempotent| Event::Begin { idempotent }),
        4 => Just(Event::Reply),
        3 => Just(Event::Fail),
        1 => Just(Event::Refuse),
        1 => Just(Event::Drop),
        2 => Just(Event::Join),
        2 => any::<bool>().prop_map(|abort| Event::Leave { abort }),
        1 => Just(Event::Order),
        4 => (1..20u64).prop_map(Event::Wait),
    ];
    (event, 0..100usize, 0..100usize)
}

/// A call, as the model knows it.
struct Open {
    call: Call,
    idempotent: bool,
    since: (Option<usize>, u64),
    probes: bool,
    /// Each server that was asked, and the place that it had then.
    asked: Vec<(usize, usize)>,
    running: Vec<usize>,
    owed: usize,
    hedge_at: Option<u64>,
}

/// The client, written as simply as possible.
struct Model {
    first: bool,
    list: Vec<usize>,
    joined: usize,
    preferred: (Option<usize>, u64),
    /// When the first server lost the preference, or was probed.
    probed: Option<u64>,
    probes: u64,
    /// Servers that have left, and are not forgotten.
    leaving: BTreeSet<usize>,
    now: u64,
}

impl Model {
    fn is_first(&self) -> bool {
        self.preferred.0 == self.list.first().copied()
    }

    fn begins_with_probe(&mut self, idempotent: bool) -> bool {
        let due = self.probed.is_none_or(|at| self.now >= at + PROBE);
        let probes = self.first && idempotent && due && !self.is_first();
        if probes {
            (self.probed, self.probes) = (Some(self.now), self.probes + 1);
        }
        probes
    }

    /// The next server of a call: the list, turned so that the server comes first from which to search.
    fn next(&self, open: &Open) -> Option<usize> {
        let place = |server: usize| self.list.iter().position(|number| *number == server);
        let asked = |server: &usize| open.asked.iter().any(|(number, _)| number == server);
        let preferred = open.since.0.filter(|server| !asked(server)).and_then(place);
        let turn = match open.asked.last() {
            None if open.probes => 0,
            _ if preferred.is_some() => preferred.unwrap(),
            None => self.preferred.0.and_then(place).unwrap_or(0),
            Some(&(last, at)) => place(last).map_or(at, |place| place + 1),
        };
        let mut round = self.list.clone();
        if !round.is_empty() {
            round.rotate_left(turn % self.list.len());
        }
        round.into_iter().find(|server| !asked(server))
    }

    fn prefer(&mut self, server: usize, since: (Option<usize>, u64)) {
        if self.preferred == since && since.0 != Some(server) && self.list.contains(&server) {
            if self.is_first() {
                self.probed = Some(self.now);
            }
            self.preferred = (Some(server), since.1 + 1);
        }
    }

    fn join(&mut self) -> usize {
        let number = self.joined;
        self.joined += 1;
        self.list.push(number);
        if self.preferred.0.is_none() {
            (self.preferred, self.probed) = ((Some(number), self.preferred.1 + 1), None);
        }
        number
    }

    fn leave(&mut self, number: usize) {
        let place = self.list.iter().position(|server| *server == number).unwrap();
        self.list.remove(place);
        if self.preferred.0 == Some(number) {
            let next = self.list.get(place).or(self.list.first()).copied();
            self.preferred = (next, self.preferred.1 + 1);
        }
        if place == 0 {
            self.probed = None;
        }
        self.leaving.insert(number);
    }
}

fn pick<T: Copy>(from: &[T], which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[which % from.len()])
}

fn run(servers: usize, first: bool, events: Vec<(Event, usize, usize)>) {
    let prefer = if first { Prefer::First { probe: ms(PROBE) } } else { Prefer::Sticky };
    let count = NonZeroUsize::new(servers).unwrap();
    let hedge = Hedge::After(ms(DELAY));
    let mut replicas = Replicas::new(count, prefer, hedge, Budget::UNLIMITED);
    let mut model = Model {
        first,
        list: (0..servers).collect(),
        joined: servers,
        preferred: (Some(0), 0),
        probed: None,
        probes: 0,
        leaving: BTreeSet::new(),
        now: 0,
    };
    let start = Instant::now();
    let mut calls: Vec<Open> = Vec::new();
    let (mut begun, mut requests, mut gone) = (0, 0, BTreeSet::new());
    for (event, which, what) in events {
        let now = start + ms(model.now);
        let chosen = if calls.is_empty() { 0 } else { which % calls.len() };
        match event {
            Event::Begin { idempotent } => {
                let since = model.preferred;
                let probes = model.begins_with_probe(idempotent);
                let options = CallOptions::new().idempotent(idempotent);
                let call = Call::new(&mut replicas, options, now);
                let (asked, running) = (Vec::new(), Vec::new());
                let (owed, hedge_at) = (1, None);
                calls.push(Open {
                    call,
                    idempotent,
                    since,
                    probes,
                    asked,
                    running,
                    owed,
                    hedge_at,
                });
                begun += 1;
            }
            Event::Reply => {
                let Some(open) = calls.get_mut(chosen) else { continue };
                let Some(server) = pick(&open.running, what) else { continue };
                let mut open = calls.swap_remove(chosen);
                open.call.handle_reply(&mut replicas, server, now);
                model.prefer(server, open.since);
                let finish = Some(Action::Finish(Outcome::Won(server)));
                assert_eq!(open.call.poll_action(&mut replicas, now), finish);
                open.running.retain(|running| *running != server);
                for server in open.running {
                    open.call.handle_cancel(&mut replicas, server, now);
                }
            }
            Event::Fail | Event::Refuse => {
                let Some(open) = calls.get_mut(chosen) else { continue };
                let Some(server) = pick(&open.running, what) else { continue };
                let refused = matches!(event, Event::Refuse);
                let effect = if refused { Effect::DidNotHappen } else { Effect::MayHaveHappened };
                open.call.handle_failure(&mut replicas, server, effect, now);
                open.running.retain(|running| *running != server);
                open.owed += usize::from(refused || open.idempotent);
            }
            Event::Drop => {
                if calls.is_empty() {
                    continue;
                }
                let mut open = calls.swap_remove(chosen);
                for server in open.running {
                    open.call.handle_cancel(&mut replicas, server, now);
                }
                open.call.handle_drop(&mut replicas);
            }
            Event::Join => assert_eq!(replicas.handle_join(), model.join()),
            Event::Leave { abort } => {
                let Some(server) = pick(&model.list, which) else { continue };
                let place = model.list.iter().position(|number| *number == server);
                assert_eq!(replicas.handle_leave(server), place);
                assert_eq!(replicas.handle_leave(server), None);
                model.leave(server);
                if abort {
                    replicas.handle_leave_abort(server);
                    assert!(replicas.is_aborted(server));
                    for open in calls.iter_mut().filter(|open| open.running.contains(&server)) {
                        open.call.handle_leave(server);
                        replicas.handle_end(server, AttemptEnd::Cancelled, ms(1));
                        open.running.retain(|running| *running != server);
                        open.owed += usize::from(open.idempotent);
                    }
                }
            }
            Event::Order => {
                let first = model.list.first().copied();
                if let Some(last) = model.list.len().checked_sub(1) {
                    model.list.rotate_left(which % (last + 1));
                    model.list.swap(what % (last + 1), last);
                }
                replicas.handle_order(&model.list);
                if model.list.first().copied() != first {
                    model.probed = None;
                }
            }
            Event::Wait(time) => model.now += time,
        }
        let now = start + ms(model.now);
        // Every call is polled, in order.
        calls.retain_mut(|open| {
            loop {
                let next = model.next(open);
                let late = open.hedge_at.is_some_and(|at| model.now >= at);
                let action = open.call.poll_action(&mut replicas, now);
                let Some(server) = next.filter(|_| open.owed > 0 || late) else {
                    if !open.running.is_empty() {
                        assert_eq!(action, None);
                        let wakes = open.hedge_at.filter(|_| next.is_some());
                        assert_eq!(open.call.poll_timeout(), wakes.map(|at| start + ms(at)));
                        let waits = open.owed > 0 || open.hedge_at.is_some();
                        assert_eq!(open.call.is_out(), next.is_none() && waits);
                        return true;
                    }
                    let none = open.asked.is_empty();
                    let outcome = if none { Outcome::NoServers } else { Outcome::Failed };
                    assert_eq!(action, Some(Action::Finish(outcome)));
                    if let Some(server) = next {
                        model.prefer(server, open.since);
                    }
                    return false;
                };
                assert_eq!(action, Some(Action::Start(server)));
                let place = model.list.iter().position(|number| *number == server).unwrap();
                open.asked.push((server, place));
                open.running.push(server);
                open.owed = open.owed.saturating_sub(1);
                open.hedge_at = open.idempotent.then_some(model.now + DELAY);
                requests += 1;
            }
        });
        // A server that has left is gone when its last attempt is, and then it is announced once.
        let mut running = BTreeMap::<usize, u64>::new();
        for server in calls.iter().flat_map(|open| &open.running) {
            *running.entry(*server).or_default() += 1;
        }
        while let Some(server) = replicas.poll_gone() {
            assert!(model.leaving.contains(&server) && gone.insert(server), "{server} is not gone");
        }
        assert!(!replicas.has_wakes(), "no call waits for the budget");
        for server in model.leaving.clone() {
            assert!(!gone.contains(&server) || !running.contains_key(&server), "too early");
            // Half of those who left are not waited for.
            if server % 2 == 0 {
                let departed = replicas.poll_departed(server);
                assert_eq!(departed.is_some(), !running.contains_key(&server));
                assert!(
                    departed.is_none_or(|stats| stats.number == server && stats.running() == 0)
                );
            } else {
                replicas.forget(server);
            }
            if !running.contains_key(&server) {
                model.leaving.remove(&server);
            }
        }
        let stats = replicas.stats();
        assert_eq!((stats.preferred, stats.moves), model.preferred);
        assert_eq!((stats.calls, stats.requests(), stats.probes), (begun, requests, model.probes));
        let numbers = |servers: &[pushdown_patterns::replicated::ServerStats]| {
            servers.iter().map(|server| server.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&stats.servers), model.list);
        assert_eq!(numbers(&stats.leaving).into_iter().collect::<BTreeSet<_>>(), model.leaving);
        for server in stats.servers.iter().chain(&stats.leaving) {
            assert_eq!(server.running(), running.get(&server.number).copied().unwrap_or_default());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn calls_do_what_the_model_does_while_servers_join_and_leave(
        servers in 1..5usize,
        first in any::<bool>(),
        events in vec(event(), 1..120),
    ) {
        run(servers, first, events);
    }
}
