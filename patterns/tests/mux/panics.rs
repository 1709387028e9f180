//! Panics in user code that the connection runs.

use pushdown_patterns::mux::CloseReason;

use crate::wire::{ask, toy};
use crate::{end_of, tasks};

#[tokio::test(start_paused = true)]
async fn every_caller_gets_the_panic_of_the_protocol_or_the_sink() {
    for place in ["set_tag", "read_tag", "start_send"] {
        let (mux, _unsolicited, peer) = toy();
        let rest = async {
            assert_eq!(peer.sent().await.len(), 1);
            if place == "read_tag" {
                peer.reply(0, format!("panic in {place}"));
            }
            mux.call(ask(format!("panic in {place}"))).await
        };
        let (a, b) = tokio::join!(mux.call(ask("a")), rest);
        for error in [a.unwrap_err(), b.unwrap_err()] {
            let CloseReason::Panicked(text) = end_of(&error) else { panic!("{error}") };
            assert_eq!(**text, format!("{place} panics"));
        }
        assert_eq!(tasks().await, 0);
        assert!(peer.is_dropped());
    }
}
