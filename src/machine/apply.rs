//! How a machine changes: by what a source observed, and by time going by.

use super::hearing::Extent;
use super::hold::Held;
use super::tracker::Sight;
use super::{
    DataSource, Estimates, Freshness, JobEvent, KeyRejection, Link, Machine, Observation, Progress,
    Report, SensorReading, Timestamp, Unreachable, later, sensors,
};

impl Machine {
    /// Takes in one observation made at `at`, and tells what happened to jobs, in order.
    ///
    /// An `at` before one that was passed in earlier (somebody set the clock) counts as that earlier one.
    pub fn apply(&mut self, observation: Observation, at: Timestamp) -> Vec<JobEvent> {
        let at = self.advance(at);
        let mut events = self.release_if_due(at);
        events.extend(match observation {
            Observation::Report(report) => self.take_report(*report, Extent::Whole, at),
            Observation::News(news) => self.hear(news, at),
            Observation::Confirmed => self.confirm(at),
            Observation::Source(source) => self.turn_to(source),
            Observation::Unreachable(why) => self.lose_link(Lost::Unreachable(why), at),
            Observation::KeyRejected(why) => self.lose_link(Lost::KeyRejected(why), at),
            Observation::Software(software) => {
                self.software = Some(software);
                Vec::new()
            }
            Observation::Profile(profile) => {
                self.profile = Some(profile);
                Vec::new()
            }
            Observation::Files(files) => {
                self.files = Some(files);
                Vec::new()
            }
        });
        self.settle(events, at)
    }

    /// Applies what only time changes, and tells what it did to jobs; to be called at [`Self::next_deadline`].
    pub fn tick(&mut self, at: Timestamp) -> Vec<JobEvent> {
        let at = self.advance(at);
        let events = self.release_if_due(at);
        self.settle(events, at)
    }

    fn settle(&mut self, events: Vec<JobEvent>, at: Timestamp) -> Vec<JobEvent> {
        self.freeze_if_due(at);
        self.remember_job(&events);
        self.count_jobs(&events);
        self.keep_book(&events, at);
        events
    }

    /// How much the values that depend on the source can be trusted at `at`.
    pub fn freshness(&self, at: Timestamp) -> Freshness {
        match (&self.report, self.stale_until()) {
            (None, _) => Freshness::Waiting,
            (Some(_), None) => Freshness::Live,
            (Some(_), Some(until)) if at.max(self.now) < until => Freshness::Stale,
            (Some(_), Some(_)) => Freshness::Lost,
        }
    }

    /// The next instant at which the machine changes without an observation, if none comes before.
    ///
    /// Stale values are lost then (see [`Self::freshness`]), or a temperature feed is frozen (call [`Self::tick`]).
    pub fn next_deadline(&self, at: Timestamp) -> Option<Timestamp> {
        let lost = match self.freshness(at) {
            Freshness::Stale => self.stale_until(),
            Freshness::Waiting | Freshness::Live | Freshness::Lost => None,
        };
        let frozen = self.feed.freezes_at(&self.patience).filter(|_| {
            self.sensors
                .values()
                .any(|sensor| sensor.reading == SensorReading::Present)
        });
        let explained = self.held.as_ref().and_then(Held::due);
        lost.into_iter().chain(frozen).chain(explained).min()
    }

    /// Takes over a report, unless it must wait for news that explain it.
    pub(super) fn take_report(
        &mut self,
        mut report: Report,
        extent: Extent,
        at: Timestamp,
    ) -> Vec<JobEvent> {
        let events = match self.tracker.see(&report, extent, at) {
            Sight::Counts(events) => events,
            Sight::Waits => {
                self.hold(report, extent, at);
                return Vec::new();
            }
        };
        let first_seen = Held::first_seen(self.held.take(), &report, at);
        self.count_time(at);
        if !matches!(self.link, Link::Up { .. }) {
            self.link = Link::Up { since: at };
        }
        self.down_since = None;
        if extent == Extent::State {
            begin_anew(&mut report, &events);
        }
        if extent == Extent::Whole {
            self.complete(&mut report);
        }
        self.judge_trouble(&mut report, at);
        self.judge_filament(&report, at);
        if self.printer_state() != Some(report.state) {
            self.state_since = Some(first_seen);
        }
        if extent == Extent::Whole {
            sensors::read(&mut self.sensors, &mut self.feed, &report.temperatures, at);
        }
        self.report = Some(report);
        self.reported_at = Some(at);
        events
    }

    fn confirm(&mut self, at: Timestamp) -> Vec<JobEvent> {
        // What waits for its other half is not what is shown.
        let shown = self.report.is_some() && self.held.is_none();
        if shown && matches!(self.link, Link::Up { .. }) {
            self.count_time(at);
            self.reported_at = Some(at);
        }
        Vec::new()
    }

    /// News come from now on, or do not; what waits for them in vain is decided by the next report.
    fn turn_to(&mut self, source: DataSource) -> Vec<JobEvent> {
        self.tracker.listen(&source);
        self.source = source;
        self.held = None;
        Vec::new()
    }

    fn lose_link(&mut self, lost: Lost, at: Timestamp) -> Vec<JobEvent> {
        self.link = match (lost, &self.link) {
            (Lost::Unreachable(why), Link::Unreachable { since, .. }) => {
                Link::Unreachable { since: *since, why }
            }
            (Lost::KeyRejected(why), Link::KeyRejected { since, .. }) => {
                Link::KeyRejected { since: *since, why }
            }
            (Lost::Unreachable(why), _) => Link::Unreachable { since: at, why },
            (Lost::KeyRejected(why), _) => Link::KeyRejected { since: at, why },
        };
        self.down_since.get_or_insert(at);
        // Nobody can tell whether samples arrive meanwhile.
        self.feed = sensors::Feed::Untimed;
        self.held = None;
        self.tracker.lose_sight();
        Vec::new()
    }

    fn remember_job(&mut self, events: &[JobEvent]) {
        let ended = events.iter().rev().find_map(|event| match event {
            JobEvent::Ended(job) => Some(job),
            JobEvent::Started(_) | JobEvent::Paused { .. } | JobEvent::Resumed { .. } => None,
        });
        if let Some(job) = self.tracker.job().or(ended) {
            self.job = Some(job.clone());
        }
    }

    fn freeze_if_due(&mut self, at: Timestamp) {
        if self
            .feed
            .freezes_at(&self.patience)
            .is_some_and(|due| due <= at)
        {
            sensors::freeze(&mut self.sensors);
        }
    }

    fn stale_until(&self) -> Option<Timestamp> {
        self.down_since
            .map(|since| later(since, self.patience.stale_after))
    }

    pub(super) fn advance(&mut self, at: Timestamp) -> Timestamp {
        self.now = self.now.max(at);
        self.now
    }
}

/// A print that begins with the state alone has made no progress; what the report before said is of another one.
fn begin_anew(report: &mut Report, events: &[JobEvent]) {
    let started = events.iter().find_map(|event| match event {
        JobEvent::Started(job) => Some(job),
        _ => None,
    });
    if let Some(job) = started {
        report.file.clone_from(&job.file);
        report.progress = Progress::default();
        report.estimates = Estimates::default();
    }
}

/// Why the link is down.
enum Lost {
    Unreachable(Unreachable),
    KeyRejected(KeyRejection),
}
