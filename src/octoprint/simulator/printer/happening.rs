//! What happens to a printer, as OctoPrint's event bus tells it, in its order. Recorded only while somebody follows.

use std::time::Duration;

use super::catalogue::Model;
use super::state::{PrinterError, State};
use super::{Job, Printer, Work};
use crate::octoprint::simulator::clock::Moment;
use crate::octoprint::simulator::trail::{Mark as Place, Trail};

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Happening {
    Connecting,
    Connected,
    FirmwareTold,
    Disconnecting,
    Disconnected,
    StateChanged {
        id: &'static str,
        text: &'static str,
    },
    Failed(PrinterError),
    EmergencyStop,
    FileSelected {
        model: &'static Model,
        user: String,
    },
    FileDeselected,
    FilesUpdated,
    StatisticsUpdated(&'static Model),
    PrintStarted(Print),
    PrintPaused(Print),
    PrintResumed(Print),
    PrintCancelling(Print),
    PrintCancelled(Print),
    PrintDone(Print),
    PrintFailed(Print, Failure),
    ToolChanged {
        old: usize,
        new: usize,
    },
    LayerChanged {
        /// Millimetres; `None` before the first layer.
        old: Option<f64>,
        new: f64,
    },
    FilamentChange,
    Marked(MarkKind),
}

/// Why a print failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    Cancelled,
    /// In the words of the error; empty if somebody closed the connection.
    Error(String),
}

/// The print that an event is about, as it was then.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Print {
    pub model: &'static Model,
    pub user: String,
    /// Bytes.
    pub position: u64,
    pub time: Duration,
    /// Millimetres.
    pub height: Option<f64>,
}

/// What OctoPrint marks in its temperature chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkKind {
    Connected,
    Disconnected,
    Started,
    Paused,
    Resumed,
    Done,
    Cancelled,
}

/// Marks further back are forgotten.
const MARKINGS_KEPT: usize = 20;

/// What a printer remembers for those who follow it.
#[derive(Debug, Default)]
pub(super) struct Record {
    followers: usize,
    trail: Trail<Happening>,
    markings: Vec<(Moment, MarkKind)>,
    /// Happens as soon as the state changes again: OctoPrint tells of an error first and cleans up afterwards.
    aftermath: Vec<Happening>,
}

impl Record {
    /// Of a printer that was connected at this moment, and of which nothing is known from before.
    pub(super) fn since(connected: Moment) -> Self {
        Self {
            markings: vec![(connected, MarkKind::Connected)],
            ..Self::default()
        }
    }
}

impl Printer {
    /// From now on happenings are recorded. Each call needs its [`Self::unfollow`].
    pub(crate) fn follow(&mut self) -> Place {
        self.record.followers += 1;
        self.record.trail.end()
    }

    pub(crate) fn unfollow(&mut self) {
        self.record.followers = self.record.followers.saturating_sub(1);
        if self.record.followers == 0 {
            self.record.trail.clear();
        }
    }

    /// What happened since, in order; the place moves on.
    pub(crate) fn happenings(&self, since: &mut Place) -> Vec<Happening> {
        self.record.trail.follow(since)
    }

    pub(crate) fn markings(&self) -> &[(Moment, MarkKind)] {
        &self.record.markings
    }

    pub(super) fn tell(&mut self, happening: Happening) {
        if self.record.followers > 0 {
            self.record.trail.push(happening);
        }
    }

    pub(super) fn mark(&mut self, kind: MarkKind) {
        if self.record.markings.len() == MARKINGS_KEPT {
            self.record.markings.remove(0);
        }
        self.record.markings.push((self.now, kind));
    }

    /// Marks the chart and tells so, as OctoPrint does for prints.
    pub(super) fn tell_mark(&mut self, kind: MarkKind) {
        self.mark(kind);
        self.tell(Happening::Marked(kind));
    }

    /// Tells of the state that was just entered, after what was still to tell of the one before. A closed connection
    /// tells of its state itself.
    pub(super) fn tell_state(&mut self) {
        for happening in std::mem::take(&mut self.record.aftermath) {
            if happening == Happening::Disconnected {
                self.mark(MarkKind::Disconnected);
            }
            self.tell(happening);
        }
        if !matches!(self.state, State::Offline | State::OfflineAfterError(_)) {
            let (id, text) = (self.state.id(), self.state.text());
            self.tell(Happening::StateChanged { id, text });
        }
    }

    /// These are told as soon as the next state is entered, before the state itself.
    pub(super) fn tell_with_next_state(&mut self, news: impl IntoIterator<Item = Happening>) {
        self.record.aftermath.extend(news);
    }

    /// What OctoPrint tells when it closes an open connection: the state "Offline" even after an error, and the end
    /// of a print last of all.
    pub(super) fn closing(&self, error: &str) -> Vec<Happening> {
        if self.state.flags().closed_or_error {
            return Vec::new();
        }
        let (id, text) = (State::Offline.id(), State::Offline.text());
        let deselected =
            matches!(self.job, Job::Loaded { .. }).then_some(Happening::FileDeselected);
        let failed = self.print().map(|print| {
            let failure = Failure::Error(error.to_owned());
            [
                Happening::StatisticsUpdated(print.model),
                Happening::PrintFailed(print, failure),
            ]
        });
        std::iter::once(Happening::FilesUpdated)
            .chain(deselected)
            .chain([
                Happening::Disconnected,
                Happening::StateChanged { id, text },
            ])
            .chain(failed.into_iter().flatten())
            .collect()
    }

    pub(super) fn tell_statistics(&mut self) {
        if let Job::Loaded { model, .. } = self.job {
            self.tell(Happening::StatisticsUpdated(model));
        }
    }

    /// Tells an event about the running print, if there is one.
    pub(super) fn tell_print(&mut self, happening: fn(Print) -> Happening) {
        if let Some(print) = self.print() {
            self.tell(happening(print));
        }
    }

    fn print(&self) -> Option<Print> {
        match &self.job {
            Job::Loaded {
                model,
                user,
                work: Work::Running(run),
            } => Some(Print {
                model,
                user: user.clone(),
                position: run.file_position(self.now),
                time: run.print_time(self.now),
                height: run.height(),
            }),
            _ => None,
        }
    }

    /// The nozzle rises to its next layer; with several tools they take turns.
    pub(super) fn rise(&mut self) {
        let Job::Loaded {
            model,
            work: Work::Running(run),
            ..
        } = &mut self.job
        else {
            return;
        };
        let (tools, layer, old) = (model.filament.len(), run.layer() as usize, run.height());
        let new = run.rise();
        if tools > 1 {
            self.tell(Happening::ToolChanged {
                old: layer % tools,
                new: (layer + 1) % tools,
            });
        }
        self.tell(Happening::LayerChanged { old, new });
    }

    /// Forgets everything, as a server does that starts anew.
    pub(super) fn begin_record(&mut self) {
        let followers = self.record.followers;
        let mut trail = std::mem::take(&mut self.record.trail);
        trail.clear();
        self.record = Record {
            followers,
            trail,
            ..Record::since(self.now)
        };
    }
}
