//! The example `gigabyte`, run with a smaller document.

use std::env::{self, consts::EXE_SUFFIX};
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let path = target.join("examples").join(format!("gigabyte{EXE_SUFFIX}"));
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    Command::new(path).args(args).output().unwrap()
}

#[test]
fn every_engine_takes_the_document_apart_in_constant_memory() {
    let output = run(&["4"]);
    let table = str::from_utf8(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Vec<&str>> =
        table.lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
    let engines: Vec<_> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(engines, ["machine", "coroutine", "stackless", "generator"]);
    for row in &rows {
        let [_, elements, bytes, _, _, growth] = row[..] else { panic!("{row:?}") };
        let number = |text: &str| text.replace(',', "").parse::<u64>().unwrap();
        assert!(number(elements) > 10_000 && number(bytes) >= 4 << 20, "{row:?}");
        // AddressSanitizer keeps memory that has been freed.
        if cfg!(all(target_os = "linux", not(pushdown_asan))) {
            assert!(number(growth) < 512, "{row:?}");
        }
    }
    println!("{} engines", rows.len());
}

#[test]
fn an_argument_that_is_no_number_of_mebibytes_is_refused() {
    for args in [&["1"][..], &["many"], &["2", "2"]] {
        let output = run(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(error, "gigabyte: expected a number of mebibytes, from 2 on\n", "{args:?}");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
    }
}
