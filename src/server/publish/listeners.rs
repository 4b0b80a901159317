//! Who listens to events, found without a look at every monitored item for every event.
//!
//! Items at `Server` are made by the core node manager, which tells nobody. So the items of a subscription are looked
//! through, and what is found is remembered until the subscription may hold others: it has another number of items,
//! an item of ours was made, or a second has passed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use opcua::nodes::{Event, TypeTree};
use opcua::server::{SessionSubscriptions, Subscription};
use opcua::types::{AttributeId, NodeId};

/// How long what was found is believed if the number of items stays.
const BELIEVED: Duration = Duration::from_secs(1);
/// A subscription that nobody has told anything for so long may be gone.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// By subscription.
#[derive(Default)]
pub(super) struct Listeners(HashMap<u32, Found>);

struct Found {
    at: Instant,
    items_then: usize,
    /// Item and node.
    items: Vec<(u32, NodeId)>,
}

impl Listeners {
    /// Hands an event to the items of a session that listen to one of these nodes.
    pub(super) fn tell(
        &mut self,
        subscriptions: &mut SessionSubscriptions,
        heard_at: &[NodeId],
        event: &dyn Event,
        types: &dyn TypeTree,
    ) {
        for id in subscriptions.subscription_ids() {
            let Some(subscription) = subscriptions.get_mut(id) else {
                continue;
            };
            for (item, node) in self.of(id, subscription) {
                if heard_at.contains(node) {
                    subscription.notify_event(item, event, types);
                }
            }
        }
    }

    /// A subscription has other items than before.
    pub(super) fn has_changed(&mut self, subscription: u32) {
        self.0.remove(&subscription);
    }

    /// Lets go of subscriptions that may be gone.
    pub(super) fn forget(&mut self, now: Instant) {
        self.0.retain(|_, found| now < found.at + FORGOTTEN);
    }

    fn of(&mut self, id: u32, subscription: &Subscription) -> &[(u32, NodeId)] {
        let now = Instant::now();
        let is_current =
            |found: &Found| found.items_then == subscription.len() && now < found.at + BELIEVED;
        if !self.0.get(&id).is_some_and(is_current) {
            let items = subscription
                .items()
                .filter(|item| item.item_to_monitor().attribute_id == AttributeId::EventNotifier)
                .map(|item| (item.id(), item.item_to_monitor().node_id.clone()))
                .collect();
            let found = Found {
                at: now,
                items_then: subscription.len(),
                items,
            };
            self.0.insert(id, found);
        }
        self.0.get(&id).map_or(&[], |found| &found.items)
    }
}
