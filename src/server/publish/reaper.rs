//! Frees what the library keeps of a session that ended without deleting its subscriptions.
//!
//! A subscription that has expired is kept until it has told its client so. Where the session is over, too, nobody
//! will ever ask: the library keeps both for ever, with the memory that the subscription had for its items, and looks
//! at them in every tick. A client that crashes once an hour would cost 5 MB and some CPU time each time.
//!
//! The library lets go of a session's subscriptions when there are none left, but gives no way to remove one. So their
//! place is taken by an empty collection (the spare), which another session has left behind:
//!
//! ```text
//!  library ──► subscriptions of an ended session          library ──► empty, so it lets go ──► the next spare
//!                                                 swap
//!  spare ────► empty                                      dropped ──► subscriptions of the ended session
//! ```
//!
//! Always holds: what is freed can reach no client any more, as its session is over and all of it has expired.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use opcua::server::{SessionSubscriptions, SubscriptionCache, SubscriptionState};
use opcua::sync::Mutex;

type Shared = Arc<Mutex<SessionSubscriptions>>;

#[derive(Default)]
pub(super) struct Reaper {
    /// By session: what the library had when it was last seen.
    known: HashMap<u32, Shared>,
    /// Empty, and no longer the library's.
    spare: Option<Shared>,
}

impl Reaper {
    /// A session has a subscription.
    pub(super) fn met(&mut self, cache: &SubscriptionCache, session: u32) {
        // Who has let go of all and begins anew has another collection.
        if let Some(subscriptions) = cache.get_session_subscriptions(session) {
            self.known.insert(session, subscriptions);
        }
    }

    /// The ended session of which nothing is left but the spare.
    pub(super) fn spare_session(&self) -> Option<u32> {
        let session = Arc::clone(self.spare.as_ref()?.lock().session());
        let session = session.read();
        (!session.is_activated()).then(|| session.session_id_numeric())
    }

    /// Frees one ended session at most: what it leaves becomes the spare when the library has let go of it. Tells
    /// whether it did, so that the next may have its turn in a moment.
    pub(super) fn look(
        &mut self,
        cache: &SubscriptionCache,
        sessions: impl Iterator<Item = u32>,
    ) -> bool {
        for session in sessions {
            self.met(cache, session);
        }
        let spare = &mut self.spare;
        self.known.retain(|&session, subscriptions| {
            let is_kept = cache.get_session_subscriptions(session).is_some();
            if !is_kept && spare.is_none() && subscriptions.lock().subscription_ids().is_empty() {
                *spare = Some(Arc::clone(subscriptions));
            }
            is_kept
        });
        if self.spare.is_some()
            && let Some(ended) = self.known.values().find(|known| is_over(known))
            && let Some(spare) = self.spare.take()
        {
            mem::swap(&mut *ended.lock(), &mut *spare.lock());
            return true;
        }
        false
    }
}

/// Whether the session has ended and all of its subscriptions have expired.
fn is_over(subscriptions: &Shared) -> bool {
    let session = Arc::clone(subscriptions.lock().session());
    if session.read().is_activated() {
        return false;
    }
    let subscriptions = subscriptions.lock();
    let ids = subscriptions.subscription_ids();
    !ids.is_empty()
        && ids.into_iter().all(|id| {
            subscriptions
                .get(id)
                .is_some_and(|subscription| subscription.state() == SubscriptionState::Closed)
        })
}
