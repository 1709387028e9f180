//! What all clients share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pushdown_patterns::pubsub::mutex::Server;
use pushdown_patterns::pubsub::{Closed, Policy, SubscriberId, Subscription};

/// The server, and the numbers by which clients speak of subscriptions.
#[derive(Default)]
pub(crate) struct Hub {
    pub(crate) server: Server<str>,
    listed: Mutex<HashMap<String, SubscriberId>>,
}

/// A subscription, and its number as long as it lasts.
pub(crate) struct Listed {
    pub(crate) subscription: Subscription<str>,
    hub: Arc<Hub>,
}

impl Hub {
    pub(crate) fn subscribe(self: &Arc<Self>, policy: Policy) -> Result<Listed, Closed> {
        let subscription = self.server.subscribe(policy)?;
        let id = subscription.id();
        self.listed.lock().unwrap().insert(number(id), id);
        Ok(Listed { subscription, hub: self.clone() })
    }

    /// The subscription of this number, if it has not come to its end.
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

/// What `subscriber 12` is called on the wire: `12`.
fn number(id: SubscriberId) -> String {
    id.to_string().split(' ').next_back().unwrap_or_default().to_owned()
}
