//! `cargo xtask licences`, run on packages written here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Writes a package that depends on one with this licence. Returns its manifest.
fn package(name: &str, licence: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    // A dependency inside the workspace's directory would be a member of it, and so not be checked.
    let dependent = "[dependencies]\ndependency = { path = \"../dependency\" }\n[workspace]\n";
    for (name, rest) in [("dependent", dependent), ("dependency", licence)] {
        let directory = directory.join(name);
        fs::create_dir_all(directory.join("src")).unwrap();
        fs::write(directory.join("src/lib.rs"), "").unwrap();
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.2.3\"\n{rest}");
        fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    }
    let lock = "version = 4\n\n[[package]]\nname = \"dependency\"\nversion = \"1.2.3\"\n\n\
                [[package]]\nname = \"dependent\"\nversion = \"1.2.3\"\n\
                dependencies = [\n \"dependency\",\n]\n";
    fs::write(directory.join("dependent/Cargo.lock"), lock).unwrap();
    directory.join("dependent/Cargo.toml")
}

fn licences(args: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).arg("licences").args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_dependency_with_an_allowed_licence_passes() {
    let output = licences(&[&package("allowed", "license = \"MIT OR GPL-3.0\"\n")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(output.stdout, b"1 packages have allowed licences\n");
}

#[test]
fn a_dependency_without_an_allowed_licence_is_named() {
    for (licence, complaint) in [
        ("license = \"GPL-3.0\"\n", "dependency 1.2.3: GPL-3.0 is not allowed"),
        ("license = \"MIT AND\"\n", "dependency 1.2.3: MIT AND is not an SPDX expression"),
        ("", "dependency 1.2.3: no licence"),
    ] {
        let output = licences(&[&package("refused", licence)]);
        assert_eq!(output.status.code(), Some(1), "{licence}");
        assert!(stderr(&output).contains(complaint), "{}", stderr(&output));
    }
}

#[test]
fn a_missing_manifest_fails() {
    let missing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing/Cargo.toml");
    let output = licences(&[&missing]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("missing/Cargo.toml"), "{}", stderr(&output));
}

#[test]
fn an_unknown_option_prints_the_usage() {
    let output = licences(&[Path::new("--allow")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("unknown option --allow"), "{}", stderr(&output));
    assert!(stderr(&output).contains("Usage: cargo xtask"), "{}", stderr(&output));
}
