//! `cargo xtask licences`: the licences of all dependencies, checked against an allow list.
//!
//! An expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` passes if a choice of its
//! alternatives needs allowed licences alone. Known vulnerabilities are not checked here: the
//! advisory database changes without the repository, so the scheduled GitHub workflow asks it.

use std::collections::BTreeSet;
use std::env;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{Failure, in_repository};

/// The licences a dependency may have, each with the reason to allow it. An entry that no dependency
/// needs fails the check, so that the list stays short.
const ALLOWED: [(&str, &str); 6] = [
    ("MIT", "one of this project's own"),
    ("Apache-2.0", "one of this project's own"),
    ("Unicode-3.0", "tables in unicode-ident and ICU: a notice, and no names of the authors"),
    ("NCSA", "libFuzzer, compiled into the fuzz targets and never distributed"),
    ("BSD-3-Clause", "redis-rs, a peer in the benchmarks and never distributed"),
    ("BSL-1.0", "xxhash-rust, a dependency of redis-rs and never distributed"),
];

const MANIFESTS: [&str; 3] = ["Cargo.toml", "fuzz/Cargo.toml", "benches/peers/Cargo.toml"];

/// Runs the command with these arguments and prints the number of packages checked.
pub(crate) fn run(args: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut manifests = Vec::new();
    for arg in args {
        if arg.starts_with('-') {
            return Err(Failure::Usage(format!("unknown option {arg}")));
        }
        manifests.push(PathBuf::from(arg));
    }
    let complete = manifests.is_empty();
    if complete {
        manifests = MANIFESTS.map(in_repository).into();
    }
    let packages = check(&manifests, complete).map_err(Failure::Failed)?;
    println!("{packages} packages have allowed licences");
    Ok(())
}

/// Checks the dependencies of these manifests and returns their number. `complete` says that together
/// they are the whole repository, which has to need every entry of the allow list.
fn check(manifests: &[PathBuf], complete: bool) -> Result<usize, String> {
    let mut packages = BTreeSet::new();
    let mut needed = BTreeSet::new();
    let mut refused = BTreeSet::new();
    for manifest in manifests {
        for package in dependencies(manifest)? {
            let name = format!("{} {}", package["name"], package["version"]).replace('"', "");
            match package["license"].as_str().map(allowed) {
                Some(Ok(licences)) => needed.extend(licences),
                Some(Err(reason)) => _ = refused.insert(format!("{name}: {reason}")),
                None => _ = refused.insert(format!("{name}: no licence")),
            }
            packages.insert(name);
        }
    }
    if packages.is_empty() {
        refused.insert("no dependencies found".to_owned());
    }
    if complete {
        let unused = ALLOWED.iter().filter(|(licence, _)| !needed.contains(licence));
        refused.extend(unused.map(|(licence, _)| format!("no dependency needs {licence}")));
    }
    if refused.is_empty() {
        Ok(packages.len())
    } else {
        Err(refused.into_iter().collect::<Vec<_>>().join("\nxtask: "))
    }
}

/// The packages that a manifest depends on, without the workspace's own, as `cargo metadata` lists
/// them: for all targets and with all features.
fn dependencies(manifest: &Path) -> Result<Vec<Value>, String> {
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--all-features", "--locked"])
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo metadata of {} failed: {error}", manifest.display()));
    }
    let mut metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata of {}: {error}", manifest.display()))?;
    let members = metadata["workspace_members"].take();
    let Value::Array(mut packages) = metadata["packages"].take() else {
        return Err(format!("cargo metadata of {} lists no packages", manifest.display()));
    };
    let is_member = |id: &Value| members.as_array().is_some_and(|members| members.contains(id));
    packages.retain(|package| !is_member(&package["id"]));
    Ok(packages)
}

/// Chooses allowed licences that satisfy an SPDX expression, in which `/` may stand for `OR` as in
/// old manifests.
fn allowed(expression: &str) -> Result<BTreeSet<&'static str>, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    match alternatives(&mut words).map(|chosen| (chosen, words.next())) {
        Some((Some(licences), None)) => Ok(licences),
        Some((None, None)) => Err(format!("{expression} is not allowed")),
        _ => Err(format!("{expression} is not an SPDX expression")),
    }
}

/// The licences chosen; `None` if every choice needs one that is not allowed.
type Choice = Option<BTreeSet<&'static str>>;

/// Parses `all OR all OR …` and chooses the first allowed alternative.
///
/// This and the next two functions return `None` where the expression is malformed.
fn alternatives<'e>(words: &mut Peekable<impl Iterator<Item = &'e str>>) -> Option<Choice> {
    let mut choice = all(words)?;
    while words.next_if_eq(&"OR").is_some() {
        let other = all(words)?;
        choice = choice.or(other);
    }
    Some(choice)
}

/// Parses `one AND one AND …`.
fn all<'e>(words: &mut Peekable<impl Iterator<Item = &'e str>>) -> Option<Choice> {
    let mut choice = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        let other = one(words)?;
        choice = choice.zip(other).map(|(choice, other)| &choice | &other);
    }
    Some(choice)
}

/// Parses a licence, or an expression in parentheses. A licence with an exception is another
/// licence, so that each exception needs an entry of its own.
fn one<'e>(words: &mut Peekable<impl Iterator<Item = &'e str>>) -> Option<Choice> {
    let word = words.next()?;
    if word == "(" {
        let choice = alternatives(words)?;
        return words.next_if_eq(&")").map(|_| choice);
    }
    if matches!(word, ")" | "OR" | "AND" | "WITH") {
        return None;
    }
    let licence = match words.next_if_eq(&"WITH") {
        Some(with) => format!("{word} {with} {}", words.next()?),
        None => word.to_owned(),
    };
    let entry = ALLOWED.iter().find(|(allowed, _)| *allowed == licence);
    Some(entry.map(|(allowed, _)| BTreeSet::from([*allowed])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_needs_allowed_licences_in_one_of_its_alternatives() {
        let cases: [(&str, Option<&[&str]>); 9] = [
            ("MIT", Some(&["MIT"])),
            ("GPL-3.0", None),
            ("GPL-3.0 OR MIT", Some(&["MIT"])),
            ("GPL-3.0/Apache-2.0", Some(&["Apache-2.0"])),
            ("GPL-3.0 AND MIT", None),
            ("(MIT OR GPL-3.0) AND Unicode-3.0", Some(&["MIT", "Unicode-3.0"])),
            ("MIT AND (GPL-3.0 OR GPL-2.0)", None),
            ("GPL-3.0 OR MIT AND Apache-2.0", Some(&["MIT", "Apache-2.0"])),
            ("Apache-2.0 WITH LLVM-exception", None),
        ];
        for (expression, expected) in cases {
            let expected = expected.map(|licences| licences.iter().copied().collect());
            assert_eq!(allowed(expression).ok(), expected, "{expression}");
        }
        println!("{} licence expressions", cases.len());
    }

    #[test]
    fn a_malformed_expression_is_refused() {
        for expression in ["", "MIT OR", "MIT MIT", "(MIT", "MIT)", "OR MIT", "Apache-2.0 WITH"] {
            let refused = allowed(expression).unwrap_err();
            assert!(refused.ends_with("is not an SPDX expression"), "{expression}: {refused}");
        }
    }
}
