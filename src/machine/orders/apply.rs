//! The door to the book: requests in, actions for OctoPrint and changes out.
//!
//! **The queue.** An order that is AllowedToStart while the printer is busy waits. It is started as soon as the
//! printer is ready **and** the order that ended last was removed with Clear: its part may still lie on the bed, and
//! nobody but a person or the MES knows when it is gone. An explicit Start or StoreAndStart does not wait for that.

use super::{Admitted, Changes, Goal, OrderId, OrderState, PrinterAction, Refusal, Request, Tag};
use crate::machine::{Link, Machine, PrinterState, Timestamp, WrittenTag};

/// MaxDownloadableJobOrders: orders that wait, of one machine.
pub const MAX_WAITING_ORDERS: u16 = 100;
/// Characters of a written tag; as long as an identification in the field gets.
const MAX_TAG: usize = 255;

impl Machine {
    /// Checks a request and does what needs no printer.
    ///
    /// # Errors
    /// Why it is refused; nothing has changed then.
    pub fn request(&mut self, request: &Request, at: Timestamp) -> Result<Admitted, Refusal> {
        let at = self.advance(at);
        match request {
            Request::Order { request, comment } => {
                self.order_request(request, comment.as_deref(), at)
            }
            Request::Tag { tag, text } => self.write_tag(*tag, text),
        }
    }

    /// How far the action that was admitted for `order` has come.
    pub fn goal(&self, order: &OrderId, action: &PrinterAction) -> Goal {
        use OrderState as S;
        let Some(order) = self.book.find(order) else {
            return Goal::Missed(Refusal::UnknownOrder);
        };
        match (action, order.state) {
            (PrinterAction::Print(_), S::Running | S::Interrupted(_) | S::Ended)
            | (PrinterAction::Pause, S::Interrupted(_))
            | (PrinterAction::Resume, S::Running)
            | (PrinterAction::Cancel, S::Aborted) => Goal::Reached,
            (PrinterAction::Print(_), S::Aborted) if order.job.is_some() => Goal::Reached,
            (PrinterAction::Print(_), S::NotAllowedToStart | S::AllowedToStart) => {
                match self.printer_state() {
                    Some(PrinterState::Error | PrinterState::Offline)
                        if matches!(self.link, Link::Up { .. }) =>
                    {
                        Goal::Missed(Refusal::PrinterNotConnected)
                    }
                    _ => Goal::Pending,
                }
            }
            (_, S::Running | S::Interrupted(_)) => Goal::Pending,
            (_, S::NotAllowedToStart | S::AllowedToStart | S::Ended | S::Aborted) => {
                Goal::Missed(Refusal::InvalidState)
            }
        }
    }

    /// OctoPrint refused an action, or the deadline has passed: nothing is waited for any more.
    ///
    /// An order that could not be printed is NotAllowedToStart then, so that the queue does not try it for ever. If
    /// OctoPrint may have taken the action all the same, a print that begins within a minute is still its own.
    pub fn act_failed(
        &mut self,
        order: &OrderId,
        action: &PrinterAction,
        why: Refusal,
        at: Timestamp,
    ) {
        let at = self.advance(at);
        if self.book.pending_of(order) != Some(action) {
            return;
        }
        self.book.pending = None;
        if let PrinterAction::Print(_) = action {
            if matches!(why, Refusal::TimedOut | Refusal::Unreachable) {
                self.book.expect_late(order, at);
            }
            let reason = Some(why.to_string());
            self.book
                .enter(order, OrderState::NotAllowedToStart, reason, at);
        }
    }

    /// The action that the queue of orders wants next, if the printer is ready for it; not again before it ran or
    /// failed.
    pub fn next_action(&mut self, at: Timestamp) -> Option<(OrderId, PrinterAction)> {
        if !self.nameplate.control || self.book.on_the_bed.is_some() || !self.is_ready_to_print() {
            return None;
        }
        let next = self
            .book
            .orders()
            .filter(|order| order.state == OrderState::AllowedToStart)
            // The first of those with the highest priority.
            .reduce(|best, order| {
                if order.priority > best.priority {
                    order
                } else {
                    best
                }
            })?;
        let (id, file) = (next.id.clone(), next.file.clone()?);
        let action = self.book.wait_for_print(&id, &file, at);
        Some((id, action))
    }

    /// What has changed in the book since the last call.
    pub fn take_changes(&mut self) -> Changes {
        self.book.take_changes()
    }

    /// What is served for an identification property: what a client wrote, else the configuration.
    pub fn tag(&self, tag: Tag) -> Option<&str> {
        match self.tags.get(&tag) {
            Some(written) => Some(&written.text),
            None => self.nameplate.tag(tag),
        }
    }

    fn write_tag(&mut self, tag: Tag, text: &str) -> Result<Admitted, Refusal> {
        if text.chars().count() > MAX_TAG || text.chars().any(char::is_control) {
            return Err(Refusal::InvalidRequest);
        }
        let written = WrittenTag {
            text: text.to_owned(),
            instead_of: self.nameplate.tag(tag).map(str::to_owned),
        };
        if self.tags.get(&tag) != Some(&written) {
            self.tags.insert(tag, written);
            self.book.tags_changed = true;
        }
        Ok(Admitted::Done)
    }
}
