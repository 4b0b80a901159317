//! The order book: every order of a machine and the changes that others have to hear of.

use super::order::{Order, OrderId, OrderState};
use crate::machine::Timestamp;

/// Orders in the order in which they came, those that are over included until retention removes them.
#[derive(Debug, Clone, Default)]
pub struct Book {
    pub(in crate::machine) orders: Vec<Order>,
}

impl Book {
    /// A book with these orders, the oldest first.
    pub fn from_orders(orders: Vec<Order>) -> Self {
        Self { orders }
    }

    /// All orders, the oldest first.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    /// The order of this JobOrderID.
    pub fn find(&self, id: &OrderId) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == *id)
    }

    /// The order whose print runs or is paused.
    pub fn active(&self) -> Option<&Order> {
        self.orders
            .iter()
            .find(|order| !order.state.is_waiting() && !order.state.is_final())
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
