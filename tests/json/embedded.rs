//! The bodies that read a value, called by bodies of others: they answer as a parser of one value does.

use pushdown::engine::{coroutine, stackless};
use pushdown::json::{Extent, Json, Limits, value, value_async};

use crate::cases;
use crate::common::{Engine, Expected, Rules};
use crate::cuttings::pairs;

#[test]
fn a_body_that_calls_another_for_a_value_answers_as_a_parser_of_one_value() {
    let (mut inputs, mut runs) = (0, 0);
    for case in cases::all().iter().filter(|case| case.input.len() <= 32) {
        let rules = Rules { extent: Extent::Value, ..case.rules };
        let Rules { depth, string, number, .. } = rules;
        let limits = Limits::new().max_depth(depth).max_string(string).max_number(number);
        let straight = move |input: &mut coroutine::Input<'_, Json>| {
            value(input, limits, |event, _span| event)
        };
        let awaited = async move |input: &mut stackless::Input<'_, Json>| {
            value_async(input, limits, |event, _span| event).await
        };
        let mut engines = [
            Engine::new("value", rules, coroutine::Parser::new(straight)),
            Engine::new("value_async", rules, stackless::Parser::new(awaited)),
        ];
        let expected = Expected::prompt(&case.input, rules);
        for cuts in pairs(case.input.len()) {
            runs += Engine::check_all(&mut engines, &cuts, &expected);
        }
        inputs += 1;
    }
    println!("{inputs} inputs, {runs} runs");
    assert!(inputs > 100 && runs > inputs);
}
