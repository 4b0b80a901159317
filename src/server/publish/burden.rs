//! What a server has to carry: sessions, items, and what the library keeps of items that are gone.
//!
//! The library forgets an item in its private map only if a client deletes the item itself. What goes with its
//! subscription or session stays there for good, and nothing public takes it out. It slows down nothing, as nobody
//! walks that map, but it takes memory: up to 250 bytes an item. So it is counted, told, and bounded: a server that
//! carries too much [is to begin anew](Dispatcher::until_overburdened), with an empty library.
//!
//! Always holds: what is counted as stale is at least what the library keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opcua::server::ServerInfo;
use opcua::server::node_manager::MonitoredItemRef;
use opcua::types::AttributeId;

use super::super::limits::{MAX_STALE_ITEMS, MAX_STALE_ITEMS_ALONE};
use super::Dispatcher;

/// How often it is weighed.
const WEIGHED_EVERY: Duration = Duration::from_secs(2);

/// What a server carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Burden {
    /// Sessions that the library keeps, those that have ended but still have subscriptions included.
    pub sessions: usize,
    /// Monitored items in all subscriptions.
    pub items: usize,
    /// Items that are gone and that the library keeps, at most: those that it refused count, too.
    pub stale_items: usize,
}

/// The numbers that nobody else keeps.
pub(super) struct Ledger {
    /// Numbers all items that were ever asked for.
    info: Arc<ServerInfo>,
    /// Items that the library has let go of.
    released: AtomicUsize,
}

impl Ledger {
    pub(super) fn new(info: Arc<ServerInfo>) -> Self {
        Self {
            info,
            released: AtomicUsize::new(0),
        }
    }

    /// Numbers begin with 1, and looking at the next one takes it.
    fn asked_for(&self) -> usize {
        let next = self.info.monitored_item_id_handle.next() as usize;
        self.released.fetch_add(1, Ordering::Relaxed);
        next - 1
    }
}

impl Dispatcher {
    /// Items have gone: by themselves, or with their subscription, of which the library then keeps all but those of
    /// events.
    pub(super) fn note_gone(&self, session: u32, items: &[&MonitoredItemRef]) {
        let subscriptions = self.subscriptions.get_session_subscriptions(session);
        let is_there = |id| {
            subscriptions
                .as_ref()
                .is_some_and(|it| it.lock().contains(id))
        };
        let released = items.iter().filter(|item| {
            item.attribute() == AttributeId::EventNotifier
                || is_there(item.handle().subscription_id)
        });
        let released = released.count();
        (self.ledger.released).fetch_add(released, Ordering::Relaxed);
    }

    /// What this server carries now.
    pub(in crate::server) fn burden(&self) -> Burden {
        let mut live = self.live();
        live.sessions.forget(|_| true);
        let spare = live.reaper.spare_session();
        let sessions: Vec<_> = (live.sessions.ids())
            .filter(|id| Some(*id) != spare)
            .collect();
        let items = sessions.iter().map(|id| self.items_of(*id)).sum();
        let released = self.ledger.released.load(Ordering::Relaxed);
        Burden {
            sessions: sessions.len(),
            items,
            stale_items: (self.ledger.asked_for()).saturating_sub(released + items),
        }
    }

    fn items_of(&self, session: u32) -> usize {
        let Some(subscriptions) = self.subscriptions.get_session_subscriptions(session) else {
            return 0;
        };
        let subscriptions = subscriptions.lock();
        let ids = subscriptions.subscription_ids().into_iter();
        ids.filter_map(|id| subscriptions.get(id))
            .map(opcua::server::Subscription::len)
            .sum()
    }

    /// Waits until the server has to begin anew: early while nobody is connected, whom it would trouble.
    pub(in crate::server) async fn until_overburdened(&self) {
        let mut looks = tokio::time::interval(WEIGHED_EVERY);
        loop {
            looks.tick().await;
            let burden = self.burden();
            let bound = if burden.sessions == 0 {
                MAX_STALE_ITEMS_ALONE
            } else {
                MAX_STALE_ITEMS
            };
            if burden.stale_items > bound {
                return;
            }
        }
    }
}
