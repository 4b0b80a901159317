//! In which session a subscription is at home.
//!
//! The library gives subscriptions out by session only, and TransferSubscriptions moves a subscription to another
//! session without telling anyone. So each session that was ever activated is remembered for as long as the
//! library keeps it, and a subscription that has left its home is looked for in the others.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use opcua::server::{Subscription, SubscriptionCache};

#[derive(Default)]
pub(super) struct Sessions {
    alive: HashMap<u32, Weak<dyn Any + Send + Sync>>,
    /// By subscription.
    homes: HashMap<u32, u32>,
}

impl Sessions {
    pub(super) fn met(&mut self, id: u32, session: &Arc<dyn Any + Send + Sync>) {
        self.alive
            .entry(id)
            .or_insert_with(|| Arc::downgrade(session));
    }

    /// Whether the library keeps any of the sessions still.
    pub(super) fn any_alive(&self) -> bool {
        self.alive
            .values()
            .any(|session| session.strong_count() > 0)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.alive.keys().copied()
    }

    /// A subscription was seen at work in this session.
    pub(super) fn settle(&mut self, subscription: u32, session: u32) {
        self.homes.insert(subscription, session);
    }

    /// Runs `work` on a subscription, wherever it is; `None` if it is nowhere.
    ///
    /// The subscription is locked meanwhile, so what `work` sees does not change under it.
    pub(super) fn with<R>(
        &mut self,
        cache: &SubscriptionCache,
        subscription: u32,
        work: impl FnOnce(&mut Subscription) -> R,
    ) -> Option<R> {
        let mut work = Some(work);
        let mut visit = |session: u32| {
            let subscriptions = cache.get_session_subscriptions(session)?;
            let mut subscriptions = subscriptions.lock();
            let found = subscriptions.get_mut(subscription)?;
            work.take().map(|work| work(found))
        };
        if let Some(result) = self.homes.get(&subscription).and_then(|&home| visit(home)) {
            return Some(result);
        }
        for &session in self.alive.keys() {
            if let Some(result) = visit(session) {
                self.homes.insert(subscription, session);
                return Some(result);
            }
        }
        None
    }

    /// Forgets the sessions that the library has dropped, and all homes but those of `subscriptions`.
    pub(super) fn forget(&mut self, mut keep: impl FnMut(u32) -> bool) {
        self.alive.retain(|_, session| session.strong_count() > 0);
        self.homes.retain(|&subscription, _| keep(subscription));
    }
}
