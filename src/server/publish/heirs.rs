//! A session that is activated as somebody else, or gets a subscription of somebody else, may hold items that its
//! user may not see. They end: each tells a last time that its node is unknown, and nothing after.

use opcua::types::{DataValue, DateTime, NodeId, StatusCode, Variant};

use super::item::Key;
use super::{Dispatcher, Live};
use crate::umati::namespaces;

impl Dispatcher {
    /// Ends what the users of such sessions may not see, and goes on with the rest.
    pub(super) fn part_with_hidden(&self, live: &mut Live) {
        for session in live.sessions.take_heirs() {
            let Some(user) = live.sessions.user(session).cloned() else {
                continue;
            };
            let Some(subscriptions) = self.subscriptions.get_session_subscriptions(session) else {
                continue;
            };
            let ids = subscriptions.lock().subscription_ids();
            for id in ids {
                let (hidden, seen): (Vec<Key>, Vec<Key>) = live
                    .registry
                    .keys_of(id)
                    .partition(|&key| !self.may_see(live, &user, key));
                if let Some(subscription) = subscriptions.lock().get_mut(id) {
                    for key in &hidden {
                        subscription.notify_data_value(&key.item, unknown(), &DateTime::now());
                    }
                }
                for key in hidden {
                    live.registry.remove(key);
                }
                live.sessions.settle(id, session);
                self.look_at(live, seen);
            }
        }
    }

    fn may_see(
        &self,
        live: &Live,
        user: &opcua::server::authenticator::UserToken,
        key: Key,
    ) -> bool {
        live.registry.get(key).is_some_and(|item| {
            let id = if item.path.is_empty() {
                item.machine.to_string()
            } else {
                format!("{}/{}", item.machine, item.path)
            };
            let id = NodeId::new(namespaces::INSTANCES, id);
            self.plant.find(user, &id).is_some()
        })
    }
}

/// The answer for a node that is not there. Without a source timestamp the library does not put it aside.
fn unknown() -> DataValue {
    DataValue {
        value: Some(Variant::Empty),
        status: Some(StatusCode::BadNodeIdUnknown),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}
