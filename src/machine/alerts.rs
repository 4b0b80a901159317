//! What is wrong with a machine right now, as a level: who tells it finds the edges.

use super::{KeyRejection, Link, Machine, Outcome, PrinterState, Timestamp};

/// A condition that an operator should know of, as long as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub kind: AlertKind,
    /// What OctoPrint or the network said; for people.
    pub text: String,
    /// OctoPrint's own word for the cause of an error (`firmware`, `resend_loop`, …), where it told one.
    pub reason: Option<String>,
    pub since: Timestamp,
}

/// The kinds of alerts; at most one of each holds at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertKind {
    /// OctoPrint does not answer.
    Unreachable,
    /// OctoPrint does not accept the API key.
    KeyRejected,
    /// The printer reported an error that is not one of temperature.
    PrinterError,
    /// The firmware stopped because of a temperature (thermal runaway, MINTEMP, MAXTEMP, heating failed).
    ThermalError,
    /// The connection to the printer was lost during a print.
    Disconnected,
    /// The print waits until somebody has changed the filament (M600).
    FilamentChange,
}

/// Words of firmware and OctoPrint for an error of temperature.
const THERMAL: [&str; 5] = ["thermal", "temp", "heating", "heater", "runaway"];

impl Alert {
    fn new(kind: AlertKind, text: &str, since: Timestamp) -> Self {
        Self {
            kind,
            text: text.trim().to_owned(),
            reason: None,
            since,
        }
    }

    /// Nothing new but the time.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.kind, &self.text, &self.reason) == (other.kind, &other.text, &other.reason)
    }
}

impl Machine {
    /// The alerts that hold now, each kind at most once.
    pub fn alerts(&self) -> Vec<Alert> {
        let trouble = match &self.link {
            Link::Waiting => None,
            Link::Unreachable { since, why } => {
                Some(Alert::new(AlertKind::Unreachable, &why.detail, *since))
            }
            Link::KeyRejected { since, why } => {
                Some(Alert::new(AlertKind::KeyRejected, &rejection(why), *since))
            }
            Link::Up { .. } => self.printer_alert(),
        };
        // That the printer waits for somebody does not change while nobody can ask it.
        let change = self.filament_change.map(|change| {
            let text = "the filament must be changed";
            Alert::new(AlertKind::FilamentChange, text, change.since)
        });
        trouble.into_iter().chain(change).collect()
    }

    fn printer_alert(&self) -> Option<Alert> {
        let report = self.report.as_ref()?;
        let since = self.state_since?;
        let trouble = self.trouble.as_ref().filter(|last| last.holds);
        let trouble = trouble.map(|last| &last.trouble);
        let told = trouble
            .map(|trouble| trouble.text.as_str())
            .or(report.error.as_deref())
            .filter(|text| !text.trim().is_empty());
        let error = |text: &str| Alert {
            reason: trouble.and_then(|trouble| trouble.reason.clone()),
            ..Alert::new(error_kind(text), text, since)
        };
        match (report.state, told) {
            (PrinterState::Error, told) => Some(error(told.unwrap_or(&report.state_text))),
            (PrinterState::Offline, Some(text)) => Some(error(text)),
            (PrinterState::Offline, None) => match self.last_job()?.end()? {
                (at, Outcome::Failed { reason }) if at >= since => {
                    Some(Alert::new(AlertKind::Disconnected, reason, since))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn rejection(why: &KeyRejection) -> String {
    match why {
        KeyRejection::Unknown => "OctoPrint does not know the API key".to_owned(),
        KeyRejection::LacksStatus { user } => {
            format!("the API key of {user} lacks the STATUS permission")
        }
        KeyRejection::Unexplained { status } => {
            format!("OctoPrint rejects the API key with status {status}")
        }
    }
}

fn error_kind(text: &str) -> AlertKind {
    let text = text.to_lowercase();
    if THERMAL.iter().any(|word| text.contains(word)) {
        AlertKind::ThermalError
    } else {
        AlertKind::PrinterError
    }
}
