//! How long and how often a machine worked, counted from what was observed.

use std::time::Duration;

use super::{Job, JobEvent, JobPhase, Link, Machine, Outcome, Timestamp};

impl Machine {
    /// Counts the time since the report before, in which the printer did what that report said. Time in which
    /// OctoPrint did not answer counts for nothing, and neither does a jump of the clock.
    pub(super) fn count_time(&mut self, at: Timestamp) {
        let (Link::Up { .. }, Some(before)) = (&self.link, self.reported_at) else {
            return;
        };
        let passed = (at - before).to_std().unwrap_or(Duration::ZERO);
        if passed > self.patience.stale_after || !self.is_printer_connected() {
            return;
        }
        self.counters.power_on += passed;
        if self
            .active_job()
            .is_some_and(|job| job.phase == JobPhase::Running)
        {
            self.counters.operation += passed;
        }
    }

    pub(super) fn count_jobs(&mut self, events: &[JobEvent]) {
        let ended = events.iter().filter_map(|event| match event {
            JobEvent::Ended(job) => Some(job),
            JobEvent::Started(_) | JobEvent::Paused { .. } | JobEvent::Resumed { .. } => None,
        });
        for job in ended {
            self.counters.cycles += 1;
            self.counters.parts += u64::from(is_completed(job));
        }
    }
}

fn is_completed(job: &Job) -> bool {
    matches!(job.end(), Some((_, Outcome::Completed)))
}
