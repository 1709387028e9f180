//! The ends of subscriptions.

use std::collections::VecDeque;

use super::super::item::SubscriberId;
use super::super::report::EndReason;

/// The number of subscriptions whose end is remembered after their reader has left, so that a server
/// that lives for years remembers no more.
const REMEMBERED: usize = 1024;

/// The reasons for which subscriptions have ended whose reader has left.
#[derive(Debug, Default)]
pub struct Ends(VecDeque<(SubscriberId, EndReason)>);

impl Ends {
    pub(super) fn record(&mut self, id: SubscriberId, reason: EndReason) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((id, reason));
    }

    /// Returns why the subscription has ended, if that is remembered.
    pub fn get(&self, id: SubscriberId) -> Option<EndReason> {
        self.0.iter().rev().find(|(ended, _)| *ended == id).map(|(_, reason)| *reason)
    }
}
