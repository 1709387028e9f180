//! The events of a client of replicated services.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns::replicated::{Budget, CallOptions, Client, Hedge, Options};
use pushdown_patterns::{Effect, Shutdown};
use tokio::time::sleep;

use crate::capture::{Hooked, hook, take};
use crate::{SECRET, within};

pub(crate) fn run() {
    a_hedge_that_wins_moves_the_preference();
    servers_join_and_leave();
    failures_and_panics_of_attempts();
    a_budget_is_empty_once_until_it_has_recovered();
}

type TestClient = Client<&'static str, &'static str, &'static str, &'static str>;

/// A client of servers that act as their names say.
fn client(name: &'static str, servers: &[&'static str], budget: Budget) -> (TestClient, Hooked) {
    let request = async |server: Arc<&str>, _: &str| match *server {
        "stopped" => pending().await,
        "slow" => {
            sleep(Duration::from_millis(50)).await;
            Ok(SECRET)
        }
        "broken" => Err(SECRET),
        "panics" => panic!("{SECRET}"),
        _ => Ok(SECRET),
    };
    let options = Options::new()
        .name(name)
        .hedge(Hedge::After(Duration::from_millis(10)))
        .budget(budget)
        .effect(|_| Effect::DidNotHappen);
    let client = Client::new(servers.iter().copied(), request, options).unwrap();
    let handle = client.clone();
    let hooked = hook(name, move || {
        let _ = (handle.stats(), handle.running(), handle.preferred());
        let _ = (handle.servers(), handle.clone());
    });
    (client, hooked)
}

#[test]
fn a_hedge_that_wins_moves_the_preference() {
    within(async || {
        let (client, hooked) = client("hedged", &["stopped", "running"], Budget::default());
        assert!(client.call(SECRET).await.is_ok());
        let expected = [
            "DEBUG hedge started server=1",
            "DEBUG hedge won server=1",
            "INFO preferred server changed server=1 before=0",
        ];
        assert_eq!(take("hedged"), expected);
        assert!(client.call(SECRET).await.is_ok());
        assert_eq!(take("hedged"), [""; 0], "a call that goes well");
        client.shutdown(Shutdown::Abort).await;
        let expected = [
            "INFO shutdown begun how=\"abort\"",
            "INFO client closed finished=0 cancelled=0 aborted=0",
        ];
        assert_eq!(take("hedged"), expected);
        assert!(client.call(SECRET).await.is_err());
        drop(hooked);
    });
}

#[test]
fn servers_join_and_leave() {
    within(async || {
        let (client, hooked) = client("members", &["first"], Budget::default());
        let members = client.membership();
        let drain = Shutdown::Drain { timeout: Duration::from_secs(1) };
        assert_eq!(members.join("second"), Ok(1));
        assert_eq!(take("members"), ["INFO server joined server=1"]);
        let leaving = members.leave(0, drain).unwrap();
        let expected =
            ["INFO server left server=0", "INFO preferred server changed server=1 before=0"];
        assert_eq!(take("members"), expected);
        leaving.await;
        assert!(members.leave(0, Shutdown::Abort).is_none());
        assert!(members.replace_all(["second"], Shutdown::Abort).unwrap().joined.is_empty());
        assert_eq!(take("members"), [""; 0], "nothing has changed");
        members.replace_all(["third", "fourth"], drain).unwrap();
        let expected = [
            "INFO server joined server=2",
            "INFO server joined server=3",
            "INFO server left server=1",
            "INFO preferred server changed server=2 before=1",
        ];
        assert_eq!(take("members"), expected);
        client.shutdown(Shutdown::Abort).await;
        take("members");
        assert!(members.join("fifth").is_err());
        assert_eq!(take("members"), [""; 0], "the client is closed");
        drop(hooked);
    });
}

#[test]
fn failures_and_panics_of_attempts() {
    within(async || {
        let (client, hooked) =
            client("failing", &["broken", "panics", "stopped"], Budget::UNLIMITED);
        let options = CallOptions::new().timeout(Duration::from_millis(15));
        assert!(client.call_with(SECRET, options).await.is_err());
        let expected = [
            "DEBUG attempt failed server=0 effect=\"did not happen\"",
            "WARN request panicked server=1",
            "DEBUG call failed reason=\"timed out\" attempts=3",
        ];
        assert_eq!(take("failing"), expected);
        drop(hooked);
    });
}

#[test]
fn a_budget_is_empty_once_until_it_has_recovered() {
    within(async || {
        let budget = Budget { percent: 0, per_second: 1, burst: 2 };
        let (client, hooked) = client("budget", &["slow", "slow"], budget);
        // Three calls want an extra request at the same time.
        let once = async || {
            let calls = [(); 3].map(|()| {
                let client = client.clone();
                tokio::spawn(async move { client.call(SECRET).await.is_ok() })
            });
            for call in calls {
                assert!(call.await.unwrap());
            }
            take("budget")
        };
        let hedge = "DEBUG hedge started server=1";
        assert_eq!(once().await, [hedge, hedge, "WARN budget is empty"]);
        assert_eq!(once().await, [""; 0], "it still is");
        sleep(Duration::from_secs(2)).await;
        let recovered = "INFO budget has recovered";
        assert_eq!(once().await, [recovered, hedge, hedge, "WARN budget is empty"]);
        drop(hooked);
    });
}
