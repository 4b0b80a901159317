//! Two answers become one report.

use super::state;
use super::wire::{JobAnswer, PrinterAnswer};
use crate::machine::{Report, TemperatureReport};

/// What one round told of printer and job. `printer` is `None` if it was not asked, or was just not connected.
pub(super) fn report(job: JobAnswer, printer: Option<PrinterAnswer>) -> Report {
    let (flags, printer_text, printer_error, temperatures) = match printer {
        Some(printer) => (
            printer.flags,
            printer.state_text,
            printer.error,
            printer.temperatures,
        ),
        None => (None, String::new(), None, TemperatureReport::NotAsked),
    };
    let state_text = if job.state_text.is_empty() {
        printer_text
    } else {
        job.state_text
    };
    Report {
        state: state::state(&state_text, flags.as_ref()),
        error: job
            .error
            .or(printer_error)
            .or_else(|| state::error_in(&state_text)),
        state_text,
        flags,
        file: job.file,
        progress: job.progress,
        estimates: job.estimates,
        user: job.user,
        temperatures,
        ..Report::default()
    }
}
