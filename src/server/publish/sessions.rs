//! In which session a subscription is at home, and who the user of a session is.
//!
//! The library gives subscriptions out by session only, and TransferSubscriptions moves a subscription to another
//! session without telling anyone. So each session that was ever activated is remembered for as long as the
//! library keeps it, and a subscription that has left its home is looked for in the others.
//!
//! **Founders.** Who may have a subscription transferred to them, the library decides by the user whose the session was
//! when it got its first one, the founder, even if somebody else has taken over the session since. Nothing must be
//! watched in such a session that the founder may not see, too.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::{Arc, Weak};

use opcua::server::authenticator::UserToken;
use opcua::server::{SessionSubscriptions, Subscription, SubscriptionCache};
use opcua::sync::Mutex;

#[derive(Default)]
pub(super) struct Sessions {
    alive: HashMap<u32, Known>,
    /// By subscription.
    homes: HashMap<u32, Home>,
    /// Sessions that hold items which another user has created: what their user may not see has to go.
    heirs: BTreeSet<u32>,
}

struct Known {
    session: Weak<dyn Any + Send + Sync>,
    user: UserToken,
    founder: Option<Founder>,
}

/// Somebody else than the user, whom the library takes for the owner of these subscriptions.
#[derive(Clone)]
struct Founder {
    user: UserToken,
    subscriptions: Weak<Mutex<SessionSubscriptions>>,
}

impl Founder {
    /// The library lets go of a session's subscriptions when none is left; the next have another founder.
    fn counts(&self, subscriptions: &Arc<Mutex<SessionSubscriptions>>) -> bool {
        self.subscriptions.as_ptr() == Arc::as_ptr(subscriptions)
    }
}

struct Home {
    session: u32,
    /// Who may see all that the subscription watches.
    user: UserToken,
}

impl Sessions {
    /// A session was activated by this user. If another one was its user, it is an heir from now on.
    pub(super) fn met(
        &mut self,
        cache: &SubscriptionCache,
        id: u32,
        session: &Arc<dyn Any + Send + Sync>,
        user: &UserToken,
    ) {
        let subscriptions = cache.get_session_subscriptions(id);
        let founder = self.alive.get(&id).zip(subscriptions).map(|(known, held)| {
            let founder = known
                .founder
                .clone()
                .filter(|founder| founder.counts(&held));
            founder.unwrap_or_else(|| Founder {
                user: known.user.clone(),
                subscriptions: Arc::downgrade(&held),
            })
        });
        let known = Known {
            session: Arc::downgrade(session),
            user: user.clone(),
            founder: founder.filter(|founder| founder.user != *user),
        };
        let before = self.alive.insert(id, known);
        if before.is_some_and(|before| before.user != *user) {
            self.heirs.insert(id);
        }
    }

    /// The user of a session now; a request that was sent before it was activated anew still names the one before.
    pub(super) fn user(&self, session: u32) -> Option<&UserToken> {
        self.alive.get(&session).map(|known| &known.user)
    }

    /// The founder of a session's subscriptions, if it is not the session's user.
    pub(super) fn founder(&self, cache: &SubscriptionCache, session: u32) -> Option<&UserToken> {
        let founder = self.alive.get(&session)?.founder.as_ref()?;
        let subscriptions = cache.get_session_subscriptions(session)?;
        founder.counts(&subscriptions).then_some(&founder.user)
    }

    /// The sessions with their users.
    pub(super) fn users(&self) -> impl Iterator<Item = (u32, &UserToken)> {
        self.alive.iter().map(|(id, known)| (*id, &known.user))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.alive.keys().copied()
    }

    /// The sessions whose items have to be looked through, each once.
    pub(super) fn take_heirs(&mut self) -> BTreeSet<u32> {
        mem::take(&mut self.heirs)
    }

    /// Whether there are such sessions.
    pub(super) fn has_heirs(&self) -> bool {
        !self.heirs.is_empty()
    }

    /// A subscription was seen at work in this session, and its user may see all that it watches.
    pub(super) fn settle(&mut self, subscription: u32, session: u32) {
        if let Some(user) = self.user(session).cloned() {
            self.homes.insert(subscription, Home { session, user });
        }
    }

    /// Runs `work` on a subscription, wherever it is; `None` if it is nowhere.
    ///
    /// Also `None` if it has come to another user, whose session is an heir then: what that user may not see must
    /// go first. The subscription is locked meanwhile, so what `work` sees does not change under it.
    pub(super) fn with<R>(
        &mut self,
        cache: &SubscriptionCache,
        subscription: u32,
        work: impl FnOnce(&mut Subscription) -> R,
    ) -> Option<R> {
        let session = self.home_of(cache, subscription)?;
        let user = self.user(session)?;
        match self.homes.get(&subscription) {
            Some(home) if home.user != *user => {
                self.heirs.insert(session);
                return None;
            }
            Some(home) if home.session == session => {}
            _ => self.settle(subscription, session),
        }
        let subscriptions = cache.get_session_subscriptions(session)?;
        let mut subscriptions = subscriptions.lock();
        subscriptions.get_mut(subscription).map(work)
    }

    /// Whether any session has a subscription still.
    pub(super) fn is_anywhere(&self, cache: &SubscriptionCache, subscription: u32) -> bool {
        self.home_of(cache, subscription).is_some()
    }

    /// The session that has a subscription now.
    fn home_of(&self, cache: &SubscriptionCache, subscription: u32) -> Option<u32> {
        let has = |session: u32| {
            cache
                .get_session_subscriptions(session)
                .is_some_and(|it| it.lock().contains(subscription))
        };
        let last = self.homes.get(&subscription).map(|home| home.session);
        last.filter(|&session| has(session))
            .or_else(|| self.alive.keys().copied().find(|&session| has(session)))
    }

    /// Forgets the sessions that the library has dropped, and all homes but those of `subscriptions`.
    pub(super) fn forget(&mut self, mut keep: impl FnMut(u32) -> bool) {
        self.alive
            .retain(|_, known| known.session.strong_count() > 0);
        self.homes.retain(|&subscription, _| keep(subscription));
    }
}
