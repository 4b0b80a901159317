//! What each method of a MES does to the book (OPC 10031-4 §6.2; facts: `docs/mapping.md`, Jobs).
//!
//! | method | from | to |
//! |---|---|---|
//! | Store | – | NotAllowedToStart |
//! | StoreAndStart | – | AllowedToStart, and Running if the printer is ready |
//! | Start | NotAllowedToStart | AllowedToStart, and Running if the printer is ready |
//! | RevokeStart | AllowedToStart | NotAllowedToStart |
//! | Update | NotAllowedToStart, AllowedToStart | the same |
//! | Pause | Running | Interrupted |
//! | Resume | Interrupted | Running |
//! | Abort | any that is not final | Aborted |
//! | Cancel | NotAllowedToStart, AllowedToStart | gone |
//! | Clear | Ended, Aborted | gone |
//!
//! A call that was answered and comes again finds its work done and is answered the same. One that comes while
//! OctoPrint is at work for another is refused as busy: two callers who race have one winner.

use super::{
    Admitted, MAX_WAITING_ORDERS, NewOrder, Order, OrderId, OrderOrigin, OrderRequest, OrderState,
    PrinterAction, Refusal,
};
use crate::machine::{Link, Machine, PrinterState, Timestamp};

impl Machine {
    pub(super) fn order_request(
        &mut self,
        request: &OrderRequest,
        comment: Option<&str>,
        at: Timestamp,
    ) -> Result<Admitted, Refusal> {
        match request {
            OrderRequest::Store(new) => self.store(new, comment, at),
            OrderRequest::StoreAndStart(new) => {
                self.store(new, comment, at)?;
                self.start(&new.id, comment, at)
            }
            OrderRequest::Update(new) => self.update(new, comment),
            OrderRequest::Start(id) => self.start(id, comment, at),
            OrderRequest::RevokeStart(id) => self.revoke(id, comment, at),
            OrderRequest::Pause(id) => self.steer(id, PrinterAction::Pause, comment),
            OrderRequest::Resume(id) => self.steer(id, PrinterAction::Resume, comment),
            OrderRequest::Abort(id) => self.abort(id, comment, at),
            OrderRequest::Cancel(id) => match self.known(id)?.state {
                state if state.is_waiting() => self.discard(id),
                _ => Err(Refusal::InvalidState),
            },
            OrderRequest::Clear(id) => match self.known(id)?.state {
                state if state.is_final() => self.discard(id),
                _ => Err(Refusal::InvalidState),
            },
        }
    }

    fn known(&self, id: &OrderId) -> Result<&Order, Refusal> {
        self.book.find(id).ok_or(Refusal::UnknownOrder)
    }

    fn store(
        &mut self,
        new: &NewOrder,
        comment: Option<&str>,
        at: Timestamp,
    ) -> Result<Admitted, Refusal> {
        if let Some(order) = self.book.find(&new.id) {
            let is_the_same = order.state.is_waiting()
                && order.document.as_deref() == Some(new.document.as_ref());
            return if is_the_same {
                Ok(Admitted::Done)
            } else {
                Err(Refusal::InvalidState)
            };
        }
        let waiting = self.book.orders().filter(|o| o.state.is_waiting()).count();
        if waiting >= usize::from(MAX_WAITING_ORDERS) {
            return Err(Refusal::UnableToAccept);
        }
        self.check_file(new)?;
        self.book.insert(Order {
            id: new.id.clone(),
            origin: OrderOrigin::Mes,
            file: Some(new.file.clone()),
            document: Some(new.document.clone()),
            priority: new.priority,
            state: OrderState::NotAllowedToStart,
            created_at: at,
            state_since: at,
            asked_at: None,
            reason: comment.map(str::to_owned),
            job: None,
            filament: Default::default(),
        });
        Ok(Admitted::Done)
    }

    fn update(&mut self, new: &NewOrder, comment: Option<&str>) -> Result<Admitted, Refusal> {
        if !self.known(&new.id)?.state.is_waiting() {
            return Err(Refusal::InvalidState);
        }
        if self.book.pending_of(&new.id).is_some() {
            return Err(Refusal::Busy);
        }
        self.check_file(new)?;
        self.book.amend(&new.id, |order| {
            order.file = Some(new.file.clone());
            order.document = Some(new.document.clone());
            order.priority = new.priority;
            order.reason = comment.map(str::to_owned);
        });
        Ok(Admitted::Done)
    }

    fn start(
        &mut self,
        id: &OrderId,
        comment: Option<&str>,
        at: Timestamp,
    ) -> Result<Admitted, Refusal> {
        let order = self.known(id)?;
        match order.state {
            OrderState::NotAllowedToStart | OrderState::AllowedToStart => {}
            OrderState::Running | OrderState::Interrupted(_) => return Ok(Admitted::Done),
            OrderState::Ended | OrderState::Aborted => return Err(Refusal::InvalidState),
        }
        let file = order.file.clone().ok_or(Refusal::FileNotFound)?;
        if self.book.pending_of(id).is_some() {
            return Err(Refusal::Busy);
        }
        let reason = comment.map(str::to_owned);
        self.book.enter(id, OrderState::AllowedToStart, reason, at);
        if !self.is_ready_to_print() {
            return Ok(Admitted::Done);
        }
        Ok(Admitted::Act {
            order: id.clone(),
            action: self.book.wait_for_print(id, &file, at),
        })
    }

    fn revoke(
        &mut self,
        id: &OrderId,
        comment: Option<&str>,
        at: Timestamp,
    ) -> Result<Admitted, Refusal> {
        match self.known(id)?.state {
            OrderState::NotAllowedToStart => Ok(Admitted::Done),
            OrderState::AllowedToStart if self.book.pending_of(id).is_some() => Err(Refusal::Busy),
            OrderState::AllowedToStart => {
                let reason = comment.map(str::to_owned);
                self.book
                    .enter(id, OrderState::NotAllowedToStart, reason, at);
                Ok(Admitted::Done)
            }
            _ => Err(Refusal::InvalidState),
        }
    }

    /// Pause, Resume, and Abort of a print that runs: OctoPrint has to do it.
    fn steer(
        &mut self,
        id: &OrderId,
        action: PrinterAction,
        comment: Option<&str>,
    ) -> Result<Admitted, Refusal> {
        let state = self.known(id)?.state;
        match (&action, state) {
            (PrinterAction::Pause, OrderState::Interrupted(_))
            | (PrinterAction::Resume, OrderState::Running)
                if self.book.pending.is_none() =>
            {
                return Ok(Admitted::Done);
            }
            (_, OrderState::Running | OrderState::Interrupted(_)) => {}
            _ => return Err(Refusal::InvalidState),
        }
        if !matches!(self.link, Link::Up { .. }) {
            return Err(Refusal::Unreachable);
        }
        if !self.is_printer_connected() {
            return Err(Refusal::PrinterNotConnected);
        }
        if self.book.pending.is_some() {
            return Err(Refusal::Busy);
        }
        self.book.pending = Some((id.clone(), action.clone()));
        self.book.amend(id, |order| {
            order.reason = comment.map(str::to_owned);
        });
        Ok(Admitted::Act {
            order: id.clone(),
            action,
        })
    }

    fn abort(
        &mut self,
        id: &OrderId,
        comment: Option<&str>,
        at: Timestamp,
    ) -> Result<Admitted, Refusal> {
        match self.known(id)?.state {
            OrderState::Aborted => Ok(Admitted::Done),
            OrderState::Ended => Err(Refusal::InvalidState),
            state if state.is_waiting() => {
                if self.book.pending_of(id).is_some() {
                    return Err(Refusal::Busy);
                }
                let reason = comment.unwrap_or("aborted before it ran");
                self.book
                    .enter(id, OrderState::Aborted, Some(reason.to_owned()), at);
                Ok(Admitted::Done)
            }
            _ => self.steer(id, PrinterAction::Cancel, comment),
        }
    }

    fn discard(&mut self, id: &OrderId) -> Result<Admitted, Refusal> {
        if self.book.pending_of(id).is_some() {
            return Err(Refusal::Busy);
        }
        if self.book.on_the_bed.as_ref() == Some(id) {
            self.book.on_the_bed = None;
        }
        self.book.remove(id);
        Ok(Admitted::Done)
    }

    /// While OctoPrint does not tell its files, it will tell when it is asked to print.
    fn check_file(&self, new: &NewOrder) -> Result<(), Refusal> {
        match &self.files {
            Some(files) if !files.iter().any(|known| new.file.is(&known.file)) => {
                Err(Refusal::FileNotFound)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// OctoPrint answers, the printer stands ready, and nothing else was asked of it.
    pub(super) fn is_ready_to_print(&self) -> bool {
        matches!(self.link, Link::Up { .. })
            && self.printer_state() == Some(PrinterState::Operational)
            && self.tracker.job().is_none()
            && self.book.pending.is_none()
    }
}
