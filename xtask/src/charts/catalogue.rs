//! The charts and what each shows.

use super::bars::{self, Bar};
use super::criterion::{Measurement, Parameter};
use super::frame::Labels;
use super::lines::{self, Line};
use super::patterns;
use super::style::{REFERENCES, figure};

/// A chart's labels, and the value it takes from a measurement.
pub(crate) struct Chart {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) subtitle: &'static str,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) value: fn(&Measurement) -> f64,
    pub(crate) panels: Panels,
}

/// The panels of a chart, each with a title.
pub(crate) enum Panels {
    /// `(title, group)`: all results of the group, by parameter.
    Lines(&'static [(&'static str, &'static str)]),
    /// `(title, group, parameter)`: the results of the group with this parameter. A group that ends in `/`
    /// stands for all below it.
    Bars(&'static [(&'static str, &'static str, &'static str)]),
    /// Each document with each parameter in turn, as bars. A document is a group below this one.
    Documents {
        group: &'static str,
        documents: &'static [&'static str],
        parameters: &'static [Size],
    },
}

/// `(parameter, what a title says of it)`
type Size = (&'static str, &'static str);

const CHARTS: [Chart; 15] = [
    Chart {
        name: "chunks",
        title: "Throughput by chunk size",
        subtitle: "A quoted string in cache, without a sink. Higher is better.",
        x: "bytes in a chunk",
        y: "GB/s",
        value: Measurement::throughput,
        panels: Panels::Lines(&[
            ("no escapes", "quoted/plain"),
            ("an escape in 50 bytes", "quoted/escapes-2%"),
            ("an escape in 2 bytes", "quoted/escapes-half"),
            ("nothing but backslashes", "quoted/backslashes"),
            ("random bytes", "quoted/random"),
        ]),
    },
    Chart {
        name: "bulk",
        title: "Throughput in chunks of 64 KiB",
        subtitle: "A quoted string, without a sink. Higher is better.",
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Bars(&[
            ("no escapes", "quoted/plain", "65536"),
            ("an escape in 50 bytes", "quoted/escapes-2%", "65536"),
            ("an escape in 2 bytes", "quoted/escapes-half", "65536"),
            ("a document of JSON as a string", "quoted/document", "65536"),
            ("no escapes, 64 MiB from memory", "quoted/memory", "65536"),
        ]),
    },
    Chart {
        name: "events",
        title: "Throughput with a sink that takes all text",
        subtitle: "A quoted string in chunks of 64 KiB. Higher is better.",
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Bars(&[
            ("no escapes", "quoted-events/plain", "65536"),
            ("an escape in 50 bytes", "quoted-events/escapes-2%", "65536"),
            ("an escape in 2 bytes", "quoted-events/escapes-half", "65536"),
            ("random bytes", "quoted-events/random", "65536"),
        ]),
    },
    Chart {
        name: "chars",
        title: "One character at a time",
        subtitle: "process_char, in a call that is not inlined. Lower is better.",
        x: "nanoseconds per character",
        y: "",
        value: Measurement::cost,
        panels: Panels::Bars(&[
            ("ASCII", "quoted/char", "ascii"),
            ("one to four bytes each", "quoted/char", "multi-byte"),
        ]),
    },
    Chart {
        name: "bodies",
        title: "Byte by byte, without a scan",
        subtitle: "One recogniser in every form of the lecture, in chunks of 1,460 bytes. Lower is better.",
        x: "nanoseconds per byte",
        y: "",
        value: Measurement::cost,
        panels: Panels::Bars(&[
            ("no escapes, inlined", "bodies/plain", "1460"),
            ("an escape in 50 bytes, inlined", "bodies/escapes-2%", "1460"),
            ("no escapes, called", "bodies-called/plain", "1460"),
            ("an escape in 50 bytes, called", "bodies-called/escapes-2%", "1460"),
            ("no escapes, beside others", "bodies-peers/plain", "1460"),
            ("an escape in 50 bytes, beside others", "bodies-peers/escapes-2%", "1460"),
        ]),
    },
    Chart {
        name: "create",
        title: "A parser that lives for three bytes",
        subtitle: "Created, fed and dropped. Lower is better.",
        x: "nanoseconds per parser",
        y: "",
        value: Measurement::cost,
        panels: Panels::Bars(&[
            ("dropped after the string", "create/done", ""),
            ("dropped inside the string", "create/half-way", ""),
        ]),
    },
    Chart {
        name: "scale",
        title: "One of many live parsers",
        subtitle: "Fed in turn, each in the middle of a string. Lower is better.",
        x: "live parsers",
        y: "nanoseconds per feed",
        value: |measurement| measurement.median,
        panels: Panels::Lines(&[("1 byte", "scale/1-byte"), ("64 bytes", "scale/64-bytes")]),
    },
    Chart {
        name: "json",
        title: "JSON in chunks of 64 KiB",
        subtitle: JSON,
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Documents {
            group: "json",
            documents: &DOCUMENTS,
            parameters: &[("65536", "")],
        },
    },
    Chart {
        name: "json-whole",
        title: "JSON in one chunk",
        subtitle: JSON,
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Documents {
            group: "json",
            documents: &DOCUMENTS,
            parameters: &[("whole", "")],
        },
    },
    Chart {
        name: "json-chunks",
        title: "JSON by chunk size",
        subtitle: JSON,
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Documents {
            group: "json",
            documents: &["twitter", "citm_catalog", "canada"],
            parameters: &[
                ("65536", " in 65,536 bytes"),
                ("1460", " in 1,460 bytes"),
                ("16", " in 16 bytes"),
            ],
        },
    },
    Chart {
        name: "json-items",
        title: "Values taken out of JSON",
        subtitle: "Into serde's types: one at a time, or the whole document at once. Higher is better.",
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Documents {
            group: "json-items",
            documents: &DOCUMENTS,
            parameters: &[("whole", "")],
        },
    },
    Chart {
        name: "resp",
        title: "RESP in one chunk",
        subtitle: RESP,
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Documents {
            group: "resp",
            documents: &REPLIES,
            parameters: &[("whole", "")],
        },
    },
    Chart {
        name: "resp-chunks",
        title: "RESP in small chunks",
        subtitle: RESP,
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Documents {
            group: "resp",
            documents: &["lrange", "lrange-large", "large", "pipeline-requests.requests"],
            parameters: &[("1460", " in 1,460 bytes"), ("16", " in 16 bytes")],
        },
    },
    Chart {
        name: "sse",
        title: "Event streams in chunks of 64 KiB",
        subtitle: SSE,
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Documents {
            group: "sse",
            documents: &STREAMS,
            parameters: &[("65536", "")],
        },
    },
    Chart {
        name: "sse-chunks",
        title: "Event streams in small chunks",
        subtitle: SSE,
        x: "GB/s",
        y: "",
        value: Measurement::throughput,
        panels: Panels::Documents {
            group: "sse",
            documents: &STREAMS,
            parameters: &[("1460", " in 1,460 bytes"), ("16", " in 16 bytes")],
        },
    },
];

const RESP: &str = "Events with a sink, and values. Higher is better.";

const REPLIES: [&str; 9] = [
    "lrange",
    "hgetall",
    "hgetall-resp2",
    "integers",
    "lrange-large",
    "bulk-resp3.replies",
    "mixed-resp2.replies",
    "mixed-resp3.replies",
    "pipeline-requests.requests",
];

const SSE: &str = "Events, and whole messages: lent or owned. Higher is better.";

const STREAMS: [&str; 4] = ["chat", "typed", "ticks", "pages"];

const JSON: &str = "With a sink that reads every text, or without one. Higher is better.";

const DOCUMENTS: [&str; 8] = [
    "twitter",
    "citm_catalog",
    "canada",
    "github_events",
    "synthea_fhir",
    "golang_source",
    "twitterescaped",
    "string_unicode",
];

/// Draws the charts that have results. Returns each with its name.
pub(crate) fn draw(measurements: &[Measurement], footer: &str) -> Vec<(&'static str, String)> {
    CHARTS
        .iter()
        .chain(&patterns::CHARTS)
        .filter_map(|chart| Some((chart.name, chart.draw(measurements, footer)?)))
        .collect()
}

impl Chart {
    fn draw(&self, measurements: &[Measurement], footer: &str) -> Option<String> {
        let &Self { title, subtitle, x, y, value, ref panels, .. } = self;
        let labels = Labels { title, subtitle, x, y, footer };
        match panels {
            Panels::Lines(panels) => {
                let panels = panels.iter().map(|&(title, group)| {
                    let lines = lines_of(in_group(measurements, group), value);
                    lines::Panel { title, lines }
                });
                let panels: Vec<_> = panels.filter(|panel| !panel.lines.is_empty()).collect();
                (!panels.is_empty()).then(|| lines::draw(&labels, &panels))
            }
            Panels::Bars(list) => {
                let panels = list.iter().map(|&(title, group, parameter)| {
                    (title.to_owned(), group.to_owned(), parameter)
                });
                self.bars(&labels, measurements, panels)
            }
            &Panels::Documents { group, documents, parameters } => {
                let panels = documents.iter().flat_map(|document| {
                    // The ending would not leave room for the name of the ratios.
                    let name = document.split('.').next().unwrap_or_default();
                    parameters.iter().map(move |(parameter, text)| {
                        (format!("{name}{text}"), format!("{group}/{document}"), *parameter)
                    })
                });
                self.bars(&labels, measurements, panels)
            }
        }
    }

    /// Draws a panel for each title, group and parameter that has results.
    fn bars(
        &self,
        labels: &Labels<'_>,
        measurements: &[Measurement],
        panels: impl Iterator<Item = (String, String, &'static str)>,
    ) -> Option<String> {
        let panels = panels.map(|(title, group, parameter)| {
            let measurements = in_group(measurements, &group)
                .filter(|measurement| measurement.id.parameter.to_string() == parameter);
            panel_of(title, measurements, self.value)
        });
        let panels: Vec<_> = panels.filter(|panel| !panel.bars.is_empty()).collect();
        (!panels.is_empty()).then(|| bars::draw(labels, &panels))
    }
}

fn in_group<'m, 'g>(
    measurements: &'m [Measurement],
    group: &'g str,
) -> impl Iterator<Item = &'m Measurement> + use<'m, 'g> {
    measurements.iter().filter(move |measurement| {
        let found = &measurement.id.group;
        found == group || group.ends_with('/') && found.starts_with(group)
    })
}

/// A line for each function. Measurements come sorted by function, then by parameter.
fn lines_of<'m>(
    measurements: impl Iterator<Item = &'m Measurement>,
    value: fn(&Measurement) -> f64,
) -> Vec<Line<'m>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for measurement in measurements {
        let function = &measurement.id.function[..];
        let Parameter::Number(parameter) = measurement.id.parameter else { continue };
        if !lines::shows(function) {
            continue;
        }
        let point = (parameter as f64, value(measurement));
        match lines.last_mut() {
            Some(line) if line.function == function => line.points.push(point),
            _ => lines.push(Line { function, points: vec![point] }),
        }
    }
    lines
}

/// A bar for each measurement, the fastest first.
fn panel_of<'m>(
    title: String,
    measurements: impl Iterator<Item = &'m Measurement>,
    value: fn(&Measurement) -> f64,
) -> bars::Panel<'m> {
    let mut measurements: Vec<_> = measurements.collect();
    measurements.sort_by(|a, b| a.cost().total_cmp(&b.cost()));
    let reference = REFERENCES.iter().find_map(|reference| {
        measurements.iter().find(|measurement| measurement.id.function == *reference)
    });
    let bars = measurements.iter().map(|measurement| Bar {
        function: &measurement.id.function,
        value: value(measurement),
        text: figure(value(measurement)),
        ratio: reference.map(|reference| measurement.cost() / reference.cost()),
    });
    let compared_with = reference.map(|reference| format!("{}'s time", reference.id.function));
    bars::Panel { title, bars: bars.collect(), compared_with }
}
