//! The live items, found by the node that they watch, and what each of them waits for.
//!
//! Always holds: an item stands in `items` and once under its node, or nowhere. A waiting item stands in `timers`
//! or in `unpublished` and its own `pending` says which; entries that its `pending` does not confirm are stale and
//! are skipped.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::time::Instant;

use super::item::{Item, Key, Pending, Step};

#[derive(Default)]
pub(super) struct Registry {
    items: HashMap<Key, Item>,
    /// By machine, then by path. A set, as one client may watch one node a hundred thousand times, and go.
    watchers: HashMap<Box<str>, HashMap<Box<str>, BTreeSet<Key>>>,
    timers: BinaryHeap<Reverse<(Instant, Key)>>,
    /// By subscription, the one that waits longest first: all queues of a subscription empty together, so while
    /// the first is full all are.
    unpublished: HashMap<u32, VecDeque<Key>>,
}

impl Registry {
    pub(super) fn insert(&mut self, key: Key, item: Item) {
        self.remove(key);
        self.watchers
            .entry(item.machine.clone())
            .or_default()
            .entry(item.path.clone())
            .or_default()
            .insert(key);
        self.items.insert(key, item);
    }

    pub(super) fn remove(&mut self, key: Key) {
        let Some(item) = self.items.remove(&key) else {
            return;
        };
        let Some(paths) = self.watchers.get_mut(&item.machine) else {
            return;
        };
        if let Some(keys) = paths.get_mut(&item.path) {
            keys.remove(&key);
            if keys.is_empty() {
                paths.remove(&item.path);
            }
        }
        if paths.is_empty() {
            self.watchers.remove(&item.machine);
        }
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Item> {
        self.items.get_mut(&key)
    }

    pub(super) fn keys_of(&self, subscription: u32) -> impl Iterator<Item = Key> {
        self.keys()
            .filter(move |key| key.subscription == subscription)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.items.keys().copied()
    }

    /// Whether anyone watches a machine.
    pub(super) fn is_watched(&self, machine: &str) -> bool {
        self.watchers.contains_key(machine)
    }

    /// The items of a node that wait for nothing. The others will look at the truth anyway.
    pub(super) fn idle_watchers(&self, machine: &str, path: &str) -> impl Iterator<Item = Key> {
        self.watchers
            .get(machine)
            .and_then(|paths| paths.get(path))
            .into_iter()
            .flatten()
            .copied()
            .filter(|key| {
                self.items
                    .get(key)
                    .is_some_and(|item| item.pending == Pending::Nothing)
            })
    }

    /// Notes what an item waits for after a step.
    pub(super) fn note(&mut self, key: Key, step: Step) {
        let pending = match step {
            Step::Idle | Step::Handed => Pending::Nothing,
            Step::Due(at) => Pending::Time(at),
            Step::Unpublished | Step::Detour => Pending::Publication,
            Step::Absent => return self.remove(key),
        };
        let Some(item) = self.items.get_mut(&key) else {
            return;
        };
        item.pending = pending;
        match pending {
            Pending::Nothing => {}
            Pending::Time(at) => self.timers.push(Reverse((at, key))),
            Pending::Publication => self
                .unpublished
                .entry(key.subscription)
                .or_default()
                .push_back(key),
        }
    }

    /// The items whose time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Key> {
        let mut due = Vec::new();
        while let Some(&Reverse((at, key))) = self.timers.peek() {
            if at > now {
                break;
            }
            self.timers.pop();
            if let Some(item) = self.items.get_mut(&key)
                && item.pending == Pending::Time(at)
            {
                item.pending = Pending::Nothing;
                due.push(key);
            }
        }
        due
    }

    /// The waiting items of each subscription, to be given back by [`note`](Self::note) or
    /// [`wait_on`](Self::wait_on).
    pub(super) fn take_unpublished(&mut self) -> Vec<(u32, VecDeque<Key>)> {
        self.unpublished.drain().collect()
    }

    /// Whether a key taken from the queue still waits for its publication.
    pub(super) fn waits_for_publication(&self, key: Key) -> bool {
        self.items
            .get(&key)
            .is_some_and(|item| item.pending == Pending::Publication)
    }

    /// Puts back those that still wait, before those that have begun to wait since.
    pub(super) fn wait_on(&mut self, subscription: u32, mut still: VecDeque<Key>) {
        if still.is_empty() {
            return;
        }
        let queue = self.unpublished.entry(subscription).or_default();
        still.append(queue);
        *queue = still;
    }

    /// When to look again; `poll` is how soon for those that wait for a publication, which nobody announces.
    pub(super) fn next_look(&self, now: Instant, poll: std::time::Duration) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let polled = (!self.unpublished.is_empty()).then(|| now + poll);
        [timer, polled].into_iter().flatten().min()
    }
}
