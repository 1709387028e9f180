//! Compiles the C machine of Ragel, if `ragel` and a C compiler are installed, and sets the cfg
//! `ragel`. Otherwise the benchmark prints the reason and runs without it.

use std::env;
use std::path::Path;
use std::process::Command;

const SOURCE: &str = "src/ragel.rl";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rustc-check-cfg=cfg(ragel)");
    match compile() {
        Ok(()) => println!("cargo::rustc-cfg=ragel"),
        Err(reason) => println!("cargo::rustc-env=RAGEL_MISSING={reason}"),
    }
}

fn compile() -> Result<(), String> {
    let out = env::var("OUT_DIR").map_err(|error| error.to_string())?;
    let code = Path::new(&out).join("ragel.c");
    // -G2: a label for each state, with actions inlined.
    let status = Command::new("ragel").args(["-C", "-G2", "-o"]).arg(&code).arg(SOURCE).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("ragel failed: {status}")),
        Err(error) => return Err(format!("ragel does not run: {error}")),
    }
    let compiled = cc::Build::new().file(code).warnings(false).try_compile("quoted");
    compiled.map_err(|error| format!("no C compiler: {}", error.to_string().replace('\n', " ")))
}
