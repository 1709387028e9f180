//! The state machines against a model that goes through time millisecond by millisecond.

use std::cell::Cell;
use std::num::NonZeroUsize;

use proptest::collection::vec;
use proptest::prelude::*;
use pushdown_patterns::Effect;
use pushdown_patterns::replicated::proto::{Action, Call, Outcome, Replicas};
use pushdown_patterns::replicated::{Budget, CallOptions, Hedge, Latency, Prefer};

use super::*;
use std::time::Instant;

/// The script of a call.
#[derive(Clone, Debug)]
struct Plan {
    /// The behaviour of each server.
    does: Vec<Does>,
    idempotent: bool,
    timeout: Option<u64>,
}

/// The servers asked and when, the outcome, and when the call ended.
type Trace = (Vec<(u64, usize)>, Outcome, u64);

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        3 => (0..40u64).prop_map(Reply),
        2 => (0..40u64).prop_map(Fail),
        1 => (0..40u64).prop_map(Refuse),
        1 => (0..40u64).prop_map(Panic),
        2 => Just(Stop),
    ]
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    (1..5usize).prop_flat_map(|servers| {
        let plan = (vec(does(), servers), any::<bool>(), proptest::option::of(0..60u64))
            .prop_map(|(does, idempotent, timeout)| Plan { does, idempotent, timeout });
        vec(plan, 1..12)
    })
}

fn hedge() -> impl Strategy<Value = Option<u64>> {
    proptest::option::weighted(0.8, 0..25u64)
}

fn budget() -> impl Strategy<Value = Budget> {
    (0..150u32, 0..4u32).prop_map(|(percent, burst)| Budget { percent, per_second: 0, burst })
}

/// The client, written as simply as possible.
struct Model {
    hedge: Option<u64>,
    budget: Budget,
    tokens: u32,
    preferred: usize,
}

impl Model {
    fn run(&mut self, plan: &Plan) -> Trace {
        let servers = plan.does.len();
        let round: Vec<usize> =
            (0..servers).map(|index| (self.preferred + index) % servers).collect();
        self.tokens = (self.tokens + self.budget.percent).min(self.budget.burst * 100);
        let (mut asked, mut over, mut owed, mut hedge_at) = (Vec::new(), vec![], 1, None);
        // A plan in which all servers stop and there is no timeout never ends.
        for now in 0..10_000 {
            loop {
                for &(start, server) in &asked {
                    if over.contains(&server) {
                        continue;
                    }
                    match plan.does[server] {
                        Reply(after) if start + after == now => {
                            self.preferred = server;
                            return (asked, Outcome::Won(server), now);
                        }
                        Fail(after) | Panic(after) if start + after == now => {
                            over.push(server);
                            owed += usize::from(plan.idempotent);
                        }
                        Refuse(after) if start + after == now => {
                            over.push(server);
                            owed += 1;
                        }
                        _ => {}
                    }
                }
                let next = round.get(asked.len()).copied();
                if plan.timeout.is_some_and(|timeout| now >= timeout) {
                    self.preferred = next.unwrap_or(self.preferred);
                    return (asked, Outcome::TimedOut, now);
                }
                let Some(server) = next else { break };
                if owed > 0 {
                    owed -= 1;
                } else if hedge_at != Some(now) {
                    break;
                } else if self.tokens < 100 {
                    // Only another call could earn a token.
                    hedge_at = None;
                    break;
                } else {
                    self.tokens -= 100;
                }
                asked.push((now, server));
                hedge_at = self.hedge.filter(|_| plan.idempotent).map(|delay| now + delay);
            }
            if over.len() == asked.len() {
                self.preferred = *round.get(asked.len()).unwrap_or(&self.preferred);
                return (asked, Outcome::Failed, now);
            }
        }
        (asked, Outcome::TimedOut, u64::MAX)
    }
}

/// The call, polled only after its timeout or an answer.
fn run(replicas: &mut Replicas, plan: &Plan, start: Instant) -> Trace {
    let options = CallOptions::new().idempotent(plan.idempotent);
    let options = plan.timeout.map_or(options, |timeout| options.timeout(ms(timeout)));
    let mut call = Call::new(replicas, options, start);
    let (mut asked, mut running, mut now) =
        (Vec::new(), Vec::<(Option<Instant>, usize)>::new(), start);
    loop {
        // The answers at this time, that of the oldest attempt first.
        running.retain(|&(at, server)| {
            if at != Some(now) {
                return true;
            }
            match plan.does[server] {
                Reply(_) => call.handle_reply(replicas, server, now),
                Fail(_) => call.handle_failure(replicas, server, Effect::MayHaveHappened, now),
                Refuse(_) => call.handle_failure(replicas, server, Effect::DidNotHappen, now),
                Panic(_) | Stop => call.handle_panic(replicas, server, now),
            }
            false
        });
        let elapsed = (now - start).as_millis() as u64;
        match call.poll_action(replicas, now) {
            Some(Action::Start(server)) => {
                asked.push((elapsed, server));
                let at = match plan.does[server] {
                    Reply(after) | Fail(after) | Refuse(after) | Panic(after) => {
                        Some(now + ms(after))
                    }
                    Stop => None,
                };
                running.push((at, server));
            }
            None => {
                let timeout = call.poll_timeout();
                let next = running.iter().filter_map(|(at, _)| *at).chain(timeout).min();
                let Some(next) = next else { return (asked, Outcome::TimedOut, u64::MAX) };
                assert!(next > now, "the call would spin");
                if (next - start).as_millis() >= 10_000 {
                    return (asked, Outcome::TimedOut, u64::MAX);
                }
                now = next;
            }
            Some(Action::Finish(outcome)) => {
                let again = call.poll_action(replicas, now + ms(1000));
                assert_eq!(again, Some(Action::Finish(outcome)));
                for (_, server) in running {
                    call.handle_cancel(replicas, server, now);
                }
                return (asked, outcome, elapsed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn calls_do_what_the_model_does(plans in plans(), hedge in hedge(), budget in budget()) {
        let servers = NonZeroUsize::new(plans[0].does.len()).unwrap();
        let tokens = budget.burst * 100;
        let mut model = Model { hedge, budget, tokens, preferred: 0 };
        let hedge = hedge.map_or(Hedge::Never, |delay| Hedge::After(ms(delay)));
        let mut replicas = Replicas::new(servers, Prefer::Sticky, hedge, budget);
        let start = Instant::now();
        for plan in plans {
            let expected = model.run(&plan);
            prop_assert_eq!(run(&mut replicas, &plan, start), expected.clone());
            if expected.2 == u64::MAX {
                break;
            }
            prop_assert_eq!(replicas.preferred(), Some(model.preferred));
            let stats = replicas.stats();
            prop_assert_eq!(stats.running(), 0);
        }
    }

    #[test]
    fn concurrent_calls_keep_the_rules(
        servers in 1..5usize,
        budget in budget(),
        steps in vec((0..6usize, 0..6usize, 0..5u8), 1..120),
    ) {
        struct Open {
            call: Call,
            running: Vec<usize>,
            asked: Vec<usize>,
            since: (usize, u64),
        }

        let servers = NonZeroUsize::new(servers).unwrap();
        let mut replicas = Replicas::new(servers, Prefer::Sticky, Hedge::After(ms(5)), budget);
        let (preference, mut begun) = (Cell::new((0, 0)), 0);
        let prefer = |server: usize, since: (usize, u64)| {
            if since == preference.get() && server != since.0 {
                preference.set((server, since.1 + 1));
            }
        };
        let mut calls: Vec<Open> = Vec::new();
        let mut now = Instant::now();
        for (which, attempt, what) in steps {
            now += ms(1);
            if what == 0 || calls.is_empty() {
                let options = CallOptions::new().timeout(ms(30));
                let call = Call::new(&mut replicas, options, now);
                let since = preference.get();
                calls.push(Open { call, running: Vec::new(), asked: Vec::new(), since });
                begun += 1;
            } else {
                let which = which % calls.len();
                let open = &mut calls[which];
                if what < 4 && !open.running.is_empty() {
                    let server = open.running.swap_remove(attempt % open.running.len());
                    match what {
                        1 => {
                            open.call.handle_reply(&mut replicas, server, now);
                            prefer(server, open.since);
                        }
                        2 => open.call.handle_panic(&mut replicas, server, now),
                        _ => open.call.handle_failure(&mut replicas, server, Effect::MayHaveHappened, now),
                    }
                }
            }
            // Every call is polled, in order.
            calls.retain_mut(|open| loop {
                match open.call.poll_action(&mut replicas, now) {
                    None => {
                        assert!(open.call.poll_timeout().is_some_and(|timeout| timeout > now));
                        return true;
                    }
                    Some(Action::Start(server)) => {
                        assert!(!open.asked.contains(&server), "asked twice");
                        assert_eq!(server, (open.since.0 + open.asked.len()) % servers);
                        open.asked.push(server);
                        open.running.push(server);
                    }
                    Some(Action::Finish(outcome)) => {
                        let left = open.asked.len() < servers.get();
                        if left && !matches!(outcome, Outcome::Won(_)) {
                            prefer((open.since.0 + open.asked.len()) % servers, open.since);
                        }
                        for &server in &open.running {
                            open.call.handle_cancel(&mut replicas, server, now);
                        }
                        return false;
                    }
                }
            });
            let stats = replicas.stats();
            prop_assert_eq!((stats.preferred.unwrap(), stats.moves), preference.get());
            prop_assert_eq!(stats.calls, begun);
            let running: usize = calls.iter().map(|open| open.running.len()).sum();
            prop_assert_eq!(stats.running() as usize, running);
            let earned = u64::from(budget.burst) * 100 + u64::from(budget.percent) * begun;
            prop_assert!(stats.hedges * 100 <= earned);
        }
    }

    #[test]
    fn percentiles_match_those_of_the_sorted_list(
        mut micros in vec(0..50_000_000u64, 1..300),
        percentile in 1..=100u8,
    ) {
        let mut latency = Latency::default();
        micros.iter().for_each(|&micros| latency.answered(Duration::from_micros(micros)));
        micros.sort_unstable();
        let rank = (micros.len() * usize::from(percentile)).div_ceil(100);
        let exact = Duration::from_micros(micros[rank - 1]);
        let found = latency.percentile(percentile).unwrap();
        prop_assert!(exact < found, "{exact:?}: {found:?}");
        prop_assert!(found <= exact + exact / 8 + Duration::from_micros(1), "{exact:?}: {found:?}");
    }
}
