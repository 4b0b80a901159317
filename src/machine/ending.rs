//! How a job ended, concluded from the first report in which it does not run any more.
//!
//! OctoPrint of every version says "Operational" after a print that was completed, cancelled or forgotten in a
//! restart; what it says of the file and the progress tells them apart.

use super::active::{Active, Stage, Verdict, Watch};
use super::mark::is_complete;
use super::{Outcome, PrinterState, Report};

impl Active {
    /// Judges a report without an active job; the first rule that applies wins.
    pub(super) fn judge(&self, report: &Report) -> Verdict {
        // What went wrong may be the trouble of a later print, which nobody saw.
        if self.watch() == Watch::Interrupted && self.is_other_file(report.file.as_ref()) {
            return Verdict::Over(another_file());
        }
        if let Some(reason) = failure(report) {
            return Verdict::Over(Outcome::Failed { reason });
        }
        if self.stage() == Stage::Cancelling {
            return Verdict::Over(Outcome::Cancelled);
        }
        if report.state.is_connected() {
            self.judge_ready(report)
        } else {
            Verdict::Over(match self.watch() {
                Watch::Unbroken => Outcome::Failed {
                    reason: "printer disconnected".to_owned(),
                },
                Watch::Interrupted => Outcome::Unknown {
                    why: "it ended while the printer was out of sight".into(),
                },
            })
        }
    }

    /// The printer is ready (or copies a file): file and progress tell how the job ended.
    fn judge_ready(&self, report: &Report) -> Verdict {
        if self.is_other_file(report.file.as_ref()) {
            return Verdict::Over(another_file());
        }
        // Given up with the file still selected is cancelled. Without a file the source knows nothing of the job.
        let given_up = match report.file {
            Some(_) => Outcome::Cancelled,
            None => Outcome::Unknown {
                why: "the print is not known there any more, as after a restart".into(),
            },
        };
        match report.progress.completion {
            Some(completion) if is_complete(completion) => Verdict::Over(Outcome::Completed),
            Some(_) if self.stage() != Stage::Contradicted => Verdict::Wait,
            Some(_) | None => Verdict::Over(given_up),
        }
    }
}

fn another_file() -> Outcome {
    Outcome::Unknown {
        why: "another file was selected before its end was seen".into(),
    }
}

/// What went wrong, if the report says that something did: the error, else the source's words for the state.
fn failure(report: &Report) -> Option<String> {
    let told = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let error = report.error.as_deref().and_then(told);
    match report.state {
        PrinterState::Error => Some(
            error
                .or_else(|| told(&report.state_text))
                .unwrap_or_else(|| "printer error".to_owned()),
        ),
        PrinterState::Offline => error,
        _ => None,
    }
}
