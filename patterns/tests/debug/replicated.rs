//! The waits of calls.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::debug::{Group, Peer, dump};
use pushdown_patterns::replicated::{self, Budget, Client, Hedge};

use crate::{TURN, groups};

/// A wait is listed with the system it belongs to, what it waits for just now, and the line that called
/// the function.
#[test]
fn a_call_is_listed_with_its_client_its_reason_and_its_line() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let request = async |_, ()| std::future::pending::<Result<(), ()>>().await;
        let options = || {
            let none = Budget { percent: 0, per_second: 0, burst: 0 };
            replicated::Options::new().hedge(Hedge::After(Duration::from_millis(1))).budget(none)
        };
        let orders = Client::new([0, 1], request, options().name("orders")).unwrap();
        let others = [(); 2].map(|()| Client::new([0, 1], request, options()).unwrap());
        let line = std::sync::Arc::new(AtomicU32::new(0));
        let call = |client: &Client<_, _, _, _>| {
            let (client, line) = (client.clone(), line.clone());
            tokio::spawn(async move {
                let (here, call) = (line!(), client.call(()));
                line.store(here, Ordering::Relaxed);
                call.await
            })
        };
        let calls = [&orders, &orders, &others[0], &others[1]].map(call);
        tokio::task::yield_now().await;
        let listed = groups("replicated", "call");
        assert_eq!(listed.len(), 3, "one for each client: {listed:?}");
        let of_orders = |groups: &[Group]| {
            let name = Some(Peer::Name("orders".into()));
            groups.iter().find(|group| group.system == name).cloned().unwrap()
        };
        let group = of_orders(&listed);
        assert_eq!((group.count, group.waits_for), (2, Some("a reply")));
        assert_eq!((group.peer_kind, &group.peer), (Some("server"), &Some(Peer::Number(0))));
        let (location, line) = (group.location.unwrap(), line.load(Ordering::Relaxed));
        assert_eq!((location.file(), location.line()), (file!(), line));
        let text = group.to_string();
        assert!(text.starts_with("2 replicated orders call: waits for a reply at server 0 for "));
        assert!(text.ends_with(&format!(", {}:{line}", file!())), "{text}");

        tokio::time::sleep(Duration::from_millis(2)).await;
        let group = of_orders(&groups("replicated", "call"));
        assert_eq!(group.waits_for, Some("a reply or its budget"));

        let total = dump().to_string();
        assert!(total.starts_with("4 waiting\n"), "{total}");
        calls.iter().for_each(tokio::task::JoinHandle::abort);
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
}

#[test]
fn a_departure_is_listed_with_its_client_and_its_server() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let request = async |_, ()| std::future::pending::<Result<(), ()>>().await;
        let options = replicated::Options::new().name("orders");
        let client = Client::new([0, 1], request, options).unwrap();
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call(()).await }
        });
        tokio::task::yield_now().await;
        let drain = Shutdown::Drain { timeout: Duration::MAX };
        let (line, leaving) = (line!(), client.membership().leave(0, drain).unwrap());
        let leaving = tokio::spawn(leaving);
        tokio::task::yield_now().await;
        let listed = groups("replicated", "leave");
        assert_eq!(listed.len(), 1, "{listed:?}");
        let text = listed[0].to_string();
        assert!(text.starts_with("1 replicated orders leave: waits for requests at server 0 for "));
        assert!(text.ends_with(&format!(", {}:{line}", file!())), "{text}");
        call.abort();
        assert_eq!(leaving.await.unwrap().stats.cancelled, 1);
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
}
