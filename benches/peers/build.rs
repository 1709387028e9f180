//! Compiles the peers in C, and sets a cfg for each: `ragel`, the machine that Ragel makes, if `ragel` is installed, and
//! `hiredis`, if its library is. Both need a C compiler. Otherwise the benchmark prints the reason and runs without it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const RAGEL: &str = "src/ragel.rl";
const HIREDIS: &str = "src/hiredis.c";

fn main() {
    println!("cargo::rerun-if-changed={RAGEL}");
    println!("cargo::rerun-if-changed={HIREDIS}");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rustc-check-cfg=cfg(ragel, hiredis)");
    let ragel = ragel().and_then(|code| compile(&code, "quoted"));
    match ragel {
        Ok(()) => println!("cargo::rustc-cfg=ragel"),
        Err(reason) => println!("cargo::rustc-env=RAGEL_MISSING={reason}"),
    }
    match compile(Path::new(HIREDIS), "replies") {
        Ok(()) => {
            println!("cargo::rustc-link-lib=hiredis");
            println!("cargo::rustc-cfg=hiredis");
        }
        Err(reason) => println!("cargo::rustc-env=HIREDIS_MISSING={reason}"),
    }
}

fn ragel() -> Result<PathBuf, String> {
    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    let code = Path::new(&out).join("ragel.c");
    // -G2: a label for each state, with actions inlined.
    let status = Command::new("ragel").args(["-C", "-G2", "-o"]).arg(&code).arg(RAGEL).status();
    match status {
        Ok(status) if status.success() => Ok(code),
        Ok(status) => Err(format!("ragel failed: {status}")),
        Err(error) => Err(format!("ragel does not run: {error}")),
    }
}

fn compile(code: &Path, library: &str) -> Result<(), String> {
    let compiled = cc::Build::new().file(code).warnings(false).try_compile(library);
    compiled.map_err(|error| {
        format!("{} does not compile: {}", code.display(), error.to_string().replace('\n', " "))
    })
}
