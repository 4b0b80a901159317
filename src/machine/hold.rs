//! News as they come in, and reports that wait for the news that explain them.

use super::hearing::{Extent, PATIENCE};
use super::{
    DataSource, JobEvent, Machine, News, PrintNews, PrinterState, Report, Timestamp, Trouble, later,
};

/// A report of which nothing is shown yet, because it is half of a conclusion (see `hearing`).
#[derive(Debug, Clone)]
pub(super) struct Held {
    report: Report,
    extent: Extent,
    since: Timestamp,
}

impl Held {
    /// When a report that counts at `at` showed its state first.
    pub(super) fn first_seen(held: Option<Self>, report: &Report, at: Timestamp) -> Timestamp {
        held.filter(|held| held.report.state == report.state)
            .map_or(at, |held| held.since)
    }

    /// When it counts as it is. The state alone never does: what became of the print is for the next report to tell.
    pub(super) fn due(&self) -> Option<Timestamp> {
        (self.extent == Extent::Whole).then(|| later(self.since, PATIENCE))
    }
}

/// The last error that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastTrouble {
    pub trouble: Trouble,
    pub at: Timestamp,
    pub(super) holds: bool,
}

impl LastTrouble {
    /// Nothing has shown yet that it is over.
    pub fn holds(&self) -> bool {
        self.holds
    }
}

/// Somebody has to change the filament.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilamentChange {
    pub since: Timestamp,
    /// How far the file was sent then, in bytes.
    position: Option<u64>,
}

impl FilamentChange {
    /// The print goes on, or is over.
    fn is_done(&self, report: &Report, at: Timestamp) -> bool {
        let goes_on = match (self.position, report.progress.file_position) {
            (Some(then), Some(now)) => now > then,
            (None, _) | (_, None) => false,
        };
        // What was sent before the printer stopped to listen may be reported after the news.
        let settled = at >= later(self.since, PATIENCE);
        !report.state.has_active_job()
            || report.state == PrinterState::Resuming
            || (goes_on && settled && report.state == PrinterState::Printing)
    }
}

impl Machine {
    pub(super) fn judge_filament(&mut self, report: &Report, at: Timestamp) {
        self.filament_change
            .take_if(|change| change.is_done(report, at));
    }

    pub(super) fn hear(&mut self, news: News, at: Timestamp) -> Vec<JobEvent> {
        match news {
            // Nothing is known that it could change. A source begins with how everything stands.
            News::Print(_) if self.report.is_none() => Vec::new(),
            News::State { state, text } => self.hear_state(state, text, at),
            News::Print(PrintNews::Started { file, user }) => {
                let mut events = self.tracker.hear_start(file, at);
                if events.is_empty() {
                    events.extend(self.release(at));
                } else {
                    // It took the place of a print: the state that is still shown was that one's.
                    self.held = None;
                    events.extend(self.hear_state(
                        PrinterState::Starting,
                        "Starting".to_owned(),
                        at,
                    ));
                }
                if let (Some(report), Some(_)) = (&mut self.report, &user) {
                    report.user = user;
                }
                events
            }
            News::Print(PrintNews::Over {
                file,
                ending,
                print_time,
            }) => {
                let trouble = self.trouble.as_ref().filter(|last| last.holds);
                let trouble = trouble.map(|last| &last.trouble);
                let file = file.as_ref();
                let mut events = self.tracker.hear_end(file, ending, print_time, trouble, at);
                events.extend(self.release(at));
                events
            }
            News::Trouble(trouble) => {
                self.tracker.hear_reason(&trouble);
                self.trouble = Some(LastTrouble {
                    trouble,
                    at,
                    holds: true,
                });
                self.release(at)
            }
            News::Firmware(firmware) => {
                self.firmware = Some(firmware);
                Vec::new()
            }
            News::FilamentChange => {
                let position = self
                    .report
                    .as_ref()
                    .and_then(|report| report.progress.file_position);
                self.filament_change.get_or_insert(FilamentChange {
                    since: at,
                    position,
                });
                Vec::new()
            }
            News::Tool(tool) => {
                if let Some(report) = &mut self.report {
                    report.tool = Some(tool);
                }
                Vec::new()
            }
        }
    }

    /// The state alone: what else the newest report said is still believed.
    fn hear_state(&mut self, state: PrinterState, text: String, at: Timestamp) -> Vec<JobEvent> {
        let Some(report) = &self.report else {
            return Vec::new();
        };
        let fails = state == PrinterState::Offline && self.is_failing();
        let state = if fails { PrinterState::Error } else { state };
        let mut report = report.clone();
        if !matches!(state, PrinterState::Offline | PrinterState::Error) {
            report.error = None;
        }
        if !state.is_connected() {
            report.temperatures = super::TemperatureReport::NotAsked;
            report.z = None;
            report.tool = None;
            report.resends = None;
        }
        report.told_at = None;
        report.state = state;
        report.state_text = text;
        self.take_report(report, Extent::State, at)
    }

    /// Adds what the source only tells by itself: it still holds when the source was merely asked in between.
    pub(super) fn complete(&self, report: &mut Report) {
        let (Some(before), DataSource::Push) = (&self.report, &self.source) else {
            return;
        };
        if !report.state.is_connected() {
            return;
        }
        // Before OctoPrint 2.0 only news tell the tool.
        report.tool = report.tool.or(before.tool);
        let was_asked = report.told_at.is_none();
        if was_asked {
            report.z = report.z.or(before.z);
            report.resends = report.resends.or(before.resends);
        }
    }

    pub(super) fn hold(&mut self, report: Report, extent: Extent, at: Timestamp) {
        let since = self.held.as_ref().map_or(at, |held| held.since);
        self.held = Some(Held {
            report,
            extent,
            since,
        });
    }

    /// What waits is looked at again: the other half may have come.
    fn release(&mut self, at: Timestamp) -> Vec<JobEvent> {
        match self.held.clone() {
            Some(held) => self.take_report(held.report, held.extent, at),
            None => Vec::new(),
        }
    }

    pub(super) fn release_if_due(&mut self, at: Timestamp) -> Vec<JobEvent> {
        let due = self.held.as_ref().and_then(Held::due);
        if due.is_some_and(|due| due <= at) {
            self.release(at)
        } else {
            Vec::new()
        }
    }

    fn is_failing(&self) -> bool {
        self.trouble.as_ref().is_some_and(|last| last.holds)
    }

    /// Gives a report of a failed printer the error that was told before it, and sees when an error is over:
    /// OctoPrint 2.0 does not repeat it (facts: octoprint.md §0.4).
    pub(super) fn judge_trouble(&mut self, report: &mut Report, at: Timestamp) {
        let Some(last) = &mut self.trouble else {
            return;
        };
        match report.state {
            PrinterState::Error | PrinterState::Offline if last.holds => {
                report
                    .error
                    .get_or_insert_with(|| last.trouble.text.clone());
            }
            PrinterState::Error | PrinterState::Offline | PrinterState::Unknown => {}
            PrinterState::Connecting => last.holds = false,
            // A report may have been on its way when the error was told.
            _ => last.holds &= at < later(last.at, PATIENCE),
        }
    }
}
