//! The charts of `pushdown-patterns`.

use super::catalogue::{Chart, Panels};
use super::criterion::Measurement;

fn microseconds(measurement: &Measurement) -> f64 {
    measurement.cost() / 1000.0
}

pub(crate) const CHARTS: [Chart; 6] = [
    Chart {
        name: "fan-out",
        title: "Fan-out without loss",
        subtitle: "Up to 1,024 events wait for a subscriber. Lower is better.",
        x: "nanoseconds per delivery",
        y: "",
        value: Measurement::cost,
        panels: Panels::Bars(&[
            ("10 subscribers", "pubsub/fan-out", "10"),
            ("100 subscribers", "pubsub/fan-out", "100"),
            ("1,000 subscribers", "pubsub/fan-out", "1000"),
        ]),
    },
    Chart {
        name: "drop",
        title: "Fan-out with loss",
        subtitle: "The oldest of 1,024 events is lost and counted. Lower is better.",
        x: "nanoseconds per event delivered or counted",
        y: "",
        value: Measurement::cost,
        panels: Panels::Bars(&[
            ("10 subscribers", "pubsub/drop", "10"),
            ("100 subscribers", "pubsub/drop", "100"),
            ("1,000 subscribers", "pubsub/drop", "1000"),
        ]),
    },
    Chart {
        name: "schedule",
        title: "A task of the scheduler",
        subtitle: "Tasks that do nothing, and EVAL on redis-server. Lower is better.",
        x: "nanoseconds per task",
        y: "",
        value: Measurement::cost,
        panels: Panels::Bars(&[
            ("8 servers, nothing to do", "schedule/no-op", ""),
            ("EVAL on redis-server", "schedule/eval", ""),
        ]),
    },
    Chart {
        name: "replicated",
        title: "A call to a replicated service",
        subtitle: "Hedged never, after a delay, or at a percentile. Lower is better.",
        x: "nanoseconds per call",
        y: "",
        value: Measurement::cost,
        panels: Panels::Bars(&[
            ("answered at once", "replicated/ready", ""),
            ("answered after a wait", "replicated/yields", ""),
        ]),
    },
    Chart {
        name: "stopped",
        title: "The preferred server stops",
        subtitle: "GET from one of three redis-servers. Lower is better.",
        x: "microseconds per call",
        y: "",
        value: microseconds,
        panels: Panels::Bars(&[("a hedge after 5 ms", "replicated/redis", "")]),
    },
    Chart {
        name: "mux",
        title: "Many callers over one connection",
        subtitle: "GET of 32 bytes. Lower is better.",
        x: "microseconds per call",
        y: "",
        value: microseconds,
        panels: Panels::Bars(&[
            ("memcached, 1 caller", "mux/memcached", "1"),
            ("memcached, 64 callers", "mux/memcached", "64"),
            ("memcached, 1,024 callers", "mux/memcached", "1024"),
            ("redis-server, 1 caller", "mux/redis", "1"),
            ("redis-server, 64 callers", "mux/redis", "64"),
            ("redis-server, 1,024 callers", "mux/redis", "1024"),
        ]),
    },
];
