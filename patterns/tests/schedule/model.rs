//! The scheduler against a model that keeps everything in plain lists and searches them from the front.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use pushdown_patterns::schedule::proto::{Action, Assignment, Outcome, Scheduler};
use pushdown_patterns::schedule::{Exhausted, FailureKind, OnFailure, Options, Reason, ServerId};

#[derive(Clone, Copy, Debug)]
enum Op {
    Join,
    Close,
    /// The numbers choose a server.
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
    closed: bool,
    done: bool,
    avoid: Vec<ServerId>,
}

#[derive(Clone, Debug)]
struct Server {
    id: ServerId,
    able: bool,
    present: bool,
    in_a_row: u32,
    running: Option<(usize, Instant)>,
    /// It was told to wait, until when if there is a time, and nobody has called it since.
    waits: Option<Option<Instant>>,
}

/// The simple way to do it.
struct Model {
    limit: u32,
    options: (Exhausted, Option<u32>, Option<Duration>),
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
        if !here.able || self.end.is_some() || self.draining {
            return Action::Leave;
        }
        let may = |task: &usize| {
            let avoid = &self.tasks[*task].avoid;
            let all = self.servers.iter().filter(|it| it.able).all(|it| avoid.contains(&it.id));
            all || !avoid.contains(&here.id)
        };
        let attempt = |task: usize, backup| {
            Action::Call(Assignment {
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
            let places = self.servers.iter().filter(|it| it.able);
            let mut others = places.filter(|at| at.running.is_none_or(|(it, _)| it != *task));
            let nowhere_else = others.all(|other| it.avoid.contains(&other.id));
            let failed_here = it.avoid.contains(&here.id) && !nowhere_else;
            self.live(*task) == 1 && it.attempts < self.limit && !it.closed && !failed_here
        });
        match single.min_by_key(|(_, since)| *since) {
            Some((task, since)) if since + age <= self.now => attempt(task, true),
            oldest => Action::Wait { until: oldest.map(|(_, since)| since + age) },
        }
    }

    fn settle(&mut self, server: usize, outcome: Outcome) -> bool {
        let (task, _) = self.servers[server].running.take().unwrap();
        let first = !self.tasks[task].closed;
        let told = self.aborted || !first;
        match outcome {
            Outcome::Success if first => {
                self.servers[server].in_a_row = 0;
                self.tasks[task].closed = true;
                self.tasks[task].done = true;
            }
            Outcome::Success => self.servers[server].in_a_row = 0,
            Outcome::Failed(kind) if !told => {
                let here = &mut self.servers[server];
                here.in_a_row += 1;
                let too_often = self.options.1.is_some_and(|limit| here.in_a_row >= limit);
                here.able &= !too_often && kind != FailureKind::ServerDead;
                if kind == FailureKind::Elsewhere {
                    self.tasks[task].avoid.push(here.id);
                }
                if kind == FailureKind::Fatal {
                    self.conclude(Err(Reason::Fatal { task }));
                }
            }
            _ => {}
        }
        if self.end.is_none() && !self.tasks[task].closed && self.live(task) == 0 {
            let undone = outcome == Outcome::Cancelled
                || self.draining && self.options.0 == Exhausted::FailRun;
            if undone || self.tasks[task].attempts < self.limit {
                self.queue.push(task);
            } else if self.options.0 == Exhausted::FailRun {
                self.conclude(Err(Reason::Exhausted { task }));
            } else {
                self.tasks[task].closed = true;
            }
        }
        first
    }

    fn conclude(&mut self, end: Result<(), Reason>) {
        self.end = self.end.or(Some(end));
    }

    fn conclude_if_settled(&mut self) {
        let running = self.servers.iter().any(|server| server.running.is_some());
        if self.tasks.iter().all(|task| task.closed) {
            self.conclude(Ok(()));
        } else if self.draining && !running {
            self.conclude(Err(Reason::ShutDown));
        } else if self.closed && !running && !self.servers.iter().any(|server| server.able) {
            self.conclude(Err(Reason::NoServers));
        }
    }
}

/// Does the same to both, and compares.
fn compare(tasks: usize, options: (u32, Exhausted, Option<u32>, Option<Duration>), ops: &[Op]) {
    let (limit, exhausted, server_failures, backup_after) = options;
    let mut chosen = Options::default()
        .attempts(NonZeroU32::new(limit).unwrap())
        .exhausted(exhausted)
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
        options: (exhausted, server_failures, backup_after),
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
                let (in_a_row, running) = (0, None);
                let new = Server { id, able: true, present: true, in_a_row, running, waits: None };
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
                assert_eq!(next, model.next(server), "what {server} is to do");
                model.servers[server].waits = match next {
                    Action::Wait { until } => Some(until),
                    _ => None,
                };
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
                let counts = scheduler.handle_outcome(model.servers[server].id, outcome);
                assert_eq!(counts, model.settle(server, outcome));
                model.conclude_if_settled();
            }
            Op::Retire(it) => {
                let Some(server) = present(it) else { continue };
                let may = model.servers[server].able && model.end.is_none();
                assert_eq!(scheduler.handle_retire(model.servers[server].id), may);
                if may {
                    model.servers[server].able = false;
                    model.conclude_if_settled();
                }
            }
            Op::Leave(it) => {
                let Some(server) = present(it) else { continue };
                scheduler.handle_leave(model.servers[server].id);
                let lost = model.end.is_none() && !model.draining;
                if model.servers[server].running.is_some() {
                    model.servers[server].able = false;
                    model.settle(server, Outcome::Failed(FailureKind::ServerDead));
                } else if lost {
                    model.servers[server].able = false;
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
        model.tasks.iter().filter(|task| task.closed && !task.done).count()
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
            model.servers.iter().filter(|server| server.able).count()
        );
        for task in 0..model.tasks.len() {
            let places = usize::from(model.tasks[task].closed)
                + usize::from(model.queue.contains(&task))
                + usize::from(model.live(task) > 0 && !model.tasks[task].closed);
            assert_eq!(places, 1, "task {task} is in one place");
            let copies = if model.options.2.is_some() { 2 } else { 1 };
            assert!(model.live(task) <= copies);
        }
    }
    for server in &model.servers {
        let late = server.running.is_some_and(|(task, _)| model.tasks[task].closed);
        let aborted = model.aborted && server.running.is_some();
        assert_eq!(
            scheduler.is_cancelled(server.id),
            late || aborted,
            "what {} runs is late",
            server.id
        );
    }
    let wakes = scheduler.poll_wakes();
    for server in 0..model.servers.len() {
        let here = &mut model.servers[server];
        let called = wakes.all || wakes.idle || wakes.server == Some(here.id);
        let Some(alarm) = here.waits.filter(|_| !called) else {
            here.waits = None;
            continue;
        };
        if alarm.is_some_and(|alarm| alarm <= model.now) {
            continue;
        }
        let next = model.next(server);
        let Action::Wait { until } = next else {
            panic!("{server} waits, and nobody says {next:?}")
        };
        assert!(until.is_none_or(|until| alarm.is_some_and(|alarm| alarm <= until)), "no alarm");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_core_does_what_the_model_does(
        tasks in 0..7usize,
        limit in 1..5u32,
        go_on in any::<bool>(),
        server_failures in prop::option::of(1..4u32),
        backup_after in prop::option::of(0..6u64),
        ops in prop::collection::vec(op(), 0..120),
    ) {
        let exhausted = if go_on { Exhausted::GoOn } else { Exhausted::FailRun };
        let backup_after = backup_after.map(Duration::from_millis);
        compare(tasks, (limit, exhausted, server_failures, backup_after), &ops);
    }
}

/// Nobody looks at all the tasks that it has failed, again and again.
#[test]
fn a_server_that_fails_everything_costs_no_more_than_others() {
    const TASKS: usize = 20_000;
    let mut scheduler = Scheduler::new(TASKS, &Options::default());
    let (bad, good) = (scheduler.handle_join(), scheduler.handle_join());
    scheduler.handle_close();
    for _ in 0..TASKS {
        assert!(matches!(scheduler.poll_action(bad, None), Action::Call(_)));
        scheduler.handle_outcome(bad, Outcome::Failed(FailureKind::Elsewhere));
    }
    // With one list of all tasks these would be 400 million steps.
    for task in 0..TASKS {
        assert_eq!(scheduler.poll_action(bad, None), Action::Wait { until: None });
        let Action::Call(attempt) = scheduler.poll_action(good, None) else {
            panic!("a task is left")
        };
        assert_eq!((attempt.task, attempt.number), (task, 2));
        assert!(scheduler.handle_outcome(good, Outcome::Success));
    }
    assert_eq!(scheduler.end(), Some(Ok(())));
}

#[test]
fn a_second_success_ends_a_row_of_failures() {
    let options = Options::default().backup_after(Duration::ZERO);
    let mut scheduler = Scheduler::new(2, &options.server_failures(NonZeroU32::new(2).unwrap()));
    let (one, other) = (scheduler.handle_join(), scheduler.handle_join());
    let now = Some(Instant::now());
    let runs = |next: Action, task| matches!(next, Action::Call(attempt) if attempt.task == task);
    assert!(runs(scheduler.poll_action(one, now), 0));
    scheduler.handle_outcome(one, Outcome::Failed(FailureKind::Retry));
    assert!(runs(scheduler.poll_action(one, now), 1));
    assert!(runs(scheduler.poll_action(other, now), 0));
    let third = scheduler.handle_join();
    assert!(runs(scheduler.poll_action(third, now), 1));
    assert!(scheduler.handle_outcome(third, Outcome::Success));
    assert!(!scheduler.handle_outcome(one, Outcome::Success));
    scheduler.handle_outcome(other, Outcome::Failed(FailureKind::Retry));
    assert!(runs(scheduler.poll_action(one, now), 0));
    scheduler.handle_outcome(one, Outcome::Failed(FailureKind::Retry));
    assert_eq!(scheduler.leave_reason(one), None);
}

/// Servers that have left are not looked at again and again, nor do they take room.
#[test]
fn a_task_that_fails_on_servers_that_come_and_go_stays_cheap() {
    let mut scheduler = Scheduler::new(1, &Options::default().attempts(NonZeroU32::MAX));
    // With a list of all servers these would be 800 million steps.
    for _ in 0..40_000 {
        let server = scheduler.handle_join();
        assert!(matches!(scheduler.poll_action(server, None), Action::Call(_)));
        scheduler.handle_outcome(server, Outcome::Failed(FailureKind::Elsewhere));
        scheduler.handle_retire(server);
        scheduler.handle_leave(server);
    }
    assert_eq!(scheduler.queued(), 1);
}

/// So many sets of servers that all of them cannot be compared for each task.
#[test]
fn tasks_that_fail_here_and_there_cost_no_more_than_others() {
    let mut scheduler = Scheduler::new(50_000, &Options::default().exhausted(Exhausted::GoOn));
    let servers: Vec<_> = (0..100).map(|_| scheduler.handle_join()).collect();
    scheduler.handle_close();
    let mut calls = 0u64;
    while scheduler.end().is_none() {
        for server in &servers {
            if let Action::Call(_) = scheduler.poll_action(*server, None) {
                calls += 1;
                let fails = calls.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 3 == 0;
                let failed = Outcome::Failed(FailureKind::Elsewhere);
                scheduler.handle_outcome(*server, if fails { failed } else { Outcome::Success });
            }
        }
    }
    assert_eq!(scheduler.counts().attempts, calls);
}
