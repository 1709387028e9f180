//! Our parsers of JSON beside other software, on eight documents, whole and in chunks of 65,536, 1,460 and
//! 16 bytes; and values taken out of a document beside all of it in memory.
//!
//! ```text
//! $ cargo bench --bench json                       # three minutes and more
//! $ cargo bench --bench json -- twitter canada     # these documents
//! ```
//!
//! Prints megabytes a second (10^6 bytes), and the ratios that the project has goals for. The results are
//! written where Criterion's are, for `cargo xtask charts`.
//!
//! A processor learns the branches of a document that is parsed again and again, which makes short
//! documents seem faster than any real ones, and a busy machine is slower at one time than at another.
//! So there is a loop here instead of Criterion's: in each round every reader reads every document
//! once, in an order that changes. The result is the median of the rounds.

mod entries;
mod goals;
mod items;
mod medians;
mod results;
mod table;

use std::env;

use pushdown::scan;
use pushdown_peers::json::{DOCUMENTS, Document};

use crate::entries::Field;
use crate::medians::Medians;

fn main() {
    // Cargo and Criterion have options that mean nothing here.
    let wanted: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |name: &&str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let documents: Vec<_> = DOCUMENTS.into_iter().filter(is_wanted).collect();
    if documents.is_empty() {
        println!("no such document: there are {}", DOCUMENTS.join(", "));
        return;
    }
    let mut fields: Vec<Field> =
        documents.iter().map(|name| Field::new(Document::read(name))).collect();
    for field in &mut fields {
        field.check();
    }
    println!("kernel: {}", scan::kernel_name());
    let rounds = entries::measure(&mut fields);
    let disturbed = entries::disturbed(&fields);
    println!(
        "{rounds} rounds; {disturbed:.1} % of all times are half as long again as the least of their kind"
    );
    let medians = Medians::of(&fields);
    table::print(&medians, &documents);
    goals::print(&medians, &documents);
    match results::write(&fields) {
        Ok(folder) => println!("results: {}", folder.display()),
        Err(error) => panic!("the results cannot be written: {error}"),
    }
}
