//! How prints change the book: each print is the job of exactly one order.
//!
//! A print that was asked for by an order becomes that order's job. Any other gets an order of its own, because a
//! MES reads jobs from orders ("by some internal mechanisms", OPC 10031-4).

use super::{FileRef, Interruption, Order, OrderId, OrderOrigin, OrderState, PrinterAction};
use crate::machine::{Job, JobEvent, JobId, JobPhase, Machine, Outcome, Timestamp};

impl Machine {
    /// Takes over what the tracker found in one observation.
    pub(in crate::machine) fn keep_book(&mut self, events: &[JobEvent], at: Timestamp) {
        for event in events {
            match event {
                JobEvent::Started(job) => self.print_started(job),
                JobEvent::Paused { id, at } => {
                    self.print_turned(id, PrinterAction::Pause, *at);
                }
                JobEvent::Resumed { id, at } => {
                    self.print_turned(id, PrinterAction::Resume, *at);
                }
                JobEvent::Ended(job) => self.print_ended(job),
            }
        }
        self.follow_print();
        let keep = self.keep;
        self.book.retain(&keep, at);
    }

    fn print_started(&mut self, job: &Job) {
        self.book.on_the_bed = None;
        let id = match self.asked_for(job) {
            Some(id) => {
                self.book
                    .amend(&id, |order| order.job = Some(running(job.clone())));
                self.book.pending = None;
                self.book.overdue = None;
                let comment = self.book.find(&id).and_then(|order| order.reason.clone());
                self.book
                    .enter(&id, OrderState::Running, comment, job.start.at());
                id
            }
            None => {
                let order = internal(self.free_id(&job.id), job);
                let id = order.id.clone();
                self.book.insert(order);
                id
            }
        };
        let filament = self.report.as_ref().map(|r| r.estimates.filament.clone());
        self.book
            .amend(&id, |order| order.filament = filament.unwrap_or_default());
    }

    /// The order that asked for this print. A print whose file is not told yet is taken for the one asked for.
    fn asked_for(&self, job: &Job) -> Option<OrderId> {
        let pending = self
            .book
            .pending
            .as_ref()
            .and_then(|(id, action)| matches!(action, PrinterAction::Print(_)).then_some(id));
        let overdue = self.book.overdue.as_ref();
        let overdue = overdue
            .filter(|(_, until)| job.start.at() <= *until)
            .map(|(id, _)| id);
        let order = self.book.find(pending.or(overdue)?)?;
        let fits = match (&job.file, &order.file) {
            (Some(file), Some(wanted)) => wanted.is(file),
            (None, _) | (_, None) => true,
        };
        (order.state.is_waiting() && fits).then(|| order.id.clone())
    }

    /// The id of a job, unless a MES has taken it for an order of its own.
    fn free_id(&self, job: &JobId) -> OrderId {
        let mut id = OrderId(job.0.clone());
        let mut n = 2;
        while self.book.find(&id).is_some() {
            id = OrderId(format!("{}~{n}", job.0));
            n += 1;
        }
        id
    }

    /// The print was paused or goes on; `asked` is the action that leads there.
    fn print_turned(&mut self, job: &JobId, asked: PrinterAction, at: Timestamp) {
        let Some(order) = self.book.of_job(job) else {
            return;
        };
        let id = order.id.clone();
        let by_request = self.book.pending_of(&id) == Some(&asked);
        let reason = by_request.then(|| order.reason.clone()).flatten();
        if by_request {
            self.book.pending = None;
        }
        let state = match (asked, by_request) {
            (PrinterAction::Pause, true) => OrderState::Interrupted(Interruption::Suspended),
            (PrinterAction::Pause, false) => OrderState::Interrupted(Interruption::Held),
            _ => OrderState::Running,
        };
        self.book.enter(&id, state, reason, at);
    }

    fn print_ended(&mut self, job: &Job) {
        let Some((at, outcome)) = job.end() else {
            return;
        };
        let Some(id) = self.book.of_job(&job.id).map(|order| order.id.clone()) else {
            return;
        };
        let state = match outcome {
            Outcome::Completed => OrderState::Ended,
            Outcome::Cancelled | Outcome::Failed { .. } | Outcome::Unknown { .. } => {
                OrderState::Aborted
            }
        };
        let reason = self.end_reason(&id, outcome);
        self.book.amend(&id, |order| order.job = Some(job.clone()));
        if self.book.pending_of(&id).is_some() {
            self.book.pending = None;
        }
        self.book.enter(&id, state, reason, at);
        self.book.on_the_bed = Some(id);
    }

    fn end_reason(&self, id: &OrderId, outcome: &Outcome) -> Option<String> {
        match outcome {
            Outcome::Completed => None,
            Outcome::Cancelled => {
                let asked = self.book.pending_of(id) == Some(&PrinterAction::Cancel);
                let comment = self.book.find(id).and_then(|order| order.reason.clone());
                comment
                    .filter(|_| asked)
                    .or_else(|| Some("cancelled".to_owned()))
            }
            Outcome::Failed { reason } => Some(reason.clone()),
            Outcome::Unknown { why } => Some(why.to_string()),
        }
    }

    /// The active order holds its job as it is now.
    fn follow_print(&mut self) {
        let Some(job) = self.tracker.job() else {
            return;
        };
        let Some(id) = self.book.of_job(&job.id).map(|order| order.id.clone()) else {
            return;
        };
        let filament = self.report.as_ref().map(|r| &r.estimates.filament);
        self.book.follow(&id, |order| {
            if order.file.is_none() {
                order.file = job.file.as_ref().map(file_ref);
            }
            order.job = Some(job.clone());
            if let Some(filament) = filament.filter(|told| !told.is_empty()) {
                order.filament.clone_from(filament);
            }
        });
    }
}

fn internal(id: OrderId, job: &Job) -> Order {
    let start = job.start.at();
    Order {
        id,
        origin: OrderOrigin::Internal,
        file: job.file.as_ref().map(file_ref),
        document: None,
        priority: 0,
        state: OrderState::Running,
        created_at: start,
        state_since: start,
        asked_at: None,
        reason: None,
        job: Some(running(job.clone())),
        filament: Default::default(),
    }
}

/// The job as it was at its start: what happened to it since is told by the events that follow.
fn running(job: Job) -> Job {
    Job {
        phase: JobPhase::Running,
        ..job
    }
}

fn file_ref(file: &crate::machine::JobFile) -> FileRef {
    FileRef {
        origin: file.origin.clone(),
        path: file.path.clone(),
    }
}
