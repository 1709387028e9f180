//! The state machine against a model that keeps everything in plain lists and searches them from the
//! front.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use pushdown_patterns::schedule::proto::{Action, Assignment, Outcome, Scheduler};
use pushdown_patterns::schedule::{Exhausted, FailureKind, OnFailure, Options, Reason, ServerId};

#[derive(Clone, Copy, Debug)]
enum Op {
    Join,
    Close,
    /// The numbers choose a server among those present or busy.
    Take(usize),
    Settle(usize, Outcome),
    Retire(usize),
    Leave(usize),
    Pass(u64),
    Drain,
    Abort,
}

fn op() -> impl Strategy<Value = Op> {
    let outcome = prop_oneof![
        5 => Just(Outcome::Success),
        2 => Just(Outcome::Failed(FailureKind::Retry)),
        4 => Just(Outcome::Failed(FailureKind::Elsewhere)),
        1 => Just(Outcome::Failed(FailureKind::ServerDead)),
        1 => Just(Outcome::Failed(FailureKind::ServerGone)),
        1 => Just(Outcome::TimedOut),
        1 => Just(Outcome::Dropped),
        1 => Just(Outcome::Cancelled),
    ];
    let rare = prop_oneof![
        6 => any::<usize>().prop_map(Op::Retire),
        4 => any::<usize>().prop_map(Op::Leave),
        2 => any::<usize>().prop_map(|it| Op::Settle(it, Outcome::Failed(FailureKind::Fatal))),
        2 => Just(Op::Close),
        1 => Just(Op::Drain),
        1 => Just(Op::Abort),
    ];
    prop_oneof![
        3 => Just(Op::Join),
        12 => any::<usize>().prop_map(Op::Take),
        10 => (any::<usize>(), outcome).prop_map(|(it, outcome)| Op::Settle(it, outcome)),
        2 => (0..9u64).prop_map(Op::Pass),
        1 => rare,
    ]
}

#[derive(Clone, Debug, Default)]
struct Task {
    attempts: u32,
    deaths: u32,
    gone: u32,
    settled: bool,
    done: bool,
    avoid: Vec<ServerId>,
}

#[derive(Clone, Debug)]
struct Server {
    id: ServerId,
    available: bool,
    present: bool,
    consecutive_failures: u32,
    running: Option<(usize, Instant)>,
    /// Set while it waits, with the time until which it does: no wake-up has named it since.
    waits: Option<Option<Instant>>,
    /// It waits, or was woken and has not asked since.
    polled: bool,
}

/// The model.
struct Model {
    limit: u32,
    options: (Exhausted, Option<u32>, Option<Duration>, FailureKind, u32),
    tasks: Vec<Task>,
    queue: Vec<usize>,
    servers: Vec<Server>,
    closed: bool,
    draining: bool,
    aborted: bool,
    end: Option<Result<(), Reason>>,
    now: Instant,
}

impl Model {
    fn live(&self, task: usize) -> usize {
        self.servers
            .iter()
            .filter(|server| server.running.is_some_and(|(it, _)| it == task))
            .count()
    }

    fn next(&self, server: usize) -> Action {
        let here = &self.servers[server];
        if !here.available || self.end.is_some() || self.draining {
            return Action::Leave;
        }
        let may = |task: &usize| {
            let avoid = &self.tasks[*task].avoid;
            let all =
                self.servers.iter().filter(|it| it.available).all(|it| avoid.contains(&it.id));
            all || !avoid.contains(&here.id)
        };
        let attempt = |task: usize, backup| {
            Action::Call(Assignment {
                slot: task,
                task,
                number: self.tasks[task].attempts + 1,
                deadline: None,
                backup,
            })
        };
        if let Some(task) = self.queue.iter().copied().find(|task| may(task)) {
            return attempt(task, false);
        }
        let Some(age) = self.options.2 else { return Action::Wait { until: None } };
        let single = self.servers.iter().filter_map(|it| it.running).filter(|(task, _)| {
            let it = &self.tasks[*task];
            let available = self.servers.iter().filter(|it| it.available);
            let mut others = available.filter(|at| at.running.is_none_or(|(it, _)| it != *task));
            let nowhere_else = others.all(|other| it.avoid.contains(&other.id));
            let failed_here = it.avoid.contains(&here.id) && !nowhere_else;
            self.live(*task) == 1
                && it.attempts - it.deaths - it.gone < self.limit
                && it.deaths < self.options.4
                && !it.settled
                && !failed_here
        });
        match single.min_by_key(|(_, since)| *since) {
            Some((task, since)) if since + age <= self.now => attempt(task, true),
            oldest => Action::Wait { until: oldest.map(|(_, since)| since + age) },
        }
    }

    fn settle(&mut self, server: usize, outcome: Outcome) -> bool {
        let (task, _) = self.servers[server].running.take().unwrap();
        let first = !self.tasks[task].settled;
        let cancelled = self.aborted || !first;
        let outcome = match outcome {
            Outcome::Failed(_) if cancelled => Outcome::Cancelled,
            Outcome::TimedOut if cancelled => Outcome::Dropped,
            outcome => outcome,
        };
        let kind = match outcome {
            Outcome::Failed(kind) => Some(kind),
            Outcome::TimedOut => Some(self.options.3),
            _ => None,
        };
        match outcome {
            Outcome::Success if first => {
                self.servers[server].consecutive_failures = 0;
                self.tasks[task].settled = true;
                self.tasks[task].done = true;
            }
            Outcome::Success => self.servers[server].consecutive_failures = 0,
            Outcome::Dropped if self.options.3 == FailureKind::ServerDead => {
                self.servers[server].available &= self.end.is_some() || self.draining;
            }
            _ => {}
        }
        if let Some(kind) = kind {
            let here = &mut self.servers[server];
            here.consecutive_failures += 1;
            let too_often = self.options.1.is_some_and(|limit| here.consecutive_failures >= limit);
            let dead = matches!(kind, FailureKind::ServerDead | FailureKind::ServerGone);
            here.available &= !too_often && !dead;
            if kind == FailureKind::Elsewhere {
                self.tasks[task].avoid.push(here.id);
            }
            if kind == FailureKind::Fatal {
                self.conclude(Err(Reason::Fatal { task }));
            }
            if outcome == Outcome::Failed(FailureKind::ServerDead) {
                self.tasks[task].deaths += 1;
            }
            if outcome == Outcome::Failed(FailureKind::ServerGone) {
                self.tasks[task].gone += 1;
            }
        }
        if self.end.is_none() && !self.tasks[task].settled && self.live(task) == 0 {
            let undone = kind.is_none() || self.draining && self.options.0 == Exhausted::FailRun;
            let it = &self.tasks[task];
            if undone
                || it.attempts - it.deaths - it.gone < self.limit && it.deaths < self.options.4
            {
                self.queue.push(task);
            } else if self.options.0 == Exhausted::FailRun {
                self.conclude(Err(Reason::Exhausted { task }));
            } else {
                self.tasks[task].settled = true;
            }
        }
        first
    }

    fn conclude(&mut self, end: Result<(), Reason>) {
        self.end = self.end.or(Some(end));
    }

    fn conclude_if_settled(&mut self) {
        let running = self.servers.iter().any(|server| server.running.is_some());
        if self.tasks.iter().all(|task| task.settled) {
            self.conclude(Ok(()));
        } else if self.draining && !running {
            self.conclude(Err(Reason::ShutDown));
        } else if self.closed && !running && !self.servers.iter().any(|server| server.available) {
            self.conclude(Err(Reason::NoServers));
        }
    }
}

/// Applies the same operations to both, and compares them after each.
fn compare(
    tasks: usize,
    options: (u32, Exhausted, Option<u32>, Option<Duration>, FailureKind, u32),
    ops: &[Op],
) {
    let (limit, exhausted, server_failures, backup_after, timed_out, deaths) = options;
    let mut chosen = Options::default()
        .attempts(NonZeroU32::new(limit).unwrap())
        .exhausted(exhausted)
        .timed_out(timed_out)
        .deaths(NonZeroU32::new(deaths).unwrap())
        .on_failure(OnFailure::AwaitCalls);
    if let Some(limit) = server_failures {
        chosen = chosen.server_failures(NonZeroU32::new(limit).unwrap());
    }
    if let Some(age) = backup_after {
        chosen = chosen.backup_after(age);
    }
    let mut scheduler = Scheduler::new(tasks, &chosen);
    let mut model = Model {
        limit,
        options: (exhausted, server_failures, backup_after, timed_out, deaths),
        tasks: vec![Task::default(); tasks],
        queue: (0..tasks).collect(),
        servers: Vec::new(),
        closed: false,
        draining: false,
        aborted: false,
        end: None,
        now: Instant::now(),
    };
    model.conclude_if_settled();
    for op in ops {
        let present = |it: usize| {
            let present: Vec<_> =
                (0..model.servers.len()).filter(|it| model.servers[*it].present).collect();
            (!present.is_empty()).then(|| present[it % present.len()])
        };
        match *op {
            Op::Join if !model.closed => {
                let id = scheduler.handle_join();
                assert_eq!(id.index(), model.servers.len());
                let (consecutive_failures, running) = (0, None);
                let new = Server {
                    id,
                    available: true,
                    present: true,
                    consecutive_failures,
                    running,
                    waits: None,
                    polled: false,
                };
                model.servers.push(new);
            }
            Op::Close => {
                scheduler.handle_close();
                model.closed = true;
                model.conclude_if_settled();
            }
            Op::Take(it) => {
                let Some(server) = present(it) else { continue };
                if model.servers[server].running.is_some() {
                    continue;
                }
                let next = scheduler.poll_action(model.servers[server].id, Some(model.now));
                let expected = match model.next(server) {
                    // Another idle server may keep the time: see below.
                    Action::Wait { .. } => matches!(next, Action::Wait { .. }),
                    expected => next == expected,
                };
                assert!(expected, "{next:?} is the next action of server {server}");
                model.servers[server].waits = match next {
                    Action::Wait { until } => Some(until),
                    _ => None,
                };
                model.servers[server].polled = matches!(next, Action::Wait { .. });
                if let Action::Call(Assignment { task, .. }) = next {
                    model.queue.retain(|queued| *queued != task);
                    model.tasks[task].attempts += 1;
                    model.servers[server].running = Some((task, model.now));
                }
            }
            Op::Settle(it, outcome) => {
                let busy = |server: &&Server| server.running.is_some();
                let busy: Vec<_> =
                    model.servers.iter().filter(busy).map(|it| it.id.index()).collect();
                if busy.is_empty() {
                    continue;
                }
                let server = busy[it % busy.len()];
                let (task, _) = model.servers[server].running.unwrap();
                let verdict =
                    scheduler.handle_outcome(model.servers[server].id, outcome, Some(model.now));
                assert_eq!(verdict.counts, model.settle(server, outcome));
                let settled = model.tasks[task].settled;
                assert_eq!(verdict.settles, verdict.counts && settled);
                assert_eq!(verdict.is_last, settled && model.live(task) == 0);
                model.conclude_if_settled();
            }
            Op::Retire(it) => {
                let Some(server) = present(it) else { continue };
                let may = model.servers[server].available && model.end.is_none();
                assert_eq!(scheduler.handle_retire(model.servers[server].id), may);
                if may {
                    model.servers[server].available = false;
                    model.conclude_if_settled();
                }
            }
            Op::Leave(it) => {
                let Some(server) = present(it) else { continue };
                scheduler.handle_leave(model.servers[server].id, Some(model.now));
                let lost = model.end.is_none() && !model.draining;
                if model.servers[server].running.is_some() {
                    model.servers[server].available = false;
                    model.settle(server, Outcome::Failed(FailureKind::ServerDead));
                } else if lost {
                    model.servers[server].available = false;
                }
                model.servers[server].present = false;
                model.servers[server].waits = None;
                model.conclude_if_settled();
            }
            Op::Pass(milliseconds) => model.now += Duration::from_millis(milliseconds),
            Op::Drain => {
                scheduler.handle_drain(None);
                model.draining = true;
                model.conclude_if_settled();
            }
            Op::Abort => {
                scheduler.handle_abort();
                model.aborted = true;
                model.conclude(Err(Reason::ShutDown));
            }
            Op::Join => {}
        }
        check(&mut scheduler, &mut model);
    }
}

fn check(scheduler: &mut Scheduler, model: &mut Model) {
    assert_eq!(scheduler.end(), model.end);
    let running = model.servers.iter().filter(|server| server.running.is_some()).count();
    let counts = scheduler.counts();
    assert_eq!(counts.running, running);
    assert_eq!(counts.done, model.tasks.iter().filter(|task| task.done).count());
    assert_eq!(
        counts.given_up,
        model.tasks.iter().filter(|task| task.settled && !task.done).count()
    );
    assert_eq!(
        counts.attempts,
        model.tasks.iter().map(|task| u64::from(task.attempts)).sum::<u64>()
    );
    let present = model.servers.iter().any(|server| server.present);
    assert_eq!(scheduler.is_over(), model.end.is_some() && model.closed && !present);
    if model.end.is_none() {
        assert_eq!(scheduler.queued(), model.queue.len());
        assert_eq!(
            scheduler.available(),
            model.servers.iter().filter(|server| server.available).count()
        );
        for task in 0..model.tasks.len() {
            let states = usize::from(model.tasks[task].settled)
                + usize::from(model.queue.contains(&task))
                + usize::from(model.live(task) > 0 && !model.tasks[task].settled);
            assert_eq!(states, 1, "task {task} is in one state");
            let copies = if model.options.2.is_some() { 2 } else { 1 };
            assert!(model.live(task) <= copies);
        }
    }
    for server in &model.servers {
        let late = server.running.is_some_and(|(task, _)| model.tasks[task].settled);
        let aborted = model.aborted && server.running.is_some();
        assert_eq!(
            scheduler.is_cancelled(server.id),
            late || aborted,
            "whether the call on {} is cancelled",
            server.id
        );
    }
    let wakes = scheduler.poll_wakes().unwrap_or_default();
    for server in &mut model.servers {
        if wakes.all || wakes.servers.contains(&server.id) {
            server.waits = None;
        }
    }
    check_waiting(scheduler.clone(), model, wakes.servers);
}

/// Checks that no server waits without a reason: once those that were woken have asked, and those that were woken
/// by that, no server that still waits may have anything to do before the time of another one.
fn check_waiting(mut scheduler: Scheduler, model: &Model, woken: Vec<ServerId>) {
    if model.end.is_some() || model.draining {
        let waits = |server: &Server| server.present && server.waits.is_some();
        assert!(!model.servers.iter().any(waits), "a server is not told of the end");
        return;
    }
    let waits = |server: &&Server| server.present && server.waits.is_some();
    let mut waiting: BTreeMap<_, _> =
        model.servers.iter().filter(waits).map(|it| (it.id, it.waits.unwrap())).collect();
    // Those woken before and not asked since.
    let asks = |server: &&Server| server.present && server.running.is_none() && server.polled;
    let mut woken: VecDeque<_> = model
        .servers
        .iter()
        .filter(asks)
        .filter(|it| it.waits.is_none())
        .map(|it| it.id)
        .chain(woken)
        .collect();
    let due = waiting.iter().filter(|(_, until)| until.is_some_and(|until| until <= model.now));
    woken.extend(due.map(|(server, _)| *server));
    let mut steps = 0;
    while let Some(server) = woken.pop_front() {
        steps += 1;
        assert!(steps < 1000, "servers wake each other forever");
        waiting.remove(&server);
        if scheduler.is_idle(server) {
            if let Action::Wait { until } = scheduler.poll_action(server, Some(model.now)) {
                waiting.insert(server, until);
            }
            woken.extend(scheduler.poll_wakes().unwrap_or_default().servers);
        }
    }
    let alarm = waiting.values().flatten().min().copied();
    for server in waiting.into_keys() {
        match scheduler.clone().poll_action(server, Some(model.now)) {
            Action::Wait { until } => assert!(
                until.is_none_or(|until| alarm.is_some_and(|alarm| alarm <= until)),
                "the alarm is missing or too late"
            ),
            next => panic!("{server} waits, without a wake-up for {next:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_state_machine_does_what_the_model_does(
        tasks in 0..7usize,
        limit in 1..5u32,
        go_on in any::<bool>(),
        server_failures in prop::option::of(1..4u32),
        backup_after in prop::option::of(0..6u64),
        timed_out in prop_oneof![Just(FailureKind::ServerDead), Just(FailureKind::Elsewhere)],
        deaths in 1..5u32,
        ops in prop::collection::vec(op(), 0..120),
    ) {
        let exhausted = if go_on { Exhausted::GoOn } else { Exhausted::FailRun };
        let backup_after = backup_after.map(Duration::from_millis);
        compare(tasks, (limit, exhausted, server_failures, backup_after, timed_out, deaths), &ops);
    }
}
