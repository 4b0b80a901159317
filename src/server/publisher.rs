//! The handle by which the tasks that update the instances tell a server what has changed.

use std::sync::{Arc, PoisonError, RwLock};

use super::events::ModelChange;
use super::plant::read;
use super::publish::{Burden, Dispatcher};
use crate::umati::blueprint::Blueprint;
use crate::umati::events::Told;
use crate::umati::instance::Delta;

/// Tells the clients of one server about changes of its instances. Cheap to clone.
///
/// No instance may be locked by the caller while it calls: the newest values are read here.
#[derive(Clone)]
pub struct Publisher {
    /// Another one after the server has begun anew.
    dispatcher: Arc<RwLock<Arc<Dispatcher>>>,
}

impl Publisher {
    pub(super) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self {
            dispatcher: Arc::new(RwLock::new(dispatcher)),
        }
    }

    /// This and all its clones tell the clients of the server of `next` from now on.
    pub fn turn_to(&self, next: &Self) {
        let next = next.dispatcher();
        *(self.dispatcher.write()).unwrap_or_else(PoisonError::into_inner) = next;
    }

    fn dispatcher(&self) -> Arc<Dispatcher> {
        let dispatcher = self.dispatcher.read();
        Arc::clone(&dispatcher.unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells those who watch a changed variable. An instance that this server does not serve is nobody's.
    pub fn publish(&self, instance_id: &str, delta: &Delta) {
        self.dispatcher().publish(instance_id, &delta.values);
    }

    /// Tells those who listen to the events of `Server` which nodes an instance has that it had not `before`.
    pub fn model_changed(&self, instance_id: &str, before: &Blueprint) {
        let dispatcher = self.dispatcher();
        let Some(instance) = dispatcher.plant().get(instance_id) else {
            return;
        };
        let Some(change) = ModelChange::between(before, &read(instance)) else {
            return;
        };
        dispatcher.tell_at_server(instance_id, Arc::new(change));
    }

    /// Tells those who listen to an instance, or to `Server`, what has happened to it.
    pub fn tell(&self, instance_id: &str, news: &[Told]) {
        let dispatcher = self.dispatcher();
        for Told { notifier, event } in news {
            let event = Arc::new(event.clone());
            dispatcher.tell_event(instance_id, notifier, event);
        }
    }

    /// How many monitored items watch the instances now.
    pub fn watched(&self) -> usize {
        self.dispatcher().watched()
    }

    /// What the server carries.
    pub fn burden(&self) -> Burden {
        self.dispatcher().burden()
    }
}
