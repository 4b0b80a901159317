//! The order book: every order of a machine and the changes that others have to hear of.
//!
//! Always holds: ids are unique; at most one order is active, and it has a job that is not over; an order that is
//! final never changes its state; each state that an order enters is noted once.

use std::collections::BTreeSet;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::order::{FileRef, Order, OrderId, OrderState};
use super::request::PrinterAction;
use crate::machine::{JobId, Timestamp, later};

/// How late a print may begin that did not show up in time and is still taken for the one that was asked for.
const LATE: Duration = Duration::from_secs(60);

/// Orders in the order in which they came, those that are over included until retention removes them.
#[derive(Debug, Clone, Default)]
pub struct Book {
    orders: Vec<Order>,
    /// Another number whenever an order may have become another, and in each book.
    revision: u64,
    /// What [`Self::retain`] found last; `None` if it has to look.
    retained: Option<Retained>,
    /// What OctoPrint was asked to do and has not done yet: one thing at a time.
    pub(super) pending: Option<(OrderId, PrinterAction)>,
    /// The order whose print was asked for and did not show up in time, and until when it may begin.
    pub(super) overdue: Option<(OrderId, Timestamp)>,
    /// The print that ended last, until it is cleared: its part may still be on the bed.
    pub(super) on_the_bed: Option<OrderId>,
    changed: BTreeSet<OrderId>,
    removed: BTreeSet<OrderId>,
    transitions: Vec<OrderChange>,
    pub(super) tags_changed: bool,
}

/// Nothing has to be removed from the book of this revision before this time.
#[derive(Debug, Clone, Copy)]
struct Retained {
    revision: u64,
    keep: Keep,
    until: Timestamp,
}

impl Book {
    /// A book with these orders, the oldest first. Nothing of it is news.
    ///
    /// The print that OctoPrint was asked for last may still begin.
    pub fn from_orders(orders: Vec<Order>) -> Self {
        let overdue = orders
            .iter()
            .filter(|order| order.state == OrderState::AllowedToStart)
            .filter_map(|order| Some((order.asked_at?, order)))
            .max_by_key(|(asked_at, _)| *asked_at)
            .map(|(asked_at, order)| (order.id.clone(), later(asked_at, LATE)));
        let on_the_bed = orders
            .iter()
            .filter(|order| order.state.is_final() && order.job.is_some())
            .max_by_key(|order| order.state_since)
            .map(|order| order.id.clone());
        // It may take the place of another book, of which nobody shall take it for a later page.
        static BOOKS: AtomicU64 = AtomicU64::new(1);
        Self {
            orders,
            overdue,
            on_the_bed,
            revision: BOOKS.fetch_add(1, Ordering::Relaxed) << 40,
            ..Self::default()
        }
    }

    /// All orders, the oldest first.
    pub fn orders(&self) -> impl Iterator<Item = &Order> + Clone {
        self.orders.iter()
    }

    /// As long as it is the same, the orders are.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The order of this JobOrderID.
    pub fn find(&self, id: &OrderId) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == *id)
    }

    /// The order of a print; the newest, if a clock that was set back gave two prints one id.
    pub fn of_job(&self, job: &JobId) -> Option<&Order> {
        self.orders
            .iter()
            .rfind(|order| order.job.as_ref().is_some_and(|own| own.id == *job))
    }

    /// The order whose print runs or is paused.
    pub fn active(&self) -> Option<&Order> {
        self.orders
            .iter()
            .find(|order| !order.state.is_waiting() && !order.state.is_final())
    }

    pub(super) fn insert(&mut self, order: Order) {
        self.transitions.push(OrderChange {
            at: order.created_at,
            order: order.clone(),
            from: None,
        });
        self.removed.remove(&order.id);
        self.changed.insert(order.id.clone());
        self.orders.push(order);
        self.revision += 1;
    }

    pub(super) fn remove(&mut self, id: &OrderId) {
        self.orders.retain(|order| order.id != *id);
        self.revision += 1;
        self.changed.remove(id);
        self.removed.insert(id.clone());
        if self.overdue.as_ref().is_some_and(|(order, _)| order == id) {
            self.overdue = None;
        }
    }

    /// Changes an order without a change of its state.
    pub(super) fn amend(&mut self, id: &OrderId, change: impl FnOnce(&mut Order)) {
        if let Some(order) = self.orders.iter_mut().find(|order| order.id == *id) {
            change(order);
            self.revision += 1;
            self.changed.insert(id.clone());
        }
    }

    /// Like [`Self::amend`], for what changes with each report and is kept by the checkpoint.
    pub(super) fn follow(&mut self, id: &OrderId, change: impl FnOnce(&mut Order)) {
        if let Some(order) = self.orders.iter_mut().find(|order| order.id == *id) {
            change(order);
            self.revision += 1;
        }
    }

    /// The order enters a state. One that is final stays what it is.
    pub(super) fn enter(
        &mut self,
        id: &OrderId,
        state: OrderState,
        reason: Option<String>,
        at: Timestamp,
    ) {
        let Some(order) = self.orders.iter_mut().find(|order| order.id == *id) else {
            return;
        };
        if order.state == state || order.state.is_final() {
            return;
        }
        let from = Some(mem::replace(&mut order.state, state));
        order.state_since = at;
        order.reason = reason;
        self.revision += 1;
        self.transitions.push(OrderChange {
            order: order.clone(),
            from,
            at,
        });
        self.changed.insert(id.clone());
    }

    /// The action that an order waits for.
    pub(super) fn pending_of(&self, id: &OrderId) -> Option<&PrinterAction> {
        self.pending
            .as_ref()
            .filter(|(order, _)| order == id)
            .map(|(_, action)| action)
    }

    /// OctoPrint is asked to print `file`; nothing is known to have come of it until the print shows up.
    pub(super) fn wait_for_print(
        &mut self,
        id: &OrderId,
        file: &FileRef,
        at: Timestamp,
    ) -> PrinterAction {
        self.amend(id, |order| order.asked_at = Some(at));
        let action = PrinterAction::Print(file.clone());
        self.pending = Some((id.clone(), action.clone()));
        action
    }

    /// A print that was asked for may still begin for a while.
    pub(super) fn expect_late(&mut self, id: &OrderId, at: Timestamp) {
        self.overdue = Some((id.clone(), later(at, LATE)));
    }

    /// Removes final orders beyond `keep`, the oldest first; never the one whose part may be on the bed, because
    /// only Clear says that it is gone.
    pub(super) fn retain(&mut self, keep: &Keep, at: Timestamp) {
        if let Some(last) = self.retained
            && (last.revision, last.keep) == (self.revision, *keep)
            && at < last.until
        {
            return;
        }
        let mut finals: Vec<(Timestamp, OrderId)> = self
            .orders
            .iter()
            .filter(|order| order.state.is_final() && Some(&order.id) != self.on_the_bed.as_ref())
            .map(|order| (order.state_since, order.id.clone()))
            .collect();
        let kept = keep
            .orders
            .saturating_sub(usize::from(self.on_the_bed.is_some()));
        finals.sort();
        let surplus = finals.len().saturating_sub(kept);
        let mut until = Timestamp::MAX_UTC;
        for (n, (since, id)) in finals.into_iter().enumerate() {
            let expires = later(since, keep.age);
            if n < surplus || expires <= at {
                self.remove(&id);
            } else {
                until = until.min(expires);
            }
        }
        self.retained = Some(Retained {
            revision: self.revision,
            keep: *keep,
            until,
        });
    }

    pub(super) fn take_changes(&mut self) -> Changes {
        let changed = mem::take(&mut self.changed);
        Changes {
            changed: self
                .orders
                .iter()
                .filter(|order| changed.contains(&order.id))
                .cloned()
                .collect(),
            removed: mem::take(&mut self.removed).into_iter().collect(),
            transitions: mem::take(&mut self.transitions),
            tags: mem::take(&mut self.tags_changed),
        }
    }
}

/// How many orders that are over are kept, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    pub orders: usize,
    pub age: Duration,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            orders: 50,
            age: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// An order has entered a state; told once.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderChange {
    /// The order as it was right after the change.
    pub order: Order,
    /// `None` for a new order.
    pub from: Option<OrderState>,
    pub at: Timestamp,
}

/// What has changed in the book since it was last asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Orders that are new or differ, each once, as they are now.
    pub changed: Vec<Order>,
    /// Orders that are gone: cleared, cancelled, or older than what is kept.
    pub removed: Vec<OrderId>,
    /// Each state that an order entered, in order: what clients get as events.
    pub transitions: Vec<OrderChange>,
    /// The written tags have changed.
    pub tags: bool,
}

impl Changes {
    /// Nothing to store and nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
