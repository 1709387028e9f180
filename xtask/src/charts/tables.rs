//! The tables of Criterion's results, each of which has a folder of its own.

/// The command that takes all measurements of Criterion.
pub(crate) const COMMAND: &str =
    "cargo bench && (cd benches/peers && cargo bench) && cargo xtask charts";

/// The results of benches that are shown together.
pub(crate) struct Table {
    /// The argument of `--only`, and the folder.
    pub(crate) name: &'static str,
    /// The groups `bench/…` and `bench-…/…` of each belong to the table.
    benches: &'static [&'static str],
    /// The command that takes the measurements.
    pub(crate) command: &'static str,
}

pub(crate) const TABLES: [Table; 5] = [
    Table {
        name: "quoted",
        benches: &["quoted", "bodies", "create", "scale"],
        command: "cargo bench --bench quoted --bench bodies --bench create --bench scale && \
            (cd benches/peers && cargo bench --bench quoted) && cargo xtask charts --only quoted",
    },
    Table {
        name: "json",
        benches: &["json"],
        command: "(cd benches/peers && cargo bench --bench json) && cargo xtask charts --only json",
    },
    Table {
        name: "resp",
        benches: &["resp"],
        command: "(cd benches/peers && cargo bench --bench resp) && cargo xtask charts --only resp",
    },
    Table {
        name: "sse",
        benches: &["sse"],
        command: "(cd benches/peers && cargo bench --bench sse) && cargo xtask charts --only sse",
    },
    Table {
        name: "patterns",
        benches: &["pubsub", "schedule", "replicated", "mux"],
        command: "cargo bench -p pushdown-patterns-benches && \
            (cd benches/peers && cargo bench --bench pubsub --bench replicated --bench mux) && \
            cargo xtask charts --only patterns",
    },
];

impl Table {
    /// Returns `true` for a group of this table.
    pub(crate) fn has(&self, group: &str) -> bool {
        self.benches
            .iter()
            .any(|bench| group.strip_prefix(bench).is_some_and(|rest| rest.starts_with(['/', '-'])))
    }
}
