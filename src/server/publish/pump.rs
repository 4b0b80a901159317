//! The task that tells what could not be told at once, and forgets the items that are gone.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::item::{Key, Step};
use super::{Dispatcher, Live};

/// How soon after a publication its queues are found empty: the tick of the server.
const PUBLICATION_POLL: Duration = Duration::from_millis(super::super::limits::TICK_MS);
/// How often to look for items whose subscription has expired; nobody announces it.
const SWEEP_PERIOD: Duration = Duration::from_secs(2);
/// How soon the library has let go of what an ended session left: a few ticks.
const NEXT_REAPED: Duration = Duration::from_millis(3 * super::super::limits::TICK_MS);

/// When to look for what nobody announces.
struct Rounds {
    sweep_at: Instant,
    reap_at: Instant,
}

impl Dispatcher {
    /// Runs for as long as the server does.
    pub(crate) async fn pump(&self) {
        let first = Instant::now() + SWEEP_PERIOD;
        let mut rounds = Rounds {
            sweep_at: first,
            reap_at: first,
        };
        loop {
            let next = self.catch_up(&mut rounds);
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// Does what is due and returns when to look again.
    fn catch_up(&self, rounds: &mut Rounds) -> Instant {
        let now = Instant::now();
        let mut live = self.live();
        self.part_with_hidden(&mut live);
        let due = live.registry.take_due(now);
        self.look_at(&mut live, due);
        for (subscription, waiting) in live.registry.take_unpublished() {
            self.look_at_waiting(&mut live, subscription, waiting);
        }
        self.hand_on_events(&mut live);
        if rounds.sweep_at <= now {
            self.sweep(&mut live, now);
            rounds.sweep_at = now + SWEEP_PERIOD;
        }
        if rounds.reap_at <= now {
            let Live {
                sessions, reaper, ..
            } = &mut *live;
            let freed = reaper.look(&self.subscriptions, sessions.ids());
            rounds.reap_at = now + if freed { NEXT_REAPED } else { SWEEP_PERIOD };
        }
        let next = live.registry.next_look(now, PUBLICATION_POLL);
        let events = (live.listeners.are_waiting()).then(|| now + PUBLICATION_POLL);
        [next, events]
            .into_iter()
            .flatten()
            .fold(rounds.sweep_at.min(rounds.reap_at), Instant::min)
    }

    /// Goes through the items of a subscription that wait for their publication, up to the first that still does.
    fn look_at_waiting(&self, live: &mut Live, subscription: u32, mut waiting: VecDeque<Key>) {
        while let Some(key) = waiting.pop_front() {
            if !live.registry.waits_for_publication(key) {
                continue;
            }
            let Live {
                registry, sessions, ..
            } = &mut *live;
            let Some(item) = registry.get_mut(key) else {
                continue;
            };
            let Some(truth) = self.truth(&item.machine, &item.path) else {
                registry.remove(key);
                continue;
            };
            let now = Instant::now();
            let step = sessions.with(&self.subscriptions, subscription, |subscription| {
                item.advance(subscription, key, &truth, now)
            });
            match step {
                Some(Step::Unpublished) => {
                    waiting.push_front(key);
                    break;
                }
                Some(step) => registry.note(key, step),
                // The subscription is gone: the sweep forgets its items.
                None => break,
            }
        }
        live.registry.wait_on(subscription, waiting);
    }

    /// Forgets the items that the library no longer has: subscriptions expire without a word.
    fn sweep(&self, live: &mut Live, now: Instant) {
        let Live {
            registry,
            sessions,
            listeners,
            ..
        } = live;
        let keys: Vec<Key> = registry.keys().collect();
        let mut by_subscription = BTreeMap::<u32, Vec<Key>>::new();
        for key in keys {
            by_subscription
                .entry(key.subscription)
                .or_default()
                .push(key);
        }
        let mut alive = HashSet::new();
        for (id, keys) in by_subscription {
            let gone = sessions.with(&self.subscriptions, id, |subscription| {
                keys.iter()
                    .copied()
                    .filter(|&key| {
                        registry
                            .get_mut(key)
                            .is_some_and(|item| item.is_gone(subscription, key, now))
                    })
                    .collect::<Vec<_>>()
            });
            match gone {
                Some(gone) => {
                    alive.insert(id);
                    gone.into_iter().for_each(|key| registry.remove(key));
                }
                // It has come to another user: what they may not see goes first.
                None if sessions.is_anywhere(&self.subscriptions, id) => {
                    alive.insert(id);
                }
                None => keys.into_iter().for_each(|key| registry.remove(key)),
            }
        }
        sessions.forget(|subscription| alive.contains(&subscription));
        listeners.forget(now);
    }
}
