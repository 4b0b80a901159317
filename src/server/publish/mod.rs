//! From a changed value to the clients that watch it.
//!
//! The library keeps monitored items, queues and publishing; this module decides what its items are handed and
//! when. It exists because of three properties of the library: its own registry of items is not cleaned when
//! subscriptions go, so each notification gets slower with every client that ever was; a change of status alone is
//! not reported to an item without a filter ([`form`]); and values that arrive faster than they are sampled may be
//! put aside for good ([`item`]).
//!
//! Always holds: a client ends up with the newest value and its exact status; an item that is gone is never
//! visited; locks are taken in the order registry, instance, subscription, and none is held across an await.
//!
//! A value that changes twice within one publishing interval reaches an item with a queue of one in two steps: the
//! first change at the end of this interval, the newest at the end of the next ([`item`]). The other way, to replace
//! what the queue holds, would mark the newest value as an overflow (0x480), which no client should see of a queue of
//! one (OPC 10000-4 §7.38.1) and which those take for an error that compare a status with Good.

mod burden;
mod emptied;
mod form;
mod heirs;
mod item;
mod listeners;
mod pump;
mod reaper;
mod registry;
mod sessions;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use opcua::nodes::{DefaultTypeTree, Event};
use opcua::server::authenticator::UserToken;
use opcua::server::node_manager::{
    MonitoredItemRef, MonitoredItemUpdateRef, RequestContext, ServerContext,
};
use opcua::server::{CreateMonitoredItem, MonitoredItemHandle, SubscriptionCache};
use opcua::sync::RwLock;
use opcua::types::{DataValue, MonitoringMode, NodeId, ObjectId};
use tokio::sync::Notify;

use self::burden::Ledger;
use self::item::{Item, Key, Step};
use self::listeners::{Listeners, Shared};
use self::reaper::Reaper;
use self::registry::Registry;
use self::sessions::Sessions;
use super::plant::{Plant, read};
use crate::umati::blueprint::NodeIndex;
use crate::umati::namespaces;

pub use self::burden::Burden;
pub(super) use self::emptied::{ticking, until_let_go};
pub(super) use self::item::Filter;

/// Brings the values of a plant to the monitored items of one server.
pub(super) struct Dispatcher {
    plant: Plant,
    subscriptions: Arc<SubscriptionCache>,
    /// Which types are subtypes of which, for the filters of events.
    types: Arc<RwLock<DefaultTypeTree>>,
    live: Mutex<Live>,
    ledger: Ledger,
    /// Tells the pump that there is something new to wait for.
    wake: Notify,
}

#[derive(Default)]
struct Live {
    registry: Registry,
    sessions: Sessions,
    reaper: Reaper,
    listeners: Listeners,
}

impl Dispatcher {
    pub(super) fn new(plant: Plant, context: &ServerContext) -> Self {
        Self {
            plant,
            subscriptions: Arc::clone(&context.subscriptions),
            types: Arc::clone(&context.type_tree),
            live: Mutex::default(),
            ledger: Ledger::new(Arc::clone(&context.info)),
            wake: Notify::new(),
        }
    }

    pub(super) fn plant(&self) -> &Plant {
        &self.plant
    }

    /// How many items are alive.
    pub(super) fn watched(&self) -> usize {
        self.live().registry.len()
    }

    /// A session was activated, for the first time or as somebody else.
    pub(super) fn met(&self, context: &RequestContext, user: &UserToken) {
        let session: Arc<dyn Any + Send + Sync> = context.session.clone();
        let mut live = self.live();
        live.sessions
            .met(&self.subscriptions, context.session_id, &session, user);
        self.part_with_hidden(&mut live);
    }

    /// Whether a node may be watched in a session, as far as the founder of its subscriptions is concerned.
    pub(super) fn may_be_watched(&self, session: u32, id: &NodeId) -> bool {
        let founder = self
            .live()
            .sessions
            .founder(&self.subscriptions, session)
            .cloned();
        founder.is_none_or(|founder| self.plant.find(&founder, id).is_some())
    }

    /// Tells an event of an instance to those who listen to the node that it comes from, the instance, or `Server`,
    /// and may know of the instance.
    pub(super) fn tell_event(
        &self,
        machine: &str,
        notifier: &str,
        event: Arc<dyn Event + Send + Sync>,
    ) {
        let root = NodeId::new(namespaces::INSTANCES, machine);
        let mut heard_at = vec![ObjectId::Server.into(), root];
        if !notifier.is_empty() {
            let notifier = format!("{machine}/{notifier}");
            heard_at.push(NodeId::new(namespaces::INSTANCES, notifier));
        }
        self.tell_listeners(machine, &heard_at, &event);
    }

    /// Tells an event about an instance to those who listen to `Server`.
    pub(super) fn tell_at_server(&self, machine: &str, event: Arc<dyn Event + Send + Sync>) {
        self.tell_listeners(machine, &[ObjectId::Server.into()], &event);
    }

    fn tell_listeners(&self, machine: &str, heard_at: &[NodeId], event: &Shared) {
        let mut live = self.live();
        let Live {
            sessions,
            listeners,
            ..
        } = &mut *live;
        let types = self.types.read();
        for (session, user) in sessions.users() {
            let founder = sessions.founder(&self.subscriptions, session);
            let mut all = [user].into_iter().chain(founder);
            if !all.all(|user| self.plant.shows(user, machine)) {
                continue;
            }
            if let Some(subscriptions) = self.subscriptions.get_session_subscriptions(session) {
                listeners.tell(&mut subscriptions.lock(), user, heard_at, event, &*types);
            }
        }
        if listeners.are_waiting() {
            self.wake.notify_one();
        }
    }

    /// Hands on the events that have waited for room in the queues of their items.
    fn hand_on_events(&self, live: &mut Live) {
        if !live.listeners.are_waiting() {
            return;
        }
        let types = self.types.read();
        for (session, user) in live.sessions.users() {
            if let Some(subscriptions) = self.subscriptions.get_session_subscriptions(session) {
                live.listeners
                    .hand_on(&mut subscriptions.lock(), user, &*types);
            }
        }
    }

    /// A client listens to events of a node of ours from now on.
    pub(super) fn listens(&self, subscription: u32) {
        self.live().listeners.has_changed(subscription);
    }

    /// Tells those who watch `changed` nodes of an instance.
    ///
    /// The instance must not be locked by the caller.
    pub(super) fn publish(&self, machine: &str, changed: &[NodeIndex]) {
        let mut live = self.live();
        if !live.registry.is_watched(machine) {
            return;
        }
        let Some(instance) = self.plant.get(machine) else {
            return;
        };
        let mut news = News::default();
        {
            let instance = read(instance);
            for &index in changed {
                let path = &instance.blueprint().node(index).path;
                for key in live.registry.idle_watchers(machine, path) {
                    news.add(key, instance.value(index).clone());
                }
            }
        }
        self.tell(&mut live, news);
    }

    /// Enters a new item; its first value is set here, so that no change can fall between the two.
    pub(super) fn watch(
        &self,
        context: &RequestContext,
        request: &mut CreateMonitoredItem,
        machine: &str,
        path: &str,
        filter: Filter,
        truth: impl FnOnce() -> Option<DataValue>,
    ) {
        let mut live = self.live();
        let Some(truth) = truth() else { return };
        let key = Key::from(request.handle());
        let (item, first) = Item::new(
            machine,
            path,
            request.item_to_monitor().index_range.clone(),
            filter,
            request.monitoring_mode(),
            &truth,
            Instant::now(),
        );
        request.set_initial_value(first);
        live.registry.insert(key, item);
        live.sessions.settle(key.subscription, context.session_id);
        live.reaper.met(&self.subscriptions, context.session_id);
    }

    /// Items are gone, one by one or with their subscription.
    pub(super) fn unwatch(&self, context: &RequestContext, items: &[&MonitoredItemRef]) {
        self.note_gone(context.session_id, items);
        let mut live = self.live();
        for item in items {
            live.registry.remove(item.handle().into());
        }
        let Live {
            registry, sessions, ..
        } = &mut *live;
        if registry.len() == 0 {
            sessions.forget(|_| false);
        }
    }

    /// The client has modified items: what they wait for may be due now.
    pub(super) fn modified(&self, items: &[&MonitoredItemUpdateRef]) {
        let mut live = self.live();
        let keys: Vec<Key> = items.iter().map(|item| item.handle().into()).collect();
        for &key in &keys {
            if let Some(item) = live.registry.get_mut(key) {
                item.modified();
            }
        }
        self.look_at(&mut live, keys);
    }

    /// The client has switched items on or off. One that is switched on reports, even what it reported before
    /// (OPC 10000-4 §5.13.1.3).
    pub(super) fn switched(
        &self,
        context: &RequestContext,
        user: &UserToken,
        mode: MonitoringMode,
        items: &[&MonitoredItemRef],
    ) {
        let disabled = mode == MonitoringMode::Disabled;
        if !disabled {
            self.part_with_switched(context.session_id, user, items);
        }
        let mut live = self.live();
        let mut switched_on = Vec::new();
        for key in items.iter().map(|item| Key::from(item.handle())) {
            if let Some(item) = live.registry.get_mut(key) {
                if item.disabled && !disabled {
                    switched_on.push(key);
                }
                item.disabled = disabled;
            }
        }
        for (key, step) in self.look_at(&mut live, switched_on) {
            if step == Step::Idle {
                let Live { sessions, .. } = &mut *live;
                sessions.with(&self.subscriptions, key.subscription, |subscription| {
                    subscription.set_resend_data();
                });
            }
        }
    }

    /// Looks at the truth for some items, whatever they waited for.
    fn look_at(&self, live: &mut Live, keys: Vec<Key>) -> Vec<(Key, Step)> {
        let mut news = News::default();
        for key in keys {
            if let Some(item) = live.registry.get_mut(key) {
                match self.truth(&item.machine, &item.path) {
                    Some(truth) => news.add(key, truth),
                    None => live.registry.remove(key),
                }
            }
        }
        self.tell(live, news)
    }

    /// Lets each item advance with the truth, and notes what it waits for then.
    fn tell(&self, live: &mut Live, news: News) -> Vec<(Key, Step)> {
        let Live {
            registry, sessions, ..
        } = live;
        let now = Instant::now();
        let mut steps = Vec::new();
        for (subscription, truths) in news.0 {
            sessions.with(&self.subscriptions, subscription, |subscription| {
                for (key, truth) in truths {
                    if let Some(item) = registry.get_mut(key) {
                        steps.push((key, item.advance(subscription, key, &truth, now)));
                    }
                }
            });
        }
        let mut waits = sessions.has_heirs();
        for &(key, step) in &steps {
            registry.note(key, step);
            waits |= !matches!(step, Step::Idle | Step::Handed);
        }
        if waits {
            self.wake.notify_one();
        }
        steps
    }

    fn truth(&self, machine: &str, path: &str) -> Option<DataValue> {
        let instance = read(self.plant.get(machine)?);
        let index = instance.blueprint().find(path)?;
        Some(instance.value(index).clone())
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Truths to tell, by subscription so that each is locked once.
#[derive(Default)]
struct News(BTreeMap<u32, Vec<(Key, DataValue)>>);

impl News {
    fn add(&mut self, key: Key, truth: DataValue) {
        self.0
            .entry(key.subscription)
            .or_default()
            .push((key, truth));
    }
}

impl From<MonitoredItemHandle> for Key {
    fn from(handle: MonitoredItemHandle) -> Self {
        Self {
            subscription: handle.subscription_id,
            item: handle.monitored_item_id,
        }
    }
}
