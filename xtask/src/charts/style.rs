//! Colours and number formats common to all charts.

/// The engines, in the order of the legends.
pub(crate) const ENGINES: [&str; 5] =
    ["machine", "coroutine", "stackless", "generator", "combinator"];

/// The forms of the patterns.
pub(crate) const FORMS: [&str; 11] = [
    "mutex",
    "task",
    "tokio",
    "thread",
    "mux",
    "never",
    "after",
    "percentile",
    "healthy",
    "stopped",
    "first-call",
];

/// Functions with which the others of a panel are compared: the first of these that it has.
pub(crate) const REFERENCES: [&str; 6] = ["machine", "mutex", "tokio", "mux", "after", "healthy"];

/// Returns `true` for an engine and for a form of a pattern.
pub(crate) fn is_ours(function: &str) -> bool {
    ENGINES.contains(&function) || FORMS.contains(&function)
}

/// Returns `machine` for `machine-values` and for `json-machine`.
pub(crate) fn first_word(function: &str) -> &str {
    let function = function.strip_prefix("json-").unwrap_or(function);
    function.split_once('-').map_or(function, |(word, _)| word)
}

pub(crate) const INK: &str = "#222222";
pub(crate) const GREY: &str = "#9a9a9a";
pub(crate) const FAINT: &str = "#e4e4e4";

/// The colour of an engine or form and its variants, such as `coroutine-fresh`; grey for everything
/// else.
///
/// The palette is safe for colour-blind readers (M. Okabe and K. Ito, "Color Universal Design",
/// 2008).
pub(crate) fn colour(function: &str) -> &'static str {
    match first_word(function) {
        "machine" | "mutex" | "tokio" | "mux" | "after" | "healthy" => "#0072b2",
        "coroutine" | "task" | "stopped" => "#d55e00",
        "stackless" | "thread" | "never" => "#009e73",
        "generator" | "percentile" | "first" => "#cc79a7",
        "combinator" => "#e69f00",
        _ => GREY,
    }
}

/// A function's name in the charts.
pub(crate) fn label(function: &str) -> &str {
    match function {
        "limit" => "limit (memchr2)",
        _ => function.strip_prefix("peer-").unwrap_or(function),
    }
}

/// A number with three significant digits, or two if it is less than one, and commas between
/// thousands.
pub(crate) fn figure(number: f64) -> String {
    let digits = |number: f64| if number < 1.0 { 1 } else { 2 };
    let rounded: f64 = format!("{number:.*e}", digits(number)).parse().unwrap_or(number);
    let decimals = digits(rounded) as i32 - rounded.log10().floor() as i32;
    let text = format!("{rounded:.*}", decimals.max(0) as usize);
    with_commas(&text)
}

/// A number at an axis mark, with all its digits.
pub(crate) fn mark(number: f64) -> String {
    let text = format!("{number:.9}");
    with_commas(text.trim_end_matches('0').trim_end_matches('.'))
}

fn with_commas(number: &str) -> String {
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}
