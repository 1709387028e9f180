//! The state that all clients share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushdown_patterns::pubsub::mutex::Server;
use pushdown_patterns::pubsub::{Policy, SubscribeError, SubscriberId, Subscription};

/// The server, and the numbers by which clients refer to subscriptions.
pub(crate) struct Hub {
    pub(crate) server: Server<str>,
    /// The time that clients have to read the rest.
    pub(crate) grace: Duration,
    listed: Mutex<HashMap<String, SubscriberId>>,
}

/// A subscription, whose number is listed as long as this exists.
pub(crate) struct Listed {
    pub(crate) subscription: Subscription<str>,
    hub: Arc<Hub>,
}

impl Hub {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { server: Server::new().measured(), grace, listed: Mutex::default() }
    }

    pub(crate) fn subscribe(self: &Arc<Self>, policy: Policy) -> Result<Listed, SubscribeError> {
        let subscription = self.server.subscribe(policy)?;
        let id = subscription.id();
        self.listed.lock().unwrap().insert(number(id), id);
        Ok(Listed { subscription, hub: self.clone() })
    }

    /// Finds the subscription with this number, unless it has ended.
    pub(crate) fn find(&self, number: &str) -> Option<SubscriberId> {
        self.listed.lock().unwrap().get(number).copied()
    }
}

impl Listed {
    pub(crate) fn number(&self) -> String {
        number(self.subscription.id())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.hub.listed.lock().unwrap().remove(&self.number());
    }
}

/// The number on the wire: `12` for `subscriber 12`.
fn number(id: SubscriberId) -> String {
    id.to_string().split(' ').next_back().unwrap_or_default().to_owned()
}
