//! Who listens to events, found without a look at every monitored item for every event, and what waits for them.
//!
//! Items at `Server` are made by the core node manager, which tells nobody. So the items of a subscription are looked
//! through, and what is found is remembered until the subscription may hold others: it has another number of items,
//! an item of ours was made, or a second has passed.
//!
//! Always holds: an item is not handed more than its queue takes until it was published, because a queue of one, which
//! is what clients get that ask for none, would keep only the last of two events.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use opcua::nodes::{Event, TypeTree};
use opcua::server::authenticator::UserToken;
use opcua::server::{MonitoredItem, SessionSubscriptions, Subscription};
use opcua::types::{AttributeId, NodeId};

/// How long what was found is believed if the number of items stays.
const BELIEVED: Duration = Duration::from_secs(1);
/// A subscription that nobody has told anything for so long may be gone.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// How many events wait for an item; of more, the oldest are dropped: its client has stopped to publish.
const MAX_WAITING: usize = 256;

/// An event that several items may wait for.
pub(super) type Shared = Arc<dyn Event + Send + Sync>;

/// By subscription.
#[derive(Default)]
pub(super) struct Listeners(HashMap<u32, Found>);

struct Found {
    /// Who was told last. Events that wait are for nobody else.
    user: UserToken,
    at: Instant,
    items_then: usize,
    listeners: BTreeMap<u32, Listener>,
}

struct Listener {
    node: NodeId,
    /// How many notifications its queue may hold: those that it was given since it was seen empty.
    handed: usize,
    waiting: VecDeque<Shared>,
}

impl Listeners {
    /// Hands an event to the items of a session that listen to one of these nodes.
    pub(super) fn tell(
        &mut self,
        subscriptions: &mut SessionSubscriptions,
        user: &UserToken,
        heard_at: &[NodeId],
        event: &Shared,
        types: &dyn TypeTree,
    ) {
        for id in subscriptions.subscription_ids() {
            let Some(subscription) = subscriptions.get_mut(id) else {
                continue;
            };
            for (item, listener) in self.of(id, subscription, user) {
                if heard_at.contains(&listener.node) {
                    listener.wait_for(event);
                    listener.hand_on(*item, subscription, types);
                }
            }
        }
    }

    /// Whether an event waits for room in a queue.
    pub(super) fn are_waiting(&self) -> bool {
        (self.0.values()).any(|found| found.listeners.values().any(|it| !it.waiting.is_empty()))
    }

    /// Hands the items of a session what has waited for room.
    pub(super) fn hand_on(
        &mut self,
        subscriptions: &mut SessionSubscriptions,
        user: &UserToken,
        types: &dyn TypeTree,
    ) {
        for id in subscriptions.subscription_ids() {
            if let (Some(found), Some(subscription)) =
                (self.0.get_mut(&id), subscriptions.get_mut(id))
            {
                found.belongs_to(user);
                for (item, listener) in &mut found.listeners {
                    listener.hand_on(*item, subscription, types);
                }
            }
        }
    }

    /// A subscription has other items than before.
    pub(super) fn has_changed(&mut self, subscription: u32) {
        if let Some(found) = self.0.get_mut(&subscription) {
            found.items_then = usize::MAX;
        }
    }

    /// Lets go of subscriptions that may be gone.
    pub(super) fn forget(&mut self, now: Instant) {
        self.0.retain(|_, found| now < found.at + FORGOTTEN);
    }

    fn of(
        &mut self,
        id: u32,
        subscription: &Subscription,
        user: &UserToken,
    ) -> &mut BTreeMap<u32, Listener> {
        let now = Instant::now();
        let found = self.0.entry(id).or_insert_with(|| Found {
            user: user.clone(),
            at: now,
            items_then: usize::MAX,
            listeners: BTreeMap::new(),
        });
        found.belongs_to(user);
        if found.items_then != subscription.len() || now >= found.at + BELIEVED {
            let mut before = std::mem::take(&mut found.listeners);
            found.listeners = subscription
                .items()
                .filter(|item| item.item_to_monitor().attribute_id == AttributeId::EventNotifier)
                .map(|item| {
                    let known = before.remove(&item.id());
                    (item.id(), known.unwrap_or_else(|| Listener::new(item)))
                })
                .collect();
            found.at = now;
            found.items_then = subscription.len();
        }
        &mut found.listeners
    }
}

impl Found {
    fn belongs_to(&mut self, user: &UserToken) {
        if self.user != *user {
            self.user = user.clone();
            for listener in self.listeners.values_mut() {
                listener.waiting.clear();
            }
        }
    }
}

impl Listener {
    fn new(item: &MonitoredItem) -> Self {
        Self {
            node: item.item_to_monitor().node_id.clone(),
            // The library greets each item with a value.
            handed: 1,
            waiting: VecDeque::new(),
        }
    }

    fn wait_for(&mut self, event: &Shared) {
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Arc::clone(event));
    }

    fn hand_on(&mut self, id: u32, subscription: &mut Subscription, types: &dyn TypeTree) {
        while !self.waiting.is_empty() {
            let Some(item) = subscription.get(&id) else {
                self.waiting.clear();
                return;
            };
            if !item.has_notifications() {
                self.handed = 0;
            }
            if self.handed >= item.queue_size().max(1) {
                return;
            }
            if let Some(event) = self.waiting.pop_front() {
                subscription.notify_event(&id, &*event, types);
                self.handed += 1;
            }
        }
    }
}
