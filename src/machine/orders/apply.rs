//! How requests and prints change the book.

use super::{Admitted, Changes, Goal, OrderId, PrinterAction, Refusal, Request};
use crate::machine::{Checkpoint, Machine, Nameplate, Patience, Saved, Timestamp};

impl Machine {
    /// A machine as it was when the process ended.
    pub fn resume(nameplate: Nameplate, patience: Patience, _saved: Saved) -> Self {
        Self::new(nameplate, patience)
    }

    /// Checks a request and does what needs no printer.
    ///
    /// # Errors
    /// Why it is refused; nothing has changed then.
    pub fn request(&mut self, _request: &Request, _at: Timestamp) -> Result<Admitted, Refusal> {
        Err(Refusal::UnableToAccept)
    }

    /// How far the action that was admitted for `order` has come.
    pub fn goal(&self, _order: &OrderId, _action: &PrinterAction) -> Goal {
        Goal::Missed(Refusal::UnableToAccept)
    }

    /// OctoPrint refused an action, or the deadline has passed: the order is as it was before.
    pub fn act_failed(
        &mut self,
        _order: &OrderId,
        _action: &PrinterAction,
        _why: Refusal,
        _at: Timestamp,
    ) {
    }

    /// The action that the queue of orders wants next, if the printer is ready for it; not again before it ran or
    /// failed.
    pub fn next_action(&mut self, _at: Timestamp) -> Option<(OrderId, PrinterAction)> {
        None
    }

    /// What has changed in the book since the last call.
    pub fn take_changes(&mut self) -> Changes {
        Changes::default()
    }

    /// What to keep of the moment.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::default()
    }
}
