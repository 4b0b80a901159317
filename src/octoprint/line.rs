//! What poll and push of one server know of each other.
//!
//! ```text
//!   poll ── Rest: may OctoPrint be read? ──► push
//!   push ── Feed: does it tell by itself? ─► poll
//! ```
//!
//! Both put their observations into one queue, and what the machine is told must not run backwards: an answer that was
//! asked for before something was told may be older than it. So poll leaves the word to push while push tells, and an
//! answer that was overtaken is dropped in the moment in which it would be told.

use std::future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::Sender;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::Observed;
use crate::machine::{JobFile, News, Observation, PrintNews, PrinterState, Report, Timestamp};

/// Whether OctoPrint answers and accepts the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Rest {
    #[default]
    Down,
    Up,
}

/// Whether OctoPrint tells by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Feed {
    #[default]
    Silent,
    Telling,
}

/// What was told last, by push or by poll.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// Counts the turns of what follows.
    pub turns: u64,
    pub state: PrinterState,
    pub file: Option<JobFile>,
    /// Percent of the file.
    completion: Option<f64>,
    /// When the last sign of life came.
    pub heard: Instant,
}

/// See the [module](self). Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    out: Sender<Observed>,
    rest: watch::Sender<Rest>,
    feed: watch::Sender<Feed>,
    told: Arc<Mutex<Told>>,
    condemned: Arc<Notify>,
}

impl Line {
    pub(super) fn new(out: Sender<Observed>) -> Self {
        Self {
            out,
            rest: watch::Sender::default(),
            feed: watch::Sender::default(),
            told: Arc::new(Mutex::new(Told {
                turns: 0,
                state: PrinterState::Unknown,
                file: None,
                completion: None,
                heard: Instant::now(),
            })),
            condemned: Arc::default(),
        }
    }

    pub(super) fn rest(&self) -> Rest {
        *self.rest.borrow()
    }

    pub(super) fn turn_rest(&self, rest: Rest) {
        self.rest.send_if_modified(|now| {
            let turns = *now != rest;
            *now = rest;
            turns
        });
    }

    /// Waits until OctoPrint can be read, or cannot.
    pub(super) async fn until_rest(&self, rest: Rest) {
        // `self` holds the sender.
        let _ = self.rest.subscribe().wait_for(|now| *now == rest).await;
    }

    pub(super) fn feed(&self) -> Feed {
        *self.feed.borrow()
    }

    pub(super) fn turn_feed(&self, feed: Feed) {
        self.feed.send_replace(feed);
    }

    /// What is told is not true: it does not count any more, and is to begin anew.
    pub(super) fn condemn(&self) {
        self.turn_feed(Feed::Silent);
        self.condemned.notify_waiters();
    }

    pub(super) async fn until_condemned(&self) {
        self.condemned.notified().await;
    }

    /// To wait for turns of the feed.
    pub(super) fn feeds(&self) -> watch::Receiver<Feed> {
        self.feed.subscribe()
    }

    pub(super) fn told(&self) -> Told {
        self.with_told(|told| told.clone())
    }

    pub(super) fn heard_at(&self) -> Instant {
        self.with_told(|told| told.heard)
    }

    /// Something was heard from the server.
    pub(super) fn heard(&self) {
        self.with_told(|told| told.heard = Instant::now());
    }

    /// This is told.
    pub(super) fn note(&self, observation: &Observation) {
        match observation {
            Observation::Report(report) => self.with_told(|told| {
                told.note_state(report.state);
                told.note_file(report.file.as_ref());
                told.completion = report.progress.completion;
            }),
            Observation::News(News::State { state, .. }) => {
                self.with_told(|told| told.note_state(*state));
            }
            Observation::News(News::Print(PrintNews::Started { file, .. })) => {
                self.with_told(|told| told.note_file(Some(file)));
            }
            _ => {}
        }
    }

    /// Puts an observation of `at` into the queue, if `counts` still holds when there is room for it.
    ///
    /// For ever, once nobody listens any more: whoever runs this ends it then.
    pub(super) async fn emit(
        &self,
        observation: Observation,
        at: Timestamp,
        counts: impl FnOnce(&Observation) -> bool,
    ) {
        match self.out.reserve().await {
            Ok(place) if counts(&observation) => place.send(Observed {
                observation: Box::new(observation),
                at,
            }),
            Ok(_) => {}
            Err(_) => future::pending().await,
        }
    }

    fn with_told<T>(&self, act: impl FnOnce(&mut Told) -> T) -> T {
        act(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Told {
    /// Was this told before, or is it older still? A print does not go back.
    pub(super) fn is_ahead_of(&self, report: &Report) -> bool {
        self.state.has_active_job()
            && report.state.has_active_job()
            && is_same_file(self.file.as_ref(), report.file.as_ref())
            && report.progress.completion < self.completion
    }

    fn note_state(&mut self, state: PrinterState) {
        self.turns += u64::from(self.state != state);
        self.state = state;
    }

    fn note_file(&mut self, file: Option<&JobFile>) {
        if !is_same_file(self.file.as_ref(), file) {
            self.turns += 1;
            self.file = file.cloned();
        }
    }
}

fn is_same_file(one: Option<&JobFile>, other: Option<&JobFile>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Progress;

    fn printing(path: &str, completion: f64) -> Report {
        let file = JobFile {
            origin: "local".into(),
            path: path.into(),
            name: path.into(),
            display: path.into(),
            size: None,
            date: None,
        };
        Report {
            state: PrinterState::Printing,
            file: Some(file),
            progress: Progress {
                completion: Some(completion),
                ..Progress::default()
            },
            ..Report::default()
        }
    }

    #[test]
    fn a_print_that_stands_further_back_was_told_before() {
        let (out, _) = tokio::sync::mpsc::channel(1);
        let line = Line::new(out);
        assert!(!line.told().is_ahead_of(&printing("a.gcode", 40.0)));
        line.note(&Observation::Report(Box::new(printing("a.gcode", 40.0))));
        assert!(line.told().is_ahead_of(&printing("a.gcode", 39.9)));
        assert!(!line.told().is_ahead_of(&printing("a.gcode", 40.0)));
        assert!(!line.told().is_ahead_of(&printing("b.gcode", 4.0)));
        assert!(!line.told().is_ahead_of(&Report::default()));
    }
}
