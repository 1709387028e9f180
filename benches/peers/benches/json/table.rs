//! The table of speeds.

use crate::entries::Size;
use crate::items;
use crate::medians::Medians;
use pushdown_peers::json::{Reader, readers};

/// Prints a row for each reader, and a column for each document.
pub(crate) fn print(medians: &Medians, documents: &[&'static str]) {
    let readers: Vec<_> = readers().iter().map(|Reader { name, .. }| *name).collect();
    for (group, functions) in [("json", &readers[..]), ("json-items", &items::NAMES)] {
        for size in Size::ALL {
            let rows: Vec<_> = functions
                .iter()
                .filter_map(|function| {
                    let speed = |document| medians.speed(group, function, size, document);
                    let speeds: Vec<_> = documents.iter().map(|document| speed(document)).collect();
                    speeds.iter().any(Option::is_some).then_some((*function, speeds))
                })
                .collect();
            if rows.is_empty() {
                continue;
            }
            heading(&format!("{group}, {}: MB/s", size.name()), documents);
            for (function, speeds) in rows {
                print!("{function:24}");
                for speed in speeds {
                    match speed {
                        Some(speed) => print!("{:>10.0}", 1000.0 * speed),
                        None => print!("{:>10}", "-"),
                    }
                }
                println!();
            }
        }
    }
}

/// Prints a title, and the names of the documents as far as there is room.
pub(crate) fn heading(title: &str, documents: &[&'static str]) {
    println!("\n{title}");
    print!("{:24}", "");
    for document in documents {
        print!(" {:>9}", &document[..document.len().min(9)]);
    }
    println!();
}
