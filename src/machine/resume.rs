//! A machine as it was when the process ended.

use super::active::Active;
use super::tracker::Tracker;
use super::{Book, Checkpoint, Job, Machine, Nameplate, Patience, Running, Saved};

impl Machine {
    /// A machine that goes on where a process before left it.
    ///
    /// A print that ran then is believed to run until the first report tells: it goes on under its id with its
    /// start, is over, or was replaced, as after a loss of the link. What OctoPrint was asked to do is forgotten, but
    /// a print that may have been asked for is still that of its order.
    pub fn resume(nameplate: Nameplate, patience: Patience, saved: Saved) -> Self {
        let mut machine = Self::new(nameplate, patience);
        let Checkpoint {
            counters,
            running,
            firmware,
        } = saved.checkpoint;
        machine.firmware = firmware;
        machine.counters = counters;
        machine.tags = saved.tags;
        machine
            .tags
            .retain(|tag, written| machine.nameplate.tag(*tag) == written.instead_of.as_deref());
        machine.book = Book::from_orders(saved.orders);
        let jobs = || machine.book.orders().filter_map(|order| order.job.as_ref());
        let active = machine.book.active().and_then(|order| {
            let job = order.job.clone()?;
            let running = running.filter(|running| running.order == order.id);
            Some(Active::resume(job, running))
        });
        machine.job = match &active {
            Some(active) => Some(active.job().clone()),
            None => jobs()
                .max_by_key(|job| job.end().map(|(at, _)| at))
                .cloned(),
        };
        machine.tracker = Tracker::resume(active, jobs());
        machine
    }

    /// What to keep of the moment.
    pub fn checkpoint(&self) -> Checkpoint {
        let running = self.tracker.active().and_then(|active| {
            let order = self.book.of_job(&active.job().id)?;
            Some(Running {
                order: order.id.clone(),
                ..active.checkpoint()
            })
        });
        Checkpoint {
            counters: self.counters,
            running,
            firmware: self.firmware.clone(),
        }
    }
}

/// When the last of these jobs was over: none ran unseen before.
pub(super) fn last_end<'a>(jobs: impl Iterator<Item = &'a Job>) -> Option<super::Timestamp> {
    jobs.filter_map(|job| job.end().map(|(at, _)| at)).max()
}
