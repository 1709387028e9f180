//! The dump as a page, and names that try to be more than names.

use std::time::Instant;

use pushdown_patterns::debug::{Dump, dump};
use pushdown_patterns::pubsub::{Policy, Subscription, mutex::Server};
use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};

use crate::TURN;

/// Returns the dump of a runtime in which readers of servers with these names wait, and a run.
fn dump_of(names: &[&str]) -> Dump {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for name in names {
            let server = Server::<u64>::new().named(*name);
            let readers = [(); 2].map(|()| server.subscribe(Policy::drop_oldest(1)).unwrap());
            let wait = |mut reader: Subscription<u64>| {
                tokio::spawn(async move { reader.recv().await.is_some() })
            };
            let _ = readers.map(wait);
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(server);
            });
        }
        let call =
            async |_: Lease<u8>, ()| std::future::pending::<Result<(), CallFailure<()>>>().await;
        let run = schedule(vec![0], [()], call, Options::default());
        // The readers, and a call.
        until_waiting(2 * names.len() + 1).await;
        let dump = dump();
        drop(run);
        dump
    })
}

async fn until_waiting(count: usize) {
    while dump().waiting() < count {
        tokio::task::yield_now().await;
    }
}

/// Returns the cells of the rows, without their tags.
fn rows(page: &str) -> Vec<Vec<String>> {
    let cells = |row: &str| -> Vec<String> {
        let cells = row.split("<td role=\"cell\"").skip(1);
        let text = |cell: &str| {
            let cell = &cell[cell.find('>').unwrap() + 1..cell.find("</td>").unwrap()];
            let bar = cell.find("<i").unwrap_or(cell.len());
            cell[..bar].replace("<bdi>", "").replace("</bdi>", "")
        };
        cells.map(text).collect()
    };
    page.split("<tr role=\"row\" class").skip(1).map(cells).collect()
}

#[test]
fn a_page_has_a_row_for_each_group_with_all_that_its_line_says() {
    let _turn = TURN.lock();
    let dump = dump_of(&["orders"]);
    let page = dump.html().to_string();
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{page}");
    let total = dump.to_string();
    let total = total.lines().next().unwrap();
    assert_eq!(total, "3 waiting, 1 running");
    assert!(page.contains(&format!("<title>{total}</title>")));
    assert!(page.contains(&format!("<h1>{total}</h1>")));
    let rows = rows(&page);
    assert_eq!(rows.len(), dump.groups().len());
    for (row, group) in rows.iter().zip(dump.groups()) {
        let [count, pattern, system, function, state, time, line] = &row[..] else {
            panic!("{row:?}")
        };
        let line = if line.is_empty() { String::new() } else { format!(", {line}") };
        let text = format!("{count} {pattern} {system} {function}: {state} for {time}{line}");
        assert_eq!(text, group.to_string());
    }
    assert!(page.contains("width:100.0%") && page.contains("width:50.0%"), "{page}");
}

/// A link for each pattern and one for everything. The current one is marked, also if nothing of that
/// pattern waits.
#[test]
fn a_query_shows_one_pattern() {
    let _turn = TURN.lock();
    let dump = dump_of(&["orders"]);
    let links = |page: &str| -> Vec<String> {
        page.lines().filter(|line| line.starts_with("<a ")).map(str::to_owned).collect()
    };
    let page = dump.html().query("debug=2&pattern=pubsub").to_string();
    assert!(rows(&page).iter().all(|row| row[1] == "pubsub") && rows(&page).len() == 1, "{page}");
    let current = "aria-current=\"page\"";
    let expected = [
        "<a href=\"?\">all <b>4</b></a>".to_owned(),
        format!("<a href=\"?pattern=pubsub\" {current}>pubsub <b>2</b></a>"),
        "<a href=\"?pattern=schedule\">schedule <b>2</b></a>".to_owned(),
    ];
    assert_eq!(links(&page), expected);
    let page = dump.html().query("pattern=mux").to_string();
    assert!(page.contains("<p>Nothing waits.</p>") && rows(&page).is_empty(), "{page}");
    assert_eq!(links(&page)[1], format!("<a href=\"?pattern=mux\" {current}>mux <b>0</b></a>"));
    for all in ["", "pattern=", "xpattern=pubsub", "pattern"] {
        assert_eq!(dump.html().query(all).to_string(), dump.html().to_string(), "{all}");
    }
}

/// Names come from user code, and the query from the network. Neither may become markup, in an element
/// or in an attribute, or lines of their own in the text.
#[test]
fn names_and_queries_are_text_whatever_they_contain() {
    const TAGS: &str = "<script>alert('x')</script>";
    const QUOTES: &str = "\" onmouseover=\"x' & <b>&lt;é";
    let _turn = TURN.lock();
    let dump = dump_of(&[TAGS, QUOTES]);
    let page = dump.html().to_string();
    assert!(page.contains("<bdi>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</bdi>"), "{page}");
    let quotes = "<bdi>&quot; onmouseover=&quot;x&#39; &amp; &lt;b&gt;&amp;lt;é</bdi>";
    assert!(page.contains(quotes), "{page}");
    assert!(!page.contains("<script"), "{page}");

    let query = format!("pattern={QUOTES}").replace('&', "");
    let page = dump.html().query(&query).to_string();
    let escaped = "&quot; onmouseover=&quot;x&#39;  &lt;b&gt;lt;é";
    let link =
        format!("<a href=\"?pattern={escaped}\" aria-current=\"page\">{escaped} <b>0</b></a>");
    assert!(page.contains(&link), "{page}");

    let dump = dump_of(&["one\n9 mux two: waits", "\u{1b}[2J"]);
    let text = dump.to_string();
    assert_eq!(text.lines().count(), 1 + dump.groups().len(), "{text}");
    assert!(text.contains("pubsub one\\n9 mux two: waits recv: waits for an event"), "{text}");
    assert!(text.contains("pubsub \\u{1b}[2J recv: "), "{text}");
}

#[test]
fn a_page_of_many_groups_has_them_all() {
    const SERVERS: usize = 1000;
    let _turn = TURN.lock();
    let names: Vec<String> = (0..SERVERS).map(|name| format!("server {name}")).collect();
    let dump = dump_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let start = Instant::now();
    let page = dump.html().to_string();
    println!("{} bytes in {:?}", page.len(), start.elapsed());
    assert!(dump.groups().len() > SERVERS);
    assert_eq!(rows(&page).len(), dump.groups().len());
}
