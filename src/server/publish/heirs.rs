//! A session that is activated as somebody else, or gets a subscription of somebody else, may hold items that its
//! user may not see. They end: each tells a last time that its node is unknown, and nothing after.

use std::collections::HashSet;

use opcua::server::Subscription;
use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::MonitoredItemRef;
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
                let items = subscriptions.lock().get(id).map_or_else(Vec::new, ours);
                let hidden: HashSet<u32> = items
                    .into_iter()
                    .filter(|(_, node)| self.plant.find(&user, node).is_none())
                    .map(|(item, _)| item)
                    .collect();
                if let Some(subscription) = subscriptions.lock().get_mut(id) {
                    for item in &hidden {
                        subscription.notify_data_value(item, unknown(), &DateTime::now());
                    }
                }
                let (ended, seen): (Vec<Key>, Vec<Key>) = live
                    .registry
                    .keys_of(id)
                    .partition(|key| hidden.contains(&key.item));
                for key in ended {
                    live.registry.remove(key);
                }
                live.sessions.settle(id, session);
                self.look_at(live, seen);
            }
        }
    }

    /// Items that were off when the user of their session changed could not be told then: they are told as soon as
    /// they are switched on, before they are asked for the value that they had.
    pub(super) fn part_with_switched(
        &self,
        session: u32,
        user: &UserToken,
        items: &[&MonitoredItemRef],
    ) {
        let hidden: Vec<_> = items
            .iter()
            .filter(|item| self.plant.find(user, item.node_id()).is_none())
            .map(|item| item.handle())
            .collect();
        let Some(subscriptions) = self.subscriptions.get_session_subscriptions(session) else {
            return;
        };
        let mut subscriptions = subscriptions.lock();
        for item in hidden {
            if let Some(subscription) = subscriptions.get_mut(item.subscription_id) {
                let now = DateTime::now();
                subscription.notify_data_value(&item.monitored_item_id, unknown(), &now);
            }
        }
    }
}

/// The items that watch nodes of ours. Also those of attributes that never change, which nobody else remembers: the
/// library keeps their values and sends them again when it is asked to (ResendData, OPC 10000-5 §9.2).
fn ours(subscription: &Subscription) -> Vec<(u32, NodeId)> {
    subscription
        .items()
        .map(|item| (item.id(), &item.item_to_monitor().node_id))
        .filter(|(_, node)| node.namespace == namespaces::INSTANCES)
        .map(|(item, node)| (item, node.clone()))
        .collect()
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
