//! The handle by which the tasks that update the instances tell a server what has changed.

use std::sync::Arc;

use super::events::ModelChange;
use super::plant::read;
use super::publish::Dispatcher;
use crate::umati::blueprint::Blueprint;
use crate::umati::events::Told;
use crate::umati::instance::Delta;

/// Tells the clients of one server about changes of its instances. Cheap to clone.
///
/// No instance may be locked by the caller while it calls: the newest values are read here.
#[derive(Clone)]
pub struct Publisher {
    dispatcher: Arc<Dispatcher>,
}

impl Publisher {
    pub(super) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self { dispatcher }
    }

    /// Tells those who watch a changed variable. An instance that this server does not serve is nobody's.
    pub fn publish(&self, instance_id: &str, delta: &Delta) {
        self.dispatcher.publish(instance_id, &delta.values);
    }

    /// Tells those who listen to the events of `Server` which nodes an instance has that it had not `before`.
    pub fn model_changed(&self, instance_id: &str, before: &Blueprint) {
        let Some(instance) = self.dispatcher.plant().get(instance_id) else {
            return;
        };
        let Some(change) = ModelChange::between(before, &read(instance)) else {
            return;
        };
        self.dispatcher
            .tell_at_server(instance_id, Arc::new(change));
    }

    /// Tells those who listen to an instance, or to `Server`, what has happened to it.
    pub fn tell(&self, instance_id: &str, news: &[Told]) {
        for Told { notifier, event } in news {
            let event = Arc::new(event.clone());
            self.dispatcher.tell_event(instance_id, notifier, event);
        }
    }

    /// How many monitored items watch the instances now.
    pub fn watched(&self) -> usize {
        self.dispatcher.watched()
    }

    /// How many sessions are kept, those that have ended but still have subscriptions included.
    pub fn sessions(&self) -> usize {
        self.dispatcher.sessions()
    }
}
