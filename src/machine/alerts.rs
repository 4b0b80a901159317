//! What is wrong with a machine right now, as a level: who tells it finds the edges.

use super::{KeyRejection, Link, Machine, Outcome, PrinterState, Timestamp};

/// A condition that an operator should know of, as long as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub kind: AlertKind,
    /// What OctoPrint or the network said; for people.
    pub text: String,
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
}

/// Words of firmware and OctoPrint for an error of temperature.
const THERMAL: [&str; 5] = ["thermal", "temp", "heating", "heater", "runaway"];

impl Machine {
    /// The alerts that hold now, each kind at most once.
    pub fn alerts(&self) -> Vec<Alert> {
        match &self.link {
            Link::Waiting => Vec::new(),
            Link::Unreachable { since, why } => vec![Alert {
                kind: AlertKind::Unreachable,
                text: why.detail.clone(),
                since: *since,
            }],
            Link::KeyRejected { since, why } => vec![Alert {
                kind: AlertKind::KeyRejected,
                text: rejection(why),
                since: *since,
            }],
            Link::Up { .. } => self.printer_alert().into_iter().collect(),
        }
    }

    fn printer_alert(&self) -> Option<Alert> {
        let report = self.report.as_ref()?;
        let told = report
            .error
            .as_deref()
            .filter(|text| !text.trim().is_empty());
        let (kind, text) = match (report.state, told) {
            (PrinterState::Error, told) => {
                let text = told.unwrap_or(&report.state_text);
                (error_kind(text), text)
            }
            (PrinterState::Offline, Some(text)) => (error_kind(text), text),
            (PrinterState::Offline, None) => match self.last_job()?.end()? {
                (at, Outcome::Failed { reason }) if Some(at) >= self.state_since => {
                    (AlertKind::Disconnected, reason.as_str())
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(Alert {
            kind,
            text: text.trim().to_owned(),
            since: self.state_since?,
        })
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
